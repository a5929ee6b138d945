//! Compares the document's parameters of an operation with those that its function lists when it refuses.

use std::collections::BTreeSet;

use end_to_end::World;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

/// They look at nothing but the signature, or at nothing at all.
const UNINTERESTED: [&str; 2] = ["/api/cloudinary/webhook", "/api/openapi.json"];

/// It tells its shapes of body apart by their fields, and looks at these only then.
const UPLOAD: &str = "/api/cloudinary/upload";

/// Compares parameters, their words and the fields of bodies, of every operation.
pub(super) async fn assert_functions_agree(world: &World, document: &Value) {
    for (path, methods) in document["paths"].as_object().unwrap() {
        if UNINTERESTED.contains(&path.as_str()) {
            continue;
        }
        for (method, operation) in methods.as_object().unwrap() {
            let told = Told {
                world,
                document,
                operation,
                method: method.to_uppercase().parse().unwrap(),
                path: path
                    .replace("{asset_id}", &"0".repeat(32))
                    .replace("{issue}", "edit:cloudinary_conflict"),
            };
            told.assert_parameters_agree().await;
            if path != UPLOAD {
                told.assert_fields_agree().await;
            }
        }
    }
}

struct Told<'a> {
    world: &'a World,
    document: &'a Value,
    operation: &'a Value,
    method: Method,
    path: String,
}

impl Told<'_> {
    async fn assert_parameters_agree(&self) {
        let parameters = self.operation["parameters"].as_array();
        let parameters: Vec<&Value> = parameters
            .into_iter()
            .flatten()
            .map(|parameter| self.resolve(parameter))
            .filter(|parameter| parameter["in"] == "query")
            .collect();
        let names = parameters
            .iter()
            .map(|parameter| parameter["name"].as_str().unwrap().to_owned());
        let known = self.refusal("no-such-parameter", None).await;
        assert_eq!(
            known,
            names.collect(),
            "parameters of {} {}",
            self.method,
            self.path
        );
        for parameter in parameters {
            let words = &self.resolve(&parameter["schema"])["enum"];
            if words.is_array() {
                let name = parameter["name"].as_str().unwrap();
                assert_eq!(self.refusal(name, None).await, texts(words), "{name}");
            }
        }
    }

    async fn assert_fields_agree(&self) {
        let schema = &self.operation["requestBody"]["content"]["application/json"]["schema"];
        let mut schema = self.resolve(schema);
        // Of several shapes the first is the one that an unknown field is taken for.
        if schema["oneOf"].is_array() {
            schema = self.resolve(&schema["oneOf"][0]);
        }
        if let Some(fields) = schema["properties"].as_object() {
            let body = json!({"no-such-field": 1});
            let known = self.refusal("", Some(body)).await;
            let fields = fields.keys().cloned().collect();
            assert_eq!(known, fields, "fields of {} {}", self.method, self.path);
        }
    }

    /// The words that a refusal offers instead.
    async fn refusal(&self, parameter: &str, body: Option<Value>) -> BTreeSet<String> {
        let query = if parameter.is_empty() {
            String::new()
        } else {
            format!("?{parameter}=no-such-word")
        };
        let path = format!("{}{query}", self.path);
        let admin = Some(self.world.admin.as_str());
        let answer = self
            .world
            .call(self.method.clone(), &path, admin, body)
            .await;
        assert_eq!(
            answer.status,
            StatusCode::BAD_REQUEST,
            "{path}: {}",
            answer.body
        );
        listed(answer.body["detail"].as_str().unwrap())
    }

    fn resolve<'a>(&'a self, value: &'a Value) -> &'a Value {
        let reference = value["$ref"].as_str();
        let pointer = reference.map(|reference| reference.trim_start_matches('#'));
        pointer
            .and_then(|pointer| self.document.pointer(pointer))
            .unwrap_or(value)
    }
}

/// "there are a, b", "must be one of a, b" or "expected one of `a`, `b`".
fn listed(detail: &str) -> BTreeSet<String> {
    let list = ["; there are ", "must be one of ", ", expected "]
        .iter()
        .find_map(|words| Some(detail.split_once(words)?.1))
        .unwrap_or_else(|| panic!("nothing is listed: {detail}"));
    let words: Vec<&str> = match list {
        "none" => Vec::new(),
        list if list.contains('`') => list.split('`').skip(1).step_by(2).collect(),
        list => list.trim_end_matches('.').split(", ").collect(),
    };
    words.into_iter().map(str::to_owned).collect()
}

fn texts(values: &Value) -> BTreeSet<String> {
    let values = values.as_array().into_iter().flatten();
    values
        .map(|value| value.as_str().unwrap().to_owned())
        .collect()
}
