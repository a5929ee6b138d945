//! `GET /api/cloudinary/issues`: what fails now, one issue for each cause, with advice.
//! `PATCH …/{issue}` marks one, `POST …/{issue}/retry` tries what fails for this cause again.

use lambda_http::http::StatusCode;
use lambda_http::{Body, Request, Response};
use media_sync::deadline::Deadline;
use media_sync::http::auth::{authenticate, require_admin};
use media_sync::http::{Problem, reply, respond};
use media_sync::supabase::DataApi;
use media_sync::supabase::jwt::TokenVerifier;
use media_sync::sync::advice::advice;
use media_sync::time::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::request::IssueRequest;

/// Asks in the name of the caller; the database lets administrators in.
#[derive(Debug)]
pub(crate) struct Issues {
    pub(crate) verifier: TokenVerifier,
    pub(crate) database: DataApi,
}

/// The database's answer to a list.
#[derive(Debug, Deserialize)]
struct Found {
    items: Vec<Issue>,
    complete: bool,
}

#[derive(Debug, Serialize, Deserialize)]
struct Issue {
    code: String,
    #[serde(skip_deserializing)]
    advice: &'static str,
    #[serde(flatten)]
    rest: Map<String, Value>,
}

impl Issues {
    pub(crate) async fn handle(&self, request: Request) -> Response<Body> {
        respond(request, async |request| self.answer(request).await).await
    }

    async fn answer(&self, request: &Request) -> Result<Response<Body>, Problem> {
        let caller = authenticate(&self.verifier, request.headers(), Timestamp::now()).await?;
        require_admin(&caller)?;
        let asked = IssueRequest::parse(request)?;
        let deadline = Deadline::of_request(request);
        let database = self.database.until(deadline).as_caller(&caller);
        let answer = match asked {
            IssueRequest::List => {
                let found: Found = database.rpc("media_issues", &json!({})).await?;
                let items: Vec<Issue> = found.items.into_iter().map(Issue::advised).collect();
                json!({ "items": items, "complete": found.complete })
            }
            IssueRequest::Mark(issue, state) => {
                let arguments = json!({ "p_issue": issue, "p_state": state });
                let marked: Option<Issue> = database.rpc("media_mark_issue", &arguments).await?;
                let marked = marked.ok_or_else(|| Problem::not_found("There is no such issue."))?;
                json!(marked.advised())
            }
            IssueRequest::Retry(issue) => {
                database
                    .rpc("media_retry_issue", &json!({ "p_issue": issue }))
                    .await?
            }
        };
        Ok(reply::json(StatusCode::OK, &answer))
    }
}

impl Issue {
    fn advised(mut self) -> Self {
        self.advice = advice(&self.code);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_issue_keeps_its_fields_and_gets_advice() {
        let told =
            json!({ "id": "edit:cloudinary_quota", "code": "cloudinary_quota", "assets": 3 });
        let issue: Issue = serde_json::from_value(told).unwrap();
        let shown = json!(issue.advised());
        assert_eq!(shown["assets"], 3);
        assert!(shown["advice"].as_str().unwrap().contains("quota"));
    }
}
