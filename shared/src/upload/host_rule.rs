//! Hosts from which files may be ingested (pure).

use core::net::IpAddr;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use url::Host;

/// A host from which files may be ingested.  Its forms: `images.example.com`, `*.example.com`
/// (below it), `*` (any public host), or an address such as `10.1.2.3`, which is thereby allowed
/// although it may be internal. `:8443` behind it allows that port, `:*` any.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct HostRule {
    host: HostPattern,
    port: PortPattern,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum HostPattern {
    Any,
    Below(String),
    Domain(String),
    Address(IpAddr),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum PortPattern {
    Default,
    Any,
    Only(u16),
}

impl HostRule {
    pub(super) fn allows(&self, host: &Host<&str>, port: u16, has_default_port: bool) -> bool {
        let is_host = match (&self.host, host) {
            (HostPattern::Any, Host::Domain(_)) => true,
            (HostPattern::Below(domain), Host::Domain(name)) => name
                .strip_suffix(domain.as_str())
                .is_some_and(|rest| rest.len() > 1 && rest.ends_with('.')),
            (HostPattern::Domain(domain), Host::Domain(name)) => domain == name,
            (HostPattern::Address(IpAddr::V4(known)), Host::Ipv4(address)) => known == address,
            (HostPattern::Address(IpAddr::V6(known)), Host::Ipv6(address)) => known == address,
            _ => false,
        };
        is_host
            && match self.port {
                PortPattern::Default => has_default_port,
                PortPattern::Any => true,
                PortPattern::Only(only) => only == port,
            }
    }
}

impl FromStr for HostRule {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || {
            format!("`{text}` is no host; write images.example.com, *.example.com, or an address")
        };
        let (host, port) = match text.rsplit_once(':') {
            Some((host, port)) if !host.contains(':') || host.ends_with(']') => (host, Some(port)),
            _ => (text, None),
        };
        let port = match port {
            None => PortPattern::Default,
            Some("*") => PortPattern::Any,
            Some(port) => PortPattern::Only(port.parse().map_err(|_| wrong())?),
        };
        let domain = |name: &str| match Host::parse(name) {
            Ok(Host::Domain(parsed)) if parsed == name && !name.contains('*') => Some(parsed),
            _ => None,
        };
        let host = host.to_ascii_lowercase();
        let literal = host.trim_start_matches('[').trim_end_matches(']');
        let host = if host == "*" {
            HostPattern::Any
        } else if let Ok(address) = literal.parse() {
            HostPattern::Address(address)
        } else if let Some(parent) = host.strip_prefix("*.") {
            HostPattern::Below(domain(parent).ok_or_else(wrong)?)
        } else {
            HostPattern::Domain(domain(&host).ok_or_else(wrong)?)
        };
        Ok(Self { host, port })
    }
}

impl TryFrom<String> for HostRule {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<HostRule> for String {
    fn from(rule: HostRule) -> Self {
        rule.to_string()
    }
}

impl fmt::Display for HostRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.host {
            HostPattern::Any => f.write_str("*")?,
            HostPattern::Below(domain) => write!(f, "*.{domain}")?,
            HostPattern::Domain(domain) => f.write_str(domain)?,
            HostPattern::Address(IpAddr::V4(address)) => write!(f, "{address}")?,
            HostPattern::Address(IpAddr::V6(address)) => write!(f, "[{address}]")?,
        }
        match self.port {
            PortPattern::Default => Ok(()),
            PortPattern::Any => f.write_str(":*"),
            PortPattern::Only(port) => write!(f, ":{port}"),
        }
    }
}
