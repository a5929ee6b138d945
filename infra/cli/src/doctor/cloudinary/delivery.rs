//! Judges how files are delivered and kept (pure).

use super::super::{Judgement, Probe, Skip, Verdict};
use super::{CloudinaryEvidence, Delivered, accepted};

/// Thumbnails are made for everybody.
pub(super) fn strict(evidence: &CloudinaryEvidence) -> Judgement {
    judge(
        &evidence.thumbnail,
        "a thumbnail",
        "console, Settings, Security: take Strict transformations off, or allow the named transformations of the thumbnails",
    )
}

/// PDF files are delivered.
pub(super) fn pdf(evidence: &CloudinaryEvidence) -> Judgement {
    judge(
        &evidence.pdf,
        "a PDF",
        "console, Settings, Security: Allow delivery of PDF and ZIP files",
    )
}

fn judge(delivered: &Probe<Delivered>, subject: &str, mend: &str) -> Judgement {
    let Delivered { status, error } = delivered.as_ref().map_err(Skip::clone)?;
    let said = error.as_deref().unwrap_or("no reason given");
    match status {
        200..=299 => Ok(Verdict::ok(format!("{subject} is delivered"))),
        401 | 403 => Ok(Verdict::warning(
            format!("{subject} answers {status}: {said}"),
            mend,
        )),
        _ => Err(Skip::because(format!("{subject} answers {status}: {said}"))),
    }
}

/// A copy of each asset is kept.
pub(super) fn backup(evidence: &CloudinaryEvidence) -> Judgement {
    let call = accepted(&evidence.picture)?;
    let backup = call
        .answer
        .body
        .get("backup")
        .and_then(serde_json::Value::as_bool);
    Ok(if backup == Some(true) {
        Verdict::ok("the asset that was looked at has a backup")
    } else {
        Verdict::warning(
            "the asset that was looked at has no backup",
            "console, Settings, Product environment, Backup: Enable automatic backup; assets uploaded before get none",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::super::super::Grade;
    use super::*;

    #[test]
    fn only_a_refusal_is_a_fault_of_the_settings() {
        let with = |status| CloudinaryEvidence {
            thumbnail: Ok(Delivered {
                status,
                error: None,
            }),
            ..CloudinaryEvidence::without(&Skip::needs("x"))
        };
        assert_eq!(strict(&with(200)).unwrap().grade, Grade::Ok);
        assert_eq!(strict(&with(401)).unwrap().grade, Grade::Warning);
        assert!(strict(&with(404)).unwrap_err().reason().contains("404"));
        assert!(pdf(&with(200)).is_err());
    }
}
