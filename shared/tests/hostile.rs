//! Input from strangers: every reader answers, and none panics.

use std::collections::BTreeMap;

use http::{HeaderMap, HeaderValue, header};
use media_sync::asset::AssetId;
use media_sync::config::Config;
use media_sync::http::auth::bearer;
use media_sync::queue::{self, ContinueReconcile, IntentMessage, NotificationMessage, RawBody};
use media_sync::row::AssetRow;
use media_sync::sync::notification::{NotificationMeaning, parse_notification};
use media_sync::time::Timestamp;
use proptest::prelude::*;
use serde_json::{Value, json};
use uuid::Uuid;

const MUG: &str = "0123456789abcdef0123456789abcdef";

/// Names that notifications have, so that made-up bodies get past the first look.
const NAMES: &[&str] = &[
    "access_control",
    "access_mode",
    "asset_folder",
    "asset_id",
    "bytes",
    "context",
    "created_at",
    "custom",
    "deleted",
    "display_name",
    "duration",
    "etag",
    "folder",
    "format",
    "from_path",
    "from_public_id",
    "height",
    "metadata",
    "moderation",
    "notification_context",
    "original_filename",
    "overwritten",
    "placeholder",
    "public_id",
    "resource_type",
    "resources",
    "secure_url",
    "tags",
    "to_public_id",
    "triggered_at",
    "type",
    "updated",
    "url",
    "version",
    "version_id",
    "width",
];

const TYPES: &[&str] = &[
    "upload",
    "delete",
    "delete_by_token",
    "rename",
    "move",
    "move_or_rename_asset_folder",
    "resource_tags_changed",
    "resource_context_changed",
    "resource_metadata_changed",
    "resource_display_name_changed",
    "access_control_changed",
    "eager",
    "moderation",
    "restore_asset_version",
    "sparkle",
];

fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,20}".prop_map(Value::from),
        prop::sample::select(vec![
            MUG,
            "image",
            "video",
            "upload",
            "shop/mug",
            "",
            "/",
            "2026-01-31T12:00:00.123456Z",
            "-9999-01-01T00:00:00Z",
            "9999-12-30T00:00:00Z",
        ])
        .prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 48, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            any_object(inner),
        ]
    })
}

fn any_object(value: impl Strategy<Value = Value> + 'static) -> impl Strategy<Value = Value> {
    let name = prop_oneof![
        8 => prop::sample::select(NAMES).prop_map(str::to_owned),
        1 => "\\PC{0,8}",
    ];
    prop::collection::btree_map(name, value, 0..14)
        .prop_map(|map| Value::Object(map.into_iter().collect()))
}

proptest! {
    #[test]
    fn notifications_are_understood_or_not_and_rows_take_what_they_say(
        mut body in any_object(any_value()),
        kind in prop::sample::select(TYPES),
        is_whole: bool,
        version in prop_oneof![any::<i64>(), 0i64..2_000_000_000],
    ) {
        body["notification_type"] = kind.into();
        if is_whole {
            body["asset_id"] = MUG.into();
            body["public_id"] = "shop/mug".into();
            body["resource_type"] = "image".into();
            body["type"] = "upload".into();
            body["version"] = version.into();
            body["notification_context"] = json!({"triggered_at": "2026-01-31T12:00:00.123456Z"});
        }
        if let Ok(told) = parse_notification(body.to_string().as_bytes(), Timestamp::now()) {
            let _ = told.changed();
            let observations = match told.says {
                NotificationMeaning::Uploaded(observation) => vec![*observation],
                NotificationMeaning::Deleted(observations) => observations,
                _ => Vec::new(),
            };
            for observation in observations {
                if let Some(mut row) = AssetRow::first(Uuid::nil(), &observation) {
                    row.observe(&observation);
                    let _ = (row.is_live(), row.name(), row.observed_values());
                }
            }
        }
    }

    #[test]
    fn messages_are_read_or_refused(text in "\\PC{0,200}", value in any_value()) {
        for text in [text, value.to_string()] {
            let _ = queue::decode::<NotificationMessage>(&text);
            let _ = queue::decode::<IntentMessage>(&text);
            let _ = queue::decode::<ContinueReconcile>(&text);
        }
    }

    #[test]
    fn bodies_come_out_of_the_queue_as_they_went_in(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let message = NotificationMessage {
            received_at: Timestamp::from_secs(1),
            signature_timestamp: Timestamp::from_secs(1),
            replayed: false,
            algorithm: None,
            body: RawBody::new(bytes.clone()),
        };
        let text = queue::encode(&message);
        let read: NotificationMessage = queue::decode(&text).unwrap();
        prop_assert_eq!(read.body.as_bytes(), &bytes[..]);
    }

    #[test]
    fn headers_names_and_moments_are_read_or_refused(
        text in "\\PC{0,80}", bytes in prop::collection::vec(any::<u8>(), 0..80),
    ) {
        let mut headers = HeaderMap::new();
        for value in [HeaderValue::from_bytes(&bytes), HeaderValue::from_str(&text)].into_iter().flatten() {
            headers.insert(header::AUTHORIZATION, value);
            let _ = bearer(&headers);
        }
        let _ = AssetId::parse(&text);
        let _ = Timestamp::parse(&text);
    }

    #[test]
    fn configurations_are_read_or_refused(
        cloudinary in "(cloudinary://)?\\PC{0,40}", supabase in "(https?://)?\\PC{0,40}", key in "(sb_secret_)?\\PC{0,40}",
    ) {
        let map = BTreeMap::from([
            ("CLOUDINARY_URL".to_owned(), cloudinary),
            ("SUPABASE_URL".to_owned(), supabase),
            ("SUPABASE_SECRET_KEY".to_owned(), key.clone()),
            ("SUPABASE_PUBLISHABLE_KEY".to_owned(), key.clone()),
            ("SUPABASE_JWT_SECRET".to_owned(), key),
        ]);
        let _ = Config::from_map(&map);
    }
}
