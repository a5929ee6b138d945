//! No function that users may call takes JSON or a list of any size.

use end_to_end::{DataApiCaller, database};
use local_stack::TokenClaims;
use reqwest::StatusCode;
use serde_json::{Map, Value, json};

use super::Measure;

/// The arguments of all functions that users may call: whether one is large by nature, and whether a call must have it.
const ARGUMENTS: &str = r"
    select p.proname::text as function, told.name, type, type ~ 'json|\[\]' as is_large,
        told.place <= p.pronargs - p.pronargdefaults as is_needed
    from pg_proc p, unnest(p.proargnames[:p.pronargs], p.proargtypes::oid[]) with ordinality as told (name, oid, place),
        format_type(told.oid, null) as type
    where p.pronamespace = 'public'::regnamespace and p.proname ~ '^media_'
        and has_function_privilege('authenticated', p.oid, 'execute')
    order by 1, told.place";

#[tokio::test]
async fn every_function_refuses_a_large_argument_before_it_reads_it() {
    let measure = Measure::take().await;
    let arguments = database::rows(&measure.client, ARGUMENTS, &[]).await;
    let large: Vec<&Value> = arguments
        .iter()
        .filter(|one| one["is_large"] == true)
        .collect();
    assert!(large.len() > 9, "{large:?}");
    for argument in large {
        let others = arguments.iter().filter(|other| {
            other["function"] == argument["function"]
                && other["name"] != argument["name"]
                && other["is_needed"] == true
        });
        let mut call: Map<String, Value> = others
            .map(|other| (text(&other["name"]).to_owned(), small(text(&other["type"]))))
            .collect();
        let name = text(&argument["name"]);
        call.insert(name.to_owned(), beyond(text(&argument["type"])));
        let function = text(&argument["function"]);
        let answer = measure.user.rpc(function, &json!(call)).await;
        let is_refused = match answer.status {
            StatusCode::PAYLOAD_TOO_LARGE => answer.body["code"] == "PT413",
            StatusCode::BAD_REQUEST => text(&answer.body["message"]).contains("at most"),
            _ => false,
        };
        assert!(
            is_refused,
            "{function}({name}): {} {}",
            answer.status, answer.body
        );
    }
    measure.stack.stop().await;
}

#[tokio::test]
async fn odd_arguments_are_refused_in_words_of_our_own() {
    let measure = Measure::take().await;
    let admin = TokenClaims::admin("admin@example.com");
    let admin = DataApiCaller::user(&measure.stack, &admin);
    let id = uuid::Uuid::nil();
    for (caller, function, arguments) in [
        (
            &measure.user,
            "media_request_edit",
            json!({"p_items": [], "p_idempotency_key": ""}),
        ),
        (
            &measure.user,
            "media_get",
            json!({"p_asset_id": "mug", "p_row_id": id}),
        ),
        (&measure.user, "media_get", json!({})),
        (
            &admin,
            "media_request_redrive",
            json!({"p_queue": "x", "p_messages": 1}),
        ),
    ] {
        let answer = caller.rpc(function, &arguments).await;
        answer.assert_refused(StatusCode::BAD_REQUEST, "22023");
    }
    for query in [
        json!({}),
        json!({"limit": null}),
        json!({"limit": 1_000_000}),
    ] {
        for function in ["media_audit", "media_events"] {
            let arguments = json!({ "p_query": query });
            admin
                .rpc(function, &arguments)
                .await
                .assert_status(StatusCode::OK);
        }
    }
    measure.stack.stop().await;
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// A value of more bytes than any function takes.
fn beyond(kind: &str) -> Value {
    match kind {
        "uuid[]" => json!(vec![uuid::Uuid::nil(); 200_000]),
        "text[]" => json!(vec!["text"; 500_000]),
        "json" | "jsonb" => json!([{"asset_id": "x".repeat(3_000_000)}]),
        other => panic!("no large value of {other}"),
    }
}

fn small(kind: &str) -> Value {
    match kind {
        "uuid" => json!(uuid::Uuid::nil()),
        "uuid[]" => json!([]),
        "json" | "jsonb" => json!([]),
        "boolean" => json!(false),
        "integer" | "bigint" => json!(1),
        _ => json!("x"),
    }
}
