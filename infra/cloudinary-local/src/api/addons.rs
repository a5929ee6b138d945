//! Parameters that ask for an add-on. The account has subscribed to none, so none of their values will do.

use crate::error::ApiError;
use crate::model::ResourceType;
use crate::params::Params;

/// Refuses the parameters of add-ons at an upload, each in its own words.
pub(super) fn refuse_at_upload(
    params: &Params,
    resource: Option<ResourceType>,
) -> Result<(), ApiError> {
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
    params
        .filled("moderation")
        .map_or(Ok(()), |kinds| moderation(kinds, resource))
}

/// One kind, or several between bars with `manual` as the last. Each is for some types of files; where the type is found from
/// the file, any will do. By Cloudinary's own description of the upload (npm `@cloudinary/asset-management-mcp`
/// 0.11.0); its words for an unknown kind are not known. All but `manual` are add-ons.
fn moderation(kinds: &str, resource: Option<ResourceType>) -> Result<(), ApiError> {
    let kinds: Vec<&str> = kinds.split('|').collect();
    let ends = kinds.len() - 1;
    let fits = |(place, kind): (usize, &&str)| {
        let of = |only: ResourceType| resource.is_none_or(|resource| resource == only);
        match kind.split_once(':') {
            Some(("duplicate", threshold)) => {
                let threshold = threshold.parse::<f64>();
                of(ResourceType::Image) && threshold.is_ok_and(|it| (0.0..=1.0).contains(&it))
            }
            Some(_) => false,
            None => match *kind {
                "manual" => place == ends,
                "perception_point" => true,
                "webpurify" | "aws_rek" => of(ResourceType::Image),
                "aws_rek_video" | "google_video_moderation" => of(ResourceType::Video),
                _ => false,
            },
        }
    };
    if !kinds.iter().enumerate().all(fits) {
        return Err(ApiError::invalid("moderation"));
    }
    let add_on = kinds.iter().find(|kind| **kind != "manual");
    add_on.map_or(Ok(()), |kind| {
        let message = format!("You don't have an active subscription for {kind}");
        Err(ApiError::new(420, message))
    })
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
