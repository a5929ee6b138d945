//! Settings are the same in the library and in the database, and a misspelt one is refused there too.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::collections::BTreeMap;

use end_to_end::database;
use local_stack::{LocalStack, StackOptions};
use media_sync::access_rules::AccessRules;
use media_sync::config::{ACCESS_RULES, UPLOAD_RULES, USER_LIMITS};
use media_sync::settings::UserLimits;
use media_sync::upload::{UploadRules, Uploader};
use media_sync::user_role::UserRole;
use serde_json::{Value, json};
use tokio_postgres::Client;
use uuid::Uuid;

const SET: &str = "select public.media_sync_set_setting($1, $2) as written";

#[tokio::test]
async fn the_database_knows_the_settings_of_the_library_and_refuses_all_others() {
    let stack = LocalStack::start(StackOptions::database_only())
        .await
        .unwrap();
    let client = database::connect(stack.database_url()).await;
    for (name, rules) in [
        (UPLOAD_RULES, json!(UploadRules::default())),
        (ACCESS_RULES, json!(AccessRules::default())),
        (USER_LIMITS, json!(UserLimits::default())),
    ] {
        assert_eq!(known_keys(&client, name).await, keys(&rules), "{name}");
    }
    the_library_takes_the_same_words(&client).await;
    limits_have_the_defaults_of_the_library(&client).await;
    misspelt_settings_are_refused(&client).await;
    prefixes_are_those_of_the_library(&client).await;
    a_setting_that_was_taken_back_is_not_new(&client).await;
    stack.stop().await;
}

/// The keys of an object, with the types of their values.
fn keys(object: &Value) -> BTreeMap<String, &'static str> {
    let kind = |value: &Value| match value {
        Value::String(_) => "string",
        Value::Number(_) => "number",
        Value::Array(_) => "array",
        Value::Bool(_) => "boolean",
        other => panic!("no type for {other}"),
    };
    let pairs = object.as_object().unwrap().iter();
    pairs
        .map(|(key, value)| (key.clone(), kind(value)))
        .collect()
}

async fn limits_have_the_defaults_of_the_library(client: &Client) {
    let sql = "select media_sync.changes_per_hour() as changes_per_hour,
        media_sync.uploads_per_hour() as uploads_per_hour,
        extract(epoch from media_sync.time_between_rounds())::integer as seconds_between_rounds";
    let told = database::rows(client, sql, &[]).await;
    assert_eq!(told, [json!(UserLimits::default())]);
}

async fn known_keys(client: &Client, name: &str) -> BTreeMap<String, &'static str> {
    let sql = "select key, kind from media_sync.setting_keys() where setting = $1";
    let rows = database::rows(client, sql, &[&name]).await;
    let kinds = ["string", "number", "array", "boolean"];
    let pairs = rows.iter().map(|row| {
        let kind = kinds.iter().find(|kind| row["kind"] == **kind).unwrap();
        (row["key"].as_str().unwrap().to_owned(), *kind)
    });
    pairs.collect()
}

async fn the_library_takes_the_same_words(client: &Client) {
    let sql = "select key, unnest(words || 'x'::text) as word from media_sync.setting_keys() where words is not null";
    for row in database::rows(client, sql, &[]).await {
        let rules = json!({row["key"].as_str().unwrap(): row["word"]});
        let is_taken = AccessRules::parse(&rules.to_string()).is_ok();
        assert_eq!(is_taken, row["word"] != "x", "{rules}");
        let set = client.query(SET, &[&ACCESS_RULES, &rules]).await;
        assert_eq!(set.is_ok(), is_taken, "{rules}");
    }
    client
        .query(SET, &[&ACCESS_RULES, &Value::Null])
        .await
        .unwrap();
}

async fn misspelt_settings_are_refused(client: &Client) {
    for (name, value, words) in [
        ("UPLOAD_RULE", json!({}), "there is no setting UPLOAD_RULE"),
        ("UPLOAD_RULES", json!([]), "must be a JSON object"),
        ("UPLOAD_RULES", json!("{}"), "must be a JSON object"),
        (
            "UPLOAD_RULES",
            json!({"max_byte": 5}),
            "has no key max_byte",
        ),
        (
            "UPLOAD_RULES",
            json!({"max_bytes": "5"}),
            "max_bytes must be a JSON number",
        ),
        (
            "ACCESS_RULES",
            json!({"admin_aal": "aal3"}),
            "admin_aal must be one of aal1, aal2",
        ),
        (
            "UPLOAD_RULES",
            json!({"prefix": null}),
            "prefix must be a JSON string",
        ),
    ] {
        let refused = client.query(SET, &[&name, &value]).await.unwrap_err();
        let refused = refused.as_db_error().unwrap();
        assert!(refused.message().contains(words), "{}", refused.message());
        assert_eq!(refused.code().code(), "22023");
        let past = "insert into media_sync.settings (name, value) values ($1, $2)";
        assert!(
            client.query(past, &[&name, &value]).await.is_err(),
            "past the function: {value}"
        );
    }
}

async fn prefixes_are_those_of_the_library(client: &Client) {
    let uploader = Uploader {
        id: Uuid::new_v4(),
        role: UserRole::User,
    };
    for rules in [
        json!({}),
        json!({"prefix": ""}),
        json!({"prefix": "/"}),
        json!({"prefix": "users/{user_id}"}),
        json!({"prefix": "//team/{user_id}/{user_id}/"}),
        json!({"prefix": "shared"}),
    ] {
        client.query(SET, &[&"UPLOAD_RULES", &rules]).await.unwrap();
        let sql = format!("select media_sync.prefix_of('{}') as prefix", uploader.id);
        let told = database::rows(client, &sql, &[]).await;
        let parsed = UploadRules::parse(&rules.to_string()).unwrap();
        assert_eq!(
            told[0]["prefix"],
            json!(parsed.prefix_of(uploader)),
            "{rules}"
        );
    }
}

async fn a_setting_that_was_taken_back_is_not_new(client: &Client) {
    let name = "UPLOAD_RULES";
    let rules = json!({"max_bytes": 5});
    let import = "select public.media_sync_set_setting($1, $2, true) as written";
    let written = async |sql: &str, value: &Value| {
        database::rows(client, sql, &[&name, value]).await[0]["written"] == true
    };
    assert!(!written(import, &rules).await, "it was set before");
    assert!(written(SET, &Value::Null).await);
    assert!(!written(SET, &Value::Null).await, "nothing has changed");
    assert!(!written(import, &rules).await, "it was taken back");
    let stored = "select value from media_sync.settings where name = 'UPLOAD_RULES'";
    assert_eq!(
        database::rows(client, stored, &[]).await,
        [json!({"value": null})]
    );
    let trail = "select details from public.media_sync_log where operation = 'setting_changed'
        and details ->> 'name' = 'UPLOAD_RULES' order by id desc limit 1";
    let told = database::rows(client, trail, &[]).await;
    assert_eq!(told[0]["details"]["to"], Value::Null, "{told:?}");
    assert!(told[0]["details"]["from"].is_object(), "{told:?}");
}
