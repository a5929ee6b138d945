//! How a sighting changes the values that were last observed (pure).

use std::cmp::Ordering;

use super::AssetRow;
use crate::asset::DeliveryName;
use crate::observation::{Content, Pairs, Sighting};

impl AssetRow {
    pub(super) fn observe_sighting(&mut self, at: i64, sighting: &Sighting) {
        self.observe_name(at, &sighting.name);
        if let Some(content) = &sighting.content {
            self.observe_content(at, content);
        }
        self.clocks.changed = self.clocks.changed.max(sighting.changed);
        let clocks = &mut self.clocks;
        replace_if_newer(&mut self.folder, &mut clocks.folder, at, &sighting.folder);
        replace_if_newer(&mut self.tags, &mut clocks.tags, at, &sighting.tags);
        replace_pairs_if_newer(
            &mut self.context,
            &mut clocks.context,
            at,
            &sighting.context,
        );
        replace_pairs_if_newer(
            &mut self.metadata,
            &mut clocks.metadata,
            at,
            &sighting.metadata,
        );
        if sighting.display_name.is_some() {
            let told = Some(sighting.display_name.clone());
            replace_if_newer(&mut self.display_name, &mut clocks.display_name, at, &told);
        }
        if sighting.access_mode.is_some() {
            let told = Some(sighting.access_mode.clone());
            replace_if_newer(&mut self.access_mode, &mut clocks.access_mode, at, &told);
        }
    }

    pub(super) fn observe_name(&mut self, at: i64, name: &DeliveryName) {
        let known = self.name();
        if (self.clocks.name, &known) < (Some(at), name) {
            self.resource_type = name.resource_type;
            self.delivery_type.clone_from(&name.delivery_type);
            self.cloudinary_public_id.clone_from(&name.public_id);
        }
        self.clocks.name = self.clocks.name.max(Some(at));
    }

    /// Contents are ordered by version, then time: a version moves with every upload, and within
    /// one version the URLs still move with a rename.
    fn observe_content(&mut self, at: i64, content: &Content) {
        let version = Some(content.version);
        if self.cloudinary_version < version {
            self.cancel_delete_of_older_content(content);
            self.clear_content();
            self.cloudinary_version = version;
            self.clocks.content = None;
            self.clocks.stored = None;
        }
        if self.cloudinary_version == version {
            let known = (self.clocks.content, &self.secure_url, &self.url);
            let newer = known < (Some(at), &content.secure_url, &content.url);
            self.tell_content(content, newer);
            self.clocks.content = self.clocks.content.max(Some(at));
            self.observe_stored(at, content);
        }
    }

    /// What names the stored bytes has a clock of its own: listings do not tell it, and a version
    /// counts seconds, so two uploads within one second share it.
    fn observe_stored(&mut self, at: i64, content: &Content) {
        if content.etag.is_none() && content.version_id.is_none() {
            return;
        }
        let known = (
            self.clocks.stored,
            &self.cloudinary_etag,
            &self.cloudinary_version_id,
        );
        let newer = known < (Some(at), &content.etag, &content.version_id);
        tell(&mut self.cloudinary_etag, &content.etag, newer);
        tell(&mut self.cloudinary_version_id, &content.version_id, newer);
        tell(
            &mut self.original_filename,
            &content.original_filename,
            newer,
        );
        self.clocks.stored = self.clocks.stored.max(Some(at));
    }

    fn clear_content(&mut self) {
        self.cloudinary_version_id = None;
        self.cloudinary_etag = None;
        self.original_filename = None;
        self.file_size = None;
        self.mime_type = None;
        self.format = None;
        self.width = None;
        self.height = None;
        self.duration = None;
        self.secure_url = None;
        self.url = None;
        self.cloudinary_created_at = None;
    }

    fn tell_content(&mut self, told: &Content, newer: bool) {
        tell(&mut self.file_size, &told.file_size, newer);
        tell(&mut self.format, &told.format, newer);
        tell(&mut self.width, &told.width, newer);
        tell(&mut self.height, &told.height, newer);
        tell(&mut self.duration, &told.duration, newer);
        tell(&mut self.secure_url, &told.secure_url, newer);
        tell(&mut self.url, &told.url, newer);
        tell(&mut self.cloudinary_created_at, &told.created_at, newer);
    }
}

/// Within one version: what is told replaces what is older, and fills what is unknown.
fn tell<T: Clone>(field: &mut Option<T>, told: &Option<T>, newer: bool) {
    if told.is_some() && (newer || field.is_none()) {
        field.clone_from(told);
    }
}

fn replace_if_newer<T: Clone + Ord>(
    field: &mut T,
    clock: &mut Option<i64>,
    at: i64,
    told: &Option<T>,
) {
    if let Some(told) = told {
        if (*clock, &*field) < (Some(at), told) {
            field.clone_from(told);
        }
        *clock = (*clock).max(Some(at));
    }
}

/// As [`replace_if_newer`]; JSON values have no order of their own, so equal moments are settled
/// by their text.
fn replace_pairs_if_newer(
    field: &mut Pairs,
    clock: &mut Option<i64>,
    at: i64,
    told: &Option<Pairs>,
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

fn canonical(pairs: &Pairs) -> String {
    serde_json::to_string(pairs).expect("JSON values with string keys serialise")
}
