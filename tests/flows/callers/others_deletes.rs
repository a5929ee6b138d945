//! An owner does not bring back what somebody else has deleted.

use end_to_end::{DataApiCaller, HttpAnswer};
use local_stack::TokenClaims;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::Library;

const NAME: &str = "a/2";

#[tokio::test]
async fn an_owner_restores_their_own_deletes_and_no_administrators() {
    let library = Library::of(2, json!({})).await;
    let owner = library.caller(&library.user);
    let admin = library.caller(&TokenClaims::admin("admin@example.com"));
    let editor = library.caller(&TokenClaims::with_role("editor@example.com", "editor"));
    for other in [&admin, &editor] {
        request(other, "delete").await;
        let refused = request(&owner, "restore").await;
        assert_eq!(refused["failed"][0]["code"], "forbidden", "{refused}");
        let directly = restore_directly(&owner).await;
        assert_eq!(directly.status, StatusCode::FORBIDDEN, "{}", directly.body);
        for text in ["description", "alt_text"] {
            let described = change_directly(&owner, &json!({text: "back soon"})).await;
            described.assert_refused(StatusCode::CONFLICT, "PT409");
        }
        assert_eq!(library.deleted().await, 1);
        request(&admin, "restore").await;
        assert_eq!(library.deleted().await, 0);
    }
    for again in [true, false] {
        request(&owner, "delete").await;
        match again {
            true => assert_eq!(request(&owner, "restore").await["failed"], json!([])),
            false => restore_directly(&owner)
                .await
                .assert_status(StatusCode::NO_CONTENT),
        }
        assert_eq!(library.deleted().await, 0);
    }
    a_new_owner_has_the_former_ones_right(&library, &owner).await;
    library.stack.stop().await;
}

async fn a_new_owner_has_the_former_ones_right(library: &Library, owner: &DataApiCaller) {
    request(owner, "delete").await;
    let heir = TokenClaims::user("heir@example.com");
    let transfer = format!(
        "select public.media_sync_transfer('{}', '{}', 10)",
        library.user.sub, heir.sub
    );
    library.client.batch_execute(&transfer).await.unwrap();
    let restored = request(&library.caller(&heir), "restore").await;
    assert_eq!(restored["failed"], json!([]), "{restored}");
    assert_eq!(library.deleted().await, 0);
}

async fn request(caller: &DataApiCaller, operation: &str) -> Value {
    let items = json!({"p_items": [{"public_id": NAME}]});
    let function = format!("media_request_{operation}");
    caller.rpc(&function, &items).await.ok()
}

async fn restore_directly(caller: &DataApiCaller) -> HttpAnswer {
    change_directly(caller, &json!({"deleted_at": null})).await
}

async fn change_directly(caller: &DataApiCaller, change: &Value) -> HttpAnswer {
    let path = format!("/media_assets?cloudinary_public_id=eq.{NAME}");
    caller.call(Method::PATCH, &path, &[], Some(change)).await
}
