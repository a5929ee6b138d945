//! Decisions made here that wait to be carried out in Cloudinary (pure).
//!
//! An intent is a set of wishes. Each names one value's wanted future, its value at the decision
//! (the base of the three-way merge), and the moment. The row shows the observed values with the
//! wishes laid over them. A wish ends when it is observed to hold, or when it lost against a later
//! change in Cloudinary. Nothing else ends it: an answer is not proof, a look is.

mod collision;
mod editable;
mod wish;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

pub use self::collision::WishCollision;
pub use self::editable::EditableValues;
pub use self::wish::{PairWishes, ValueWish};
use crate::observation::{AssetClocks, ChangeClocks};

/// The decisions about one asset, as `media_assets.intent` holds them.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Intent {
    /// When the latest decision was made: microseconds, later than all that the row knew then.
    pub at: i64,
    /// The user who made it; none for writes past the API.
    pub by: Option<Uuid>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub existence: Option<ExistenceWish>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub public_id: Option<ValueWish<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub folder: Option<ValueWish<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub display_name: Option<ValueWish<Option<String>>>,
    /// Which tags are to be there (`true`) and which not. Adding and removing commute with
    /// everything that others add and remove, so tags need no base.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, bool>,
    #[serde(skip_serializing_if = "PairWishes::is_empty")]
    pub context: PairWishes,
    #[serde(skip_serializing_if = "PairWishes::is_empty")]
    pub metadata: PairWishes,
}

/// A wish for the asset itself: to be gone, or to be there.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "snake_case")]
pub enum ExistenceWish {
    /// Delete the asset, if it still has the content that was to be deleted.
    Delete {
        version: Option<i64>,
        etag: Option<String>,
    },
    /// Bring a deleted asset back.
    Restore,
}

impl Intent {
    pub fn is_delete(&self) -> bool {
        matches!(self.existence, Some(ExistenceWish::Delete { .. }))
    }

    pub fn is_restore(&self) -> bool {
        self.existence == Some(ExistenceWish::Restore)
    }

    /// Tells whether any value is to be changed.
    pub fn has_edits(&self) -> bool {
        self.public_id.is_some()
            || self.folder.is_some()
            || self.display_name.is_some()
            || !self.tags.is_empty()
            || !self.context.is_empty()
            || !self.metadata.is_empty()
    }

    /// The values to be changed, in the columns' words; each key of `context` and `metadata`.
    pub fn edited_fields(&self) -> Vec<String> {
        let single = [
            ("cloudinary_public_id", self.public_id.is_some()),
            ("folder", self.folder.is_some()),
            ("display_name", self.display_name.is_some()),
            ("tags", !self.tags.is_empty()),
        ];
        let single = single.into_iter().filter(|(_, is_wished)| *is_wished);
        let keys = [("context", &self.context), ("metadata", &self.metadata)];
        let keys = keys
            .into_iter()
            .flat_map(|(group, wishes)| wishes.0.keys().map(move |key| format!("{group}.{key}")));
        single
            .map(|(name, _)| name.to_owned())
            .chain(keys)
            .collect()
    }

    /// Tells whether nothing is left to be done.
    pub fn is_empty(&self) -> bool {
        self.existence.is_none() && !self.has_edits()
    }

    /// The values that the row shows: the observed ones, with the wishes laid over them.
    #[must_use]
    pub fn over(&self, observed: &EditableValues) -> EditableValues {
        let mut shown = observed.clone();
        if let Some(wish) = &self.public_id {
            shown.public_id.clone_from(&wish.to);
        }
        if let Some(wish) = &self.folder {
            shown.folder.clone_from(&wish.to);
        }
        if let Some(wish) = &self.display_name {
            shown.display_name.clone_from(&wish.to);
        }
        shown.tags.retain(|tag| self.tags.get(tag) != Some(&false));
        shown.tags.extend(self.wanted_tags().cloned());
        self.context.lay_over(&mut shown.context);
        self.metadata.lay_over(&mut shown.metadata);
        shown
    }

    fn wanted_tags(&self) -> impl Iterator<Item = &String> {
        let wanted = self.tags.iter().filter(|(_, there)| **there);
        wanted.map(|(tag, _)| tag)
    }

    /// Gives up the wishes against which Cloudinary was changed later: the later change counts.
    ///
    /// Where nothing tells when Cloudinary was changed, the decision made here stands.
    pub fn yield_to_later(&mut self, observed: &EditableValues, changed: &ChangeClocks) {
        let later = |wish: &mut Option<ValueWish<String>>, theirs: &String, when| {
            wish.take_if(|wish| wish.lost_against(theirs, when));
        };
        later(&mut self.public_id, &observed.public_id, changed.name);
        later(&mut self.folder, &observed.folder, changed.folder);
        self.display_name
            .take_if(|wish| wish.lost_against(&observed.display_name, changed.display_name));
        self.context
            .yield_to_later(&observed.context, changed.context);
        self.metadata
            .yield_to_later(&observed.metadata, changed.metadata);
    }

    /// Forgets the wishes that are observed to hold, by an observation that is not older than they
    /// are. An older state may have changed again before the decision.
    pub fn forget_fulfilled(&mut self, observed: &EditableValues, clocks: &AssetClocks) {
        let since = |at: i64, clock: Option<i64>| clock >= Some(at);
        self.public_id
            .take_if(|wish| wish.to == observed.public_id && since(wish.at, clocks.name));
        self.folder
            .take_if(|wish| wish.to == observed.folder && since(wish.at, clocks.folder));
        self.display_name.take_if(|wish| {
            wish.to == observed.display_name && since(wish.at, clocks.display_name)
        });
        if since(self.at, clocks.tags) {
            self.tags
                .retain(|tag, there| observed.tags.contains(tag) != *there);
        }
        self.context
            .forget_fulfilled(&observed.context, clocks.context);
        self.metadata
            .forget_fulfilled(&observed.metadata, clocks.metadata);
    }

    /// Gives up the edits that Cloudinary has accepted and does not show; calls were made for those
    /// that did not hold `before`. Answers them beside Cloudinary's own values.
    ///
    /// Its value after an accepted call is its answer: the same in its own writing, or somebody's
    /// later change. Sending the same once more would change nothing.
    pub fn yield_to_answer(
        &mut self,
        before: &EditableValues,
        observed: &EditableValues,
    ) -> Vec<WishCollision> {
        let mut kept = Vec::new();
        kept.extend(unmade(
            "cloudinary_public_id",
            &mut self.public_id,
            &before.public_id,
            &observed.public_id,
        ));
        kept.extend(unmade(
            "folder",
            &mut self.folder,
            &before.folder,
            &observed.folder,
        ));
        kept.extend(unmade(
            "display_name",
            &mut self.display_name,
            &before.display_name,
            &observed.display_name,
        ));
        self.tags.retain(|tag, there| {
            let holds = |values: &EditableValues| values.tags.contains(tag) == *there;
            let is_unmade = !holds(before) && !holds(observed);
            kept.extend(is_unmade.then(|| WishCollision {
                field: "tags",
                key: Some(tag.clone()),
                ours: (*there).into(),
                theirs: (!*there).into(),
            }));
            !is_unmade
        });
        kept.extend(
            self.context
                .yield_to_answer("context", &before.context, &observed.context),
        );
        kept.extend(self.metadata.yield_to_answer(
            "metadata",
            &before.metadata,
            &observed.metadata,
        ));
        kept
    }

    /// The wishes whose value in Cloudinary is neither the wished one nor the base: somebody else
    /// changed it too.
    pub fn collisions(&self, observed: &EditableValues) -> Vec<WishCollision> {
        let mut collisions = Vec::new();
        let mut note = |field, collides: bool, ours: Value, theirs: Value| {
            if collides {
                collisions.push(WishCollision {
                    field,
                    key: None,
                    ours,
                    theirs,
                });
            }
        };
        if let Some(wish) = &self.public_id {
            let theirs = &observed.public_id;
            let (ours, told) = (wish.to.clone().into(), theirs.clone().into());
            note(
                "cloudinary_public_id",
                wish.collides_with(theirs),
                ours,
                told,
            );
        }
        if let Some(wish) = &self.folder {
            let theirs = &observed.folder;
            let (ours, told) = (wish.to.clone().into(), theirs.clone().into());
            note("folder", wish.collides_with(theirs), ours, told);
        }
        if let Some(wish) = &self.display_name {
            let theirs = &observed.display_name;
            let (ours, told) = (wish.to.clone().into(), theirs.clone().into());
            note("display_name", wish.collides_with(theirs), ours, told);
        }
        collisions.extend(self.context.collisions("context", &observed.context));
        collisions.extend(self.metadata.collisions("metadata", &observed.metadata));
        collisions
    }
}

/// Takes a wish that was sent, since it did not hold `before`, and does not hold now either.
fn unmade<T: PartialEq + Clone + Into<Value>>(
    field: &'static str,
    wish: &mut Option<ValueWish<T>>,
    before: &T,
    observed: &T,
) -> Option<WishCollision> {
    let wish = wish.take_if(|wish| wish.to != *before && wish.to != *observed)?;
    Some(WishCollision {
        field,
        key: None,
        ours: wish.to.into(),
        theirs: observed.clone().into(),
    })
}

#[cfg(test)]
mod tests;
