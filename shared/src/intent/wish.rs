//! One value that is to become another (pure).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::collision::WishCollision;
use crate::cloudinary::escape::metadata_value;
use crate::observation::ValuePairs;

/// The wanted future of one value.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct ValueWish<T> {
    pub to: T,
    /// The value that both sides agreed on when it was first wished for.
    pub base: T,
    /// When it was decided: microseconds.
    pub at: i64,
    /// Earlier wishes that nothing has confirmed. They may be found in Cloudinary, and are nobody
    /// else's change.
    #[serde(default = "Vec::new", skip_serializing_if = "Vec::is_empty")]
    pub ours: Vec<T>,
}

impl<T: PartialEq> ValueWish<T> {
    /// Tells whether Cloudinary holds a value that somebody else put there since.
    pub(super) fn collides_with(&self, theirs: &T) -> bool {
        self.is_foreign(|known| known == theirs)
    }

    /// Tells whether that happened after this decision, as far as is known.
    pub(super) fn lost_against(&self, theirs: &T, changed: Option<i64>) -> bool {
        self.collides_with(theirs) && self.is_before(changed)
    }
}

impl<T> ValueWish<T> {
    /// Tells whether a value is none of those that this wish knows of.
    fn is_foreign(&self, is_known: impl Fn(&T) -> bool) -> bool {
        !is_known(&self.base) && !is_known(&self.to) && !self.ours.iter().any(is_known)
    }

    fn is_before(&self, changed: Option<i64>) -> bool {
        changed > Some(self.at)
    }
}

/// Wishes for single keys of `context` or `metadata`; `None` means that the key is to go.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PairWishes(pub BTreeMap<String, ValueWish<Option<Value>>>);

impl PairWishes {
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn lay_over(&self, pairs: &mut ValuePairs) {
        for (key, wish) in &self.0 {
            match &wish.to {
                Some(value) => drop(pairs.insert(key.clone(), value.clone())),
                None => drop(pairs.remove(key)),
            }
        }
    }

    pub(super) fn yield_to_later(&mut self, observed: &ValuePairs, changed: Option<i64>) {
        self.0
            .retain(|key, wish| !(collides(wish, observed.get(key)) && wish.is_before(changed)));
    }

    pub(super) fn forget_fulfilled(&mut self, observed: &ValuePairs, clock: Option<i64>) {
        self.0.retain(|key, wish| {
            clock < Some(wish.at) || !is_same(wish.to.as_ref(), observed.get(key))
        });
    }

    /// Takes the wishes that were sent, since they did not hold `before`, and do not hold now either.
    pub(super) fn yield_to_answer(
        &mut self,
        field: &'static str,
        before: &ValuePairs,
        observed: &ValuePairs,
    ) -> Vec<WishCollision> {
        let is_unmade = |key: &String, wish: &mut ValueWish<Option<Value>>| {
            let to = wish.to.as_ref();
            to != before.get(key) && !is_same(to, observed.get(key))
        };
        let unmade = self.0.extract_if(.., is_unmade);
        let unmade = unmade.map(|(key, wish)| WishCollision {
            field,
            ours: wish.to.unwrap_or_default(),
            theirs: observed.get(&key).cloned().unwrap_or_default(),
            key: Some(key),
        });
        unmade.collect()
    }

    pub(super) fn collisions(
        &self,
        field: &'static str,
        observed: &ValuePairs,
    ) -> impl Iterator<Item = WishCollision> {
        let collision = move |(key, wish): (&String, &ValueWish<Option<Value>>)| {
            let theirs = observed.get(key);
            collides(wish, theirs).then(|| WishCollision {
                field,
                key: Some(key.clone()),
                ours: wish.to.clone().unwrap_or_default(),
                theirs: theirs.cloned().unwrap_or_default(),
            })
        };
        self.0.iter().filter_map(collision)
    }
}

fn collides(wish: &ValueWish<Option<Value>>, theirs: Option<&Value>) -> bool {
    wish.is_foreign(|known| is_same(known.as_ref(), theirs))
}

/// Tells whether both are one value to Cloudinary. It is sent text, and converts it to the field's
/// type. A number that was wished for is found as text in a text field, and the other way round.
fn is_same(one: Option<&Value>, other: Option<&Value>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => one == other || metadata_value(one) == metadata_value(other),
        (one, other) => one == other,
    }
}
