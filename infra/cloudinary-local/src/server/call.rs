//! One API call: routed, counted, struck by faults, authorized, charged, executed, answered.

use std::time::Duration;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode};
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

use super::route::{Access, Operation};
use super::{auth, body};
use crate::app::App;
use crate::error::ApiError;
use crate::model::Id;
use crate::params::Params;
use crate::store::Actor;
use crate::traffic::{Drop, Fault, Quota};
use crate::{admin, api, search};

/// The answer of a call that was carried out.
enum Answer {
    Json(Value),
    File(Response),
}

/// The connection is to be closed without an answer.
#[derive(Debug, thiserror::Error)]
#[error("the connection was dropped on purpose")]
pub(super) struct Dropped;

pub(super) async fn handle(
    app: &App,
    path: &str,
    request: Request<Body>,
) -> Result<Response, Dropped> {
    let mut quota = None;
    let mut response = match route(app, request.method(), path) {
        Ok(operation) => attend(app, operation, request, &mut quota).await?,
        Err(error) => {
            body::drain(request).await;
            error.into_response()
        }
    };
    let headers = response.headers_mut();
    headers.insert("x-request-id", header_value(&Id::random().to_string()));
    if let Some(quota) = quota {
        headers.insert("x-featureratelimit-limit", quota.limit.into());
        headers.insert("x-featureratelimit-remaining", quota.remaining.into());
        headers.insert(
            "x-featureratelimit-reset",
            header_value(&quota.reset.http_date()),
        );
    }
    Ok(response)
}

fn header_value(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).expect("ids and dates are plain ASCII")
}

fn route(app: &App, method: &Method, path: &str) -> Result<Operation, ApiError> {
    // Decoded first, then divided: clients encode slashes too (`/resources%2Fsearch`).
    let decoded = percent_decode_str(path).decode_utf8_lossy();
    let mut segments: Vec<&str> = decoded.split('/').collect();
    let cloud = segments.remove(0);
    if cloud != app.account.cloud {
        return Err(ApiError::unauthorized("cloud_name mismatch"));
    }
    if segments.last() == Some(&"") {
        segments.pop();
    }
    Operation::of(method, &segments).ok_or_else(|| ApiError::not_found(&segments.join("/")))
}

async fn attend(
    app: &App,
    operation: Operation,
    request: Request<Body>,
    quota: &mut Option<Quota>,
) -> Result<Response, Dropped> {
    let running = app.traffic.begin(operation.name());
    let mut cleared = app.traffic.cleared();
    let fault = app.traffic.strike(operation.name());
    if let Some(fault) = &fault {
        if fault.delay_ms > 0 {
            tokio::time::sleep(Duration::from_millis(fault.delay_ms)).await;
        }
        if fault.drop_connection == Some(Drop::Before) {
            return Err(Dropped);
        }
        if let Some(answer) = struck(fault) {
            body::drain(request).await;
            return Ok(answer);
        }
    }
    let result = execute(app, operation, request, running.parallel, quota).await;
    if fault.as_ref().is_some_and(|fault| fault.hold_answer) {
        // That nobody can clear them any more ends the waiting, too.
        let _over = cleared.changed().await;
    }
    let shorten_to = fault.as_ref().and_then(|fault| fault.shorten_to);
    if fault.is_some_and(|fault| fault.drop_connection == Some(Drop::After)) {
        return Err(Dropped);
    }
    Ok(match result {
        Ok(Answer::Json(answer)) => {
            let json = app.settings().write(&shortened(answer, shorten_to));
            ([("content-type", "application/json")], json).into_response()
        }
        Ok(Answer::File(file)) => file,
        Err(error) => error.into_response(),
    })
}

fn shortened(mut answer: Value, to: Option<usize>) -> Value {
    let resources = answer.get_mut("resources").and_then(Value::as_array_mut);
    if let (Some(resources), Some(to)) = (resources, to) {
        resources.truncate(to);
    }
    answer
}

fn struck(fault: &Fault) -> Option<Response> {
    let status = StatusCode::from_u16(fault.status?).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    Some(match &fault.body {
        None => (
            status,
            axum::Json(json!({"error": {"message": "General Error"}})),
        )
            .into_response(),
        Some(Value::String(text)) => {
            (status, [("content-type", "text/html")], text.clone()).into_response()
        }
        Some(body) => (status, axum::Json(body.clone())).into_response(),
    })
}

async fn execute(
    app: &App,
    operation: Operation,
    request: Request<Body>,
    parallel: u64,
    quota: &mut Option<Quota>,
) -> Result<Answer, ApiError> {
    let settings = app.settings();
    if let Some(region) = &settings.region {
        let cloud = &app.account.cloud;
        return Err(ApiError::bad_request(format!(
            "Cloud {cloud} belongs to {region} geo, please access via api-{region}.cloudinary.com"
        )));
    }
    let headers = request.headers().clone();
    let mut params = body::read(request).await?;
    auth::authorize(
        &operation,
        &mut params,
        &headers,
        &app.account,
        &settings,
        app.now(),
    )?;
    if settings.public_ids_split_at_commas {
        params.split_at_commas("public_ids");
    }
    if operation.access() == Access::Admin && settings.rate_limit > 0 {
        let (limit, others) = (settings.rate_limit, settings.rate_used_by_others);
        let spent = app.traffic.spend(limit, others, app.now());
        *quota = Some(spent);
        if spent.exceeded {
            let (limit, reset) = (spent.limit, spent.reset.plain());
            let message = format!(
                "Rate Limit Exceeded. Limit of {limit} api operations reached. Try again on {reset} UTC"
            );
            return Err(ApiError::new(settings.rate_limit_status, message));
        }
    }
    let destroys = matches!(
        operation,
        Operation::Destroy { .. } | Operation::AssetDestroy
    );
    if destroys && settings.destroy_concurrency > 0 && parallel > settings.destroy_concurrency {
        return Err(ApiError::new(
            420,
            "Too many concurrent upload_api_resource_destroy operations",
        ));
    }
    let actor = Actor {
        source: "api",
        api_key: app.account.api_key.clone(),
        notification_url: params.filled("notification_url").map(str::to_owned),
        batch_id: params.filled("batch_id").map(str::to_owned),
    };
    if let Operation::Download { kind } = operation {
        return api::download(app, kind, &params).await.map(Answer::File);
    }
    let answer = match operation.access() {
        Access::Admin => administer(app, &actor, operation, &params),
        _ => act(app, &actor, operation, &params, &headers).await,
    };
    answer.map(Answer::Json)
}

async fn act(
    app: &App,
    actor: &Actor,
    operation: Operation,
    params: &Params,
    headers: &HeaderMap,
) -> Result<Value, ApiError> {
    match operation {
        Operation::Upload { kind } => api::upload(app, actor, kind, params, headers).await,
        Operation::Destroy { kind } => api::destroy(app, actor, kind, params),
        Operation::AssetDestroy => api::destroy_by_asset_id(app, actor, params),
        Operation::DeleteByToken => api::by_token(app, actor, params),
        Operation::Rename { kind } => api::rename(app, actor, kind, params),
        Operation::Explicit { kind } => api::explicit(app, actor, kind, params),
        Operation::EditTags { kind } => api::edit_tags(app, actor, kind, params),
        Operation::EditContext { kind } => api::edit_context(app, actor, kind, params),
        Operation::EditMetadata { kind } => api::edit_metadata(app, actor, kind, params),
        other => Err(ApiError::internal(format!(
            "{} is not an upload operation",
            other.name()
        ))),
    }
}

fn administer(
    app: &App,
    actor: &Actor,
    operation: Operation,
    params: &Params,
) -> Result<Value, ApiError> {
    use Operation as Op;
    match operation {
        Op::Ping => Ok(admin::ping()),
        Op::Usage => Ok(admin::usage(app)),
        Op::Config => Ok(admin::config(app, params)),
        Op::ResourceTypes => Ok(admin::resource_types(app)),
        Op::List { kind, delivery } => admin::list(app, kind, delivery, params),
        Op::ListByTag { kind, tag } => admin::by_tag(app, kind, &tag, params),
        Op::ListByContext { kind } => admin::by_context(app, kind, params),
        Op::ListByModeration { kind, status } => admin::by_moderation(app, kind, &status, params),
        Op::ByAssetIds => admin::by_asset_ids(app, params),
        Op::ByAssetFolder => admin::by_asset_folder(app, params),
        Op::One {
            kind,
            delivery,
            public_id,
        } => admin::one(app, kind, delivery, &public_id, params),
        Op::OneById { asset_id } => admin::one_by_id(app, asset_id, params),
        Op::GetResource => admin::get_resource(app, params),
        Op::Update {
            kind,
            delivery,
            public_id,
        } => admin::update(app, actor, kind, delivery, &public_id, params),
        Op::UpdateById { asset_id } => admin::update_by_id(app, actor, asset_id, params),
        Op::UpdateByBody => admin::update_by_body(app, actor, params),
        Op::DeleteMany { kind, delivery } => admin::delete_many(app, actor, kind, delivery, params),
        Op::DeleteByTag { kind, tag } => admin::delete_by_tag(app, actor, kind, &tag, params),
        Op::DeleteByAssetIds => admin::delete_by_asset_ids(app, actor, params),
        Op::DeleteBackup { asset_id } => admin::delete_backup(app, actor, asset_id, params),
        Op::DeleteDerived => admin::delete_derived(params),
        Op::Restore { kind, delivery } => admin::restore(app, actor, kind, delivery, params),
        Op::RestoreByAssetIds => admin::restore_by_asset_ids(app, actor, params),
        Op::Search => search::search(app, params),
        Op::SearchFolders => search::search_folders(app, params),
        Op::Folders { parent } => admin::list_folders(app, &parent, params),
        Op::CreateFolder { path } => admin::create_folder(app, actor, &path),
        Op::RenameFolder { path } => admin::rename_folder(app, actor, &path, params),
        Op::DeleteFolder { path } => admin::delete_folder(app, actor, &path),
        Op::Tags { kind } => admin::tags(app, kind, params),
        Op::MetadataFields => Ok(admin::list_fields(app)),
        Op::CreateMetadataField => admin::create_field(app, actor, params),
        Op::MetadataField { id } => admin::one_field(app, &id),
        Op::UpdateMetadataField { id } => admin::update_field(app, actor, &id, params),
        Op::DeleteMetadataField { id } => admin::delete_field(app, actor, &id),
        Op::UpdateDatasource { id } => admin::update_entries(app, actor, &id, params),
        Op::DeleteFromDatasource { id } => admin::delete_entries(app, actor, &id, params),
        Op::RestoreInDatasource { id } => admin::restore_entries(app, actor, &id, params),
        Op::OrderDatasource { id } => admin::order_entries(app, actor, &id, params),
        Op::Triggers => Ok(admin::list_triggers(app, params)),
        Op::CreateTrigger => admin::create_trigger(app, actor, params),
        Op::UpdateTrigger { id } => admin::update_trigger(app, actor, id, params),
        Op::DeleteTrigger { id } => admin::delete_trigger(app, actor, id),
        Op::TestTrigger { id } => admin::test_trigger(app, id),
        other => Err(ApiError::internal(format!(
            "{} is not an admin operation",
            other.name()
        ))),
    }
}
