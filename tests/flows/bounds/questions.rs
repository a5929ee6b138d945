//! Questions that no index can answer are refused in a large library, with what to ask instead.

use end_to_end::{DataApiCaller, database};
use local_stack::TokenClaims;
use reqwest::StatusCode;
use serde_json::{Value, json};
use uuid::Uuid;

use super::Measure;

/// More assets than are looked through for a word.
const FILL: &str = "insert into public.media_assets (cloudinary_asset_id, cloudinary_public_id, resource_type, folder)
    select md5(n::text), 'bulk/' || n, 'image', 'area-' || n % 20 from generate_series(1, 20001) n;
    analyze public.media_assets";

#[tokio::test]
async fn expensive_questions_are_refused_in_a_large_library_and_say_what_to_ask() {
    let measure = Measure::take().await;
    let met = json!({"search": "q7"});
    assert_eq!(ask(&measure, met.clone()).await, StatusCode::OK);
    measure.client.batch_execute(FILL).await.unwrap();
    for (query, status) in [
        (met, StatusCode::UNPROCESSABLE_ENTITY),
        // A page that fills early, and the rest behind a cursor that few rows follow.
        (json!({"search": "bu"}), StatusCode::OK),
        (
            json!({"search": "q7", "sort_by": "cloudinary_public_id", "after": {"value": "bulk/9", "id": Uuid::max()}}),
            StatusCode::OK,
        ),
        (json!({"search": "q7", "folder": "area-7"}), StatusCode::OK),
        (json!({"search": "bulk"}), StatusCode::OK),
        (json!({"offset": 100_000}), StatusCode::OK),
        (json!({"offset": 100_001}), StatusCode::UNPROCESSABLE_ENTITY),
        (json!({"tags": vec!["\u{e9}"; 51]}), StatusCode::BAD_REQUEST),
        (json!({"search": "x ".repeat(21)}), StatusCode::BAD_REQUEST),
        (
            json!({"search": "x".repeat(65_536)}),
            StatusCode::BAD_REQUEST,
        ),
    ] {
        assert_eq!(ask(&measure, query.clone()).await, status, "{query}");
    }
    measure.stack.stop().await;
}

#[tokio::test]
async fn filters_of_deleted_assets_are_bounded_too() {
    let measure = Measure::take().await;
    measure.client.batch_execute(FILL).await.unwrap();
    let delete =
        "set media_sync.observing = 'on'; update public.media_assets set deleted_at = now()";
    measure.client.batch_execute(delete).await.unwrap();
    let editor = TokenClaims::with_role("editor@example.com", "editor");
    let editor = DataApiCaller::user(&measure.stack, &editor);
    for (query, status) in [
        (json!({}), StatusCode::OK),
        (json!({"search": "bulk"}), StatusCode::OK),
        (json!({"offset": 20_000}), StatusCode::OK),
        (json!({"folder": "area-7"}), StatusCode::OK),
        (
            json!({"folder": "nowhere"}),
            StatusCode::UNPROCESSABLE_ENTITY,
        ),
        (
            json!({"search": "nowhere"}),
            StatusCode::UNPROCESSABLE_ENTITY,
        ),
    ] {
        let mut asked = query.clone();
        asked["deleted"] = json!("only");
        asked["sort_by"] = json!("deleted_at");
        let answer = editor.rpc("media_list", &json!({"p_query": asked})).await;
        assert_eq!(answer.status, status, "{query}");
    }
    // One user's own are few.
    let own = json!({"deleted": "only", "folder": "nowhere", "sort_by": "deleted_at"});
    assert_eq!(ask(&measure, own).await, StatusCode::OK);
    measure.stack.stop().await;
}

/// Without a limit of its own a function has its caller's, which a project may lift.
#[tokio::test]
async fn functions_that_people_call_have_time_limits_of_their_own() {
    let measure = Measure::take().await;
    let without = "select proname as name from pg_proc
        where pronamespace = 'public'::regnamespace and proname ~ '^media_'
            and has_function_privilege('authenticated', oid, 'execute')
            and not coalesce(proconfig::text ~ 'statement_timeout=', false)
        order by proname";
    let without = database::rows(&measure.client, without, &[]).await;
    let names: Vec<&str> = without
        .iter()
        .map(|row| row["name"].as_str().unwrap())
        .collect();
    let few_rows = [
        "media_assure",
        "media_collection_remove",
        "media_statistics",
        "media_sync_health",
        "media_sync_status",
        "media_usage_drop",
        "media_usage_record",
    ];
    assert_eq!(names, few_rows);
    measure.stack.stop().await;
}

async fn ask(measure: &Measure, query: Value) -> StatusCode {
    let mut query = query;
    if query.get("sort_by").is_none() {
        query["sort_by"] = json!("created_at");
    }
    let asked = json!({"p_query": query});
    measure.user.rpc("media_list", &asked).await.status
}
