//! The list of tests that are out of scope, held against the outcome of each test.

use std::collections::{BTreeMap, BTreeSet};

/// By name: `passed`, `failed` or `skipped`, and why.
pub(crate) type Outcomes = BTreeMap<String, (String, String)>;

/// Names of tests. In the list each group follows the line that gives its reason.
#[derive(Debug)]
pub(crate) struct OutOfScope<'a> {
    names: BTreeSet<&'a str>,
    complaints: Vec<String>,
}

impl<'a> OutOfScope<'a> {
    /// Reads lines: a reason begins at the margin, a name is indented, `#` begins a comment.
    pub(crate) fn parse(text: &'a str) -> Self {
        let mut list = Self {
            names: BTreeSet::new(),
            complaints: Vec::new(),
        };
        let mut reason = None;
        for line in text.lines() {
            let word = line.trim();
            if word.is_empty() || word.starts_with('#') {
                continue;
            }
            if !line.starts_with(' ') {
                reason = Some(word);
            } else if reason.is_none() {
                list.complaints.push(format!("{word} has no reason"));
            } else if !list.names.insert(word) {
                list.complaints.push(format!("{word} is listed twice"));
            }
        }
        list
    }

    /// Tells where list and outcomes disagree.
    pub(crate) fn judge(self, outcomes: &Outcomes) -> Vec<String> {
        let Self {
            names,
            mut complaints,
        } = self;
        for (name, (outcome, why)) in outcomes {
            match (outcome == "passed", names.contains(name.as_str())) {
                (true, true) => complaints.push(format!("{name} passes: take it off the list")),
                (false, false) => complaints.push(format!("{name} {outcome}: {why}")),
                _ => (),
            }
        }
        let unknown = names.iter().filter(|name| !outcomes.contains_key(**name));
        complaints.extend(unknown.map(|name| format!("{name} is no test of the suite")));
        complaints
    }
}

#[test]
fn list_and_outcomes_must_agree_in_both_directions() {
    let outcome =
        |name: &str, outcome: &str| (name.to_owned(), (outcome.to_owned(), String::new()));
    let outcomes = Outcomes::from([
        outcome("suite.passes", "passed"),
        outcome("suite.fails", "failed"),
        outcome("suite.skips", "skipped"),
    ]);
    let cases: [(&str, &[&str]); 6] = [
        ("Because.\n  suite.fails\n  suite.skips\n", &[]),
        (
            "# A comment.\nBecause.\n  suite.fails\n",
            &["suite.skips skipped: "],
        ),
        ("Because.\n  suite.skips\n", &["suite.fails failed: "]),
        (
            "Because.\n  suite.fails\n  suite.skips\n  suite.passes\n",
            &["suite.passes passes: take it off the list"],
        ),
        (
            "Because.\n  suite.fails\n  suite.skips\n  suite.gone\n",
            &["suite.gone is no test of the suite"],
        ),
        (
            "  suite.fails\nBecause.\n  suite.fails\n  suite.skips\n  suite.skips\n",
            &["suite.fails has no reason", "suite.skips is listed twice"],
        ),
    ];
    for (list, wanted) in cases {
        assert_eq!(OutOfScope::parse(list).judge(&outcomes), wanted, "{list}");
    }
}
