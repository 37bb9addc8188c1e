//! What history knows about the fleet as a whole: how many sensors are active, and whose.

use base::{OrgId, Timestamp};
use std::collections::BTreeMap;
use std::sync::Arc;
use store::{Db, params};

use super::load::KEY;
use crate::error::SensorError;
use crate::landscape::Landscape;
use crate::score::targetedness;

/// A sensor that heard an event or a heartbeat within a day is active.
const ACTIVE_SECS: i64 = 86_400;
/// The numbers move slowly: they are read again after so long.
const FRESH_SECS: i64 = 30;

/// Numbers of active sensors.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Fleetwide {
    pub(crate) active: usize,
    pub(crate) per_org: BTreeMap<OrgId, usize>,
    words: BTreeMap<OrgId, Arc<[String]>>,
    read_at: Option<Timestamp>,
}

const ACTIVE: &str = "SELECT org_id, COUNT(*) AS active FROM sensor
    WHERE revoked_at IS NULL AND (last_heard >= $1 OR last_event >= $1) GROUP BY org_id";

impl Fleetwide {
    /// Reads the numbers again when they are old.
    pub(crate) async fn renew(&mut self, db: &Db, now: Timestamp) -> Result<(), SensorError> {
        if self.read_at.is_some_and(|at| now.since(at).abs() < FRESH_SECS * 1_000_000) {
            return Ok(());
        }
        self.per_org.clear();
        self.words.clear();
        for row in db.system_read(KEY, ACTIVE, params![now.plus_secs(-ACTIVE_SECS)]).await? {
            self.per_org.insert(row.get("org_id")?, row.get("active")?);
        }
        self.active = self.per_org.values().sum();
        self.read_at = Some(now);
        Ok(())
    }

    /// The words that name an organisation.
    pub(crate) fn words(&mut self, org: OrgId, landscape: &dyn Landscape) -> Arc<[String]> {
        Arc::clone(self.words.entry(org).or_insert_with(|| landscape.words(org).into()))
    }

    /// Targetedness of contacts that all fell on one organisation.
    pub(crate) fn focus(&self, org: OrgId, contacts: u64) -> f64 {
        let own = self.per_org.get(&org).copied().unwrap_or(0);
        targetedness(contacts, own as f64 / self.active.max(1) as f64)
    }
}
