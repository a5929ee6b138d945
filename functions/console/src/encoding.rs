//! Encodings of content, and whether a caller accepts them.

/// An encoding that was made when the page was built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encoding {
    Brotli,
    Gzip,
}

impl Encoding {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Brotli => "br",
            Self::Gzip => "gzip",
        }
    }

    /// True if `Accept-Encoding` names it with a weight above zero.
    pub(crate) fn is_accepted(self, accepted: &str) -> bool {
        accepted.split(',').any(|item| {
            let mut parts = item.split(';').map(str::trim);
            let is_named = parts
                .next()
                .is_some_and(|name| name.eq_ignore_ascii_case(self.as_str()));
            let weight = parts.find_map(|part| part.strip_prefix("q="));
            is_named && weight.is_none_or(|weight| weight.parse() != Ok(0.0_f32))
        })
    }
}
