//! The text of a file, in the encodings that browsers read (pure).

/// The bytes of one character in an encoding, and their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TextEncoding {
    Utf8,
    Utf16 { is_big: bool },
    Utf32 { is_big: bool },
}

/// Reads a text as its byte order mark says, or as the zeros among its first four bytes say. Each byte that does not fit
/// becomes a replacement character.
pub(super) fn decode(bytes: &[u8]) -> String {
    match encoding_of(bytes) {
        TextEncoding::Utf8 => String::from_utf8_lossy(bytes).into_owned(),
        TextEncoding::Utf16 { is_big } => {
            let units = bytes.chunks_exact(2).map(|unit| match is_big {
                true => u16::from_be_bytes([unit[0], unit[1]]),
                false => u16::from_le_bytes([unit[0], unit[1]]),
            });
            char::decode_utf16(units)
                .map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER))
                .collect()
        }
        TextEncoding::Utf32 { is_big } => {
            let points = bytes.chunks_exact(4).map(|point| match is_big {
                true => u32::from_be_bytes([point[0], point[1], point[2], point[3]]),
                false => u32::from_le_bytes([point[0], point[1], point[2], point[3]]),
            });
            points
                .map(|point| char::from_u32(point).unwrap_or(char::REPLACEMENT_CHARACTER))
                .collect()
        }
    }
}

fn encoding_of(bytes: &[u8]) -> TextEncoding {
    use TextEncoding::{Utf8, Utf16, Utf32};
    match bytes {
        [0xff, 0xfe, 0, 0, ..] => Utf32 { is_big: false },
        [0, 0, 0xfe, 0xff, ..] => Utf32 { is_big: true },
        [0xff, 0xfe, ..] => Utf16 { is_big: false },
        [0xfe, 0xff, ..] => Utf16 { is_big: true },
        // Markup begins with two characters of ASCII.
        [1..=0xff, 0, 0, 0, ..] => Utf32 { is_big: false },
        [0, 0, 0, 1..=0xff, ..] => Utf32 { is_big: true },
        [1..=0xff, 0, 1..=0xff, 0, ..] => Utf16 { is_big: false },
        [0, 1..=0xff, 0, 1..=0xff, ..] => Utf16 { is_big: true },
        _ => Utf8,
    }
}

/// A text in each of these encodings.
#[cfg(test)]
pub(super) fn encodings(text: &str) -> [Vec<u8>; 5] {
    let units = || text.encode_utf16();
    let points = || text.chars().map(u32::from);
    [
        text.as_bytes().to_vec(),
        units().flat_map(u16::to_le_bytes).collect(),
        units().flat_map(u16::to_be_bytes).collect(),
        points().flat_map(u32::to_le_bytes).collect(),
        points().flat_map(u32::to_be_bytes).collect(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_encoding_is_told_with_and_without_its_mark() {
        for text in ["<p>", "\u{feff}<p>", "ab\u{1f600}"] {
            for encoded in encodings(text) {
                assert_eq!(decode(&encoded), text, "{encoded:?}");
            }
        }
    }
}
