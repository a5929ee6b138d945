//! Parameters of the template: `Name=value` and files of them, and the values that a change passes on (pure but for
//! reading).

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use clap::Args;

use crate::exit::Exit;
use crate::failure::Failure;

/// The template that this command deploys. Its code is beside the zips; here its parameters are looked up.
const TEMPLATE: &str = include_str!("../../../../template.yaml");

/// The secret's ARN, which the installation fills in.
pub(crate) const SECRET: &str = "ConfigSecretArn";
/// The functions' architecture, which follows from the code.
pub(crate) const ARCHITECTURE: &str = "Architecture";

/// Where parameters are given.
#[derive(Debug, Args)]
pub(crate) struct ParameterOptions {
    /// Parameter of the template, such as AlarmEmail=you@example.com; may be repeated
    #[arg(long = "parameter", value_name = "NAME=VALUE")]
    parameters: Vec<String>,
    /// File of parameters: a line `Name: value` for each, as infra/parameters.example.yaml has them
    ///
    /// --parameter wins over it. Parameters that neither names keep the value that the stack has.
    #[arg(long, value_name = "FILE")]
    parameters_file: Option<PathBuf>,
}

impl ParameterOptions {
    /// Reads all of them, and refuses names that the template has not.
    pub(crate) fn read(&self) -> Result<BTreeMap<String, String>, Failure> {
        let mut values = match &self.parameters_file {
            None => BTreeMap::new(),
            Some(file) => read_file(file)?,
        };
        for text in &self.parameters {
            let (name, value) = text.split_once('=').ok_or_else(|| {
                Failure::new(
                    Exit::Usage,
                    format!("--parameter {text} has not the form NAME=VALUE"),
                )
            })?;
            values.insert(name.trim().to_owned(), value.to_owned());
        }
        let known = names(TEMPLATE);
        let unknown: Vec<&str> = values
            .keys()
            .map(String::as_str)
            .filter(|name| !known.contains(name))
            .collect();
        if unknown.is_empty() {
            return Ok(values);
        }
        Err(Failure::new(
            Exit::Usage,
            format!("the template has no parameter {}", unknown.join(", ")),
        )
        .mend(format!(
            "take one of {}",
            known.iter().copied().collect::<Vec<_>>().join(", ")
        )))
    }
}

/// The names of a template's parameters.
pub(crate) fn names(template: &str) -> BTreeSet<&str> {
    template
        .lines()
        .skip_while(|line| *line != "Parameters:")
        .skip(1)
        .take_while(|line| line.is_empty() || line.starts_with([' ', '#']))
        .filter_map(|line| line.strip_prefix("  ")?.strip_suffix(':'))
        .filter(|name| !name.starts_with(' '))
        .collect()
}

fn read_file(file: &Path) -> Result<BTreeMap<String, String>, Failure> {
    let shown = file.display();
    let text = std::fs::read_to_string(file)
        .map_err(|error| Failure::new(Exit::Usage, format!("{shown} cannot be read: {error}")))?;
    parse(&text).map_err(|line| {
        Failure::new(
            Exit::Usage,
            format!("{shown}, line {line}, has not the form `Name: value`"),
        )
        .mend("infra/parameters.example.yaml shows the form")
    })
}

/// Parses lines of `Name: value`; the error is the number of a line that is none.
fn parse(text: &str) -> Result<BTreeMap<String, String>, usize> {
    let mut values = BTreeMap::new();
    for (number, line) in text.lines().enumerate() {
        let line = line.trim_end();
        if line.is_empty() || line.starts_with('#') || line == "---" {
            continue;
        }
        let (name, value) = line.split_once(':').ok_or(number + 1)?;
        let is_name = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if !is_name || !(value.is_empty() || value.starts_with(' ')) {
            return Err(number + 1);
        }
        values.insert(name.to_owned(), unquoted(value.trim()).to_owned());
    }
    Ok(values)
}

/// The value without its quotes, or without the comment behind it.
fn unquoted(value: &str) -> &str {
    for quote in ['"', '\''] {
        if let Some(rest) = value.strip_prefix(quote) {
            return rest.split(quote).next().unwrap_or_default();
        }
    }
    value.split(" #").next().unwrap_or_default().trim_end()
}

/// The values to pass, and the names that keep theirs. Given values come first, then the installation's; the rest
/// stays.
pub(crate) fn plan(
    given: &BTreeMap<String, String>,
    secret_arn: &str,
    architecture: &str,
    current: &BTreeMap<String, String>,
    template: &str,
) -> (BTreeMap<String, String>, BTreeSet<String>) {
    let mut values = given.clone();
    values
        .entry(SECRET.to_owned())
        .or_insert_with(|| secret_arn.to_owned());
    values.insert(ARCHITECTURE.to_owned(), architecture.to_owned());
    let known = names(template);
    let kept = current
        .keys()
        .filter(|name| known.contains(name.as_str()) && !values.contains_key(*name))
        .cloned()
        .collect();
    (values, kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owned(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect()
    }

    #[test]
    fn names_are_those_of_the_template() {
        let names = names(TEMPLATE);
        for name in [
            SECRET,
            ARCHITECTURE,
            "AlarmEmail",
            "RetrySeconds",
            "QueueKeyArn",
        ] {
            assert!(names.contains(name), "{name}");
        }
        assert!(!names.contains("Type") && !names.contains("DomainHasCertificate"));
    }

    #[test]
    fn files_have_the_form_of_the_example() {
        let example = include_str!("../../../parameters.example.yaml");
        let values = parse(example).unwrap();
        assert_eq!(values["ReconcileSchedule"], "rate(5 minutes)");
        assert_eq!(values["FullReconcileSchedule"], "cron(15 3 * * ? *)");
        assert_eq!(values["CorsOrigins"], "https://a.example,https://b.example");
        assert!(
            values
                .keys()
                .all(|name| names(TEMPLATE).contains(name.as_str()))
        );

        let values = parse("---\nA: \"x # y\" # z\nB: 'c'\nC: d # e\nD:\n").unwrap();
        let expected = owned(&[("A", "x # y"), ("B", "c"), ("C", "d"), ("D", "")]);
        assert_eq!(values, expected);
        for (text, line) in [
            ("A", 1),
            ("A: 1\nB", 2),
            ("A:b", 1),
            ("  A: b", 1),
            ("- A: b", 1),
        ] {
            assert_eq!(parse(text), Err(line), "{text}");
        }
    }

    #[test]
    fn unknown_names_and_forms_are_refused() {
        let read = |parameters: &[&str]| {
            let parameters = parameters.iter().map(|text| (*text).to_owned()).collect();
            ParameterOptions {
                parameters,
                parameters_file: None,
            }
            .read()
        };
        assert_eq!(
            read(&["ReconcileSchedule=rate(5 minutes)"]).unwrap()["ReconcileSchedule"],
            "rate(5 minutes)"
        );
        assert!(
            read(&["AlarmMail=x"])
                .unwrap_err()
                .message
                .contains("AlarmMail")
        );
        assert_eq!(read(&["AlarmEmail"]).unwrap_err().exit, Exit::Usage);
    }

    #[test]
    fn change_passes_what_is_given_and_keeps_the_rest() {
        let given = owned(&[("AlarmEmail", "a@b")]);
        let current = owned(&[
            ("AlarmEmail", "old"),
            ("LogLevel", "warn"),
            ("ConfigSecretArn", "old"),
            ("OfAnOldVersion", "x"),
        ]);
        let (values, kept) = plan(&given, "arn", "x86_64", &current, TEMPLATE);
        let expected = owned(&[
            ("AlarmEmail", "a@b"),
            ("Architecture", "x86_64"),
            ("ConfigSecretArn", "arn"),
        ]);
        assert_eq!(values, expected);
        assert_eq!(kept.into_iter().collect::<Vec<_>>(), ["LogLevel"]);
        let own = owned(&[("ConfigSecretArn", "mine")]);
        let (values, _) = plan(&own, "arn", "arm64", &BTreeMap::new(), TEMPLATE);
        assert_eq!(values["ConfigSecretArn"], "mine");
    }
}
