//! Processors, and which of them is preferred (pure).

use clap::ValueEnum;

/// A processor that Lambda has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Architecture {
    #[value(name = "arm64")]
    Arm64,
    #[value(name = "x86_64")]
    X86,
}

impl Architecture {
    /// The order of choice: arm64 costs less, but an emulator on this machine runs the functions itself.
    pub(super) fn usual(endpoint: Option<&str>) -> [Self; 2] {
        let host = endpoint.and_then(|url| url::Url::parse(url).ok());
        let is_here = host
            .is_some_and(|url| matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]")));
        if is_here && cfg!(target_arch = "x86_64") {
            [Self::X86, Self::Arm64]
        } else {
            [Self::Arm64, Self::X86]
        }
    }

    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Arm64 => "arm64",
            Self::X86 => "x86_64",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cheaper_one_is_preferred_unless_the_functions_run_here() {
        assert_eq!(Architecture::usual(None)[0], Architecture::Arm64);
        let cloud = Some("https://vpce.example.com");
        assert_eq!(Architecture::usual(cloud)[0], Architecture::Arm64);
        let here = Architecture::usual(Some("http://127.0.0.1:4566"))[0];
        assert_eq!(here == Architecture::X86, cfg!(target_arch = "x86_64"));
    }
}
