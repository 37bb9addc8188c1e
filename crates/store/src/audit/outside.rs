//! Questions for rows outside a clearance: counted per caller, one leaf a minute for each, named rows and a number.
//!
//! Nothing is written while the asking one waits, so that the time of the answer does not tell whether the row exists.

use base::{OrgId, Realm, Timestamp, Tlp};
use serde_json::json;
use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

use crate::db::Db;
use crate::error::StoreError;
use crate::unit::{Actor, AuditEntry, Outcome, Unit};

/// The least time between two leaves about one caller, in microseconds.
const PAUSE: i64 = 60_000_000;
/// Rows named in one leaf.
const NAMED: usize = 20;
/// Callers that are counted; more at once are counted as one.
const CALLERS: usize = 10_000;

/// What one caller asked for since its last leaf.
#[derive(Debug, Clone)]
struct Asked {
    actor: Actor,
    realm: Realm,
    rows: BTreeSet<String>,
    times: u64,
    last: Option<Timestamp>,
}

/// Counts such questions per caller and writes their leaves.
#[derive(Debug)]
pub struct Outside {
    db: Db,
    centre: OrgId,
    action: &'static str,
    why: &'static str,
    asked: Mutex<HashMap<String, Asked>>,
}

impl Outside {
    /// A counter whose leaves belong to the centre's own organisation; `why` is the code of the answer that was given.
    #[must_use]
    pub fn new(db: Db, centre: OrgId, action: &'static str, why: &'static str) -> Self {
        Self { db, centre, action, why, asked: Mutex::default() }
    }

    /// Counts one question for a row that exists and that the caller does not see.
    pub fn asked(&self, who: &Actor, realm: Realm, subject: String) {
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        let key = format!("{who} {realm}");
        let (key, actor) = if asked.len() < CALLERS || asked.contains_key(&key) {
            (key, who.clone())
        } else {
            (format!("many {realm}"), Actor::System("audit".into()))
        };
        let of =
            asked.entry(key).or_insert_with(|| Asked { actor, realm, rows: BTreeSet::new(), times: 0, last: None });
        of.times += 1;
        if of.rows.len() < NAMED {
            of.rows.insert(subject);
        }
    }

    /// Writes the leaves that are due, or all; comes back with how many. What cannot be written is kept.
    ///
    /// # Errors
    /// Those of [`Db::commit`].
    pub async fn flush(&self, all: bool) -> Result<usize, StoreError> {
        let now = self.db.env().now();
        let due = self.due(now, all);
        for (written, (key, of)) in due.iter().enumerate() {
            let unit = Unit::new(of.actor.clone(), now).audit(self.leaf(of));
            if let Err(failure) = self.db.commit(unit).await {
                self.put_back(due.iter().skip(written));
                return Err(failure);
            }
            tracing::debug!(caller = key, times = of.times, "asked for rows outside the clearance");
        }
        Ok(due.len())
    }

    /// Takes out what is due; callers that were quiet for a while are forgotten.
    fn due(&self, now: Timestamp, all: bool) -> Vec<(String, Asked)> {
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        // A clock that went back must not keep a leaf for long.
        let over = |of: &Asked| of.last.is_none_or(|last| !(0..PAUSE).contains(&now.since(last)));
        asked.retain(|_, of| of.times > 0 || !over(of));
        let due = asked.iter_mut().filter(|(_, of)| of.times > 0 && (all || over(of)));
        due.map(|(key, of)| {
            let taken = of.clone();
            (of.times, of.last) = (0, Some(now));
            of.rows.clear();
            (key.clone(), taken)
        })
        .collect()
    }

    /// Counts again what could not be written.
    fn put_back<'a>(&self, left: impl Iterator<Item = &'a (String, Asked)>) {
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        for (key, of) in left {
            let now =
                asked.entry(key.clone()).or_insert_with(|| Asked { rows: BTreeSet::new(), times: 0, ..of.clone() });
            (now.times, now.last) = (now.times + of.times, of.last);
            let room = NAMED.saturating_sub(now.rows.len());
            now.rows.extend(of.rows.iter().take(room).cloned());
        }
    }

    fn leaf(&self, of: &Asked) -> AuditEntry {
        let only = of.rows.first().filter(|_| of.rows.len() == 1);
        AuditEntry {
            action: self.action.to_owned(),
            subject: only.cloned().unwrap_or_else(|| "outside".to_owned()),
            org: self.centre,
            realm: of.realm,
            tlp: Tlp::AmberStrict,
            outcome: Outcome::Refused,
            detail: json!({"why": self.why, "rows": of.rows, "times": of.times}),
        }
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
                () = tokio::time::sleep(Duration::from_secs(1)) => {}
            }
        }
    }
}
