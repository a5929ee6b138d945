//! Ids that follow one change from its request to its write (pure).

use std::fmt;

use http::HeaderMap;

/// As many characters as an id from outside may have.
const LONGEST: usize = 64;

/// An id that log lines of several functions share.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct CorrelationId(String);

impl CorrelationId {
    /// Takes an id of letters, digits and `-_.:`, up to 64 of them. Nothing else gets into a log line.
    pub fn parse(text: &str) -> Option<Self> {
        let is_safe = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte);
        let fits = (1..=LONGEST).contains(&text.len()) && text.bytes().all(is_safe);
        fits.then(|| Self(text.to_owned()))
    }

    /// Reads `x-correlation-id`, else the trace id of `traceparent`. An unusable header counts as absent.
    pub fn of_headers(headers: &HeaderMap) -> Option<Self> {
        let header = |name| headers.get(name).and_then(|value| value.to_str().ok());
        let own = header("x-correlation-id").and_then(Self::parse);
        own.or_else(|| Self::of_trace(header("traceparent")?))
    }

    /// Reads the trace id of a W3C `traceparent`: `00-<32 hex digits>-<16 hex digits>-<2 hex digits>`.
    fn of_trace(traceparent: &str) -> Option<Self> {
        let trace = traceparent.split('-').nth(1)?;
        let is_trace = trace.len() == 32
            && trace.bytes().all(|byte| byte.is_ascii_hexdigit())
            && trace.bytes().any(|byte| byte != b'0');
        is_trace.then(|| Self(trace.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for CorrelationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(headers: &[(&'static str, &str)]) -> Option<String> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.insert(*name, value.parse().unwrap());
        }
        CorrelationId::of_headers(&map).map(|id| id.to_string())
    }

    #[test]
    fn only_short_and_harmless_ids_are_taken() {
        for good in ["a", "order-17.b_c:9", &"x".repeat(64)] {
            assert_eq!(CorrelationId::parse(good).unwrap().as_str(), good);
        }
        for bad in ["", "a b", "a\"b", "ü", "a\n", "{}", &"x".repeat(65)] {
            assert_eq!(CorrelationId::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_request_is_known_by_its_own_id_or_its_trace() {
        let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let id = Some("4bf92f3577b34da6a3ce929d0e0e4736".to_owned());
        assert_eq!(of(&[("traceparent", trace)]), id);
        assert_eq!(
            of(&[("x-correlation-id", "a b"), ("traceparent", trace)]),
            id
        );
        let own = of(&[("x-correlation-id", "mine"), ("traceparent", trace)]);
        assert_eq!(own.as_deref(), Some("mine"));
        for bad in [
            "",
            "00",
            "00-0-0-0",
            &trace.replace(char::is_alphanumeric, "0"),
        ] {
            assert_eq!(of(&[("traceparent", bad)]), None, "{bad}");
        }
    }
}
