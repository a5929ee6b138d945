//! Refuses files that act, unless somebody has asked for them (pure).

use super::refusal::UploadRefusal;
use super::rules::UploadRules;

/// Checks that the rules ask for this format, if its files act.
///
/// # Errors
/// Says why, and what the sender may do.
pub fn check_passive(format: Option<&str>, rules: &UploadRules) -> Result<(), UploadRefusal> {
    match format.filter(|format| !rules.takes(format)) {
        None => Ok(()),
        Some(format) => Err(UploadRefusal::NotAllowed(format!(
            "{} files are not accepted here, because opening one can run a program. Send it in another format, or ask an administrator to allow this one (`active_formats` in UPLOAD_RULES).",
            format.to_uppercase()
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_says_what_the_sender_may_do() {
        let refused = check_passive(Some("svg"), &UploadRules::default());
        assert_eq!(
            refused.unwrap_err().to_string(),
            "SVG files are not accepted here, because opening one can run a program. Send it in another format, or ask an administrator to allow this one (`active_formats` in UPLOAD_RULES)."
        );
    }

    #[test]
    fn files_that_act_are_taken_only_where_they_are_asked_for() {
        let default = UploadRules::default();
        for format in ["svg", "html", "js", "xml", "exe"] {
            assert!(check_passive(Some(format), &default).is_err(), "{format}");
        }
        for format in [None, Some("png"), Some("csv"), Some("pdf")] {
            assert_eq!(check_passive(format, &default), Ok(()));
        }
        for rules in [r#"{"active_formats": [".SVG"]}"#, r#"{"formats": ["svg"]}"#] {
            let rules = UploadRules::parse(rules).unwrap();
            assert_eq!(check_passive(Some("svg"), &rules), Ok(()));
            assert!(check_passive(Some("js"), &rules).is_err());
        }
    }
}
