//! The consequences of observations and decisions (pure).

use super::{AssetRow, SyncState, SyncStatus};
use crate::asset::ResourceType;
use crate::intent::{EditableValues, ExistenceWish, Intent, ValueWish, WishCollision};
use crate::observation::AssetContent;
use crate::time::Timestamp;
use crate::upload::proof::PROOF_KEY;

impl AssetRow {
    /// The values that people edit, as they were last observed.
    pub fn observed_values(&self) -> &EditableValues {
        self.observed.as_ref().unwrap_or(&self.editable)
    }

    /// Tells whether the row shows a name that Cloudinary has not told: it is wished for, or
    /// belonged to the asset before it was deleted.
    pub(crate) fn wishes_for_its_name(&self) -> bool {
        self.intent.as_ref().is_some_and(|intent| {
            intent.public_id.is_some() || intent.is_restore() && self.is_gone()
        })
    }

    /// Takes the wishes off, so that the columns hold the values last observed.
    pub(super) fn unveil(&mut self) {
        if let Some(observed) = self.observed.take() {
            self.editable = observed;
        }
    }

    /// Brings the derived values in line with observations and decisions. The columns hold the
    /// values last observed; afterwards they show the wishes laid over them.
    pub(super) fn settle(&mut self) {
        self.content.mime_type = mime_type(
            self.resource_type,
            self.content.format.as_deref(),
            &self.editable.public_id,
        );
        let decided = self.intent.take();
        let left = decided.as_ref().and_then(|intent| self.left_of(intent));
        match left {
            Some(intent) => {
                if intent.has_edits() {
                    let shown = intent.over(&self.editable);
                    self.observed = Some(std::mem::replace(&mut self.editable, shown));
                }
                self.intent = Some(intent);
            }
            None if decided.is_some() => self.sync = SyncState::default(),
            None => {}
        }
        self.settle_deletion();
    }

    /// The rest of an intent that is still to be done.
    ///
    /// While somebody is carrying it out, nothing counts as done. An older decision may still be on
    /// its way to Cloudinary, and would undo a newer one that seems to hold already. And nothing
    /// does that was observed before it was decided: it may have changed again since.
    fn left_of(&self, intent: &Intent) -> Option<Intent> {
        let mut intent = intent.clone();
        let is_settled = self.intent_claim.is_none();
        let is_known_since = |clock: Option<i64>| clock >= Some(intent.at);
        if self.is_gone() {
            let is_certain = is_known_since(self.clocks.gone);
            match intent.existence {
                // What was asked for has happened, whoever did it.
                Some(ExistenceWish::Delete { .. }) if is_settled && is_certain => return None,
                // There is nothing left to edit.
                None if is_certain => return None,
                _ => {}
            }
        } else if is_settled && intent.is_restore() && is_known_since(self.clocks.alive) {
            intent.existence = None;
        }
        intent.yield_to_later(&self.editable, &self.clocks.changed);
        if is_settled {
            intent.forget_fulfilled(&self.editable, &self.clocks);
        }
        (!intent.is_empty()).then_some(intent)
    }

    fn settle_deletion(&mut self) {
        let intent = self.intent.as_ref();
        if intent.is_some_and(Intent::is_delete) {
            return;
        }
        if self.is_gone() && !intent.is_some_and(Intent::is_restore) {
            // A delete that was decided here keeps the moment of its decision.
            if self.deleted_by.is_none() || self.deleted_at.is_none() {
                self.deleted_at = self.clocks.gone.map(Timestamp::from_micros);
            }
        } else {
            self.deleted_at = None;
            self.deleted_by = None;
        }
    }

    /// A newer upload wins against a delete that was decided on older content: content is never
    /// destroyed by a stale decision. The same bytes under a newer version are no new content.
    pub(super) fn cancel_delete_of_older_content(&mut self, content: &AssetContent) {
        let Some(intent) = &mut self.intent else {
            return;
        };
        if let Some(ExistenceWish::Delete { version, etag }) = &intent.existence {
            let same_bytes = etag.is_some() && *etag == content.etag;
            if version.is_none_or(|version| Some(version) < content.version) && !same_bytes {
                intent.existence = None;
            }
        }
    }

    /// Ends a worker's hold of the row, after a look that followed its calls. Now the wishes may
    /// count as done.
    pub(crate) fn release(&mut self) {
        self.unveil();
        self.intent_claim = None;
        self.settle();
    }

    /// Gives up the edits that Cloudinary has accepted and does not show; `held` is the row that the
    /// calls were made for. Answers them beside Cloudinary's own values.
    pub(crate) fn yield_to_answer(&mut self, held: &Self) -> Vec<WishCollision> {
        let renames = held
            .intent
            .as_ref()
            .is_some_and(|intent| intent.public_id.is_some());
        // Somebody else has renamed it, and the calls may have missed it.
        if !renames && self.observed_name() != held.observed_name() {
            return Vec::new();
        }
        self.unveil();
        let intent = self.intent.as_mut();
        let kept =
            intent.map(|intent| intent.yield_to_answer(held.observed_values(), &self.editable));
        self.settle();
        kept.unwrap_or_default()
    }

    /// Wishes the proof of an upload out of the asset's context, so that no row ever shows it.
    pub(crate) fn wish_proof_away(&mut self) {
        let proof = self.observed_values().context.get(PROOF_KEY).cloned();
        let Some(proof) = proof.filter(|_| self.is_live() && !self.is_gone()) else {
            return;
        };
        let at = self.newest_known().map_or(0, Timestamp::micros) + 1;
        self.unveil();
        let intent = self.intent.get_or_insert_default();
        if !intent.context.0.contains_key(PROOF_KEY) {
            intent.at = at;
            let wish = ValueWish {
                to: None,
                base: Some(proof),
                at,
                ours: Vec::new(),
            };
            intent.context.0.insert(PROOF_KEY.to_owned(), wish);
            if self.sync.status == SyncStatus::Synced {
                self.sync.status = SyncStatus::Pending;
                self.sync.next_attempt_at = Some(Timestamp::from_micros(at));
            }
        }
        self.settle();
    }

    /// Gives up a decision about the asset's name or return, because another live asset has the
    /// name: an observed name outweighs a wished one.
    pub(crate) fn give_name_up(&mut self) {
        self.unveil();
        if let Some(intent) = &mut self.intent {
            intent.public_id = None;
            if intent.is_restore() {
                intent.existence = None;
            }
        }
        self.settle();
    }

    /// Gives up bringing the asset back, since Cloudinary cannot; the row says why.
    pub(crate) fn give_return_up(&mut self, code: &str, message: &str) {
        self.unveil();
        self.intent = None;
        self.sync = SyncState::default();
        self.settle();
        self.sync.error_code = Some(code.to_owned());
        self.sync.error_message = Some(message.to_owned());
    }
}

/// The media type that belongs to the format; raw assets carry theirs in the public id.
fn mime_type(resource_type: ResourceType, format: Option<&str>, public_id: &str) -> Option<String> {
    let extension = match (format, resource_type) {
        (Some(format), _) => format,
        (None, ResourceType::Raw) => public_id.rsplit_once('.')?.1,
        (None, _) => return None,
    };
    mime_guess::from_ext(extension)
        .first_raw()
        .map(str::to_owned)
}
