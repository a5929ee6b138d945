//! The keys of the configuration.

pub(super) const SECRET_ARN: &str = "CONFIG_SECRET_ARN";
pub(super) const CLOUDINARY_URL: &str = "CLOUDINARY_URL";
pub(super) const NOTIFICATION_SECRETS: &str = "CLOUDINARY_NOTIFICATION_SECRETS";
pub(super) const SUPABASE_URL: &str = "SUPABASE_URL";
pub(super) const SUPABASE_SECRET_KEY: &str = "SUPABASE_SECRET_KEY";
pub(super) const SUPABASE_PUBLISHABLE_KEY: &str = "SUPABASE_PUBLISHABLE_KEY";
pub(super) const SUPABASE_JWT_SECRET: &str = "SUPABASE_JWT_SECRET";
pub(super) const SUPABASE_JWT_ISSUERS: &str = "SUPABASE_JWT_ISSUERS";
pub(super) const CURSOR_SECRET: &str = "CURSOR_SECRET";
/// The setting that holds the rules for uploads.
pub const UPLOAD_RULES: &str = "UPLOAD_RULES";

/// The setting that holds the limits of one user.
pub const USER_LIMITS: &str = "USER_LIMITS";

/// The keys that a secret may have.
pub const KEYS: [&str; 8] = [
    CLOUDINARY_URL,
    NOTIFICATION_SECRETS,
    SUPABASE_URL,
    SUPABASE_SECRET_KEY,
    SUPABASE_PUBLISHABLE_KEY,
    SUPABASE_JWT_SECRET,
    SUPABASE_JWT_ISSUERS,
    CURSOR_SECRET,
];

/// The setting that holds the rules of access.
pub const ACCESS_RULES: &str = "ACCESS_RULES";

/// The settings that the database keeps. Releases before 0.2.0 kept them in the secret.
pub const SETTINGS: [&str; 3] = [UPLOAD_RULES, ACCESS_RULES, USER_LIMITS];
