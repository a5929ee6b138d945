//! Callers of an odd standing: anonymous users, administrators without a second factor, tokens with odd claims.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod anonymous;
mod assurance;
mod odd_claims;
mod others_deletes;
mod over_http;

use end_to_end::{DataApiCaller, database};
use local_stack::{LocalStack, StackOptions, TokenClaims};
use serde_json::{Value, json};
use tokio_postgres::Client;

/// A database with some assets, half of which are the user's.
struct Library {
    stack: LocalStack,
    client: Client,
    user: TokenClaims,
}

impl Library {
    /// With so many assets, under these rules of access.
    async fn of(assets: u32, rules: Value) -> Self {
        let options = StackOptions {
            settings: [("ACCESS_RULES".to_owned(), rules)].into(),
            ..StackOptions::database_only()
        };
        let stack = LocalStack::start(options).await.unwrap();
        let client = database::connect(stack.database_url()).await;
        let user = TokenClaims::user("user@example.com");
        let rows = format!(
            "insert into public.media_assets
                (cloudinary_asset_id, cloudinary_public_id, resource_type, uploaded_by, clocks)
             select md5(n::text), 'a/' || n, 'image', case when n % 2 = 0 then '{}'::uuid end, '{{\"alive\": 1}}'
             from generate_series(1, {assets}) n",
            user.sub
        );
        client.batch_execute(&rows).await.unwrap();
        Self {
            stack,
            client,
            user,
        }
    }

    fn caller(&self, claims: &TokenClaims) -> DataApiCaller {
        DataApiCaller::user(&self.stack, claims)
    }

    async fn set(&self, rules: &Value) {
        let sql = "select public.media_sync_set_setting('ACCESS_RULES', $1)";
        self.client.query(sql, &[rules]).await.unwrap();
    }

    async fn deleted(&self) -> i64 {
        let sql = "select count(*) from public.media_assets where deleted_at is not null";
        self.client.query_one(sql, &[]).await.unwrap().get(0)
    }
}

/// The query of a list's first page.
fn first_page() -> Value {
    json!({"p_query": {"sort_by": "created_at", "sort_order": "desc", "limit": 5}})
}
