//! Reads, and the statements of every change.

use base::{OrgId, Realm, Timestamp, Tlp};
use serde::Serialize;
use std::collections::HashMap;
use store::page::{Page, Paged};
use store::{Clearance, Db, Row, ScopedSql, StoreError, Unit, params};

use crate::command::{Change, NETWORK_TLP};
use crate::error::RegistryError;
use crate::model::{Asn, Circuit, Contact, Domain, Network, Org, OrgKind, Standing};
use crate::names::{AsNumber, DomainName, OrgCode};
use crate::registry::{KEY, Registry};
use crate::whose::Book;

/// A page of organisations.
pub type OrgPage = Paged<Org>;

/// Which organisations.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OrgFilter {
    /// Only of this kind.
    pub kind: Option<OrgKind>,
    /// Only those that hold this text in code or name.
    pub text: Option<String>,
    /// Also those that have ended.
    pub ended: bool,
}

/// An organisation in the tree, parents before their children.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TreeNode {
    /// The organisation.
    pub org: Org,
    /// How deep it stands among those the reader sees.
    pub depth: usize,
}

macro_rules! org_columns {
    ($tail:literal) => {
        concat!(
            "SELECT o.id, o.code, o.name_zh, o.name_en, o.parent_id, o.kind, o.sector, o.criticality, o.level, o.own, \
             o.from_at, o.to_at, o.version FROM org o ",
            $tail
        )
    };
}

const ORG: ScopedSql = ScopedSql::new(org_columns!("WHERE {visible:o} AND o.id = $1"));
const ORG_BY_CODE: ScopedSql = ScopedSql::new(org_columns!("WHERE {visible:o} AND o.code = $1"));
const ORG_LIST: ScopedSql = ScopedSql::new(org_columns!(
    "WHERE {visible:o} AND o.code > $1 AND ($2 = 0 OR o.kind = $3) AND ($4 = 1 OR o.to_at IS NULL OR o.to_at > $5) \
     AND (o.code LIKE $6 ESCAPE '!' OR o.name_zh LIKE $6 ESCAPE '!' OR lower(o.name_en) LIKE $6 ESCAPE '!') \
     ORDER BY o.code LIMIT $7"
));
const ORG_TREE: ScopedSql = ScopedSql::new(org_columns!(
    "WHERE {visible:o} AND o.from_at <= $1 AND (o.to_at IS NULL OR o.to_at > $1) ORDER BY o.code LIMIT 20000"
));
const ALL_ORGS: &str = org_columns!("WHERE 1 = 1");

macro_rules! belonging {
    ($columns:literal, $table:literal) => {
        concat!(
            "SELECT t.id, t.org_id, ",
            $columns,
            ", t.from_at, t.to_at, t.version FROM ",
            $table,
            " t \
             WHERE {visible:t} AND t.org_id = $1 ORDER BY t.id LIMIT 10000"
        )
    };
}

macro_rules! everything {
    ($columns:literal, $table:literal) => {
        concat!("SELECT t.id, t.org_id, ", $columns, ", t.from_at, t.to_at, t.version FROM ", $table, " t")
    };
}

const NETWORKS: ScopedSql = ScopedSql::new(belonging!("t.scope, t.net", "org_network"));
const DOMAINS: ScopedSql = ScopedSql::new(belonging!("t.name", "org_domain"));
const ASNS: ScopedSql = ScopedSql::new(belonging!("t.number", "org_asn"));
const CIRCUITS: ScopedSql = ScopedSql::new(belonging!("t.number, t.provider, t.mbps", "org_circuit"));
const CONTACTS: ScopedSql = ScopedSql::new(belonging!("t.name, t.role, t.mail, t.telephone", "org_contact"));
const ALL_NETWORKS: &str = everything!("t.scope, t.net", "org_network");
const ALL_DOMAINS: &str = everything!("t.name", "org_domain");
const ALL_ASNS: &str = everything!("t.number", "org_asn");

impl Registry {
    /// One organisation.
    ///
    /// # Errors
    /// [`RegistryError::UnknownOrg`] when it is absent or outside the clearance.
    pub async fn org(&self, who: &Clearance, id: OrgId) -> Result<Org, RegistryError> {
        let rows = self.db.read(ORG, who, params![id]).await?;
        rows.first().map(org).transpose()?.ok_or(RegistryError::UnknownOrg)
    }

    /// One organisation, by its code.
    ///
    /// # Errors
    /// [`RegistryError::UnknownOrg`] when it is absent or outside the clearance.
    pub async fn org_by_code(&self, who: &Clearance, code: &OrgCode) -> Result<Org, RegistryError> {
        let rows = self.db.read(ORG_BY_CODE, who, params![code.as_str()]).await?;
        rows.first().map(org).transpose()?.ok_or(RegistryError::UnknownOrg)
    }

    /// A page of organisations, by code.
    ///
    /// # Errors
    /// [`RegistryError::Text`] for a foreign cursor, [`RegistryError::Store`].
    pub async fn orgs(&self, who: &Clearance, filter: &OrgFilter, page: &Page) -> Result<OrgPage, RegistryError> {
        let after = page.keys("orgs")?.and_then(|mut keys| keys.pop()).unwrap_or_else(|| "".into());
        let kind = filter.kind.map_or("", OrgKind::word);
        let like = pattern(filter.text.as_deref().unwrap_or_default());
        let params = params![after, filter.kind.is_some(), kind, filter.ended, self.env.now(), like, page.fetch()];
        let rows = self.db.read(ORG_LIST, who, params).await?;
        let orgs = rows.iter().map(org).collect::<Result<Vec<_>, _>>()?;
        Ok(Paged::cut(orgs, page, "orgs", |org| params![org.code.as_str()]))
    }

    /// The tree as the reader sees it, parents before their children, at most 20,000 organisations.
    ///
    /// # Errors
    /// [`RegistryError::Store`].
    pub async fn tree(&self, who: &Clearance) -> Result<Vec<TreeNode>, RegistryError> {
        let rows = self.db.read(ORG_TREE, who, params![self.env.now()]).await?;
        let orgs = rows.iter().map(org).collect::<Result<Vec<_>, _>>()?;
        Ok(arrange(orgs))
    }

    /// The networks of an organisation, oldest first.
    ///
    /// # Errors
    /// [`RegistryError::Store`].
    pub async fn networks(&self, who: &Clearance, org: OrgId) -> Result<Vec<Network>, RegistryError> {
        let rows = self.db.read(NETWORKS, who, params![org]).await?;
        Ok(rows.iter().map(network).collect::<Result<_, _>>()?)
    }

    /// The domains of an organisation, oldest first.
    ///
    /// # Errors
    /// [`RegistryError::Store`].
    pub async fn domains(&self, who: &Clearance, org: OrgId) -> Result<Vec<Domain>, RegistryError> {
        let rows = self.db.read(DOMAINS, who, params![org]).await?;
        Ok(rows.iter().map(domain).collect::<Result<_, _>>()?)
    }

    /// The AS numbers of an organisation, oldest first.
    ///
    /// # Errors
    /// [`RegistryError::Store`].
    pub async fn asns(&self, who: &Clearance, org: OrgId) -> Result<Vec<Asn>, RegistryError> {
        let rows = self.db.read(ASNS, who, params![org]).await?;
        Ok(rows.iter().map(asn).collect::<Result<_, _>>()?)
    }

    /// The circuits of an organisation, oldest first.
    ///
    /// # Errors
    /// [`RegistryError::Store`].
    pub async fn circuits(&self, who: &Clearance, org: OrgId) -> Result<Vec<Circuit>, RegistryError> {
        let rows = self.db.read(CIRCUITS, who, params![org]).await?;
        Ok(rows.iter().map(circuit).collect::<Result<_, _>>()?)
    }

    /// The contacts of an organisation, oldest first: personal data, marked AMBER+STRICT.
    ///
    /// # Errors
    /// [`RegistryError::Store`].
    pub async fn contacts(&self, who: &Clearance, org: OrgId) -> Result<Vec<Contact>, RegistryError> {
        let rows = self.db.read(CONTACTS, who, params![org]).await?;
        Ok(rows.iter().map(contact).collect::<Result<_, _>>()?)
    }
}

/// A LIKE pattern that finds the text as it is, in lower case.
fn pattern(text: &str) -> String {
    let mut out = String::from("%");
    for c in text.trim().chars().flat_map(char::to_lowercase) {
        if matches!(c, '%' | '_' | '!') {
            out.push('!');
        }
        out.push(c);
    }
    out.push('%');
    out
}

/// Puts parents before their children; an organisation whose parent is not seen stands at the top.
fn arrange(orgs: Vec<Org>) -> Vec<TreeNode> {
    let seen: std::collections::HashSet<OrgId> = orgs.iter().map(|org| org.id).collect();
    let mut below: HashMap<Option<OrgId>, Vec<Org>> = HashMap::new();
    for org in orgs.into_iter().rev() {
        below.entry(org.parent.filter(|parent| seen.contains(parent))).or_default().push(org);
    }
    let mut out = Vec::with_capacity(seen.len());
    let mut open: Vec<(Org, usize)> = below.remove(&None).unwrap_or_default().into_iter().map(|org| (org, 0)).collect();
    while let Some((org, depth)) = open.pop() {
        open.extend(below.remove(&Some(org.id)).unwrap_or_default().into_iter().map(|child| (child, depth + 1)));
        out.push(TreeNode { org, depth });
    }
    out
}

fn parsed<T: std::str::FromStr>(row: &Row, column: &str) -> Result<T, StoreError> {
    row.get::<String>(column)?.parse().map_err(|_| StoreError::Shape(format!("column {column} holds foreign text")))
}

fn org(row: &Row) -> Result<Org, StoreError> {
    Ok(Org {
        id: row.get("id")?,
        code: parsed::<OrgCode>(row, "code")?,
        name_zh: row.get("name_zh")?,
        name_en: row.get("name_en")?,
        parent: row.get("parent_id")?,
        standing: Standing {
            kind: row.get("kind")?,
            sector: row.get("sector")?,
            criticality: row.get("criticality")?,
            level: row.get("level")?,
        },
        own: row.get::<Option<bool>>("own")?.unwrap_or(false),
        from: row.get("from_at")?,
        to: row.get("to_at")?,
        version: row.get("version")?,
    })
}

fn network(row: &Row) -> Result<Network, StoreError> {
    Ok(Network {
        id: row.get("id")?,
        org: row.get("org_id")?,
        net: parsed(row, "net")?,
        scope: row.get("scope")?,
        from: row.get("from_at")?,
        to: row.get("to_at")?,
        version: row.get("version")?,
    })
}

fn domain(row: &Row) -> Result<Domain, StoreError> {
    Ok(Domain {
        id: row.get("id")?,
        org: row.get("org_id")?,
        name: parsed::<DomainName>(row, "name")?,
        from: row.get("from_at")?,
        to: row.get("to_at")?,
        version: row.get("version")?,
    })
}

fn asn(row: &Row) -> Result<Asn, StoreError> {
    let number = AsNumber::of(row.get("number")?).map_err(|_| StoreError::Shape("a reserved AS number".into()))?;
    Ok(Asn {
        id: row.get("id")?,
        org: row.get("org_id")?,
        number,
        from: row.get("from_at")?,
        to: row.get("to_at")?,
        version: row.get("version")?,
    })
}

fn circuit(row: &Row) -> Result<Circuit, StoreError> {
    Ok(Circuit {
        id: row.get("id")?,
        org: row.get("org_id")?,
        number: row.get("number")?,
        provider: row.get("provider")?,
        mbps: row.get("mbps")?,
        from: row.get("from_at")?,
        to: row.get("to_at")?,
        version: row.get("version")?,
    })
}

fn contact(row: &Row) -> Result<Contact, StoreError> {
    Ok(Contact {
        id: row.get("id")?,
        org: row.get("org_id")?,
        name: row.get("name")?,
        role: row.get("role")?,
        mail: row.get("mail")?,
        telephone: row.get("telephone")?,
        from: row.get("from_at")?,
        to: row.get("to_at")?,
        version: row.get("version")?,
    })
}

/// The version the tables stand at.
pub(crate) async fn state(db: &Db) -> Result<u64, StoreError> {
    let rows = db.system_read(KEY, "SELECT version FROM registry_state WHERE name = 'registry'", vec![]).await?;
    rows.first().ok_or_else(|| StoreError::Shape("no registry state".into()))?.get("version")
}

/// Loads every row the index needs.
pub(crate) async fn fill(db: &Db, book: &mut Book) -> Result<(), StoreError> {
    for row in db.system_read(KEY, ALL_ORGS, vec![]).await? {
        book.apply(&Change::AddOrg(org(&row)?));
    }
    for row in db.system_read(KEY, ALL_NETWORKS, vec![]).await? {
        book.apply(&Change::AddNetwork(network(&row)?));
    }
    for row in db.system_read(KEY, ALL_DOMAINS, vec![]).await? {
        book.apply(&Change::AddDomain(domain(&row)?));
    }
    for row in db.system_read(KEY, ALL_ASNS, vec![]).await? {
        book.apply(&Change::AddAsn(asn(&row)?));
    }
    Ok(())
}

/// The statements that make a change true.
pub(crate) fn write(unit: Unit, change: &Change, realm: Realm) -> Unit {
    match change {
        Change::AddOrg(org) => insert_org(unit, org, realm),
        Change::SetOrg(org) => set_org(unit, org),
        Change::MoveOrg(org) => move_org(unit, org),
        Change::AddNetwork(row) => unit.exec_one(
            "INSERT INTO org_network (id, org_id, tlp, realm, scope, net, from_at, to_at, version) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 1)",
            params![row.id, row.org, NETWORK_TLP, realm, row.scope, row.net.to_string(), row.from, row.to],
        ),
        Change::AddDomain(row) => unit.exec_one(
            "INSERT INTO org_domain (id, org_id, tlp, realm, name, from_at, to_at, version) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, 1)",
            params![row.id, row.org, NETWORK_TLP, realm, row.name.as_str(), row.from, row.to],
        ),
        Change::AddAsn(row) => unit.exec_one(
            "INSERT INTO org_asn (id, org_id, tlp, realm, number, from_at, to_at, version) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, 1)",
            params![row.id, row.org, NETWORK_TLP, realm, row.number.number(), row.from, row.to],
        ),
        Change::SetNetwork(row) => end(
            unit,
            "UPDATE org_network SET to_at = $2, version = $3 WHERE id = $1 AND version = $4",
            (row.id.0, row.to, row.version),
        ),
        Change::SetDomain(row) => end(
            unit,
            "UPDATE org_domain SET to_at = $2, version = $3 WHERE id = $1 AND version = $4",
            (row.id.0, row.to, row.version),
        ),
        Change::SetAsn(row) => end(
            unit,
            "UPDATE org_asn SET to_at = $2, version = $3 WHERE id = $1 AND version = $4",
            (row.id.0, row.to, row.version),
        ),
    }
}

/// Sets the end of a row that was at the version before.
pub(crate) fn end(unit: Unit, sql: &'static str, (id, to, version): (uuid::Uuid, Option<Timestamp>, u64)) -> Unit {
    unit.exec_one(sql, params![id, to, version, version.saturating_sub(1)])
}

fn insert_org(unit: Unit, org: &Org, realm: Realm) -> Unit {
    let standing = &org.standing;
    // An organisation's row belongs to itself and is green: its name is known in the community.
    let unit = unit
        .exec_one(
            "INSERT INTO org (id, org_id, tlp, realm, code, name_zh, name_en, kind, parent_id, sector, criticality, \
             level, own, from_at, to_at, version) \
             VALUES ($1, $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, 1)",
            params![
                org.id,
                Tlp::Green,
                realm,
                org.code.as_str(),
                &org.name_zh,
                &org.name_en,
                standing.kind,
                org.parent,
                standing.sector.clone(),
                standing.criticality,
                standing.level,
                org.own.then_some(1_i64),
                org.from,
                org.to
            ],
        )
        .exec_one("INSERT INTO org_closure (ancestor_id, descendant_id) VALUES ($1, $1)", params![org.id]);
    match org.parent {
        Some(parent) => hang(unit, org.id, parent),
        None => unit,
    }
}

fn set_org(unit: Unit, org: &Org) -> Unit {
    let standing = &org.standing;
    unit.exec_one(
        "UPDATE org SET code = $2, name_zh = $3, name_en = $4, kind = $5, sector = $6, criticality = $7, level = $8, \
         to_at = $9, version = $10 WHERE id = $1 AND version = $11",
        params![
            org.id,
            org.code.as_str(),
            &org.name_zh,
            &org.name_en,
            standing.kind,
            standing.sector.clone(),
            standing.criticality,
            standing.level,
            org.to,
            org.version,
            org.version.saturating_sub(1)
        ],
    )
}

fn move_org(unit: Unit, org: &Org) -> Unit {
    let unit = unit
        .exec_one(
            "UPDATE org SET parent_id = $2, version = $3 WHERE id = $1 AND version = $4",
            params![org.id, org.parent, org.version, org.version.saturating_sub(1)],
        )
        // Cut the branch off: paths that lead into it from outside.
        .exec(
            "DELETE FROM org_closure WHERE descendant_id IN \
             (SELECT b.descendant_id FROM org_closure b WHERE b.ancestor_id = $1) AND ancestor_id NOT IN \
             (SELECT b.descendant_id FROM org_closure b WHERE b.ancestor_id = $1)",
            params![org.id],
        );
    match org.parent {
        Some(parent) => hang(unit, org.id, parent),
        None => unit,
    }
}

/// Hangs a branch below a parent: every ancestor of the parent becomes one of the whole branch.
fn hang(unit: Unit, org: OrgId, parent: OrgId) -> Unit {
    unit.exec(
        "INSERT INTO org_closure (ancestor_id, descendant_id) \
         SELECT a.ancestor_id, d.descendant_id FROM org_closure a, org_closure d \
         WHERE a.descendant_id = $1 AND d.ancestor_id = $2",
        params![parent, org],
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_find_text_as_it_is() {
        assert_eq!(pattern(" 50%_Off! "), "%50!%!_off!!%");
        assert_eq!(pattern(""), "%%");
    }
}
