//! Walking by cursors while others write: unchanged rows are seen exactly once.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use end_to_end::{connect, eventually, library};
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use serde_json::Value;

use super::{Lister, ids};

const WALKS: [(&str, &str); 8] = [
    ("sort_by=created_at", "true"),
    (
        "sort_by=created_at&sort_order=asc&resource_type=image",
        "resource_type = 'image'",
    ),
    ("sort_by=updated_at", "true"),
    ("sort_by=cloudinary_created_at&sort_order=asc", "true"),
    ("sort_by=file_size", "true"),
    ("sort_by=display_name&sort_order=asc", "true"),
    (
        "sort_by=public_id&search=ar",
        "cloudinary_public_id ~ 'ar' or display_name ~* 'ar'
        or original_filename ~ 'ar' or description ~* 'ar' or alt_text ~* 'ar'",
    ),
    (
        "sort_by=file_size&sort_order=asc&tags=tag-0,tag-1&tags_match=any",
        "tags && array['tag-0', 'tag-1']",
    ),
];

/// Every third row is written to; nobody touches the others.
const STILL: &str =
    "abs(hashtext(cloudinary_public_id)) % 3 <> 0 and cloudinary_public_id !~ '^moving'";

#[tokio::test]
async fn a_walk_neither_skips_nor_repeats_what_does_not_change() {
    let mut lister = Lister::start().await;
    library::fill(lister.stack.database_url(), 2_500).await;
    let seed: u64 = rand::rng().random();
    println!("seed {seed}");
    let writing = Writing::start(lister.stack.database_url().to_owned(), seed);
    for (query, condition) in WALKS {
        let still = still(&lister, condition).await;
        let before = writing.changes();
        let seen = walk(&mut lister, query).await;
        let at_least = before + 20;
        eventually("rows were written meanwhile", async || {
            writing.changes() >= at_least
        })
        .await;
        for id in &still {
            assert_eq!(
                seen.get(id),
                Some(&1),
                "seed {seed}: {query}: how often {id} was seen"
            );
        }
        assert!(still.len() > 100, "{query}: there was something to see");
    }
    writing.stop().await;
    lister.stop().await;
}

/// Counts how often each row was seen.
async fn walk(lister: &mut Lister, query: &str) -> BTreeMap<String, usize> {
    let mut seen = BTreeMap::new();
    let mut cursor: Option<String> = None;
    loop {
        let from = cursor.map_or(String::new(), |cursor| format!("&cursor={cursor}"));
        let page = lister.page(&format!("{query}&limit=37{from}")).await;
        for id in ids(&page) {
            *seen.entry(id).or_default() += 1;
        }
        cursor = page["pagination"]["next_cursor"]
            .as_str()
            .map(str::to_owned);
        if cursor.is_none() {
            return seen;
        }
    }
}

async fn still(lister: &Lister, condition: &str) -> BTreeSet<String> {
    let sql = format!(
        "select coalesce(jsonb_agg(id), '[]') from public.media_assets
         where deleted_at is null and {STILL} and ({condition})"
    );
    let ids = end_to_end::value(lister.stack.database_url(), &sql).await;
    let ids = ids.as_array().unwrap().iter();
    ids.filter_map(Value::as_str).map(str::to_owned).collect()
}

/// Somebody who writes as fast as the database lets them.
struct Writing {
    changes: Arc<AtomicUsize>,
    stop: Arc<AtomicBool>,
    task: tokio::task::JoinHandle<()>,
}

impl Writing {
    fn start(url: String, seed: u64) -> Self {
        let (changes, stop) = (Arc::default(), Arc::default());
        let task = tokio::spawn(write(url, seed, Arc::clone(&changes), Arc::clone(&stop)));
        Self {
            changes,
            stop,
            task,
        }
    }

    fn changes(&self) -> usize {
        self.changes.load(Ordering::SeqCst)
    }

    async fn stop(self) {
        self.stop.store(true, Ordering::SeqCst);
        self.task.await.unwrap();
    }
}

async fn write(url: String, seed: u64, changes: Arc<AtomicUsize>, stop: Arc<AtomicBool>) {
    let client = connect(&url).await;
    client
        .batch_execute("set media_sync.observing = 'on'")
        .await
        .unwrap();
    let mut random = StdRng::seed_from_u64(seed);
    while !stop.load(Ordering::SeqCst) {
        let number: u32 = random.random();
        let moment = format!(
            "timestamptz '2023-01-01' + interval '1 second' * {}",
            random.random_range(0..90_000_000)
        );
        let some =
            format!("where not ({STILL}) and abs(hashtext(id::text || '{number}')) % 40 = 0");
        let sql = match random.random_range(0..4) {
            0 => format!(
                "insert into public.media_assets (cloudinary_public_id, resource_type, display_name, file_size, created_at, tags)
                 select 'moving-' || gen_random_uuid(), 'image', 'M ' || n * {number}, n * {number} % 900000, {moment}, '{{tag-0}}'
                 from generate_series(1::bigint, 9) n"
            ),
            1 => format!("update public.media_assets set display_name = 'a' || {number}, file_size = {number} % 400000 {some}"),
            2 => format!("update public.media_assets set deleted_at = case when deleted_at is null then now() end {some}"),
            _ => format!("delete from public.media_assets {some} and cloudinary_public_id ~ '^moving'"),
        };
        let changed = client.execute(&sql, &[]).await;
        let changed = changed.unwrap_or_else(|error| panic!("seed {seed}: {sql}: {error:?}"));
        changes.fetch_add(usize::from(changed > 0), Ordering::SeqCst);
    }
}
