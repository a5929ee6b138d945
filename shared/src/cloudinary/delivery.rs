//! The addresses under which assets are delivered, signed where that is asked for (pure).
//!
//! `https://res.cloudinary.com/<cloud>/<resource type>/<delivery type>/[s--..--/][transformation/]
//! [v<version>/]<public id>[.<format>]`, as the official SDKs write them.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;

use super::ApiCredentials;
use super::download::sign_download;
use super::signature::SignatureAlgorithm;
use crate::asset::{DeliveryName, ResourceType};
use crate::time::Timestamp;

/// Thumbnails for screens of one and two pixels in a point.
const THUMBNAILS: [&str; 2] = [
    "c_fill,f_auto,g_auto,h_300,q_auto,w_300",
    "c_fill,f_auto,g_auto,h_600,q_auto,w_600",
];
const PREVIEW: &str = "c_limit,f_auto,h_1600,q_auto,w_1600";
/// Without `f_auto`, which would deliver a film or a document: the address ends in `.jpg` instead.
const STILLS: [&str; 2] = [
    "c_fill,g_auto,h_300,q_auto,w_300",
    "c_fill,g_auto,h_600,q_auto,w_600",
];
const PAGE: &str = "c_limit,h_1600,q_auto,w_1600";
const FILM: &str = "c_limit,f_auto,h_720,q_auto,w_1280";

/// Characters that the SDKs leave as they are. They differ in a few characters that need no escape;
/// each signs its own form.
const KEPT: AsciiSet = NON_ALPHANUMERIC
    .remove(b'_')
    .remove(b'.')
    .remove(b'-')
    .remove(b'/')
    .remove(b':');

/// Writes delivery addresses of one product environment.
#[derive(Clone, Debug)]
pub struct AddressWriter {
    credentials: ApiCredentials,
}

/// The facts that an address depends on.
#[derive(Clone, Copy, Debug)]
pub struct DeliveryFacts<'a> {
    /// The asset's name in Cloudinary, even if another is wished for here.
    pub name: &'a DeliveryName,
    pub version: Option<i64>,
    pub format: Option<&'a str>,
    pub mime_type: Option<&'a str>,
    /// `authenticated` guards an asset of delivery type `upload` too.
    pub access_mode: Option<&'a str>,
    /// The address that Cloudinary told: it shows the account's host, where nothing else does.
    pub secure_url: Option<&'a str>,
}

impl DeliveryFacts<'_> {
    /// True if Cloudinary delivers the file by signed addresses only.
    pub fn is_guarded(&self) -> bool {
        self.name.delivery_type != "upload" || self.access_mode == Some("authenticated")
    }
}

/// Square pictures of an asset: of a film its poster, of a document its first page; nothing for
/// sounds and raw files.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct ThumbnailAddresses {
    pub thumbnail: Option<String>,
    /// For screens with two pixels in a point.
    pub thumbnail_2x: Option<String>,
}

/// Where an asset is delivered, in several sizes. A signed address is a key: anybody may fetch the
/// file with it for as long as the asset has this name.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct DeliveryAddresses {
    #[serde(flatten)]
    pub thumbnails: ThumbnailAddresses,
    /// As large as a screen shows it, in the format and quality that suit the browser.
    pub preview: Option<String>,
    /// The file as it was stored.
    pub original: String,
    /// The moment when `original` stops to open the file; nothing where it never does.
    pub original_expires_at: Option<Timestamp>,
}

/// The picture that Cloudinary can make of a file.
#[derive(Clone, Copy, Debug)]
enum PictureKind {
    Image,
    /// Cloudinary stores PDFs as images, and shows their first page.
    Document,
    Film,
    None,
}

impl PictureKind {
    fn of(asset: &DeliveryFacts<'_>) -> Self {
        let is_sound = asset
            .mime_type
            .is_some_and(|kind| kind.starts_with("audio/"));
        match asset.name.resource_type {
            ResourceType::Image if asset.format == Some("pdf") => Self::Document,
            ResourceType::Image => Self::Image,
            ResourceType::Video if !is_sound => Self::Film,
            ResourceType::Video | ResourceType::Raw => Self::None,
        }
    }
}

impl AddressWriter {
    pub fn new(credentials: ApiCredentials) -> Self {
        Self { credentials }
    }

    /// The addresses of an asset that Cloudinary stores; nothing for delivery types that only
    /// pass something on, such as `fetch`.
    pub fn addresses(&self, asset: &DeliveryFacts<'_>) -> Option<DeliveryAddresses> {
        let thumbnails = self.thumbnails(asset)?;
        let own = asset.format;
        let preview = match PictureKind::of(asset) {
            PictureKind::Image => Some(self.write(asset, PREVIEW, own)),
            PictureKind::Document => Some(self.write(asset, PAGE, Some("jpg"))),
            PictureKind::Film => Some(self.write(asset, FILM, own)),
            PictureKind::None => None,
        };
        Some(DeliveryAddresses {
            thumbnails,
            preview,
            original: self.write(asset, "", own),
            original_expires_at: None,
        })
    }

    /// The same, but the original of a guarded file is handed out by Cloudinary's API, for a few minutes.
    pub fn expiring_addresses(
        &self,
        asset: &DeliveryFacts<'_>,
        now: Timestamp,
    ) -> Option<DeliveryAddresses> {
        let mut addresses = self.addresses(asset)?;
        if asset.is_guarded() {
            let download = sign_download(&self.credentials, asset.name, asset.format, now);
            addresses.original = download.url;
            addresses.original_expires_at = Some(download.expires_at);
        }
        Some(addresses)
    }

    /// The thumbnails among [`AddressWriter::addresses`].
    pub fn thumbnails(&self, asset: &DeliveryFacts<'_>) -> Option<ThumbnailAddresses> {
        if !matches!(
            asset.name.delivery_type.as_str(),
            "upload" | "private" | "authenticated"
        ) {
            return None;
        }
        let pictures = match PictureKind::of(asset) {
            PictureKind::Image => Some((THUMBNAILS, asset.format)),
            PictureKind::Document | PictureKind::Film => Some((STILLS, Some("jpg"))),
            PictureKind::None => None,
        };
        let write =
            |index: usize| pictures.map(|(sizes, format)| self.write(asset, sizes[index], format));
        Some(ThumbnailAddresses {
            thumbnail: write(0),
            thumbnail_2x: write(1),
        })
    }

    fn write(
        &self,
        asset: &DeliveryFacts<'_>,
        transformation: &str,
        format: Option<&str>,
    ) -> String {
        let DeliveryName {
            resource_type,
            delivery_type,
            public_id,
        } = asset.name;
        let mut source = utf8_percent_encode(public_id, &KEPT).to_string();
        // A raw file's ending is part of its public id.
        if let Some(format) = format.filter(|_| *resource_type != ResourceType::Raw) {
            source.push('.');
            source.push_str(format);
        }
        let signature = asset
            .is_guarded()
            .then(|| self.sign(transformation, &source));
        let version = match asset.version {
            Some(version) => Some(format!("v{version}")),
            // Else a folder's name could pass for a transformation.
            None => source.contains('/').then(|| "v1".to_owned()),
        };
        let prefix = self.prefix(asset);
        let kind = resource_type.as_str();
        let parts = [
            Some(prefix.as_str()),
            Some(kind),
            Some(delivery_type.as_str()),
            signature.as_deref(),
            (!transformation.is_empty()).then_some(transformation),
            version.as_deref(),
            Some(source.as_str()),
        ];
        let parts: Vec<&str> = parts.into_iter().flatten().collect();
        parts.join("/")
    }

    /// A hash over transformation and name as they stand in the address, without the version.
    fn sign(&self, transformation: &str, source: &str) -> String {
        let mut text = String::new();
        if !transformation.is_empty() {
            text.push_str(transformation);
            text.push('/');
        }
        text.push_str(source);
        text.push_str(self.credentials.api_secret());
        let (algorithm, length) = if self.credentials.distribution().long_url_signature {
            (SignatureAlgorithm::Sha256, 32)
        } else {
            (self.credentials.algorithm(), 8)
        };
        let hash = URL_SAFE_NO_PAD.encode(algorithm.hash(text.as_bytes()));
        format!("s--{}--", &hash[..length.min(hash.len())])
    }

    /// Scheme, host and cloud: as configured, else as Cloudinary's own addresses have it.
    fn prefix(&self, asset: &DeliveryFacts<'_>) -> String {
        let cloud = self.credentials.cloud_name();
        let distribution = self.credentials.distribution();
        match (&distribution.secure_distribution, distribution.private_cdn) {
            (Some(host), true) => format!("https://{host}"),
            (Some(host), false) => format!("https://{host}/{cloud}"),
            (None, true) => format!("https://{cloud}-res.cloudinary.com"),
            (None, false) => {
                told_prefix(asset).unwrap_or_else(|| format!("https://res.cloudinary.com/{cloud}"))
            }
        }
    }
}

fn told_prefix(asset: &DeliveryFacts<'_>) -> Option<String> {
    let name = asset.name;
    let path = format!("/{}/{}/", name.resource_type, name.delivery_type);
    let (prefix, _) = asset.secure_url?.split_once(&path)?;
    let has_host = prefix.starts_with("https://") || prefix.starts_with("http://");
    has_host.then(|| prefix.to_owned())
}

#[cfg(test)]
mod tests {
    use percent_encoding::percent_decode_str;
    use proptest::prelude::*;

    use super::*;

    /// The secret is `b`, as it was for the official SDKs that wrote the addresses below. They are
    /// pycloudinary 1.46, `cloudinary_url(.., sign_url=True)`, and where nothing is to be escaped
    /// `cloudinary` 2 for Node.js wrote the same.
    fn delivery(options: &str) -> AddressWriter {
        let url = format!("cloudinary://1:b@demo{options}");
        AddressWriter::new(ApiCredentials::parse(&url).unwrap())
    }

    fn name(resource_type: ResourceType, delivery_type: &str, public_id: &str) -> DeliveryName {
        DeliveryName {
            resource_type,
            delivery_type: delivery_type.to_owned(),
            public_id: public_id.to_owned(),
        }
    }

    fn asset<'a>(
        name: &'a DeliveryName,
        version: i64,
        format: Option<&'a str>,
    ) -> DeliveryFacts<'a> {
        DeliveryFacts {
            name,
            version: Some(version),
            format,
            mime_type: None,
            access_mode: None,
            secure_url: None,
        }
    }

    const MUG: i64 = 1_767_225_600;

    #[test]
    fn pictures_have_the_addresses_that_the_sdks_write() {
        let name = name(ResourceType::Image, "upload", "shop/mug");
        let addresses = delivery("").addresses(&asset(&name, MUG, Some("jpg")));
        let addresses = addresses.unwrap();
        assert_eq!(
            addresses.original,
            "https://res.cloudinary.com/demo/image/upload/v1767225600/shop/mug.jpg"
        );
        assert_eq!(
            addresses.preview.as_deref(),
            Some(
                "https://res.cloudinary.com/demo/image/upload/c_limit,f_auto,h_1600,q_auto,w_1600/v1767225600/shop/mug.jpg"
            )
        );
    }

    #[test]
    fn guarded_assets_are_signed_as_the_sdks_sign() {
        let guarded = name(ResourceType::Image, "authenticated", "shop/mug");
        let private = name(ResourceType::Image, "private", "shop/mug");
        let addresses = |options: &str, name| {
            let addresses = delivery(options).addresses(&asset(name, MUG, Some("jpg")));
            addresses.unwrap()
        };
        let preview = |options: &str, name| addresses(options, name).preview.unwrap();
        let base = "https://res.cloudinary.com/demo/image";
        let rest = "c_limit,f_auto,h_1600,q_auto,w_1600/v1767225600/shop/mug.jpg";
        assert_eq!(
            addresses("", &guarded).original,
            format!("{base}/authenticated/s--Rv66dsjH--/v1767225600/shop/mug.jpg")
        );
        assert_eq!(
            preview("", &guarded),
            format!("{base}/authenticated/s--tss9lolB--/{rest}")
        );
        assert_eq!(
            preview("?signature_algorithm=sha256", &private),
            format!("{base}/private/s--QGo-D5Is--/{rest}")
        );
        assert_eq!(
            preview("?long_url_signature=true", &guarded),
            format!("{base}/authenticated/s--QGo-D5IsMxTn-YcYkBfQ9IRBb3RwTWGv--/{rest}")
        );
    }

    #[test]
    fn odd_names_are_escaped_before_they_are_signed() {
        let odd = name(
            ResourceType::Image,
            "authenticated",
            "a b,c&d=(\u{e9})~%/x#?.y",
        );
        let addresses = delivery("").addresses(&asset(&odd, 7, Some("png")));
        assert_eq!(
            addresses.unwrap().original,
            "https://res.cloudinary.com/demo/image/authenticated/s--raWZiR94--/v7/a%20b%2Cc%26d%3D%28%C3%A9%29%7E%25/x%23%3F.y.png"
        );
    }

    #[test]
    fn films_have_a_poster_and_files_only_themselves() {
        let film = name(ResourceType::Video, "upload", "films/harbour");
        let addresses = delivery("")
            .addresses(&asset(&film, 7, Some("mp4")))
            .unwrap();
        let poster = addresses.thumbnails.thumbnail.unwrap();
        assert!(
            poster.ends_with("/v7/films/harbour.jpg") && !poster.contains("f_auto"),
            "{poster}"
        );
        assert!(
            addresses
                .original
                .ends_with("/video/upload/v7/films/harbour.mp4")
        );

        let sound = DeliveryFacts {
            mime_type: Some("audio/mpeg"),
            ..asset(&film, 7, Some("mp3"))
        };
        let nothing = ThumbnailAddresses {
            thumbnail: None,
            thumbnail_2x: None,
        };
        assert_eq!(delivery("").thumbnails(&sound).unwrap(), nothing);

        let report = name(ResourceType::Raw, "private", "docs/Report 1.pdf");
        let addresses = delivery("").addresses(&asset(&report, 7, None)).unwrap();
        assert_eq!((addresses.thumbnails, addresses.preview), (nothing, None));
        assert_eq!(
            addresses.original,
            "https://res.cloudinary.com/demo/raw/private/s--MO7Vibyh--/v7/docs/Report%201.pdf"
        );
    }

    #[test]
    fn thumbnails_have_two_densities_and_documents_show_their_first_page() {
        let name = name(ResourceType::Image, "upload", "docs/menu");
        let thumbnails = |format| {
            let thumbnails = delivery("").thumbnails(&asset(&name, 7, Some(format)));
            let ThumbnailAddresses {
                thumbnail,
                thumbnail_2x,
            } = thumbnails.unwrap();
            [thumbnail.unwrap(), thumbnail_2x.unwrap()]
        };
        let base = "https://res.cloudinary.com/demo/image/upload";
        assert_eq!(
            thumbnails("png"),
            [
                format!("{base}/c_fill,f_auto,g_auto,h_300,q_auto,w_300/v7/docs/menu.png"),
                format!("{base}/c_fill,f_auto,g_auto,h_600,q_auto,w_600/v7/docs/menu.png"),
            ]
        );
        assert_eq!(
            thumbnails("pdf"),
            [
                format!("{base}/c_fill,g_auto,h_300,q_auto,w_300/v7/docs/menu.jpg"),
                format!("{base}/c_fill,g_auto,h_600,q_auto,w_600/v7/docs/menu.jpg"),
            ]
        );
    }

    #[test]
    fn access_mode_guards_uploads_and_what_is_passed_on_has_no_address_of_ours() {
        let name_of = |delivery_type| name(ResourceType::Image, delivery_type, "mug");
        let upload = name_of("upload");
        let guarded = DeliveryFacts {
            access_mode: Some("authenticated"),
            ..asset(&upload, 7, Some("jpg"))
        };
        let original = delivery("").addresses(&guarded).unwrap().original;
        assert!(original.contains("/upload/s--"), "{original}");
        assert_eq!(
            delivery("").addresses(&asset(&name_of("fetch"), 7, None)),
            None
        );
    }

    #[test]
    fn only_the_original_of_a_guarded_file_ends() {
        let now = Timestamp::from_secs(MUG);
        for (delivery_type, ends) in [
            ("upload", false),
            ("private", true),
            ("authenticated", true),
        ] {
            let name = name(ResourceType::Image, delivery_type, "shop/mug");
            let facts = asset(&name, MUG, Some("jpg"));
            let addresses = delivery("").expiring_addresses(&facts, now).unwrap();
            assert_eq!(addresses.original.contains("/image/download?"), ends);
            assert_eq!(addresses.original_expires_at.is_some(), ends);
            let lasting = delivery("").addresses(&facts).unwrap();
            assert_eq!(lasting.thumbnails, addresses.thumbnails);
            assert_eq!(lasting.preview, addresses.preview);
            assert_eq!(lasting.original_expires_at, None);
        }
    }

    #[test]
    fn the_host_is_the_configured_one_or_the_one_that_cloudinary_told() {
        let name = name(ResourceType::Image, "upload", "shop/mug");
        let told = DeliveryFacts {
            secure_url: Some("https://eu.example/demo/image/upload/v7/shop/mug.jpg"),
            ..asset(&name, 7, Some("jpg"))
        };
        for (options, base) in [
            ("", "https://eu.example/demo"),
            ("?private_cdn=true", "https://demo-res.cloudinary.com"),
            ("/media.example.com", "https://media.example.com"),
            (
                "?secure_distribution=media.example.com",
                "https://media.example.com/demo",
            ),
        ] {
            assert_eq!(
                delivery(options).addresses(&told).unwrap().original,
                format!("{base}/image/upload/v7/shop/mug.jpg"),
                "{options}"
            );
        }
        let told = DeliveryFacts {
            secure_url: Some("javascript:x/image/upload/mug"),
            ..told
        };
        let original = delivery("").addresses(&told).unwrap().original;
        assert!(original.starts_with("https://res.cloudinary.com/demo/image/"));
    }

    #[test]
    fn an_unknown_version_keeps_a_folder_from_passing_for_a_transformation() {
        let without = |public_id| {
            let name = name(ResourceType::Image, "upload", public_id);
            let asset = DeliveryFacts {
                version: None,
                ..asset(&name, 0, None)
            };
            delivery("").addresses(&asset).unwrap().original
        };
        assert!(without("w_100/mug").ends_with("/upload/v1/w_100/mug"));
        assert!(without("mug").ends_with("/upload/mug"));
    }

    proptest! {
        #[test]
        fn every_name_is_read_back_from_its_address(
            public_id in "\\PC{1,40}", guarded: bool, version in 1..i64::MAX,
        ) {
            let delivery_type = if guarded { "authenticated" } else { "upload" };
            let name = name(ResourceType::Image, delivery_type, &public_id);
            let addresses = delivery("").addresses(&asset(&name, version, Some("png"))).unwrap();
            let thumbnails = addresses.thumbnails;
            for address in [
                Some(addresses.original), addresses.preview, thumbnails.thumbnail, thumbnails.thumbnail_2x,
            ] {
                let address = address.unwrap();
                prop_assert!(address.is_ascii() && !address.contains([' ', '?', '#', '"', '\\', '<']));
                let (_, source) = address.split_once(&format!("/v{version}/")).unwrap();
                let read = percent_decode_str(source).decode_utf8().unwrap().into_owned();
                prop_assert_eq!(read, format!("{public_id}.png"));
            }
        }

        #[test]
        fn another_secret_signs_otherwise_and_is_nowhere_to_be_read(secret in "[A-Z]{12}") {
            let name = name(ResourceType::Image, "authenticated", "mug");
            let url = format!("cloudinary://1:{secret}@demo");
            let other = AddressWriter::new(ApiCredentials::parse(&url).unwrap());
            let asset = asset(&name, 7, Some("png"));
            let address = other.addresses(&asset).unwrap().original;
            prop_assert!(!address.contains(&secret));
            prop_assert_ne!(address, delivery("").addresses(&asset).unwrap().original);
        }
    }
}
