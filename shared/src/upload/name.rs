//! Public ids and folders of uploads: chosen, or checked against the rules (pure).

use uuid::Uuid;

use super::format::{delivered_extension, extension, file_stem, split_name, without_path};
use super::passive::check_passive;
use super::refusal::UploadRefusal;
use super::rules::{UploadRules, Uploader};
use crate::asset::ResourceType;
use crate::value_rules::{DISPLAY_NAME, FOLDER, PUBLIC_ID};

/// The number of characters of a file's name that go into a public id.
const LONGEST_STEM: usize = 50;

/// The sender's wishes for an upload's name.
#[derive(Debug, Clone, Copy, Default)]
pub struct NamingWishes<'a> {
    pub public_id: Option<&'a str>,
    pub folder: Option<&'a str>,
    pub filename: Option<&'a str>,
    /// Where it is known: the public id of a raw file has its extension.
    pub resource_type: Option<ResourceType>,
}

/// The chosen name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChosenName {
    pub public_id: String,
    /// True if the sender gave it: others can guess it.
    pub is_given: bool,
    /// Empty for the root.
    pub folder: String,
    /// The file's own name, for people: they would else be shown a chosen public id with its random end. None where the
    /// sender gave the public id, of which Cloudinary makes a display name.
    pub display_name: Option<String>,
}

impl NamingWishes<'_> {
    /// Checks the given names and chooses the rest. A chosen public id follows from the folder, the
    /// file's name and the upload's id, which nobody else has.
    ///
    /// # Errors
    /// When a name is not one that Cloudinary takes, or lies outside the user's prefix.
    pub fn choose(
        &self,
        rules: &UploadRules,
        uploader: Uploader,
        upload: Uuid,
    ) -> Result<ChosenName, UploadRefusal> {
        check_passive(self.filename.and_then(extension).as_deref(), rules)?;
        let prefix = rules.prefix_of(uploader);
        let folder = self.folder.map(|folder| folder.trim_matches('/'));
        let folder = match (folder, &prefix) {
            (None, None) => String::new(),
            (None, Some(prefix)) => prefix.clone(),
            (Some(""), None) => String::new(),
            (Some(folder), prefix) => {
                // A public id that is chosen begins with the folder.
                let fault = match self.public_id {
                    Some(_) => FOLDER.fault_of(folder),
                    None => PUBLIC_ID.fault_of(folder),
                };
                refuse("folder", fault)?;
                if let Some(prefix) = prefix
                    && folder != prefix
                    && !is_below(folder, prefix)
                {
                    return Err(UploadRefusal::OutsidePrefix(prefix.clone()));
                }
                folder.to_owned()
            }
        };
        let public_id = match self.public_id {
            Some(given) => {
                if let Some(prefix) = prefix.filter(|prefix| !is_below(given, prefix)) {
                    return Err(UploadRefusal::OutsidePrefix(prefix));
                }
                given.to_owned()
            }
            None => self.chosen(&folder, upload),
        };
        refuse("public_id", PUBLIC_ID.fault_of(&public_id))?;
        // A raw file's name has its extension, and nobody knows yet where a signed file is sent.
        check_passive(delivered_extension(&public_id).as_deref(), rules)?;
        Ok(ChosenName {
            public_id,
            is_given: self.public_id.is_some(),
            folder,
            display_name: match self.public_id {
                Some(_) => None,
                None => self.filename.and_then(display_name),
            },
        })
    }

    fn chosen(&self, folder: &str, upload: Uuid) -> String {
        let (stem, extension) = split_name(without_path(self.filename.unwrap_or_default()));
        let stem: String = stem
            .chars()
            .map(|c| {
                if c.is_alphanumeric() || matches!(c, '-' | '_') {
                    c
                } else {
                    '_'
                }
            })
            .take(LONGEST_STEM)
            .collect();
        let stem = stem.trim_matches('_');
        let stem = if stem.is_empty() { "file" } else { stem };
        let id = &upload.simple().to_string()[..12];
        let slash = if folder.is_empty() { "" } else { "/" };
        let extension = extension.filter(|_| self.resource_type == Some(ResourceType::Raw));
        let (dot, extension) = extension.map_or(("", String::new()), |text| (".", text));
        format!("{folder}{slash}{stem}-{id}{dot}{extension}")
    }
}

/// A file's name as a display name, if it can be one.
fn display_name(filename: &str) -> Option<String> {
    let stem: String = file_stem(filename)?
        .trim()
        .chars()
        .take(DISPLAY_NAME.longest)
        .collect();
    DISPLAY_NAME.fault_of(&stem).is_none().then_some(stem)
}

fn is_below(name: &str, prefix: &str) -> bool {
    name.strip_prefix(prefix)
        .is_some_and(|rest| rest.len() > 1 && rest.starts_with('/'))
}

fn refuse(what: &'static str, fault: Option<&'static str>) -> Result<(), UploadRefusal> {
    fault.map_or(Ok(()), |reason| Err(UploadRefusal::parameter(what, reason)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::user_role::UserRole;

    const USER: Uploader = Uploader {
        id: Uuid::from_u128(1),
        role: UserRole::User,
    };
    const UPLOAD: Uuid = Uuid::from_u128(0xabcd_ef01_2345_6789_abcd_ef01_2345_6789);

    fn anywhere() -> UploadRules {
        UploadRules::parse(r#"{"prefix": ""}"#).unwrap()
    }

    fn below_prefix() -> UploadRules {
        UploadRules::parse(r#"{"prefix": "u/{user_id}"}"#).unwrap()
    }

    fn choose(naming: NamingWishes<'_>, rules: &UploadRules) -> Result<ChosenName, &'static str> {
        naming
            .choose(rules, USER, UPLOAD)
            .map_err(|refusal| refusal.code())
    }

    #[test]
    fn a_chosen_name_follows_from_folder_file_and_upload() {
        let naming = NamingWishes {
            folder: Some("/shop/mugs/"),
            filename: Some("C:\\photos\\Blue mug (1).jpeg"),
            ..NamingWishes::default()
        };
        let named = choose(naming, &anywhere()).unwrap();
        assert_eq!(named.public_id, "shop/mugs/Blue_mug__1-abcdef012345");
        assert_eq!(named.folder, "shop/mugs");
        assert_eq!(named.display_name.as_deref(), Some("Blue mug (1)"));
        let raw = NamingWishes {
            filename: Some("prices.csv"),
            resource_type: Some(ResourceType::Raw),
            ..NamingWishes::default()
        };
        let named = choose(raw, &anywhere()).unwrap();
        assert_eq!(named.public_id, "prices-abcdef012345.csv");
        let nameless = choose(NamingWishes::default(), &anywhere()).unwrap();
        assert_eq!(nameless.public_id, "file-abcdef012345");
        assert_eq!(nameless.display_name, None);
    }

    #[test]
    fn the_files_name_is_shown_unless_the_sender_names_the_asset() {
        let shown = |filename: &str, public_id: Option<&str>| {
            let naming = NamingWishes {
                public_id,
                filename: Some(filename),
                ..NamingWishes::default()
            };
            choose(naming, &anywhere()).unwrap().display_name
        };
        assert_eq!(shown("Tulip two.png", None).unwrap(), "Tulip two");
        assert_eq!(shown("a\u{7}b.png", None).unwrap(), "ab");
        assert_eq!(shown("Tulip two.png", Some("shop/tulip")), None);
        assert_eq!(shown("\u{7}", None), None);
        let long = "x".repeat(300);
        assert_eq!(shown(&long, None).unwrap().len(), DISPLAY_NAME.longest);
    }

    #[test]
    fn names_outside_the_prefix_are_refused_and_those_left_out_lie_below_it() {
        let rules = below_prefix();
        let own = format!("u/{}", USER.id);
        let named = choose(NamingWishes::default(), &rules).unwrap();
        assert_eq!(named.folder, own);
        assert!(named.public_id.starts_with(&format!("{own}/file-")));
        let given = format!("{own}/mug");
        let naming = NamingWishes {
            public_id: Some(&given),
            ..NamingWishes::default()
        };
        assert_eq!(choose(naming, &rules).unwrap().public_id, given);
        let like_own = format!("{own}x/mug");
        for public_id in ["mug", &own, &like_own, &format!("{own}/")] {
            let naming = NamingWishes {
                public_id: Some(public_id),
                ..NamingWishes::default()
            };
            assert_eq!(choose(naming, &rules), Err("outside_prefix"), "{public_id}");
        }
        for folder in ["", "shop", "u"] {
            let naming = NamingWishes {
                folder: Some(folder),
                ..NamingWishes::default()
            };
            assert!(choose(naming, &rules).is_err(), "{folder}");
        }
    }

    #[test]
    fn names_of_files_that_act_are_refused() {
        let given = NamingWishes {
            public_id: Some("shop/page.html"),
            ..NamingWishes::default()
        };
        let of_file = NamingWishes {
            filename: Some("logo.SVG"),
            ..NamingWishes::default()
        };
        let nothing_else = NamingWishes {
            public_id: Some(".html"),
            ..NamingWishes::default()
        };
        for naming in [given, of_file, nothing_else] {
            assert_eq!(choose(naming, &anywhere()), Err("format_not_allowed"));
        }
    }

    #[test]
    fn names_that_cloudinary_does_not_take_are_refused() {
        let long = "x".repeat(256);
        for public_id in [
            "", "/mug", "mug/", "a//b", "a/../b", " mug", "a?b", "50%", "a\u{7}", &long,
        ] {
            let naming = NamingWishes {
                public_id: Some(public_id),
                ..NamingWishes::default()
            };
            let refused = choose(naming, &anywhere());
            assert_eq!(refused, Err("invalid_parameter"), "{public_id:?}");
        }
    }

    proptest! {
        #[test]
        fn whatever_is_named_lies_below_the_prefix_and_is_a_name(
            public_id in prop::option::of("\\PC{0,30}|u/00000000-0000-0000-0000-000000000001/\\PC{0,20}"),
            folder in prop::option::of("\\PC{0,30}|u/00000000-0000-0000-0000-000000000001\\PC{0,20}"),
            filename in prop::option::of("\\PC{0,90}"),
        ) {
            let naming = NamingWishes {
                public_id: public_id.as_deref(), folder: folder.as_deref(), filename: filename.as_deref(),
                resource_type: None,
            };
            if let Ok(named) = choose(naming, &below_prefix()) {
                let own = format!("u/{}", USER.id);
                prop_assert!(is_below(&named.public_id, &own));
                prop_assert!(named.folder == own || is_below(&named.folder, &own));
                prop_assert_eq!(PUBLIC_ID.fault_of(&named.public_id), None);
                prop_assert!(!named.public_id.split('/').any(|part| part == ".."));
            }
        }

        #[test]
        fn a_chosen_name_is_always_good(filename in "\\PC{0,300}") {
            let naming = NamingWishes { filename: Some(&filename), ..NamingWishes::default() };
            let chosen = choose(naming, &anywhere());
            let shown = chosen.as_ref().ok().and_then(|named| named.display_name.as_deref());
            prop_assert_eq!(shown.and_then(|shown| DISPLAY_NAME.fault_of(shown)), None);
            prop_assert!(chosen.is_ok() || chosen == Err("format_not_allowed"));
        }
    }
}
