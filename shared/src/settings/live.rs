//! The rules for uploads while a function lives.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::OnceCell;

use super::database::{fetch_settings, write_setting};
use super::plan::{RulesOrigin, plan_rules};
use crate::config::{SETTINGS, SecretSettings, UPLOAD_RULES};
use crate::deadline::Deadline;
use crate::rotation::{LiveValue, SecretContent, SecretFetch, ValueVersion};
use crate::supabase::{DataApi, SupabaseError};
use crate::upload::UploadRules;

/// The rules for uploads: read from the database when they are first needed, and then as often as a secret is.
#[derive(Clone)]
pub struct LiveRules {
    source: Arc<RulesSource>,
    known: Arc<OnceCell<LiveValue<UploadRules>>>,
}

/// Reasons why the rules for uploads are not known.
#[derive(Debug, thiserror::Error)]
pub enum SettingError {
    #[error("the settings could not be read from the database")]
    Read(#[source] SupabaseError),
    #[error("{name} could not be imported from the secret")]
    Import {
        name: &'static str,
        #[source]
        source: SupabaseError,
    },
    #[error(
        "{name} {fault}: `mediasync config set {name}` writes better ones (they come from the {})",
        .origin.word()
    )]
    Unusable {
        name: &'static str,
        origin: RulesOrigin,
        fault: String,
    },
}

impl LiveRules {
    /// Rules that nobody has asked for yet. `supabase` calls with the secret key.
    pub fn new(supabase: DataApi, secret: LiveValue<SecretSettings>) -> Self {
        Self {
            source: Arc::new(RulesSource {
                supabase,
                secret,
                has_told: AtomicBool::new(false),
            }),
            known: Arc::default(),
        }
    }

    /// The rules, five minutes old at most while the database answers. While it does not, the last known ones stay.
    ///
    /// # Errors
    /// When no rules are known yet.
    pub async fn current(
        &self,
        deadline: Deadline,
    ) -> Result<ValueVersion<UploadRules>, SettingError> {
        let first = async || {
            let content = self.source.read(deadline).await?;
            let source = Arc::clone(&self.source);
            let fetch: SecretFetch = Box::new(move || {
                let source = Arc::clone(&source);
                Box::pin(async move { Ok(source.read(Deadline::NEVER).await?) })
            });
            let live = LiveValue::rotating(content, fetch, parse);
            Ok(live.expect("only rules that can be parsed are read"))
        };
        let live = self.known.get_or_try_init(first).await?;
        Ok(live.current_until(deadline).await)
    }

    /// Newer rules than those that refused something; nothing if there are none, or the database was just asked.
    pub async fn renewed_if_due(
        &self,
        refused: &ValueVersion<UploadRules>,
    ) -> Option<ValueVersion<UploadRules>> {
        self.known.get()?.renewed_if_due(refused).await
    }
}

/// Imports the settings that an old secret holds, unless the database was ever given some. A secret without any costs
/// no call.
///
/// # Errors
/// When they cannot be used, or the database cannot be asked.
pub async fn import_settings(
    supabase: &DataApi,
    secret: &LiveValue<SecretSettings>,
) -> Result<(), SettingError> {
    let secret = secret.latest();
    for name in SETTINGS {
        if let Some(text) = secret.get(name) {
            read_rules(supabase, name, Some(text)).await?;
        }
    }
    Ok(())
}

struct RulesSource {
    supabase: DataApi,
    secret: LiveValue<SecretSettings>,
    /// True once a line has told that the secret's value is unused.
    has_told: AtomicBool,
}

impl RulesSource {
    async fn read(&self, deadline: Deadline) -> Result<SecretContent, SettingError> {
        let secret = self.secret.current_until(deadline).await;
        let in_secret = secret.get(UPLOAD_RULES);
        let text = read_rules(&self.supabase.until(deadline), UPLOAD_RULES, in_secret).await?;
        if in_secret.is_some() && !self.has_told.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                setting = UPLOAD_RULES,
                "the database keeps this setting, and nothing reads the secret's any more: `mediasync config unset \
                 --leftover {UPLOAD_RULES}` removes it"
            );
        }
        Ok([(UPLOAD_RULES.to_owned(), text)].into())
    }
}

/// The rules as JSON text. Those that only the secret has are imported.
async fn read_rules(
    supabase: &DataApi,
    name: &'static str,
    in_secret: Option<&str>,
) -> Result<String, SettingError> {
    let unusable = |(origin, fault)| SettingError::Unusable {
        name,
        origin,
        fault,
    };
    let plan = async || {
        let settings = fetch_settings(supabase).await.map_err(SettingError::Read)?;
        plan_rules(name, settings.get(name), in_secret).map_err(unusable)
    };
    let planned = plan().await?;
    if planned.origin != RulesOrigin::Secret {
        return Ok(planned.text);
    }
    let value = serde_json::from_str(&planned.text).expect("it was parsed above");
    let written = write_setting(supabase, name, Some(&value), true).await;
    if written.map_err(|source| SettingError::Import { name, source })? {
        tracing::info!(
            setting = name,
            "the secret's value was imported into the database"
        );
        return Ok(planned.text);
    }
    // Somebody else has written it meanwhile.
    Ok(plan().await?.text)
}

fn parse(content: &SecretContent) -> Option<UploadRules> {
    UploadRules::parse(content.get(UPLOAD_RULES)?).ok()
}

impl RulesOrigin {
    const fn word(self) -> &'static str {
        match self {
            Self::Database => "database",
            Self::Secret => "secret",
            Self::Default => "defaults",
        }
    }
}

impl fmt::Debug for LiveRules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = self.known.get();
        f.debug_struct("LiveRules")
            .field("known", &known)
            .finish_non_exhaustive()
    }
}
