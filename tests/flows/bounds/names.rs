//! A rename and an upload that want one name at once: one of them gets it, and the other hears so.

use end_to_end::{DataApiCaller, HttpAnswer, database, eventually};
use local_stack::TokenClaims;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::join;
use tokio_postgres::Client;

use super::Measure;

const NAME: &str = "shop/wanted";

#[tokio::test]
async fn of_a_rename_and_an_upload_that_want_one_name_one_gets_it() {
    let measure = Measure::take().await;
    let upload = begun(&measure, "00000000-0000-4000-8000-0000000000a1");
    let begin = format!("select public.media_sync_begin_upload('{upload}')");
    for way in ["data api", "request", "restore"] {
        a_rename_waits_for_an_upload(&measure, &begin, way).await;
    }
    let take = format!("update public.media_assets set cloudinary_public_id = '{NAME}'");
    let bring_back = "update public.media_assets set deleted_at = null";
    for (before, sql) in [(None, take.as_str()), (Some(&take), bring_back)] {
        an_upload_waits_for(&measure, before.map(String::as_str), sql, &upload).await;
    }
    measure.stack.stop().await;
}

#[tokio::test]
async fn a_mass_rename_takes_a_bounded_number_of_locks() {
    let measure = Measure::take().await;
    let client = &measure.client;
    let many =
        "insert into public.media_assets (cloudinary_asset_id, cloudinary_public_id, resource_type)
        select md5('n' || n), 'n' || n, 'image' from generate_series(1, 2000) n";
    client.batch_execute(many).await.unwrap();
    let rename = "begin; update public.media_assets set cloudinary_public_id = 'new/' || cloudinary_public_id";
    client.batch_execute(rename).await.unwrap();
    let locks = "select count(*)::integer as held from pg_locks
        where locktype = 'advisory' and classid = (hashtext('media_sync.hold_name')::bigint & 4294967295)::oid";
    let held = database::rows(client, locks, &[]).await[0]["held"].clone();
    assert!(held.as_i64() <= Some(1024), "{held} locks for 2,000 names");
    client.batch_execute("rollback").await.unwrap();
    measure.stack.stop().await;
}

/// Nobody's renames hold up an upload for long: each that waits holds a connection.
#[tokio::test]
async fn an_upload_behind_a_rename_that_does_not_end_is_refused_for_now() {
    let measure = Measure::take().await;
    let mut other = database::connect(measure.stack.database_url()).await;
    let rename = other.transaction().await.unwrap();
    let take = format!("update public.media_assets set cloudinary_public_id = '{NAME}'");
    rename.execute(&take, &[]).await.unwrap();
    let upload = begun(&measure, "00000000-0000-4000-8000-0000000000a1");
    let service = DataApiCaller::service(&measure.stack);
    let arguments = json!({"p_upload": upload});
    let refused = service.rpc("media_sync_begin_upload", &arguments).await;
    assert_eq!(refused.body["code"], "55P03", "{}", refused.body);
    rename.rollback().await.unwrap();
    let begun = service.rpc("media_sync_begin_upload", &arguments).await;
    assert_eq!(begun.ok()["outcome"], "begun");
    measure.stack.stop().await;
}

/// An upload of a signature under the name, as a user begins it.
fn begun(measure: &Measure, id: &str) -> Value {
    json!({
        "id": id, "kind": "signed", "uploader": measure.claims.sub, "role": "editor", "public_id": NAME,
        "is_name_given": true, "folder": "shop", "overwrite": false, "since_version": 1, "until_version": 2,
        "open_seconds": 60, "most_open": 100, "most_reserved": 20,
    })
}

async fn a_rename_waits_for_an_upload(measure: &Measure, begin: &str, way: &str) {
    let other = database::connect(measure.stack.database_url()).await;
    let gone = format!(
        "begin; set local media_sync.observing = 'on';
        update public.media_assets set cloudinary_public_id = '{NAME}', deleted_at = now(); commit"
    );
    if way == "restore" {
        other.batch_execute(&gone).await.unwrap();
    }
    other
        .batch_execute(&format!("begin; {begin}"))
        .await
        .unwrap();
    let refused = async { rename(measure, way).await };
    let ended = async {
        somebody_waits(&measure.client, way).await;
        other.batch_execute("commit").await.unwrap();
    };
    let (answer, ()) = join!(refused, ended);
    assert!(
        answer.body.to_string().contains("another upload uses"),
        "{way}: {}",
        answer.body
    );
    forget(measure).await;
}

async fn rename(measure: &Measure, way: &str) -> HttpAnswer {
    let claims = TokenClaims::with_role("editor@example.com", "editor");
    let editor = DataApiCaller::user(&measure.stack, &claims);
    let id = database::rows(&measure.client, "select md5('mug') as id", &[]).await[0]["id"].clone();
    match way {
        "data api" => {
            let rename = json!({"cloudinary_public_id": NAME});
            let path = "/media_assets?cloudinary_public_id=eq.mug";
            editor.call(Method::PATCH, path, &[], Some(&rename)).await
        }
        "request" => {
            let items = json!({"p_items": [{"asset_id": id, "public_id": NAME}]});
            editor.rpc("media_request_edit", &items).await
        }
        _ => {
            let items = json!({"p_items": [{"asset_id": id}]});
            editor.rpc("media_request_restore", &items).await
        }
    }
}

async fn an_upload_waits_for(measure: &Measure, before: Option<&str>, sql: &str, upload: &Value) {
    let other = database::connect(measure.stack.database_url()).await;
    if let Some(before) = before {
        let gone = format!(
            "begin; set local media_sync.observing = 'on'; {before}, deleted_at = now(); commit"
        );
        other.batch_execute(&gone).await.unwrap();
    }
    other.batch_execute(&format!("begin; {sql}")).await.unwrap();
    let service = DataApiCaller::service(&measure.stack);
    let arguments = json!({"p_upload": upload});
    let begun = service.rpc("media_sync_begin_upload", &arguments);
    let ended = async {
        somebody_waits(&measure.client, sql).await;
        other.batch_execute("commit").await.unwrap();
    };
    let (answer, ()) = join!(begun, ended);
    answer.assert_status(StatusCode::OK);
    assert_eq!(answer.body["outcome"], "taken", "{}", answer.body);
    forget(measure).await;
}

async fn somebody_waits(client: &Client, what: &str) {
    let waiting = "select count(*)::integer as sessions from pg_stat_activity
        where datname = current_database() and wait_event_type = 'Lock' and wait_event = 'advisory'";
    eventually(what, async || {
        database::rows(client, waiting, &[]).await[0]["sessions"] == 1
    })
    .await;
}

/// All is as it was.
async fn forget(measure: &Measure) {
    let sql = "begin; set local media_sync.observing = 'on'; delete from public.media_uploads;
        update public.media_assets set cloudinary_public_id = 'mug', deleted_at = null, deleted_by = null, intent = null,
            observed = null, sync_status = 'synced'; commit";
    measure.client.batch_execute(sql).await.unwrap();
}
