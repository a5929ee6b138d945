//! The secret of one copy: its last good content, and the reads that renew it.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures::future::BoxFuture;
use tokio::time::{sleep_until, timeout};

use super::policy::{Next, PACE, Pace, Reads};
use crate::deadline::Deadline;
use crate::telemetry;

/// A secret's content: names of environment variables, and their values.
pub type SecretContent = BTreeMap<String, String>;

/// Reads the secret's content and checks it, so that an unusable one never counts.
pub type SecretFetch = Box<
    dyn Fn() -> BoxFuture<'static, Result<SecretContent, Box<dyn Error + Send + Sync>>>
        + Send
        + Sync,
>;

/// A store that takes longer is down; the last good content serves meanwhile.
const PATIENCE: Duration = Duration::from_secs(4);

/// The source of all values of a copy.
pub(super) struct Source {
    fetch: SecretFetch,
    pace: Pace,
    state: Mutex<State>,
    /// One reader at a time; the others wait for its result.
    turn: tokio::sync::Mutex<()>,
}

struct State {
    content: Arc<SecretContent>,
    /// Rises with each change of the content.
    generation: u64,
    reads: Reads,
    count: u64,
    /// When a stranger last waited in vain.
    vain_wait: Option<Instant>,
}

impl Source {
    pub(super) fn new(content: SecretContent, fetch: SecretFetch) -> Self {
        Self::with_pace(content, fetch, PACE)
    }

    pub(super) fn with_pace(content: SecretContent, fetch: SecretFetch, pace: Pace) -> Self {
        let now = Instant::now();
        Self {
            fetch,
            pace,
            state: Mutex::new(State {
                content: Arc::new(content),
                generation: 0,
                reads: Reads {
                    last: now,
                    good: now,
                },
                count: 0,
                vain_wait: None,
            }),
            turn: tokio::sync::Mutex::default(),
        }
    }

    pub(super) fn content(&self) -> (Arc<SecretContent>, u64) {
        self.with(|state| (Arc::clone(&state.content), state.generation))
    }

    /// Reads the secret again if the content has become too old.
    pub(super) async fn keep_fresh(&self, deadline: Deadline) {
        let plan = |reads, now| self.pace.plan_use(reads, now);
        // The usual way takes no turn.
        if self.next(&plan) != Next::Keep {
            let _ = deadline.limit(self.act_on(plan)).await;
        }
    }

    /// Returns when the secret was read after this call, or in vain, or no time is left.
    pub(super) async fn renew(&self, deadline: Deadline) {
        let refused_at = Instant::now();
        let plan = |reads, now| self.pace.plan_renewal(reads, refused_at, now);
        let renewed = self.act_on(plan);
        // Out of time: the caller goes on with what there is.
        let _ = deadline.limit(renewed).await;
    }

    /// As [`Self::renew`], but returns at once where a read would have to be waited for.
    pub(super) async fn renew_if_due(&self) {
        let refused_at = Instant::now();
        let plan = |reads, now| match self.pace.plan_renewal(reads, refused_at, now) {
            Next::Wait(_) => Next::Keep,
            next => next,
        };
        self.act_on(plan).await;
    }

    /// As [`Self::renew`], for a refusal that anybody can cause with a forgery. A wait in vain is followed by a time in
    /// which it is [`Self::renew_if_due`]: forgeries would else hold every copy, each for the whole pause.
    pub(super) async fn renew_for_stranger(&self, deadline: Deadline) {
        let refused_at = Instant::now();
        let (before, rests) = self.with(|state| {
            let since_wait = state.vain_wait.map(|at| refused_at.duration_since(at));
            (
                state.generation,
                since_wait.is_some_and(|passed| passed < self.pace.rest),
            )
        });
        if rests {
            return self.renew_if_due().await;
        }
        let plan = |reads, now| self.pace.plan_renewal(reads, refused_at, now);
        let waits = matches!(self.next(&plan), Next::Wait(_));
        self.renew(deadline).await;
        self.with(|state| {
            if waits && state.generation == before {
                state.vain_wait = Some(Instant::now());
            }
        });
    }

    /// Boxed: it is part of every call's future, and seldom run.
    fn act_on<'a>(
        &'a self,
        plan: impl Fn(Reads, Instant) -> Next + Send + 'a,
    ) -> BoxFuture<'a, ()> {
        Box::pin(self.take_turn(plan))
    }

    async fn take_turn(&self, plan: impl Fn(Reads, Instant) -> Next + Send) {
        if self.next(&plan) == Next::Keep {
            return;
        }
        let _turn = self.turn.lock().await;
        loop {
            match self.next(&plan) {
                Next::Keep => return,
                Next::Read => return self.read().await,
                Next::Wait(until) => sleep_until(until.into()).await,
            }
        }
    }

    fn next(&self, plan: &impl Fn(Reads, Instant) -> Next) -> Next {
        plan(self.with(|state| state.reads), Instant::now())
    }

    async fn read(&self) {
        let began = Instant::now();
        // Before the read: one that is given up half-way was a read too.
        let count = self.with(|state| {
            state.reads.last = began;
            state.count += 1;
            state.count
        });
        let read = match timeout(PATIENCE, (self.fetch)()).await {
            Ok(Ok(content)) => content,
            Ok(Err(error)) => {
                telemetry::log_error("the last good configuration stays in use", &*error);
                return;
            }
            Err(_) => {
                tracing::error!(
                    "the secret's store does not answer; the last good configuration stays in use"
                );
                return;
            }
        };
        let has_changed = self.with(|state| {
            state.reads.good = began;
            let has_changed = *state.content != read;
            if has_changed {
                state.content = Arc::new(read);
                state.generation += 1;
            }
            has_changed
        });
        tracing::info!(
            reads = count,
            has_changed,
            "the configuration was read again"
        );
    }

    fn with<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        act(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Shows no content.
impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let generation = self.with(|state| state.generation);
        f.debug_struct("Source")
            .field("generation", &generation)
            .finish_non_exhaustive()
    }
}
