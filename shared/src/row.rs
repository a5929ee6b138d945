//! The mirror's row of one asset, and how an observation changes it.
//!
//! Every group of fields carries the moment of its last observation (its clock), and an
//! observation replaces a group only when it is newer; equal moments are settled by the values
//! themselves. Taking the greatest of a total order does not depend on the order of arrival, so
//! notifications may come late, twice, or in the middle of a listing.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::asset::{AssetId, DeliveryName, ResourceType};
use crate::observation::{Content, Fact, Observation, Pairs, Sighting};
use crate::time::Timestamp;

/// A row of `media_assets`, as far as Cloudinary's observations concern it.
///
/// What only people here write (`description`, `alt_text`, `uploaded_by`) is not in it and is
/// never touched.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct AssetRow {
    pub id: Uuid,
    pub cloudinary_asset_id: AssetId,
    pub cloudinary_public_id: String,
    pub resource_type: ResourceType,
    pub delivery_type: String,
    pub cloudinary_version: Option<i64>,
    pub cloudinary_version_id: Option<String>,
    pub cloudinary_etag: Option<String>,
    pub original_filename: Option<String>,
    pub file_size: Option<i64>,
    pub mime_type: Option<String>,
    pub format: Option<String>,
    pub width: Option<i32>,
    pub height: Option<i32>,
    pub duration: Option<f64>,
    pub secure_url: Option<String>,
    pub url: Option<String>,
    pub cloudinary_created_at: Option<Timestamp>,
    pub display_name: Option<String>,
    pub folder: String,
    pub tags: Vec<String>,
    pub context: Pairs,
    pub metadata: Pairs,
    pub access_mode: Option<String>,
    pub sync_status: SyncStatus,
    pub sync_error_code: Option<String>,
    pub sync_error_message: Option<String>,
    pub sync_retry_count: i32,
    pub sync_next_attempt_at: Option<Timestamp>,
    pub deleted_at: Option<Timestamp>,
    pub deleted_by: Option<Uuid>,
    pub clocks: Clocks,
    pub intent: Option<Intent>,
    pub intent_revision: i64,
    /// The revision that was read; a write is refused when the row has moved on.
    pub revision: i64,
}

/// Where the two sides of an asset stand.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SyncStatus {
    /// The last known Cloudinary state and the row agree, and nothing waits.
    Synced,
    /// Something decided here has not been confirmed by Cloudinary yet.
    Pending,
    /// It was refused; the row says why.
    Error,
}

/// When each group of fields was last observed: microseconds on Cloudinary's clock.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct Clocks {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alive: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gone: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stored: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub folder: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub display_name: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tags: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub context: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metadata: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access_mode: Option<i64>,
}

impl Clocks {
    /// The newest moment that anything is known of this asset.
    pub fn newest(&self) -> Option<Timestamp> {
        self.alive
            .max(self.gone)
            .max(self.content)
            .map(Timestamp::from_micros)
    }
}

/// What was decided here and waits to be carried out in Cloudinary.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "snake_case")]
pub enum Intent {
    /// Delete the asset, if it still has the content that was to be deleted.
    Delete {
        /// When it was decided: microseconds on the database's clock.
        at: i64,
        by: Option<Uuid>,
        version: Option<i64>,
        etag: Option<String>,
    },
}

impl AssetRow {
    /// A row for an asset that was first heard of by `observation`; `None` when the observation
    /// does not even name it.
    pub fn first(id: Uuid, observation: &Observation) -> Option<Self> {
        let name = match &observation.fact {
            Fact::Seen(sighting) => &sighting.name,
            Fact::Gone(name) => name.as_ref()?,
        };
        let mut row = Self::unobserved(id, observation.asset_id.clone(), name.clone());
        row.observe(observation);
        Some(row)
    }

    /// Takes one observation in. Any set of observations, in any order, any number of times,
    /// leaves the same row.
    pub fn observe(&mut self, observation: &Observation) {
        let at = observation.at.micros();
        match &observation.fact {
            Fact::Gone(name) => {
                self.clocks.gone = self.clocks.gone.max(Some(at));
                if let Some(name) = name {
                    self.observe_name(at, name);
                }
            }
            Fact::Seen(sighting) => {
                self.clocks.alive = self.clocks.alive.max(Some(at));
                self.observe_sighting(at, sighting);
            }
        }
        self.settle();
    }

    /// Whether Cloudinary, as far as is known, no longer has the asset. At equal moments it is
    /// gone: a delete never precedes the upload that it deletes.
    pub fn is_gone(&self) -> bool {
        self.clocks.gone.is_some() && self.clocks.gone >= self.clocks.alive
    }

    /// Whether the row counts as a live asset: not deleted, and nobody asked to delete it.
    pub fn is_live(&self) -> bool {
        self.deleted_at.is_none()
    }

    /// The name under which the asset was last observed.
    pub fn name(&self) -> DeliveryName {
        DeliveryName {
            resource_type: self.resource_type,
            delivery_type: self.delivery_type.clone(),
            public_id: self.cloudinary_public_id.clone(),
        }
    }

    fn unobserved(id: Uuid, asset_id: AssetId, name: DeliveryName) -> Self {
        Self {
            id,
            cloudinary_asset_id: asset_id,
            cloudinary_public_id: name.public_id,
            resource_type: name.resource_type,
            delivery_type: name.delivery_type,
            cloudinary_version: None,
            cloudinary_version_id: None,
            cloudinary_etag: None,
            original_filename: None,
            file_size: None,
            mime_type: None,
            format: None,
            width: None,
            height: None,
            duration: None,
            secure_url: None,
            url: None,
            cloudinary_created_at: None,
            display_name: None,
            folder: String::new(),
            tags: Vec::new(),
            context: Pairs::new(),
            metadata: Pairs::new(),
            access_mode: None,
            sync_status: SyncStatus::Synced,
            sync_error_code: None,
            sync_error_message: None,
            sync_retry_count: 0,
            sync_next_attempt_at: None,
            deleted_at: None,
            deleted_by: None,
            clocks: Clocks::default(),
            intent: None,
            intent_revision: 0,
            revision: 0,
        }
    }

    fn observe_sighting(&mut self, at: i64, sighting: &Sighting) {
        self.observe_name(at, &sighting.name);
        if let Some(content) = &sighting.content {
            self.observe_content(at, content);
        }
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

    fn observe_name(&mut self, at: i64, name: &DeliveryName) {
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

    /// A newer upload wins against a delete that was decided on older content: content is never
    /// destroyed by a stale decision. The same bytes under a newer version are no new content.
    fn cancel_delete_of_older_content(&mut self, content: &Content) {
        if let Some(Intent::Delete { version, etag, .. }) = &self.intent {
            let same_bytes = etag.is_some() && *etag == content.etag;
            if version.is_none_or(|version| version < content.version) && !same_bytes {
                self.drop_intent();
                self.deleted_at = None;
                self.deleted_by = None;
            }
        }
    }

    fn drop_intent(&mut self) {
        self.intent = None;
        self.sync_status = SyncStatus::Synced;
        self.sync_error_code = None;
        self.sync_error_message = None;
        self.sync_retry_count = 0;
        self.sync_next_attempt_at = None;
    }

    /// Brings what follows from the clocks in line with them.
    fn settle(&mut self) {
        self.mime_type = mime_type(
            self.resource_type,
            self.format.as_deref(),
            &self.cloudinary_public_id,
        );
        if self.is_gone() {
            // What was asked for has happened, whoever did it.
            if matches!(self.intent, Some(Intent::Delete { .. })) {
                self.drop_intent();
            }
            // A delete that was decided here keeps the moment of its decision.
            if self.deleted_by.is_none() {
                self.deleted_at = self.clocks.gone.map(Timestamp::from_micros);
            }
        } else if self.intent.is_none() {
            self.deleted_at = None;
            self.deleted_by = None;
        }
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
