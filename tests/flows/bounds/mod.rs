//! Nothing that one user writes, or Cloudinary holds, is too much for everybody else.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod accumulation;
mod arguments;
mod budgets;
mod crowding;
mod deletes;
mod large_library;
mod large_rows;
mod names;
mod questions;

use end_to_end::{DataApiCaller, database};
use local_stack::{LocalStack, StackOptions, TokenClaims};
use serde_json::json;
use tokio_postgres::Client;

/// A database with one asset of a user's.
struct Measure {
    stack: LocalStack,
    client: Client,
    user: DataApiCaller,
    claims: TokenClaims,
}

impl Measure {
    async fn take() -> Self {
        let stack = LocalStack::start(StackOptions::database_only())
            .await
            .unwrap();
        let claims = TokenClaims::user("user@example.com");
        let measure = Self {
            client: database::connect(stack.database_url()).await,
            user: DataApiCaller::user(&stack, &claims),
            claims,
            stack,
        };
        let asset = format!(
            "insert into public.media_assets (cloudinary_asset_id, cloudinary_public_id, resource_type, uploaded_by)
             values (md5('mug'), 'mug', 'image', '{}')",
            measure.claims.sub
        );
        measure.client.batch_execute(&asset).await.unwrap();
        measure
    }

    /// The outcome of an edit of the asset, by function: the code of its failure, or `done`.
    async fn edit(&self, change: serde_json::Value) -> String {
        let id = "select md5('mug') as id";
        let mut item = change;
        item["asset_id"] = database::rows(&self.client, id, &[]).await[0]["id"].clone();
        let request = json!({"p_items": [item]});
        let answer = self.user.rpc("media_request_edit", &request).await;
        let code = answer.body["failed"][0]["code"].as_str();
        code.unwrap_or("done").to_owned()
    }
}
