//! Judges whether the folders fit the account's mode (pure).

use super::super::verdict::first_few;
use super::super::{CheckJudgement, CheckVerdict, SkipReason};
use super::{AssetPlace, CloudinaryEvidence, accepted};

/// The account's folder mode is the one in which assets were seen. Both modes work; a mirror that was filled in the other
/// one holds folders that the account does not have.
pub(super) fn mode(evidence: &CloudinaryEvidence) -> CheckJudgement {
    const RUN: &str = "mediasync sync --full: it compares every asset; folders that cannot be are put right by it";
    let answer = &accepted(&evidence.config)?.answer;
    let mode = answer.body.pointer("/settings/folder_mode");
    let mode = mode.and_then(serde_json::Value::as_str);
    let mode =
        mode.ok_or_else(|| SkipReason::because("Cloudinary does not tell the folder mode"))?;
    if let Some(other) = seen_mode(evidence).filter(|seen| *seen != mode) {
        return Ok(CheckVerdict::warning(
            format!(
                "the account says {mode} folders, and the asset that was looked at has {other} ones"
            ),
            RUN,
        ));
    }
    let places = evidence.places.as_ref().map_err(SkipReason::clone)?;
    let strange: Vec<String> = places
        .iter()
        .filter(|place| mode == "fixed" && !is_fixed(place))
        .map(|place| format!("{} in {}", place.public_id, place.folder))
        .collect();
    if strange.is_empty() {
        return Ok(CheckVerdict::ok(format!(
            "the account has {mode} folders, and so has the database"
        )));
    }
    Ok(CheckVerdict::warning(
        format!(
            "the account has fixed folders, which begin the public ids, and the database has others: {}",
            first_few(&strange)
        ),
        RUN,
    ))
}

/// Records of fixed folders have `folder`, those of dynamic ones `asset_folder`.
fn seen_mode(evidence: &CloudinaryEvidence) -> Option<&'static str> {
    let body = &accepted(&evidence.picture).ok()?.answer.body;
    match (body.get("asset_folder"), body.get("folder")) {
        (Some(_), _) => Some("dynamic"),
        (None, Some(_)) => Some("fixed"),
        (None, None) => None,
    }
}

fn is_fixed(place: &AssetPlace) -> bool {
    let folder = place
        .public_id
        .rsplit_once('/')
        .map_or("", |(folder, _)| folder);
    folder == place.folder
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::super::FindingGrade;
    use super::super::super::http::ProbeAnswer;
    use super::super::AdminAnswer;
    use super::*;

    fn call(body: Value) -> AdminAnswer {
        AdminAnswer {
            answer: ProbeAnswer { status: 200, body },
            between: (0, 0),
            date: None,
            quota: None,
        }
    }

    fn judge(mode_name: &str, picture: Value, folder: &str) -> CheckVerdict {
        let evidence = CloudinaryEvidence {
            config: Ok(call(json!({"settings": {"folder_mode": mode_name}}))),
            picture: Ok(call(picture)),
            places: Ok(vec![AssetPlace {
                public_id: "shop/mug".to_owned(),
                folder: folder.to_owned(),
            }]),
            ..CloudinaryEvidence::without(&SkipReason::needs("x"))
        };
        mode(&evidence).unwrap()
    }

    #[test]
    fn account_records_and_rows_are_of_one_mode() {
        for (mode_name, picture, folder, grade) in [
            (
                "dynamic",
                json!({"asset_folder": ""}),
                "elsewhere",
                FindingGrade::Ok,
            ),
            (
                "dynamic",
                json!({"asset_folder": "shop"}),
                "shop",
                FindingGrade::Ok,
            ),
            ("fixed", json!({"folder": "shop"}), "shop", FindingGrade::Ok),
            ("fixed", json!({}), "shop", FindingGrade::Ok),
            ("fixed", json!({}), "elsewhere", FindingGrade::Warning),
            (
                "fixed",
                json!({"asset_folder": "shop"}),
                "shop",
                FindingGrade::Warning,
            ),
            (
                "dynamic",
                json!({"folder": "shop"}),
                "shop",
                FindingGrade::Warning,
            ),
        ] {
            let verdict = judge(mode_name, picture, folder);
            assert_eq!(verdict.grade, grade, "{verdict:?}");
        }
    }
}
