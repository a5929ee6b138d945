//! The keys of the configuration.

pub(super) const SECRET_ARN: &str = "CONFIG_SECRET_ARN";
pub(super) const CLOUDINARY_URL: &str = "CLOUDINARY_URL";
pub(super) const NOTIFICATION_SECRETS: &str = "CLOUDINARY_NOTIFICATION_SECRETS";
pub(super) const SUPABASE_URL: &str = "SUPABASE_URL";
pub(super) const SUPABASE_SECRET_KEY: &str = "SUPABASE_SECRET_KEY";
pub(super) const SUPABASE_PUBLISHABLE_KEY: &str = "SUPABASE_PUBLISHABLE_KEY";
pub(super) const SUPABASE_JWT_SECRET: &str = "SUPABASE_JWT_SECRET";
pub(super) const CURSOR_SECRET: &str = "CURSOR_SECRET";
pub(super) const UPLOAD_RULES: &str = "UPLOAD_RULES";

/// The keys that a secret may have.
pub const KEYS: [&str; 8] = [
    CLOUDINARY_URL,
    NOTIFICATION_SECRETS,
    SUPABASE_URL,
    SUPABASE_SECRET_KEY,
    SUPABASE_PUBLISHABLE_KEY,
    SUPABASE_JWT_SECRET,
    CURSOR_SECRET,
    UPLOAD_RULES,
];
