use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use futures::FutureExt;
use futures::future::join_all;
use tokio::sync::Semaphore;

use super::policy::{PACE, Pace};
use super::*;

/// A value that any refusal makes another one, without a pause.
pub(super) fn changing<T: Clone + Send + Sync + 'static>(old: T, new: T) -> LiveValue<T> {
    let store = Store::holding("new");
    store.live(AT_ONCE).part(move |word| match word.as_str() {
        "old" => old.clone(),
        _ => new.clone(),
    })
}

/// As the pace of production, but refusals are answered at once.
const AT_ONCE: Pace = Pace {
    pause: Duration::ZERO,
    ..PACE
};

/// A store with one word in its secret, or with none while it fails.
#[derive(Clone)]
struct Store {
    word: Arc<Mutex<Option<&'static str>>>,
    reads: Arc<AtomicU32>,
    readers: Arc<AtomicU32>,
    open: Arc<Semaphore>,
}

impl Store {
    fn holding(word: &'static str) -> Self {
        Self {
            word: Arc::new(Mutex::new(Some(word))),
            reads: Arc::default(),
            readers: Arc::default(),
            open: Arc::new(Semaphore::new(1_000)),
        }
    }

    fn set(&self, word: Option<&'static str>) {
        *self.word.lock().unwrap() = word;
    }

    fn reads(&self) -> u32 {
        self.reads.load(Ordering::SeqCst)
    }

    fn live(&self, pace: Pace) -> LiveValue<String> {
        let content = |word: &str| SecretContent::from([("WORD".to_owned(), word.to_owned())]);
        let store = self.clone();
        let fetch: SecretFetch = Box::new(move || {
            let store = store.clone();
            Box::pin(async move {
                store.reads.fetch_add(1, Ordering::SeqCst);
                let others = store.readers.fetch_add(1, Ordering::SeqCst);
                assert_eq!(others, 0, "one reader at a time");
                store.open.acquire().await.unwrap().forget();
                store.readers.fetch_sub(1, Ordering::SeqCst);
                let word = *store.word.lock().unwrap();
                Ok(content(word.ok_or("the store is down")?))
            })
        });
        let source = Source::with_pace(content("old"), fetch, pace);
        let read = |content: &SecretContent| content.get("WORD").cloned();
        LiveValue::of(source, read, "old".to_owned())
    }
}

/// A store whose secret was just read.
fn not_due_for_an_hour() -> (Store, LiveValue<String>) {
    let store = Store::holding("new");
    let live = store.live(Pace {
        pause: Duration::from_secs(3_600),
        ..PACE
    });
    (store, live)
}

#[tokio::test]
async fn a_fixed_value_has_no_newer_version() {
    let live = LiveValue::fixed(7);
    let version = live.current().await;
    assert_eq!(*version, 7);
    assert!(live.renewed(&version, Deadline::NEVER).await.is_none());
}

#[tokio::test]
async fn a_refusal_finds_the_new_value_with_one_read() {
    let store = Store::holding("new");
    let live = store.live(AT_ONCE);
    let refused = live.current().await;
    assert_eq!(
        (refused.as_str(), store.reads()),
        ("old", 0),
        "no read on the usual way"
    );
    let newer = live.renewed(&refused, Deadline::NEVER).await.unwrap();
    assert_eq!(newer.as_str(), "new");
    assert_eq!(newer.previous().unwrap(), "old");
    let found = live.renewed(&refused, Deadline::NEVER).await.unwrap();
    assert_eq!(
        (found.as_str(), store.reads()),
        ("new", 1),
        "it is there already"
    );
    assert!(live.renewed(&newer, Deadline::NEVER).await.is_none());
    assert_eq!(store.reads(), 2);
}

#[tokio::test]
async fn an_old_value_is_read_again_before_it_is_used() {
    let store = Store::holding("new");
    let live = store.live(Pace {
        lives: Duration::ZERO,
        ..AT_ONCE
    });
    assert_eq!(live.current().await.as_str(), "new");
}

#[tokio::test]
async fn the_last_good_value_serves_while_the_store_fails() {
    let store = Store::holding("new");
    store.set(None);
    let live = store.live(AT_ONCE);
    let refused = live.current().await;
    assert!(live.renewed(&refused, Deadline::NEVER).await.is_none());
    assert_eq!(live.current().await.as_str(), "old");
    store.set(Some("new"));
    let newer = live.renewed(&refused, Deadline::NEVER).await.unwrap();
    assert_eq!(newer.as_str(), "new");
}

#[tokio::test]
async fn parts_share_one_source_and_one_read() {
    let store = Store::holding("newer");
    let whole = store.live(AT_ONCE);
    let length = whole.part(String::len);
    let refused = length.current().await;
    assert_eq!(*length.renewed(&refused, Deadline::NEVER).await.unwrap(), 5);
    let (word, same) = whole.part(|word| (word.clone(), word.len())).split();
    assert_eq!(
        (word.current().await.as_str(), *same.current().await),
        ("newer", 5)
    );
    assert_eq!(store.reads(), 1);
}

#[tokio::test]
async fn many_refusals_at_once_share_the_reader() {
    let store = Store::holding("new");
    store.open.forget_permits(1_000);
    let live = store.live(AT_ONCE);
    let refused = live.current().await;
    let everybody = (0..100).map(|_| live.renewed(&refused, Deadline::NEVER));
    let opened = async {
        while store.reads() == 0 {
            tokio::task::yield_now().await;
        }
        store.open.add_permits(1_000);
    };
    let (found, ()) = tokio::join!(join_all(everybody), opened);
    for newer in found {
        assert_eq!(newer.unwrap().as_str(), "new");
    }
}

#[tokio::test]
async fn a_refusal_too_early_waits_no_longer_than_its_deadline() {
    let (store, live) = not_due_for_an_hour();
    let refused = live.current().await;
    let soon = Deadline::at(Instant::now() + Duration::from_millis(5));
    assert!(live.renewed(&refused, soon).await.is_none());
    assert!(live.renewed_if_due(&refused).await.is_none());
    assert_eq!(store.reads(), 0);
}

#[tokio::test]
async fn forgeries_make_a_copy_wait_once() {
    let (store, live) = not_due_for_an_hour();
    let refused = live.current().await;
    let soon = Deadline::at(Instant::now() + Duration::from_millis(5));
    assert!(live.renewed_for_stranger(&refused, soon).await.is_none());
    let again = live.renewed_for_stranger(&refused, Deadline::NEVER);
    let answer = again.now_or_never().expect("the second does not wait");
    assert!(answer.is_none());
    let key = live.renewed(&refused, Deadline::NEVER).now_or_never();
    assert!(key.is_none(), "a refusal of our own key waits");
    assert_eq!(store.reads(), 0);
}
