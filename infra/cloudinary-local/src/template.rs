//! The payload template of a trigger, which replaces the whole body of its notifications (pure).
//!
//! Cloudinary takes Mustache that renders JSON. Here variables are filled in (`{{a}}`, `{{a.b}}`, `{{{a}}}`);
//! sections, partials and comments are left out like variables that the event does not have.

use serde_json::Value;

/// Cloudinary takes no longer ones.
pub(crate) const LONGEST: usize = 16 * 1024;

/// Fills the template with the members of an event. A text is filled in without its quotes, as JSON escapes it.
pub(crate) fn render(template: &str, event: &Value) -> String {
    let mut rendered = String::with_capacity(template.len());
    let mut rest = template;
    while let Some((before, from)) = rest.split_once("{{") {
        let Some((name, after)) = from.split_once("}}") else {
            break;
        };
        rendered.push_str(before);
        rendered.push_str(&text_of(event, name.trim_matches(['{', '&', ' '])));
        let is_triple = name.starts_with('{');
        rest = after
            .strip_prefix('}')
            .filter(|_| is_triple)
            .unwrap_or(after);
    }
    rendered.push_str(rest);
    rendered
}

fn text_of(event: &Value, path: &str) -> String {
    let found = path
        .split('.')
        .try_fold(event, |value, name| value.get(name));
    let Some(value) = found else {
        return String::new();
    };
    let text = value.to_string();
    match value {
        Value::String(_) => text[1..text.len() - 1].to_owned(),
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn variables_are_filled_in_as_json_writes_them() {
        let event = json!({
            "notification_type": "upload", "public_id": "a \"b\"", "version": 7,
            "notification_context": {"triggered_by": {"source": "api"}},
        });
        for (template, rendered) in [
            ("{}", "{}"),
            (
                r#"{"kind": "{{notification_type}}"}"#,
                r#"{"kind": "upload"}"#,
            ),
            (r#"{"name": "{{ public_id }}"}"#, r#"{"name": "a \"b\""}"#),
            (r#"{"name": "{{{public_id}}}"}"#, r#"{"name": "a \"b\""}"#),
            (r#"{"v": {{version}}}"#, r#"{"v": 7}"#),
            (
                r#""{{notification_context.triggered_by.source}}""#,
                r#""api""#,
            ),
            (r#""{{nothing}}{{version.x}}""#, r#""""#),
            (r#"{"open": "{{""#, r#"{"open": "{{""#),
        ] {
            assert_eq!(render(template, &event), rendered, "{template}");
        }
    }
}
