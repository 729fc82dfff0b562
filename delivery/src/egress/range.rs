//! What kind of address is this? Special-purpose ranges of the IANA registries, the metadata addresses of clouds, and
//! the IPv4 addresses that hide in IPv6 ones. Knows no policy.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

/// The kind of an address, as far as egress is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Range {
    Public,
    Private,
    Reserved,
    Loopback,
    LinkLocal,
    Metadata,
    Multicast,
    Broadcast,
    Unspecified,
}

const fn v4(a: u8, b: u8, c: u8, d: u8, length: u8) -> IpNet {
    IpNet::V4(Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), length))
}

const fn v6(segments: [u16; 8], length: u8) -> IpNet {
    let s = segments;
    IpNet::V6(Ipv6Net::new_assert(Ipv6Addr::new(s[0], s[1], s[2], s[3], s[4], s[5], s[6], s[7]), length))
}

/// The first entry that holds an address decides.
const RANGES: &[(IpNet, Range)] = &[
    // Metadata services that answer on a fixed address: EC2 and most others, ECS, EKS, Azure, Alibaba, Oracle.
    (v4(169, 254, 169, 254, 32), Range::Metadata),
    (v4(169, 254, 170, 2, 32), Range::Metadata),
    (v4(169, 254, 170, 23, 32), Range::Metadata),
    (v4(168, 63, 129, 16, 32), Range::Metadata),
    (v4(100, 100, 100, 200, 32), Range::Metadata),
    (v4(192, 0, 0, 192, 32), Range::Metadata),
    (v4(127, 0, 0, 0, 8), Range::Loopback),
    (v4(169, 254, 0, 0, 16), Range::LinkLocal),
    (v4(10, 0, 0, 0, 8), Range::Private),
    (v4(172, 16, 0, 0, 12), Range::Private),
    (v4(192, 168, 0, 0, 16), Range::Private),
    (v4(100, 64, 0, 0, 10), Range::Private),
    (v4(255, 255, 255, 255, 32), Range::Broadcast),
    (v4(224, 0, 0, 0, 4), Range::Multicast),
    // Linux dials 0.0.0.0 as loopback.
    (v4(0, 0, 0, 0, 8), Range::Unspecified),
    (v4(192, 0, 0, 0, 24), Range::Reserved),
    (v4(192, 0, 2, 0, 24), Range::Reserved),
    (v4(192, 88, 99, 0, 24), Range::Reserved),
    (v4(198, 18, 0, 0, 15), Range::Reserved),
    (v4(198, 51, 100, 0, 24), Range::Reserved),
    (v4(203, 0, 113, 0, 24), Range::Reserved),
    (v4(240, 0, 0, 0, 4), Range::Reserved),
    // EC2, EKS, Google, Scaleway.
    (v6([0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254], 128), Range::Metadata),
    (v6([0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x23], 128), Range::Metadata),
    (v6([0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254], 128), Range::Metadata),
    (v6([0xfd00, 0x42, 0, 0, 0, 0, 0, 0x42], 128), Range::Metadata),
    (v6([0; 8], 128), Range::Unspecified),
    (v6([0, 0, 0, 0, 0, 0, 0, 1], 128), Range::Loopback),
    (v6([0xfe80, 0, 0, 0, 0, 0, 0, 0], 10), Range::LinkLocal),
    (v6([0xfec0, 0, 0, 0, 0, 0, 0, 0], 10), Range::Private),
    (v6([0xfc00, 0, 0, 0, 0, 0, 0, 0], 7), Range::Private),
    (v6([0xff00, 0, 0, 0, 0, 0, 0, 0], 8), Range::Multicast),
    // Benchmarking, ORCHID (two generations), documentation (two).
    (v6([0x2001, 2, 0, 0, 0, 0, 0, 0], 48), Range::Reserved),
    (v6([0x2001, 0x10, 0, 0, 0, 0, 0, 0], 28), Range::Reserved),
    (v6([0x2001, 0x20, 0, 0, 0, 0, 0, 0], 28), Range::Reserved),
    (v6([0x2001, 0xdb8, 0, 0, 0, 0, 0, 0], 32), Range::Reserved),
    (v6([0x3fff, 0, 0, 0, 0, 0, 0, 0], 20), Range::Reserved),
    // Global unicast is 2000::/3; IANA has handed out nothing else that a delivery could mean.
    (v6([0x2000, 0, 0, 0, 0, 0, 0, 0], 3), Range::Public),
    (v6([0; 8], 0), Range::Reserved),
    (v4(0, 0, 0, 0, 0), Range::Public),
];

/// The kind of `address`, which is taken as it stands, and the range that decided.
pub(super) fn range_of(address: IpAddr) -> (Range, IpNet) {
    let found = RANGES.iter().find(|(net, _)| net.contains(&address));
    found.map_or((Range::Reserved, IpNet::from(address)), |(net, range)| (*range, *net))
}

/// The addresses that a connection to `address` may end at: itself, or the IPv4 addresses that it carries.
pub(super) fn ends_of(address: IpAddr) -> Vec<IpAddr> {
    let IpAddr::V6(outer) = address else {
        return vec![address];
    };
    let carried = carried_in(outer);
    if carried.is_empty() { vec![address] } else { carried.into_iter().map(IpAddr::V4).collect() }
}

fn carried_in(outer: Ipv6Addr) -> Vec<Ipv4Addr> {
    let octets = outer.octets();
    let at = |places: [usize; 4]| Ipv4Addr::from(places.map(|place| octets[place]));
    let last = at([12, 13, 14, 15]);
    match outer.segments() {
        // `::` and `::1` are addresses of their own, all other IPv4-compatible ones carry.
        [0, 0, 0, 0, 0, 0, 0, 0 | 1] => Vec::new(),
        // Compatible, mapped, translated (RFC 2765), NAT64 (RFC 6052).
        [0, 0, 0, 0, 0, 0 | 0xffff, _, _] | [0, 0, 0, 0, 0xffff, 0, _, _] | [0x64, 0xff9b, 0, 0, 0, 0, _, _] => {
            vec![last]
        }
        // NAT64 with a local prefix (RFC 8215): its length, and with it the place of the IPv4 address, is not known
        // here. The usual place is the end; the others count where they hold something that must not be dialled.
        [0x64, 0xff9b, 1, ..] => {
            let harmless = [Range::Public, Range::Reserved, Range::Unspecified];
            let others = [[6, 7, 9, 10], [7, 9, 10, 11], [9, 10, 11, 12]].map(at).into_iter();
            let harmful = others.filter(|inner| !harmless.contains(&range_of(IpAddr::V4(*inner)).0));
            std::iter::once(last).chain(harmful).collect()
        }
        // 6to4.
        [0x2002, ..] => vec![at([2, 3, 4, 5])],
        // Teredo: the client, whose bits are inverted, and the server.
        [0x2001, 0, ..] => vec![Ipv4Addr::from_bits(!last.to_bits()), at([4, 5, 6, 7])],
        _ => Vec::new(),
    }
}
