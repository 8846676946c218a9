//! Which addresses a connection may lead to. Pure: no names, no sockets.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::model::grant::Reach;

/// What stands against an address under a reach; none where it may be reached.
pub(crate) fn objection(address: IpAddr, reach: Reach) -> Option<&'static str> {
    match reach {
        Reach::Loopback if is_loopback(address) => None,
        Reach::Loopback => Some("not a loopback address, which is all that this grant allows"),
        Reach::Open => special(address),
        Reach::Private => special(address).filter(|why| *why != PRIVATE),
    }
}

/// Said of the addresses of a customer's own network, which a grant can open by name.
const PRIVATE: &str = "a private address, which only `--allow-private` opens";

fn special(address: IpAddr) -> Option<&'static str> {
    match address {
        IpAddr::V4(v4) => private_v4(v4),
        IpAddr::V6(v6) => private_v6(v6),
    }
}

fn is_loopback(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => v4.is_loopback(),
        IpAddr::V6(v6) => v6.is_loopback() || v6.to_ipv4_mapped().is_some_and(|v4| v4.is_loopback()),
    }
}

/// The special blocks of <https://www.iana.org/assignments/iana-ipv4-special-registry>: none holds a CRM.
fn private_v4(address: Ipv4Addr) -> Option<&'static str> {
    let [a, b, c, _] = address.octets();
    match (a, b, c) {
        (0, ..) => Some("an unspecified address"),
        (10, ..) | (172, 16..=31, _) | (192, 168, _) => Some(PRIVATE),
        (100, 64..=127, _) => Some("an address behind a carrier's NAT"),
        (127, ..) => Some("a loopback address"),
        (169, 254, _) => Some("a link-local address, where clouds keep their metadata"),
        (192, 0, 0) => Some("an address of a network protocol"),
        (192, 0, 2) | (198, 51, 100) | (203, 0, 113) => Some("an address of documentation"),
        (192, 88, 99) => Some("an address of a 6to4 relay"),
        (198, 18..=19, _) => Some("an address of network tests"),
        (224..=239, ..) => Some("a multicast address"),
        (240..=255, ..) => Some("a reserved or broadcast address"),
        // Alibaba's and Oracle's metadata services lie in 100.100.200.200 and 192.0.0.192, covered above; Azure's
        // platform address is public in form and answers inside each virtual network only.
        (168, 63, 129) if address.octets()[3] == 16 => Some("a cloud's metadata address"),
        _ => None,
    }
}

/// Forms that carry an IPv4 address are judged by it: the packets end up there.
fn private_v6(address: Ipv6Addr) -> Option<&'static str> {
    let s = address.segments();
    if address.is_unspecified() {
        return Some("an unspecified address");
    }
    if address.is_loopback() {
        return Some("a loopback address");
    }
    if let Some(inside) = carried_v4(s) {
        return private_v4(inside);
    }
    match s {
        // NAT64 with a prefix of the local network: what is behind it can't be told.
        [0x0064, 0xff9b, 0x0001, ..] => Some("a translated address"),
        // Mapped and NAT64 addresses were judged above; what else is in ::/8 belongs to nobody.
        [0x0000..=0x00ff, ..] => Some("a reserved address"),
        [0x0100, 0, 0, 0, ..] => Some("a discarded address"),
        // Teredo and ORCHID are in 2001::/23, which holds protocols, not servers.
        [0x2001, 0x0000..=0x01ff, ..] => Some("an address of a network protocol"),
        [0x2001, 0x0db8, ..] | [0x3fff, 0x0000..=0x0fff, ..] => Some("an address of documentation"),
        // 6to4 is retired (RFC 7526) and leads wherever the address inside says.
        [0x2002, ..] => Some("a 6to4 address"),
        [0x5f00, ..] => Some("an address of segment routing"),
        // Where clouds have unique-local addresses of their own: Amazon's services for its machines, Google's metadata,
        // Oracle's and Scaleway's.
        [0xfd00, 0x0ec2, ..]
        | [0xfd20, 0x00ce, ..]
        | [0xfd00, 0x00c1, 0, 0, 0, 0, 0xa9fe, 0xa9fe]
        | [0xfd00, 0x0042, 0, 0, 0, 0, 0, 0x0042] => Some("a cloud's metadata address"),
        [0xfc00..=0xfdff, ..] => Some(PRIVATE),
        [0xfe80..=0xfebf, ..] => Some("a link-local address"),
        [0xfec0..=0xfeff, ..] => Some("a site-local address"),
        [0xff00..=0xffff, ..] => Some("a multicast address"),
        // Only 2000::/3 is given out to networks.
        [0x2000..=0x3fff, ..] => None,
        _ => Some("an address that is not given out"),
    }
}

/// The IPv4 address in an IPv4-mapped (`::ffff:0:0/96`) or well-known NAT64 (`64:ff9b::/96`) address.
fn carried_v4(s: [u16; 8]) -> Option<Ipv4Addr> {
    match s {
        [0, 0, 0, 0, 0, 0xffff, high, low] | [0x0064, 0xff9b, 0, 0, 0, 0, high, low] => {
            let [a, b] = high.to_be_bytes();
            let [c, d] = low.to_be_bytes();
            Some(Ipv4Addr::new(a, b, c, d))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str, reach: Reach) -> bool {
        objection(text.parse().unwrap(), reach).is_some()
    }

    #[test]
    fn the_open_network_is_public_addresses_only() {
        for good in [
            "1.1.1.1",
            "104.18.244.108",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "126.255.255.255",
            "128.0.0.0",
            "169.253.255.255",
            "169.255.0.0",
            "172.15.255.255",
            "172.32.0.0",
            "192.0.1.0",
            "192.167.255.255",
            "192.169.0.0",
            "198.17.255.255",
            "198.20.0.0",
            "223.255.255.255",
            "2606:4700::6812:f46c",
            "2a00:1450::1",
            "::ffff:1.1.1.1",
            "64:ff9b::1.1.1.1",
            "2001:200::1",
        ] {
            assert!(!refused(good, Reach::Open), "{good} is public");
        }
        for bad in [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "10.255.255.255",
            "100.64.0.1",
            "100.100.100.200",
            "100.127.255.255",
            "127.0.0.1",
            "127.255.255.254",
            "169.254.169.254",
            "168.63.129.16",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.192",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.7",
            "203.0.113.9",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.1",
            "255.255.255.255",
        ] {
            assert!(refused(bad, Reach::Open), "{bad} is not public");
        }
    }

    #[test]
    fn every_disguise_of_a_private_address_is_seen_through() {
        for bad in [
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::ffff:169.254.169.254",
            "::127.0.0.1",
            "::10.0.0.1",
            "::1.1.1.1",
            "::ffff:0:127.0.0.1",
            "64:ff9b::127.0.0.1",
            "64:ff9b::a00:1",
            "64:ff9b:1::1",
            "100::1",
            "2001::1",
            "2001:0:7f00:1::",
            "2001:10::1",
            "2001:20::1",
            "2001:db8::1",
            "3fff::1",
            "2002:7f00:1::",
            "2002:a00:1::1",
            "2002:101:101::1",
            "5f00::1",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "fec0::1",
            "ff02::1",
            "4000::1",
            "e000::1",
        ] {
            assert!(refused(bad, Reach::Open), "{bad} is not public");
        }
    }

    #[test]
    fn a_private_grant_reaches_the_customers_network_and_nothing_on_this_machine() {
        for good in ["10.0.0.1", "172.16.0.1", "192.168.1.1", "fd12:3456::1", "::ffff:10.0.0.1", "1.1.1.1"] {
            assert!(!refused(good, Reach::Private), "{good} may be a customer's");
        }
        for bad in [
            "127.0.0.1",
            "::1",
            "0.0.0.0",
            "169.254.169.254",
            "fd00:ec2::254",
            "fd00:ec2::23",
            "fd20:ce::254",
            "fd00:c1::a9fe:a9fe",
            "fd00:42::42",
            "100.100.100.200",
            "168.63.129.16",
            "192.0.0.192",
            "fe80::1",
            "224.0.0.1",
            "::ffff:169.254.169.254",
            "64:ff9b::7f00:1",
            "64:ff9b:1::1",
        ] {
            assert!(refused(bad, Reach::Private), "{bad} is no customer's");
        }
    }

    #[test]
    fn a_loopback_grant_reaches_loopback_and_nothing_else() {
        for good in ["127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1"] {
            assert!(!refused(good, Reach::Loopback), "{good} is loopback");
        }
        for bad in
            ["10.0.0.1", "0.0.0.0", "::", "1.1.1.1", "169.254.169.254", "fe80::1", "::ffff:10.0.0.1", "64:ff9b::7f00:1"]
        {
            assert!(refused(bad, Reach::Loopback), "{bad} is not loopback");
        }
    }
}
