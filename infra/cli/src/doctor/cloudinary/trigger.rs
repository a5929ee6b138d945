//! Judges the triggers, which say where notifications go (pure).

use media_sync::cloudinary::triggers::Trigger;
use serde::Deserialize as _;
use url::Url;

use super::super::verdict::first_few;
use super::super::{CheckJudgement, CheckVerdict, SkipReason};
use super::{CloudinaryEvidence, accepted};
use crate::triggers::{self, TriggerFault, TriggerOwner, shown};

/// All events reach the webhook, in the form that it reads: the same rules by which `webhooks ensure` repairs.
pub(super) fn trigger(evidence: &CloudinaryEvidence) -> CheckJudgement {
    let address = evidence.webhook.as_ref().map_err(SkipReason::clone)?;
    let webhook = Url::parse(address)
        .map_err(|_| SkipReason::because("the webhook's address is no http(s) address"))?;
    let body = &accepted(&evidence.triggers)?.answer.body;
    let triggers = Vec::<Trigger>::deserialize(&body["triggers"])
        .map_err(|_| SkipReason::because("Cloudinary's list of triggers cannot be read"))?;
    let (ours, others): (Vec<&Trigger>, Vec<&Trigger>) = triggers
        .iter()
        .partition(|one| triggers::owner(one, &webhook) == TriggerOwner::Ours);
    let mend = format!("mediasync webhooks ensure --url {address}");
    let best = ours
        .iter()
        .map(|one| triggers::faults(one))
        .min_by_key(Vec::len);
    Ok(match best.as_deref() {
        None => CheckVerdict::failure(elsewhere(address, &others), mend),
        Some([]) => CheckVerdict::ok(format!("all events are sent to {address}")),
        Some([TriggerFault::NotAdditive]) => {
            CheckVerdict::warning(wrong(&[TriggerFault::NotAdditive]), mend)
        }
        Some([TriggerFault::NotAllEvents, ..]) => {
            CheckVerdict::failure(some_events(address, &ours), mend)
        }
        Some(faults) => CheckVerdict::failure(wrong(faults), mend),
    })
}

fn wrong(faults: &[TriggerFault]) -> String {
    let texts: Vec<&str> = faults.iter().map(|fault| fault.text()).collect();
    format!("the trigger is wrong: {}", first_few(&texts))
}

fn some_events(webhook: &str, ours: &[&Trigger]) -> String {
    let events: Vec<&str> = ours.iter().map(|one| one.event_type.as_str()).collect();
    format!(
        "only these events are sent to {webhook}: {}",
        first_few(&events)
    )
}

fn elsewhere(webhook: &str, others: &[&Trigger]) -> String {
    if others.is_empty() {
        return "there is no trigger".to_owned();
    }
    let addresses: Vec<String> = others.iter().map(|one| shown(&one.uri)).collect();
    format!(
        "no trigger leads to {webhook}; elsewhere lead: {}",
        first_few(&addresses)
    )
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::super::FindingGrade;
    use super::super::super::http::ProbeAnswer;
    use super::super::AdminAnswer;
    use super::*;

    fn judge(triggers: Value) -> CheckVerdict {
        let call = AdminAnswer {
            answer: ProbeAnswer {
                status: 200,
                body: json!({"triggers": triggers}),
            },
            between: (0, 0),
            date: None,
            quota: None,
        };
        let evidence = CloudinaryEvidence {
            webhook: Ok("https://w.example/webhook".to_owned()),
            triggers: Ok(call),
            ..CloudinaryEvidence::without(&SkipReason::needs("x"))
        };
        trigger(&evidence).unwrap()
    }

    #[test]
    fn one_trigger_sends_everything_in_the_plain_form() {
        let ours = |changes: Value| {
            let mut trigger =
                json!({"id": "1", "uri": "https://w.example/webhook/", "event_type": "all"});
            for (name, value) in changes.as_object().unwrap() {
                trigger[name] = value.clone();
            }
            trigger
        };
        let other =
            json!({"id": "2", "uri": "https://u:hush@old.example/webhook", "event_type": "all"});
        for (triggers, grade, words) in [
            (
                json!([ours(json!({})), other]),
                FindingGrade::Ok,
                "all events",
            ),
            (json!([]), FindingGrade::Failure, "there is no trigger"),
            (
                json!([other]),
                FindingGrade::Failure,
                "elsewhere lead: https://u:...@old.example",
            ),
            (
                json!([
                    ours(json!({"event_type": "upload"})),
                    ours(json!({"event_type": "delete"}))
                ]),
                FindingGrade::Failure,
                "upload; delete",
            ),
            (
                json!([ours(json!({"payload_template": "{}"}))]),
                FindingGrade::Failure,
                "payload template",
            ),
            (
                json!([ours(json!({"filter": "tags:x"}))]),
                FindingGrade::Failure,
                "a filter holds events back",
            ),
            (
                json!([ours(json!({"auth_scheme": "eddsa_v2"}))]),
                FindingGrade::Failure,
                "does not verify",
            ),
            (
                json!([ours(json!({"additive": false}))]),
                FindingGrade::Warning,
                "notification_url",
            ),
            (
                json!([ours(
                    json!({"auth_scheme": "default", "payload_template": null})
                )]),
                FindingGrade::Ok,
                "",
            ),
        ] {
            let verdict = judge(triggers);
            assert_eq!(verdict.grade, grade, "{verdict:?}");
            assert!(verdict.seen.contains(words), "{verdict:?}");
            assert!(!verdict.seen.contains("hush"), "{verdict:?}");
        }
    }
}
