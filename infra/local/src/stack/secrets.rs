//! Searches all logs for secrets.

use std::fs;
use std::sync::PoisonError;

use super::LocalStack;
use crate::StackPart;

/// Shorter values occur by chance.
const SHORTEST: usize = 12;

/// Keys of the configuration that are no secrets.
const PUBLIC: [&str; 4] = [
    "SUPABASE_URL",
    "SUPABASE_PUBLISHABLE_KEY",
    "UPLOAD_RULES",
    "ACCESS_RULES",
];

/// A part of a value that is so long is a secret of its own. The ids of keys are shorter.
const A_SECRET: usize = 20;

/// One secret, and its name.
type Secret = (String, String);

impl LocalStack {
    /// Names each log that holds a secret of this stack, and the secret. The functions' logs are searched while the
    /// emulator runs.
    pub async fn secrets_in_logs(&self) -> Vec<String> {
        let secrets = self.secrets();
        let mut found = Vec::new();
        for (name, log) in self.all_logs().await {
            let held = secrets
                .iter()
                .filter(|(_, value)| log.contains(value.as_str()));
            for (what, value) in held {
                let line = log.lines().find(|line| line.contains(value.as_str()));
                let line = line.unwrap_or_default().replace(value.as_str(), "***");
                found.push(format!("{name} holds {what}: {line}"));
            }
        }
        found
    }

    fn secrets(&self) -> Vec<Secret> {
        let keys = self.keys.secrets().into_iter();
        let keys = keys.map(|(what, value)| (what.to_owned(), value));
        let rotated = self.rotated.lock().unwrap_or_else(PoisonError::into_inner);
        let config = self.plan.config.iter();
        let config = config.map(|(key, value)| (key.clone(), value.clone()));
        let config = config.chain(rotated.iter().cloned());
        let config = config.filter(|(key, _)| !PUBLIC.contains(&key.as_str()));
        let config = config.flat_map(|(key, value)| {
            let parts = parts(&value).map(str::to_owned).collect::<Vec<_>>();
            let all = parts.into_iter().chain([value]);
            all.map(move |part| (key.clone(), part))
        });
        let urls = [
            self.cloudinary_url().unwrap_or_default(),
            &self.database_url,
        ];
        let passwords = urls.into_iter().filter_map(|url| {
            let url = url::Url::parse(url).ok()?;
            Some((
                format!("the password of {}://", url.scheme()),
                url.password()?.to_owned(),
            ))
        });
        keys.chain(config)
            .chain(passwords)
            .filter(|(_, value)| value.len() >= SHORTEST)
            .collect()
    }

    /// Notes a secret that comes into play while the stack runs.
    pub(super) fn note_secret(&self, what: &str, value: &str) {
        let mut rotated = self.rotated.lock().unwrap_or_else(PoisonError::into_inner);
        rotated.push((what.to_owned(), value.to_owned()));
    }

    async fn all_logs(&self) -> Vec<(String, String)> {
        let mut logs = Vec::new();
        for entry in fs::read_dir(self.logs()).into_iter().flatten().flatten() {
            let bytes = fs::read(entry.path()).unwrap_or_default();
            let name = entry.file_name().to_string_lossy().into_owned();
            logs.push((name, String::from_utf8_lossy(&bytes).into_owned()));
        }
        if !self.is_running(StackPart::Aws).await {
            return logs;
        }
        for (name, real) in self.deployment().functions() {
            if let Ok(aws) = self.aws().await
                && let Ok(log) = aws.function_log(real).await
            {
                logs.push((name.to_owned(), log));
            }
        }
        logs
    }

    async fn is_running(&self, part: StackPart) -> bool {
        let parts = self.parts.lock().await;
        parts
            .process(part)
            .is_ok_and(|process| process.is_running())
    }
}

/// The secrets in a value that holds several, as `key:secret,key:secret` and `new old` do.
fn parts(value: &str) -> impl Iterator<Item = &str> {
    let is_between = |character: char| !character.is_ascii_alphanumeric() && character != '_';
    let parts = value.split(is_between);
    parts.filter(|part| part.len() >= A_SECRET)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_secret_of_a_value_is_looked_for() {
        let (first, second) = ("a".repeat(27), "b".repeat(40));
        let all = |value: &str| Vec::from_iter(parts(value).map(str::to_owned));
        let pairs = format!("123456789012345:{first},543210987654321:{second}");
        assert_eq!(all(&pairs), [first.as_str(), &second]);
        assert_eq!(all(&format!("{first} {second}")), [first.as_str(), &second]);
        assert_eq!(all("cloudinary://123456789012345:short@cloud"), [""; 0]);
    }
}
