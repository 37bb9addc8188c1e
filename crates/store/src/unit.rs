//! The commit unit: statements with version checks, events and audit leaves that become true together or not at all.

use base::{OrgId, PersonId, Realm, Timestamp, Tlp};
use events::Envelope;
use serde::{Deserialize, Serialize};
use std::fmt;

use crate::value::Value;

/// Who acts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "id", rename_all = "snake_case")]
pub enum Actor {
    /// A person with an account.
    Person(PersonId),
    /// A machine: sensor, edge, token.
    Machine(String),
    /// The centre itself, by the room's name.
    System(String),
    /// Somebody who did not show who they are.
    Stranger,
}

/// The one text form, as in the outbox and the audit tree: `person:0192...`, `machine:sensor:...`, `system:sensor`.
impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Person(id) => write!(f, "person:{id}"),
            Self::Machine(name) => write!(f, "machine:{name}"),
            Self::System(room) => write!(f, "system:{room}"),
            Self::Stranger => f.write_str("stranger"),
        }
    }
}

/// What a statement must have touched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expect {
    /// Any number of rows.
    Any,
    /// Exactly so many: the version check; otherwise the whole unit is undone with `StoreError::Conflict`.
    Rows(u64),
}

/// One statement of a unit.
#[derive(Debug, Clone)]
pub struct Stmt {
    /// Portable SQL.
    pub sql: &'static str,
    /// Its parameters.
    pub params: Vec<Value>,
    /// What it must have touched.
    pub expect: Expect,
}

/// How an audited action ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Done.
    Done,
    /// Refused.
    Refused,
    /// Restricted data was read.
    Read,
}

impl Outcome {
    /// The stable word: `done`.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Refused => "refused",
            Self::Read => "read",
        }
    }
}

/// One leaf of the audit tree, before it is canonical.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AuditEntry {
    /// Stable name of the action: `intel.publish`.
    pub action: String,
    /// What it was done to: `indicator:0192...`.
    pub subject: String,
    /// Whose row it is.
    pub org: OrgId,
    /// Its realm.
    pub realm: Realm,
    /// Its marking.
    pub tlp: Tlp,
    /// How it ended.
    pub outcome: Outcome,
    /// Further facts; personal data stands by reference, so that it can be erased.
    pub detail: serde_json::Value,
}

/// A unit of work: decided first, then committed as one batch.
#[derive(Debug, Clone)]
pub struct Unit {
    /// Who acts.
    pub actor: Actor,
    /// When.
    pub at: Timestamp,
    /// Statements, in order.
    pub statements: Vec<Stmt>,
    /// Outbox events.
    pub events: Vec<Envelope>,
    /// Audit leaves.
    pub audit: Vec<AuditEntry>,
}

impl Unit {
    /// An empty unit.
    #[must_use]
    pub const fn new(actor: Actor, at: Timestamp) -> Self {
        Self { actor, at, statements: Vec::new(), events: Vec::new(), audit: Vec::new() }
    }

    /// Adds a statement that may touch any number of rows.
    #[must_use]
    pub fn exec(mut self, sql: &'static str, params: Vec<Value>) -> Self {
        self.push(sql, params, Expect::Any);
        self
    }

    /// Adds a statement that must touch exactly one row: the version check.
    #[must_use]
    pub fn exec_one(mut self, sql: &'static str, params: Vec<Value>) -> Self {
        self.push(sql, params, Expect::Rows(1));
        self
    }

    /// Adds a statement, by reference.
    pub fn push(&mut self, sql: &'static str, params: Vec<Value>, expect: Expect) {
        self.statements.push(Stmt { sql, params, expect });
    }

    /// Adds an outbox event.
    #[must_use]
    pub fn event(mut self, event: Envelope) -> Self {
        self.events.push(event);
        self
    }

    /// Adds an audit leaf.
    #[must_use]
    pub fn audit(mut self, entry: AuditEntry) -> Self {
        self.audit.push(entry);
        self
    }

    /// Everything of `other` after everything of this one.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.statements.extend(other.statements);
        self.events.extend(other.events);
        self.audit.extend(other.audit);
        self
    }
}
