//! Advice for the person who is to remove the cause of failures (pure).

/// The mend of what fails with this code.
pub fn remedy(code: &str) -> &'static str {
    match code {
        "cloudinary_unauthorized" => "The configured API key is wrong or inactive: correct it.",
        "cloudinary_forbidden" => {
            "The configured API key may not do this: give it the permission in Cloudinary."
        }
        "cloudinary_add_on" => "The account lacks a needed add-on: subscribe to it.",
        "cloudinary_conflict" => "Another asset is in the way: rename or remove it.",
        _ => "Remove the cause that Cloudinary names.",
    }
}

/// Advice about many assets that fail with this code: the mend, or the reason to wait.
pub fn advice(code: &str) -> &'static str {
    match code {
        "held" => "Look at what would be deleted. Then allow it, or restore it.",
        "fenced" => {
            "Another deployment has marked the library as its own. If it is yours, take it over (mediasync fence take)."
        }
        "rounds_spent" => {
            "Nothing is to be done: the next calls go out at their time. If it lasts, look for a program that changes these assets again and again."
        }
        "cloudinary_quota" => {
            "Nothing is to be done: the attempts go on when Cloudinary's quota has been reset."
        }
        "cloudinary_concurrency"
        | "cloudinary_unreachable"
        | "cloudinary_unreadable"
        | "cloudinary_server"
        | "cloudinary_stale"
        | "cloudinary_processing" => {
            "It passes by itself in most cases, and is tried again. If it lasts, look at Cloudinary's status page."
        }
        "cloudinary_ignored" => {
            "Cloudinary left these assets out. It is tried again. If it lasts, look for an add-on or a rename at work on them."
        }
        "cloudinary_not_found" => {
            "Cloudinary no longer has these assets. A full run takes that in."
        }
        "values_refused" => {
            "No row can hold Cloudinary's values. Change them in Cloudinary as the message says."
        }
        other => remedy(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn advice_says_who_acts() {
        let table = [
            ("held", "Then allow it"),
            ("fenced", "mediasync fence take"),
            ("rounds_spent", "at their time"),
            ("cloudinary_quota", "Nothing is to be done"),
            ("cloudinary_server", "passes by itself"),
            ("cloudinary_forbidden", "give it the permission"),
            ("cloudinary_bad_request", "the cause that Cloudinary names"),
        ];
        for (code, words) in table {
            assert!(advice(code).contains(words), "{code}: {}", advice(code));
        }
    }
}
