//! The delivery addresses that Cloudinary tells, without what makes them keys (pure).
//!
//! Cloudinary signs the addresses of `private` and `authenticated` assets that it tells. Such an address never expires, and
//! opens the file to everybody who has it. A row is read by many, so it keeps the address without its signature.

use crate::asset::ResourceType;

/// An address without its signature, and without the token behind the question mark.
pub fn without_signature(address: &str) -> String {
    let address = address.split('?').next().unwrap_or_default();
    let mut parts: Vec<&str> = address.split('/').collect();
    // Scheme, nothing, host; then the cloud, unless the host names it.
    let kind = (3..5).find(|at| {
        let part = parts.get(*at);
        part.is_some_and(|part| part.parse::<ResourceType>().is_ok())
    });
    if let Some(signature) = kind.map(|at| at + 2)
        && parts.get(signature).is_some_and(|part| is_signature(part))
    {
        parts.remove(signature);
    }
    parts.join("/")
}

/// `s--XXXXXXXX--`, or with 32 characters in accounts that ask for long signatures.
fn is_signature(part: &str) -> bool {
    let inner = part
        .strip_prefix("s--")
        .and_then(|it| it.strip_suffix("--"));
    inner.is_some_and(|inner| {
        let is_base64 = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        matches!(inner.len(), 8 | 32) && inner.bytes().all(is_base64)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_kept_without_what_makes_it_a_key() {
        let base = "https://res.cloudinary.com/demo/image";
        let long = "x".repeat(32);
        for (told, kept) in [
            (
                "authenticated/s--Ai4Znfl3--/v7/mug.jpg",
                "authenticated/v7/mug.jpg",
            ),
            (
                "private/s--A_-Znfl3--/v7/shop/mug.jpg",
                "private/v7/shop/mug.jpg",
            ),
            (
                &format!("upload/s--{long}--/v7/mug.jpg"),
                "upload/v7/mug.jpg",
            ),
            ("upload/v7/mug.jpg", "upload/v7/mug.jpg"),
            (
                "authenticated/v7/mug.jpg?__cld_token__=exp=1~hmac=a",
                "authenticated/v7/mug.jpg",
            ),
            // A folder of such a name stands behind the version.
            (
                "upload/v7/s--Ai4Znfl3--/mug.jpg",
                "upload/v7/s--Ai4Znfl3--/mug.jpg",
            ),
            (
                "upload/v7/image/x/s--Ai4Znfl3--/mug",
                "upload/v7/image/x/s--Ai4Znfl3--/mug",
            ),
        ] {
            let told = without_signature(&format!("{base}/{told}"));
            assert_eq!(told, format!("{base}/{kept}"));
        }
        let own_host = "https://demo-res.cloudinary.com/video/private/s--Ai4Znfl3--/v7/a.mp4";
        assert_eq!(
            without_signature(own_host),
            "https://demo-res.cloudinary.com/video/private/v7/a.mp4"
        );
        for odd in ["", "/", "https://", "nonsense", "https://h/image/private"] {
            assert_eq!(without_signature(odd), odd);
        }
    }
}
