//! Parameters that ask for an add-on. The account has subscribed to none, so none of their values will do.

use crate::error::ApiError;
use crate::params::Params;

/// Refuses the parameters of add-ons at an upload, each in its own words.
pub(super) fn refuse_at_upload(params: &Params) -> Result<(), ApiError> {
    let refused = [
        params
            .filled("raw_convert")
            .map(|_| "Raw convert is invalid".to_owned()),
        params
            .filled("categorization")
            .map(|value| format!("Categorization item {value} is not valid")),
        params
            .filled("detection")
            .map(|value| format!("Detection invalid model '{value}'")),
        params
            .filled("background_removal")
            .map(|_| "Background removal is invalid".to_owned()),
    ];
    if let Some(message) = refused.into_iter().flatten().next() {
        return Err(ApiError::bad_request(message));
    }
    match params.filled("moderation") {
        None | Some("manual") => Ok(()),
        Some(kind) => Err(ApiError::new(
            420,
            format!("You don't have an active subscription for {kind}"),
        )),
    }
}

pub(crate) fn refuse_at_update(params: &Params) -> Result<(), ApiError> {
    let names = [
        "raw_convert",
        "categorization",
        "detection",
        "background_removal",
    ];
    let asked = names
        .iter()
        .find_map(|name| Some((name, params.filled(name)?)));
    asked.map_or(Ok(()), |(name, value)| {
        let message = format!("Illegal value {value} for parameter {name}");
        Err(ApiError::bad_request(message))
    })
}
