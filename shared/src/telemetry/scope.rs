//! Facts about the current invocation that every log line and every metric of it carries.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use lambda_http::Context;
use serde_json::{Map, Value};

use super::correlation::CorrelationId;

tokio::task_local! {
    static CURRENT: Arc<Scope>;
}

/// One invocation, or the part of it that belongs to one message.
#[derive(Debug, Clone, Default)]
pub(super) struct Scope {
    request_id: String,
    xray_trace_id: Option<String>,
    cold_start: bool,
    correlation_id: Option<CorrelationId>,
    user_id: OnceLock<String>,
    /// The ids of the messages in hand, by their bodies.
    carried: Arc<HashMap<String, CorrelationId>>,
}

/// Does the work for messages with these ids, by body. Where all have the same one it is the work's
/// too; and a message that is sent again keeps its own.
pub async fn with_messages<T>(
    carried: HashMap<String, CorrelationId>,
    work: impl Future<Output = T>,
) -> T {
    let mut scope = current();
    let mut ids = carried.values();
    let first = ids.next();
    if first.is_some() && ids.all(|id| Some(id) == first) {
        scope.correlation_id = first.cloned();
    }
    scope.carried = Arc::new(carried);
    CURRENT.scope(Arc::new(scope), work).await
}

/// Logs in the name of one message.
pub fn with_correlation<T>(id: Option<&CorrelationId>, log: impl FnOnce() -> T) -> T {
    let mut scope = current();
    if let Some(id) = id {
        scope.correlation_id = Some(id.clone());
    }
    CURRENT.sync_scope(Arc::new(scope), log)
}

/// The id that a message with this body is to carry on.
pub fn correlation_of(body: &str) -> Option<CorrelationId> {
    let scope = current();
    let own = scope.carried.get(body).cloned();
    own.or(scope.correlation_id)
}

/// Notes the user in whose name the rest of the invocation acts.
pub fn note_user(id: &impl ToString) {
    let _ = CURRENT.try_with(|scope| scope.user_id.set(id.to_string()));
}

/// The fields for a line, in the words that AWS Powertools uses.
pub(super) fn fields() -> Map<String, Value> {
    CURRENT.try_with(|scope| scope.fields()).unwrap_or_default()
}

fn current() -> Scope {
    CURRENT
        .try_with(|scope| (**scope).clone())
        .unwrap_or_default()
}

impl Scope {
    /// The scope of one invocation.
    pub(super) fn of_request(
        context: Option<&Context>,
        correlation_id: Option<CorrelationId>,
        cold_start: bool,
    ) -> Self {
        let request_id = context.map_or("", |context| &context.request_id);
        Self {
            request_id: request_id.to_owned(),
            xray_trace_id: context.and_then(|context| context.xray_trace_id.clone()),
            cold_start,
            correlation_id: correlation_id.or_else(|| CorrelationId::parse(request_id)),
            ..Self::default()
        }
    }

    /// Does the work in this scope.
    pub(super) async fn around<T>(self, work: impl Future<Output = T>) -> T {
        CURRENT.scope(Arc::new(self), work).await
    }

    fn fields(&self) -> Map<String, Value> {
        let mut fields = Map::new();
        fields.insert("cold_start".to_owned(), self.cold_start.into());
        let texts = [
            ("function_request_id", Some(self.request_id.as_str())),
            ("xray_trace_id", self.xray_trace_id.as_deref()),
            (
                "correlation_id",
                self.correlation_id.as_ref().map(CorrelationId::as_str),
            ),
            ("user_id", self.user_id.get().map(String::as_str)),
        ];
        for (name, text) in texts {
            if let Some(text) = text.filter(|text| !text.is_empty()) {
                fields.insert(name.to_owned(), text.into());
            }
        }
        fields
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(text: &str) -> CorrelationId {
        CorrelationId::parse(text).unwrap()
    }

    async fn of_request<T>(work: impl Future<Output = T>) -> T {
        let mut context = Context::default();
        context.request_id = "r-1".to_owned();
        context.xray_trace_id = Some("Root=1".to_owned());
        Scope::of_request(Some(&context), None, true)
            .around(work)
            .await
    }

    #[tokio::test]
    async fn lines_of_an_invocation_tell_request_trace_and_user() {
        let (before, after) = of_request(async {
            let before = fields();
            note_user(&"u-1");
            (before, fields())
        })
        .await;
        assert_eq!(before["function_request_id"], "r-1");
        assert_eq!(before["correlation_id"], "r-1");
        assert_eq!(before["xray_trace_id"], "Root=1");
        assert_eq!(before.get("user_id"), None);
        assert_eq!(after["user_id"], "u-1");
        assert!(fields().is_empty(), "outside there is no invocation");
    }

    #[tokio::test]
    async fn a_message_that_is_sent_again_keeps_its_correlation() {
        let carried = HashMap::from([("a".to_owned(), id("of-a")), ("b".to_owned(), id("of-b"))]);
        let sent = of_request(with_messages(carried, async {
            ["a", "b", "c"].map(|body| correlation_of(body).unwrap().to_string())
        }));
        assert_eq!(sent.await, ["of-a", "of-b", "r-1"]);
    }

    #[tokio::test]
    async fn messages_of_one_correlation_give_it_to_the_whole_work() {
        let carried = HashMap::from([("a".to_owned(), id("one")), ("b".to_owned(), id("one"))]);
        let told = of_request(with_messages(carried, async { fields() })).await;
        assert_eq!(told["correlation_id"], "one");
        let told = of_request(async { with_correlation(Some(&id("two")), fields) }).await;
        assert_eq!(told["correlation_id"], "two");
        assert_eq!(told["function_request_id"], "r-1");
    }
}
