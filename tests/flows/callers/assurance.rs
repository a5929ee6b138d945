//! Dangerous acts of an administrator want a second factor, where the rules say so.

use end_to_end::{DataApiCaller, HttpAnswer};
use local_stack::TokenClaims;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::Library;

#[tokio::test]
async fn without_a_second_factor_nobody_does_what_is_dangerous() {
    let library = Library::of(80, json!({"admin_aal": "aal2"})).await;
    for role in ["admin", "editor"] {
        let claims = TokenClaims::with_role("x@example.com", role);
        let caller = library.caller(&claims);
        assert_wanted(&delete(&caller, 1..=21, false).await);
        assert_wanted(&delete(&caller, 1..=1, true).await);
        assert_wanted(&delete_directly(&caller, 21).await);
    }
    assert_eq!(
        library.deleted().await,
        0,
        "nothing, not even the first ones"
    );
    let claims = TokenClaims::admin("admin@example.com");
    let plain = library.caller(&claims);
    assert_wanted(&audit(&plain).await);
    assert_wanted(&plain.rpc("media_assure", &json!({})).await);
    let trail = plain.call(Method::GET, "/media_sync_log", &[], None).await;
    assert_eq!(trail.body, json!([]));

    let assured = library.caller(&claims.assured());
    audit(&assured).await.assert_status(StatusCode::OK);
    delete(&assured, 1..=25, true)
        .await
        .assert_status(StatusCode::OK);
    assert_eq!(library.deleted().await, 25);
    library.stack.stop().await;
}

#[tokio::test]
async fn owners_and_the_default_rules_want_no_second_factor() {
    let library = Library::of(80, json!({"admin_aal": "aal2"})).await;
    let own = (2..=60).step_by(2);
    let owner = library.caller(&library.user);
    delete(&owner, own, true)
        .await
        .assert_status(StatusCode::OK);
    assert_eq!(library.deleted().await, 30, "their own assets");
    library.set(&json!({})).await;
    let admin = library.caller(&TokenClaims::admin("admin@example.com"));
    audit(&admin).await.assert_status(StatusCode::OK);
    delete(&admin, 1..=80, true)
        .await
        .assert_status(StatusCode::OK);
    assert_eq!(library.deleted().await, 80);
    library.stack.stop().await;
}

fn assert_wanted(answer: &HttpAnswer) {
    assert_eq!(answer.status, StatusCode::FORBIDDEN, "{}", answer.body);
    assert_eq!(
        answer.body["details"], "assurance_wanted",
        "{}",
        answer.body
    );
}

async fn audit(caller: &DataApiCaller) -> HttpAnswer {
    caller
        .rpc("media_audit", &json!({"p_query": {"limit": 5}}))
        .await
}

async fn delete(
    caller: &DataApiCaller,
    assets: impl Iterator<Item = u32>,
    force: bool,
) -> HttpAnswer {
    let items: Vec<Value> = assets
        .map(|n| json!({"public_id": format!("a/{n}")}))
        .collect();
    let arguments = json!({"p_items": items, "p_force": force});
    caller.rpc("media_request_delete", &arguments).await
}

/// Past the function, as the table's grants allow it.
async fn delete_directly(caller: &DataApiCaller, most: u32) -> HttpAnswer {
    let ids: Vec<String> = (1..=most).map(|n| format!("\"a/{n}\"")).collect();
    let path = format!("/media_assets?cloudinary_public_id=in.({})", ids.join(","));
    let change = json!({"deleted_at": "2026-01-01T00:00:00Z"});
    caller.call(Method::PATCH, &path, &[], Some(&change)).await
}
