//! Searches everything that was logged for what may be in no log.

use std::fs;

use super::Stack;
use crate::Part;

/// Shorter values occur by chance.
const SHORTEST: usize = 12;

/// Keys of the configuration that are no secrets.
const PUBLIC: [&str; 2] = ["SUPABASE_URL", "SUPABASE_PUBLISHABLE_KEY"];

/// One secret, and what it is.
type Secret = (String, String);

impl Stack {
    /// Names each log that holds a secret of this stack, and what it holds. The functions' logs are searched
    /// while the emulator runs.
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
        let config = self.plan.config.iter();
        let config = config.filter(|(key, _)| !PUBLIC.contains(&key.as_str()));
        let config = config.map(|(key, value)| (key.clone(), value.clone()));
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

    async fn all_logs(&self) -> Vec<(String, String)> {
        let mut logs = Vec::new();
        for entry in fs::read_dir(self.logs()).into_iter().flatten().flatten() {
            let bytes = fs::read(entry.path()).unwrap_or_default();
            let name = entry.file_name().to_string_lossy().into_owned();
            logs.push((name, String::from_utf8_lossy(&bytes).into_owned()));
        }
        if !self.is_running(Part::Aws).await {
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

    async fn is_running(&self, part: Part) -> bool {
        let parts = self.parts.lock().await;
        parts
            .process(part)
            .is_ok_and(|process| process.is_running())
    }
}
