//! Whose is an observed value? Our own organisations are treated apart from carriers, whose networks hold strangers.

use base::{AddressScope, OrgId, Timestamp};
use events::sensor::ValueKind;
use registry::{DomainName, OrgKind, Registry};

/// The organisation behind a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Holder {
    /// The organisation.
    pub org: OrgId,
    /// It carries others' traffic (ISP, the public): its addresses are used by strangers.
    pub carrier: bool,
}

/// The organisation that holds an address or network, a name, or the host of a URL; none for hashes and keys.
#[must_use]
pub fn of(registry: &Registry, kind: ValueKind, value: &str, scope: AddressScope, at: Timestamp) -> Option<Holder> {
    let whose = registry.whose();
    let host = match kind {
        ValueKind::Ipv4 | ValueKind::Ipv6 | ValueKind::Domain => value,
        ValueKind::Url => intel::value::url_host(value)?,
        ValueKind::Sha256 | ValueKind::SshKey => return None,
    };
    let org = match host.parse() {
        Ok(spec) => whose.whose_net(spec, scope, at)?.org,
        Err(_) => whose.whose_domain(&host.parse::<DomainName>().ok()?, at)?.0,
    };
    let carrier = whose.card(org).is_some_and(|card| matches!(card.kind, OrgKind::Isp | OrgKind::Public));
    Some(Holder { org, carrier })
}
