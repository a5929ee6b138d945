//! Judges whether the functions may use the secrets' keys (pure).

use serde_json::Value;

use super::super::verdict::first_few;
use super::super::{CheckJudgement, CheckVerdict, SkipReason};
use super::{AwsEvidence, KeyUse};

/// Each role may decrypt with the key of the secret that it reads.
pub(super) fn key(evidence: &AwsEvidence) -> CheckJudgement {
    let uses = evidence.keys.as_ref().map_err(SkipReason::clone)?;
    let closed: Vec<&KeyUse> = uses.iter().filter(|one| !may_decrypt(one)).collect();
    let Some(first) = closed.first() else {
        return Ok(CheckVerdict::ok(match uses.len() {
            0 => "the secrets are under AWS's own key",
            _ => "the functions may use the secrets' keys",
        }));
    };
    let texts: Vec<String> = closed
        .iter()
        .map(|one| {
            let KeyUse { parameter, key, role, .. } = one;
            format!("the secret of {parameter} is under the key {key}, with which {role} may not decrypt")
        })
        .collect();
    let mend = format!(
        "make deploy PARAMETERS='ConfigKeyArn=ARN' with the ARN of the key {}",
        first.key
    );
    Ok(CheckVerdict::failure(first_few(&texts), mend))
}

/// Policies name keys by ARN; a secret names its own by ARN, by id or by alias, and an alias names any key.
fn may_decrypt(one: &KeyUse) -> bool {
    let is_alias = one.key.contains("alias/");
    one.allowed.iter().any(|resource| {
        resource == "*"
            || is_alias
            || *resource == one.key
            || resource.ends_with(&format!("/{}", one.key))
    })
}

/// The resources with which a policy lets decrypt.
pub(super) fn decrypting(policy: &Value) -> Vec<String> {
    let listed = |value: &Value| match value {
        Value::Array(values) => values.clone(),
        one => vec![one.clone()],
    };
    let texts = |value: &Value| -> Vec<String> {
        let texts = listed(value).into_iter();
        texts
            .filter_map(|one| Some(one.as_str()?.to_owned()))
            .collect()
    };
    let statements = listed(&policy["Statement"]).into_iter();
    statements
        .filter(|statement| statement["Effect"] == "Allow")
        .filter(|statement| {
            let decrypts =
                |action: &String| matches!(action.as_str(), "kms:Decrypt" | "kms:*" | "*");
            texts(&statement["Action"]).iter().any(decrypts)
        })
        .flat_map(|statement| texts(&statement["Resource"]))
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::super::FindingGrade;
    use super::*;

    const ARN: &str = "arn:aws:kms:eu-central-1:1:key/0a1b";

    #[test]
    fn role_that_reads_a_secret_may_use_its_key() {
        for (key_name, allowed, grade) in [
            (ARN, vec![ARN], FindingGrade::Ok),
            ("0a1b", vec![ARN], FindingGrade::Ok),
            (ARN, vec!["*"], FindingGrade::Ok),
            (
                "arn:aws:kms:eu-central-1:1:alias/mine",
                vec![ARN],
                FindingGrade::Ok,
            ),
            (
                "arn:aws:kms:eu-central-1:1:alias/mine",
                vec![],
                FindingGrade::Failure,
            ),
            (ARN, vec![], FindingGrade::Failure),
            (
                ARN,
                vec!["arn:aws:kms:eu-central-1:1:key/other"],
                FindingGrade::Failure,
            ),
        ] {
            let one = KeyUse {
                parameter: "ConfigSecretArn".to_owned(),
                key: key_name.to_owned(),
                role: "WebhookRole".to_owned(),
                allowed: allowed.into_iter().map(str::to_owned).collect(),
            };
            let evidence = AwsEvidence {
                keys: Ok(vec![one]),
                ..AwsEvidence::without(&SkipReason::needs("x"))
            };
            let verdict = key(&evidence).unwrap();
            assert_eq!(verdict.grade, grade, "{verdict:?}");
        }
    }

    #[test]
    fn keys_are_read_from_a_policy() {
        let policy = json!({"Statement": [
            {"Effect": "Allow", "Action": "secretsmanager:GetSecretValue", "Resource": "a"},
            {"Effect": "Allow", "Action": ["kms:Decrypt", "kms:GenerateDataKey"], "Resource": ["b", "c"]},
            {"Effect": "Deny", "Action": "kms:Decrypt", "Resource": "d"},
        ]});
        assert_eq!(decrypting(&policy), ["b", "c"]);
        assert_eq!(decrypting(&json!({})), [""; 0]);
    }
}
