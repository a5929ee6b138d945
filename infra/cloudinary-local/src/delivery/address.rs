//! Reads delivery addresses: `/{cloud}/{resource_type}/{type}/[s--..--/][transformation/][v1/]name`.

use percent_encoding::percent_decode_str;

use crate::model::{DeliveryType, ResourceType};

#[derive(Debug, PartialEq)]
pub(super) struct Address {
    pub(super) kind: ResourceType,
    pub(super) delivery: DeliveryType,
    pub(super) signature: Option<String>,
    /// Transformations, version and name, still together.
    pub(super) rest: Vec<String>,
    /// The same as it was written, escapes and all.
    written: Vec<String>,
}

impl Address {
    pub(super) fn parse(path: &str, cloud: &str) -> Option<Self> {
        let read = |part: &str| percent_decode_str(part).decode_utf8_lossy().into_owned();
        let mut parts = path.split('/').skip(1);
        if read(parts.next()?) != cloud {
            return None;
        }
        let kind = read(parts.next()?).parse().ok()?;
        let delivery = read(parts.next()?).parse().ok()?;
        let mut written: Vec<String> = parts.map(str::to_owned).collect();
        let mut rest: Vec<String> = written.iter().map(|part| read(part)).collect();
        let signature = rest.first().and_then(|part| {
            part.strip_prefix("s--")?
                .strip_suffix("--")
                .map(str::to_owned)
        });
        if signature.is_some() {
            rest.remove(0);
            written.remove(0);
        }
        (!rest.is_empty()).then_some(Self {
            kind,
            delivery,
            signature,
            rest,
            written,
        })
    }

    /// The texts that may have been signed: all of the address as it was written, or all but one segment that looks
    /// like a version. The SDKs escape differently, and each signs its own form.
    pub(super) fn signed_texts(&self) -> impl Iterator<Item = String> + '_ {
        let versions = (0..self.written.len()).filter(|at| is_version(&self.written[*at]));
        let without = versions.map(|at| [&self.written[..at], &self.written[at + 1..]].concat());
        without
            .chain([self.written.clone()])
            .map(|parts| parts.join("/"))
    }

    /// Ways to divide the rest into transformations and a name, likeliest first. A version ends the
    /// transformations without doubt; elsewhere a folder may look like one.
    pub(super) fn readings(&self) -> impl Iterator<Item = (Vec<String>, String)> + '_ {
        let looks = self
            .rest
            .iter()
            .take_while(|part| is_transformation(part))
            .count();
        let most = looks.min(self.rest.len() - 1);
        (0..=most).rev().flat_map(|count| {
            let after = &self.rest[count..];
            let versioned = after.len() > 1 && is_version(&after[0]);
            let without = versioned.then(|| after[1..].join("/"));
            let transformation = self.rest[..count].to_vec();
            without
                .into_iter()
                .chain([after.join("/")])
                .map(move |name| (transformation.clone(), name))
        })
    }
}

fn is_version(part: &str) -> bool {
    part.strip_prefix('v')
        .is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()))
}

/// `w_100,h_80,c_fill`: every piece is a short key, an underscore and a value.
fn is_transformation(part: &str) -> bool {
    part.split(',').all(|piece| {
        piece.split_once('_').is_some_and(|(key, value)| {
            !value.is_empty()
                && (1..=3).contains(&key.len())
                && key.bytes().all(|b| b.is_ascii_lowercase())
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn readings(path: &str) -> Vec<(Vec<String>, String)> {
        Address::parse(path, "demo").unwrap().readings().collect()
    }

    #[test]
    fn addresses_are_divided_likeliest_first() {
        let all = readings("/demo/image/upload/w_100,h_80/f_auto/v123/shop/a%20b.jpg");
        assert_eq!(
            all[0],
            (
                vec!["w_100,h_80".to_owned(), "f_auto".to_owned()],
                "shop/a b.jpg".to_owned()
            )
        );
        let plain = readings("/demo/image/upload/shop/mug.png");
        assert_eq!(plain, [(vec![], "shop/mug.png".to_owned())]);
        let folder = readings("/demo/image/upload/a_b/mug");
        assert_eq!(folder.last().unwrap(), &(vec![], "a_b/mug".to_owned()));
    }

    #[test]
    fn foreign_clouds_and_types_are_not_addresses() {
        for path in [
            "/other/image/upload/a",
            "/demo/picture/upload/a",
            "/demo/image/sprite/a",
            "/",
        ] {
            assert_eq!(Address::parse(path, "demo"), None, "{path}");
        }
        let signed =
            Address::parse("/demo/image/authenticated/s--abcdefgh--/v1/a", "demo").unwrap();
        assert_eq!(signed.signature.as_deref(), Some("abcdefgh"));
    }
}
