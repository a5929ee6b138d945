//! Reads JSON that holds texts which nobody can keep (pure).
//!
//! Cloudinary keeps texts as it got them. Half of a surrogate pair is left where a caption was cut
//! within an emoji; control characters and bytes of other encodings come along as they are. The
//! grammar allows none of that, and one such text must not hide everything else in an answer. It
//! allows NUL, which no database holds.

use std::borrow::Cow;

use serde_json::{Map, Value};

/// The member that marks an object with an `asset_id`, if a text within it could not be read.
pub const GARBLED: &str = "media_sync_garbled";

/// Reads JSON. What is no text in it is U+FFFD, and its asset is marked by [`GARBLED`].
///
/// # Errors
/// When it is no JSON in other respects.
pub fn read(body: &[u8]) -> Result<Value, serde_json::Error> {
    let strict = serde_json::from_slice(body);
    if strict.is_ok() && !may_hold_nul(body) {
        return strict;
    }
    let mark = unused_mark(body);
    let Ok(mut value) = serde_json::from_str(&mend(body, &mark)) else {
        return strict;
    };
    note_marks(&mut value, &mark);
    Ok(value)
}

/// Tells whether a text may hold NUL. Then the strict reading of a body is not enough.
pub fn may_hold_nul(body: &[u8]) -> bool {
    body.windows(NUL.len()).any(|bytes| bytes == NUL)
}

const NUL: &[u8] = br"\u0000";

/// A text that does not occur in the body.
fn unused_mark(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let marks = (0_u64..).map(|number| format!("\u{fffd}{number};"));
    let mut unused = marks.filter(|mark| !text.contains(mark.as_str()));
    unused.next().expect("a body is finite")
}

/// The body with the mark in place of everything that is no text.
fn mend(body: &[u8], mark: &str) -> String {
    let mut text = String::with_capacity(body.len());
    for chunk in body.utf8_chunks() {
        text.push_str(chunk.valid());
        if !chunk.invalid().is_empty() {
            text.push_str(mark);
        }
    }
    let mut mended = String::with_capacity(text.len());
    let mut is_in_text = false;
    let mut rest = text.as_str();
    while let Some(first) = rest.chars().next() {
        let piece = Piece::at(rest, first, is_in_text);
        is_in_text ^= first == '"';
        let (taken, others) = rest.split_at(piece.length);
        mended.push_str(if piece.is_text { taken } else { mark });
        rest = others;
    }
    mended
}

/// A character or an escape.
struct Piece {
    length: usize,
    is_text: bool,
}

impl Piece {
    fn at(rest: &str, first: char, is_in_text: bool) -> Self {
        let text = |length| Self {
            length,
            is_text: true,
        };
        match first {
            '\\' if is_in_text => match (unit_at(rest), rest.get(6..).and_then(unit_at)) {
                (Some(0xd800..=0xdbff), Some(0xdc00..=0xdfff)) => text(12),
                (Some(0 | 0xd800..=0xdfff), _) => Self {
                    length: 6,
                    is_text: false,
                },
                (Some(_), _) => text(6),
                (None, _) => text(1 + rest.chars().nth(1).map_or(0, char::len_utf8)),
            },
            control if is_in_text && control < ' ' => Self {
                length: 1,
                is_text: false,
            },
            other => text(other.len_utf8()),
        }
    }
}

/// The code unit of the escape `\uXXXX` that a text begins with.
fn unit_at(text: &str) -> Option<u16> {
    let digits = text.strip_prefix("\\u")?.get(..4)?;
    let are_digits = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    are_digits.then(|| u16::from_str_radix(digits, 16).ok())?
}

/// Puts U+FFFD in place of the marks, and marks the assets around them. Tells whether there is a mark
/// that belongs to no asset within.
fn note_marks(value: &mut Value, mark: &str) -> bool {
    match value {
        Value::String(text) => match without_marks(text, mark) {
            Cow::Owned(mended) => {
                *text = mended;
                true
            }
            Cow::Borrowed(_) => false,
        },
        Value::Array(items) => items
            .iter_mut()
            .fold(false, |marked, item| marked | note_marks(item, mark)),
        Value::Object(members) => {
            let mut is_marked = false;
            let old = std::mem::take(members);
            for (key, mut member) in old {
                let mended = without_marks(&key, mark);
                is_marked |= matches!(mended, Cow::Owned(_));
                is_marked |= note_marks(&mut member, mark);
                members.insert(mended.into_owned(), member);
            }
            if is_marked && is_asset(members) {
                members.insert(GARBLED.to_owned(), true.into());
                is_marked = false;
            }
            is_marked
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

fn is_asset(members: &Map<String, Value>) -> bool {
    members.get("asset_id").is_some_and(Value::is_string)
}

fn without_marks<'a>(text: &'a str, mark: &str) -> Cow<'a, str> {
    if text.contains(mark) {
        Cow::Owned(text.replace(mark, "\u{fffd}"))
    } else {
        Cow::Borrowed(text)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_no_text_is_replaced_and_its_asset_is_marked() {
        for broken in [
            &br"A mug \ud83d"[..],
            br"A mug \ude00",
            br"A mug \uD83D\u0041",
            br"A mug \u0000",
            b"A mug \x07",
            b"A mug\n",
            b"A mug \xff",
        ] {
            let body = [
                &br#"{"resources":[{"asset_id":"a","context":{"custom":{"caption":""#[..],
                broken,
                br#""}}},{"asset_id":"b","caption":"\ud83d\ude00 \\ud83d \"\u0041"}]}"#,
            ];
            let read = read(&body.concat()).unwrap();
            let [first, second] = &read["resources"].as_array().unwrap()[..] else {
                panic!("both are there: {read}")
            };
            assert_eq!(first[GARBLED], true, "{read}");
            let caption = first["context"]["custom"]["caption"].as_str().unwrap();
            assert!(
                caption.starts_with("A mug") && caption.contains('\u{fffd}'),
                "{caption}"
            );
            assert_eq!(
                *second,
                json!({"asset_id": "b", "caption": "\u{1f600} \\ud83d \"A"})
            );
        }
    }

    #[test]
    fn the_innermost_asset_is_marked_and_a_key_may_be_the_text() {
        let body = br#"{"asset_id":"a","resources":{"mug \ud83d":{"asset_id":"b","tags":["\udc00"]},"cup":{"asset_id":"c"}}}"#;
        let expected = json!({
            "asset_id": "a", GARBLED: true,
            "resources": {
                "mug \u{fffd}": {"asset_id": "b", "tags": ["\u{fffd}"], GARBLED: true},
                "cup": {"asset_id": "c"},
            },
        });
        assert_eq!(read(body).unwrap(), expected);
    }

    #[test]
    fn what_is_no_json_otherwise_is_refused() {
        for body in [
            &b"{"[..],
            b"<html>\x07",
            br#"{"a":"\ud83d"#,
            br#"{"a":\ud83d}"#,
        ] {
            assert!(read(body).is_err(), "{body:?}");
        }
    }

    proptest! {
        #[test]
        fn json_is_read_as_it_is(text in "\\PC{0,40}", number: i64) {
            let value = json!({"asset_id": text, "list": [text, number], text.clone(): null});
            prop_assert_eq!(read(value.to_string().as_bytes()).unwrap(), value);
        }

        #[test]
        fn no_body_makes_it_panic(body in prop::collection::vec(any::<u8>(), 0..200), units: Vec<u16>) {
            let _ = read(&body);
            let escapes: String = units.iter().map(|unit| format!("\\u{unit:04x}")).collect();
            let read = read(format!(r#"{{"asset_id":"{escapes}"}}"#).as_bytes()).unwrap();
            let text = String::from_utf16_lossy(&units).replace('\0', "\u{fffd}");
            prop_assert_eq!(read["asset_id"].as_str(), Some(text.as_str()));
        }
    }
}
