//! Applies a sighting to the values that were last observed (pure).

use std::cmp::Ordering;

use super::AssetRow;
use crate::asset::DeliveryName;
use crate::observation::{AssetContent, AssetSighting, ValuePairs, replace_if_newer};

impl AssetRow {
    pub(super) fn observe_sighting(&mut self, at: i64, sighting: &AssetSighting) {
        self.observe_name(at, &sighting.name);
        if let Some(content) = &sighting.content {
            self.observe_content(at, content);
        }
        let Self {
            editable: shown,
            clocks,
            ..
        } = self;
        clocks.changed = clocks.changed.max(sighting.changed);
        replace_if_newer(&mut shown.folder, &mut clocks.folder, at, &sighting.folder);
        replace_if_newer(&mut shown.tags, &mut clocks.tags, at, &sighting.tags);
        let told = &sighting.context;
        replace_pairs_if_newer(&mut shown.context, &mut clocks.context, at, told);
        let told = &sighting.metadata;
        replace_pairs_if_newer(&mut shown.metadata, &mut clocks.metadata, at, told);
        if sighting.display_name.is_some() {
            let told = Some(sighting.display_name.clone());
            replace_if_newer(&mut shown.display_name, &mut clocks.display_name, at, &told);
        }
        self.attributes
            .observe(&mut clocks.attributes, at, &sighting.attributes);
    }

    pub(super) fn observe_name(&mut self, at: i64, name: &DeliveryName) {
        let known = self.name();
        if (self.clocks.name, &known) < (Some(at), name) {
            self.resource_type = name.resource_type;
            self.delivery_type.clone_from(&name.delivery_type);
            self.editable.public_id.clone_from(&name.public_id);
        }
        self.clocks.name = self.clocks.name.max(Some(at));
    }

    /// Contents are ordered by version, then time: a version moves with every upload, and within
    /// one version the URLs still move with a rename.
    fn observe_content(&mut self, at: i64, content: &AssetContent) {
        if self.content.version < content.version {
            self.cancel_delete_of_older_content(content);
            self.content = AssetContent {
                version: content.version,
                ..AssetContent::default()
            };
            self.clocks.content = None;
            self.clocks.stored = None;
        }
        if self.content.version == content.version {
            let known = (
                self.clocks.content,
                &self.content.secure_url,
                &self.content.url,
            );
            let newer = known < (Some(at), &content.secure_url, &content.url);
            self.content.take(content, newer);
            self.clocks.content = self.clocks.content.max(Some(at));
            self.observe_stored(at, content);
        }
    }

    /// Fields that name the stored bytes have a clock of their own. Listings do not tell them, and
    /// a version counts seconds, so two uploads within one second share it.
    fn observe_stored(&mut self, at: i64, content: &AssetContent) {
        if content.etag.is_none() && content.version_id.is_none() {
            return;
        }
        let known = (
            self.clocks.stored,
            &self.content.etag,
            &self.content.version_id,
        );
        let newer = known < (Some(at), &content.etag, &content.version_id);
        self.content.take_stored(content, newer);
        self.clocks.stored = self.clocks.stored.max(Some(at));
    }
}

/// As [`replace_if_newer`]; JSON values have no order of their own, so equal moments are settled
/// by their text.
fn replace_pairs_if_newer(
    field: &mut ValuePairs,
    clock: &mut Option<i64>,
    at: i64,
    told: &Option<ValuePairs>,
) {
    if let Some(told) = told {
        let newer = match (*clock).cmp(&Some(at)) {
            Ordering::Less => true,
            Ordering::Equal => canonical(field) < canonical(told),
            Ordering::Greater => false,
        };
        if newer {
            field.clone_from(told);
        }
        *clock = (*clock).max(Some(at));
    }
}

fn canonical(pairs: &ValuePairs) -> String {
    serde_json::to_string(pairs).expect("JSON values with string keys serialise")
}
