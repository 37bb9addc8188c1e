//! Lanes: requests of one sender go one after the other, different senders side by side.

use base::{OrgId, Realm, SensorId};
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::Mutex as Lock;

use super::ranges::Ranges;

/// What is remembered of a sensor.
#[derive(Debug, Default)]
pub(super) struct SensorLane {
    pub(super) epochs: HashMap<u64, Ranges>,
}

/// What is remembered of an organisation's files.
#[derive(Debug, Default)]
pub(super) struct OrgLane {
    /// Its importers, once they were read.
    pub(super) importers: Option<HashSet<SensorId>>,
}

/// Lanes by what they belong to.
type ByOwner<K, L> = Mutex<HashMap<K, Arc<Lock<L>>>>;

/// Every lane. A fleet is small, so lanes stay.
#[derive(Debug, Default)]
pub(super) struct Lanes {
    sensors: ByOwner<SensorId, SensorLane>,
    orgs: ByOwner<(OrgId, Realm), OrgLane>,
}

impl Lanes {
    pub(super) fn sensor(&self, sensor: SensorId) -> Arc<Lock<SensorLane>> {
        Arc::clone(self.sensors.lock().unwrap_or_else(PoisonError::into_inner).entry(sensor).or_default())
    }

    pub(super) fn org(&self, org: OrgId, realm: Realm) -> Arc<Lock<OrgLane>> {
        Arc::clone(self.orgs.lock().unwrap_or_else(PoisonError::into_inner).entry((org, realm)).or_default())
    }
}
