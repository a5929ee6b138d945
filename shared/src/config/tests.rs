use std::collections::BTreeMap;

use super::keys::*;
use super::*;
use crate::cloudinary::signature::NotificationVerifier;
use crate::cursor::CursorKey;

fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect()
}

const GOOD: [(&str, &str); 4] = [
    (CLOUDINARY_URL, "cloudinary://1:hush-hush@demo"),
    (SUPABASE_URL, "http://127.0.0.1:54321"),
    (SUPABASE_SECRET_KEY, "sb_secret_hush-hush"),
    (SUPABASE_PUBLISHABLE_KEY, "sb_publishable_x"),
];

#[test]
fn four_keys_are_enough() {
    let config = Config::from_map(&map(&GOOD)).unwrap();
    assert_eq!(config.cloudinary.credentials.cloud_name(), "demo");
    let url = config.supabase.callers.url.as_str();
    assert_eq!(url, "http://127.0.0.1:54321/");
}

#[test]
fn every_mistake_is_named_at_once_and_no_value_is_shown() {
    let error = Config::from_map(&map(&[
        (CLOUDINARY_URL, "cloudinary://hush-hush"),
        (NOTIFICATION_SECRETS, "hush-hush"),
        (SUPABASE_URL, "hush-hush"),
        (SUPABASE_SECRET_KEY, "sb_publishable_hush-hush"),
    ]))
    .unwrap_err()
    .to_string();
    for key in [
        CLOUDINARY_URL,
        NOTIFICATION_SECRETS,
        SUPABASE_URL,
        SUPABASE_SECRET_KEY,
        "SUPABASE_PUBLISHABLE_KEY is missing",
    ] {
        assert!(error.contains(key), "{key} not in {error}");
    }
    assert!(!error.contains("hush-hush"), "{error}");
}

#[test]
fn a_setting_that_an_old_secret_holds_stops_nobody_however_broken() {
    let mut given = map(&GOOD);
    let settings = from_map::<(Config, SecretSettings)>;
    assert_eq!(settings(&given).unwrap().1.get(UPLOAD_RULES), None);
    given.insert(UPLOAD_RULES.into(), "{broken".into());
    let found = settings(&given).unwrap().1;
    assert_eq!(found.get(UPLOAD_RULES), Some("{broken"));
}

#[test]
fn each_audience_needs_its_own_keys_and_no_others() {
    let keys = |names: &[&str]| {
        let all = GOOD.into_iter().chain([
            (NOTIFICATION_SECRETS, r#"{"2":"hush-hush"}"#),
            (CURSOR_SECRET, "hush-hush-hush-hush-hush-hush-hush"),
        ]);
        let chosen: Vec<_> = all.filter(|(key, _)| names.contains(key)).collect();
        map(&chosen)
    };
    let webhook = keys(&[NOTIFICATION_SECRETS]);
    assert!(from_map::<NotificationVerifier>(&webhook).is_ok());
    let reading = keys(&[SUPABASE_URL, SUPABASE_PUBLISHABLE_KEY, CURSOR_SECRET]);
    assert!(from_map::<(CallerConfig, CursorKey)>(&reading).is_ok());
    let worker = keys(&[CLOUDINARY_URL, SUPABASE_URL, SUPABASE_SECRET_KEY]);
    assert!(from_map::<(CloudinaryConfig, ServiceConfig)>(&worker).is_ok());
}

#[test]
fn a_key_that_another_could_replace_is_missed_with_the_other() {
    let problem = |error: ConfigError| match error {
        ConfigError::Invalid(problems) => problems.join("; "),
        error => error.to_string(),
    };
    let webhook = from_map::<NotificationVerifier>(&map(&[])).err();
    let said = "CLOUDINARY_URL is missing, and so is CLOUDINARY_NOTIFICATION_SECRETS";
    assert_eq!(problem(webhook.unwrap()), said);
    let cursors = from_map::<CursorKey>(&map(&[])).err();
    let said = "SUPABASE_SECRET_KEY is missing, and so is CURSOR_SECRET";
    assert_eq!(problem(cursors.unwrap()), said);
    let short = from_map::<CursorKey>(&map(&[(CURSOR_SECRET, "short")])).err();
    assert_eq!(
        problem(short.unwrap()),
        "CURSOR_SECRET is shorter than 32 bytes"
    );
    let both = from_map::<(CallerConfig, ServiceConfig)>(&map(&[])).err();
    let said = problem(both.unwrap());
    assert_eq!(said.matches("SUPABASE_URL").count(), 1, "{said}");
}

#[test]
fn address_of_the_data_api_is_not_taken_for_the_project() {
    for text in ["https://p.example/rest/v1", "https://p.example/rest/v1/"] {
        let mut given = map(&GOOD);
        given.insert(SUPABASE_URL.into(), text.into());
        let error = Config::from_map(&given).unwrap_err().to_string();
        assert!(error.contains("leave /rest/v1 out"), "{error}");
    }
}

#[test]
fn swapped_keys_are_refused() {
    let mut swapped = map(&GOOD);
    swapped.insert(SUPABASE_PUBLISHABLE_KEY.into(), "sb_secret_x".into());
    let error = Config::from_map(&swapped).unwrap_err().to_string();
    assert!(
        error.contains("SUPABASE_PUBLISHABLE_KEY holds a Secret key"),
        "{error}"
    );
}

#[test]
fn swapped_legacy_keys_are_refused_by_their_role() {
    // {"alg":"HS256"}.{"role":...}.x
    let key = |claims| format!("eyJhbGciOiJIUzI1NiJ9.{claims}.x");
    let anon = key("eyJyb2xlIjoiYW5vbiJ9");
    let service = key("eyJyb2xlIjoic2VydmljZV9yb2xlIn0");
    let with = |secret: &str, publishable: &str| {
        let mut keys = map(&GOOD);
        keys.insert(SUPABASE_SECRET_KEY.into(), secret.into());
        keys.insert(SUPABASE_PUBLISHABLE_KEY.into(), publishable.into());
        Config::from_map(&keys).map_err(|error| error.to_string())
    };
    assert!(with(&service, &anon).is_ok());
    let error = with(&anon, &service).unwrap_err();
    for said in [
        "SUPABASE_SECRET_KEY holds a Publishable key",
        "SUPABASE_PUBLISHABLE_KEY holds a Secret key",
    ] {
        assert!(error.contains(said), "{error}");
    }
}

#[test]
fn a_legacy_secret_that_can_be_guessed_is_refused() {
    let mut short = map(&GOOD);
    short.insert(SUPABASE_JWT_SECRET.into(), "x".repeat(31));
    let error = Config::from_map(&short).unwrap_err().to_string();
    assert!(
        error.contains("SUPABASE_JWT_SECRET is shorter than 32 bytes"),
        "{error}"
    );
}

#[test]
fn debug_shows_no_secret() {
    let mut all = map(&GOOD);
    all.insert(NOTIFICATION_SECRETS.into(), r#"{"2":"hush-hush"}"#.into());
    all.insert(SUPABASE_JWT_SECRET.into(), "hush-hush".repeat(4));
    let shown = format!("{:?}", Config::from_map(&all).unwrap());
    assert!(!shown.contains("hush-hush"), "{shown}");
}
