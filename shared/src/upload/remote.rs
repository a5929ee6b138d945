//! From which addresses files may be ingested (pure).
//!
//! Cloudinary fetches them, not we. The names of an internal network are none of its business all
//! the same. Nor may it publish files that only we can reach.

use core::net::IpAddr;

use url::{Host, Url};

use super::host_rule::HostRule;
pub use super::public_address::is_public;
use super::refusal::UploadRefusal;
use super::rules::UploadRules;

/// Longer addresses are not looked at.
const LONGEST: usize = 2048;

/// An address that the rules let pass, as far as can be told without asking for its host's
/// addresses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteFile {
    pub url: Url,
    /// The host to look up before the address is used; `None` where the rules name the very
    /// address.
    pub host: Option<String>,
    pub port: u16,
}

/// Checks an address against the rules.
///
/// # Errors
/// When it is none, or none from which files may be ingested.
pub fn parse_remote(text: &str, rules: &UploadRules) -> Result<RemoteFile, UploadRefusal> {
    if rules.remote_hosts.is_empty() {
        return Err(UploadRefusal::RemoteOff);
    }
    let refuse = |reason: &str| Err(UploadRefusal::Address(reason.to_owned()));
    if text.len() > LONGEST {
        return refuse("it is longer than 2048 characters");
    }
    let Ok(url) = Url::parse(text) else {
        return refuse("it is not an absolute address");
    };
    match url.scheme() {
        "https" => {}
        "http" if rules.remote_http => {}
        "http" => return refuse("only https is allowed here"),
        _ => return refuse("only addresses that begin with https:// can be"),
    }
    if !url.username().is_empty() || url.password().is_some() {
        return refuse("it names a user");
    }
    let Some(host) = url.host() else {
        return refuse("it has no host");
    };
    // Numbers in other notations, full-width digits, escapes and the like: whoever reads the
    // address differently would go elsewhere.
    if !is_written_plainly(text, &url) {
        return refuse("its host is not written plainly");
    }
    let port = url.port_or_known_default().unwrap_or_default();
    let has_default_port = url.port().is_none();
    let allows = |rule: &&HostRule| rule.allows(&host, port, has_default_port);
    let Some(_) = rules.remote_hosts.iter().find(allows) else {
        return refuse("its host or port is not among those that are allowed here");
    };
    let host = match &host {
        Host::Domain(name) => Some((*name).to_owned()),
        Host::Ipv4(_) | Host::Ipv6(_) => None,
    };
    Ok(RemoteFile { host, port, url })
}

impl RemoteFile {
    /// Checks the addresses that the host's name was found to mean.
    ///
    /// # Errors
    /// When there is no address, or any of them is not a public one.
    pub fn check_addresses(&self, addresses: &[IpAddr]) -> Result<(), UploadRefusal> {
        let refuse = |reason: &str| Err(UploadRefusal::Address(reason.to_owned()));
        if addresses.is_empty() {
            return refuse("its host is not known");
        }
        if !addresses.iter().all(|address| is_public(*address)) {
            return refuse("its host is not a public one");
        }
        Ok(())
    }

    /// The file's name, as the path tells it.
    pub fn filename(&self) -> Option<String> {
        let last = self.url.path_segments()?.next_back()?;
        let name = percent_encoding::percent_decode_str(last)
            .decode_utf8()
            .ok()?;
        (!name.is_empty()).then(|| name.into_owned())
    }
}

/// Tells whether the host stands in the text as it is understood, but for the case of its letters.
fn is_written_plainly(text: &str, url: &Url) -> bool {
    let Some(authority) = text.get(url.scheme().len()..).and_then(|rest| {
        let rest = rest.strip_prefix("://")?;
        rest.split(['/', '?', '#']).next()
    }) else {
        return false;
    };
    let port = url.port().map_or(String::new(), |port| format!(":{port}"));
    let host = url.host_str().unwrap_or_default();
    !host.ends_with('.')
        && (authority.eq_ignore_ascii_case(&format!("{host}{port}"))
            || url.port().is_none()
                && url
                    .port_or_known_default()
                    .is_some_and(|port| authority.eq_ignore_ascii_case(&format!("{host}:{port}"))))
}

#[cfg(test)]
mod tests {
    use core::net::{Ipv4Addr, Ipv6Addr};

    use proptest::prelude::*;

    use super::*;

    fn rules(hosts: &[&str]) -> UploadRules {
        UploadRules {
            remote_hosts: hosts.iter().map(|host| host.parse().unwrap()).collect(),
            ..UploadRules::default()
        }
    }

    fn passes(text: &str, hosts: &[&str]) -> bool {
        parse_remote(text, &rules(hosts)).is_ok()
    }

    #[test]
    fn without_a_list_nothing_is_fetched() {
        let refused = parse_remote("https://example.com/a.png", &UploadRules::default());
        assert_eq!(refused, Err(UploadRefusal::RemoteOff));
    }

    #[test]
    fn hosts_are_taken_by_the_list_and_by_nothing_that_looks_like_it() {
        let listed = ["example.com", "*.cdn.example.org", "files.example.net:8443"];
        for text in [
            "https://example.com/a.png?x=1",
            "https://EXAMPLE.com:443/a.png",
            "https://eu.cdn.example.org/a",
            "https://a.b.cdn.example.org/a",
            "https://files.example.net:8443/a",
        ] {
            assert!(passes(text, &listed), "{text}");
        }
        for text in [
            "http://example.com/a.png",
            "https://example.com:8443/a.png",
            "https://example.com./a.png",
            "https://example.com.evil.test/a",
            "https://notexample.com/a",
            "https://cdn.example.org/a",
            "https://evilcdn.example.org/a",
            "https://files.example.net/a",
            "https://user@example.com/a",
            "https://user:word@example.com/a",
            "https://example.com@evil.test/a",
            "https://evil.test/example.com",
            "https://evil.test\\@example.com/a",
            "https://example.com\\.evil.test/a",
            "https://ｅxample.com/a",
            "https://example%2ecom/a",
            "https:example.com/a",
            "https:///example.com/a",
            "https://exam\tple.com/a",
            "//example.com/a",
            "data:image/png;base64,AAAA",
            "s3://example.com/a",
            "gs://example.com/a",
            "ftp://example.com/a",
            "file:///etc/passwd",
            "javascript:alert(1)",
            "",
        ] {
            assert!(!passes(text, &listed), "{text}");
        }
    }

    #[test]
    fn any_host_means_any_public_name_and_no_address() {
        assert!(passes("https://whoever.test/a", &["*"]));
        for text in [
            "https://127.0.0.1/a",
            "https://2130706433/a",
            "https://0x7f.1/a",
            "https://017700000001/a",
            "https://127.1/a",
            "https://１２７.0.0.1/a",
            "https://[::1]/a",
            "https://[::ffff:169.254.169.254]/a",
            "https://169.254.169.254/latest/meta-data",
            "https://8.8.8.8/a",
            "https://whoever.test:8080/a",
        ] {
            assert!(!passes(text, &["*"]), "{text}");
        }
    }

    #[test]
    fn a_listed_address_is_allowed_as_it_is_and_needs_no_looking_up() {
        let mut rules = rules(&["127.0.0.1:*", "[fd00::1]"]);
        rules.remote_http = true;
        let file = parse_remote("http://127.0.0.1:9000/pics/blue%20mug.png", &rules).unwrap();
        assert_eq!((file.host.as_deref(), file.port), (None, 9000));
        assert_eq!(file.filename().as_deref(), Some("blue mug.png"));
        assert!(parse_remote("https://[fd00::1]/a", &rules).is_ok());
        for text in [
            "http://127.0.0.2:9000/a",
            "http://127.1:9000/a",
            "http://localhost:9000/a",
        ] {
            assert!(parse_remote(text, &rules).is_err(), "{text}");
        }
    }

    #[test]
    fn a_name_is_refused_when_any_of_its_addresses_is_internal() {
        let file = parse_remote("https://example.com/a", &rules(&["example.com"])).unwrap();
        let check = |addresses: &[&str]| {
            let addresses: Vec<IpAddr> =
                addresses.iter().map(|text| text.parse().unwrap()).collect();
            file.check_addresses(&addresses).is_ok()
        };
        assert!(check(&["93.184.215.14", "2606:2800:21f:cb07::1"]));
        assert!(!check(&["93.184.215.14", "10.0.0.1"]));
        assert!(!check(&[]));
    }

    #[test]
    fn internal_addresses_are_known_in_all_their_forms() {
        for text in [
            "0.0.0.0",
            "10.1.2.3",
            "100.64.0.1",
            "127.0.0.1",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.8",
            "192.0.2.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.51.100.7",
            "203.0.113.9",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::127.0.0.1",
            "::ffff:10.0.0.1",
            "::ffff:8.8.8.8",
            "64:ff9b::10.0.0.1",
            "64:ff9b:1::1",
            "2002:a00:1::1",
            "2002:7f00:1::",
            "2001::1",
            "2001:db8::1",
            "3fff::1",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "fec0::1",
            "ff02::1",
            "4000::1",
        ] {
            assert!(!is_public(text.parse().unwrap()), "{text}");
        }
        for text in [
            "8.8.8.8",
            "93.184.215.14",
            "172.15.0.1",
            "172.32.0.1",
            "100.63.0.1",
            "100.128.0.1",
            "192.169.0.1",
            "223.255.255.254",
            "2606:4700::1111",
            "2a00:1450::1",
            "64:ff9b::8.8.8.8",
        ] {
            assert!(is_public(text.parse().unwrap()), "{text}");
        }
    }

    #[test]
    fn rules_are_written_as_they_were_read() {
        for text in [
            "example.com",
            "*.example.com:8443",
            "*",
            "10.0.0.1:*",
            "[fd00::1]:80",
        ] {
            assert_eq!(text.parse::<HostRule>().unwrap().to_string(), text);
        }
        for text in [
            "",
            "https://example.com",
            "example.com/a",
            "a b",
            "*.*",
            "ex*mple.com",
            "a:x",
        ] {
            assert!(text.parse::<HostRule>().is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn mapped_and_embedded_addresses_are_no_way_around(bits in any::<u32>()) {
            let address = Ipv4Addr::from(bits);
            prop_assert!(!is_public(address.to_ipv6_mapped().into()));
            prop_assert!(!is_public(address.to_ipv6_compatible().into()));
            let [a, b, c, d] = address.octets();
            let (high, low) = (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
            let translated = Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, high, low);
            prop_assert_eq!(is_public(translated.into()), is_public(address.into()));
            let carried = Ipv6Addr::new(0x2002, high, low, 0, 0, 0, 0, 1);
            prop_assert_eq!(is_public(carried.into()), is_public(address.into()));
        }

        #[test]
        fn what_passes_goes_to_a_listed_host(text in "(https?|ftp|HTTPS)(://|:/|:)(\\PC{0,12}@)?(example\\.com|127\\.0\\.0\\.1|\\PC{0,14})(:[0-9]{1,5})?(/\\PC{0,10})?") {
            if let Ok(file) = parse_remote(&text, &rules(&["example.com"])) {
                prop_assert_eq!(file.url.host_str(), Some("example.com"));
                prop_assert_eq!(file.url.scheme(), "https");
                prop_assert_eq!(file.url.port_or_known_default(), Some(443));
            }
        }
    }
}
