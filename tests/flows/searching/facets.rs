//! Menus of folders, tags, types, formats and states, with numbers that are exact or lower bounds.

use std::collections::BTreeMap;

use end_to_end::{DataApiCaller, RunningFunction, library};
use local_stack::{LocalStack, StackOptions, TokenClaims};
use reqwest::StatusCode;
use serde_json::{Value, json};

/// More than the assets that are looked at.
const ROWS: i64 = 12_000;

const PATH: &str = "/api/cloudinary/media/facets";

#[tokio::test]
async fn facets_are_counted_exactly_or_from_below() {
    let stack = LocalStack::start(StackOptions::database_only())
        .await
        .unwrap();
    library::fill(stack.database_url(), ROWS).await;
    let user = DataApiCaller::user(&stack, &TokenClaims::user("user@example.com"));
    few_are_counted_exactly(&stack, &user).await;
    the_whole_library_has_every_folder(&stack, &user).await;
    many_are_counted_from_below(&stack, &user).await;
    bad_questions_are_refused(&user).await;
    the_api_answers_as_the_database_does(&stack, &user).await;
    stack.stop().await;
}

async fn the_api_answers_as_the_database_does(stack: &LocalStack, user: &DataApiCaller) {
    let program = RunningFunction::built("media_facets");
    let mut function = RunningFunction::start(&program, stack).await;
    let token = stack.token(&TokenClaims::user("reader@example.com"));
    let folder = "area-3/folder-1";
    for (query, arguments) in [
        ("", json!({})),
        ("min_size=0", json!({"min_size": 0})),
        (
            "below=/area-3/&tags=tag-0&search=a",
            json!({"below": "area-3", "tags": ["tag-0"], "search": "a"}),
        ),
        (
            "folder=area-3/folder-1&resource_type=image,raw&date_field=updated_at&date_from=2020-01-01",
            json!({"folder": folder, "resource_type": ["image", "raw"], "date_field": "updated_at", "date_from": "2020-01-01"}),
        ),
    ] {
        let answer = function.get(PATH, query, &token).await;
        assert_eq!(answer.status, 200, "{query}: {}", answer.body);
        assert_eq!(answer.body, facets(user, arguments).await, "{query}");
    }
    for (query, status, code) in [
        ("deleted=only", 400, "invalid_parameter"),
        ("date_field=deleted_at", 400, "invalid_parameter"),
        ("colour=red", 400, "invalid_parameter"),
    ] {
        let answer = function.get(PATH, query, &token).await;
        assert_eq!(answer.status, status, "{query}: {}", answer.body);
        assert_eq!(answer.body["code"], code, "{query}");
    }
    let stranger = function.get(PATH, "", "not.a.token").await;
    assert_eq!(stranger.status, 401);
}

async fn few_are_counted_exactly(stack: &LocalStack, user: &DataApiCaller) {
    let few = json!({"below": "area-3", "tags": ["tag-0"], "search": "a"});
    let told = facets(user, few).await;
    let condition = "folder like 'area-3/%' and tags @> '{tag-0}' and id in
        (select id from media_sync.asset_search where words like '%a%')";
    assert_eq!(told["is_exact"], true, "{told}");
    for (facet, column) in [
        ("folders", "folder"),
        ("tags", "unnest(tags)"),
        ("resource_types", "resource_type"),
        ("formats", "format"),
        ("sync_statuses", "sync_status"),
    ] {
        let counted = counted(stack, column, condition).await;
        assert!(!counted.is_empty(), "{facet}");
        assert_eq!(values(&told, facet, true), counted, "{facet}");
    }
}

/// Though more assets live than are looked at.
async fn the_whole_library_has_every_folder(stack: &LocalStack, user: &DataApiCaller) {
    let told = facets(user, json!({})).await;
    assert_eq!(told["is_exact"], false);
    let folders = counted(stack, "folder", "true").await;
    let first: BTreeMap<_, _> = folders.into_iter().take(500).collect();
    assert_eq!(values(&told, "folders", true), first);
    let types = counted(stack, "resource_type", "true").await;
    assert_eq!(values(&told, "resource_types", true), types);
    let states = counted(stack, "sync_status", "true").await;
    assert_eq!(values(&told, "sync_statuses", true), states);
    let formats = counted(stack, "format", "true").await;
    for (format, number) in &formats {
        let is_exact = *number <= 1000;
        let shown = values(&told, "formats", is_exact);
        assert_eq!(shown.get(format), Some(&(*number).min(1000)), "{format}");
    }
}

async fn many_are_counted_from_below(stack: &LocalStack, user: &DataApiCaller) {
    let told = facets(user, json!({"min_size": 0})).await;
    assert_eq!(
        (&told["is_exact"], &told["total"]),
        (&json!(false), &json!(10_000))
    );
    let tags = counted(stack, "unnest(tags)", "true").await;
    let shown = values(&told, "tags", false);
    assert!(shown.len() > 100, "{told}");
    assert!(shown.iter().all(|(tag, number)| *number <= tags[tag]));
}

async fn bad_questions_are_refused(user: &DataApiCaller) {
    for query in [
        json!({"deleted": "only"}),
        json!({"tags": vec!["x"; 51]}),
        json!({"search": "x ".repeat(21)}),
        json!({"format": vec!["x"; 21]}),
    ] {
        let asked = json!({"p_query": query});
        let answer = user.rpc("media_facets", &asked).await;
        answer.assert_status(StatusCode::BAD_REQUEST);
    }
}

async fn facets(user: &DataApiCaller, query: Value) -> Value {
    let asked = json!({"p_query": query});
    user.rpc("media_facets", &asked).await.ok()
}

/// The numbers of one facet that are exact, or are not.
fn values(told: &Value, facet: &str, is_exact: bool) -> BTreeMap<String, i64> {
    let values = told[facet].as_array().unwrap().iter();
    values
        .filter(|value| value["is_exact"] == is_exact)
        .map(|value| {
            let name = value["value"].as_str().unwrap().to_owned();
            (name, value["count"].as_i64().unwrap())
        })
        .collect()
}

async fn counted(stack: &LocalStack, column: &str, condition: &str) -> BTreeMap<String, i64> {
    let sql = format!(
        "select coalesce(jsonb_object_agg(value, number), '{{}}') from (
            select value, count(*) as number
            from (select {column} as value from public.media_assets where deleted_at is null and {condition}) listed
            where value is not null group by value
        ) counted"
    );
    let counted = end_to_end::value(stack.database_url(), &sql).await;
    serde_json::from_value(counted).unwrap()
}
