//! Assets are named by the ids of their rows or by Cloudinary's; an unknown one is not there.

use end_to_end::{DataApiCaller, database};
use local_stack::{LocalStack, StackOptions, TokenClaims};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use uuid::Uuid;

#[tokio::test]
async fn either_id_names_an_asset_and_an_unknown_asset_is_not_said_to_be_unused() {
    let stack = LocalStack::start(StackOptions::database_only())
        .await
        .unwrap();
    let claims = TokenClaims::user("user@example.com");
    let user = DataApiCaller::user(&stack, &claims);
    let [row, asset] = insert(&stack, &claims).await;
    let collection = collection(&user).await;
    for name in [&row, &asset] {
        let used = json!({"p_assets": [name], "p_usage_type": "cover", "p_table_name": "articles", "p_record_id": "1"});
        assert_done(&user.rpc("media_usage_record", &used).await.ok(), &row);
        let item = json!({"p_collection": collection, "p_assets": [name, row]});
        for function in ["media_collection_add", "media_collection_reorder"] {
            assert_done(&user.rpc(function, &item).await.ok(), &row);
        }
        let told = user
            .rpc("media_where_used", &json!({"p_asset": name}))
            .await;
        let told = told.ok();
        assert_eq!(told["usage_count"], 1, "{told}");
        assert_eq!(told["collections"][0]["collection_id"], json!(collection));
        let whole = details(&user, name).await.ok();
        assert_eq!(whole["uses"], told, "{whole}");
        let removed = user.rpc("media_collection_remove", &item).await.ok();
        assert_done(&removed, &row);
        assert_done(&user.rpc("media_usage_drop", &used).await.ok(), &row);
    }
    what_others_may_not_read_is_not_told(&stack, &user, &row).await;
    for unknown in [
        Uuid::new_v4().to_string(),
        Uuid::new_v4().simple().to_string(),
    ] {
        let asked = json!({"p_asset": unknown});
        let told = user.rpc("media_where_used", &asked).await;
        told.assert_status(StatusCode::NOT_FOUND);
    }
    stack.stop().await;
}

/// Users read what they recorded, and public collections.
async fn what_others_may_not_read_is_not_told(
    stack: &LocalStack,
    user: &DataApiCaller,
    asset: &str,
) {
    let used = json!({"p_assets": [asset], "p_usage_type": "cover", "p_table_name": "articles", "p_record_id": "2"});
    user.rpc("media_usage_record", &used).await;
    let own = json!({"p_collection": collection(user).await, "p_assets": [asset]});
    user.rpc("media_collection_add", &own).await;
    let other = DataApiCaller::user(stack, &TokenClaims::user("other@example.com"));
    let nothing = json!({"usage": [], "usage_count": 0, "collections": []});
    assert_eq!(details(&other, asset).await.ok()["uses"], nothing);
    let asked = json!({"p_asset": asset});
    let told = other.rpc("media_where_used", &asked).await;
    assert_eq!(told.ok(), nothing);
}

async fn details(caller: &DataApiCaller, name: &str) -> end_to_end::HttpAnswer {
    let argument = if name.contains('-') {
        "p_row_id"
    } else {
        "p_asset_id"
    };
    caller.rpc("media_get", &json!({argument: name})).await
}

/// The ids of an asset of the user's: its row's and Cloudinary's.
async fn insert(stack: &LocalStack, owner: &TokenClaims) -> [String; 2] {
    let client = database::connect(stack.database_url()).await;
    let (row, asset) = (Uuid::new_v4(), Uuid::new_v4().simple().to_string());
    let sql = format!(
        "insert into public.media_assets (id, cloudinary_asset_id, cloudinary_public_id, resource_type, uploaded_by)
         values ('{row}', '{asset}', 'mug', 'image', '{}')",
        owner.sub
    );
    client.batch_execute(&sql).await.unwrap();
    [row.to_string(), asset]
}

async fn collection(caller: &DataApiCaller) -> String {
    let answer = caller
        .call(
            Method::POST,
            "/media_collections",
            &[("prefer", "return=representation")],
            Some(&json!({"name": "Summer"})),
        )
        .await;
    answer.body[0]["id"].as_str().unwrap().to_owned()
}

/// Once, and by its row's id.
#[track_caller]
fn assert_done(answer: &Value, row: &str) {
    assert_eq!(answer["failed"], json!([]), "{answer}");
    let done = answer["done"].as_array().unwrap();
    assert_eq!(done.len(), 1, "{answer}");
    assert_eq!(done[0]["asset_id"], row, "{answer}");
}
