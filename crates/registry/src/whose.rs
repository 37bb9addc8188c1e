//! Whose address is this? The registry in memory: longest prefix by scope and time, domains by suffix.
//!
//! The index equals the tables. Commands change it in place after their commit; another node's commits are seen by the
//! state's version and loaded again.

use base::{AddrSpec, AddressScope, OrgId, Timestamp};
use ipnet::IpNet;
use serde::Serialize;
use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::{Arc, PoisonError, RwLock};

use crate::command::Change;
use crate::ids::{AsnId, DomainId, NetworkId};
use crate::model::{Asn, Criticality, Domain, Network, Org, OrgKind};
use crate::names::{AsNumber, DomainName, OrgCode};

/// The owner of an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Owner {
    /// Whose it is.
    pub org: OrgId,
    /// The registered network that says so.
    pub network: AddrSpec,
    /// In whose address plan it is registered.
    pub scope: AddressScope,
    /// How much depends on the owner.
    pub criticality: Criticality,
    /// Whether the owner is this centre.
    pub own: bool,
}

/// Why a network is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// It is the centre's own.
    Own,
    /// It is critical infrastructure.
    Critical,
}

/// A network that must never be blocked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Protected {
    /// The network.
    pub net: AddrSpec,
    /// In whose address plan.
    pub scope: AddressScope,
    /// Whose it is.
    pub org: OrgId,
    /// Why.
    pub why: Why,
}

/// An organisation's name plate, for lists.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OrgCard {
    /// Its id.
    pub id: OrgId,
    /// Its code.
    pub code: OrgCode,
    /// Its name in Chinese.
    pub name_zh: String,
    /// Its name in English.
    pub name_en: String,
    /// What it is.
    pub kind: OrgKind,
    /// How much depends on it.
    pub criticality: Criticality,
    /// The organisation above.
    pub parent: Option<OrgId>,
}

/// Whether `at` lies in the span; the end is exclusive.
pub(crate) fn holds(from: Timestamp, to: Option<Timestamp>, at: Timestamp) -> bool {
    from <= at && to.is_none_or(|end| at < end)
}

/// Whether two spans share a moment.
pub(crate) fn meets(a: (Timestamp, Option<Timestamp>), b: (Timestamp, Option<Timestamp>)) -> bool {
    a.1.is_none_or(|end| b.0 < end) && b.1.is_none_or(|end| a.0 < end)
}

/// One address plan: networks by prefix, and which prefix lengths occur.
#[derive(Debug, Default)]
struct Plan {
    nets: HashMap<IpNet, Vec<NetworkId>>,
    v4: BTreeMap<u8, usize>,
    v6: BTreeMap<u8, usize>,
}

impl Plan {
    fn lengths(&self, v4: bool) -> &BTreeMap<u8, usize> {
        if v4 { &self.v4 } else { &self.v6 }
    }

    fn lengths_mut(&mut self, net: IpNet) -> &mut BTreeMap<u8, usize> {
        if matches!(net, IpNet::V4(_)) { &mut self.v4 } else { &mut self.v6 }
    }

    fn put(&mut self, net: IpNet, id: NetworkId) {
        let ids = self.nets.entry(net).or_default();
        if !ids.contains(&id) {
            ids.push(id);
            *self.lengths_mut(net).entry(net.prefix_len()).or_default() += 1;
        }
    }

    /// Registrations whose network contains `net`, the longest prefix first.
    fn around(&self, net: IpNet) -> impl Iterator<Item = NetworkId> + '_ {
        self.lengths(matches!(net, IpNet::V4(_)))
            .range(..=net.prefix_len())
            .rev()
            .filter_map(move |(length, _)| IpNet::new(net.addr(), *length).ok())
            .filter_map(|wider| self.nets.get(&wider.trunc()))
            .flatten()
            .copied()
    }
}

/// The registry as it stands at one version.
#[derive(Debug, Default)]
pub(crate) struct Book {
    pub(crate) version: u64,
    pub(crate) orgs: HashMap<OrgId, Org>,
    pub(crate) networks: HashMap<NetworkId, Network>,
    pub(crate) domains: HashMap<DomainId, Domain>,
    pub(crate) asns: HashMap<AsnId, Asn>,
    plans: HashMap<AddressScope, Plan>,
    names: HashMap<DomainName, Vec<DomainId>>,
    numbers: HashMap<AsNumber, Vec<AsnId>>,
}

impl Book {
    /// An empty book of a version.
    pub(crate) fn at(version: u64) -> Self {
        Self { version, ..Self::default() }
    }

    /// Makes a change true.
    pub(crate) fn apply(&mut self, change: &Change) {
        match change {
            Change::AddOrg(org) | Change::SetOrg(org) | Change::MoveOrg(org) => {
                self.orgs.insert(org.id, org.clone());
            }
            Change::AddNetwork(network) | Change::SetNetwork(network) => {
                self.plans.entry(network.scope).or_default().put(network.net.net(), network.id);
                self.networks.insert(network.id, network.clone());
            }
            Change::AddDomain(domain) | Change::SetDomain(domain) => {
                remember(self.names.entry(domain.name.clone()).or_default(), domain.id);
                self.domains.insert(domain.id, domain.clone());
            }
            Change::AddAsn(asn) | Change::SetAsn(asn) => {
                remember(self.numbers.entry(asn.number).or_default(), asn.id);
                self.asns.insert(asn.id, asn.clone());
            }
        }
    }

    /// Whether `org` is `top` or stands below it.
    pub(crate) fn below(&self, org: OrgId, top: OrgId) -> bool {
        // The tree has no cycles; the bound only stops a damaged one.
        std::iter::successors(Some(org), |id| self.orgs.get(id).and_then(|org| org.parent))
            .take(self.orgs.len() + 1)
            .any(|id| id == top)
    }

    /// The networks that contain this one in exactly this plan at that time, the longest prefix first.
    pub(crate) fn around(&self, net: IpNet, scope: AddressScope) -> impl Iterator<Item = &Network> + '_ {
        self.plans
            .get(&scope)
            .into_iter()
            .flat_map(move |plan| plan.around(net))
            .filter_map(|id| self.networks.get(&id))
    }

    pub(crate) fn named(&self, name: &str) -> impl Iterator<Item = &Domain> + '_ {
        let known = name.parse::<DomainName>().ok().and_then(|name| self.names.get(&name));
        known.into_iter().flatten().filter_map(|id| self.domains.get(id))
    }

    pub(crate) fn numbered(&self, number: AsNumber) -> impl Iterator<Item = &Asn> + '_ {
        self.numbers.get(&number).into_iter().flatten().filter_map(|id| self.asns.get(id))
    }

    fn owner(&self, net: IpNet, scope: AddressScope, at: Timestamp) -> Option<Owner> {
        let find = |scope| {
            let network = self.around(net, scope).find(|network| holds(network.from, network.to, at))?;
            let org = self.orgs.get(&network.org)?;
            Some(Owner {
                org: org.id,
                network: network.net,
                scope: network.scope,
                criticality: org.standing.criticality,
                own: org.own,
            })
        };
        // What an organisation's own plan does not name means the same as on the internet.
        find(scope).or_else(|| if scope == AddressScope::Global { None } else { find(AddressScope::Global) })
    }

    fn protected(&self, at: Timestamp) -> Vec<Protected> {
        let mut all: Vec<Protected> = self
            .networks
            .values()
            .filter(|network| holds(network.from, network.to, at))
            .filter_map(|network| {
                let org = self.orgs.get(&network.org)?;
                let why = match (org.own, org.standing.criticality) {
                    (true, _) => Why::Own,
                    (false, Criticality::Critical) => Why::Critical,
                    (false, Criticality::None | Criticality::Important) => return None,
                };
                Some(Protected { net: network.net, scope: network.scope, org: org.id, why })
            })
            .collect();
        all.sort_unstable();
        all
    }
}

fn remember<T: PartialEq>(list: &mut Vec<T>, item: T) {
    if !list.contains(&item) {
        list.push(item);
    }
}

/// Whose is it? Cheap to clone; answers without waiting for the database.
#[derive(Debug, Clone, Default)]
pub struct Whose {
    book: Arc<RwLock<Book>>,
}

impl Whose {
    pub(crate) fn with<T>(&self, read: impl FnOnce(&Book) -> T) -> T {
        read(&self.book.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn swap(&self, book: Book) {
        let mut held = self.book.write().unwrap_or_else(PoisonError::into_inner);
        // Two loads may finish in the other order; the newer one stays.
        if book.version >= held.version {
            *held = book;
        }
    }

    /// Applies what was just committed as version `next`; false when this index was not at the version before.
    pub(crate) fn follow(&self, next: u64, changes: &[Change]) -> bool {
        let mut held = self.book.write().unwrap_or_else(PoisonError::into_inner);
        if held.version + 1 != next {
            return false;
        }
        changes.iter().for_each(|change| held.apply(change));
        held.version = next;
        true
    }

    /// The owner of an address as seen in an address plan: an organisation's own networks first, then the internet's.
    #[must_use]
    pub fn whose(&self, addr: IpAddr, scope: AddressScope, at: Timestamp) -> Option<Owner> {
        self.with(|book| book.owner(IpNet::from(addr.to_canonical()), scope, at))
    }

    /// The owner of a whole network: of the smallest registration that contains all of it.
    #[must_use]
    pub fn whose_net(&self, net: AddrSpec, scope: AddressScope, at: Timestamp) -> Option<Owner> {
        self.with(|book| book.owner(net.net(), scope, at))
    }

    /// The organisation of a domain: of the longest registered suffix.
    #[must_use]
    pub fn whose_domain(&self, name: &DomainName, at: Timestamp) -> Option<(OrgId, DomainName)> {
        self.with(|book| {
            name.suffixes().find_map(|suffix| {
                let domain = book.named(suffix).find(|domain| holds(domain.from, domain.to, at))?;
                Some((domain.org, domain.name.clone()))
            })
        })
    }

    /// The names of an organisation's domains.
    #[must_use]
    pub fn domains_of(&self, org: OrgId, at: Timestamp) -> Vec<DomainName> {
        self.with(|book| {
            let own = book.domains.values().filter(|domain| domain.org == org && holds(domain.from, domain.to, at));
            own.map(|domain| domain.name.clone()).collect()
        })
    }

    /// The organisation of an AS number.
    #[must_use]
    pub fn whose_asn(&self, number: AsNumber, at: Timestamp) -> Option<OrgId> {
        self.with(|book| book.numbered(number).find(|asn| holds(asn.from, asn.to, at)).map(|asn| asn.org))
    }

    /// The networks that must never be blocked: the centre's own and those of critical organisations, sorted.
    #[must_use]
    pub fn protected(&self, at: Timestamp) -> Vec<Protected> {
        self.with(|book| book.protected(at))
    }

    /// The name plate of an organisation. Names are known in the community; everything else is read with a clearance.
    #[must_use]
    pub fn card(&self, org: OrgId) -> Option<OrgCard> {
        self.with(|book| {
            book.orgs.get(&org).map(|org| OrgCard {
                id: org.id,
                code: org.code.clone(),
                name_zh: org.name_zh.clone(),
                name_en: org.name_en.clone(),
                kind: org.standing.kind,
                criticality: org.standing.criticality,
                parent: org.parent,
            })
        })
    }

    /// The organisation of a code, for the command line and for ingest: it must not have ended.
    #[must_use]
    pub fn by_code(&self, code: &OrgCode, at: Timestamp) -> Option<OrgId> {
        self.with(|book| {
            book.orgs.values().find(|org| org.code == *code && holds(org.from, org.to, at)).map(|org| org.id)
        })
    }

    /// The number of the state the index stands at; it changes when an answer may have changed.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.with(|book| book.version)
    }
}
