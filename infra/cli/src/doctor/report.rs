//! Findings as lines for a person and as one JSON object.

use serde_json::{Value, json};

use super::check::{CheckGroup, CheckTopic, Finding};
use super::verdict::FindingGrade;

/// One JSON object: `{"findings": [{"id", "grade", "seen", "mend"}]}`.
pub fn json(findings: &[&Finding]) -> Value {
    let entries: Vec<Value> = findings.iter().map(|finding| finding.to_json()).collect();
    json!({ "findings": entries })
}

/// Lines by group; a fault tells why it matters, and its mend.
pub fn lines(findings: &[&Finding]) -> Vec<String> {
    let mut lines = Vec::new();
    let mut group: Option<CheckGroup> = None;
    for finding in findings {
        if group.replace(finding.check.group) != Some(finding.check.group) {
            lines.push(finding.check.group.title().to_owned());
        }
        lines.extend(of_one(finding));
    }
    lines
}

fn of_one(finding: &Finding) -> Vec<String> {
    let Finding {
        check,
        grade,
        seen,
        mend,
    } = finding;
    let said = match grade {
        FindingGrade::Skipped => format!("skipped, {seen}"),
        _ => seen.clone(),
    };
    let mut lines = vec![format!("  {} {:<14} {said}", grade.sign(), check.id)];
    if let Some(mend) = mend {
        lines.push(format!("      why:  {}", check.why));
        let mut rest = mend.lines();
        lines.push(format!("      mend: {}", rest.next().unwrap_or_default()));
        lines.extend(rest.map(|line| format!("            {line}")));
    }
    lines
}

/// `9 checks: 7 ok, 1 warning, 1 failure, 0 skipped`.
pub fn summary(findings: &[Finding]) -> String {
    let count = |grade| findings.iter().filter(|one| one.grade == grade).count();
    let plural = |count: usize, word: &str| match count {
        1 => format!("1 {word}"),
        count => format!("{count} {word}s"),
    };
    format!(
        "{}: {} ok, {}, {}, {} skipped",
        plural(findings.len(), "check"),
        count(FindingGrade::Ok),
        plural(count(FindingGrade::Warning), "warning"),
        plural(count(FindingGrade::Failure), "failure"),
        count(FindingGrade::Skipped)
    )
}

/// The list of checks for `--list-checks`.
pub fn list(checks: &[&CheckTopic]) -> (Value, Vec<String>) {
    let entries: Vec<Value> = checks
        .iter()
        .map(|check| json!({"id": check.id, "group": check.group.title(), "title": check.title}))
        .collect();
    let lines = checks
        .iter()
        .map(|check| format!("{:<14} {}", check.id, check.title))
        .collect();
    (json!({ "checks": entries }), lines)
}

#[cfg(test)]
mod tests {
    use super::super::supabase::CHECKS;
    use super::super::verdict::{CheckVerdict, SkipReason};
    use super::*;

    #[test]
    fn fault_says_why_it_matters_and_what_mends_it() {
        let findings = [
            Finding::new(
                &CHECKS[0].topic,
                Ok(CheckVerdict::ok("the project answers")),
            ),
            Finding::new(
                &CHECKS[1].topic,
                Ok(CheckVerdict::failure("seen", "one\ntwo")),
            ),
            Finding::new(&CHECKS[2].topic, Err(SkipReason::needs("DATABASE_URL"))),
        ];
        let all: Vec<&Finding> = findings.iter().collect();
        assert_eq!(
            lines(&all),
            [
                "Supabase".to_owned(),
                "  ✓ sb-paused      the project answers".to_owned(),
                "  ✗ sb-keys        seen".to_owned(),
                format!("      why:  {}", CHECKS[1].topic.why),
                "      mend: one".to_owned(),
                "            two".to_owned(),
                "  - sb-migrations  skipped, needs DATABASE_URL".to_owned(),
            ]
        );
        assert_eq!(
            json(&all)["findings"][1],
            json!({"id": "sb-keys", "grade": "failure", "seen": "seen", "mend": "one\ntwo"})
        );
        assert_eq!(
            summary(&findings),
            "3 checks: 1 ok, 0 warnings, 1 failure, 1 skipped"
        );
    }
}
