//! Search in the audit tree, through a clearance.

use base::{Coded as _, OrgId, Problem, Realm, Timestamp, Tlp};
use serde::Serialize;

use crate::clearance::Clearance;
use crate::db::{Db, Engine};
use crate::error::StoreError;
use crate::page::{Page, Paged};
use crate::params;
use crate::sql::ScopedSql;
use crate::value::{Row, Value};

/// One range of one index per question: its columns are the condition, then the order.
macro_rules! newest_first {
    ($verb:literal, $condition:literal) => {
        ScopedSql::new(concat!(
            $verb,
            "SELECT l.seq, l.at, l.org_id, l.realm, l.tlp, l.actor, l.action, l.subject, l.outcome, l.entry ",
            "FROM audit_leaf l WHERE ",
            $condition,
            "l.at >= $1 AND (l.at, l.seq) < ($2, $3) AND {visible:l} ORDER BY l.at DESC, l.seq DESC LIMIT $4"
        ))
    };
}

const ALL: ScopedSql = newest_first!("", "");
const BY_ACTION: ScopedSql = newest_first!("", "l.action = $5 AND ");
const BY_SUBJECT: ScopedSql = newest_first!("", "l.subject = $5 AND ");
const BY_ACTOR: ScopedSql = newest_first!("", "l.actor = $5 AND ");
const NAME: &str = "audit_leaf_at";

macro_rules! explained {
    ($condition:literal, $index:literal) => {
        [
            (Engine::Sqlite, newest_first!("EXPLAIN QUERY PLAN ", $condition), $index),
            (Engine::Postgres, newest_first!("EXPLAIN ", $condition), $index),
        ]
    };
}

/// The plan of each question per engine, and the index it must be a range of: for the tests of this room.
#[doc(hidden)]
pub const EXPLAINED: [[(Engine, ScopedSql, &str); 2]; 4] = [
    explained!("", "audit_leaf_at"),
    explained!("l.action = $5 AND ", "audit_leaf_action"),
    explained!("l.subject = $5 AND ", "audit_leaf_subject"),
    explained!("l.actor = $5 AND ", "audit_leaf_actor"),
];

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
    // Before the first key of a later page, or before every leaf of `until`.
    let before = page.keys(NAME)?.unwrap_or_else(|| params![until, i64::MIN]);
    let mut params = params![since];
    params.extend(before);
    params.extend(params![page.fetch()]);
    let (sql, value) = match filter {
        Filter::All => (ALL, None),
        Filter::Action(action) => (BY_ACTION, Some(action)),
        Filter::Subject(subject) => (BY_SUBJECT, Some(subject)),
        Filter::Actor(actor) => (BY_ACTOR, Some(actor)),
    };
    params.extend(value.map(Value::from));
    let rows = db.read(sql, who, params).await.map_err(|e| e.problem())?;
    let leaves = rows.iter().map(leaf).collect::<Result<Vec<_>, _>>().map_err(|e| e.problem())?;
    Ok(Paged::cut(leaves, page, NAME, |last| params![last.at, last.seq]))
}

/// One leaf by its number, if the clearance sees it: a proof itself knows no clearance.
///
/// # Errors
/// Those of [`Db::read`].
pub async fn one(db: &Db, who: &Clearance, seq: u64) -> Result<Option<Leaf>, StoreError> {
    const ONE: ScopedSql = ScopedSql::new(
        "SELECT l.seq, l.at, l.org_id, l.realm, l.tlp, l.actor, l.action, l.subject, l.outcome, l.entry \
         FROM audit_leaf l WHERE l.seq = $1 AND {visible:l}",
    );
    db.read(ONE, who, params![seq]).await?.first().map(leaf).transpose()
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
