//! What an organisation gets: networks, domains, AS numbers, and what stands in the way of each.

use access::Caller;
use base::{AddrSpec, AddressScope, Env, OrgId};
use std::net::IpAddr;

use super::{Change, Decided, Span, authority, belonging_facts, central, known, outlives, span};
use crate::error::RegistryError;
use crate::model::{Asn, Domain, Network, OrgKind};
use crate::names::{AsNumber, DomainName};
use crate::whose::{Book, meets};

/// Addresses that mean something else in every network: they belong to an organisation's internal scope.
fn is_private(net: AddrSpec) -> bool {
    match net.net().addr() {
        IpAddr::V4(addr) => {
            let shared = addr.octets().first() == Some(&100) && addr.octets().get(1).is_some_and(|b| b & 0xc0 == 64);
            addr.is_private() || addr.is_loopback() || addr.is_link_local() || shared || addr.is_unspecified()
        }
        IpAddr::V6(addr) => {
            addr.is_unique_local() || addr.is_unicast_link_local() || addr.is_loopback() || addr.is_unspecified()
        }
    }
}

pub(super) fn add_network(
    book: &Book,
    caller: &Caller,
    org: OrgId,
    net: AddrSpec,
    scope: AddressScope,
    when: Span,
    env: &Env,
) -> Result<Decided, RegistryError> {
    let holder = known(book, org)?;
    authority(book, caller, holder)?;
    if scope == AddressScope::Global {
        central(caller)?;
    }
    let (from, to) = span(when, env.now())?;
    if outlives(to, holder.to) {
        return Err(RegistryError::Ended);
    }
    let least = if net.is_v4() { 8 } else { 16 };
    if net.net().prefix_len() < least && scope == AddressScope::Global {
        return Err(RegistryError::TooWide);
    }
    match scope {
        AddressScope::Global if is_private(net) => {
            return Err(RegistryError::BadField("scope", "private addresses need the organisation's internal scope"));
        }
        AddressScope::Org(plan) if plan != org => {
            return Err(RegistryError::BadField("scope", "must be global or the organisation's own"));
        }
        AddressScope::Global | AddressScope::Org(_) => {}
    }
    let meeting = book
        .networks
        .values()
        .filter(|other| other.scope == scope && meets((from, to), (other.from, other.to)) && other.net.overlaps(net));
    for other in meeting {
        if other.org == org {
            if other.net == net {
                return Err(RegistryError::Repeated);
            }
        } else if !may_nest(book, (org, net), (other.org, other.net)) {
            let facts = belonging_facts(other.org, caller.realm());
            return Err(RegistryError::Overlap(caller.sees(&facts).then_some((other.org, other.net))));
        }
    }
    let row = Network { id: env.id(), org, net, scope, from, to, version: 1 };
    Ok(Decided {
        action: "registry.add_network",
        org,
        subject: format!("network:{}", row.id),
        detail: serde_json::json!({"net": net, "scope": scope.key(), "from": from, "to": to}),
        changes: vec![Change::AddNetwork(row)],
    })
}

/// Two organisations may hold overlapping networks only when one lies strictly inside the other and the wider one's
/// holder is an ISP or stands above the other's: delegation, not dispute.
fn may_nest(book: &Book, a: (OrgId, AddrSpec), b: (OrgId, AddrSpec)) -> bool {
    let (wide, narrow) = if a.1.net().prefix_len() < b.1.net().prefix_len() { (a, b) } else { (b, a) };
    let strictly = wide.1.net().prefix_len() < narrow.1.net().prefix_len();
    let isp = book.orgs.get(&wide.0).is_some_and(|org| org.standing.kind == OrgKind::Isp);
    strictly && (isp || book.below(narrow.0, wide.0))
}

pub(super) fn add_domain(
    book: &Book,
    caller: &Caller,
    org: OrgId,
    name: &DomainName,
    when: Span,
    env: &Env,
) -> Result<Decided, RegistryError> {
    let holder = known(book, org)?;
    authority(book, caller, holder)?;
    let (from, to) = span(when, env.now())?;
    if outlives(to, holder.to) {
        return Err(RegistryError::Ended);
    }
    // Names below another's name are delegation; the very same name is a dispute.
    if let Some(other) = book.named(name.as_str()).find(|other| meets((from, to), (other.from, other.to))) {
        return Err(if other.org == org { RegistryError::Repeated } else { RegistryError::Taken });
    }
    let row = Domain { id: env.id(), org, name: name.clone(), from, to, version: 1 };
    Ok(Decided {
        action: "registry.add_domain",
        org,
        subject: format!("domain:{}", row.id),
        detail: serde_json::json!({"name": name, "from": from, "to": to}),
        changes: vec![Change::AddDomain(row)],
    })
}

pub(super) fn add_asn(
    book: &Book,
    caller: &Caller,
    org: OrgId,
    number: AsNumber,
    when: Span,
    env: &Env,
) -> Result<Decided, RegistryError> {
    let holder = known(book, org)?;
    authority(book, caller, holder)?;
    let (from, to) = span(when, env.now())?;
    if outlives(to, holder.to) {
        return Err(RegistryError::Ended);
    }
    if let Some(other) = book.numbered(number).find(|other| meets((from, to), (other.from, other.to))) {
        return Err(if other.org == org { RegistryError::Repeated } else { RegistryError::Taken });
    }
    let row = Asn { id: env.id(), org, number, from, to, version: 1 };
    Ok(Decided {
        action: "registry.add_asn",
        org,
        subject: format!("asn:{}", row.id),
        detail: serde_json::json!({"number": number, "from": from, "to": to}),
        changes: vec![Change::AddAsn(row)],
    })
}
