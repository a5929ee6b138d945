//! The answer about one asset: its row, or a problem with the status of its outcome (pure).

use http::{Response, StatusCode};
use lambda_http::Body;
use serde_json::{Map, Value, json};

use super::change::RequestedChange;
use super::outcome::{Requested, message};
use crate::http::problem::sentence;
use crate::http::{Problem, catalogue, reply};

/// The codes by which the database refuses an item. Each is a problem's too.
const REFUSALS: [&str; 12] = [
    "not_found",
    "forbidden",
    "outside_prefix",
    "format_not_allowed",
    "in_use",
    "deleted",
    "not_deleted",
    "name_taken",
    "conflict",
    "precondition_failed",
    "invalid",
    "rule_refused",
];

/// 202 while Cloudinary has to follow, 200 if it has nothing to do.
pub(super) fn answer(
    change: RequestedChange,
    requested: Requested,
) -> Result<Response<Body>, Problem> {
    let Some(done) = requested.done.first() else {
        let refusal = requested.failed.into_iter().next();
        return Err(problem(refusal.unwrap_or_default()));
    };
    let status = match done.is_pending() {
        true => StatusCode::ACCEPTED,
        false => StatusCode::OK,
    };
    let answer = json!({
        "asset": done.asset, "etag": done.etag, "message": message(change, &requested),
    });
    let mut response = requested.mark(reply::json(status, &answer));
    reply::tag(&mut response, done.etag.as_deref());
    Ok(response)
}

/// The refusal as a problem; what it tells beside its sentence stays with it.
fn problem(refusal: Value) -> Problem {
    #[derive(Debug, thiserror::Error)]
    #[error("the database refused an asset by an unknown code: {0}")]
    struct Unknown(String);
    let told = |name: &str| refusal[name].as_str().unwrap_or_default();
    let code = REFUSALS.into_iter().find(|code| *code == told("code"));
    let Some(kind) = code.and_then(catalogue::find) else {
        return Problem::internal(&Unknown(refusal.to_string()));
    };
    let status = StatusCode::from_u16(kind.status).expect("the catalogue has statuses of HTTP");
    let detail = sentence(told("error"));
    let mut more = match refusal {
        Value::Object(more) => more,
        _ => Map::new(),
    };
    more.retain(|name, value| {
        !matches!(name.as_str(), "code" | "error" | "named") && !value.is_null()
    });
    Problem::new(status, kind.code, detail).with(more)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn requested(answer: &Value) -> Requested {
        serde_json::from_value(answer.clone()).unwrap()
    }

    fn body(response: &Response<Body>) -> Value {
        serde_json::from_slice(response.body()).unwrap()
    }

    #[test]
    fn every_refusal_has_a_status_of_its_own_kind() {
        for (code, status) in [
            ("not_found", 404),
            ("forbidden", 403),
            ("outside_prefix", 403),
            ("format_not_allowed", 415),
            ("in_use", 409),
            ("deleted", 409),
            ("not_deleted", 409),
            ("name_taken", 409),
            ("conflict", 409),
            ("precondition_failed", 412),
            ("invalid", 422),
            ("rule_refused", 422),
            ("made_up", 500),
        ] {
            let failed =
                json!([{"public_id": null, "code": code, "error": "so it is", "named": "x"}]);
            let refused = requested(&json!({"done": [], "failed": failed}));
            let problem = answer(RequestedChange::Edit, refused).unwrap_err();
            assert_eq!(problem.status().as_u16(), status, "{code}");
            assert_eq!(problem.code() == code, status != 500, "{code}");
        }
        assert!(REFUSALS.iter().all(|code| catalogue::find(code).is_some()));
    }

    #[test]
    fn a_problem_tells_all_that_the_database_told() {
        let failed = json!([{
            "public_id": "mug", "asset_id": "a", "named": "a", "code": "in_use", "error": "in use: so it is",
            "references": [{"table": "pages"}], "reference_count": 1,
        }]);
        let refused = requested(&json!({"done": [], "failed": failed}));
        let problem = answer(RequestedChange::Delete, refused).unwrap_err();
        let told = body(&problem.into_response("r"));
        assert_eq!(told["detail"], "In use: so it is.");
        assert_eq!(
            (&told["public_id"], &told["asset_id"]),
            (&json!("mug"), &json!("a"))
        );
        assert_eq!(told["references"], json!([{"table": "pages"}]));
        assert_eq!(told["reference_count"], 1);
        assert_eq!(told.get("named"), None);
    }

    #[test]
    fn an_answer_has_the_row_and_says_if_cloudinary_follows() {
        for (sync_status, status) in [("pending", 202), ("synced", 200)] {
            let done = json!([{
                "public_id": "mug", "asset_id": "a", "asset_row_id": uuid::Uuid::nil(), "sync_status": sync_status,
                "etag": "e", "asset": {"folder": "shop"},
            }]);
            let edited = requested(&json!({"done": done, "failed": [], "replayed": true}));
            let response = answer(RequestedChange::Edit, edited).unwrap();
            assert_eq!(response.status().as_u16(), status);
            assert_eq!(response.headers()["etag"], "\"e\"");
            assert_eq!(response.headers()["idempotent-replay"], "true");
            assert_eq!(body(&response)["asset"]["folder"], "shop");
        }
    }
}
