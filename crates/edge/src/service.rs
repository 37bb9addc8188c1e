//! The service: loads, lets a desk decide, compiles the desired state, commits one unit; cheap to clone.
//!
//! Decisions of one process stand in line ([`Inner::desk`]), but for those that are committed with a consumer's cursor.
//! Beyond the line, number and revision of the realm's row are the version check: whoever decided on an older state, or
//! with older guards, decides again.

pub mod compile;
pub mod feed;
pub mod issue;
mod plan;
pub mod points;
pub mod stream;
pub mod take_back;
pub mod upkeep;
pub mod views;

use base::{Env, EventId, OrgId, Realm, Timestamp, Tlp};
use ed25519_dalek::{SigningKey, VerifyingKey};
use events::{Envelope, Event};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use store::{Actor, AuditEntry, Db, Outcome, StoreError, Unit};
use tokio::sync::watch;

use crate::error::EdgeError;
use crate::guard::Guards;
use crate::repo::realm::{self, RealmRow};
use crate::settings::Settings;

/// How often a decision is made again because others decided at the same moment.
pub(crate) const ATTEMPTS: u32 = 40;

/// The room's name in audit and traces.
pub(crate) const ROOM: &str = "edge";

/// Who the centre is, as enforcement sees it.
#[derive(Debug, Clone)]
pub struct Identity {
    /// The centre's own organisation.
    pub centre: OrgId,
    /// Signs frames and configurations.
    pub key: SigningKey,
    /// Whether it is the demonstration: the only place where documentation networks may be denied.
    pub demo: bool,
}

/// Enforcement.
#[derive(Debug, Clone)]
pub struct Edge {
    pub(crate) inner: Arc<Inner>,
}

#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) db: Db,
    pub(crate) env: Env,
    pub(crate) identity: Identity,
    pub(crate) settings: Settings,
    /// One decision at a time, so that neighbours of a burst do not undo each other.
    pub(crate) desk: tokio::sync::Mutex<()>,
    /// Counts up whenever a point may have something new to hear.
    pub(crate) wake: watch::Sender<u64>,
    guards: Mutex<HashMap<Realm, (u64, Arc<Guards>)>>,
    heads: Mutex<Vec<(Realm, u64, u64)>>,
}

impl Edge {
    /// The service of a centre.
    #[must_use]
    pub fn new(db: Db, env: Env, identity: Identity, settings: Settings) -> Self {
        Self {
            inner: Arc::new(Inner {
                db,
                env,
                identity,
                settings,
                desk: tokio::sync::Mutex::new(()),
                wake: watch::Sender::new(0),
                guards: Mutex::new(HashMap::new()),
                heads: Mutex::new(Vec::new()),
            }),
        }
    }

    /// The key that points pin at enrolment.
    #[must_use]
    pub fn verifying_key(&self) -> VerifyingKey {
        self.inner.identity.key.verifying_key()
    }

    /// The settings in force.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.inner.settings
    }

    /// The guards of a realm: what is compiled in and what its configuration protects.
    ///
    /// # Errors
    /// [`EdgeError::Store`].
    pub async fn guards(&self, realm: Realm) -> Result<Arc<Guards>, EdgeError> {
        Ok(self.guards_of(realm, &realm::get(self.db(), realm).await?))
    }

    pub(crate) fn db(&self) -> &Db {
        &self.inner.db
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.inner.env.now()
    }

    /// The guards that a row makes, which nobody may have committed yet.
    pub(crate) fn guards_from(&self, row: &RealmRow) -> Guards {
        Guards::new(self.inner.settings.guard_profile(self.inner.identity.demo), &row.config.protected)
    }

    /// The guards for a loaded row; built again only when its revision moved.
    pub(crate) fn guards_of(&self, realm: Realm, row: &RealmRow) -> Arc<Guards> {
        let mut known = self.inner.guards.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, guards)) = known.get(&realm).filter(|(revision, _)| *revision == row.revision) {
            return Arc::clone(guards);
        }
        let guards = Arc::new(self.guards_from(row));
        known.insert(realm, (row.revision, Arc::clone(&guards)));
        guards
    }

    /// Wakes every stream: there may be something new.
    pub(crate) fn wake(&self) {
        self.inner.wake.send_modify(|count| *count = count.wrapping_add(1));
    }

    /// Wakes the streams if a realm's head or configuration moved, whoever moved it.
    pub(crate) async fn look(&self) -> Result<(), EdgeError> {
        let heads = realm::heads(self.db()).await?;
        let moved = {
            let mut known = self.inner.heads.lock().unwrap_or_else(PoisonError::into_inner);
            let moved = *known != heads;
            *known = heads;
            moved
        };
        if moved {
            self.wake();
        }
        Ok(())
    }

    pub(crate) fn envelope(&self, org: OrgId, realm: Realm, tlp: Tlp, event: Event) -> Envelope {
        Envelope { id: self.inner.env.id::<EventId>(), org, realm, tlp, at: self.now(), event }
    }

    /// Waits a random moment, longer after every attempt, so that two nodes do not run into each other again.
    pub(crate) async fn step_aside(&self, attempts: u32) {
        let random = u64::from(u16::from_be_bytes(self.inner.env.bytes::<2>()));
        let most_us = 1_000_u64 << attempts.min(6);
        tokio::time::sleep(Duration::from_micros(random % most_us)).await;
    }

    /// Commits a unit that was planned; false when others were faster and it must be planned again.
    pub(crate) async fn settle(&self, unit: Unit) -> Result<bool, EdgeError> {
        if unit.statements.is_empty() && unit.events.is_empty() && unit.audit.is_empty() {
            return Ok(true);
        }
        match self.db().commit(unit).await {
            Ok(_) => {
                self.wake();
                Ok(true)
            }
            Err(StoreError::Conflict(_) | StoreError::Duplicate(_)) => Ok(false),
            Err(failure) => Err(failure.into()),
        }
    }
}

/// Commits what the plan (a block that gives `Ok((unit, outcome))`) makes of the present state, and gives the
/// outcome; plans again when others were faster. A macro, because the futures of async closures are not `Send`.
macro_rules! deciding {
    ($edge:expr, $plan:expr) => {{
        let mut attempts = 0;
        loop {
            {
                let _turn = $edge.inner.desk.lock().await;
                let planned: Result<_, $crate::error::EdgeError> = $plan;
                let (unit, outcome) = planned?;
                if $edge.settle(unit).await? {
                    break Ok(outcome);
                }
            }
            attempts += 1;
            if attempts == $crate::service::ATTEMPTS {
                break Err($crate::error::EdgeError::Busy);
            }
            $edge.step_aside(attempts).await;
        }
    }};
}
pub(crate) use deciding;

/// The centre's own hand.
pub(crate) fn machinery() -> Actor {
    Actor::System(ROOM.to_owned())
}

/// An audit leaf of this room.
pub(crate) fn leaf(
    action: &str,
    subject: String,
    whose: (OrgId, Realm, Tlp),
    outcome: Outcome,
    detail: serde_json::Value,
) -> AuditEntry {
    let (org, realm, tlp) = whose;
    AuditEntry { action: action.to_owned(), subject, org, realm, tlp, outcome, detail }
}
