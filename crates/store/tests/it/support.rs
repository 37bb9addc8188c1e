//! A small schema and units for the tests of this room.

use base::{EventId, OrgId, Realm, Timestamp, Tlp};
use events::{Envelope, Event};
use store::{Actor, AuditEntry, Migration, Outcome, Unit};
use uuid::Uuid;

/// The tree of organisations belongs to the registry; this is its closure table alone.
pub(crate) const SCHEMA: &[Migration] = &[Migration {
    number: 90,
    name: "test",
    sql: "
CREATE TABLE org_closure (ancestor_id @id NOT NULL, descendant_id @id NOT NULL, PRIMARY KEY (ancestor_id, descendant_id)) @strict;
CREATE TABLE thing (
    id @int PRIMARY KEY, name @text NOT NULL UNIQUE, version @int NOT NULL, part @real, raw @bytes, key @id,
    org_id @id NOT NULL, realm @text NOT NULL, tlp @int NOT NULL
) @strict;
CREATE TABLE part (id @int PRIMARY KEY, thing_id @int NOT NULL REFERENCES thing (id)) @strict;
",
}];

pub(crate) const PUT: &str = "INSERT INTO thing (id, name, version, part, raw, key, org_id, realm, tlp) \
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";

pub(crate) fn org(number: u128) -> OrgId {
    OrgId(Uuid::from_u128(number))
}

pub(crate) fn unit(at: Timestamp) -> Unit {
    Unit::new(Actor::System("test".into()), at)
}

pub(crate) fn put(id: i64, of: OrgId, tlp: Tlp) -> Vec<store::Value> {
    store::params![id, format!("thing {id}"), 1, 0.5, vec![0_u8, 255], Uuid::from_u128(9), of, Realm::Real, tlp]
}

pub(crate) fn silent(number: u128, at: Timestamp) -> Envelope {
    Envelope {
        id: EventId(Uuid::from_u128(number)),
        org: org(1),
        realm: Realm::Real,
        tlp: Tlp::Green,
        at,
        event: Event::SensorRevoked(events::sensor::SensorRevoked { sensor: base::SensorId(Uuid::from_u128(number)) }),
    }
}

pub(crate) fn entry(action: &str, subject: &str) -> AuditEntry {
    AuditEntry {
        action: action.into(),
        subject: subject.into(),
        org: org(1),
        realm: Realm::Real,
        tlp: Tlp::Amber,
        outcome: Outcome::Done,
        detail: serde_json::json!({"note": "測試"}),
    }
}
