//! Refusals of strangers, aggregated: a flood of wrong passwords is one leaf a minute, not a million.

use base::{OrgId, Realm, Timestamp, Tlp};
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

use crate::db::Db;
use crate::error::StoreError;
use crate::unit::{Actor, AuditEntry, Outcome, Unit};

const MINUTE: i64 = 60_000_000;

/// Counts refusals per action and minute, and writes one leaf for each.
#[derive(Debug)]
pub struct Strangers {
    db: Db,
    org: OrgId,
    realm: Realm,
    counts: Mutex<BTreeMap<(i64, &'static str), u64>>,
}

impl Strangers {
    /// A counter whose leaves belong to the centre's own organisation.
    #[must_use]
    pub fn new(db: Db, org: OrgId, realm: Realm) -> Self {
        Self { db, org, realm, counts: Mutex::default() }
    }

    /// Counts one refusal of somebody who did not show who they are: `sign_in`, `token`, `enrol`.
    pub fn refused(&self, action: &'static str) {
        let minute = self.db.env().now().as_micros().div_euclid(MINUTE);
        self.add(minute, action, 1);
    }

    /// Writes the leaves of minutes that are over, or of all; comes back with how many. What cannot be written is kept.
    ///
    /// # Errors
    /// Those of [`Db::commit`].
    pub async fn flush(&self, all: bool) -> Result<usize, StoreError> {
        let now = self.db.env().now();
        let present = if all { i64::MAX } else { now.as_micros().div_euclid(MINUTE) };
        let due: Vec<_> = {
            let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
            let later = counts.split_off(&(present, ""));
            std::mem::replace(&mut *counts, later).into_iter().collect()
        };
        if due.is_empty() {
            return Ok(0);
        }
        let mut unit = Unit::new(Actor::Stranger, now);
        for ((minute, action), count) in &due {
            let from = Timestamp::from_micros(minute.saturating_mul(MINUTE));
            unit = unit.audit(AuditEntry {
                action: (*action).to_owned(),
                subject: "stranger".into(),
                org: self.org,
                realm: self.realm,
                tlp: Tlp::Amber,
                outcome: Outcome::Refused,
                detail: json!({"count": count, "minute": from}),
            });
        }
        if let Err(failure) = self.db.commit(unit).await {
            for ((minute, action), count) in due {
                self.add(minute, action, count);
            }
            return Err(failure);
        }
        Ok(due.len())
    }

    /// Writes leaves until `stop` is cancelled, and all that is left then.
    ///
    /// # Errors
    /// [`StoreError::Poisoned`] and other failures that waiting does not cure.
    pub async fn run(&self, stop: CancellationToken) -> Result<(), StoreError> {
        loop {
            let last = stop.is_cancelled();
            match self.flush(last).await {
                Err(failure) if !failure.is_transient() => return Err(failure),
                Err(failure) => tracing::warn!(%failure, "refusals cannot be written now, trying again"),
                Ok(_) => {}
            }
            if last {
                return Ok(());
            }
            tokio::select! {
                () = stop.cancelled() => {}
                () = tokio::time::sleep(Duration::from_secs(5)) => {}
            }
        }
    }

    fn add(&self, minute: i64, action: &'static str, count: u64) {
        *self.counts.lock().unwrap_or_else(PoisonError::into_inner).entry((minute, action)).or_default() += count;
    }
}
