//! The rows of observables and their evidence: read for a batch, written after it.

use base::Timestamp;
use events::sensor::{AttackClass, ObservableAssessed};
use std::collections::BTreeMap;
use store::{Db, Expect, Unit, params};
use uuid::Uuid;

use super::super::load::{by_keys, in64};
use super::{Item, Seen, Stored, family};
use crate::error::SensorError;
use crate::score::band;

const LOAD: &str = concat!(
    "SELECT id, org_id, tlp, class, band, sessions, campaign_id, recent, named, human, shared_sources, shared_orgs
     FROM observable WHERE id IN ",
    in64!()
);
const LOAD_EVIDENCE: &str = concat!(
    "SELECT observable_id, sensor_id, class, org_id, tlp, sessions, first_at, last_at FROM observable_evidence
     WHERE observable_id IN ",
    in64!()
);

/// Adds what is stored to the items of a batch.
pub(super) async fn load(db: &Db, items: &mut BTreeMap<Uuid, Item>) -> Result<(), SensorError> {
    let ids: Vec<Uuid> = items.keys().copied().collect();
    for row in by_keys(db, LOAD, ids.clone()).await? {
        if let Some(item) = items.get_mut(&row.get::<Uuid>("id")?) {
            let (class, recent): (String, String) = (row.get("class")?, row.get("recent")?);
            item.org = row.get("org_id")?;
            item.tlp = item.tlp.strictest(row.get("tlp")?);
            if item.campaign.is_none() {
                item.campaign = row.get("campaign_id")?;
                item.shared = (row.get("shared_sources")?, row.get("shared_orgs")?);
            }
            item.named += row.get::<i64>("named")?;
            item.human += row.get::<i64>("human")?;
            item.stored = Some(Stored {
                class: AttackClass::from_word(&class).unwrap_or(AttackClass::Scan),
                band: u8::try_from(row.get::<i64>("band")?).unwrap_or(0),
                sessions: row.get("sessions")?,
                recent: serde_json::from_str(&recent).unwrap_or_default(),
            });
        }
    }
    for row in by_keys(db, LOAD_EVIDENCE, ids).await? {
        let class: String = row.get("class")?;
        let Some(class) = AttackClass::from_word(&class) else { continue };
        if let Some(item) = items.get_mut(&row.get::<Uuid>("observable_id")?) {
            let seen = Seen {
                org: row.get("org_id")?,
                tlp: row.get("tlp")?,
                sessions: row.get("sessions")?,
                first_at: row.get("first_at")?,
                last_at: row.get("last_at")?,
                changed: false,
            };
            item.evidence.insert((row.get("sensor_id")?, class), seen);
        }
    }
    Ok(())
}

impl Item {
    /// Writes the observable as it was assessed, and the evidence that changed.
    pub(super) fn push(
        &self,
        id: Uuid,
        told: &ObservableAssessed,
        (orgs, aim_factors, fades): (usize, String, Option<Timestamp>),
        unit: &mut Unit,
    ) -> Result<(), SensorError> {
        let json = |e: serde_json::Error| store::StoreError::Shape(e.to_string());
        let factors = serde_json::to_string(&told.factors).map_err(json)?;
        let recent = serde_json::to_string(&self.recent()).map_err(json)?;
        let row = params![
            id,
            self.org,
            self.realm,
            self.tlp,
            self.scope,
            family(self.kind),
            self.kind.word(),
            self.value.as_str(),
            told.class.word(),
            told.score,
            band(told.score),
            factors,
            told.sessions_total,
            told.sensors_total,
            orgs,
            told.aim.word(),
            told.benign.clone(),
            self.campaign,
            told.first_at,
            told.last_at,
            recent,
            fades,
            aim_factors,
            self.named,
            self.human,
            self.shared.0,
            self.shared.1,
        ];
        unit.push(WRITE, row, Expect::Rows(1));
        for ((sensor, class), seen) in self.evidence.iter().filter(|(_, seen)| seen.changed) {
            if seen.sessions <= 0 {
                unit.push(DROP_EVIDENCE, params![id, *sensor, class.word()], Expect::Any);
                continue;
            }
            let row = params![
                id,
                *sensor,
                class.word(),
                seen.org,
                self.realm,
                seen.tlp,
                seen.sessions,
                seen.first_at,
                seen.last_at
            ];
            unit.push(WRITE_EVIDENCE, row, Expect::Rows(1));
        }
        Ok(())
    }
}

const WRITE: &str =
    "INSERT INTO observable (id, org_id, realm, tlp, scope, family, kind, value, class, score, band, factors,
        sessions, sensors, orgs, aim, benign, campaign_id, first_at, last_at, recent, fades_at, aim_factors, named, human,
        shared_sources, shared_orgs)
    VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13,$14,$15,$16,$17,$18,$19,$20,$21,$22,$23,$24,$25,$26,$27)
    ON CONFLICT (id) DO UPDATE SET tlp = excluded.tlp, class = excluded.class, score = excluded.score,
        band = excluded.band, factors = excluded.factors, sessions = excluded.sessions, sensors = excluded.sensors,
        orgs = excluded.orgs, aim = excluded.aim, benign = excluded.benign, campaign_id = excluded.campaign_id,
        first_at = excluded.first_at, last_at = excluded.last_at, recent = excluded.recent,
        fades_at = excluded.fades_at, aim_factors = excluded.aim_factors, named = excluded.named,
        human = excluded.human, shared_sources = excluded.shared_sources, shared_orgs = excluded.shared_orgs";
const WRITE_EVIDENCE: &str =
    "INSERT INTO observable_evidence (observable_id, sensor_id, class, org_id, realm, tlp, sessions,
        first_at, last_at) VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9)
    ON CONFLICT (observable_id, sensor_id, class) DO UPDATE SET tlp = excluded.tlp, sessions = excluded.sessions,
        first_at = excluded.first_at, last_at = excluded.last_at";
const DROP_EVIDENCE: &str =
    "DELETE FROM observable_evidence WHERE observable_id = $1 AND sensor_id = $2 AND class = $3";
