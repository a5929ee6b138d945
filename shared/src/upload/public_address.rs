//! Addresses of the public internet (pure).

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Tells addresses of the public internet. All others are refused: a private network, this machine,
/// a link, a group, a cloud's metadata service, or a way around to one of those.
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let is_special = match (a, b, c) {
        // This network, carrier-grade NAT, protocol assignments, relays to IPv6, benchmarks.
        (0, ..) | (100, 64..=127, _) | (192, 0, 0) | (192, 88, 99) | (198, 18..=19, _) => true,
        // Reserved, and the broadcast address.
        (240.., ..) => true,
        _ => false,
    };
    !(is_special
        || address.is_private()
        || address.is_loopback()
        // The cloud's metadata service is one of these.
        || address.is_link_local()
        || address.is_documentation()
        || address.is_multicast())
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let segments = address.segments();
    let embedded = |high: u16, low: u16| {
        let [a, b] = high.to_be_bytes();
        let [c, d] = low.to_be_bytes();
        is_public_v4(Ipv4Addr::new(a, b, c, d))
    };
    match segments {
        // Translated to IPv4 (NAT64), or carried through it (6to4).
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => embedded(high, low),
        [0x2002, high, low, ..] => embedded(high, low),
        // Protocol assignments, Teredo among them; documentation, old and new.
        [0x2001, ..0x200, ..] | [0x2001, 0xdb8, ..] | [0x3fff, ..0x1000, ..] => false,
        // All that has been given out. Loopback, mapped IPv4, unique local, link-local and
        // multicast addresses lie outside.
        [0x2000..=0x3fff, ..] => true,
        _ => false,
    }
}
