//! The OpenAPI document as a page of Markdown.

use std::fmt::Write as _;

use serde_json::Value;

/// The whole page.
pub(crate) fn page(document: &Value) -> String {
    let mut page = String::from("# The API\n\n");
    let _ = writeln!(
        page,
        "For developers who call the API: [openapi.json](openapi.json) in readable form. The API serves it at\n\
         `/api/openapi.json`. A test writes this page and the table of [errors](errors.md): change the document instead.\n\n{}\n",
        text(&document["info"]["description"])
    );
    for (path, methods) in entries(&document["paths"]) {
        for (method, operation) in entries(methods) {
            let method = method.to_uppercase();
            let _ = writeln!(page, "## `{method} {path}`\n");
            write_operation(&mut page, document, operation);
        }
    }
    page.push_str("## Problems\n\n");
    for (name, answer) in entries(&document["components"]["responses"]) {
        let codes = answer
            .pointer("/content/application~1problem+json/schema/allOf/1/properties/code/enum");
        let codes = codes.map(|codes| words(codes, ", ")).unwrap_or_default();
        let _ = writeln!(
            page,
            "### {name}\n\n{} {codes}\n",
            text(&answer["description"])
        );
    }
    page.push_str("## Schemas\n\n");
    for (name, schema) in entries(&document["components"]["schemas"]) {
        let _ = writeln!(page, "### {name}\n");
        write_schema(&mut page, name, schema);
    }
    page.truncate(page.trim_end().len());
    page.push('\n');
    page
}

fn write_operation(page: &mut String, document: &Value, operation: &Value) {
    let _ = writeln!(page, "{}.", text(&operation["summary"]));
    if let Some(description) = operation["description"].as_str() {
        let _ = writeln!(page, "\n{description}");
    }
    if operation["security"].as_array().is_some_and(Vec::is_empty) {
        page.push_str("\nNeeds no token.\n");
    }
    let parameters: Vec<&Value> = list(&operation["parameters"])
        .map(|parameter| resolve(document, parameter))
        .collect();
    if !parameters.is_empty() {
        page.push_str("\n| parameter | | |\n|---|---|---|\n");
        for parameter in parameters {
            let place = match text(&parameter["in"]) {
                "query" => String::new(),
                place => format!(" ({place})"),
            };
            let _ = writeln!(
                page,
                "| `{}`{place} | {} | {} |",
                text(&parameter["name"]),
                kind(&parameter["schema"]),
                text(&parameter["description"])
            );
        }
    }
    let bodies: Vec<String> = entries(&operation["requestBody"]["content"])
        .map(|(media_type, body)| {
            let form = match media_type {
                "application/json" => String::new(),
                other => format!(" (`{other}`)"),
            };
            format!("{}{form}", kind(&body["schema"]))
        })
        .collect();
    if !bodies.is_empty() {
        let _ = writeln!(page, "\nBody: {}", bodies.join(", or "));
    }
    page.push_str("\n| status | | |\n|---|---|---|\n");
    let (shared, own): (Vec<_>, Vec<_>) =
        entries(&operation["responses"]).partition(|(_, answer)| answer["$ref"].is_string());
    for (status, answer) in own {
        let schema = answer.pointer("/content/application~1json/schema");
        let told = schema.map(kind).unwrap_or_default();
        let _ = writeln!(
            page,
            "| {status} | {} | {told} |",
            text(&answer["description"])
        );
    }
    let problems: Vec<String> = shared
        .into_iter()
        .map(|(status, answer)| format!("[{status}](#{})", name(answer).to_lowercase()))
        .collect();
    let _ = writeln!(page, "\nProblems: {}.\n", problems.join(", "));
    for (status, answer) in entries(&operation["responses"]) {
        if let Some(example) = answer.pointer("/content/application~1json/example") {
            let example = serde_json::to_string_pretty(example).expect("JSON is writable");
            let _ = writeln!(page, "{status}, for example:\n\n```json\n{example}\n```\n");
        }
    }
}

fn write_schema(page: &mut String, name: &str, schema: &Value) {
    if let Some(description) = schema["description"].as_str() {
        let _ = writeln!(page, "{description}\n");
    }
    if !schema["properties"].is_object() {
        let _ = writeln!(page, "{}\n", kind(schema));
        return;
    }
    page.push_str("| field | | |\n|---|---|---|\n");
    for (field_name, field) in entries(&schema["properties"]) {
        let is_required = list(&schema["required"]).any(|required| required == field_name);
        let optional = if is_required { "" } else { ", optional" };
        // The codes of problems have a page of their own.
        let kind = if (name, field_name) == ("Problem", "code") {
            "string".to_owned()
        } else {
            kind(field)
        };
        let _ = writeln!(
            page,
            "| `{field_name}` | {kind}{optional} | {} |",
            text(&field["description"])
        );
    }
    page.push('\n');
}

/// A schema's values, in a few words.
fn kind(schema: &Value) -> String {
    if schema["$ref"].is_string() {
        return format!("[{}](#{})", name(schema), name(schema).to_lowercase());
    }
    if schema["enum"].is_array() {
        return words(&schema["enum"], " \\| ");
    }
    let choices: Vec<String> = list(&schema["anyOf"])
        .chain(list(&schema["oneOf"]))
        .map(kind)
        .collect();
    if !choices.is_empty() {
        return choices.join(" or ");
    }
    if !schema["const"].is_null() {
        return format!("`{}`", schema["const"]);
    }
    let mut told = match &schema["type"] {
        Value::Array(types) => types.iter().map(text).collect::<Vec<_>>().join(" or "),
        one => text(one).to_owned(),
    };
    if schema["items"].is_object() {
        told = format!("{told} of {}", kind(&schema["items"]));
    }
    if let Some(format) = schema["format"].as_str() {
        let _ = write!(told, " ({format})");
    }
    for (name, what) in [
        ("minimum", "from "),
        ("maximum", "to "),
        ("maxLength", "of up to "),
        ("maxItems", "up to "),
        ("default", "default "),
    ] {
        match &schema[name] {
            Value::Null => {}
            Value::String(value) => {
                let _ = write!(told, ", {what}`{value}`");
            }
            value => {
                let unit = if name == "maxLength" {
                    " characters"
                } else {
                    ""
                };
                let _ = write!(told, ", {what}{value}{unit}");
            }
        }
    }
    told
}

fn words(values: &Value, between: &str) -> String {
    let words: Vec<String> = list(values)
        .map(|word| {
            word.as_str()
                .map_or_else(|| format!("`{word}`"), |word| format!("`{word}`"))
        })
        .collect();
    words.join(between)
}

/// The name that a reference leads to: of the whole schema, if it leads to a field of it.
fn name(value: &Value) -> &str {
    let reference = text(&value["$ref"]);
    let whole = reference.split("/properties/").next();
    whole
        .and_then(|whole| whole.rsplit('/').next())
        .unwrap_or_default()
}

fn resolve<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    let reference = value["$ref"]
        .as_str()
        .map(|text| text.trim_start_matches('#'));
    let target = reference.and_then(|pointer| document.pointer(pointer));
    target.unwrap_or(value)
}

fn entries(value: &Value) -> impl Iterator<Item = (&str, &Value)> {
    let map = value.as_object().into_iter().flatten();
    map.map(|(name, value)| (name.as_str(), value))
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
