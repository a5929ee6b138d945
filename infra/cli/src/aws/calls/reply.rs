//! Answers of AWS's services, and their refusals (pure).

use reqwest::header::HeaderMap;
use serde_json::Value;

use crate::aws::error::refused;
use crate::failure::Failure;

/// The header in which Lambda tells the kind of an error.
const ERROR_TYPE: &str = "x-amzn-errortype";
/// The longest text of a service that is shown.
const SHOWN: usize = 200;

/// An answer of any status.
#[derive(Debug, Clone, Default)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

/// A refusal: the service's code for it and its words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refused {
    pub(crate) code: String,
    pub(crate) message: String,
    status: u16,
}

impl Reply {
    pub(crate) const fn is_success(&self) -> bool {
        matches!(self.status, 200..=299)
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body; null where it is no JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// The refusal that an answer of an unexpected status is. The services tell code and message in XML, in JSON or in
    /// a header, each by names of its own.
    pub(crate) fn refused(&self) -> Refused {
        let (text, object) = (self.text(), self.json());
        let told = |names: [&str; 3]| {
            let in_json = names.iter().find_map(|name| object.get(name)?.as_str());
            in_json
                .map(str::to_owned)
                .or_else(|| names.iter().find_map(|name| first_text(&text, name)))
        };
        let header = self.headers.get(ERROR_TYPE);
        let header = header.and_then(|value| value.to_str().ok());
        let code = told(["__type", "Code", "code"])
            .or_else(|| header.map(str::to_owned))
            .unwrap_or_else(|| self.code_of_status());
        let code = code.rsplit('#').next().unwrap_or_default();
        let code = code.split(':').next().unwrap_or_default().to_owned();
        let message = told(["message", "Message", "errorMessage"]).unwrap_or_default();
        Refused {
            code,
            message: message.chars().take(SHOWN).collect(),
            status: self.status,
        }
    }

    fn code_of_status(&self) -> String {
        match self.status {
            403 => "AccessDenied".to_owned(),
            500.. => "ServiceUnavailable".to_owned(),
            status => format!("status {status}"),
        }
    }
}

impl Refused {
    /// The failure of a command. A fault of the service's passes, with any code.
    pub(crate) fn failure(&self, doing: &str) -> Failure {
        let code = match self.status {
            500.. => "ServiceUnavailable",
            _ => self.code.as_str(),
        };
        refused(doing, code, &self.message)
    }
}

/// The text of the first element of this name.
pub(crate) fn first_text(xml: &str, name: &str) -> Option<String> {
    let document = roxmltree::Document::parse(xml).ok()?;
    let node = document
        .descendants()
        .find(|node| node.tag_name().name() == name)?;
    Some(node.text().unwrap_or_default().to_owned())
}

/// The texts of all elements of this name, in order.
pub(crate) fn all_texts(xml: &str, name: &str) -> Vec<String> {
    let Ok(document) = roxmltree::Document::parse(xml) else {
        return Vec::new();
    };
    let nodes = document
        .descendants()
        .filter(|node| node.tag_name().name() == name);
    nodes
        .map(|node| node.text().unwrap_or_default().to_owned())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exit::Exit;

    fn reply(status: u16, body: &str) -> Reply {
        Reply {
            status,
            body: body.as_bytes().to_vec(),
            ..Reply::default()
        }
    }

    #[test]
    fn refusals_are_read_from_xml_json_and_headers() {
        let mut by_header = reply(404, r#"{"Type":"User","Message":"Function not found"}"#);
        let kind = "ResourceNotFoundException:http://x/".parse().unwrap();
        by_header.headers.insert(ERROR_TYPE, kind);
        for (reply, code, message) in [
            (
                reply(
                    404,
                    r#"<ErrorResponse xmlns="http://x/"><Error><Code>NotFound</Code><Message>no &lt;topic&gt;</Message></Error></ErrorResponse>"#,
                ),
                "NotFound",
                "no <topic>",
            ),
            (
                reply(
                    400,
                    r#"{"__type":"com.amazonaws.logs#AccessDeniedException","message":"no"}"#,
                ),
                "AccessDeniedException",
                "no",
            ),
            (by_header, "ResourceNotFoundException", "Function not found"),
            (reply(503, "<html>"), "ServiceUnavailable", ""),
            (reply(403, ""), "AccessDenied", ""),
            (reply(301, ""), "status 301", ""),
        ] {
            let refused = reply.refused();
            assert_eq!(
                (refused.code.as_str(), refused.message.as_str()),
                (code, message)
            );
        }
        assert_eq!(all_texts("<a><b>1</b><c><b>2</b></c></a>", "b"), ["1", "2"]);
    }

    #[test]
    fn failures_tell_rights_from_what_passes() {
        let denied = "<Error><Code>AccessDenied</Code><Message>no</Message></Error>";
        let broken = "<Error><Code>InternalError</Code><Message>oh</Message></Error>";
        let unknown = r#"{"Type":"User","Message":"Function not found"}"#;
        for (status, body, exit, message) in [
            (403, denied, Exit::NotAllowed, "asking failed: no"),
            (403, "", Exit::NotAllowed, "asking failed: AccessDenied"),
            (500, broken, Exit::TryAgain, "asking failed: oh"),
            (503, "", Exit::TryAgain, "asking failed: ServiceUnavailable"),
            (
                404,
                unknown,
                Exit::Failed,
                "asking failed: Function not found",
            ),
        ] {
            let failure = reply(status, body).refused().failure("asking");
            assert_eq!((failure.exit, failure.message.as_str()), (exit, message));
        }
    }
}
