//! The routes of the HTTP API. AWS reads them from the OpenAPI body that SAM generates. The emulator does not, so
//! routes and CORS are created from the same body here.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::api::{self, Api, REGION};
use super::formation::transformed_template;
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

/// `functions` and `apis` map logical ids to real ones; `parameters` are the template's that were set.
pub(super) async fn import(
    api: &Api,
    stack: &str,
    functions: &BTreeMap<&str, &str>,
    apis: &BTreeMap<&str, &str>,
    parameters: &BTreeMap<String, String>,
) -> Result<(), StackError> {
    let processed = transformed_template(api, stack).await?;
    let processed = api::parse("GetTemplate", processed.as_bytes())?;
    for (logical, id) in apis {
        let body = &processed["Resources"][logical]["Properties"]["Body"];
        if let Some(cors) = parse_cors(&processed, body, parameters) {
            let request = json!({ "corsConfiguration": cors });
            api.rest("apigateway", "PATCH", &format!("/v2/apis/{id}"), &request)
                .await?;
        }
        let mut integrations = BTreeMap::new();
        for route in parse_routes(body) {
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

/// The API's configuration, if the parameter that names its origins was set.
fn parse_cors(
    template: &Value,
    body: &Value,
    parameters: &BTreeMap<String, String>,
) -> Option<Value> {
    // {"Fn::If": [condition, {"allowOrigins": {"Fn::Split": [",", default]}, ...}, {"Ref": "AWS::NoValue"}]}
    let cors = &body["x-amazon-apigateway-cors"]["Fn::If"];
    // The emulator has filled in what the parameter defaults to, not what it was set to; its name is
    // in the condition only: {"Fn::Not": [{"Fn::Equals": [{"Ref": name}, ""]}]}
    let condition = &template["Conditions"][cors[0].as_str()?];
    let parameter = condition.pointer("/Fn::Not/0/Fn::Equals/0/Ref")?.as_str()?;
    let default = cors[1]["allowOrigins"]["Fn::Split"][1].as_str();
    let origins = parameters
        .get(parameter)
        .map(String::as_str)
        .or(default)
        .filter(|origins| !origins.is_empty())?;
    let mut cors = cors[1].clone();
    cors["allowOrigins"] = origins.split(',').collect();
    Some(cors)
}

fn route_key(path: &str, method: &str) -> String {
    match method {
        // AWS writes it with a slash, and SAM without.
        _ if path.trim_start_matches('/') == "$default" => "$default".to_owned(),
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
    fn cors_is_on_when_origins_are_given() {
        let template = json!({ "Conditions": {
            "HasCorsOrigins": { "Fn::Not": [{ "Fn::Equals": [{ "Ref": "CorsOrigins" }, ""] }] },
        } });
        let body = |default: &str| {
            let given =
                json!({ "allowMethods": ["GET"], "allowOrigins": { "Fn::Split": [",", default] } });
            let cors = json!({ "Fn::If": ["HasCorsOrigins", given, { "Ref": "AWS::NoValue" }] });
            json!({ "x-amazon-apigateway-cors": cors })
        };
        let set = |origins: &str| [("CorsOrigins".to_owned(), origins.to_owned())].into();
        let both = "https://a.example,https://b.example";
        let expected = json!({ "allowMethods": ["GET"], "allowOrigins": ["https://a.example", "https://b.example"] });
        let given = parse_cors(&template, &body(""), &set(both));
        assert_eq!(given.as_ref(), Some(&expected));
        let by_default = parse_cors(&template, &body(both), &BTreeMap::new());
        assert_eq!(by_default, Some(expected));
        assert_eq!(parse_cors(&template, &body(both), &set("")), None);
        assert_eq!(parse_cors(&template, &body(""), &BTreeMap::new()), None);
        assert_eq!(parse_cors(&template, &json!({}), &set(both)), None);
    }

    #[test]
    fn routes_are_read_from_the_generated_body() {
        let integration = |function: &str| {
            let uri = format!(
                "arn:aws:apigateway:${{AWS::Region}}:lambda:path/2015-03-31/functions/${{{function}.Arn}}/invocations"
            );
            json!({ "x-amazon-apigateway-integration": { "uri": { "Fn::Sub": uri } } })
        };
        let body = json!({ "paths": {
            "$default": { "x-amazon-apigateway-any-method": integration("Fallback") },
            "/media": { "get": integration("MediaList"), "x-amazon-apigateway-any-method": integration("Media") },
            "/media/{asset_id}": { "get": integration("MediaGet") },
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
            ("GET /media/{asset_id}", "MediaGet"),
        ];
        assert_eq!(
            routes,
            expected.map(|(key, function)| (key.to_owned(), function.to_owned()))
        );
    }
}
