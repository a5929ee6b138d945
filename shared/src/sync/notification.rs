//! From the body of a Cloudinary notification to its meaning (pure).
//!
//! Only uploads and deletes are whole statements. Everything else is a diff of uneven shape and
//! means no more than "these assets changed": it becomes a list of assets to fetch.

use serde_json::{Map, Value};

use crate::asset::{AssetId, DeliveryName, ResourceType};
use crate::cloudinary::CloudinaryResource;
use crate::garbled_json;
use crate::observation::{AbsenceMeaning, ChangeClocks, Observation, ObservedState};
use crate::time::Timestamp;

/// A notification as far as it concerns the mirror.
#[derive(Clone, PartialEq, Debug)]
pub struct Notification {
    /// `notification_type`, as sent.
    pub kind: String,
    /// `notification_context.triggered_at`: Cloudinary's finest clock. Older payloads have none.
    pub triggered_at: Option<Timestamp>,
    pub says: NotificationMeaning,
}

/// The meaning of a notification.
#[derive(Clone, PartialEq, Debug)]
pub enum NotificationMeaning {
    /// A whole upload: no read is needed unless the asset is known already, since an overwrite may
    /// have cleared fields that the notification does not mention.
    Uploaded(Box<Observation>),
    /// These assets were deleted, at a known moment.
    Deleted(Vec<Observation>),
    /// These assets changed somehow: they have to be looked at.
    Changed(Vec<AssetRef>),
    /// An add-on has come to a result about these assets. It may have changed them, and concerns
    /// nobody where they are not known.
    Mentioned(Vec<AssetRef>),
    /// Everything under this folder moved; Cloudinary does not list it.
    FolderMoved { from: String },
    /// Nothing about an asset.
    Nothing,
}

impl NotificationMeaning {
    /// The assets that it tells of by their ids.
    pub fn asset_ids(&self) -> Vec<AssetId> {
        match self {
            Self::Uploaded(upload) => vec![upload.asset_id.clone()],
            Self::Deleted(gone) => gone.iter().map(|gone| gone.asset_id.clone()).collect(),
            Self::Changed(_) | Self::Mentioned(_) | Self::FolderMoved { .. } | Self::Nothing => {
                Vec::new()
            }
        }
    }

    /// The assets that it only hints at.
    pub fn hints(&self) -> &[AssetRef] {
        match self {
            Self::Changed(assets) | Self::Mentioned(assets) => assets,
            Self::Uploaded(_) | Self::Deleted(_) | Self::FolderMoved { .. } | Self::Nothing => &[],
        }
    }
}

impl Notification {
    /// The changed groups of its assets' values, and the moment.
    pub fn changed(&self) -> ChangeClocks {
        let at = self.triggered_at.map(Timestamp::micros);
        let nothing = ChangeClocks::default();
        match self.kind.as_str() {
            "rename" => ChangeClocks {
                name: at,
                ..nothing
            },
            "move" | "move_or_rename_asset_folder" => ChangeClocks {
                folder: at,
                ..nothing
            },
            "resource_display_name_changed" => ChangeClocks {
                display_name: at,
                ..nothing
            },
            "resource_context_changed" => ChangeClocks {
                context: at,
                ..nothing
            },
            "resource_metadata_changed" => ChangeClocks {
                metadata: at,
                ..nothing
            },
            "upload" => self.triggered_at.map_or(nothing, ChangeClocks::all),
            _ => nothing,
        }
    }
}

/// An asset as a notification refers to it: by id, or in some payloads by name only.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum AssetRef {
    Id(AssetId),
    Name(PartialName),
}

/// A name as far as a notification tells it. Without types it may be that of several assets.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PartialName {
    pub public_id: String,
    pub resource_type: Option<ResourceType>,
    pub delivery_type: Option<String>,
}

impl PartialName {
    /// Tells whether it may mean this name.
    pub fn fits(&self, name: &DeliveryName) -> bool {
        self.public_id == name.public_id
            && self
                .resource_type
                .is_none_or(|kind| kind == name.resource_type)
            && self
                .delivery_type
                .as_ref()
                .is_none_or(|kind| *kind == name.delivery_type)
    }

    /// The whole name, where the resource type is told.
    fn whole(self) -> Option<DeliveryName> {
        Some(DeliveryName {
            resource_type: self.resource_type?,
            delivery_type: self.delivery_type.unwrap_or_else(|| "upload".to_owned()),
            public_id: self.public_id,
        })
    }
}

/// Reasons why a well-signed notification cannot be understood. It is kept, and a person may look
/// at it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotUnderstood {
    #[error("the body is not JSON")]
    NotJson,
    #[error("the body is JSON, but not an object")]
    NotAnObject,
    #[error("there is no notification_type: a trigger with a payload template sends such bodies")]
    NoType,
    #[error("notification type `{0}` is not known and names no asset")]
    UnknownType(String),
    #[error("`{0}` does not say which asset it is about")]
    NoAsset(String),
}

/// Types that are known and change no asset.
const ABOUT_NO_ASSET: [&str; 11] = [
    "create_folder",
    "delete_folder",
    "error",
    "generate_archive",
    "invalidate_custom_cdn",
    "bulk_refresh_auto_fetch",
    "report",
    "sprite",
    "explode",
    "multi",
    "moderation_summary",
];

/// Tells whether an add-on speaks of its result.
fn is_of_add_on(kind: &str, body: &Map<String, Value>) -> bool {
    kind == "info"
        || ["info_kind", "info_status"]
            .iter()
            .any(|key| body.contains_key(*key))
}

/// Reads a notification's body. No change is newer than `newest`: a moment to come would outlast all later news.
///
/// # Errors
/// When it is of no shape that says anything about an asset.
pub fn parse_notification(body: &[u8], newest: Timestamp) -> Result<Notification, NotUnderstood> {
    let body = garbled_json::read(body).map_err(|_| NotUnderstood::NotJson)?;
    let Value::Object(body) = body else {
        return Err(NotUnderstood::NotAnObject);
    };
    let kind = text(&body, "notification_type")
        .ok_or(NotUnderstood::NoType)?
        .to_owned();
    let triggered_at = body
        .get("notification_context")
        .and_then(|context| context.get("triggered_at"))
        .and_then(Value::as_str)
        .and_then(|moment| Timestamp::parse(moment).ok())
        .map(|moment| moment.min(newest));
    let says = match kind.as_str() {
        "upload" => parse_upload(&body, triggered_at),
        "delete" | "delete_by_token" => parse_delete(&body, triggered_at),
        "move_or_rename_asset_folder" => {
            text(&body, "from_path").map(|from| NotificationMeaning::FolderMoved {
                from: from.trim_matches('/').to_owned(),
            })
        }
        kind if ABOUT_NO_ASSET.contains(&kind) => Some(NotificationMeaning::Nothing),
        kind if !KNOWN_CHANGES.contains(&kind) && is_of_add_on(kind, &body) => {
            Some(NotificationMeaning::Mentioned(asset_refs(&body)))
        }
        _ => parse_change(&body),
    };
    match says {
        Some(says) => Ok(Notification {
            kind,
            triggered_at,
            says,
        }),
        None if KNOWN_CHANGES.contains(&kind.as_str()) => Err(NotUnderstood::NoAsset(kind)),
        None => Err(NotUnderstood::UnknownType(kind)),
    }
}

/// Types that are known to concern assets, so that one without any is malformed, not unknown.
const KNOWN_CHANGES: [&str; 15] = [
    "upload",
    "delete",
    "delete_by_token",
    "rename",
    "move",
    "move_or_rename_asset_folder",
    "restore_asset_version",
    "resource_tags_changed",
    "resource_context_changed",
    "resource_metadata_changed",
    "resource_display_name_changed",
    "access_control_changed",
    "eager",
    "moderation",
    "publish",
];

fn parse_upload(
    body: &Map<String, Value>,
    triggered_at: Option<Timestamp>,
) -> Option<NotificationMeaning> {
    let resource: CloudinaryResource = serde_json::from_value(Value::Object(body.clone())).ok()?;
    let whole = triggered_at
        .filter(|_| resource.version.is_some() && !resource.is_placeholder())
        .and_then(|at| Observation::of_resource(&resource, at, AbsenceMeaning::WhatIsThere));
    match whole {
        Some(mut observation) => {
            observation.note_change(ChangeClocks::all(observation.at));
            Some(NotificationMeaning::Uploaded(Box::new(observation)))
        }
        // Without a moment it cannot be ordered, so it is only a reason to look.
        None => parse_change(body),
    }
}

fn parse_delete(
    body: &Map<String, Value>,
    triggered_at: Option<Timestamp>,
) -> Option<NotificationMeaning> {
    let items = resources(body);
    let gone = |(key, item): &(Option<&str>, &Map<String, Value>)| {
        Some(Observation {
            asset_id: asset_id(item)?,
            at: triggered_at?,
            fact: ObservedState::Gone(name(item, *key).and_then(PartialName::whole)),
        })
    };
    let observations: Option<Vec<_>> = items.iter().map(gone).collect();
    match observations {
        Some(observations) if !observations.is_empty() => {
            Some(NotificationMeaning::Deleted(observations))
        }
        // Without ids or a moment, what is gone has to be seen to be gone.
        _ => parse_change(body),
    }
}

fn parse_change(body: &Map<String, Value>) -> Option<NotificationMeaning> {
    let assets = asset_refs(body);
    (!assets.is_empty()).then_some(NotificationMeaning::Changed(assets))
}

/// The assets that a body names, in its list or by itself.
fn asset_refs(body: &Map<String, Value>) -> Vec<AssetRef> {
    let mut assets: Vec<AssetRef> = resources(body)
        .into_iter()
        .filter_map(|(key, item)| asset_ref(item, key))
        .collect();
    if assets.is_empty() {
        assets.extend(asset_ref(body, text(body, "from_public_id")));
    }
    assets
}

/// `resources` as an array or as a map keyed by public id, depending on the type; some types
/// were seen in both forms.
fn resources(body: &Map<String, Value>) -> Vec<(Option<&str>, &Map<String, Value>)> {
    match body.get("resources") {
        Some(Value::Array(items)) => {
            let objects = items.iter().filter_map(Value::as_object);
            objects.map(|item| (None, item)).collect()
        }
        Some(Value::Object(items)) => items
            .iter()
            .filter_map(|(key, item)| Some((Some(key.as_str()), item.as_object()?)))
            .collect(),
        _ => Vec::new(),
    }
}

fn asset_ref(item: &Map<String, Value>, key: Option<&str>) -> Option<AssetRef> {
    asset_id(item)
        .map(AssetRef::Id)
        .or_else(|| name(item, key).map(AssetRef::Name))
}

fn asset_id(item: &Map<String, Value>) -> Option<AssetId> {
    text(item, "asset_id").and_then(|id| AssetId::parse(id).ok())
}

fn name(item: &Map<String, Value>, key: Option<&str>) -> Option<PartialName> {
    let public_id = text(item, "public_id").or(key)?.to_owned();
    let in_url = text(item, "secure_url").or_else(|| text(item, "url"));
    let (resource_type, delivery_type) = match text(item, "resource_type") {
        Some(told) => (Some(told.parse().ok()?), text(item, "type")),
        None => in_url.and_then(kind_in_url).unzip(),
    };
    Some(PartialName {
        public_id,
        resource_type,
        delivery_type: delivery_type.map(str::to_owned),
    })
}

/// Some moderations tell the type only in the address: `…/image/upload/v1/mug.png`.
fn kind_in_url(url: &str) -> Option<(ResourceType, &str)> {
    let mut segments = url.split('/').skip(3).take(3);
    let resource_type = segments.find_map(|segment| segment.parse().ok())?;
    Some((resource_type, segments.next()?))
}

fn text<'a>(object: &'a Map<String, Value>, key: &str) -> Option<&'a str> {
    object.get(key).and_then(Value::as_str)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    const MUG: &str = "0a1b2c3d4e5f60718293a4b5c6d7e8f9";
    const NEWEST: Timestamp = Timestamp::from_secs(4_000_000_000);

    fn parse(body: &Value) -> Result<Notification, NotUnderstood> {
        parse_notification(body.to_string().as_bytes(), NEWEST)
    }

    fn context() -> Value {
        json!({"triggered_at": "2026-01-01T00:00:00.272126Z", "triggered_by": {"source": "api", "id": "614"}})
    }

    #[test]
    fn an_upload_is_a_whole_observation_at_the_moment_it_was_triggered() {
        let told = parse(&json!({
            "notification_type": "upload", "asset_id": MUG, "public_id": "shop/mug", "version": 1_767_225_600,
            "resource_type": "image", "type": "upload", "bytes": 123_456, "tags": [], "asset_folder": "shop",
            "notification_context": context(),
        }))
        .unwrap();
        let NotificationMeaning::Uploaded(observation) = told.says else {
            panic!("{told:?}")
        };
        assert_eq!(observation.at.to_string(), "2026-01-01T00:00:00.272126Z");
        let ObservedState::Seen(sighting) = observation.fact else {
            panic!("an upload is seen")
        };
        assert_eq!(sighting.tags, Some([].into()));
        assert_eq!(sighting.context, None, "what is not mentioned is not told");
        assert_eq!(sighting.content.unwrap().file_size, Some(123_456));
    }

    #[test]
    fn a_moderation_without_ids_names_its_asset_by_its_address() {
        for (url, kind, delivery) in [
            (
                "https://res.cloudinary.com/demo/image/upload/v7/shop/mug.png",
                "image",
                "upload",
            ),
            (
                "https://demo-res.cloudinary.com/video/authenticated/s--x--/v7/mug.mp4",
                "video",
                "authenticated",
            ),
        ] {
            let told = parse(&json!({
                "notification_type": "moderation", "public_id": "shop/mug", "moderation_status": "approved",
                "moderation_kind": "manual", "version": 7, "secure_url": url,
            }));
            let expected = named("shop/mug", Some(kind), Some(delivery));
            assert_eq!(
                told.unwrap().says,
                NotificationMeaning::Changed(vec![expected])
            );
        }
    }

    fn named(public_id: &str, kind: Option<&str>, delivery: Option<&str>) -> AssetRef {
        AssetRef::Name(PartialName {
            public_id: public_id.to_owned(),
            resource_type: kind.map(|kind| kind.parse().unwrap()),
            delivery_type: delivery.map(str::to_owned),
        })
    }

    #[test]
    fn a_moderation_names_its_asset_as_far_as_it_tells() {
        let by_id = AssetRef::Id(AssetId::parse(MUG).unwrap());
        for (told, expected) in [
            (json!({}), named("shop/mug", None, None)),
            (
                json!({"resource_type": "video"}),
                named("shop/mug", Some("video"), None),
            ),
            (json!({"type": "private"}), named("shop/mug", None, None)),
            (
                json!({"url": "https://example.com/mug"}),
                named("shop/mug", None, None),
            ),
            (json!({"asset_id": MUG}), by_id),
        ] {
            let mut body = json!({
                "notification_type": "moderation", "moderation_status": "rejected", "public_id": "shop/mug",
            });
            body.as_object_mut()
                .unwrap()
                .extend(told.as_object().unwrap().clone());
            let expected = NotificationMeaning::Changed(vec![expected]);
            assert_eq!(parse(&body).unwrap().says, expected, "{body}");
        }
    }

    #[test]
    fn a_partial_name_fits_the_names_that_it_does_not_contradict() {
        let name = DeliveryName {
            resource_type: ResourceType::Image,
            delivery_type: "private".to_owned(),
            public_id: "mug".to_owned(),
        };
        for (kind, delivery, fits) in [
            (None, None, true),
            (Some("image"), None, true),
            (Some("image"), Some("private"), true),
            (Some("raw"), None, false),
            (Some("image"), Some("upload"), false),
        ] {
            let AssetRef::Name(partial) = named("mug", kind, delivery) else {
                unreachable!("it is a name")
            };
            assert_eq!(partial.fits(&name), fits, "{partial:?}");
        }
    }

    #[test]
    fn the_result_of_an_add_on_is_understood_whatever_it_names() {
        for (body, expected) in [
            (json!({"notification_type": "info"}), vec![]),
            (
                json!({"notification_type": "info", "public_id": "mug"}),
                vec![named("mug", None, None)],
            ),
            (
                json!({"notification_type": "google_tagging", "info_kind": "google_tagging", "public_id": "mug"}),
                vec![named("mug", None, None)],
            ),
            (
                json!({"notification_type": "ocr", "info_status": "complete"}),
                vec![],
            ),
        ] {
            let told = parse(&body).unwrap();
            assert_eq!(
                told.says,
                NotificationMeaning::Mentioned(expected),
                "{body}"
            );
        }
        for kind in ["moderation_summary", "multi"] {
            let told = parse(&json!({"notification_type": kind}));
            assert_eq!(told.unwrap().says, NotificationMeaning::Nothing);
        }
    }

    #[test]
    fn an_upload_without_a_moment_is_only_a_reason_to_look() {
        let told = parse(&json!({
            "notification_type": "upload", "asset_id": MUG, "public_id": "mug", "version": 1,
            "resource_type": "image", "type": "upload",
        }));
        let expected =
            NotificationMeaning::Changed(vec![AssetRef::Id(AssetId::parse(MUG).unwrap())]);
        assert_eq!(told.unwrap().says, expected);
    }

    #[test]
    fn a_delete_names_every_asset_that_is_gone() {
        let told = parse(&json!({
            "notification_type": "delete",
            "resources": [{"resource_type": "image", "type": "upload", "asset_id": MUG, "public_id": "shop/mug", "version": 1}],
            "notification_context": context(),
        }))
        .unwrap();
        let NotificationMeaning::Deleted(gone) = told.says else {
            panic!("{told:?}")
        };
        assert_eq!(gone.len(), 1);
        assert!(
            matches!(&gone[0].fact, ObservedState::Gone(Some(name)) if name.public_id == "shop/mug")
        );
    }

    #[test]
    fn resources_are_read_as_array_and_as_map() {
        let item =
            json!({"asset_id": MUG, "resource_type": "image", "type": "upload", "added": ["sale"]});
        let expected =
            NotificationMeaning::Changed(vec![AssetRef::Id(AssetId::parse(MUG).unwrap())]);
        for resources in [json!([item]), json!({"shop/mug": item})] {
            let told = parse(
                &json!({"notification_type": "resource_tags_changed", "resources": resources}),
            );
            assert_eq!(told.unwrap().says, expected);
        }
    }

    #[test]
    fn a_map_item_without_id_is_named_by_its_key() {
        let told = parse(&json!({
            "notification_type": "resource_context_changed",
            "resources": {"shop/mug": {"resource_type": "image", "type": "private"}},
        }));
        let name = named("shop/mug", Some("image"), Some("private"));
        assert_eq!(told.unwrap().says, NotificationMeaning::Changed(vec![name]));
    }

    #[test]
    fn a_type_nobody_knows_is_a_change_when_it_names_an_asset() {
        let told = parse(&json!({"notification_type": "sparkle", "asset_id": MUG}));
        assert!(matches!(
            told.unwrap().says,
            NotificationMeaning::Changed(_)
        ));
        let told = parse(&json!({"notification_type": "sparkle"}));
        assert_eq!(told, Err(NotUnderstood::UnknownType("sparkle".to_owned())));
    }

    #[test]
    fn a_text_that_is_none_leaves_the_asset_known() {
        let body = format!(
            r#"{{"notification_type":"upload","asset_id":"{MUG}","public_id":"mug","version":1,"resource_type":"image",
            "type":"upload","display_name":"A mug \ud83d","notification_context":{}}}"#,
            context()
        );
        let told = parse_notification(body.as_bytes(), NEWEST).unwrap();
        let NotificationMeaning::Uploaded(upload) = told.says else {
            panic!("{told:?}")
        };
        assert!(upload.is_garbled());
    }

    #[test]
    fn what_is_not_a_notification_says_why() {
        assert_eq!(
            parse_notification(b"{", NEWEST),
            Err(NotUnderstood::NotJson)
        );
        assert_eq!(
            parse_notification(b"[]", NEWEST),
            Err(NotUnderstood::NotAnObject)
        );
        assert_eq!(
            parse_notification(b"{}", NEWEST),
            Err(NotUnderstood::NoType)
        );
        let told = parse(&json!({"notification_type": "upload"}));
        assert_eq!(told, Err(NotUnderstood::NoAsset("upload".to_owned())));
    }

    proptest! {
        #[test]
        fn no_body_makes_it_panic(body in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = parse_notification(&body, NEWEST);
        }
    }
}
