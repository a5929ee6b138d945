//! One user does not spend the hour of everybody else.

use end_to_end::{DataApiCaller, HttpAnswer, database};
use local_stack::TokenClaims;
use media_sync::sync::explain::{AssetStatus, StatusFacts, explain};
use media_sync::time::Timestamp;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::Measure;

const ID: &str = "select id::text as id, cloudinary_asset_id as asset_id from public.media_assets";

#[tokio::test]
async fn a_user_changes_as_much_as_an_hour_takes_whichever_way() {
    let measure = Measure::take().await;
    limit(&measure, json!({"changes_per_hour": 3})).await;
    let asset = database::rows(&measure.client, ID, &[]).await[0].clone();
    for number in 0..3 {
        let change = json!({"description": format!("Mug {number}")});
        assert_eq!(measure.edit(change).await, "done");
    }
    let item = json!({"asset_id": asset["asset_id"], "tags": ["late"]});
    let edit = json!({"p_items": [item]});
    for answer in [
        measure.user.rpc("media_request_edit", &edit).await,
        patch(&measure.user, json!({"tags": ["late"]})).await,
        patch(&measure.user, json!({"deleted_at": "2026-01-01T00:00:00Z"})).await,
    ] {
        answer.assert_refused(StatusCode::TOO_MANY_REQUESTS, "PT429");
        let wait = answer.headers["retry-after"].to_str().unwrap();
        assert!((3_000..=3_600).contains(&wait.parse().unwrap()), "{wait}");
    }
    let admin = DataApiCaller::user(&measure.stack, &TokenClaims::admin("admin@example.com"));
    let others = admin.rpc("media_request_edit", &edit).await;
    assert_eq!(others.body["failed"], json!([]), "{}", others.body);

    let earlier = "alter table public.media_sync_log disable trigger append_only;
        update public.media_sync_log set occurred_at = occurred_at - interval '1 hour';
        alter table public.media_sync_log enable trigger append_only";
    measure.client.batch_execute(earlier).await.unwrap();
    assert_eq!(measure.edit(json!({"tags": ["later"]})).await, "done");
    measure.stack.stop().await;
}

#[tokio::test]
async fn a_request_beyond_the_budget_does_nothing_at_all() {
    let measure = Measure::take().await;
    limit(&measure, json!({"changes_per_hour": 2})).await;
    let asset = database::rows(&measure.client, ID, &[]).await[0]["asset_id"].clone();
    assert_eq!(measure.edit(json!({"tags": ["first"]})).await, "done");
    let item = |tag: &str| json!({"asset_id": asset, "tags": [tag]});
    let request = json!({"p_items": [item("one"), item("two")]});
    let refused = measure.user.rpc("media_request_edit", &request).await;
    refused.assert_refused(StatusCode::TOO_MANY_REQUESTS, "PT429");
    let tags = "select tags from public.media_assets";
    let tags = database::rows(&measure.client, tags, &[]).await;
    assert_eq!(tags[0]["tags"], json!(["first"]));
    let never = json!({"p_items": [item("one"), item("two"), item("three")]});
    let never = measure.user.rpc("media_request_edit", &never).await;
    never.assert_refused(StatusCode::BAD_REQUEST, "22023");
    measure.stack.stop().await;
}

#[tokio::test]
async fn a_row_has_a_few_rounds_at_once_and_then_waits_while_wishes_add_up() {
    let measure = Measure::take().await;
    let service = DataApiCaller::service(&measure.stack);
    assert_eq!(measure.edit(json!({"tags": ["sale"]})).await, "done");
    for round in 0..10 {
        assert_eq!(claim_and_end(&measure, &service).await, 1, "{round}");
    }
    assert_eq!(claim_and_end(&measure, &service).await, 0);
    let waits = "select extract(epoch from sync_next_attempt_at - now())::integer as seconds from public.media_assets";
    let waits = database::rows(&measure.client, waits, &[]).await[0]["seconds"].clone();
    assert!((60..=120).contains(&waits.as_i64().unwrap()), "{waits}");
    the_owner_is_told_what_the_row_waits_for(&measure).await;

    limit(&measure, json!({"seconds_between_rounds": 0})).await;
    assert_eq!(claim_and_end(&measure, &service).await, 1);
    assert_eq!(code(&measure).await, json!({"code": null, "message": null}));
    measure.stack.stop().await;
}

#[tokio::test]
async fn a_row_without_a_round_goes_on_showing_its_failure() {
    let measure = Measure::take().await;
    let service = DataApiCaller::service(&measure.stack);
    assert_eq!(measure.edit(json!({"tags": ["sale"]})).await, "done");
    let failed = "set media_sync.observing = 'on';
        update public.media_assets set sync_error_code = 'cloudinary_server', sync_error_message = 'no answer'";
    measure.client.batch_execute(failed).await.unwrap();
    for round in 0..11 {
        let claimed = claim_and_end(&measure, &service).await;
        assert_eq!(claimed, usize::from(round < 10), "{round}");
        let shown = json!({"code": "cloudinary_server", "message": "no answer"});
        assert_eq!(code(&measure).await, shown, "{round}");
    }
    measure.stack.stop().await;
}

async fn code(measure: &Measure) -> Value {
    let code =
        "select sync_error_code as code, sync_error_message as message from public.media_assets";
    database::rows(&measure.client, code, &[]).await.remove(0)
}

async fn the_owner_is_told_what_the_row_waits_for(measure: &Measure) {
    let asset = database::rows(&measure.client, ID, &[]).await[0]["asset_id"].clone();
    let told = measure
        .user
        .rpc("media_get", &json!({"p_asset_id": asset}))
        .await;
    let standing: StatusFacts = serde_json::from_value(told.body["standing"].clone()).unwrap();
    let told = explain(&standing, Timestamp::now());
    assert_eq!(told.state, AssetStatus::RoundsSpent, "{told:?}");
    let at = standing.next_attempt_at.unwrap().to_the_second();
    assert!(told.next.contains(&at), "{told:?}");

    let admin = DataApiCaller::user(&measure.stack, &TokenClaims::admin("admin@example.com"));
    let issues = admin.rpc("media_issues", &json!({})).await.body;
    assert_eq!(issues["items"][0]["id"], "edit:rounds_spent", "{issues}");
    let retry = json!({"p_issue": "edit:rounds_spent"});
    let refused = admin.rpc("media_retry_issue", &retry).await;
    refused.assert_refused(StatusCode::BAD_REQUEST, "22023");
}

#[tokio::test]
async fn the_owner_of_the_database_alone_removes_a_flood_from_the_trail_and_leaves_an_entry() {
    let measure = Measure::take().await;
    for number in 0..5 {
        let change = json!({"description": format!("Mug {number}")});
        assert_eq!(measure.edit(change).await, "done");
    }
    let remove = "select media_sync.break_glass($1::text::uuid, now() - interval '1 hour', now() + interval '1 hour', $2) as gone";
    let user = measure.claims.sub.to_string();
    let gone = async |reason: &str| {
        let values: [&(dyn tokio_postgres::types::ToSql + Sync); 2] = [&user, &reason];
        measure.client.query(remove, &values).await
    };
    gone(" ").await.unwrap_err();
    measure
        .client
        .batch_execute("set role service_role")
        .await
        .unwrap();
    gone("as a server").await.unwrap_err();
    measure.client.batch_execute("reset role").await.unwrap();
    let gone = gone("a flood").await.unwrap();
    assert_eq!(gone[0].get::<_, i64>(0), 5);
    let left = "select operation, details ->> 'reason' as reason, details -> 'entries' as entries from public.media_sync_log";
    let left = database::rows(&measure.client, left, &[]).await;
    assert_eq!(
        left,
        [json!({"operation": "glass_broken", "reason": "a flood", "entries": 5})]
    );
    measure.stack.stop().await;
}

#[tokio::test]
async fn a_user_begins_as_many_uploads_as_an_hour_takes_used_or_not() {
    let measure = Measure::take().await;
    limit(&measure, json!({"uploads_per_hour": 2})).await;
    let user = measure.claims.sub.to_string();
    assert_eq!(begin(&measure, &user, "user").await["outcome"], "begun");
    assert_eq!(begin(&measure, &user, "user").await["outcome"], "begun");
    let ended =
        "update public.media_uploads set open_until = now(), outcome = 'lost', ended_at = now()";
    measure.client.batch_execute(ended).await.unwrap();
    let refused = begin(&measure, &user, "user").await;
    assert_eq!(refused["outcome"], "over_budget");
    let wait = refused["wait_seconds"].as_i64().unwrap();
    assert!((3_000..=3_600).contains(&wait), "{wait}");
    let other = uuid::Uuid::new_v4().to_string();
    for (uploader, role) in [(&user, "editor"), (&other, "user")] {
        let begun = begin(&measure, uploader, role).await;
        assert_eq!(begun["outcome"], "begun", "{role}");
    }
    let earlier = "update public.media_uploads set begun_at = begun_at - interval '1 hour'";
    measure.client.batch_execute(earlier).await.unwrap();
    assert_eq!(begin(&measure, &user, "user").await["outcome"], "begun");
    measure.stack.stop().await;
}

/// Records a signed upload under a name of its own, as the function does.
async fn begin(measure: &Measure, uploader: &str, role: &str) -> Value {
    let id = uuid::Uuid::new_v4();
    let folder = format!("users/{uploader}");
    let upload = json!({
        "id": id, "kind": "signed", "uploader": uploader, "role": role, "public_id": format!("{folder}/{id}"),
        "is_name_given": false, "folder": folder, "overwrite": false, "since_version": 1, "until_version": 2,
        "open_seconds": 60, "most_open": 100, "most_reserved": 20,
    });
    let service = DataApiCaller::service(&measure.stack);
    let upload = json!({"p_upload": upload});
    service.rpc("media_sync_begin_upload", &upload).await.body
}

async fn limit(measure: &Measure, limits: Value) {
    let sql = "select public.media_sync_set_setting('USER_LIMITS', $1)";
    measure.client.query(sql, &[&limits]).await.unwrap();
}

async fn patch(caller: &DataApiCaller, change: Value) -> HttpAnswer {
    let path = "/media_assets?cloudinary_public_id=eq.mug";
    caller.call(Method::PATCH, path, &[], Some(&change)).await
}

/// The number of rows that the claim got; it ends as a plan ends it.
async fn claim_and_end(measure: &Measure, service: &DataApiCaller) -> usize {
    let id = database::rows(&measure.client, ID, &[]).await[0]["id"].clone();
    let claim = json!({
        "p_ids": [id], "p_claim": "00000000-0000-4000-8000-000000000001", "p_seconds": 60,
    });
    let claimed = service.rpc("media_sync_claim_intents", &claim).await;
    assert_eq!(claimed.body["busy"], json!([]), "{}", claimed.body);
    let ended = json!([{"id": id, "intent_claim": null}]);
    let end = "select media_sync.end_claims($1)";
    measure.client.query(end, &[&ended]).await.unwrap();
    claimed.body["rows"].as_array().unwrap().len()
}
