//! The service: loads, lets a desk decide, compiles the desired state, commits one unit; cheap to clone.
//!
//! Decisions of one process stand in line ([`Inner::desk`]); between processes the number of the realm's head is the
//! version check: whoever decided on an older state decides again.

pub mod compile;
pub mod feed;
pub mod issue;
pub mod points;
pub mod stream;
pub mod upkeep;
pub mod views;

use base::{Env, EventId, OrgId, Realm, Timestamp, Tlp};
use ed25519_dalek::{SigningKey, VerifyingKey};
use events::{Envelope, Event};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use store::{Actor, AuditEntry, Db, Outcome, StoreError, Unit};
use tokio::sync::watch;

use crate::error::EdgeError;
use crate::guard::Guards;
use crate::repo::realm::{self, RealmRow};
use crate::settings::Settings;

/// How often a decision is made again because others decided at the same moment.
const ATTEMPTS: usize = 8;

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

    /// The guards for a loaded row; built again only when its revision moved.
    pub(crate) fn guards_of(&self, realm: Realm, row: &RealmRow) -> Arc<Guards> {
        let mut known = self.inner.guards.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, guards)) = known.get(&realm).filter(|(revision, _)| *revision == row.revision) {
            return Arc::clone(guards);
        }
        let profile = self.inner.settings.guard_profile(self.inner.identity.demo);
        let guards = Arc::new(Guards::new(profile, &row.config.protected));
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

    /// Commits what `plan` makes of the present state; plans again when others were faster.
    pub(crate) async fn decide<T, F>(&self, mut plan: F) -> Result<T, EdgeError>
    where
        F: AsyncFnMut() -> Result<(Unit, T), EdgeError>,
    {
        for _ in 0..ATTEMPTS {
            let _turn = self.inner.desk.lock().await;
            let (unit, outcome) = plan().await?;
            if is_empty(&unit) {
                return Ok(outcome);
            }
            match self.db().commit(unit).await {
                Ok(_) => {
                    self.wake();
                    return Ok(outcome);
                }
                Err(StoreError::Conflict(_) | StoreError::Duplicate(_)) => {}
                Err(failure) => return Err(failure.into()),
            }
        }
        Err(EdgeError::Busy)
    }
}

pub(crate) fn is_empty(unit: &Unit) -> bool {
    unit.statements.is_empty() && unit.events.is_empty() && unit.audit.is_empty()
}

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
