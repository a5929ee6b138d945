//! Judges Cloudinary's notification triggers, and plans their repair (pure). The operator's command and the daily
//! repair share these rules.

use serde_json::Value;
use url::Url;

use super::triggers::Trigger;

/// The event type that covers every other.
pub const ALL: &str = "all";

/// The stack that a trigger notifies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TriggerOwner {
    /// It leads to this stack's webhook.
    Ours,
    /// Its address looks like the webhook of a media-sync stack, but not of this one.
    OtherStack,
    /// It is none of our business.
    Foreign,
}

impl TriggerOwner {
    /// A stable word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Ours => "ours",
            Self::OtherStack => "other_stack",
            Self::Foreign => "foreign",
        }
    }
}

/// Keeps a trigger from telling the mirror everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TriggerFault {
    /// It is for one event type only.
    NotAllEvents,
    /// Its notifications have a body of somebody's own.
    PayloadTemplate,
    /// It signs in a way that the webhook does not verify.
    SignatureScheme,
    /// It lets only some events through.
    Filter,
    /// It does not send to web addresses.
    NoWebhook,
    /// An upload that names a `notification_url` silences it.
    NotAdditive,
}

impl TriggerFault {
    /// A stable word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::NotAllEvents => "not_all_events",
            Self::PayloadTemplate => "payload_template",
            Self::SignatureScheme => "signature_scheme",
            Self::Filter => "filter",
            Self::NoWebhook => "no_webhook",
            Self::NotAdditive => "not_additive",
        }
    }

    /// The fault in words.
    pub const fn text(self) -> &'static str {
        match self {
            Self::NotAllEvents => "not for all events",
            Self::PayloadTemplate => "a payload template replaces the body",
            Self::SignatureScheme => "signs in a way that the webhook does not verify",
            Self::Filter => "a filter holds events back",
            Self::NoWebhook => "not of the type webhook",
            Self::NotAdditive => "silent where a call names a notification_url of its own",
        }
    }
}

/// Tells whose a trigger is. A final slash makes no difference.
pub fn owner(trigger: &Trigger, webhook: &Url) -> TriggerOwner {
    let Ok(uri) = Url::parse(&trigger.uri) else {
        return TriggerOwner::Foreign;
    };
    if bare(&uri) == bare(webhook) {
        return TriggerOwner::Ours;
    }
    let host = uri.host_str().unwrap_or_default();
    let is_function_url = host.contains(".lambda-url.") && uri.path() == "/";
    let is_api = uri.path().ends_with("/api/cloudinary/webhook");
    if is_function_url || is_api {
        TriggerOwner::OtherStack
    } else {
        TriggerOwner::Foreign
    }
}

/// The address as it may be shown: without a password.
pub fn shown(uri: &str) -> String {
    match Url::parse(uri) {
        Ok(mut url) if url.password().is_some() => {
            // Fails for addresses without a host only, which have no password.
            let _ = url.set_password(Some("..."));
            url.into()
        }
        _ => uri.to_owned(),
    }
}

fn bare(url: &Url) -> &str {
    url.as_str().trim_end_matches('/')
}

/// Finds the faults of a trigger for a mirror. Fields that Cloudinary does not tell are taken for
/// right.
pub fn faults(trigger: &Trigger) -> Vec<TriggerFault> {
    let is_empty = |value: &Value| matches!(value.as_str(), Some("")) || value.is_null();
    let is_set = |value: &Option<Value>| value.as_ref().is_some_and(|value| !is_empty(value));
    let scheme = trigger.auth_scheme.as_deref();
    let checks = [
        (trigger.event_type != ALL, TriggerFault::NotAllEvents),
        (
            is_set(&trigger.payload_template),
            TriggerFault::PayloadTemplate,
        ),
        (
            scheme.is_some_and(|scheme| !matches!(scheme, "" | "default" | "legacy_hmac")),
            TriggerFault::SignatureScheme,
        ),
        (is_set(&trigger.filter), TriggerFault::Filter),
        (
            trigger
                .uri_type
                .as_deref()
                .is_some_and(|kind| kind != "webhook"),
            TriggerFault::NoWebhook,
        ),
        (trigger.additive == Some(false), TriggerFault::NotAdditive),
    ];
    let found = checks.into_iter().filter(|(is_so, _)| *is_so);
    found.map(|(_, fault)| fault).collect()
}

/// True when a trigger tells the webhook enough: uploads and deletes, in a form that it can read.
pub fn reaches(triggers: &[Trigger], webhook: &Url) -> bool {
    let sends = |event: &str| {
        triggers
            .iter()
            .filter(|one| owner(one, webhook) == TriggerOwner::Ours)
            .filter(|one| one.event_type == ALL || one.event_type == event)
            .any(|one| {
                let bearable = [TriggerFault::NotAllEvents, TriggerFault::NotAdditive];
                faults(one).iter().all(|fault| bearable.contains(fault))
            })
    };
    sends("upload") && sends("delete")
}

/// Chooses one address of a webhook (its function's, its API's) for a repair. A right trigger's
/// address comes first, then any trigger's, then the first.
pub fn choose_door<'a>(triggers: &[Trigger], doors: &'a [Url]) -> Option<&'a Url> {
    let leads = |door: &Url, right: bool| {
        triggers
            .iter()
            .any(|one| owner(one, door) == TriggerOwner::Ours && (!right || faults(one).is_empty()))
    };
    let with = |right| doors.iter().find(|door| leads(door, right));
    with(true).or_else(|| with(false)).or(doors.first())
}

/// The triggers that lead to none of the doors, with the owner that they seem to have.
pub fn elsewhere<'a>(
    triggers: &'a [Trigger],
    doors: &[Url],
) -> impl Iterator<Item = (&'a Trigger, TriggerOwner)> {
    triggers.iter().filter_map(move |trigger| {
        let owners = doors.iter().map(|door| owner(trigger, door));
        let owner = owners.reduce(|known, next| match (known, next) {
            (TriggerOwner::Ours, _) | (_, TriggerOwner::Ours) => TriggerOwner::Ours,
            (known, _) => known,
        })?;
        (owner != TriggerOwner::Ours).then_some((trigger, owner))
    })
}

/// One step of a repair, in its order.
#[derive(Debug, Clone, PartialEq)]
pub enum RepairStep<'a> {
    /// Removes a trigger of ours.
    Remove(&'a Trigger),
    /// Makes one for all events.
    Create,
}

/// Plans how the webhook gets one right trigger. It touches no trigger of others; a second plan after it is empty.
pub fn plan<'a>(triggers: &'a [Trigger], webhook: &Url) -> Vec<RepairStep<'a>> {
    let ours = triggers
        .iter()
        .filter(|one| owner(one, webhook) == TriggerOwner::Ours);
    let (right, wrong): (Vec<_>, Vec<_>) = ours.partition(|one| faults(one).is_empty());
    // Cloudinary refuses a second trigger of one address and event type, so the wrong one has to go first. The others
    // go last: until then they tell of what happens in between.
    let (first, last): (Vec<&Trigger>, Vec<&Trigger>) =
        wrong.into_iter().partition(|one| one.event_type == ALL);
    let mut steps: Vec<RepairStep<'_>> = first.into_iter().map(RepairStep::Remove).collect();
    if right.is_empty() {
        steps.push(RepairStep::Create);
    }
    steps.extend(right.into_iter().skip(1).map(RepairStep::Remove));
    steps.extend(last.into_iter().map(RepairStep::Remove));
    steps
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const OURS: &str = "https://abc.lambda-url.eu-west-1.on.aws/";

    fn webhook() -> Url {
        Url::parse(OURS).unwrap()
    }

    /// A trigger that is as it should be, but for `changes`.
    fn trigger(id: &str, changes: &Value) -> Trigger {
        let mut value = json!({
            "id": id, "uri": OURS, "uri_type": "webhook", "event_type": "all", "additive": true, "auth_scheme": "default",
        });
        for (key, change) in changes.as_object().unwrap() {
            value[key] = change.clone();
        }
        serde_json::from_value(value).unwrap()
    }

    fn steps(triggers: &[Trigger]) -> Vec<String> {
        let told = |step: &RepairStep<'_>| match step {
            RepairStep::Remove(trigger) => format!("remove {}", trigger.id),
            RepairStep::Create => "create".to_owned(),
        };
        plan(triggers, &webhook()).iter().map(told).collect()
    }

    #[test]
    fn addresses_tell_whose_a_trigger_is() {
        for (uri, expected) in [
            (OURS, TriggerOwner::Ours),
            (
                "https://abc.lambda-url.eu-west-1.on.aws",
                TriggerOwner::Ours,
            ),
            (
                "https://ABC.lambda-url.eu-west-1.on.aws/",
                TriggerOwner::Ours,
            ),
            (
                "https://old.lambda-url.eu-west-1.on.aws/",
                TriggerOwner::OtherStack,
            ),
            (
                "https://x.execute-api.eu-west-1.amazonaws.com/api/cloudinary/webhook",
                TriggerOwner::OtherStack,
            ),
            (
                "https://abc.lambda-url.eu-west-1.on.aws/other",
                TriggerOwner::Foreign,
            ),
            ("https://shop.example.com/cloudinary", TriggerOwner::Foreign),
            ("poll://channel", TriggerOwner::Foreign),
            ("nonsense", TriggerOwner::Foreign),
        ] {
            let trigger = trigger("1", &json!({"uri": uri}));
            assert_eq!(owner(&trigger, &webhook()), expected, "{uri}");
        }
    }

    #[test]
    fn password_of_an_address_is_not_shown() {
        for (uri, expected) in [
            (
                "https://me:hunter2@shop.example.com/a",
                "https://me:...@shop.example.com/a",
            ),
            (
                "https://shop.example.com/a?b",
                "https://shop.example.com/a?b",
            ),
            ("poll://channel", "poll://channel"),
            ("nonsense", "nonsense"),
        ] {
            assert_eq!(shown(uri), expected);
        }
    }

    #[test]
    fn faults_are_named_and_unknown_fields_taken_for_right() {
        for (changes, expected) in [
            (json!({}), vec![]),
            (
                json!({"additive": null, "auth_scheme": null, "uri_type": null}),
                vec![],
            ),
            (
                json!({"auth_scheme": "legacy_hmac", "filter": "", "payload_template": ""}),
                vec![],
            ),
            (
                json!({"event_type": "upload"}),
                vec![TriggerFault::NotAllEvents],
            ),
            (
                json!({"payload_template": "{\"a\": 1}"}),
                vec![TriggerFault::PayloadTemplate],
            ),
            (
                json!({"auth_scheme": "eddsa_v2"}),
                vec![TriggerFault::SignatureScheme],
            ),
            (
                json!({"filter": {"==": [1, 1]}}),
                vec![TriggerFault::Filter],
            ),
            (json!({"uri_type": "flow"}), vec![TriggerFault::NoWebhook]),
            (
                json!({"additive": false, "event_type": "delete"}),
                vec![TriggerFault::NotAllEvents, TriggerFault::NotAdditive],
            ),
        ] {
            assert_eq!(faults(&trigger("1", &changes)), expected, "{changes}");
        }
    }

    #[test]
    fn plan_makes_one_right_trigger_and_leaves_those_of_others() {
        let foreign = trigger(
            "foreign",
            &json!({"uri": "https://shop.example.com/", "event_type": "upload"}),
        );
        let old = trigger(
            "old",
            &json!({"uri": "https://old.lambda-url.eu-west-1.on.aws/"}),
        );
        let right = trigger("right", &json!({}));
        let second = trigger("second", &json!({"uri": OURS.trim_end_matches('/')}));
        let partial = trigger("partial", &json!({"event_type": "upload"}));
        let template = trigger("template", &json!({"payload_template": "{}"}));
        for (triggers, expected) in [
            (vec![], vec!["create"]),
            (vec![foreign.clone(), old.clone()], vec!["create"]),
            (vec![right.clone(), foreign, old], vec![]),
            (vec![partial.clone()], vec!["create", "remove partial"]),
            (
                vec![partial.clone(), template],
                vec!["remove template", "create", "remove partial"],
            ),
            (vec![right.clone(), partial], vec!["remove partial"]),
            (vec![right, second], vec!["remove second"]),
        ] {
            assert_eq!(steps(&triggers), expected, "{triggers:?}");
        }
    }

    #[test]
    fn repair_cares_for_the_door_that_is_in_use() {
        let door = |uri: &str| Url::parse(uri).unwrap();
        let api = "https://x.execute-api.eu-west-1.amazonaws.com/api/cloudinary/webhook";
        let doors = [webhook(), door(api)];
        let at_api = trigger("api", &json!({"uri": api}));
        let wrong = trigger("wrong", &json!({"event_type": "upload"}));
        let foreign = trigger("foreign", &json!({"uri": "https://shop.example.com/"}));
        let old = trigger(
            "old",
            &json!({"uri": "https://old.lambda-url.eu-west-1.on.aws/"}),
        );
        for (triggers, expected) in [
            (vec![], OURS),
            (vec![foreign.clone(), old.clone()], OURS),
            (vec![at_api.clone()], api),
            (vec![wrong.clone(), at_api.clone()], api),
            (vec![wrong.clone()], OURS),
        ] {
            let chosen = choose_door(&triggers, &doors).unwrap();
            assert_eq!(chosen.as_str(), expected, "{triggers:?}");
        }
        assert_eq!(choose_door(&[], &[]), None);
        let all = [at_api, wrong, foreign, old];
        let others: Vec<_> = elsewhere(&all, &doors)
            .map(|(trigger, owner)| (trigger.id.as_str(), owner))
            .collect();
        let expected = [
            ("foreign", TriggerOwner::Foreign),
            ("old", TriggerOwner::OtherStack),
        ];
        assert_eq!(others, expected);
    }

    #[test]
    fn webhook_is_reached_when_uploads_and_deletes_are_told() {
        let upload = trigger("1", &json!({"event_type": "upload", "additive": false}));
        let delete = trigger("2", &json!({"event_type": "delete"}));
        let template = trigger("3", &json!({"payload_template": "{}"}));
        for (triggers, expected) in [
            (vec![], false),
            (vec![trigger("1", &json!({}))], true),
            (vec![upload.clone()], false),
            (vec![upload, delete], true),
            (vec![template], false),
        ] {
            assert_eq!(reaches(&triggers, &webhook()), expected, "{triggers:?}");
        }
    }
}
