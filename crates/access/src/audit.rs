//! Leaves of the audit tree for what callers did and for what they were refused.

use base::{Coded, OrgId, Realm, Timestamp, Tlp};
use store::{Actor, AuditEntry, Outcome, Unit};

use crate::caller::Caller;

/// A leaf of something done. Personal data stands by reference: the detail never holds names, mail or addresses of people.
#[must_use]
pub fn done(action: &str, subject: String, org: OrgId, realm: Realm, detail: serde_json::Value) -> AuditEntry {
    AuditEntry { action: action.to_owned(), subject, org, realm, tlp: Tlp::AmberStrict, outcome: Outcome::Done, detail }
}

/// A unit that records a refusal: who, what, to which row, and why.
#[must_use]
pub fn refused(caller: &Caller, action: &str, subject: String, why: &(dyn Coded + Sync), at: Timestamp) -> Unit {
    let detail = serde_json::json!({ "why": why.problem().code.id });
    let mut leaf = done(action, subject, caller.org(), caller.realm(), detail);
    leaf.outcome = Outcome::Refused;
    Unit::new(caller.actor(), at).audit(leaf)
}

/// An empty unit of this room's own machinery.
#[must_use]
pub(crate) fn system(at: Timestamp) -> Unit {
    Unit::new(Actor::System("access".into()), at)
}
