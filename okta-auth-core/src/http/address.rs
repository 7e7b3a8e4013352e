//! Classifies IP addresses as public, private, loopback or special.
//!
//! The tables are IANA's registries of special-purpose addresses (RFC 6890 and its updates), with two differences, both
//! on the strict side:
//!
//! 1. In IPv6 only `2000::/3` can be public, because IANA has assigned no other global unicast range. An IPv6 address
//!    that embeds an IPv4 address (RFC 4291 §2.5.5.2, RFC 6052 §2.1) has the class of the embedded address.
//! 2. The metadata addresses at which clouds hand out credentials are special in every range. Permission for private
//!    addresses therefore never includes them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Public,
    Private,
    Loopback,
    /// Never a valid destination of a request: unspecified, link-local, multicast, documentation, benchmarks, tunnels,
    /// reserved, and the metadata services of clouds.
    Special,
}

/// A network, the length of its prefix in bits, and the class of its addresses.
type Network<T> = (T, u32, Kind);

/// The first match counts. An address that matches no row is public.
const V4: [Network<Ipv4Addr>; 21] = [
    // The metadata services of Alibaba Cloud, Oracle Cloud and Azure outside of link-local.
    (Ipv4Addr::new(100, 100, 100, 200), 32, Kind::Special),
    (Ipv4Addr::new(192, 0, 0, 192), 32, Kind::Special),
    (Ipv4Addr::new(168, 63, 129, 16), 32, Kind::Special),
    // "This network" (RFC 791), which reaches this machine on Linux.
    (Ipv4Addr::new(0, 0, 0, 0), 8, Kind::Special),
    (Ipv4Addr::new(127, 0, 0, 0), 8, Kind::Loopback),
    // RFC 1918.
    (Ipv4Addr::new(10, 0, 0, 0), 8, Kind::Private),
    (Ipv4Addr::new(172, 16, 0, 0), 12, Kind::Private),
    (Ipv4Addr::new(192, 168, 0, 0), 16, Kind::Private),
    // Carriers' address translation (RFC 6598).
    (Ipv4Addr::new(100, 64, 0, 0), 10, Kind::Private),
    // Link-local (RFC 3927), where most clouds have their metadata service.
    (Ipv4Addr::new(169, 254, 0, 0), 16, Kind::Special),
    // IETF protocol assignments (RFC 6890).
    (Ipv4Addr::new(192, 0, 0, 0), 24, Kind::Special),
    // Documentation (RFC 5737).
    (Ipv4Addr::new(192, 0, 2, 0), 24, Kind::Special),
    (Ipv4Addr::new(198, 51, 100, 0), 24, Kind::Special),
    (Ipv4Addr::new(203, 0, 113, 0), 24, Kind::Special),
    // AS112 (RFC 7534, RFC 7535), AMT (RFC 7450), 6to4 relays (RFC 7526).
    (Ipv4Addr::new(192, 31, 196, 0), 24, Kind::Special),
    (Ipv4Addr::new(192, 52, 193, 0), 24, Kind::Special),
    (Ipv4Addr::new(192, 88, 99, 0), 24, Kind::Special),
    (Ipv4Addr::new(192, 175, 48, 0), 24, Kind::Special),
    // Benchmarks (RFC 2544).
    (Ipv4Addr::new(198, 18, 0, 0), 15, Kind::Special),
    // Multicast (RFC 5771); reserved (RFC 1112 §4), with broadcast at its end.
    (Ipv4Addr::new(224, 0, 0, 0), 4, Kind::Special),
    (Ipv4Addr::new(240, 0, 0, 0), 4, Kind::Special),
];

/// The first match counts. An address that matches no row is special.
const V6: [Network<Ipv6Addr>; 10] = [
    (Ipv6Addr::LOCALHOST, 128, Kind::Loopback),
    // The metadata services of AWS and Google Cloud.
    (Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254), 128, Kind::Special),
    (Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254), 128, Kind::Special),
    // Unique local (RFC 4193).
    (Ipv6Addr::new(0xfc00, 0, 0, 0, 0, 0, 0, 0), 7, Kind::Private),
    // IETF protocol assignments (RFC 2928), with Teredo, ORCHID and benchmarks in them.
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23, Kind::Special),
    // Documentation (RFC 3849, RFC 9637).
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32, Kind::Special),
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20, Kind::Special),
    // 6to4 (RFC 3056): a tunnel to the embedded IPv4 address.
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16, Kind::Special),
    // AS112 (RFC 7534).
    (Ipv6Addr::new(0x2620, 0x4f, 0x8000, 0, 0, 0, 0, 0), 48, Kind::Special),
    (Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3, Kind::Public),
];

pub(super) fn kind(address: IpAddr) -> Kind {
    match address {
        IpAddr::V4(address) => kind_v4(address),
        IpAddr::V6(address) => inner_v4(address).map_or_else(|| kind_v6(address), kind_v4),
    }
}

fn kind_v4(address: Ipv4Addr) -> Kind {
    let mask = |bits: u32| u32::MAX.checked_shl(32_u32.saturating_sub(bits)).unwrap_or(0);
    let inside = |net: &Ipv4Addr, bits: u32| (address.to_bits() ^ net.to_bits()) & mask(bits) == 0;
    V4.iter().find(|(net, bits, _)| inside(net, *bits)).map_or(Kind::Public, |(_, _, kind)| *kind)
}

fn kind_v6(address: Ipv6Addr) -> Kind {
    let mask = |bits: u32| u128::MAX.checked_shl(128_u32.saturating_sub(bits)).unwrap_or(0);
    let inside = |net: &Ipv6Addr, bits: u32| (address.to_bits() ^ net.to_bits()) & mask(bits) == 0;
    V6.iter().find(|(net, bits, _)| inside(net, *bits)).map_or(Kind::Special, |(_, _, kind)| *kind)
}

/// Returns the IPv4 address that an IPv6 address embeds: mapped, `::ffff:a.b.c.d`, or behind the well-known prefix of
/// NAT64, `64:ff9b::a.b.c.d`, through which a network without IPv4 reaches public hosts. The local-use prefix (RFC
/// 8215) and the deprecated compatible form, `::a.b.c.d`, are not unwrapped and stay special.
fn inner_v4(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let [a, b, c, d, e, f, high, low] = address.segments();
    let nat64 = [a, b, c, d, e, f] == [0x64, 0xff9b, 0, 0, 0, 0];
    let inner = Ipv4Addr::from_bits((u32::from(high) << 16) | u32::from(low));
    address.to_ipv4_mapped().or_else(|| nat64.then_some(inner))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(text: &str) -> Kind {
        kind(text.parse().unwrap())
    }

    #[test]
    fn public_addresses_are_public() {
        for text in ["8.8.8.8", "52.20.1.1", "100.63.255.255", "100.128.0.0", "172.15.255.255", "172.32.0.0"] {
            assert_eq!(of(text), Kind::Public, "{text}");
            assert_eq!(of(&format!("::ffff:{text}")), Kind::Public, "{text} mapped");
            assert_eq!(of(&format!("64:ff9b::{text}")), Kind::Public, "{text} behind NAT64");
        }
        for text in ["2600:1f18::1", "2a00:1450::1", "2001:4860:4860::8888", "2001:200::1"] {
            assert_eq!(of(text), Kind::Public, "{text}");
        }
    }

    #[test]
    fn private_addresses_and_loopback_are_told_apart() {
        for text in ["10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "100.64.0.1", "100.127.255.255"] {
            assert_eq!(of(text), Kind::Private, "{text}");
            assert_eq!(of(&format!("::ffff:{text}")), Kind::Private, "{text} mapped");
            assert_eq!(of(&format!("64:ff9b::{text}")), Kind::Private, "{text} behind NAT64");
        }
        for text in ["fc00::1", "fd12:3456::1", "fdff:ffff:ffff::1"] {
            assert_eq!(of(text), Kind::Private, "{text}");
        }
        for text in ["127.0.0.1", "127.255.255.254", "::1", "::ffff:127.0.0.1", "64:ff9b::127.0.0.1"] {
            assert_eq!(of(text), Kind::Loopback, "{text}");
        }
    }

    #[test]
    fn special_addresses_are_never_anything_else() {
        let v4 = "
            0.0.0.0 0.1.2.3 169.254.169.254 192.0.0.1 192.0.2.1 192.31.196.1 192.52.193.1 192.88.99.1 192.175.48.1
            198.18.0.1 198.19.255.255 198.51.100.7 203.0.113.7 224.0.0.1 239.255.255.255 240.0.0.1 255.255.255.255
            100.100.100.200 192.0.0.192 168.63.129.16
        ";
        for text in v4.split_whitespace() {
            assert_eq!(of(text), Kind::Special, "{text}");
            assert_eq!(of(&format!("::ffff:{text}")), Kind::Special, "{text} mapped");
            assert_eq!(of(&format!("64:ff9b::{text}")), Kind::Special, "{text} behind NAT64");
        }
        let v6 = "
            :: ::8.8.8.8 ::127.0.0.1 ::ffff:0:8.8.8.8 64:ff9b:1::808:808 100::1 2001::1 2001:2::1 2001:10::1 2001:20::1
            2001:db8::1 2002:7f00:1:: 2002:808:808::1 2620:4f:8000::1 3fff::1 3fff:fff:ffff::1 5f00::1 fe80::1 fec0::1
            ff02::1 4000::1 fd00:ec2::254 fd20:ce::254
        ";
        for text in v6.split_whitespace() {
            assert_eq!(of(text), Kind::Special, "{text}");
        }
    }

    proptest! {
        /// The standard library's classification, where it has one.
        #[test]
        fn addresses_that_the_standard_library_calls_private_are_not_public(bits: u32) {
            let address = Ipv4Addr::from_bits(bits);
            let local = address.is_private() || address.is_loopback() || address.is_link_local();
            let odd = address.is_multicast() || address.is_broadcast() || address.is_documentation();
            if local || odd || address.is_unspecified() {
                prop_assert_ne!(kind(address.into()), Kind::Public);
            }
            prop_assert_eq!(kind(address.to_ipv6_mapped().into()), kind(address.into()));
        }

        #[test]
        fn only_global_unicast_is_public_in_ipv6(bits: u128) {
            let address = Ipv6Addr::from_bits(bits);
            if kind(address.into()) == Kind::Public && inner_v4(address).is_none() {
                prop_assert_eq!(address.segments()[0] >> 13, 1);
            }
        }
    }
}
