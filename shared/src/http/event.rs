//! Events of API Gateway, made fit for a request (pure).
//!
//! A sender writes what it likes into a query string or a header. `lambda_http` builds the request's address of them, and
//! panics where they make none.

use http::HeaderMap;
use http::header::HOST;
use lambda_http::request::LambdaRequest;
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use url::Url;

use super::query::MAX_QUERY;

/// Characters that no query of an address may hold as they are. The percent sign is left: it escapes already.
const ESCAPED: AsciiSet = CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'<')
    .add(b'>')
    .add(b'\\')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

const FORWARDED_PROTO: &str = "x-forwarded-proto";

/// Escapes the query, and drops headers that make no address.
pub fn mend_event(event: &mut LambdaRequest) {
    if let LambdaRequest::ApiGatewayV2(event) = event {
        event.raw_query_string = event.raw_query_string.as_deref().map(mended_query);
        if !makes_address(&event.headers) {
            event.headers.remove(HOST);
            event.headers.remove(FORWARDED_PROTO);
        }
    }
}

/// The query with everything escaped that has to be. One that is too long stays so, and is refused for it; an address
/// cannot be longer than 64 KB.
fn mended_query(query: &str) -> String {
    let escaped = utf8_percent_encode(query, &ESCAPED);
    let pieces = escaped.scan(0, |length, piece: &str| {
        let fits = *length <= MAX_QUERY;
        *length += piece.len();
        fits.then_some(piece)
    });
    let mut query: String = pieces.collect();
    query.truncate(2 * MAX_QUERY);
    query
}

fn makes_address(headers: &HeaderMap) -> bool {
    let text = |name: &str, default| match headers.get(name) {
        None => Some(default),
        Some(value) => value.to_str().ok(),
    };
    let scheme = text(FORWARDED_PROTO, "https");
    let host = text(HOST.as_str(), "localhost");
    scheme.zip(host).is_some_and(|(scheme, host)| {
        let address = Url::parse(&format!("{scheme}://{host}/"));
        address.is_ok_and(|address| address.as_str().parse::<http::Uri>().is_ok())
    })
}

#[cfg(test)]
mod tests {
    use lambda_http::Request;
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn request(query: &str, headers: &serde_json::Value) -> Request {
        let event = json!({
            "version": "2.0", "routeKey": "GET /x", "rawPath": "/x", "rawQueryString": query, "headers": headers,
            "requestContext": {
                "stage": "$default", "time": "", "timeEpoch": 0, "domainName": "api.example.com",
                "http": {"method": "GET", "path": "/x", "protocol": "HTTP/1.1", "sourceIp": "", "userAgent": ""},
            },
            "isBase64Encoded": false,
        });
        let mut event = serde_json::from_value(event).unwrap();
        mend_event(&mut event);
        event.into()
    }

    #[test]
    fn a_query_keeps_its_meaning() {
        for (sent, read) in [
            ("search=\"mug\"", "search=%22mug%22"),
            ("search=a b", "search=a%20b"),
            ("search=a%20b&tags=%C3%A9", "search=a%20b&tags=%C3%A9"),
            ("search=\u{e9}#<>", "search=%C3%A9%23%3C%3E"),
            ("limit=3", "limit=3"),
        ] {
            assert_eq!(
                request(sent, &json!({})).uri().query(),
                Some(read),
                "{sent}"
            );
        }
    }

    #[test]
    fn headers_that_make_no_address_are_dropped() {
        for headers in [
            json!({"host": "a b"}),
            json!({"host": ""}),
            json!({"host": "a", "x-forwarded-proto": ""}),
            json!({"host": "a", "x-forwarded-proto": "1"}),
        ] {
            let request = request("", &headers);
            assert_eq!(request.uri().host(), Some("api.example.com"), "{headers}");
        }
        let kept = request(
            "",
            &json!({"host": "b.example.com", "x-forwarded-proto": "http"}),
        );
        assert_eq!(kept.uri().to_string(), "http://b.example.com/x");
    }

    #[test]
    fn a_query_that_is_too_long_is_still_too_long() {
        for piece in ["x", "\"", "\u{e9}"] {
            let long = request(&piece.repeat(200_000), &json!({}));
            assert!(long.uri().query().unwrap().len() > MAX_QUERY, "{piece}");
        }
    }

    proptest! {
        #[test]
        fn no_event_panics(query in any::<String>(), host in "\\PC{0,40}", scheme in "\\PC{0,10}") {
            let ascii = |text: String| text.chars().filter(char::is_ascii).collect::<String>();
            let headers = json!({"host": ascii(host), "x-forwarded-proto": ascii(scheme)});
            let _ = request(&query, &headers);
        }
    }
}
