use proptest::prelude::*;
use sha1::{Digest, Sha1};

use super::*;
use crate::user_role::UserRole;

const USER: Uploader = Uploader {
    id: Uuid::from_u128(7),
    role: UserRole::User,
};
const NOW: i64 = 1_800_000_000;

fn anywhere() -> UploadRules {
    UploadRules::parse(r#"{"prefix": ""}"#).unwrap()
}

fn credentials() -> ApiCredentials {
    ApiCredentials::parse("cloudinary://key:secret@demo").unwrap()
}

fn plan(params: Value, rules: &UploadRules) -> Result<SignableUpload, UploadRefusal> {
    let Value::Object(params) = params else {
        panic!("parameters are an object");
    };
    let asked = SigningRequest {
        params: &params,
        filename: None,
        resource_type: None,
    };
    asked.plan(rules, USER, Uuid::from_u128(u128::MAX))
}

fn sign(params: Value) -> Map<String, Value> {
    plan(params, &anywhere())
        .unwrap()
        .sign(false, Timestamp::from_secs(NOW), 600, &credentials())
}

/// As Cloudinary computes it, from what the browser sends.
fn expected_signature(sent: &Map<String, Value>) -> String {
    let unsigned = ["api_key", "cloud_name", "signature"];
    let mut pairs: Vec<String> = sent
        .iter()
        .filter(|(name, _)| !unsigned.contains(&name.as_str()))
        .map(|(name, value)| format!("{name}={}", value.as_str().unwrap()).replace('&', "%26"))
        .collect();
    pairs.sort();
    hex::encode(Sha1::digest(pairs.join("&") + "secret"))
}

#[test]
fn what_the_widget_asks_is_signed_with_what_binds_it() {
    let answer = sign(json!({
        "timestamp": 1_700_000_000, "source": "uw", "tags": ["a", "b"],
        "context": {"alt": "A = b"}, "folder": "shop", "public_id": "shop/mug",
    }));
    assert_eq!(answer["source"], "uw");
    assert_eq!(answer["tags"], "a,b");
    assert_eq!(answer["context"], "alt=A \\= b");
    assert_eq!(answer["asset_folder"], "shop");
    assert_eq!(answer["public_id"], "shop/mug");
    assert_eq!(answer["overwrite"], "0");
    assert_eq!(answer["api_key"], "key");
    assert_eq!(answer["cloud_name"], "demo");
    assert_eq!(
        answer["timestamp"],
        (NOW - 3000).to_string(),
        "ten minutes of the hour are left"
    );
    assert_eq!(answer["signature"], expected_signature(&answer));
    assert!(
        !answer.contains_key("folder"),
        "it would prefix the public id once more"
    );
}

#[test]
fn a_signature_covers_the_proof_beside_the_callers_own_context() {
    let upload = Uuid::from_u128(7);
    let signed = |params: Value, proof: UploadProof| {
        let signable = plan(params, &anywhere()).unwrap();
        let now = Timestamp::from_secs(NOW);
        let signable = signable.with_proof(proof, upload);
        signable.sign(false, now, 600, &credentials())
    };
    let named = json!({"public_id": "shop/mug"});
    let alone = signed(named.clone(), UploadProof::Context);
    assert_eq!(alone["context"], format!("media_sync_upload={upload}"));
    assert_eq!(alone["signature"], expected_signature(&alone));
    let beside = json!({"public_id": "shop/mug", "context": {"alt": "A"}});
    let beside = signed(beside, UploadProof::Context);
    assert_eq!(
        beside["context"],
        format!("media_sync_upload={upload}|alt=A")
    );
    assert!(!signed(named, UploadProof::Name).contains_key("context"));
}

#[test]
fn what_is_not_on_the_list_is_refused_by_its_name() {
    for name in [
        "notification_url",
        "eager_notification_url",
        "eval",
        "on_success",
        "upload_preset",
        "eager",
        "transformation",
        "moderation",
        "access_control",
        "access_mode",
        "proxy",
        "headers",
        "callback",
        "async",
        "backup",
        "return_delete_token",
        "use_filename",
        "unique_filename",
        "public_id_prefix",
        "allowed_formats",
        "invalidate",
        "file",
        "api_key",
        "signature",
        "resource_type",
        "Tags",
        "",
    ] {
        let refused = plan(json!({name: "x"}), &anywhere()).unwrap_err();
        let UploadRefusal::Parameter(error) = refused else {
            panic!("{name}: {refused:?}");
        };
        assert_eq!(error.name, name);
    }
}

#[test]
fn other_values_than_those_that_are_signed_are_refused() {
    for params in [
        json!({"type": "authenticated"}),
        json!({"source": "api"}),
        json!({"overwrite": "maybe"}),
        json!({"folder": "a", "asset_folder": "b"}),
        json!({"tags": [["a"]]}),
        json!({"tags": ["a,b"]}),
        json!({"context": {"alt": 1}}),
        json!({"context": {"media_sync_upload": "x"}}),
        json!({"context": "alt=A|media_sync_upload=x"}),
        json!({"context": r"media\_sync\_upload=x"}),
        json!({"context": r"alt=A|media_sync_uploa\d=x"}),
        json!({"context": "no pair"}),
        json!({"public_id": ["mug"]}),
        json!({"public_id": "a//b"}),
        json!({"display_name": "x".repeat(256)}),
        json!({"tags": format!("a,{}", "x".repeat(256))}),
        json!({"metadata": {"sku": "x".repeat(17_000)}}),
    ] {
        assert!(plan(params.clone(), &anywhere()).is_err(), "{params}");
    }
}

#[test]
fn a_name_is_always_pinned_and_replaces_nothing_unless_that_was_granted() {
    let signable = plan(json!({"overwrite": true}), &anywhere()).unwrap();
    assert!(signable.overwrite);
    assert!(signable.named.public_id.starts_with("file-"));
    let refused = signable
        .clone()
        .sign(false, Timestamp::from_secs(NOW), 600, &credentials());
    assert_eq!(refused["overwrite"], "0");
    assert!(!refused.contains_key("invalidate"));
    let granted = signable.sign(true, Timestamp::from_secs(NOW), 600, &credentials());
    assert_eq!(
        (
            granted["overwrite"].as_str(),
            granted["invalidate"].as_str()
        ),
        (Some("1"), Some("1"))
    );
}

#[test]
fn rules_bind_the_formats_and_the_place() {
    let rules =
        UploadRules::parse(r#"{"formats": ["png", "gif"], "prefix": "u/{user_id}"}"#).unwrap();
    let signable = plan(json!({}), &rules).unwrap();
    let answer = signable.sign(false, Timestamp::from_secs(NOW), 600, &credentials());
    assert_eq!(answer["allowed_formats"], "gif,png");
    assert_eq!(answer["asset_folder"], format!("u/{}", USER.id));
    let foreign = plan(json!({"public_id": "shop/mug"}), &rules).unwrap_err();
    assert_eq!(foreign.code(), "outside_prefix");
    let raw = Map::new();
    let raw = SigningRequest {
        params: &raw,
        filename: Some("prices.csv"),
        resource_type: Some(ResourceType::Raw),
    };
    let named = raw.plan(&anywhere(), USER, Uuid::nil()).unwrap();
    assert!(named.named.public_id.ends_with(".csv"));
}

#[test]
fn people_see_the_files_name_unless_another_is_asked_for() {
    let shown = |params: Value| {
        let Value::Object(params) = params else {
            panic!("parameters are an object");
        };
        let asked = SigningRequest {
            params: &params,
            filename: Some("Tulip two.jpg"),
            resource_type: None,
        };
        let signable = asked.plan(&anywhere(), USER, Uuid::nil()).unwrap();
        let answer = signable.sign(false, Timestamp::from_secs(NOW), 600, &credentials());
        assert_eq!(answer["signature"], expected_signature(&answer));
        answer.get("display_name").cloned()
    };
    assert_eq!(shown(json!({})), Some(json!("Tulip two")));
    assert_eq!(shown(json!({"display_name": "Red"})), Some(json!("Red")));
    assert_eq!(shown(json!({"public_id": "shop/tulip"})), None);
}

fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        "\\PC{0,12}".prop_map(Value::from),
        "[a-z]{1,3}(&(overwrite|notification_url|eval)=[a-z0-9]{1,4})?".prop_map(Value::from),
        any::<bool>().prop_map(Value::from),
        any::<u32>().prop_map(Value::from),
        Just(json!(["a", "b"])),
        Just(json!({"k": "v|w"})),
        Just(Value::Null),
    ]
}

fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => proptest::sample::select(&SIGNABLE[..]).prop_map(str::to_owned),
        1 => "[a-z_]{1,12}",
    ]
}

proptest! {
    #[test]
    fn whatever_is_asked_only_the_list_is_signed_and_nothing_is_replaced(
        params in prop::collection::btree_map(name(), value(), 0..8)
    ) {
        let asked: Map<String, Value> = params.into_iter().collect();
        if let Ok(signable) = plan(Value::Object(asked.clone()), &anywhere()) {
            let answer = signable.sign(false, Timestamp::from_secs(NOW), 60, &credentials());
            let added = ["overwrite", "public_id", "timestamp", "signature", "api_key", "cloud_name"];
            for name in answer.keys() {
                prop_assert!(SIGNABLE.contains(&name.as_str()) || added.contains(&name.as_str()), "{}", name);
            }
            prop_assert!(asked.keys().all(|name| SIGNABLE.contains(&name.as_str())));
            prop_assert_eq!(&answer["overwrite"], "0");
            prop_assert_eq!(&answer["timestamp"], &(NOW - 3540).to_string());
            prop_assert_eq!(answer["signature"].as_str().unwrap(), expected_signature(&answer));
            prop_assert!(answer.values().all(|value| value.as_str().is_some_and(|text| !text.is_empty())));
        }
    }

    #[test]
    fn a_changed_parameter_has_another_signature(tag in "[a-z]{1,8}", other in "[a-z]{1,8}") {
        prop_assume!(tag != other);
        let mut answer = sign(json!({"tags": tag}));
        answer.insert("tags".to_owned(), json!(other));
        prop_assert_ne!(answer["signature"].as_str().unwrap(), expected_signature(&answer));
    }
}

proptest! {
    #[test]
    fn whatever_the_context_says_it_names_one_upload(
        given in r"([a-z_=|\\ ]|media|_sync|_upload|upload=){0,12}"
    ) {
        let upload = Uuid::from_u128(7);
        let params = json!({"public_id": "shop/mug", "context": given});
        if let Ok(signable) = plan(params, &anywhere()) {
            let signed = signable.with_proof(UploadProof::Context, upload);
            let signed = signed.sign(false, Timestamp::from_secs(NOW), 600, &credentials());
            let pairs = escape::read_pairs(signed["context"].as_str().unwrap()).unwrap();
            let proofs: Vec<_> = pairs.iter().filter(|(key, _)| key.trim() == PROOF_KEY).collect();
            prop_assert_eq!(proofs, [&(PROOF_KEY.to_owned(), upload.to_string())]);
        }
    }
}
