//! Judges how files are delivered and kept (pure).

use super::super::{CheckJudgement, CheckVerdict, ProbeResult, SkipReason};
use super::{CloudinaryEvidence, FileDelivery, accepted};

/// Thumbnails are made for everybody.
pub(super) fn strict(evidence: &CloudinaryEvidence) -> CheckJudgement {
    judge(
        &evidence.thumbnail,
        "a thumbnail",
        "console, Settings, Security: take Strict transformations off, or allow the named transformations of the thumbnails",
    )
}

/// PDF files are delivered.
pub(super) fn pdf(evidence: &CloudinaryEvidence) -> CheckJudgement {
    judge(
        &evidence.pdf,
        "a PDF",
        "console, Settings, Security: Allow delivery of PDF and ZIP files",
    )
}

fn judge(delivered: &ProbeResult<FileDelivery>, subject: &str, mend: &str) -> CheckJudgement {
    let FileDelivery { status, error } = delivered.as_ref().map_err(SkipReason::clone)?;
    let said = error.as_deref().unwrap_or("no reason given");
    match status {
        200..=299 => Ok(CheckVerdict::ok(format!("{subject} is delivered"))),
        401 | 403 => Ok(CheckVerdict::warning(
            format!("{subject} answers {status}: {said}"),
            mend,
        )),
        _ => Err(SkipReason::because(format!(
            "{subject} answers {status}: {said}"
        ))),
    }
}

/// A copy of each asset is kept.
pub(super) fn backup(evidence: &CloudinaryEvidence) -> CheckJudgement {
    let call = accepted(&evidence.picture)?;
    let backup = call
        .answer
        .body
        .get("backup")
        .and_then(serde_json::Value::as_bool);
    Ok(if backup == Some(true) {
        CheckVerdict::ok("the asset that was looked at has a backup")
    } else {
        CheckVerdict::warning(
            "the asset that was looked at has no backup",
            "console, Settings, Product environment, Backup: Enable automatic backup; assets uploaded before get none",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::super::super::FindingGrade;
    use super::*;

    #[test]
    fn only_a_refusal_is_a_fault_of_the_settings() {
        let with = |status| CloudinaryEvidence {
            thumbnail: Ok(FileDelivery {
                status,
                error: None,
            }),
            ..CloudinaryEvidence::without(&SkipReason::needs("x"))
        };
        assert_eq!(strict(&with(200)).unwrap().grade, FindingGrade::Ok);
        assert_eq!(strict(&with(401)).unwrap().grade, FindingGrade::Warning);
        assert!(strict(&with(404)).unwrap_err().reason().contains("404"));
        assert!(pdf(&with(200)).is_err());
    }
}
