//! The list as its users get it: `GET /api/cloudinary/media` by the function's own program.

use std::path::Path;
use std::time::Duration;

use anyhow::{Result, ensure};
use end_to_end::RunningFunction;
use local_stack::LocalStack;
use serde_json::Value;

#[derive(Debug)]
pub(crate) struct List {
    function: RunningFunction,
    token: String,
}

impl List {
    pub(crate) async fn start(program: &Path, stack: &LocalStack, token: String) -> Self {
        Self {
            function: RunningFunction::start(program, stack).await,
            token,
        }
    }

    /// The answer, and how long it took.
    pub(crate) async fn page(&mut self, query: &str) -> Result<(Value, Duration)> {
        let answer = self
            .function
            .get("/api/cloudinary/media", query, &self.token)
            .await;
        ensure!(answer.status == 200, "{query}: {}", answer.body);
        Ok((answer.body, answer.took))
    }
}
