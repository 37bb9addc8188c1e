//! The rows that a unit leaves beside its own: outbox events and audit leaves, the same on both engines.

use base::{Env, canonical_json};
use events::Envelope;
use serde_json::json;

use crate::audit::tree::leaf_hash;
use crate::error::StoreError;
use crate::unit::{Actor, AuditEntry, Unit};
use crate::value::Value;

/// Takes `$1` numbers of the counter `$2`; the last one taken comes back. The row's lock is held until the commit,
/// so that the order of numbers is the order of commits.
pub(crate) const TAKE: &str = "UPDATE sequence SET value = value + $1 WHERE name = $2 RETURNING value";

/// One outbox row.
pub(crate) const PUT_EVENT: &str = "INSERT INTO outbox (seq, event_id, kind, org_id, realm, tlp, at, actor, body) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";

/// One audit leaf.
pub(crate) const PUT_LEAF: &str = "INSERT INTO audit_leaf \
     (seq, at, org_id, realm, tlp, actor, action, subject, outcome, entry, leaf) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";

/// The parameters of [`PUT_EVENT`].
pub(crate) fn event_params(seq: i64, actor: &Actor, envelope: &Envelope) -> Result<Vec<Value>, StoreError> {
    let body = serde_json::to_string(envelope).map_err(|e| StoreError::Shape(format!("event: {e}")))?;
    Ok(vec![
        seq.into(),
        envelope.id.into(),
        envelope.event.kind().into(),
        envelope.org.into(),
        envelope.realm.into(),
        envelope.tlp.into(),
        envelope.at.into(),
        actor.to_string().into(),
        body.into(),
    ])
}

/// The canonical text of a leaf: what is hashed, kept and exported. The nonce makes the hash tell nothing: who is shown
/// the hash of a leaf without its text cannot find out by trying whether a guess at the text is right.
fn entry_text(seq: i64, unit: &Unit, entry: &AuditEntry, nonce: [u8; 16]) -> String {
    canonical_json(&json!({
        "nonce": hex::encode(nonce),
        "seq": seq,
        "at": unit.at,
        "actor": unit.actor.to_string(),
        "action": entry.action,
        "subject": entry.subject,
        "org": entry.org,
        "realm": entry.realm,
        "tlp": entry.tlp,
        "outcome": entry.outcome,
        "detail": entry.detail,
    }))
}

/// The parameters of [`PUT_LEAF`].
pub(crate) fn leaf_params(env: &Env, seq: i64, unit: &Unit, entry: &AuditEntry) -> Vec<Value> {
    let text = entry_text(seq, unit, entry, env.bytes());
    let leaf = leaf_hash(text.as_bytes());
    vec![
        seq.into(),
        unit.at.into(),
        entry.org.into(),
        entry.realm.into(),
        entry.tlp.into(),
        unit.actor.to_string().into(),
        entry.action.as_str().into(),
        entry.subject.as_str().into(),
        entry.outcome.word().into(),
        text.into(),
        leaf.into(),
    ]
}

/// How many, as the counter takes it.
pub(crate) fn count(items: usize) -> i64 {
    i64::try_from(items).unwrap_or(i64::MAX)
}
