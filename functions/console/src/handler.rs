//! `GET /console` and everything below it.

use lambda_http::http::{HeaderValue, Method, Response, StatusCode, header};
use lambda_http::{Body, Request};
use media_sync::config::ConsoleConfig;
use media_sync::http::{Problem, respond};
use media_sync::rotation::LiveValue;
use serde_json::json;

use crate::files::{self, EmbeddedFile, FILES};
use crate::headers::{content_security_policy, guard};

/// The page of a program that was built without it.
const NOT_BUILT: &str = "<!doctype html><html lang=\"en\"><title>media-sync</title>\
    <p>This build holds no console. Run <code>make console</code>, then build the functions again.</p></html>\n";

#[derive(Debug)]
pub(crate) struct Console {
    config: LiveValue<ConsoleConfig>,
    files: &'static [EmbeddedFile],
}

impl Console {
    pub(crate) fn new(config: LiveValue<ConsoleConfig>) -> Self {
        Self {
            config,
            files: FILES,
        }
    }

    pub(crate) async fn handle(&self, request: Request) -> Response<Body> {
        let mut response = respond(request, async |request| self.answer(request)).await;
        guard(
            &mut response,
            &content_security_policy(&self.config.latest()),
        );
        response
    }

    fn answer(&self, request: &Request) -> Result<Response<Body>, Problem> {
        if request.method() != Method::GET {
            return Err(Problem::method_not_allowed("GET"));
        }
        let path = request.uri().path();
        let path = path.strip_prefix("/console").unwrap_or(path);
        match path.trim_start_matches('/') {
            "config.json" => Ok(self.publishable()),
            _ if self.files.is_empty() => Ok(not_built()),
            name => match files::find(self.files, name) {
                Some(file) => Ok(serve(file, request)),
                None => Err(Problem::not_found("no such file of the console")),
            },
        }
    }

    /// The values that a page needs before anybody has signed in. None of them is secret.
    fn publishable(&self) -> Response<Body> {
        let config = self.config.latest();
        let values = json!({
            "supabase_url": config.supabase_url,
            "publishable_key": config.publishable_key,
            "cloud_name": config.cloud_name,
        });
        let mut response = Response::new(Body::Text(values.to_string()));
        set(&mut response, header::CONTENT_TYPE, "application/json");
        set(&mut response, header::CACHE_CONTROL, "no-store");
        response
    }
}

fn serve(file: &EmbeddedFile, request: &Request) -> Response<Body> {
    let asked = |name| {
        request
            .headers()
            .get(name)
            .and_then(|value| value.to_str().ok())
    };
    let tag = format!("\"{}\"", file.hash);
    let is_known = asked(header::IF_NONE_MATCH).is_some_and(|known| known.contains(&tag));
    let (encoding, bytes) = file.encoded(asked(header::ACCEPT_ENCODING).unwrap_or_default());
    let mut response = match is_known {
        true => Response::new(Body::Empty),
        false => Response::new(Body::Binary(bytes.to_vec())),
    };
    if is_known {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
    } else if let Some(encoding) = encoding {
        set(&mut response, header::CONTENT_ENCODING, encoding.as_str());
    }
    let keep = match file.is_immutable() {
        true => "public, max-age=31536000, immutable",
        false => "no-cache",
    };
    set(&mut response, header::CONTENT_TYPE, file.content_type());
    set(&mut response, header::CACHE_CONTROL, keep);
    set(&mut response, header::VARY, "accept-encoding");
    set(&mut response, header::ETAG, &tag);
    response
}

fn not_built() -> Response<Body> {
    let mut response = Response::new(Body::Text(NOT_BUILT.to_owned()));
    *response.status_mut() = StatusCode::NOT_FOUND;
    set(
        &mut response,
        header::CONTENT_TYPE,
        "text/html; charset=utf-8",
    );
    set(&mut response, header::CACHE_CONTROL, "no-store");
    response
}

fn set(response: &mut Response<Body>, name: header::HeaderName, value: &str) {
    let value = HeaderValue::from_str(value).expect("plain text");
    response.headers_mut().insert(name, value);
}

#[cfg(test)]
#[path = "handler_tests.rs"]
mod tests;
