//! The marker asset, which names a library's owner (pure).

use std::collections::BTreeMap;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::json;
use url::Url;
use uuid::Uuid;

use crate::asset::{AssetId, ResourceType};
use crate::cloudinary::CloudinaryResource;
use crate::cloudinary::upload::{UploadOptions, UploadSource};

/// The public id of the marker, a raw asset. The database has the same.
pub const MARKER_NAME: &str = "media-sync/owner";

const OWNER_KEY: &str = "media_sync_owner";
const ADDRESS_KEY: &str = "media_sync_address";

/// The place where a deployment stands: its database, and the library that it mirrors.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LibraryPlace {
    address: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    library: Option<String>,
}

impl LibraryPlace {
    /// A deployment of this Supabase project and this product environment.
    pub fn new(supabase: &Url, cloud_name: &str) -> Self {
        Self {
            library: Some(cloud_name.to_owned()),
            ..Self::of_database(supabase)
        }
    }

    /// The database alone, for those who do not know the library.
    pub fn of_database(supabase: &Url) -> Self {
        Self {
            address: supabase.as_str().trim_end_matches('/').to_owned(),
            library: None,
        }
    }

    /// The Supabase address.
    pub fn address(&self) -> &str {
        &self.address
    }
}

/// The owner that a marker names. Somebody else's file of the marker's name may name nobody.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LibraryOwner {
    pub id: Option<String>,
    pub address: Option<String>,
}

impl LibraryOwner {
    /// Reads the owner from the marker.
    pub fn named_by(marker: &CloudinaryResource) -> Self {
        let pair = |key| marker.context.as_ref()?.get(key).cloned();
        Self {
            id: pair(OWNER_KEY),
            address: pair(ADDRESS_KEY),
        }
    }

    /// True if it is this database at this address.
    pub fn is(&self, id: Uuid, place: &LibraryPlace) -> bool {
        self.id == Some(id.to_string()) && self.address.as_deref() == Some(place.address())
    }

    /// The owner in words.
    pub fn words(&self) -> &str {
        self.address.as_deref().unwrap_or("somebody unknown")
    }
}

/// The standing of a deployment towards its library.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FenceStanding {
    /// The marker is this deployment's.
    Ours,
    /// The marker is another's: nothing may be written to the library.
    Strangers,
    /// This deployment's marker was there, and is gone.
    Missing,
    /// Nobody has marked the library.
    Free,
    /// Nobody has looked for a marker since the deployment stands at this place.
    Unknown,
}

/// The standing as the database tells it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FenceState {
    pub standing: FenceStanding,
    /// The id of this database.
    pub id: Uuid,
    /// The owner that the marker names, if there is one.
    pub owner: Option<LibraryOwner>,
    /// The marker.
    pub asset_id: Option<AssetId>,
}

impl FenceState {
    /// The other deployment to which the library belongs.
    pub fn stranger(&self) -> Option<&LibraryOwner> {
        let is_strangers = self.standing == FenceStanding::Strangers;
        self.owner.as_ref().filter(|_| is_strangers)
    }
}

/// The upload that marks a library. It replaces another's marker only if that is wanted.
pub fn marker_upload(
    id: Uuid,
    place: &LibraryPlace,
    overwrite: bool,
) -> (UploadSource, UploadOptions) {
    let note = "This file tells media-sync to whom the library belongs. Leave it here.";
    let text = json!({"owner": id, "address": place.address(), "note": note}).to_string();
    let source = UploadSource::Bytes {
        data: Bytes::from(text),
        filename: "owner.json".to_owned(),
    };
    let options = UploadOptions {
        resource_type: Some(ResourceType::Raw),
        delivery_type: Some("upload".to_owned()),
        public_id: Some(MARKER_NAME.to_owned()),
        context: BTreeMap::from([
            (OWNER_KEY.to_owned(), id.to_string()),
            (ADDRESS_KEY.to_owned(), place.address().to_owned()),
        ]),
        overwrite: Some(overwrite),
        invalidate: overwrite,
        ..UploadOptions::default()
    };
    (source, options)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: Uuid = Uuid::from_u128(7);

    fn place(address: &str) -> LibraryPlace {
        LibraryPlace::new(&Url::parse(address).unwrap(), "demo")
    }

    fn marker(id: Uuid, address: &str) -> CloudinaryResource {
        let (_, options) = marker_upload(id, &place(address), false);
        CloudinaryResource {
            context: Some(options.context),
            ..CloudinaryResource::default()
        }
    }

    #[test]
    fn a_rebuilt_stack_is_no_stranger_and_a_cloned_database_is_one() {
        let here = place("https://a.supabase.co/");
        for (id, address, is_ours) in [
            (ID, "https://a.supabase.co", true),
            (ID, "https://a.supabase.co/", true),
            (ID, "https://clone.supabase.co", false),
            (Uuid::from_u128(8), "https://a.supabase.co", false),
        ] {
            let owner = LibraryOwner::named_by(&marker(id, address));
            assert_eq!(owner.is(ID, &here), is_ours, "{id} {address}");
        }
    }

    #[test]
    fn a_file_that_names_nobody_is_not_ours() {
        let nobody = LibraryOwner::named_by(&CloudinaryResource::default());
        assert!(!nobody.is(ID, &place("https://a.supabase.co")));
        assert_eq!(nobody.words(), "somebody unknown");
    }

    #[test]
    fn the_database_knows_the_same_marker() {
        let migration =
            include_str!("../../../infra/supabase/migrations/20261127080330_media_fence.sql");
        for word in [MARKER_NAME, OWNER_KEY, ADDRESS_KEY] {
            assert!(migration.contains(&format!("'{word}'")), "{word}");
        }
    }
}
