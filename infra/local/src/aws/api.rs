//! AWS's wire protocols as far as the stack speaks them. The emulator checks no signatures; the credential's
//! scope tells it which service is meant.

use bytes::Bytes;
use http::Request;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use serde_json::Value;

use crate::StackError;
use crate::http_client::{Answer, HttpClient};

pub(crate) const REGION: &str = "us-east-1";
pub(crate) const ACCESS_KEY: &str = "test";
pub(crate) const SECRET_KEY: &str = "test";

#[derive(Debug, Clone)]
pub(super) struct Api {
    client: HttpClient,
    endpoint: String,
}

impl Api {
    pub(super) fn new(port: u16) -> Self {
        Self {
            client: HttpClient::new(),
            endpoint: format!("http://127.0.0.1:{port}"),
        }
    }

    pub(super) fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// The JSON protocol: one path, the operation in a header.
    pub(super) async fn json(
        &self,
        service: &str,
        target: &str,
        request: &Value,
    ) -> Result<Value, StackError> {
        let request = self
            .request(service, "POST", "/")
            .header("X-Amz-Target", target)
            .header(CONTENT_TYPE, "application/x-amz-json-1.0")
            .body(Bytes::from(request.to_string()));
        let answer = self
            .client
            .send(request.expect("a request of constant parts"))
            .await?;
        parse(target, &answer.body)
    }

    /// The REST protocol with JSON bodies.
    pub(super) async fn rest(
        &self,
        service: &str,
        method: &str,
        path: &str,
        body: &Value,
    ) -> Result<Answer, StackError> {
        let body = if body.is_null() {
            Bytes::new()
        } else {
            Bytes::from(body.to_string())
        };
        let request = self
            .request(service, method, path)
            .header(CONTENT_TYPE, "application/json")
            .body(body);
        let request = request.map_err(|error| invalid(path, &error))?;
        self.client.send(request).await
    }

    pub(super) async fn create_bucket(&self, bucket: &str) -> Result<(), StackError> {
        let path = format!("/{bucket}");
        self.rest("s3", "PUT", &path, &Value::Null)
            .await
            .map(|_| ())
    }

    pub(super) async fn put_object(
        &self,
        bucket: &str,
        key: &str,
        bytes: Bytes,
    ) -> Result<(), StackError> {
        let path = format!("/{bucket}/{key}");
        let request = self.request("s3", "PUT", &path).body(bytes);
        let request = request.map_err(|error| invalid(&path, &error))?;
        self.client.send(request).await.map(|_| ())
    }

    pub(super) async fn get_object(&self, bucket: &str, key: &str) -> Result<Bytes, StackError> {
        let path = format!("/{bucket}/{key}");
        let answer = self.rest("s3", "GET", &path, &Value::Null).await?;
        Ok(answer.body)
    }

    /// The keys of a bucket with no more than a thousand objects.
    pub(super) async fn list_objects(&self, bucket: &str) -> Result<Vec<String>, StackError> {
        let path = format!("/{bucket}?list-type=2");
        let answer = self.rest("s3", "GET", &path, &Value::Null).await?;
        texts(&String::from_utf8_lossy(&answer.body), "Key")
    }

    /// The query protocol: a form in, XML out.
    pub(super) async fn query(
        &self,
        service: &str,
        form: &[(&str, &str)],
    ) -> Result<String, StackError> {
        let body = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(form)
            .finish();
        let request = self
            .request(service, "POST", "/")
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Bytes::from(body));
        let answer = self
            .client
            .send(request.expect("a request of constant parts"))
            .await?;
        Ok(String::from_utf8_lossy(&answer.body).into_owned())
    }

    fn request(&self, service: &str, method: &str, path: &str) -> http::request::Builder {
        let scope = format!("Credential={ACCESS_KEY}/20260101/{REGION}/{service}/aws4_request");
        Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.endpoint))
            .header(
                AUTHORIZATION,
                format!("AWS4-HMAC-SHA256 {scope}, SignedHeaders=host, Signature=unchecked"),
            )
    }
}

pub(super) fn parse(request: &str, body: &[u8]) -> Result<Value, StackError> {
    serde_json::from_slice(body).map_err(|error| invalid(request, &error))
}

/// The text of every `tag` below every `record` of an XML answer, in order.
pub(super) fn records(
    xml: &str,
    record: &str,
    tags: [&str; 2],
) -> Result<Vec<[String; 2]>, StackError> {
    let document = roxmltree::Document::parse(xml).map_err(|error| invalid(record, &error))?;
    let text = |node: roxmltree::Node<'_, '_>, tag: &str| {
        let child = node
            .children()
            .find(|child| child.tag_name().name() == tag)?;
        Some(child.text().unwrap_or_default().to_owned())
    };
    let members = document.descendants().filter(|node| {
        node.tag_name().name() == "member"
            && node
                .parent_element()
                .is_some_and(|parent| parent.tag_name().name() == record)
    });
    Ok(members
        .filter_map(|member| Some([text(member, tags[0])?, text(member, tags[1])?]))
        .collect())
}

/// The text of the first `tag`.
pub(super) fn first(xml: &str, tag: &str) -> Result<String, StackError> {
    Ok(texts(xml, tag)?.into_iter().next().unwrap_or_default())
}

/// The text of every `tag`, in order.
fn texts(xml: &str, tag: &str) -> Result<Vec<String>, StackError> {
    let document = roxmltree::Document::parse(xml).map_err(|error| invalid(tag, &error))?;
    let nodes = document
        .descendants()
        .filter(|node| node.tag_name().name() == tag);
    Ok(nodes
        .map(|node| node.text().unwrap_or_default().to_owned())
        .collect())
}

fn invalid(request: &str, problem: &dyn std::fmt::Display) -> StackError {
    StackError::Http {
        request: request.to_owned(),
        problem: problem.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_read_from_xml_with_namespace() {
        let xml = r#"<R xmlns="http://x/"><Outputs><member><OutputKey>A</OutputKey><OutputValue>1 &amp; 2</OutputValue></member>
            <member><OutputKey>B</OutputKey><OutputValue></OutputValue></member></Outputs></R>"#;
        let outputs = records(xml, "Outputs", ["OutputKey", "OutputValue"]).unwrap();
        assert_eq!(
            outputs,
            [
                ["A".to_owned(), "1 & 2".to_owned()],
                ["B".to_owned(), String::new()]
            ]
        );
    }
}
