//! The registry's desk: what a command changes, decided on the book alone.

use access::{Caller, Refusal, act};
use base::{AddrSpec, AddressScope, Env, OrgId, Timestamp, Tlp};

use crate::error::RegistryError;
use crate::ids::{AsnId, DomainId, NetworkId};
use crate::model::{Asn, Criticality, Domain, Network, NewOrg, Org, Standing};
use crate::names::{AsNumber, DomainName, OrgCode};
use crate::whose::{Book, holds};

mod belongings;

use belongings::{add_asn, add_domain, add_network};

/// Since when and until when something is to hold; an empty beginning is now, an empty end is open.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Span {
    /// Since when.
    pub from: Option<Timestamp>,
    /// Until when.
    pub to: Option<Timestamp>,
}

/// New names of an organisation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Names {
    /// Its code.
    pub code: OrgCode,
    /// Its name in Chinese.
    pub zh: String,
    /// Its name in English.
    pub en: String,
}

/// What can be asked of the registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// A new organisation.
    AddOrg(NewOrg, Span),
    /// Other names.
    Rename(OrgId, Names, u64),
    /// Another kind, sector, criticality or level.
    SetStanding(OrgId, Standing, u64),
    /// Another place in the tree.
    Move(OrgId, Option<OrgId>, u64),
    /// The end of an organisation and of everything that belongs to it.
    EndOrg(OrgId, Option<Timestamp>, u64),
    /// A network.
    AddNetwork(OrgId, AddrSpec, AddressScope, Span),
    /// The end of a network.
    EndNetwork(NetworkId, Option<Timestamp>, u64),
    /// A domain.
    AddDomain(OrgId, DomainName, Span),
    /// The end of a domain.
    EndDomain(DomainId, Option<Timestamp>, u64),
    /// An AS number.
    AddAsn(OrgId, AsNumber, Span),
    /// The end of an AS number.
    EndAsn(AsnId, Option<Timestamp>, u64),
}

impl Command {
    /// Stable name of the action, as in the audit tree.
    #[must_use]
    pub const fn action(&self) -> &'static str {
        match self {
            Self::AddOrg(..) => "registry.add_org",
            Self::Rename(..) => "registry.rename",
            Self::SetStanding(..) => "registry.set_standing",
            Self::Move(..) => "registry.move_org",
            Self::EndOrg(..) => "registry.end_org",
            Self::AddNetwork(..) => "registry.add_network",
            Self::EndNetwork(..) => "registry.end_network",
            Self::AddDomain(..) => "registry.add_domain",
            Self::EndDomain(..) => "registry.end_domain",
            Self::AddAsn(..) => "registry.add_asn",
            Self::EndAsn(..) => "registry.end_asn",
        }
    }

    /// The row it is about, as in the audit tree.
    #[must_use]
    pub fn subject(&self) -> String {
        match self {
            Self::AddOrg(new, _) => new.parent.map_or_else(|| "org".to_owned(), |parent| format!("org:{parent}")),
            Self::Rename(org, ..)
            | Self::SetStanding(org, ..)
            | Self::Move(org, ..)
            | Self::EndOrg(org, ..)
            | Self::AddNetwork(org, ..)
            | Self::AddDomain(org, ..)
            | Self::AddAsn(org, ..) => format!("org:{org}"),
            Self::EndNetwork(id, ..) => format!("network:{id}"),
            Self::EndDomain(id, ..) => format!("domain:{id}"),
            Self::EndAsn(id, ..) => format!("asn:{id}"),
        }
    }
}

/// One row that changes. The row holds its new version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// A new organisation with its place in the tree.
    AddOrg(Org),
    /// New values of an organisation.
    SetOrg(Org),
    /// A new place in the tree.
    MoveOrg(Org),
    /// A new network.
    AddNetwork(Network),
    /// A network ends.
    SetNetwork(Network),
    /// A new domain.
    AddDomain(Domain),
    /// A domain ends.
    SetDomain(Domain),
    /// A new AS number.
    AddAsn(Asn),
    /// An AS number ends.
    SetAsn(Asn),
}

/// What a command changes: rows, and what the audit leaf says.
#[derive(Debug, Clone, PartialEq)]
pub struct Decided {
    /// Stable name of the action: `registry.add_network`.
    pub action: &'static str,
    /// Whose row it is.
    pub org: OrgId,
    /// The row: `network:0192...`.
    pub subject: String,
    /// Facts for the audit leaf.
    pub detail: serde_json::Value,
    /// The rows.
    pub changes: Vec<Change>,
}

/// Who decides about an organisation: the one above, or the centre for a root.
fn authority(book: &Book, caller: &Caller, org: &Org) -> Result<(), Refusal> {
    let above = org.parent.filter(|parent| book.orgs.contains_key(parent)).unwrap_or_else(|| caller.centre());
    caller.permit_in::<act::ManageOrganisations>(above).map(|_| ())
}

/// What decides whose blocks end takes the centre's own permit: how critical an organisation is, and which networks of
/// the internet are registered. An administrator below could otherwise protect any address from every point.
fn central(caller: &Caller) -> Result<(), Refusal> {
    caller.permit_in::<act::ManageOrganisations>(caller.centre()).map(|_| ())
}

/// Whether the networks of an organisation may be kept from blocks because of its standing.
const fn matters(standing: &Standing) -> bool {
    !matches!(standing.criticality, Criticality::None)
}

/// Whether something would go on after its holder has ended.
fn outlives(to: Option<Timestamp>, holder: Option<Timestamp>) -> bool {
    holder.is_some_and(|end| to.is_none_or(|to| end < to))
}

fn known(book: &Book, org: OrgId) -> Result<&Org, RegistryError> {
    book.orgs.get(&org).ok_or(RegistryError::UnknownOrg)
}

fn same_version(held: u64, given: u64) -> Result<(), RegistryError> {
    if held == given { Ok(()) } else { Err(RegistryError::Changed) }
}

fn text(field: &'static str, value: &str, most: usize) -> Result<String, RegistryError> {
    let value = value.trim();
    if value.is_empty() {
        return Err(RegistryError::BadField(field, "must not be empty"));
    }
    if value.chars().count() > most || value.chars().any(char::is_control) {
        return Err(RegistryError::BadField(field, "is too long or holds control characters"));
    }
    Ok(value.to_owned())
}

/// The span from now or the given beginning; it must not be empty.
pub(crate) fn span(span: Span, now: Timestamp) -> Result<(Timestamp, Option<Timestamp>), RegistryError> {
    let from = span.from.unwrap_or(now);
    if span.to.is_some_and(|to| to <= from) {
        return Err(RegistryError::BadField("to", "must be later than the beginning"));
    }
    Ok((from, span.to))
}

/// The end of something that is still open: now or later, and not before it began.
pub(crate) fn end(
    from: Timestamp,
    to: Option<Timestamp>,
    wanted: Option<Timestamp>,
    now: Timestamp,
) -> Result<Timestamp, RegistryError> {
    if to.is_some_and(|to| to <= now) {
        return Err(RegistryError::Changed);
    }
    let at = wanted.unwrap_or(now).max(from);
    if at < now && from < now {
        return Err(RegistryError::BadField("to", "must not be in the past"));
    }
    Ok(at)
}

/// Decides a command. Pure: nothing is read but the book, nothing happens yet.
pub(crate) fn decide(book: &Book, caller: &Caller, command: &Command, env: &Env) -> Result<Decided, RegistryError> {
    let now = env.now();
    let action = command.action();
    match command {
        Command::AddOrg(new, when) => add_org(book, caller, new, *when, env),
        Command::Rename(org, names, version) => {
            let held = editable(book, caller, *org, *version)?;
            if names.code != held.code && book.orgs.values().any(|other| other.code == names.code) {
                return Err(RegistryError::CodeTaken);
            }
            let changed = Org {
                code: names.code.clone(),
                name_zh: text("name_zh", &names.zh, 120)?,
                name_en: text("name_en", &names.en, 120)?,
                version: held.version + 1,
                ..held.clone()
            };
            Ok(org_decided(action, serde_json::json!({"code": changed.code}), Change::SetOrg(changed)))
        }
        Command::SetStanding(org, standing, version) => {
            let held = editable(book, caller, *org, *version)?;
            if matters(standing) {
                central(caller)?;
            }
            let changed = Org { standing: checked(standing)?, version: held.version + 1, ..held.clone() };
            Ok(org_decided(action, serde_json::json!(standing), Change::SetOrg(changed)))
        }
        Command::Move(org, parent, version) => move_org(book, caller, *org, *parent, *version),
        Command::EndOrg(org, at, version) => end_org(book, caller, *org, *at, *version, now),
        Command::AddNetwork(org, net, scope, when) => add_network(book, caller, *org, *net, *scope, *when, env),
        Command::AddDomain(org, name, when) => add_domain(book, caller, *org, name, *when, env),
        Command::AddAsn(org, number, when) => add_asn(book, caller, *org, *number, *when, env),
        Command::EndNetwork(id, at, version) => {
            let held = book.networks.get(id).ok_or(RegistryError::UnknownItem)?;
            let holder = over_part(book, caller, held.org)?;
            if held.scope == AddressScope::Global && matters(&holder.standing) {
                central(caller)?;
            }
            same_version(held.version, *version)?;
            let to = Some(end(held.from, held.to, *at, now)?);
            let changed = Network { to, version: held.version + 1, ..held.clone() };
            Ok(Decided {
                action,
                org: held.org,
                subject: format!("network:{id}"),
                detail: serde_json::json!({"net": held.net, "to": to}),
                changes: vec![Change::SetNetwork(changed)],
            })
        }
        Command::EndDomain(id, at, version) => {
            let held = book.domains.get(id).ok_or(RegistryError::UnknownItem)?;
            over_part(book, caller, held.org)?;
            same_version(held.version, *version)?;
            let to = Some(end(held.from, held.to, *at, now)?);
            let changed = Domain { to, version: held.version + 1, ..held.clone() };
            Ok(Decided {
                action,
                org: held.org,
                subject: format!("domain:{id}"),
                detail: serde_json::json!({"name": held.name, "to": to}),
                changes: vec![Change::SetDomain(changed)],
            })
        }
        Command::EndAsn(id, at, version) => {
            let held = book.asns.get(id).ok_or(RegistryError::UnknownItem)?;
            over_part(book, caller, held.org)?;
            same_version(held.version, *version)?;
            let to = Some(end(held.from, held.to, *at, now)?);
            let changed = Asn { to, version: held.version + 1, ..held.clone() };
            Ok(Decided {
                action,
                org: held.org,
                subject: format!("asn:{id}"),
                detail: serde_json::json!({"number": held.number, "to": to}),
                changes: vec![Change::SetAsn(changed)],
            })
        }
    }
}

/// The holder of a part that is to end. Who does not see the part hears that there is none, as for an id of nothing.
fn over_part<'a>(book: &'a Book, caller: &Caller, org: OrgId) -> Result<&'a Org, RegistryError> {
    let holder = known(book, org)?;
    match authority(book, caller, holder) {
        Ok(()) => Ok(holder),
        Err(why) if caller.sees(&belonging_facts(org, caller.realm())) => Err(why.into()),
        Err(_) => Err(RegistryError::UnknownItem),
    }
}

fn org_decided(action: &'static str, detail: serde_json::Value, change: Change) -> Decided {
    let org = match &change {
        Change::AddOrg(org) | Change::SetOrg(org) | Change::MoveOrg(org) => org.id,
        Change::AddNetwork(row) | Change::SetNetwork(row) => row.org,
        Change::AddDomain(row) | Change::SetDomain(row) => row.org,
        Change::AddAsn(row) | Change::SetAsn(row) => row.org,
    };
    Decided { action, org, subject: format!("org:{org}"), detail, changes: vec![change] }
}

fn editable<'a>(book: &'a Book, caller: &Caller, org: OrgId, version: u64) -> Result<&'a Org, RegistryError> {
    let held = known(book, org)?;
    authority(book, caller, held)?;
    if matters(&held.standing) {
        central(caller)?;
    }
    same_version(held.version, version)?;
    Ok(held)
}

fn checked(standing: &Standing) -> Result<Standing, RegistryError> {
    let sector = standing.sector.as_deref().map(|sector| text("sector", sector, 64)).transpose()?;
    Ok(Standing { sector, ..standing.clone() })
}

fn add_org(book: &Book, caller: &Caller, new: &NewOrg, when: Span, env: &Env) -> Result<Decided, RegistryError> {
    let now = env.now();
    if let Some(parent) = new.parent {
        let above = known(book, parent)?;
        caller.permit_in::<act::ManageOrganisations>(parent)?;
        if !holds(above.from, above.to, now) || outlives(when.to, above.to) {
            return Err(RegistryError::Ended);
        }
    }
    if new.parent.is_none() || matters(&new.standing) {
        central(caller)?;
    }
    if book.orgs.values().any(|org| org.code == new.code) {
        return Err(RegistryError::CodeTaken);
    }
    let (from, to) = span(when, now)?;
    let org = make_org(env.id(), new, false, from, to)?;
    let detail = serde_json::json!({"code": org.code, "parent": org.parent, "kind": org.standing.kind});
    Ok(org_decided("registry.add_org", detail, Change::AddOrg(org)))
}

/// The row of a new organisation.
pub(crate) fn make_org(
    id: OrgId,
    new: &NewOrg,
    own: bool,
    from: Timestamp,
    to: Option<Timestamp>,
) -> Result<Org, RegistryError> {
    Ok(Org {
        id,
        code: new.code.clone(),
        name_zh: text("name_zh", &new.name_zh, 120)?,
        name_en: text("name_en", &new.name_en, 120)?,
        parent: new.parent,
        standing: checked(&new.standing)?,
        own,
        from,
        to,
        version: 1,
    })
}

fn move_org(
    book: &Book,
    caller: &Caller,
    org: OrgId,
    parent: Option<OrgId>,
    version: u64,
) -> Result<Decided, RegistryError> {
    let held = editable(book, caller, org, version)?;
    if let Some(parent) = parent {
        let above = known(book, parent)?;
        caller.permit_in::<act::ManageOrganisations>(parent)?;
        if book.below(parent, org) {
            return Err(RegistryError::Cycle);
        }
        if outlives(held.to, above.to) {
            return Err(RegistryError::Ended);
        }
    } else {
        central(caller)?;
    }
    let changed = Org { parent, version: held.version + 1, ..held.clone() };
    let detail = serde_json::json!({"from": held.parent, "to": parent});
    Ok(org_decided("registry.move_org", detail, Change::MoveOrg(changed)))
}

fn end_org(
    book: &Book,
    caller: &Caller,
    org: OrgId,
    at: Option<Timestamp>,
    version: u64,
    now: Timestamp,
) -> Result<Decided, RegistryError> {
    let held = editable(book, caller, org, version)?;
    if held.own {
        return Err(RegistryError::OwnStays);
    }
    let to = end(held.from, held.to, at, now)?;
    let open = |row_to: Option<Timestamp>| row_to.is_none_or(|row_to| to < row_to);
    if book.orgs.values().any(|child| child.parent == Some(org) && open(child.to)) {
        return Err(RegistryError::HasChildren);
    }
    let mut changes = vec![Change::SetOrg(Org { to: Some(to), version: held.version + 1, ..held.clone() })];
    // What begins only later than the end never begins.
    let rows = book.networks.values().filter(|row| row.org == org && open(row.to));
    changes.extend(rows.map(|row| {
        Change::SetNetwork(Network { to: Some(to.max(row.from)), version: row.version + 1, ..row.clone() })
    }));
    let rows = book.domains.values().filter(|row| row.org == org && open(row.to));
    changes.extend(
        rows.map(|row| {
            Change::SetDomain(Domain { to: Some(to.max(row.from)), version: row.version + 1, ..row.clone() })
        }),
    );
    let rows = book.asns.values().filter(|row| row.org == org && open(row.to));
    changes.extend(
        rows.map(|row| Change::SetAsn(Asn { to: Some(to.max(row.from)), version: row.version + 1, ..row.clone() })),
    );
    Ok(Decided {
        action: "registry.end_org",
        org,
        subject: format!("org:{org}"),
        detail: serde_json::json!({"to": to, "with": changes.len() - 1}),
        changes,
    })
}

/// The marking of networks, domains, AS numbers and circuits: known to the organisation, those above it and the centre.
pub(crate) const NETWORK_TLP: Tlp = Tlp::Amber;

/// What decides whether somebody may know that an address or a name belongs to an organisation.
#[must_use]
pub fn belonging_facts(org: OrgId, realm: base::Realm) -> access::Facts {
    access::Facts::new(org, NETWORK_TLP, realm)
}

/// Whether an organisation's networks are never blocked; the portal says so before it is chosen.
#[must_use]
pub const fn is_protected(criticality: Criticality) -> bool {
    matches!(criticality, Criticality::Critical)
}
