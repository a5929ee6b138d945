//! Judges the triggers, which say where notifications go (pure).

use serde_json::Value;

use super::super::finding::first_few;
use super::super::{Judgement, Skip, Verdict};
use super::{Evidence, accepted};

/// All events reach the webhook, in the form that it reads.
pub(super) fn trigger(evidence: &Evidence) -> Judgement {
    let webhook = evidence.webhook.as_ref().map_err(Skip::clone)?;
    let answer = accepted(&evidence.triggers)?;
    let triggers = answer.answer.body.get("triggers").and_then(Value::as_array);
    let triggers = triggers.ok_or_else(|| Skip::because("Cloudinary lists no triggers"))?;
    let (ours, others): (Vec<&Value>, Vec<&Value>) = triggers
        .iter()
        .partition(|trigger| same(text(trigger, "uri"), webhook));
    // Makes the trigger, or makes a wrong one anew.
    let mend = format!("mediasync webhooks ensure --url {webhook}");
    let Some(all) = ours
        .iter()
        .find(|trigger| text(trigger, "event_type") == "all")
    else {
        return Ok(Verdict::failure(absent(webhook, &ours, &others), mend));
    };
    if all
        .get("payload_template")
        .is_some_and(|template| !template.is_null())
    {
        return Ok(Verdict::failure(
            "the trigger has a payload template, which replaces the notification's body",
            mend,
        ));
    }
    if text(all, "auth_scheme") == "eddsa_v2" {
        return Ok(Verdict::failure(
            "the trigger signs by eddsa_v2, which the webhook cannot verify",
            mend,
        ));
    }
    Ok(Verdict::ok(format!("all events are sent to {webhook}")))
}

fn absent(webhook: &str, ours: &[&Value], others: &[&Value]) -> String {
    if !ours.is_empty() {
        let events: Vec<&str> = ours
            .iter()
            .map(|trigger| text(trigger, "event_type"))
            .collect();
        return format!(
            "only these events are sent to {webhook}: {}",
            first_few(&events)
        );
    }
    if others.is_empty() {
        return "there is no trigger".to_owned();
    }
    let elsewhere: Vec<&str> = others.iter().map(|trigger| text(trigger, "uri")).collect();
    format!(
        "no trigger leads to {webhook}; elsewhere lead: {}",
        first_few(&elsewhere)
    )
}

fn text<'a>(trigger: &'a Value, name: &str) -> &'a str {
    trigger
        .get(name)
        .and_then(Value::as_str)
        .unwrap_or_default()
}

/// A slash at the end makes no other address.
fn same(uri: &str, webhook: &str) -> bool {
    uri.trim_end_matches('/') == webhook.trim_end_matches('/')
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::super::Grade;
    use super::super::super::http::Answer;
    use super::super::Call;
    use super::*;

    fn judge(triggers: Value) -> Verdict {
        let call = Call {
            answer: Answer {
                status: 200,
                body: json!({"triggers": triggers}),
            },
            between: (0, 0),
            date: None,
            quota: None,
        };
        let evidence = Evidence {
            webhook: Ok("https://w.example/webhook".to_owned()),
            triggers: Ok(call),
            ..Evidence::without(&Skip::needs("x"))
        };
        trigger(&evidence).unwrap()
    }

    #[test]
    fn one_trigger_sends_everything_in_the_plain_form() {
        let uri = "https://w.example/webhook/";
        let ours = |event: &str| json!({"uri": uri, "event_type": event});
        let other = json!({"uri": "https://old.example/webhook", "event_type": "all"});
        for (triggers, grade, words) in [
            (json!([ours("all"), other]), Grade::Ok, "all events"),
            (json!([]), Grade::Failure, "there is no trigger"),
            (
                json!([other]),
                Grade::Failure,
                "elsewhere lead: https://old.example",
            ),
            (
                json!([ours("upload"), ours("delete")]),
                Grade::Failure,
                "upload; delete",
            ),
            (
                json!([{"uri": uri, "event_type": "all", "payload_template": "{}"}]),
                Grade::Failure,
                "payload template",
            ),
            (
                json!([{"uri": uri, "event_type": "all", "auth_scheme": "eddsa_v2"}]),
                Grade::Failure,
                "eddsa_v2",
            ),
            (
                json!([{"uri": uri, "event_type": "all", "auth_scheme": "default", "payload_template": null}]),
                Grade::Ok,
                "",
            ),
        ] {
            let verdict = judge(triggers);
            assert_eq!(verdict.grade, grade, "{verdict:?}");
            assert!(verdict.seen.contains(words), "{verdict:?}");
        }
    }
}
