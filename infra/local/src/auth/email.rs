//! The rule for e-mail addresses.

use super::errors::Refusal;

const PUNCTUATION: &str = ".!#$%&'*+/=?^_`{|}~-";

/// Returns the address in small letters.
pub(super) fn parse(email: &str) -> Result<String, Refusal> {
    if email.is_empty() {
        return Err(Refusal::invalid("An email address is required"));
    }
    if email.len() > 255 {
        return Err(Refusal::invalid("An email address is too long"));
    }
    if !is_valid(email) {
        return Err(Refusal::invalid(
            "Unable to validate email address: invalid format",
        ));
    }
    Ok(email.to_lowercase())
}

fn is_valid(email: &str) -> bool {
    let Some((local, domain)) = email.split_once('@') else {
        return false;
    };
    let local_letter = |c: char| c.is_ascii_alphanumeric() || PUNCTUATION.contains(c);
    !local.is_empty() && local.chars().all(local_letter) && domain.split('.').all(is_label)
}

fn is_label(label: &str) -> bool {
    let letter = |c: char| c.is_ascii_alphanumeric() || c == '-';
    (1..=63).contains(&label.len())
        && label.chars().all(letter)
        && !label.starts_with('-')
        && !label.ends_with('-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_told_from_other_text() {
        for good in ["a@example.com", "First.Last+tag@mail.example.org", "a@b"] {
            assert_eq!(parse(good).unwrap(), good.to_lowercase());
        }
        let long = format!("{}@example.com", "x".repeat(250));
        for bad in [
            "",
            "a",
            "@b",
            "a@",
            "a b@c.org",
            "a@b..c",
            "a@-b.c",
            "a@b@c",
            &long,
        ] {
            assert!(parse(bad).is_err(), "{bad:?}");
        }
    }
}
