//! Searching and listing: in libraries of some size, while they change, and with any input.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod facets;
mod filters;
pub(crate) mod hostile;
mod large;
mod normal_forms;
mod oracle;
mod plans;
mod statistics;
mod trash;
mod walks;
mod words;

use end_to_end::{FunctionAnswer, RunningFunction};
use local_stack::{LocalStack, StackOptions, TokenClaims};
use serde_json::Value;

/// A database with the list function's own program in front of it, and a signed-in user.
struct Lister {
    stack: LocalStack,
    function: RunningFunction,
    token: String,
}

impl Lister {
    async fn start() -> Self {
        let stack = LocalStack::start(StackOptions::database_only())
            .await
            .unwrap();
        let token = stack.token(&TokenClaims::user("reader@example.com"));
        let function = RunningFunction::start(&RunningFunction::built("media_list"), &stack).await;
        Self {
            stack,
            function,
            token,
        }
    }

    async fn get(&mut self, query: &str) -> FunctionAnswer {
        self.function
            .get("/api/cloudinary/media", query, &self.token)
            .await
    }

    /// A page that must be there.
    async fn page(&mut self, query: &str) -> Value {
        let answer = self.get(query).await;
        assert_eq!(answer.status, 200, "{query}: {}", answer.body);
        answer.body
    }

    async fn run(&self, sql: &str) {
        let client = end_to_end::connect(self.stack.database_url()).await;
        let done = client.batch_execute(sql).await;
        done.unwrap_or_else(|error| panic!("{sql}: {error:?}"));
    }

    async fn stop(self) {
        drop(self.function);
        self.stack.stop().await;
    }
}

/// A query string of these parameters.
pub(crate) fn encoded(parameters: &[(&str, String)]) -> String {
    url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(parameters)
        .finish()
}

fn ids(page: &Value) -> Vec<String> {
    let items = page["items"].as_array().unwrap();
    items
        .iter()
        .map(|item| item["id"].as_str().unwrap().to_owned())
        .collect()
}
