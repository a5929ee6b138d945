//! Requests of as many items as one takes, past the API.

use end_to_end::{DataApiCaller, connect};
use local_stack::{LocalStack, StackOptions, TokenClaims};
use reqwest::StatusCode;
use serde_json::{Value, json};

/// Fifty thousand assets.
///
/// Looked through row by row, they would outlast the eight seconds that a user's statement has.
const FILL: &str =
    "insert into public.media_assets (cloudinary_asset_id, cloudinary_public_id, resource_type)
    select md5(n::text), 'bulk/' || n, 'image' from generate_series(1, 50000) n;
    analyze public.media_assets";

/// A large library, and its administrator.
pub(super) struct Library {
    pub(super) stack: LocalStack,
    admin: DataApiCaller,
    /// Ids of as many of its assets as one request takes.
    ids: Vec<String>,
}

impl Library {
    pub(super) async fn start() -> Self {
        let stack = LocalStack::start(StackOptions::database_only()).await;
        let stack = stack.expect("the stack starts");
        let client = connect(stack.database_url()).await;
        let filled = client.batch_execute(FILL).await;
        filled.expect("the library is filled");
        let ids = "select md5(n::text) from generate_series(1, 200) n";
        let ids = client.query(ids, &[]).await.expect("the ids are read");
        Self {
            admin: DataApiCaller::user(&stack, &TokenClaims::admin("admin@example.com")),
            ids: ids.iter().map(|row| row.get(0)).collect(),
            stack,
        }
    }

    pub(super) async fn as_many_as_one_request_takes_are_done_at_once(&self) {
        let edit = |id: &String| json!({"asset_id": id, "tags": ["sale"], "context": {"alt": "A"}});
        let edits: Vec<Value> = self.ids.iter().map(edit).collect();
        let name = |number| json!({"public_id": format!("bulk/{number}")});
        let names: Vec<Value> = (1..=200).map(name).collect();
        for (function, items) in [
            ("media_request_edit", &edits),
            ("media_request_delete", &names),
            ("media_request_restore", &names),
        ] {
            let arguments = json!({"p_items": items, "p_idempotency_key": function});
            let answer = self.admin.rpc(function, &arguments).await;
            assert_eq!(answer.status, StatusCode::OK, "{function}: {}", answer.body);
            let done = answer.body["done"].as_array().expect("a list");
            assert_eq!(done.len(), 200, "{function}");
        }
    }

    pub(super) async fn more_are_refused(&self) {
        let items: Vec<Value> = (0..=200)
            .map(|number| json!({"public_id": number}))
            .collect();
        let arguments = json!({"p_items": items});
        let answer = self.admin.rpc("media_request_delete", &arguments).await;
        answer.assert_refused(StatusCode::BAD_REQUEST, "22023");
    }

    /// As the API tells them.
    pub(super) async fn misspelt_items_are_told(&self) {
        for (item, error) in misspelt_edits(&self.ids[0]) {
            self.assert_invalid("media_request_edit", item, error).await;
        }
        let both = json!({"asset_id": self.ids[0], "public_id": "bulk/2"});
        for (item, error) in [
            (both, "not both"),
            (json!(null), "a JSON object"),
            (json!({}), "asset_id must name"),
        ] {
            self.assert_invalid("media_request_delete", item, error)
                .await;
        }
        let forced = json!({"public_id": "bulk/1", "force": true});
        self.assert_invalid("media_request_restore", forced, "force is not a field here")
            .await;
    }

    async fn assert_invalid(&self, function: &str, item: Value, error: &str) {
        let arguments = json!({"p_items": [item]});
        let answer = self.admin.rpc(function, &arguments).await;
        let failed = &answer.body["failed"][0];
        assert_eq!(failed["code"], "invalid", "{item}: {}", answer.body);
        let told = failed["error"].as_str().expect("a text");
        assert!(told.contains(error), "{item}: {told}");
    }
}

fn misspelt_edits(id: &str) -> [(Value, &'static str); 7] {
    [
        (
            json!({"asset_id": id, "tag": ["x"]}),
            "tag is not a field here: there are add_tags,",
        ),
        (json!({"asset_id": id, "tags": "x"}), "tags must be: array"),
        (
            json!({"asset_id": id, "description": 5}),
            "description must be: string or null",
        ),
        (
            json!({"public_id": "bulk/1", "tags": []}),
            "asset_id must name",
        ),
        (json!({"asset_id": id}), "nothing to change"),
        (json!({"asset_id": id, "tags": [1]}), "a list of texts"),
        (
            json!({"asset_id": id, "description": "x".repeat(10_001)}),
            "description must be text of 10,000 characters at most",
        ),
    ]
}
