//! Public ids in lists of a call (pure).

use super::CloudinaryError;

/// Tells whether a list may be split within this public id: Cloudinary joins and splits lists by
/// commas. The parts are names too, and may be those of other assets.
pub fn may_be_split(public_id: &str) -> bool {
    public_id.contains(',')
}

/// Refuses names that a list may be split within.
pub(super) fn check_names(doing: &str, public_ids: &[String]) -> Result<(), CloudinaryError> {
    match public_ids.iter().find(|name| may_be_split(name)) {
        Some(name) => Err(CloudinaryError::Invalid {
            doing: doing.to_owned(),
            reason: format!("a list of names may be split within `{name}`"),
        }),
        None => Ok(()),
    }
}

/// The segments of an address that names one asset. A slash divides them, unless the address would
/// lose a segment.
pub(super) fn address_segments(public_id: &str) -> Vec<String> {
    let is_lost = |segment: &str| matches!(segment, "" | "." | "..");
    if public_id.split('/').any(is_lost) {
        return vec![public_id.to_owned()];
    }
    public_id.split('/').map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_keeps_every_segment_of_a_name() {
        assert_eq!(address_segments("lost/a,b"), ["lost", "a,b"]);
        for whole in ["a//b", "../a", "a/.", "/a"] {
            assert_eq!(address_segments(whole), [whole]);
        }
    }
}
