//! Search in the audit tree, through a clearance.

use base::{Coded as _, OrgId, Problem, Realm, Timestamp, Tlp};
use serde::Serialize;

use crate::clearance::Clearance;
use crate::db::Db;
use crate::error::StoreError;
use crate::page::{Page, Paged};
use crate::params;
use crate::sql::ScopedSql;
use crate::value::{Row, Value};

macro_rules! newest_first {
    ($condition:literal) => {
        ScopedSql::new(concat!(
            "SELECT l.seq, l.at, l.org_id, l.realm, l.tlp, l.actor, l.action, l.subject, l.outcome, l.entry ",
            "FROM audit_leaf l WHERE l.seq < $1 AND l.at >= $2 AND l.at < $3 AND ",
            $condition,
            " AND {visible:l} ORDER BY l.seq DESC LIMIT $4"
        ))
    };
}

// One text per question, so that each finds its index.
const ALL: ScopedSql = newest_first!("1 = 1");
const BY_ACTION: ScopedSql = newest_first!("l.action = $5");
const BY_SUBJECT: ScopedSql = newest_first!("l.subject = $5");
const BY_ACTOR: ScopedSql = newest_first!("l.actor = $5");
const NAME: &str = "audit_leaf";

/// What is looked for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Filter {
    /// Everything.
    #[default]
    All,
    /// One action: `intel.publish`.
    Action(String),
    /// One subject: `indicator:0192...`.
    Subject(String),
    /// One actor: `person:0192...`.
    Actor(String),
}

/// A leaf as a list shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Leaf {
    /// Its number.
    pub seq: u64,
    /// When.
    pub at: Timestamp,
    /// Whose row it is about.
    pub org: OrgId,
    /// Its realm.
    pub realm: Realm,
    /// Its marking.
    pub tlp: Tlp,
    /// Who.
    pub actor: String,
    /// What was done.
    pub action: String,
    /// To what.
    pub subject: String,
    /// How it ended.
    pub outcome: String,
    /// The canonical text.
    pub entry: String,
}

/// Leaves of a time that a clearance sees, newest first.
///
/// # Errors
/// `LF-STO-0009` for a foreign cursor, and those of [`Db::read`].
pub async fn search(
    db: &Db,
    who: &Clearance,
    filter: &Filter,
    since: Timestamp,
    until: Timestamp,
    page: &Page,
) -> Result<Paged<Leaf>, Problem> {
    let mut params = page.keys(NAME)?.unwrap_or_else(|| params![i64::MAX]);
    params.extend(params![since, until, page.fetch()]);
    let (sql, value) = match filter {
        Filter::All => (ALL, None),
        Filter::Action(action) => (BY_ACTION, Some(action)),
        Filter::Subject(subject) => (BY_SUBJECT, Some(subject)),
        Filter::Actor(actor) => (BY_ACTOR, Some(actor)),
    };
    params.extend(value.map(Value::from));
    let rows = db.read(sql, who, params).await.map_err(|e| e.problem())?;
    let leaves = rows.iter().map(leaf).collect::<Result<Vec<_>, _>>().map_err(|e| e.problem())?;
    Ok(Paged::cut(leaves, page, NAME, |last| params![last.seq]))
}

fn leaf(row: &Row) -> Result<Leaf, StoreError> {
    Ok(Leaf {
        seq: row.get("seq")?,
        at: row.get("at")?,
        org: row.get("org_id")?,
        realm: row.get("realm")?,
        tlp: row.get("tlp")?,
        actor: row.get("actor")?,
        action: row.get("action")?,
        subject: row.get("subject")?,
        outcome: row.get("outcome")?,
        entry: row.get("entry")?,
    })
}
