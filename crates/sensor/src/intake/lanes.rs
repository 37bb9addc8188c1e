//! Lanes: requests of one sender go one after the other, different senders side by side.

use base::{OrgId, Realm, SensorId};
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::Mutex as Lock;

use super::ranges::Ranges;

/// Epochs of a sensor that are remembered: it uses one, and begins another when it had to drop events. A sensor that begins
/// them without end must not fill the memory or the database.
pub(crate) const EPOCHS_KEPT: usize = 8;

/// What is remembered of a sensor: the epochs it used last. Others are known from the journal and the database.
#[derive(Debug, Default)]
pub(super) struct SensorLane {
    epochs: HashMap<u64, Epoch>,
    turn: u64,
}

#[derive(Debug, Default)]
struct Epoch {
    taken: Ranges,
    used: u64,
}

impl SensorLane {
    /// Whether the epoch is remembered; a new turn of it begins.
    pub(super) fn recall(&mut self, epoch: u64) -> bool {
        self.turn += 1;
        let turn = self.turn;
        self.epochs.get_mut(&epoch).map(|known| known.used = turn).is_some()
    }

    /// Remembers an epoch in place of the one that was not used for longest.
    pub(super) fn remember(&mut self, epoch: u64, taken: Ranges) {
        while self.epochs.len() >= EPOCHS_KEPT {
            let Some(oldest) = self.epochs.iter().min_by_key(|(_, known)| known.used).map(|(epoch, _)| *epoch) else {
                break;
            };
            self.epochs.remove(&oldest);
        }
        self.epochs.insert(epoch, Epoch { taken, used: self.turn });
    }

    /// The numbers of an epoch that is remembered.
    pub(super) fn taken(&mut self, epoch: u64) -> &mut Ranges {
        &mut self.epochs.entry(epoch).or_default().taken
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_epochs_used_last_stay() {
        let mut lane = SensorLane::default();
        for epoch in 0..100 {
            assert!(!lane.recall(epoch));
            lane.remember(epoch, Ranges::from(vec![(1, epoch)]));
            assert!(epoch < 3 || lane.recall(3) || epoch == 3, "the one in use is never forgotten");
        }
        assert_eq!(lane.epochs.len(), EPOCHS_KEPT);
        assert_eq!(lane.taken(3).contiguous(), 3);
        assert!(lane.recall(99) && !lane.recall(92));
    }
}
