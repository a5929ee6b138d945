//! Values that change while a copy lives: keys and rules from a secret that people rotate.
//!
//! A [`LiveValue`] value is at most five minutes old. After a refusal it is read again, at most once in five
//! seconds for all values of a copy, so that forgers cannot drive the secret's store.

mod policy;
mod source;

use std::fmt;
use std::ops::Deref;
use std::sync::{Arc, Mutex, PoisonError};

use self::source::Source;
pub use self::source::{SecretContent, SecretFetch};
use crate::deadline::Deadline;

/// A value that may be rotated. Clones, and the parts that are taken of it, share one source.
pub struct LiveValue<T> {
    /// Nothing for a value that stays.
    source: Option<Arc<Source>>,
    read: Read<T>,
    known: Arc<Mutex<ValueVersion<T>>>,
}

type Read<T> = Arc<dyn Fn(&SecretContent) -> Option<T> + Send + Sync>;

/// A value as it was at one time.
pub struct ValueVersion<T> {
    value: Arc<T>,
    previous: Option<Arc<T>>,
    generation: u64,
}

impl<T> ValueVersion<T> {
    /// The value before the last change that this copy has seen.
    pub fn previous(&self) -> Option<&T> {
        self.previous.as_deref()
    }
}

impl<T: Send + Sync + 'static> LiveValue<T> {
    /// A value that stays.
    pub fn fixed(value: T) -> Self {
        Self {
            source: None,
            read: Arc::new(|_| None),
            known: Arc::new(Mutex::new(ValueVersion::first(value))),
        }
    }

    /// A value that `read` takes from `content` now, and from what `fetch` finds later.
    ///
    /// Nothing if `content` does not hold it.
    pub fn rotating(
        content: SecretContent,
        fetch: SecretFetch,
        read: impl Fn(&SecretContent) -> Option<T> + Send + Sync + 'static,
    ) -> Option<Self> {
        let value = read(&content)?;
        Some(Self::of(Source::new(content, fetch), read, value))
    }

    fn of(
        source: Source,
        read: impl Fn(&SecretContent) -> Option<T> + Send + Sync + 'static,
        value: T,
    ) -> Self {
        Self {
            source: Some(Arc::new(source)),
            read: Arc::new(read),
            known: Arc::new(Mutex::new(ValueVersion::first(value))),
        }
    }

    /// A part of the value, or something that is made of it.
    pub fn part<U: Send + Sync + 'static>(
        &self,
        choose: impl Fn(&T) -> U + Send + Sync + 'static,
    ) -> LiveValue<U> {
        let whole = self.latest();
        let known = ValueVersion {
            value: Arc::new(choose(&whole)),
            previous: None,
            generation: whole.generation,
        };
        let read = Arc::clone(&self.read);
        LiveValue {
            source: self.source.clone(),
            read: Arc::new(move |content| Some(choose(&read(content)?))),
            known: Arc::new(Mutex::new(known)),
        }
    }

    /// The value as it was last read: for what never changes in it.
    pub fn latest(&self) -> ValueVersion<T> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(source) = &self.source {
            let (content, generation) = source.content();
            if generation != known.generation
                && let Some(value) = (self.read)(&content)
            {
                *known = ValueVersion {
                    value: Arc::new(value),
                    previous: Some(Arc::clone(&known.value)),
                    generation,
                };
            }
        }
        known.clone()
    }

    /// The value, five minutes old at most while its source answers.
    pub async fn current(&self) -> ValueVersion<T> {
        self.current_until(Deadline::NEVER).await
    }

    /// The same, as it was last read if its source does not answer by then.
    pub async fn current_until(&self, deadline: Deadline) -> ValueVersion<T> {
        if let Some(source) = &self.source {
            source.keep_fresh(deadline).await;
        }
        self.latest()
    }

    /// A newer version than one that was refused. Waits until the secret may be read; nothing if it
    /// holds no other value, or `deadline` comes first.
    pub async fn renewed(
        &self,
        refused: &ValueVersion<T>,
        deadline: Deadline,
    ) -> Option<ValueVersion<T>> {
        if let Some(newer) = self.newer(refused) {
            return Some(newer);
        }
        self.source.as_ref()?.renew(deadline).await;
        self.newer(refused)
    }

    /// As [`LiveValue::renewed`], for what strangers send: whoever sends forgeries makes a copy wait once in a minute.
    pub async fn renewed_for_stranger(
        &self,
        refused: &ValueVersion<T>,
        deadline: Deadline,
    ) -> Option<ValueVersion<T>> {
        if let Some(newer) = self.newer(refused) {
            return Some(newer);
        }
        self.source.as_ref()?.renew_for_stranger(deadline).await;
        self.newer(refused)
    }

    /// As [`LiveValue::renewed`], but waits for no pause: for refusals that cost their sender little.
    pub async fn renewed_if_due(&self, refused: &ValueVersion<T>) -> Option<ValueVersion<T>> {
        if let Some(newer) = self.newer(refused) {
            return Some(newer);
        }
        self.source.as_ref()?.renew_if_due().await;
        self.newer(refused)
    }

    fn newer(&self, refused: &ValueVersion<T>) -> Option<ValueVersion<T>> {
        Some(self.latest()).filter(|latest| latest.generation != refused.generation)
    }
}

impl<A: Clone + Send + Sync + 'static, B: Clone + Send + Sync + 'static> LiveValue<(A, B)> {
    /// Both parts of a pair.
    pub fn split(&self) -> (LiveValue<A>, LiveValue<B>) {
        (
            self.part(|(one, _)| one.clone()),
            self.part(|(_, other)| other.clone()),
        )
    }
}

impl<T> ValueVersion<T> {
    fn first(value: T) -> Self {
        Self {
            value: Arc::new(value),
            previous: None,
            generation: 0,
        }
    }
}

impl<T> Deref for ValueVersion<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T> Clone for ValueVersion<T> {
    fn clone(&self) -> Self {
        Self {
            value: Arc::clone(&self.value),
            previous: self.previous.clone(),
            generation: self.generation,
        }
    }
}

impl<T> Clone for LiveValue<T> {
    fn clone(&self) -> Self {
        Self {
            source: self.source.clone(),
            read: Arc::clone(&self.read),
            known: Arc::clone(&self.known),
        }
    }
}

impl<T: fmt::Debug> fmt::Debug for ValueVersion<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.value.fmt(f)
    }
}

/// As the value shows itself.
impl<T: fmt::Debug> fmt::Debug for LiveValue<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        f.debug_tuple("Live").field(&known.value).finish()
    }
}

#[cfg(test)]
mod in_use;
#[cfg(test)]
mod tests;
