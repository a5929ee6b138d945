//! The three requests about issues, read into types (pure).

use lambda_http::http::Method;
use lambda_http::{Request, RequestExt as _};
use media_sync::http::{Problem, QueryParameters, body};
use media_sync::parameter::ParameterError;
use media_sync::sync::advice::advice;
use serde::{Deserialize, Serialize};

/// Longer than any operation and code.
const LONGEST_NAME: usize = 200;

/// A cause of failures, `operation:code`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub(crate) struct IssueName(String);

/// Somebody's word about an issue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum IssueState {
    Open,
    Acknowledged,
    Ignored,
}

/// A request about issues.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum IssueRequest {
    List,
    Mark(IssueName, IssueState),
    Retry(IssueName),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct MarkBody {
    state: IssueState,
}

impl IssueName {
    fn parse(text: &str) -> Result<Self, ParameterError> {
        let is_word = |word: &str| {
            !word.is_empty() && word.chars().all(|c| c.is_ascii_lowercase() || c == '_')
        };
        let parts = text.split_once(':');
        if text.len() <= LONGEST_NAME
            && parts.is_some_and(|(operation, code)| is_word(operation) && is_word(code))
        {
            Ok(Self(text.to_owned()))
        } else {
            Err(ParameterError::new(
                "issue",
                "must be the id of an issue, such as edit:cloudinary_conflict",
            ))
        }
    }

    /// The cause, behind the operation.
    fn cause(&self) -> Option<&str> {
        self.0.split_once(':').map(|(_, cause)| cause)
    }
}

impl IssueRequest {
    /// Reads a request.
    ///
    /// # Errors
    /// Naming what cannot be used, or the allowed methods.
    pub(crate) fn parse(request: &Request) -> Result<Self, Problem> {
        QueryParameters::parse(request.uri().query(), &[])?;
        let parameters = request.path_parameters_ref();
        let issue = parameters.and_then(|parameters| parameters.first("issue"));
        let is_retry = request.uri().path().ends_with("/retry");
        match (issue, is_retry, request.method()) {
            (None, _, &Method::GET) => Ok(Self::List),
            (Some(issue), true, &Method::POST) => Self::retry(IssueName::parse(issue)?),
            (Some(issue), false, &Method::PATCH) => {
                let issue = IssueName::parse(issue)?;
                let MarkBody { state } = body::json(request)?;
                Ok(Self::Mark(issue, state))
            }
            (None, ..) => Err(Problem::method_not_allowed("GET")),
            (Some(_), true, _) => Err(Problem::method_not_allowed("POST")),
            (Some(_), false, _) => Err(Problem::method_not_allowed("PATCH")),
        }
    }

    fn retry(issue: IssueName) -> Result<Self, Problem> {
        match issue.cause() {
            // Another attempt would end as the last one.
            Some(cause @ ("held" | "fenced" | "rounds_spent")) => {
                let words = format!("cannot be retried. {}", advice(cause));
                Err(ParameterError::new("issue", words).into())
            }
            _ => Ok(Self::Retry(issue)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVENT: &str = include_str!("../events/http_api.json");

    #[test]
    fn the_request_of_an_event_is_understood() {
        let request = lambda_http::request::from_str(EVENT).unwrap();
        let name = IssueName("edit:cloudinary_conflict".to_owned());
        let expected = IssueRequest::Mark(name, IssueState::Acknowledged);
        assert_eq!(IssueRequest::parse(&request).unwrap(), expected);
    }

    #[test]
    fn names_that_no_issue_has_are_refused() {
        let long = format!("edit:{}", "a".repeat(LONGEST_NAME));
        for name in [
            "", "edit", "edit:", ":x", "Edit:x", "edit:x'y", "edit:x:y", &long,
        ] {
            assert_eq!(IssueName::parse(name).unwrap_err().name, "issue", "{name}");
        }
    }

    #[test]
    fn what_waits_for_a_decision_is_not_retried() {
        for code in ["held", "fenced", "rounds_spent"] {
            let issue = IssueName::parse(&format!("delete:{code}")).unwrap();
            let problem = IssueRequest::retry(issue).unwrap_err();
            assert_eq!(problem.status(), 400);
        }
        let issue = IssueName::parse("edit:cloudinary_server").unwrap();
        assert!(IssueRequest::retry(issue).is_ok());
    }
}
