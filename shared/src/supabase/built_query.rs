//! Requests of the query builder's HTTP stack as requests of ours.

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method};
use postgrest::Builder;
use url::Url;

use super::SupabaseError;

/// Finishes a query.
pub(super) fn build(doing: &str, query: Builder) -> Result<reqwest::Request, SupabaseError> {
    translate(query).map_err(|reason| SupabaseError::Unbuildable {
        doing: doing.to_owned(),
        reason,
    })
}

/// The builder's finished request (`http` 0.2) as one of the current `http`.
fn translate(query: Builder) -> Result<reqwest::Request, String> {
    let old = query.build().build().map_err(|error| error.to_string())?;
    let method =
        Method::from_bytes(old.method().as_str().as_bytes()).map_err(|error| error.to_string())?;
    let mut request = reqwest::Request::new(method, old.url().clone());
    for (name, value) in old.headers() {
        let name =
            HeaderName::from_bytes(name.as_str().as_bytes()).map_err(|error| error.to_string())?;
        let value = HeaderValue::from_bytes(value.as_bytes()).map_err(|error| error.to_string())?;
        request.headers_mut().append(name, value);
    }
    if let Some(body) = old.body() {
        let bytes = body.as_bytes().ok_or("the body is a stream")?;
        if !bytes.is_empty() {
            *request.body_mut() = Some(Bytes::copy_from_slice(bytes).into());
        }
    }
    Ok(request)
}

/// The table or function of an address.
pub(super) fn last_segment(url: &Url) -> &str {
    url.path_segments()
        .and_then(|mut segments| segments.next_back())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use postgrest::Postgrest;

    use super::*;

    #[test]
    fn built_queries_keep_method_address_headers_and_body() {
        let postgrest = Postgrest::new("http://h/rest/v1");
        let get = translate(
            postgrest
                .from("t")
                .select("a,b")
                .eq("n", "x y&z")
                .exact_count(),
        )
        .unwrap();
        assert_eq!(get.method(), Method::GET);
        assert_eq!(
            get.url().as_str(),
            "http://h/rest/v1/t?select=a%2Cb&n=eq.x+y%26z"
        );
        assert_eq!(get.headers()["prefer"], "count=exact");
        assert!(get.body().is_none());
        let post = translate(postgrest.rpc("f", r#"{"a":1}"#)).unwrap();
        assert_eq!(post.method(), Method::POST);
        assert_eq!(post.url().path(), "/rest/v1/rpc/f");
        assert_eq!(post.headers()["content-type"], "application/json");
        assert_eq!(post.body().unwrap().as_bytes(), Some(&br#"{"a":1}"#[..]));
    }
}
