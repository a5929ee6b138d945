//! The fields of a signed request (pure).

use super::ApiCredentials;
use super::call::Param;
use super::signature::sign_params;
use crate::time::Timestamp;

/// Adds timestamp, key and signature. `now` is on Cloudinary's clock, so that a wrong clock of ours
/// makes no request stale.
pub(super) fn signed_form(
    params: &[(&'static str, Param)],
    credentials: &ApiCredentials,
    now: Timestamp,
) -> Vec<(String, String)> {
    let timestamp = (now.micros() / 1_000_000).to_string();
    let mut signed: Vec<(&str, String)> = vec![("timestamp", timestamp.clone())];
    let mut form = vec![
        ("timestamp".to_owned(), timestamp),
        ("api_key".to_owned(), credentials.api_key().to_owned()),
    ];
    for (name, param) in params {
        match param {
            Param::One(value) => {
                // The remote address of a file is a parameter that is never signed.
                if *name != "file" {
                    signed.push((name, value.clone()));
                }
                form.push(((*name).to_owned(), value.clone()));
            }
            Param::Many(values) => {
                signed.push((name, values.join(",")));
                form.extend(
                    values
                        .iter()
                        .map(|value| (format!("{name}[]"), value.clone())),
                );
            }
        }
    }
    let signature = sign_params(
        signed.iter().map(|(name, value)| (*name, value.as_str())),
        credentials.api_secret(),
        credentials.algorithm(),
    );
    form.push(("signature".to_owned(), signature));
    form
}
