//! A use holds an asset against deletes, so strangers record none, and no way past the API lets a used asset go.

use end_to_end::{DataApiCaller, HttpAnswer, database};
use local_stack::TokenClaims;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::{Boundary, FOREIGN, OUTSIDE, OWN, asset_id, patch};

#[tokio::test]
async fn uses_are_recorded_by_who_may_delete_the_asset_and_by_servers() {
    let boundary = Boundary::draw(None).await;
    let own = row_id(&boundary, OWN).await;
    let foreign = row_id(&boundary, FOREIGN).await;
    let user = boundary.as_user();
    let answer = record(&user, &[&own, &foreign], "1").await;
    assert_eq!(answer.body["done"], json!([{"asset_id": own}]));
    let refused = json!([{"asset_id": foreign, "error": "not yours to use"}]);
    assert_eq!(answer.body["failed"], refused);
    let past = json!({
        "asset_id": foreign, "usage_type": "cover", "table_name": "articles", "record_id": "1",
    });
    let past = user
        .call(Method::POST, "/media_usage", &[], Some(&past))
        .await;
    past.assert_refused(StatusCode::FORBIDDEN, "42501");

    let service = DataApiCaller::service(&boundary.stack);
    for (caller, record_id) in [(&boundary.with_role("editor"), "2"), (&service, "3")] {
        let answer = record(caller, &[&own, &foreign], record_id).await;
        assert_eq!(answer.body["failed"], json!([]), "{}", answer.body);
    }
    users_do_not_tell_the_time(&user, &own).await;
    boundary.stack.stop().await;
}

async fn users_do_not_tell_the_time(user: &DataApiCaller, own: &str) {
    let forged = json!({
        "asset_id": own, "usage_type": "cover", "table_name": "articles", "record_id": "9",
        "created_at": "2001-01-01T00:00:00Z",
    });
    let forged = user.call(Method::POST, "/media_usage", &[], Some(&forged));
    forged.await.assert_refused(StatusCode::FORBIDDEN, "42501");
}

#[tokio::test]
async fn a_use_is_read_and_dropped_by_recorder_owner_and_administrator() {
    let boundary = Boundary::draw(None).await;
    let own = row_id(&boundary, OWN).await;
    let editor = boundary.with_role("editor");
    record(&editor, &[&own], "1").await;
    let owner = boundary.as_user();
    let stranger = DataApiCaller::user(&boundary.stack, &TokenClaims::user("o@example.com"));
    for (caller, sees) in [
        (&owner, 1),
        (&editor, 1),
        (&boundary.with_role("admin"), 1),
        (&boundary.with_role("editor"), 0),
        (&stranger, 0),
    ] {
        let told = caller
            .rpc("media_where_used", &json!({"p_asset": own}))
            .await;
        assert_eq!(told.body["usage_count"], sees, "{}", told.body);
        assert_eq!(told.body["usage"].as_array().unwrap().len(), sees);
    }
    let record = json!({"p_table_name": "articles", "p_record_id": "1"});
    let dropped = stranger.rpc("media_usage_drop", &record).await;
    assert_eq!(dropped.body, json!({"done": [], "failed": []}));
    let dropped = owner.rpc("media_usage_drop", &record).await;
    assert_eq!(dropped.body["done"].as_array().unwrap().len(), 1);
    boundary.stack.stop().await;
}

#[tokio::test]
async fn an_asset_in_use_is_deleted_on_no_way_without_force() {
    let boundary = Boundary::draw(None).await;
    let own = row_id(&boundary, OWN).await;
    let editor = boundary.with_role("editor");
    record(&editor, &[&own], "1").await;
    let owner = boundary.as_user();
    for force in [json!(null), json!(false)] {
        let refused = delete(&boundary, &owner, force).await;
        assert_eq!(refused.body["failed"][0]["code"], "in_use");
        assert_eq!(refused.body["failed"][0]["reference_count"], 1);
        let references = json!([{"table": "articles", "row": "1", "kind": "cover"}]);
        assert_eq!(refused.body["failed"][0]["references"], references);
    }
    let shown = delete(&boundary, &boundary.with_role("editor"), json!(false)).await;
    assert_eq!(shown.body["failed"][0]["reference_count"], 1);
    assert_eq!(shown.body["failed"][0]["references"], json!([]));

    let past = json!({"deleted_at": "2026-01-01T00:00:00Z"});
    let past = patch(&boundary, &owner, OWN, past).await;
    past.assert_refused(StatusCode::CONFLICT, "PT409");
    let sql =
        "update public.media_assets set deleted_at = now() where cloudinary_asset_id = md5('own')";
    assert_eq!(boundary.sql(sql).await, Err("PT409".to_owned()));

    let done = delete(&boundary, &owner, json!(true)).await;
    assert_eq!(done.body["failed"], json!([]), "{}", done.body);
    boundary.stack.stop().await;
}

#[tokio::test]
async fn uses_are_bounded_and_counted_with_a_bound() {
    let boundary = Boundary::draw(None).await;
    let user = boundary.user.sub;
    fill(&boundary, OWN, 10_000).await.unwrap();
    let refused = delete(&boundary, &boundary.as_user(), json!(false)).await;
    let in_use = &refused.body["failed"][0];
    assert_eq!(in_use["reference_count"], 1_000, "{in_use}");
    assert_eq!(in_use["references"].as_array().unwrap().len(), 10);
    let own = row_id(&boundary, OWN).await;
    let one_more = record(&boundary.as_user(), &[&own], "more").await;
    one_more.assert_refused(StatusCode::UNPROCESSABLE_ENTITY, "PT422");

    fill(&boundary, OUTSIDE, 10_000).await.unwrap();
    let of_user = fill(&boundary, FOREIGN, 1).await;
    assert_eq!(
        of_user,
        Err("PT422".to_owned()),
        "of {user} there are enough"
    );
    let long = record(&boundary.as_user(), &[&own], &"ß".repeat(128)).await;
    long.assert_refused(StatusCode::BAD_REQUEST, "22023");
    boundary.stack.stop().await;
}

/// Uses of one asset, recorded by the user.
async fn fill(boundary: &Boundary, which: &str, count: usize) -> Result<(), String> {
    let sql = format!(
        "insert into public.media_usage (asset_id, usage_type, table_name, record_id, created_by)
         select id, 'cover', 'articles', n::text, '{}'
         from public.media_assets, generate_series(1, {count}) n where cloudinary_asset_id = md5('{which}')",
        boundary.user.sub
    );
    boundary.sql(&sql).await
}

async fn record(caller: &DataApiCaller, assets: &[&str], record_id: &str) -> HttpAnswer {
    let usage = json!({
        "p_assets": assets, "p_usage_type": "cover", "p_table_name": "articles", "p_record_id": record_id,
    });
    caller.rpc("media_usage_record", &usage).await
}

async fn delete(boundary: &Boundary, caller: &DataApiCaller, force: Value) -> HttpAnswer {
    let items = json!([{"asset_id": asset_id(boundary, OWN).await}]);
    let request = json!({"p_items": items, "p_force": force});
    caller.rpc("media_request_delete", &request).await
}

async fn row_id(boundary: &Boundary, which: &str) -> String {
    let sql = format!(
        "select id::text as id from public.media_assets where cloudinary_asset_id = md5('{which}')"
    );
    let rows = database::rows(&boundary.client, &sql, &[]).await;
    rows[0]["id"].as_str().unwrap().to_owned()
}
