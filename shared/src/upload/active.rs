//! Formats whose files act: browsers or machines carry them out (pure).

/// Pages, scripts and drawings with scripts act in the browser of whoever opens their address; the rest are programs.
pub const ACTIVE_FORMATS: &[&str] = &[
    "apk", "app", "bash", "bat", "cjs", "class", "cmd", "com", "deb", "dll", "dmg", "elf", "exe",
    "hta", "htm", "html", "jar", "js", "lnk", "macho", "mht", "mhtml", "mjs", "msi", "php", "pkg",
    "ps1", "rpm", "scr", "sh", "shtml", "svg", "svgz", "swf", "vbs", "wasm", "xht", "xhtml", "xml",
    "xsl", "xslt",
];
