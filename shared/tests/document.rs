//! The OpenAPI document, the catalogue of errors and the code say the same.

#![expect(clippy::unwrap_used, reason = "the whole file is a test")]

#[path = "document/render.rs"]
mod render;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use media_sync::http::catalogue::{self, CATALOGUE};
use media_sync::telemetry::metrics;
use serde_json::Value;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap()
}

fn document() -> Value {
    serde_json::from_str(&read("docs/reference/openapi.json")).unwrap()
}

/// `get /api/cloudinary/media`, and so on.
fn documented_routes() -> BTreeSet<String> {
    let document = document();
    let paths = document["paths"].as_object().unwrap();
    let routes = paths.iter().flat_map(|(path, methods)| {
        let methods = methods.as_object().unwrap().keys();
        methods.map(move |method| format!("{method} {path}"))
    });
    routes.collect()
}

/// Routes of the console: pages for people, which the document of the API leaves out.
const PAGES: [&str; 2] = ["get /console", "get /console/{proxy+}"];

/// The same of the template's events, without pages. Each has its method and its path on lines of their own, but for the
/// one that takes requests without a route.
fn deployed_routes() -> BTreeSet<String> {
    let template = read("template.yaml");
    let value = |event: &str, key: &str| -> Option<String> {
        let line = event.lines().find_map(|line| line.trim().strip_prefix(key));
        line.map(|value| value.trim().to_owned())
    };
    let events = template.split("Type: HttpApi\n").skip(1).map(|event| {
        // Up to the next event, or the next resource.
        let lines = event.lines().take(4);
        let event: String = lines.collect::<Vec<_>>().join("\n");
        match (value(&event, "Method:"), value(&event, "Path:")) {
            (Some(method), Some(path)) => format!("{} {path}", method.to_lowercase()),
            (None, None) => DEFAULT_ROUTE.to_owned(),
            _ => panic!("method or path is missing in {event}"),
        }
    });
    let mut routes: Vec<String> = events.collect();
    let default = routes.iter().position(|route| route == DEFAULT_ROUTE);
    routes.swap_remove(default.expect("something answers requests without a route"));
    assert!(
        !routes.iter().any(|route| route == DEFAULT_ROUTE),
        "one answers them"
    );
    routes
        .into_iter()
        .filter(|route| !PAGES.contains(&route.as_str()))
        .collect()
}

/// The route of requests without one.
const DEFAULT_ROUTE: &str = "$default";

#[test]
fn the_document_has_the_version_that_serves_it() {
    let version = &document()["info"]["version"];
    assert_eq!(version, env!("CARGO_PKG_VERSION"));
}

#[test]
fn every_route_is_documented_and_every_documented_route_is_deployed() {
    assert_eq!(documented_routes(), deployed_routes());
}

#[test]
fn every_function_is_deployed() {
    let names = fs::read_dir(root().join("functions"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let template = read("template.yaml");
    let deployed = template
        .lines()
        .filter_map(|line| line.trim().strip_prefix("CodeUri: target/lambda/"));
    let deployed: BTreeSet<String> = deployed.map(str::to_owned).collect();
    assert_eq!(names.collect::<BTreeSet<String>>(), deployed);
}

#[test]
fn every_code_is_documented_with_its_status() {
    let document = document();
    let codes = CATALOGUE.iter().map(|entry| Value::from(entry.code));
    assert_eq!(
        document["components"]["schemas"]["Problem"]["properties"]["code"]["enum"],
        codes.collect::<Value>()
    );
    // Which statuses the shared answers are used for.
    let mut statuses: BTreeMap<String, BTreeSet<u16>> = BTreeMap::new();
    let operations = document["paths"].as_object().unwrap().values();
    for operation in operations.flat_map(|methods| methods.as_object().unwrap().values()) {
        for (status, answer) in operation["responses"].as_object().unwrap() {
            if let Some(name) = answer["$ref"].as_str() {
                let name = name.rsplit('/').next().unwrap().to_owned();
                statuses
                    .entry(name)
                    .or_default()
                    .insert(status.parse().unwrap());
            }
        }
    }
    let mut documented = BTreeSet::new();
    for (name, answer) in document["components"]["responses"].as_object().unwrap() {
        let schema = &answer["content"]["application/problem+json"]["schema"];
        for code in schema["allOf"][1]["properties"]["code"]["enum"]
            .as_array()
            .unwrap()
        {
            let code = code.as_str().unwrap();
            let status = catalogue::find(code).unwrap().status;
            assert_eq!(statuses[name], BTreeSet::from([status]), "{name}: {code}");
            documented.insert(code.to_owned());
        }
    }
    let codes = CATALOGUE.iter().map(|entry| entry.code.to_owned());
    assert_eq!(documented, codes.collect());
}

/// Routes that need no token.
const PUBLIC: [&str; 3] = [
    "get /api/openapi.json",
    "get /api/cloudinary/health",
    "post /api/cloudinary/webhook",
];

#[test]
fn every_operation_needs_a_token_but_the_public_ones() {
    let document = document();
    assert_eq!(document["security"], serde_json::json!([{ "bearer": [] }]));
    for route in documented_routes() {
        let (method, path) = route.split_once(' ').unwrap();
        let operation = &document["paths"][path][method];
        if PUBLIC.contains(&route.as_str()) {
            assert_eq!(operation["security"], serde_json::json!([]), "{route}");
        } else {
            assert!(operation["security"].is_null(), "{route}");
            let refusal = &operation["responses"]["401"]["$ref"];
            assert_eq!(refusal, "#/components/responses/Unauthorized", "{route}");
        }
    }
}

/// The sources of the library and of the functions.
fn sources() -> Vec<(PathBuf, String)> {
    let mut folders = vec![root().join("shared/src"), root().join("functions")];
    let mut sources = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() && !path.ends_with("node_modules") {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                sources.push((path, text));
            }
        }
    }
    sources
}

/// The first text in quotes after each mention of a constructor.
fn first_literals<'a>(text: &'a str, constructor: &str) -> Vec<&'a str> {
    let calls = text.split(constructor).skip(1);
    calls
        .filter_map(|call| {
            let arguments = call.split([';', '}']).next()?;
            let (_, rest) = arguments.split_once('"')?;
            Some(rest.split_once('"')?.0)
        })
        // The bodies of the constructors themselves have sentences there.
        .filter(|literal| !literal.contains(' '))
        .collect()
}

/// The words of errors that name their code themselves.
fn named_codes(text: &str) -> Vec<&str> {
    let functions = text.split("fn code(").skip(1);
    functions
        .filter_map(|function| function.split("\n    }\n").next())
        .flat_map(|body| body.split('"').skip(1).step_by(2))
        .collect()
}

/// Sources of words that rows and runs use too. `http::problem` tests which of them become
/// problems.
const WORDS_OF_RUNS: [&str; 2] = ["cloudinary/error.rs", "sync/reconcile/error.rs"];

#[test]
fn no_code_is_given_out_that_the_catalogue_lacks_and_none_is_listed_for_nothing() {
    const CONSTRUCTORS: [&str; 4] = [
        "Problem::new(",
        "unauthorized(",
        "unavailable(",
        "too_many(",
    ];
    let mut given = BTreeSet::new();
    let mut everything = String::new();
    for (path, text) in sources() {
        if path.ends_with("http/catalogue.rs") {
            continue;
        }
        let mut constructors = CONSTRUCTORS.to_vec();
        if path.ends_with("http/problem/mod.rs") || path.ends_with("http/problem/of_errors.rs") {
            constructors.push("Self::new(");
        }
        let mut literals: Vec<&str> = constructors
            .iter()
            .flat_map(|name| first_literals(&text, name))
            .collect();
        if !WORDS_OF_RUNS.iter().any(|file| path.ends_with(file)) {
            literals.extend(named_codes(&text));
        }
        for literal in literals {
            let is_listed = catalogue::find(literal).is_some();
            assert!(is_listed, "{}: `{literal}` is not listed", path.display());
            given.insert(literal.to_owned());
        }
        everything.push_str(&text);
    }
    assert!(given.len() > 25, "the constructors are found: {given:?}");
    for entry in CATALOGUE {
        let literal = format!("\"{}\"", entry.code);
        assert!(
            everything.contains(&literal),
            "{literal} is never given out"
        );
    }
}

/// Compares a page with the code, or writes it when `UPDATE_DOCS` is set.
fn assert_page(path: &str, expected: &str) {
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(root().join(path), expected).unwrap();
    }
    assert!(
        read(path) == expected,
        "{path} is not what the code says: run `UPDATE_DOCS=1 cargo test -p media_sync --test document`"
    );
}

#[test]
fn the_page_of_errors_is_the_catalogue() {
    let page = read("docs/reference/errors.md");
    let (before, rest) = page.split_once("| status | code |").unwrap();
    let (_, after) = rest.split_once("\n\n").unwrap();
    let expected = format!("{before}{}\n{after}", catalogue::markdown());
    assert_page("docs/reference/errors.md", &expected);
}

#[test]
fn the_page_of_metrics_is_the_registry() {
    let page = read("docs/operate/metrics.md");
    let (before, rest) = page.split_once("| metric | unit |").unwrap();
    let (_, after) = rest.split_once("\n\n").unwrap();
    let expected = format!("{before}{}\n{after}", metrics::markdown());
    assert_page("docs/operate/metrics.md", &expected);
}

#[test]
fn the_page_of_the_api_is_the_document() {
    assert_page("docs/reference/api.md", &render::page(&document()));
}
