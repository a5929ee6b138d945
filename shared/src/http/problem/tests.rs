use std::time::Duration;

use http::{Response, StatusCode};
use lambda_http::Body;
use serde_json::json;

use super::Problem;
use crate::cloudinary::signature::SignatureRejection;
use crate::cloudinary::{CloudinaryError, RefusalKind};
use crate::http::reply;
use crate::parameter::ParameterError;
use crate::supabase::jwt::TokenError;
use crate::supabase::{RefusalCause, SupabaseError};
use crate::upload::UploadRefusal;

fn body(response: &Response<Body>) -> serde_json::Value {
    serde_json::from_slice(response.body()).unwrap()
}

#[test]
fn parameter_problem_names_the_parameter() {
    let response = Problem::parameter("limit", "`limit` is too big").into_response("r-1");
    assert_eq!(response.status(), 400);
    assert_eq!(
        response.headers()["content-type"],
        "application/problem+json"
    );
    assert_eq!(
        body(&response),
        json!({
            "type": "urn:media-sync:problem:invalid_parameter",
            "title": "Bad Request",
            "status": 400,
            "detail": "`limit` is too big",
            "code": "invalid_parameter",
            "instance": "urn:request:r-1",
            "request_id": "r-1",
            "parameter": "limit"
        })
    );
}

#[test]
fn transient_errors_are_503_with_retry_after_and_no_internals() {
    let error = SupabaseError::Refused {
        doing: "call secret_function".into(),
        status: 503,
        cause: RefusalCause::Outage,
        code: "PGRST001".into(),
        message: "password=hush".into(),
        details: None,
        retry_after: None,
    };
    let response = Problem::from(error).into_response("r");
    assert_eq!(response.status(), 503);
    assert_eq!(response.headers()["retry-after"], "5");
    let text = body(&response).to_string();
    assert!(
        !text.contains("hush") && !text.contains("secret_function"),
        "{text}"
    );
}

/// A problem of every error that there is, and the error's words.
fn all_problems() -> Vec<(Problem, String)> {
    use crate::cloudinary::RefusedCall;
    let mut problems = Vec::new();
    let mut add = |problem: Problem, words: &str| problems.push((problem, words.to_owned()));
    for error in [
        TokenError::TooLarge,
        TokenError::Malformed,
        TokenError::ApiKey,
        TokenError::Algorithm,
        TokenError::UnknownKey,
        TokenError::Signature,
        TokenError::Expired,
        TokenError::NotYetValid,
        TokenError::Audience,
        TokenError::Issuer,
        TokenError::Subject,
        TokenError::KeysUnavailable(None),
    ] {
        add(error.into(), "");
    }
    for rejection in [
        SignatureRejection::MissingTimestamp,
        SignatureRejection::MissingSignature,
        SignatureRejection::MalformedTimestamp,
        SignatureRejection::MalformedSignature,
        SignatureRejection::Stale,
        SignatureRejection::FromTheFuture,
        SignatureRejection::WrongSignature,
    ] {
        add(rejection.into(), "");
    }
    let wait = Some(Duration::from_secs(7));
    for refusal in [
        RefusalKind::Quota {
            retry_after: Duration::from_secs(7),
        },
        RefusalKind::Concurrency { retry_after: wait },
        RefusalKind::AddOn,
        RefusalKind::Stale,
        RefusalKind::Unauthorized,
        RefusalKind::Forbidden,
        RefusalKind::NotFound,
        RefusalKind::Conflict,
        RefusalKind::CursorExpired,
        RefusalKind::Processing,
        RefusalKind::Server { retry_after: wait },
        RefusalKind::BadRequest,
    ] {
        let refused = RefusedCall {
            doing: "hush".to_owned(),
            status: 400,
            refusal,
            message: "hush".to_owned(),
            request_id: None,
            observed_at: crate::time::Timestamp::from_secs(0),
        };
        add(CloudinaryError::Refused(Box::new(refused)).into(), "hush");
    }
    let unreadable = CloudinaryError::Unreadable {
        doing: "hush".to_owned(),
        status: 502,
        excerpt: "hush".to_owned(),
        source: None,
    };
    add(unreadable.into(), "hush");
    for code in [
        "42501", "PGRST301", "PGRST303", "PGRST116", "53300", "57014", "22P02", "PGRST003",
    ] {
        let error = SupabaseError::Refused {
            doing: "hush".to_owned(),
            status: 400,
            cause: RefusalCause::of(400, code, true),
            code: code.to_owned(),
            message: "hush".to_owned(),
            details: Some("hush".to_owned()),
            retry_after: None,
        };
        add(error.into(), "hush");
    }
    for refusal in [
        UploadRefusal::parameter("folder", "is odd"),
        UploadRefusal::OutsidePrefix("mine".to_owned()),
        UploadRefusal::TooLarge { limit: 1, hint: "" },
        UploadRefusal::NotAllowed("No.".to_owned()),
        UploadRefusal::Mismatch("No.".to_owned()),
        UploadRefusal::RemoteOff,
        UploadRefusal::Address("no".to_owned()),
        UploadRefusal::Taken,
        UploadRefusal::Reserved,
        UploadRefusal::NotYours,
        UploadRefusal::TooMany,
        UploadRefusal::OverBudget {
            wait: Duration::from_secs(9),
        },
    ] {
        add(refusal.into(), "");
    }
    add(Problem::too_large(1), "");
    add(Problem::token_missing(), "");
    add(Problem::method_not_allowed("GET"), "");
    add(ParameterError::new("limit", "is too big").into(), "");
    problems
}

#[test]
fn every_problem_is_in_the_catalogue_and_tells_no_internals() {
    use crate::http::catalogue;
    for (problem, words) in all_problems() {
        let code = problem.code();
        let entry = catalogue::find(code).unwrap_or_else(|| panic!("{code} is not listed"));
        let response = problem.into_response("r");
        assert_eq!(response.status().as_u16(), entry.status, "{code}");
        let must_wait = matches!(entry.status, 429 | 503);
        assert_eq!(
            response.headers().contains_key("retry-after"),
            must_wait,
            "{code}"
        );
        let text = body(&response).to_string();
        assert!(words.is_empty() || !text.contains(&words), "{text}");
    }
}

#[test]
fn a_refusal_is_answered_by_its_cause() {
    for (status, code, for_user, expected) in [
        (540, "", true, (503, "database_unavailable")),
        (404, "", false, (503, "database_unavailable")),
        (404, "PGRST202", true, (503, "database_unavailable")),
        (405, "25006", true, (503, "database_unavailable")),
        (503, "53300", false, (429, "database_busy")),
        (401, "PGRST301", true, (401, "token_refused")),
        (403, "42501", true, (403, "forbidden")),
        // Our own key and our own grants are nothing that a user could mend.
        (401, "PGRST301", false, (503, "database_unavailable")),
        (401, "", true, (503, "database_unavailable")),
        (403, "42501", false, (500, "internal")),
        (400, "P0001", true, (500, "internal")),
    ] {
        let error = SupabaseError::Refused {
            doing: "ask".to_owned(),
            status,
            cause: RefusalCause::of(status, code, for_user),
            code: code.to_owned(),
            message: String::new(),
            details: None,
            retry_after: None,
        };
        let problem = Problem::from(error);
        let told = problem.code().to_owned();
        let response = problem.into_response("r");
        let found = (response.status().as_u16(), told.as_str());
        assert_eq!(found, expected, "{status} {code} {for_user}");
        let waits = response.headers().contains_key("retry-after");
        assert_eq!(waits, matches!(found.0, 429 | 503), "{status} {code}");
    }
}

#[test]
fn refused_tokens_are_challenged_and_refused_notifications_are_not() {
    let token = Problem::from(TokenError::Expired).into_response("r");
    assert_eq!(token.status(), 401);
    assert_eq!(
        token.headers()["www-authenticate"],
        "Bearer error=\"invalid_token\""
    );
    let missing = Problem::token_missing().into_response("r");
    assert_eq!(missing.headers()["www-authenticate"], "Bearer");
    assert_eq!(body(&token)["code"], "token_expired");
    let notification = Problem::from(SignatureRejection::Stale).into_response("r");
    assert_eq!(notification.status(), 401);
    assert!(!notification.headers().contains_key("www-authenticate"));
    assert_eq!(
        body(&notification)["detail"],
        "The notification was signed more than two hours ago."
    );
}

#[test]
fn every_answer_carries_the_security_headers() {
    for response in [
        Problem::not_found("x").into_response("r"),
        reply::json(StatusCode::OK, &json!({})),
    ] {
        assert_eq!(response.headers()["x-content-type-options"], "nosniff");
        assert_eq!(response.headers()["cache-control"], "no-store");
    }
}
