//! The routes of the HTTP API. AWS reads them from the OpenAPI body that SAM generates; the emulator does not,
//! so they are created from the same body here.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::api::{self, Api, REGION};
use crate::StackError;

/// The emulator's only account.
const ACCOUNT: &str = "000000000000";

#[derive(Debug, PartialEq, Eq)]
struct Route {
    /// `GET /api/cloudinary/media`, `ANY /x` or `$default`.
    key: String,
    /// The function's logical id.
    function: String,
}

/// `functions` and `apis` map logical ids to real ones.
pub(super) async fn import(
    api: &Api,
    stack: &str,
    functions: &BTreeMap<&str, &str>,
    apis: &BTreeMap<&str, &str>,
) -> Result<(), StackError> {
    let form = [
        ("Action", "GetTemplate"),
        ("StackName", stack),
        ("TemplateStage", "Processed"),
    ];
    let processed = api::first(&api.query("cloudformation", &form).await?, "TemplateBody")?;
    let processed = api::parse("GetTemplate", processed.as_bytes())?;
    for (logical, id) in apis {
        let mut integrations = BTreeMap::new();
        for route in parse_routes(&processed["Resources"][logical]["Properties"]["Body"]) {
            let Some(function) = functions.get(route.function.as_str()) else {
                continue;
            };
            if !integrations.contains_key(function) {
                integrations.insert(*function, create_integration(api, id, function).await?);
            }
            let target = format!("integrations/{}", integrations[function]);
            let request = json!({ "routeKey": route.key, "target": target });
            api.rest(
                "apigateway",
                "POST",
                &format!("/v2/apis/{id}/routes"),
                &request,
            )
            .await?;
        }
    }
    Ok(())
}

async fn create_integration(api: &Api, id: &str, function: &str) -> Result<String, StackError> {
    let request = json!({
        "integrationType": "AWS_PROXY",
        "integrationUri": format!("arn:aws:lambda:{REGION}:{ACCOUNT}:function:{function}"),
        "payloadFormatVersion": "2.0",
    });
    let path = format!("/v2/apis/{id}/integrations");
    let answer = api.rest("apigateway", "POST", &path, &request).await?;
    Ok(api::parse(&path, &answer.body)?["integrationId"]
        .as_str()
        .unwrap_or_default()
        .to_owned())
}

fn parse_routes(body: &Value) -> Vec<Route> {
    let mut routes = Vec::new();
    for (path, methods) in body["paths"].as_object().into_iter().flatten() {
        for (method, operation) in methods.as_object().into_iter().flatten() {
            if let Some(function) =
                function_of(&operation["x-amazon-apigateway-integration"]["uri"])
            {
                routes.push(Route {
                    key: route_key(path, method),
                    function,
                });
            }
        }
    }
    routes
}

fn route_key(path: &str, method: &str) -> String {
    match method {
        _ if path == "/$default" => "$default".to_owned(),
        "x-amazon-apigateway-any-method" => format!("ANY {path}"),
        method => format!("{} {path}", method.to_uppercase()),
    }
}

/// `{"Fn::Sub": "arn:...:functions/${Webhook.Arn}/invocations"}` names the function `Webhook`.
fn function_of(uri: &Value) -> Option<String> {
    let text = uri["Fn::Sub"].as_str()?;
    let (_, rest) = text.split_once("functions/${")?;
    Some(rest.split_once(".Arn}")?.0.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn routes_are_read_from_the_generated_body() {
        let integration = |function: &str| {
            let uri = format!(
                "arn:aws:apigateway:${{AWS::Region}}:lambda:path/2015-03-31/functions/${{{function}.Arn}}/invocations"
            );
            json!({ "x-amazon-apigateway-integration": { "uri": { "Fn::Sub": uri } } })
        };
        let body = json!({ "paths": {
            "/$default": { "x-amazon-apigateway-any-method": integration("Fallback") },
            "/media": { "get": integration("MediaList"), "x-amazon-apigateway-any-method": integration("Media") },
            "/no": { "get": {} },
        } });
        let routes: Vec<_> = parse_routes(&body)
            .into_iter()
            .map(|route| (route.key, route.function))
            .collect();
        let expected = [
            ("$default", "Fallback"),
            ("GET /media", "MediaList"),
            ("ANY /media", "Media"),
        ];
        assert_eq!(
            routes,
            expected.map(|(key, function)| (key.to_owned(), function.to_owned()))
        );
    }
}
