//! The control plane: a test's orders to the stand-in, and its readings.

mod notifications;
mod picture;
mod request;
mod seed;
mod state;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::{Method, Request};
use serde_json::{Map, Value, json};

use crate::app::App;
use crate::error::ApiError;
use crate::model::Change;
use crate::moment::Moment;
use crate::params::Params;
use crate::settings::{NotificationChaos, ServerSettings};
use crate::traffic::Fault;
use request::{operator, unreadable};

/// No authentication: the server listens on loopback only.
pub(crate) async fn handle(app: &App, path: &str, request: Request<Body>) -> Response {
    let method = request.method().clone();
    let mut query = Params::default();
    query.add_form(request.uri().query().unwrap_or_default().as_bytes());
    let body = match request::read(request).await {
        Ok(body) => body,
        Err(error) => return error.into_response(),
    };
    let path = path.trim_end_matches('/');
    if (method.as_str(), path) == ("GET", "picture") {
        return picture::picture(&query).unwrap_or_else(IntoResponse::into_response);
    }
    match dispatch(app, &method, path, &query, body).await {
        Ok(answer) => axum::Json(answer).into_response(),
        Err(error) => error.into_response(),
    }
}

async fn dispatch(
    app: &App,
    method: &Method,
    path: &str,
    query: &Params,
    body: Map<String, Value>,
) -> Result<Value, ApiError> {
    match (method.as_str(), path) {
        ("POST", "seed") => seed::seed(app, body),
        ("POST", "fault" | "faults") => add_fault(app, body),
        ("GET", "faults") => Ok(json!({"faults": app.traffic.faults()})),
        ("DELETE", "faults") => {
            app.traffic.clear_faults();
            Ok(json!({"faults": []}))
        }
        ("PUT", "chaos") => set_chaos(app, body),
        ("GET", "chaos") => Ok(app.store.read(|state| json!(state.chaos))),
        ("PUT", "settings") => set_settings(app, body),
        ("GET", "settings") => Ok(json!(app.settings())),
        ("GET", "requests") => {
            let counts = app.traffic.counts();
            Ok(json!({"total": counts.values().sum::<u64>(), "operations": counts}))
        }
        ("DELETE", "requests") => {
            app.traffic.reset_counts();
            Ok(json!({"total": 0, "operations": {}}))
        }
        ("GET", "state") => Ok(state::all(app)),
        ("GET", "state/assets") => state::assets(app, query),
        ("GET", "notifications") => Ok(notifications::overview(app)),
        ("POST", "notifications/flush") => Ok(json!({"attempted": app.deliverer.flush()})),
        ("GET", "quiet") => notifications::quiet(app, query).await,
        ("POST", "cursors/expire") => {
            app.store.record(vec![Change::ExpireCursors])?;
            Ok(json!({"expired": true}))
        }
        ("GET", "clock") => Ok(clock(app)),
        ("PUT", "clock") => set_clock(app, &body),
        ("GET", "health") => Ok(json!({"status": "ok"})),
        _ => Err(ApiError::new(
            404,
            format!("no control endpoint {method} {path}"),
        )),
    }
}

fn add_fault(app: &App, body: Map<String, Value>) -> Result<Value, ApiError> {
    let fault: Fault = request::parse(body)?;
    app.traffic.add_fault(fault);
    Ok(json!({"faults": app.traffic.faults()}))
}

fn set_chaos(app: &App, body: Map<String, Value>) -> Result<Value, ApiError> {
    let chaos: NotificationChaos = request::parse(body)?;
    if [chaos.drop, chaos.duplicate, chaos.reorder]
        .iter()
        .any(|share| !(0.0..=1.0).contains(share))
    {
        return Err(ApiError::bad_request("shares lie between 0 and 1"));
    }
    let chaos = json!(chaos);
    app.store.record(vec![Change::Chaos {
        chaos: chaos.clone(),
    }])?;
    Ok(chaos)
}

/// `rate_remaining` is not a setting but the state of the present hour.
fn set_settings(app: &App, mut body: Map<String, Value>) -> Result<Value, ApiError> {
    let remaining = match body.remove("rate_remaining") {
        None | Some(Value::Null) => None,
        Some(value) => Some(
            value
                .as_u64()
                .ok_or_else(|| ApiError::bad_request("rate_remaining: expected a number"))?,
        ),
    };
    let changed = change_settings(app, body)?;
    if let Some(remaining) = remaining {
        app.traffic
            .set_remaining(changed.rate_limit, remaining, app.now());
    }
    Ok(json!(changed))
}

fn change_settings(app: &App, changes: Map<String, Value>) -> Result<ServerSettings, ApiError> {
    app.store.commit(&operator(app), |transaction| {
        let changed = transaction
            .settings()
            .with(changes)
            .map_err(|error| unreadable(&error))?;
        let value = serde_json::to_value(&changed).map_err(|error| unreadable(&error))?;
        transaction.record(Change::Settings {
            settings: Box::new(value),
        });
        Ok(changed)
    })
}

fn clock(app: &App) -> Value {
    let skew = app.settings().clock_skew_ms;
    json!({"now": Moment::now(skew).iso_micros(), "skew_ms": skew})
}

/// `{"now": "2026-..."}`, `{"skew_ms": n}` or `{"advance_ms": n}`.
fn set_clock(app: &App, body: &Map<String, Value>) -> Result<Value, ApiError> {
    let number = |name: &str| body.get(name).and_then(Value::as_i64);
    let skew = if let Some(now) = body.get("now").and_then(Value::as_str) {
        let now =
            Moment::parse(now).ok_or_else(|| ApiError::bad_request("now: expected a date"))?;
        // Rounded up: the clock shows this moment or a later one.
        (now.0 - Moment::now(0).0).div_euclid(1000) + 1
    } else if let Some(skew) = number("skew_ms") {
        skew
    } else if let Some(advance) = number("advance_ms") {
        app.settings().clock_skew_ms + advance
    } else {
        return Err(ApiError::bad_request("expected now, skew_ms or advance_ms"));
    };
    let mut change = Map::new();
    change.insert("clock_skew_ms".into(), json!(skew));
    change_settings(app, change)?;
    Ok(clock(app))
}
