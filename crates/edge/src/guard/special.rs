//! Networks that are protected everywhere and for ever, compiled in.
//!
//! Sources: the IANA IPv4 and IPv6 Special-Purpose Address Registries (RFC 6890 and its updates), complete with
//! their nested assignments, so that a reader finds each row again; the IANA IPv4 and IPv6 Multicast Address Space
//! Registries (RFC 5771, RFC 4291 section 2.7); site-local (RFC 3879) and IPv4-compatible (RFC 4291
//! section 2.5.5.1) addresses, which are deprecated but must not come back as blocks.

use base::AddrSpec;
use std::sync::LazyLock;

/// One protected network.
#[derive(Debug, Clone)]
pub struct Special {
    /// The network.
    pub spec: AddrSpec,
    /// The registry's name of it.
    pub name: &'static str,
    /// The document that reserves it.
    pub source: &'static str,
}

impl Special {
    /// For people: `Loopback, RFC 1122`.
    #[must_use]
    pub fn why(&self) -> String {
        format!("{}, {}", self.name, self.source)
    }

    /// Whether a demonstration may deny it: the documentation networks of RFC 5737 and RFC 3849.
    #[must_use]
    pub fn is_documentation(&self) -> bool {
        matches!(self.source, "RFC 5737" | "RFC 3849")
    }
}

/// The rows, as written in the registries: network, name, document.
#[rustfmt::skip]
const ROWS: &[(&str, &str, &str)] = &[
    ("0.0.0.0/8", "This network", "RFC 791"),
    ("10.0.0.0/8", "Private-Use", "RFC 1918"),
    ("100.64.0.0/10", "Shared Address Space", "RFC 6598"),
    ("127.0.0.0/8", "Loopback", "RFC 1122"),
    ("169.254.0.0/16", "Link Local", "RFC 3927"),
    ("172.16.0.0/12", "Private-Use", "RFC 1918"),
    ("192.0.0.0/24", "IETF Protocol Assignments", "RFC 6890"),
    ("192.0.0.0/29", "IPv4 Service Continuity Prefix", "RFC 7335"),
    ("192.0.0.8/32", "IPv4 dummy address", "RFC 7600"),
    ("192.0.0.9/32", "Port Control Protocol Anycast", "RFC 7723"),
    ("192.0.0.10/32", "Traversal Using Relays around NAT Anycast", "RFC 8155"),
    ("192.0.0.170/32", "NAT64/DNS64 Discovery", "RFC 8880"),
    ("192.0.0.171/32", "NAT64/DNS64 Discovery", "RFC 8880"),
    ("192.0.2.0/24", "Documentation (TEST-NET-1)", "RFC 5737"),
    ("192.31.196.0/24", "AS112-v4", "RFC 7535"),
    ("192.52.193.0/24", "AMT", "RFC 7450"),
    ("192.88.99.0/24", "Deprecated (6to4 Relay Anycast)", "RFC 7526"),
    ("192.168.0.0/16", "Private-Use", "RFC 1918"),
    ("192.175.48.0/24", "Direct Delegation AS112 Service", "RFC 7534"),
    ("198.18.0.0/15", "Benchmarking", "RFC 2544"),
    ("198.51.100.0/24", "Documentation (TEST-NET-2)", "RFC 5737"),
    ("203.0.113.0/24", "Documentation (TEST-NET-3)", "RFC 5737"),
    ("224.0.0.0/4", "Multicast", "RFC 5771"),
    ("240.0.0.0/4", "Reserved", "RFC 1112"),
    ("255.255.255.255/32", "Limited Broadcast", "RFC 919"),
    ("::/128", "Unspecified Address", "RFC 4291"),
    ("::1/128", "Loopback Address", "RFC 4291"),
    ("::/96", "Deprecated (IPv4-compatible)", "RFC 4291"),
    ("::ffff:0:0/96", "IPv4-mapped Address", "RFC 4291"),
    ("64:ff9b::/96", "IPv4-IPv6 Translation", "RFC 6052"),
    ("64:ff9b:1::/48", "IPv4-IPv6 Translation", "RFC 8215"),
    ("100::/64", "Discard-Only Address Block", "RFC 6666"),
    ("100:0:0:1::/64", "Dummy IPv6 Prefix", "RFC 9780"),
    ("2001::/23", "IETF Protocol Assignments", "RFC 2928"),
    ("2001::/32", "TEREDO", "RFC 4380"),
    ("2001:1::1/128", "Port Control Protocol Anycast", "RFC 7723"),
    ("2001:1::2/128", "Traversal Using Relays around NAT Anycast", "RFC 8155"),
    ("2001:1::3/128", "DNS-SD Service Registration Protocol Anycast", "RFC 9665"),
    ("2001:2::/48", "Benchmarking", "RFC 5180"),
    ("2001:3::/32", "AMT", "RFC 7450"),
    ("2001:4:112::/48", "AS112-v6", "RFC 7535"),
    ("2001:10::/28", "Deprecated (ORCHID)", "RFC 4843"),
    ("2001:20::/28", "ORCHIDv2", "RFC 7343"),
    ("2001:30::/28", "Drone Remote ID Protocol Entity Tags", "RFC 9374"),
    ("2001:db8::/32", "Documentation", "RFC 3849"),
    ("2002::/16", "6to4", "RFC 3056"),
    ("2620:4f:8000::/48", "Direct Delegation AS112 Service", "RFC 7534"),
    ("3fff::/20", "Documentation", "RFC 9637"),
    ("5f00::/16", "Segment Routing (SRv6) SIDs", "RFC 9602"),
    ("fc00::/7", "Unique-Local", "RFC 4193"),
    ("fe80::/10", "Link-Local Unicast", "RFC 4291"),
    ("fec0::/10", "Deprecated (site-local)", "RFC 3879"),
    ("ff00::/8", "Multicast", "RFC 4291"),
];

static ALL: LazyLock<Vec<Special>> = LazyLock::new(|| {
    ROWS.iter().filter_map(|&(net, name, source)| Some(Special { spec: net.parse().ok()?, name, source })).collect()
});

/// The networks compiled in, without the documentation networks when a demonstration may deny those.
pub fn networks(allow_documentation: bool) -> impl Iterator<Item = &'static Special> {
    ALL.iter().filter(move |net| !(allow_documentation && net.is_documentation()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_a_network() {
        assert_eq!(ALL.len(), ROWS.len());
    }

    #[test]
    fn a_demonstration_unprotects_four_networks_and_nothing_else() {
        let gone: Vec<String> = networks(false)
            .filter(|net| !networks(true).any(|kept| kept.spec == net.spec))
            .map(|net| net.spec.to_string())
            .collect();
        assert_eq!(gone, ["192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32"]);
    }
}
