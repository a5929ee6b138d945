//! One user holds up nobody else with many requests at once, and all that the bounds allow can be done.

use std::collections::BTreeMap;

use end_to_end::{DataApiCaller, database, eventually};
use local_stack::TokenClaims;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokio_postgres::error::SqlState;
use tokio_postgres::types::ToSql;

use super::Measure;

const TURN: &str = "select media_sync.take_turn('public.media_assets', $1::text::uuid)";

impl Measure {
    /// Comes back when as many requests wait for their turn.
    async fn so_many_wait(&self, count: i64) {
        let waiting =
            "select count(*) as waiting from pg_locks where locktype = 'advisory' and not granted";
        eventually("requests wait", async || {
            database::rows(&self.client, waiting, &[]).await[0]["waiting"] == count
        })
        .await;
    }

    /// As many assets more of the user's, by the ids that Cloudinary has for them.
    async fn more_assets(&self, count: i32) -> Vec<String> {
        let add = "insert into public.media_assets (cloudinary_asset_id, cloudinary_public_id, resource_type, uploaded_by)
            select md5('more ' || n), 'more/' || n, 'image', $2::text::uuid from generate_series(1, $1) n
            returning cloudinary_asset_id";
        let owner = self.claims.sub.to_string();
        let rows = database::rows(&self.client, add, &[&count, &owner]).await;
        rows.iter()
            .map(|row| row["cloudinary_asset_id"].as_str().unwrap().to_owned())
            .collect()
    }
}

#[tokio::test]
async fn edits_within_the_bounds_are_done_in_time() {
    let measure = Measure::take().await;
    let assets = measure.more_assets(200).await;
    let editor = TokenClaims::with_role("editor@example.com", "editor");
    let editor = DataApiCaller::user(&measure.stack, &editor);
    let tags: Vec<String> = (0..150).map(|n| format!("tag {n}")).collect();
    let pairs: BTreeMap<String, String> = (0..600)
        .map(|n| (format!("key {n}"), n.to_string()))
        .collect();
    let choices: Vec<String> = (0..1000).map(|n| n.to_string()).collect();
    let edit = async |count: usize, change: Value| {
        let item = |asset: &String| {
            let mut item = change.clone();
            item["asset_id"] = json!(asset);
            item
        };
        let items: Vec<Value> = assets[..count].iter().map(item).collect();
        let request = json!({ "p_items": items });
        editor.rpc("media_request_edit", &request).await
    };
    for (count, change) in [
        (200, json!({ "tags": tags })),
        (30, json!({ "context": pairs })),
        (30, json!({ "metadata": { "many": choices } })),
    ] {
        let done = edit(count, change).await.ok();
        assert_eq!(done["failed"], json!([]));
    }
    let beyond = edit(100, json!({ "context": pairs })).await;
    beyond.assert_status(StatusCode::PAYLOAD_TOO_LARGE);
    measure.stack.stop().await;
}

#[tokio::test]
async fn requests_of_one_user_hold_few_connections() {
    let measure = Measure::take().await;
    measure.more_assets(20).await;
    // Another transaction of the user's does not end.
    let mut holder = database::connect(measure.stack.database_url()).await;
    let holder = holder.transaction().await.unwrap();
    let user = measure.claims.sub.to_string();
    holder.query(TURN, &[&user]).await.unwrap();

    let changed = json!({ "alt_text": "a mug" });
    let whose = format!("/media_assets?uploaded_by=eq.{user}");
    let change = async || {
        let user = &measure.user;
        user.call(Method::PATCH, &whose, &[], Some(&changed)).await
    };
    let (answers, ()) = tokio::join!(
        futures::future::join_all((0..12).map(|_| change())),
        measure.so_many_wait(5)
    );
    for answer in answers {
        assert_eq!(answer.status, StatusCode::CONFLICT, "{}", answer.body);
    }
    holder.rollback().await.unwrap();
    let answer = change().await;
    assert!(answer.status.is_success(), "{}", answer.body);
    measure.stack.stop().await;
}

/// Those beyond the five hold a connection for half a second only; the five wait two.
#[tokio::test]
async fn who_finds_five_waiting_gives_up_before_them() {
    let measure = Measure::take().await;
    let mut holder = database::connect(measure.stack.database_url()).await;
    let holder = holder.transaction().await.unwrap();
    let user = measure.claims.sub.to_string();
    holder.query(TURN, &[&user]).await.unwrap();

    let connect = || database::connect(measure.stack.database_url());
    let early = futures::future::join_all((0..5).map(|_| connect())).await;
    let late = connect().await;
    let is_beyond = async {
        measure.so_many_wait(5).await;
        late.query(TURN, &[&user]).await.unwrap_err()
    };
    let values: [&(dyn ToSql + Sync); 1] = [&user];
    let waits = early
        .iter()
        .map(|client| Box::pin(client.query(TURN, &values)));
    tokio::select! {
        (ended, ..) = futures::future::select_all(waits) => panic!("one of the five was first: {ended:?}"),
        refused = is_beyond => assert_eq!(refused.code().map(SqlState::code), Some("PT409")),
    }
    measure.stack.stop().await;
}

/// The second waits for its turn before it holds a row: else each of two would hold what the other waits for.
#[tokio::test]
async fn a_request_holds_no_row_before_its_turn() {
    let measure = Measure::take().await;
    let mut holder = database::connect(measure.stack.database_url()).await;
    let holder = holder.transaction().await.unwrap();
    let user = measure.claims.sub.to_string();
    holder.query(TURN, &[&user]).await.unwrap();
    let edited = measure.edit(json!({ "alt_text": "a mug" }));
    let row_is_free = async {
        measure.so_many_wait(1).await;
        let row = "select cloudinary_public_id from public.media_assets for update nowait";
        holder.query(row, &[]).await.unwrap();
        holder.rollback().await.unwrap();
    };
    let (outcome, ()) = tokio::join!(edited, row_is_free);
    assert_eq!(outcome, "done");
    measure.stack.stop().await;
}
