//! Settings that the database keeps for functions and triggers alike: the rules for uploads and of access, and the
//! limits of a user.
//!
//! Releases before 0.2.0 kept them in the secret. A value there is imported once, if the database was never given one.

mod database;
mod live;
mod plan;
mod user_limits;

pub use self::database::{StoredSetting, fetch_settings, write_setting};
pub use self::live::{LiveRules, SettingError, import_settings};
pub use self::plan::{RulesOrigin, RulesPlan, check_setting, plan_rules};
pub use self::user_limits::UserLimits;

#[cfg(test)]
mod tests;
