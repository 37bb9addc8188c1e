//! Addresses: their sort key, whose address plan they belong to, and ids derived from content.

use base::{AddressScope, OrgId};
use sha2::{Digest, Sha256};
use std::net::IpAddr;

/// Sixteen bytes that sort like the address; IPv4 stands in its mapped place of IPv6 (RFC 4291 section 2.5.5.2).
#[must_use]
pub fn sort_key(address: IpAddr) -> [u8; 16] {
    match address.to_canonical() {
        IpAddr::V4(v4) => v4.to_ipv6_mapped().octets(),
        IpAddr::V6(v6) => v6.octets(),
    }
}

/// Whose address plan an address belongs to: addresses that several organisations use at the same time (RFC 1918,
/// RFC 6598, RFC 3927, RFC 4193, RFC 4291 link-local, loopback) belong to the organisation that saw them.
#[must_use]
pub fn scope_of(address: IpAddr, org: OrgId) -> AddressScope {
    let shared = match address.to_canonical() {
        IpAddr::V4(v4) => {
            let [first, second, ..] = v4.octets();
            v4.is_private() || v4.is_loopback() || v4.is_link_local() || (first == 100 && second & 0xc0 == 64)
        }
        IpAddr::V6(v6) => v6.is_loopback() || v6.is_unique_local() || v6.is_unicast_link_local(),
    };
    if shared { AddressScope::Org(org) } else { AddressScope::Global }
}

/// An id made from a digest: version 8 of RFC 9562, so that no generated id can equal it.
#[must_use]
pub fn derived_id<I: From<uuid::Uuid>>(hasher: Sha256) -> I {
    let digest: [u8; 32] = hasher.finalize().into();
    let mut bytes = [0_u8; 16];
    for (to, from) in bytes.iter_mut().zip(digest) {
        *to = from;
    }
    I::from(uuid::Builder::from_custom_bytes(bytes).into_uuid())
}

/// An id made from the parts of a name.
#[must_use]
pub fn named_id(parts: &[&[u8]]) -> uuid::Uuid {
    let mut hasher = Sha256::new();
    for part in parts {
        // Lengths keep the parts apart.
        hasher.update((part.len() as u64).to_be_bytes());
        hasher.update(part);
    }
    derived_id(hasher)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scope_follows_the_plan() {
        let org: OrgId = "00000000-0000-7000-8000-000000000001".parse().unwrap();
        for own in ["10.0.0.5", "192.168.1.1", "100.64.0.1", "127.0.0.1", "fd00::1", "fe80::1", "::ffff:10.0.0.5"] {
            assert_eq!(scope_of(own.parse().unwrap(), org), AddressScope::Org(org), "{own}");
        }
        for global in ["203.0.113.7", "100.128.0.1", "2001:db8::1"] {
            assert_eq!(scope_of(global.parse().unwrap(), org), AddressScope::Global, "{global}");
        }
    }

    #[test]
    fn parts_are_kept_apart_and_the_version_is_8() {
        assert_ne!(named_id(&[b"ab", b"c"]), named_id(&[b"a", b"bc"]));
        assert_eq!(named_id(&[b"x"]).get_version_num(), 8);
        assert!(sort_key("9.0.0.1".parse().unwrap()) < sort_key("10.0.0.1".parse().unwrap()));
    }
}
