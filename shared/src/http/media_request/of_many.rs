//! The answer about several assets: each has an outcome, and the status is 200 (pure).

use http::{Response, StatusCode};
use lambda_http::Body;
use serde_json::{Value, json};

use super::change::RequestedChange;
use super::outcome::{Done, Requested, message};
use crate::http::reply;

pub(super) fn answer(change: RequestedChange, requested: &Requested) -> Response<Body> {
    let done = requested.done.iter();
    let names: Vec<&str> = done.clone().map(|done| done.public_id.as_str()).collect();
    let answer = json!({
        change.done(): names,
        "failed": requested.failed,
        "message": message(change, requested),
        "assets": done.map(describe).collect::<Vec<Value>>(),
    });
    requested.mark(reply::json(StatusCode::OK, &answer))
}

fn describe(done: &Done) -> Value {
    json!({
        "asset_id": done.asset_id, "public_id": done.public_id, "sync_status": done.sync_status, "etag": done.etag,
    })
}
