//! Users who have signed in anonymously are nobody, or readers where the rules say so. The page of permissions has what
//! they may do by default.

use end_to_end::DataApiCaller;
use local_stack::TokenClaims;
use reqwest::{Method, StatusCode};
use serde_json::json;

use super::{Library, first_page};

#[tokio::test]
async fn an_anonymous_user_reads_only_where_the_rules_say_so_and_never_writes() {
    let library = Library::of(4, json!({})).await;
    let claims = TokenClaims {
        app_role: Some("admin".to_owned()),
        ..TokenClaims::anonymous()
    };
    let anonymous = library.caller(&claims);
    let refused = anonymous.rpc("media_list", &first_page()).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN, "{}", refused.body);
    assert_eq!(refused.body["details"], "anonymous_user");
    for table in ["/media_assets", "/media_stats", "/sync_runs"] {
        let rows = anonymous.call(Method::GET, table, &[], None).await;
        assert_eq!(rows.body, json!([]), "{table}");
    }

    library.set(&json!({"allow_anonymous": "read"})).await;
    let listed = anonymous.rpc("media_list", &first_page()).await.ok();
    assert_eq!(listed["items"].as_array().unwrap().len(), 4);
    let item = json!({"p_items": [{"asset_id": listed["items"][0]["cloudinary_asset_id"]}]});
    let deleted = anonymous.rpc("media_request_delete", &item).await;
    assert_eq!(deleted.body["code"], "42501", "{}", deleted.body);
    let collection = json!({"name": "Mine"});
    let made = anonymous
        .call(Method::POST, "/media_collections", &[], Some(&collection))
        .await;
    assert_eq!(made.body["code"], "42501", "{}", made.body);
    assert_eq!(library.deleted().await, 0);
    no_upload_begins_for_who_writes_nothing(&library).await;
    library.stack.stop().await;
}

/// The service begins uploads in a user's name: the refusal is the user's, and no fault of the service.
async fn no_upload_begins_for_who_writes_nothing(library: &Library) {
    let service = DataApiCaller::service(&library.stack);
    for role in ["anonymous", "reader"] {
        let upload = json!({"p_upload": {"role": role}});
        let refused = service.rpc("media_sync_begin_upload", &upload).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{}", refused.body);
        assert_eq!(refused.body["code"], "PT403", "{role}");
    }
}
