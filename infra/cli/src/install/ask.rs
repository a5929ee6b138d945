//! Questions to a person at a terminal; each answer is tested for its form at once.

use dialoguer::{Input, Password};
use media_sync::cloudinary::ApiCredentials;
use media_sync::supabase::ApiKey;

use super::keys::{ADMIN_EMAIL, DATABASE_URL, is_email};
use crate::configuration::{
    CLOUDINARY_URL, SUPABASE_PUBLISHABLE_KEY, SUPABASE_SECRET_KEY, SUPABASE_URL,
};
use crate::database::DatabaseAddress;
use crate::exit::Exit;
use crate::failure::Failure;

/// Asks for an answer by its key. Secrets are not shown while they are typed.
pub(crate) fn ask(key: &str) -> Result<String, Failure> {
    let (question, is_secret) = question(key);
    let answer = if is_secret {
        Password::new()
            .with_prompt(question)
            .validate_with(|text: &String| judge(key, text.trim()))
            .interact()
    } else {
        Input::new()
            .with_prompt(question)
            .validate_with(|text: &String| judge(key, text.trim()))
            .interact_text()
    };
    answer.map(|text| text.trim().to_owned()).map_err(|error| {
        Failure::new(
            Exit::Failed,
            format!("the question was not answered: {error}"),
        )
    })
}

fn question(key: &str) -> (String, bool) {
    let (text, is_secret) = match key {
        CLOUDINARY_URL => (
            "Cloudinary's API environment variable (console: Settings, API Keys), cloudinary://...",
            true,
        ),
        SUPABASE_URL => (
            "Address of the Supabase project, https://PROJECT.supabase.co",
            false,
        ),
        SUPABASE_SECRET_KEY => (
            "Its secret key (dashboard: Settings, API Keys), sb_secret_...",
            true,
        ),
        SUPABASE_PUBLISHABLE_KEY => ("Its publishable key, sb_publishable_...", false),
        DATABASE_URL => (
            "Address of its database with the password (dashboard: Connect, Session pooler)",
            true,
        ),
        ADMIN_EMAIL => ("E-mail address of the first administrator", false),
        key => return (key.to_owned(), true),
    };
    (text.to_owned(), is_secret)
}

/// Judges an answer's form (pure).
fn judge(key: &str, text: &str) -> Result<(), String> {
    if text.is_empty() {
        return Err("it is needed".to_owned());
    }
    match key {
        CLOUDINARY_URL => ApiCredentials::parse(text)
            .map(drop)
            .map_err(|error| error.to_string()),
        SUPABASE_URL if !text.starts_with("https://") && !text.starts_with("http://") => {
            Err("it begins with https://".to_owned())
        }
        SUPABASE_SECRET_KEY | SUPABASE_PUBLISHABLE_KEY => ApiKey::parse(text)
            .map(drop)
            .map_err(|error| error.to_string()),
        DATABASE_URL => DatabaseAddress::parse(text, std::env::var("PGPASSWORD").ok())
            .map(drop)
            .map_err(|error| error.to_string()),
        ADMIN_EMAIL if !is_email(text) => Err("it is no e-mail address".to_owned()),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_judged_by_their_keys() {
        for (key, good, bad) in [
            (
                CLOUDINARY_URL,
                "cloudinary://1:x@demo",
                "https://cloudinary.com",
            ),
            (SUPABASE_URL, "https://p.supabase.co", "p.supabase.co"),
            (SUPABASE_SECRET_KEY, "sb_secret_x", "x"),
            (DATABASE_URL, "postgresql://u:p@h/d", "h"),
            (ADMIN_EMAIL, "a@b", "a"),
        ] {
            assert_eq!(judge(key, good), Ok(()), "{key}");
            assert!(judge(key, bad).is_err(), "{key}");
            assert!(judge(key, "").is_err(), "{key}");
        }
    }
}
