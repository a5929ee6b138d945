//! The page's files, embedded when this program is built.

use crate::encoding::Encoding;

/// A file of the page, in each encoding that makes it smaller.
#[derive(Clone, Copy, Debug)]
pub(crate) struct EmbeddedFile {
    /// Relative to `/console/`.
    pub(crate) name: &'static str,
    /// The first 128 bits of its SHA-256, in hexadecimal digits.
    pub(crate) hash: &'static str,
    pub(crate) plain: &'static [u8],
    pub(crate) brotli: Option<&'static [u8]>,
    pub(crate) gzip: Option<&'static [u8]>,
}

/// Empty if the page was not built before this program.
pub(crate) const FILES: &[EmbeddedFile] = include!(concat!(env!("OUT_DIR"), "/files.rs"));

const INDEX: &str = "index.html";

/// The file at a path of the page. Paths of views, which have no dot, lead to the page itself.
pub(crate) fn find<'a>(files: &'a [EmbeddedFile], path: &str) -> Option<&'a EmbeddedFile> {
    let named = |name: &str| files.iter().find(|file| file.name == name);
    named(path).or_else(|| match path.rsplit('/').next() {
        Some(last) if last.contains('.') => None,
        _ => named(INDEX),
    })
}

impl EmbeddedFile {
    /// True if its name changes with its content.
    pub(crate) fn is_immutable(&self) -> bool {
        self.name.starts_with("assets/")
    }

    pub(crate) fn content_type(&self) -> &'static str {
        match self.name.rsplit('.').next() {
            Some("html") => "text/html; charset=utf-8",
            Some("js") => "text/javascript; charset=utf-8",
            Some("css") => "text/css; charset=utf-8",
            Some("svg") => "image/svg+xml",
            Some("woff2") => "font/woff2",
            _ => "application/octet-stream",
        }
    }

    /// The bytes in the best encoding that the caller accepts.
    pub(crate) fn encoded(&self, accepted: &str) -> (Option<Encoding>, &'static [u8]) {
        let forms = [(Encoding::Brotli, self.brotli), (Encoding::Gzip, self.gzip)];
        forms
            .into_iter()
            .find_map(|(encoding, bytes)| {
                Some((Some(encoding), bytes?)).filter(|_| encoding.is_accepted(accepted))
            })
            .unwrap_or((None, self.plain))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(name: &'static str) -> EmbeddedFile {
        EmbeddedFile {
            name,
            hash: "0",
            plain: b"plain",
            brotli: Some(b"brotli"),
            gzip: Some(b"gzip"),
        }
    }

    #[test]
    fn views_lead_to_the_page_and_missing_files_to_nothing() {
        let files = [file("index.html"), file("assets/main-1.js")];
        let found = |path| find(&files, path).map(|file| file.name);
        for path in ["", "index.html", "sync", "media/0123", "a/b/"] {
            assert_eq!(found(path), Some("index.html"), "{path}");
        }
        assert_eq!(found("assets/main-1.js"), Some("assets/main-1.js"));
        for path in ["assets/main-2.js", "../handler.rs", "favicon.ico"] {
            assert_eq!(found(path), None, "{path}");
        }
    }

    #[test]
    fn only_hashed_names_are_kept_for_ever() {
        assert!(file("assets/main-1.js").is_immutable());
        assert!(!file("index.html").is_immutable());
    }

    #[test]
    fn the_smallest_accepted_encoding_is_sent() {
        let table = [
            ("gzip, deflate, br, zstd", "brotli"),
            ("gzip", "gzip"),
            ("br;q=0, gzip;q=0.5", "gzip"),
            ("", "plain"),
            ("identity", "plain"),
        ];
        for (accepted, expected) in table {
            let (_, bytes) = file("index.html").encoded(accepted);
            assert_eq!(bytes, expected.as_bytes(), "{accepted}");
        }
    }
}
