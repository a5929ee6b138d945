//! Formats whose files act: browsers or machines carry them out (pure).

use super::refusal::UploadRefusal;
use super::rules::UploadRules;

/// Pages, scripts and drawings with scripts act in the browser of whoever opens their address; the rest are programs.
pub const ACTIVE_FORMATS: &[&str] = &[
    "apk", "app", "bash", "bat", "cjs", "class", "cmd", "com", "deb", "dll", "dmg", "elf", "exe",
    "hta", "htm", "html", "jar", "js", "lnk", "macho", "mht", "mhtml", "mjs", "msi", "php", "pkg",
    "ps1", "rpm", "scr", "sh", "shtml", "svg", "svgz", "swf", "vbs", "wasm", "xht", "xhtml", "xml",
    "xsl", "xslt",
];

/// Checks that the rules ask for this format, if its files act.
///
/// # Errors
/// Names the setting that would allow it.
pub fn check_passive(format: Option<&str>, rules: &UploadRules) -> Result<(), UploadRefusal> {
    match format.filter(|format| !rules.takes(format)) {
        None => Ok(()),
        Some(format) => Err(UploadRefusal::NotAllowed(format!(
            "Files of format {format} are not taken here, since browsers or machines carry them out. An administrator may list the format in the `active_formats` of UPLOAD_RULES."
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
