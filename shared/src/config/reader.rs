//! Reads keys and collects their faults: names, never values (pure).

use std::collections::BTreeMap;

use super::error::ConfigError;

/// A map of keys, and the problems that were met so far.
#[derive(Debug)]
pub struct ConfigReader<'a> {
    map: &'a BTreeMap<String, String>,
    problems: Vec<String>,
}

impl<'a> ConfigReader<'a> {
    pub(super) fn new(map: &'a BTreeMap<String, String>) -> Self {
        Self {
            map,
            problems: Vec::new(),
        }
    }

    pub(super) fn finish<T>(self, config: Option<T>) -> Result<T, ConfigError> {
        config
            .filter(|_| self.problems.is_empty())
            .ok_or(ConfigError::Invalid(self.problems))
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.map.get(key).is_some_and(|value| !value.is_empty())
    }

    pub(super) fn required<T>(
        &mut self,
        key: &str,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        if !self.has(key) {
            self.complain(format!("{key} is missing"));
        }
        self.optional(key, parse)
    }

    /// As [`ConfigReader::required`], for a key in whose place `other` would do.
    pub(super) fn required_or<T>(
        &mut self,
        key: &str,
        other: &str,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        if !self.has(key) && !self.has(other) {
            self.complain(format!("{key} is missing, and so is {other}"));
        }
        self.optional(key, parse)
    }

    pub(super) fn optional<T>(
        &mut self,
        key: &str,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        let text = self.map.get(key).filter(|value| !value.is_empty())?;
        match parse(text) {
            Ok(value) => Some(value),
            Err(problem) => {
                self.complain(format!("{key} {problem}"));
                None
            }
        }
    }

    /// Two parts may need the same key; one complaint is enough.
    fn complain(&mut self, problem: String) {
        if !self.problems.contains(&problem) {
            self.problems.push(problem);
        }
    }
}
