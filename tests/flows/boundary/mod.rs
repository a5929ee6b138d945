//! The prefix of a user's names is a boundary, whichever way a name is given, and roles say whom it binds.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod formats;
mod over_http;
mod readers;
mod uses;
mod ways;

use end_to_end::{DataApiCaller, HttpAnswer, database};
use local_stack::{LocalStack, StackOptions, TokenClaims};
use reqwest::Method;
use serde_json::{Value, json};
use tokio_postgres::Client;

/// A database with three assets: the user's own, one that the user owns outside of the prefix, and another user's.
struct Boundary {
    stack: LocalStack,
    client: Client,
    user: TokenClaims,
    own: String,
}

const OWN: &str = "own";
const OUTSIDE: &str = "outside";
const FOREIGN: &str = "foreign";

impl Boundary {
    /// With these rules, or the default ones.
    async fn draw(rules: Option<Value>) -> Self {
        let settings = rules.map(|rules| ("UPLOAD_RULES".to_owned(), rules));
        let options = StackOptions {
            settings: settings.into_iter().collect(),
            ..StackOptions::database_only()
        };
        let stack = LocalStack::start(options).await.unwrap();
        let client = database::connect(stack.database_url()).await;
        let user = TokenClaims::user("user@example.com");
        let boundary = Self {
            own: format!("users/{}", user.sub),
            stack,
            client,
            user,
        };
        let user = boundary.user.sub.to_string();
        let other = "00000000-0000-4000-8000-0000000000b0";
        let own = format!("{}/mug", boundary.own);
        boundary.insert(OWN, &own, &boundary.own, &user).await;
        boundary.insert(OUTSIDE, "shop/cup", "shop", &user).await;
        boundary
            .insert(FOREIGN, "users/b/pot", "users/b", other)
            .await;
        boundary
    }

    async fn insert(&self, which: &str, public_id: &str, folder: &str, owner: &str) {
        let sql = format!(
            "insert into public.media_assets
                (cloudinary_asset_id, cloudinary_public_id, resource_type, folder, uploaded_by)
             values (md5('{which}'), '{public_id}', 'image', '{folder}', '{owner}')"
        );
        self.client.batch_execute(&sql).await.unwrap();
    }

    fn as_user(&self) -> DataApiCaller {
        DataApiCaller::user(&self.stack, &self.user)
    }

    fn with_role(&self, role: &str) -> DataApiCaller {
        DataApiCaller::user(&self.stack, &TokenClaims::with_role("x@example.com", role))
    }

    /// The same user, with a role.
    fn user_as(&self, role: &str) -> DataApiCaller {
        let claims = TokenClaims {
            app_role: Some(role.to_owned()),
            ..self.user.clone()
        };
        DataApiCaller::user(&self.stack, &claims)
    }

    /// Name and folder of an asset.
    async fn place(&self, which: &str) -> (String, String) {
        let sql = format!(
            "select cloudinary_public_id, folder from public.media_assets where cloudinary_asset_id = md5('{which}')"
        );
        let row = self.client.query_one(&sql, &[]).await.unwrap();
        (row.get(0), row.get(1))
    }

    async fn sql(&self, sql: &str) -> Result<(), String> {
        let done = self.client.batch_execute(sql).await;
        if done.is_err() {
            self.client.batch_execute("rollback").await.unwrap();
        }
        done.map_err(|error| error.as_db_error().unwrap().code().code().to_owned())
    }
}

/// The id of an asset in Cloudinary.
async fn asset_id(boundary: &Boundary, which: &str) -> String {
    let sql = format!("select md5('{which}')");
    boundary.client.query_one(&sql, &[]).await.unwrap().get(0)
}

/// A direct change of columns.
async fn patch(
    boundary: &Boundary,
    caller: &DataApiCaller,
    which: &str,
    change: Value,
) -> HttpAnswer {
    let id = asset_id(boundary, which).await;
    let path = format!("/media_assets?cloudinary_asset_id=eq.{id}");
    let headers = [("prefer", "return=representation")];
    caller
        .call(Method::PATCH, &path, &headers, Some(&change))
        .await
}

/// The outcome of the request's only item: the code of its failure, or `done`.
async fn request(boundary: &Boundary, caller: &DataApiCaller, which: &str, edit: Value) -> String {
    let mut item = edit;
    item["asset_id"] = asset_id(boundary, which).await.into();
    let answer = caller
        .rpc("media_request_edit", &json!({"p_items": [item]}))
        .await;
    outcome(&answer)
}

fn outcome(answer: &HttpAnswer) -> String {
    let code = match &answer.body["failed"][0] {
        Value::Null if answer.body["done"][0].is_object() => return "done".to_owned(),
        Value::Null => &answer.body["code"],
        failed => &failed["code"],
    };
    code.as_str().unwrap_or_default().to_owned()
}
