//! A token whose claims nobody would have written gives no right, and is no fault of the server's.

use end_to_end::{DataApiCaller, database};
use media_sync::supabase::jwt::TokenVerifier;
use media_sync::time::Timestamp;
use reqwest::Method;
use serde_json::{Value, json};

use super::{Library, first_page};

/// Claims by their paths, with values that they may not have.
fn odd() -> Vec<(&'static str, Value)> {
    let kinds = [
        json!(7),
        json!(["admin"]),
        json!(null),
        json!({"a": 1}),
        json!(true),
    ];
    let paths = [
        "/role",
        "/app_metadata",
        "/app_metadata/role",
        "/sub",
        "/aal",
        "/is_anonymous",
    ];
    let pairs = paths
        .iter()
        .flat_map(|path| kinds.iter().map(move |kind| (*path, kind.clone())));
    let fits = |path: &str, value: &Value| match path {
        "/app_metadata" => value.is_object(),
        "/is_anonymous" => value.is_boolean(),
        _ => false,
    };
    let mut odd: Vec<_> = pairs.filter(|(path, value)| !fits(path, value)).collect();
    let huge = json!("x".repeat(4000));
    odd.extend([
        ("/sub", huge),
        ("/sub", json!("nobody")),
        ("/sub", json!("3d7c1c9e5c0e4d439f5e0c1f1a6d2b11")),
    ]);
    odd
}

#[tokio::test]
async fn odd_claims_give_no_right_and_both_sides_know_the_same_ones() {
    let library = Library::of(4, json!({})).await;
    let base = media_sync::config::http_client().unwrap();
    let url = library.stack.supabase_url().parse().unwrap();
    let verifier = TokenVerifier::new(&url, None, base);
    let plain = claims(&library);
    assert!(!is_odd(&library, &plain).await);
    let signed = library.stack.sign(&plain);
    assert!(verifier.verify(&signed, Timestamp::now()).await.is_ok());
    for (path, value) in odd() {
        let mut claims = plain.clone();
        *claims.pointer_mut(path).unwrap() = value;
        assert!(is_odd(&library, &claims).await, "{path}: {claims}");
        let token = library.stack.sign(&claims);
        let verified = verifier.verify(&token, Timestamp::now()).await;
        assert!(verified.is_err(), "{path}: {claims}");
        assert_no_right(&library, token, path).await;
    }
    library.stack.stop().await;
}

fn claims(library: &Library) -> Value {
    let now = Timestamp::now().micros() / 1_000_000;
    json!({
        "iss": library.stack.issuer(), "aud": "authenticated", "sub": library.user.sub, "role": "authenticated",
        "exp": now + 600, "aal": "aal1", "is_anonymous": false, "app_metadata": {"role": "admin"},
    })
}

async fn is_odd(library: &Library, claims: &Value) -> bool {
    let sql = "select media_sync.has_odd_claims($1) as odd";
    database::rows(&library.client, sql, &[claims]).await[0]["odd"] == true
}

async fn assert_no_right(library: &Library, token: String, path: &str) {
    let caller = DataApiCaller::with_token(&library.stack, token);
    let rows = caller.call(Method::GET, "/media_assets", &[], None).await;
    assert!(!rows.status.is_server_error(), "{path}: {}", rows.body);
    assert!(
        rows.body.as_array().is_none_or(Vec::is_empty),
        "{path}: {}",
        rows.body
    );
    let change = json!({"deleted_at": "2026-01-01T00:00:00Z"});
    let every = "/media_assets?cloudinary_public_id=like.a*";
    let changed = caller.call(Method::PATCH, every, &[], Some(&change)).await;
    assert!(
        !changed.status.is_server_error(),
        "{path}: {}",
        changed.body
    );
    assert_eq!(library.deleted().await, 0, "{path}");
    let items = json!({"p_items": [{"public_id": "a/1"}]});
    for (function, arguments) in [
        ("media_list", first_page()),
        ("media_request_delete", items),
    ] {
        let answer = caller.rpc(function, &arguments).await;
        assert!(answer.status.is_client_error(), "{path}: {}", answer.body);
    }
}
