//! What pages and the API read, always with a clearance and by keyset.

mod campaigns;
mod observables;
mod sessions;

use base::{Env, OrgId, Timestamp};
use events::sensor::{Aim, AttackClass};
use store::page::{Page, Paged};
use store::{Clearance, Db, Reach, ScopedSql, Value, params};
use uuid::Uuid;

use crate::error::SensorError;
use crate::fleet::Fleet;
use crate::history::STEPS;
use crate::model::{Quarantined, SensorState, TimelineBar, Totals};

/// How many events a session's page shows.
pub const MOST_EVENTS: usize = 2_000;

/// The reading side of the attack history; cheap to clone.
#[derive(Debug, Clone)]
pub struct Reads {
    db: Db,
    env: Env,
}

const TIMELINE: ScopedSql = ScopedSql::new(
    "SELECT r.at, r.class, CAST(SUM(r.sessions) AS BIGINT) AS sessions, CAST(SUM(r.events) AS BIGINT) AS events
     FROM attack_rollup r WHERE r.step = $1 AND r.at >= $2 AND r.at < $3 AND {visible:r}
     GROUP BY r.at, r.class HAVING SUM(r.sessions) > 0 ORDER BY r.at, r.class",
);
const QUARANTINE: ScopedSql = ScopedSql::new(
    "SELECT q.key, q.org_id, q.tlp, q.format, q.at, q.code, q.detail, q.excerpt, q.times FROM quarantine q
     WHERE {visible:q} AND (q.at < $1 OR (q.at = $1 AND q.key < $2)) ORDER BY q.at DESC, q.key DESC LIMIT $3",
);
/// Which way a list is ordered; part of its cursors.
const QUARANTINE_LIST: &str = "sensor.quarantine";

impl Reads {
    /// Reads over a database.
    #[must_use]
    pub const fn new(db: Db, env: Env) -> Self {
        Self { db, env }
    }

    /// Sessions opened per bar and class; the bar is a minute up to six hours, an hour up to thirty days, else a day.
    /// Bars that would be cut by `since` are whole.
    ///
    /// # Errors
    /// [`SensorError::Store`].
    pub async fn timeline(
        &self,
        who: &Clearance,
        since: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<TimelineBar>, SensorError> {
        let [minute, hour, day] = STEPS;
        let step = match until.since(since) / 1_000_000 {
            ..=21_600 => minute,
            21_601..=2_592_000 => hour,
            _ => day,
        };
        let start = since.as_secs().div_euclid(step) * step * 1_000_000;
        let rows = self.db.read(TIMELINE, who, params![step, start, until]).await?;
        let mut bars = Vec::with_capacity(rows.len());
        for row in rows {
            let class: String = row.get("class")?;
            bars.push(TimelineBar {
                at: row.get("at")?,
                class: class_of(&class)?,
                sessions: row.get("sessions")?,
                events: row.get("events")?,
            });
        }
        Ok(bars)
    }

    /// Lines that could not be used, newest first.
    ///
    /// # Errors
    /// [`SensorError::Store`], [`SensorError::Cursor`].
    pub async fn quarantine(&self, who: &Clearance, page: &Page) -> Result<Paged<Quarantined>, SensorError> {
        let mut keys = after(page, QUARANTINE_LIST, vec![Value::Int(i64::MAX), Value::Bytes(Vec::new())])?;
        keys.push(page.fetch().into());
        let mut items = Vec::new();
        for row in self.db.read(QUARANTINE, who, keys).await? {
            let item = Quarantined {
                org: row.get("org_id")?,
                tlp: row.get("tlp")?,
                format: row.get("format")?,
                at: row.get("at")?,
                code: row.get("code")?,
                detail: row.get("detail")?,
                excerpt: row.get("excerpt")?,
                times: row.get("times")?,
            };
            items.push((item, row.get::<Vec<u8>>("key")?));
        }
        let cursor = |(item, key): &(Quarantined, Vec<u8>)| vec![item.at.into(), Value::Bytes(key.clone())];
        Ok(Paged::cut(items, page, QUARANTINE_LIST, cursor).map(|(item, _)| item))
    }

    /// The numbers of the home page: the last 24 hours, whole hours.
    ///
    /// # Errors
    /// [`SensorError::Store`].
    pub async fn totals(&self, who: &Clearance) -> Result<Totals, SensorError> {
        let [_, hour, _] = STEPS;
        let now = self.env.now();
        let since = Timestamp::from_micros((now.as_secs().div_euclid(hour) - 23) * hour * 1_000_000);
        let mut totals = Totals {
            sources_day: self.count_sources(who, since).await?,
            campaigns_day: self.count_campaigns(who, since).await?,
            ..Totals::default()
        };
        for row in self.db.read(TIMELINE, who, params![hour, since, now.plus_secs(hour)]).await? {
            let word: String = row.get("class")?;
            let (class, sessions) = (class_of(&word)?, row.get::<u64>("sessions")?);
            totals.sessions_day += sessions;
            totals.events_day += row.get::<u64>("events")?;
            match totals.by_class.iter_mut().find(|(known, _)| *known == class) {
                Some((_, count)) => *count += sessions,
                None => totals.by_class.push((class, sessions)),
            }
        }
        totals.by_class.sort_unstable();
        let fleet = Fleet::new(self.db.clone(), self.env.clone()).list(who).await?;
        totals.sensors = SensorState::ALL
            .into_iter()
            .map(|state| (state, fleet.iter().filter(|sensor| sensor.state == state).count() as u64))
            .filter(|(_, count)| *count > 0)
            .collect();
        Ok(totals)
    }
}

/// The key values to go on after, or those before every row.
fn after(page: &Page, list: &str, first: Vec<Value>) -> Result<Vec<Value>, SensorError> {
    let keys = page.keys(list).map_err(SensorError::Cursor)?.unwrap_or_else(|| first.clone());
    // A cursor of an older release may have another shape: the list then starts again.
    Ok(if keys.len() == first.len() { keys } else { first })
}

/// Before every row of a list that is ordered by time and id, newest first.
fn newest() -> Vec<Value> {
    vec![Value::Int(i64::MAX), Value::Uuid(Uuid::max())]
}

fn aim_of(word: &str) -> Result<Aim, SensorError> {
    Aim::from_word(word).ok_or_else(|| store::StoreError::Shape(format!("aim {word}")).into())
}

fn class_of(word: &str) -> Result<AttackClass, SensorError> {
    AttackClass::from_word(word).ok_or_else(|| store::StoreError::Shape(format!("class {word}")).into())
}

/// The organisation that saw something first is told only to those who see the whole centre: others see that they are not
/// alone, not who the others are.
fn owner(who: &Clearance, org: OrgId) -> Option<OrgId> {
    (who.reach() == Reach::All).then_some(org)
}
