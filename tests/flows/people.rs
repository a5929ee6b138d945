//! The names behind the ids of owners and actors: for administrators.

use end_to_end::{DataApiCaller, add_person};
use local_stack::{LocalStack, StackOptions, TokenClaims};
use reqwest::StatusCode;
use serde_json::{Value, json};

const STRANGER: &str = "00000000-0000-4000-8000-0000000000ff";

#[tokio::test]
async fn administrators_learn_the_addresses_of_people_and_nobody_else_does() {
    let stack = LocalStack::start(StackOptions::database_only())
        .await
        .unwrap();
    let ada = json!({"email": "ada@example.com", "password": "a long enough password"});
    let ada = add_person(&stack, ada).await["id"].clone();
    let admin = DataApiCaller::user(&stack, &TokenClaims::admin("admin@example.com"));
    let ask = async |caller: &DataApiCaller, ids: Value| {
        caller.rpc("media_people", &json!({ "p_ids": ids })).await
    };
    let told: Value = ask(&admin, json!([ada, STRANGER, ada])).await.ok();
    assert_eq!(told, json!([{"id": ada, "email": "ada@example.com"}]));
    for none in [json!([]), json!(null)] {
        let told: Value = ask(&admin, none).await.ok();
        assert_eq!(told, json!([]));
    }
    let many = ask(&admin, json!(vec![STRANGER; 101])).await;
    many.assert_status(StatusCode::BAD_REQUEST);
    for claims in [
        TokenClaims::user("ada@example.com"),
        TokenClaims::with_role("editor@example.com", "editor"),
        TokenClaims::with_role("reader@example.com", "reader"),
    ] {
        let refused = ask(&DataApiCaller::user(&stack, &claims), json!([ada])).await;
        refused.assert_status(StatusCode::FORBIDDEN);
    }
    let service = ask(&DataApiCaller::service(&stack), json!([ada])).await;
    service.assert_status(StatusCode::FORBIDDEN);
    stack.stop().await;
}
