//! What every handler has at hand: the services of the rooms, cheap to clone.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use access::{Access, Caller, MachineKind};
use base::{Coded, Env, PointId, SensorId, Tlp};
use detect::Detect;
use edge::Edge;
use intel::Intel;
use registry::Registry;
use runtime::Metrics;
use sensor::fleet::Admitted;
use sensor::{Fleet, Intake, Reads};
use store::audit::Signer;
use store::{AuditEntry, Db, Outcome, Unit};
use uuid::Uuid;

use crate::pki::Pki;
use crate::problem::{Answer, FORBIDDEN};
use crate::replay::Replays;
use crate::room::Room;

/// Whether this centre is the real thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CentreKind {
    /// A real centre.
    Real,
    /// The demo: a ribbon on every page, never federates.
    Demo,
}

/// What the centre is called and where machines find it.
#[derive(Debug, Clone)]
pub struct Identity {
    /// Real or demo.
    pub kind: CentreKind,
    /// Address of the machine listener, `https://host:8444`.
    pub machine_url: String,
    /// Ed25519 key that signs collections, hex.
    pub signing_key: String,
    /// Version of the program.
    pub version: &'static str,
}

/// The services.
#[derive(Debug, Clone)]
pub struct ApiCtx {
    /// State.
    pub db: Db,
    /// Time and randomness.
    pub env: Env,
    /// Metrics of the process.
    pub metrics: Metrics,
    /// Who the centre is.
    pub identity: Arc<Identity>,
    /// Keys and certificates.
    pub pki: Arc<Pki>,
    /// People, tokens, codes.
    pub access: Access,
    /// Organisations.
    pub registry: Registry,
    /// Sensors.
    pub fleet: Fleet,
    /// The acknowledged way in.
    pub intake: Intake,
    /// The attack history.
    pub history: Reads,
    /// Findings.
    pub detect: Detect,
    /// Indicators.
    pub intel: Intel,
    /// Enforcement.
    pub edge: Edge,
    /// Signs the audit tree's checkpoints.
    pub signer: Signer,
    /// Memory kept for large bodies.
    pub room: Arc<Room>,
    /// Refusals noted lately, so that a loop of them is one leaf a minute.
    pub refusals: Refusals,
    /// What was answered under idempotency keys.
    pub replays: Replays,
}

/// A machine's row behind its certificate; an extension of the request beside the [`Caller`].
#[derive(Debug, Clone)]
pub enum Machine {
    /// A sensor.
    Sensor(Admitted),
    /// An enforcement point.
    Edge(PointId),
}

impl ApiCtx {
    /// The caller behind a machine certificate, with its row.
    ///
    /// # Errors
    /// `LF-API-0004` for a revoked or superseded certificate.
    pub async fn machine_caller(&self, kind: MachineKind, id: Uuid, serial: &str) -> Result<(Caller, Machine), Answer> {
        match kind {
            MachineKind::Sensor => {
                let admitted = self.fleet.admit(SensorId(id), serial).await.map_err(machine_refusal)?;
                Ok((self.access.machine_caller(kind, id, admitted.org), Machine::Sensor(admitted)))
            }
            MachineKind::Edge => {
                let point = self.edge.admit_point(PointId(id), serial).await.map_err(machine_refusal)?;
                Ok((self.access.machine_caller(kind, id, point.org), Machine::Edge(point.id)))
            }
        }
    }

    /// Leaves an audit leaf for a refused command: one a minute per caller and action.
    pub async fn note_refusal(&self, caller: &Caller, action: &str, subject: &str) {
        let now = self.env.now();
        if !self.refusals.first_this_minute(&crate::door::caller_word(caller), action, now.as_secs() / 60) {
            return;
        }
        let entry = AuditEntry {
            action: action.to_owned(),
            subject: base::code::excerpt(subject),
            org: caller.org(),
            realm: caller.realm(),
            tlp: Tlp::AmberStrict,
            outcome: Outcome::Refused,
            detail: serde_json::json!({}),
        };
        if let Err(error) = self.db.commit(Unit::new(caller.actor(), now).audit(entry)).await {
            tracing::warn!(%error, "a refusal could not be audited");
        }
    }
}

/// Outside, a machine that is not admitted hears one thing; a failing store stays a failing store.
fn machine_refusal(error: impl Coded) -> Answer {
    if error.problem().code.http >= 500 {
        Answer::from(error)
    } else {
        Answer::of(&FORBIDDEN, "the certificate is revoked or superseded")
    }
}

/// Which refusals were noted in the present minute.
#[derive(Debug, Clone, Default)]
pub struct Refusals(Arc<Mutex<Noted>>);

/// The minute, and who was refused what in it.
type Noted = (i64, HashSet<(String, String)>);

impl Refusals {
    fn first_this_minute(&self, caller: &str, action: &str, minute: i64) -> bool {
        let mut noted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if noted.0 != minute {
            *noted = (minute, HashSet::new());
        }
        noted.1.len() < 10_000 && noted.1.insert((caller.to_owned(), action.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loop_of_refusals_is_one_leaf_a_minute() {
        let refusals = Refusals::default();
        assert!(refusals.first_this_minute("token:1", "kill_switch", 5));
        assert!(!refusals.first_this_minute("token:1", "kill_switch", 5));
        assert!(refusals.first_this_minute("token:2", "kill_switch", 5));
        assert!(refusals.first_this_minute("token:1", "kill_switch", 6));
    }
}
