//! The row of a realm: head of its log and what all its points are told.

use base::{OrgId, Realm, Timestamp};
use serde::{Deserialize, Serialize};
use store::{Db, Expect, StoreError, SystemKey, Unit, params};

use crate::repo::shape;
use crate::wire::{Canaries, ChangeLimits, Config, ProtectedNet};

const KEY: SystemKey = SystemKey::of("edge");

const GET: &str = "SELECT seq, horizon, kill, thaw_until, revision, config FROM edge_realm WHERE realm = $1";
const ALL: &str = "SELECT realm, seq, revision FROM edge_realm";
const MAKE: &str = "INSERT INTO edge_realm (realm, org_id, tlp, seq, horizon, kill, thaw_until, revision, config) \
     VALUES ($1, $2, 1, 0, 0, 0, NULL, 1, $3) ON CONFLICT (realm) DO NOTHING";
const ADVANCE: &str = "UPDATE edge_realm SET seq = $3 WHERE realm = $1 AND seq = $2 AND revision = $4";
const STAND: &str = "UPDATE edge_realm SET seq = seq WHERE realm = $1 AND seq = $2";
const CONFIGURE: &str = "UPDATE edge_realm SET kill = $3, thaw_until = $4, revision = $5, config = $6 \
     WHERE realm = $1 AND revision = $2";
const RAISE_HORIZON: &str = "UPDATE edge_realm SET horizon = $2 WHERE realm = $1 AND horizon < $2";

/// What a person configures for all points of a realm.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct RealmConfig {
    /// Networks nobody may deny, besides those compiled in.
    pub protected: Vec<ProtectedNet>,
    /// How much may change at once.
    pub limits: ChangeLimits,
    /// Addresses for the proof by packet.
    pub canaries: Canaries,
}

impl RealmConfig {
    /// The part of a point's configuration that it makes.
    pub(crate) fn told(&self) -> Config {
        Config {
            canaries: self.canaries.clone(),
            limits: self.limits,
            protected: self.protected.clone(),
            ..Config::default()
        }
    }
}

/// The row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RealmRow {
    /// Number of the last change of active directives.
    pub seq: u64,
    /// The log holds every change after this number.
    pub horizon: u64,
    /// The kill switch for every point.
    pub kill: bool,
    /// A person accepted changes beyond the limits until then, for every point.
    pub thaw_until: Option<Timestamp>,
    /// Counts the changes of kill, thaw and configuration.
    pub revision: u64,
    /// What a person configured.
    pub config: RealmConfig,
}

impl Default for RealmRow {
    fn default() -> Self {
        Self { seq: 0, horizon: 0, kill: false, thaw_until: None, revision: 1, config: RealmConfig::default() }
    }
}

/// The row, or what it is before the first decision.
pub(crate) async fn get(db: &Db, realm: Realm) -> Result<RealmRow, StoreError> {
    let rows = db.system_read(KEY, GET, params![realm]).await?;
    let Some(row) = rows.first() else { return Ok(RealmRow::default()) };
    Ok(RealmRow {
        seq: row.get("seq")?,
        horizon: row.get("horizon")?,
        kill: row.get("kill")?,
        thaw_until: row.get("thaw_until")?,
        revision: row.get("revision")?,
        config: serde_json::from_str(&row.get::<String>("config")?).map_err(|_| shape("configuration"))?,
    })
}

/// Head and revision of every realm: what wakes the streams.
pub(crate) async fn heads(db: &Db) -> Result<Vec<(Realm, u64, u64)>, StoreError> {
    let rows = db.system_read(KEY, ALL, Vec::new()).await?;
    rows.iter().map(|row| Ok((row.get("realm")?, row.get("seq")?, row.get("revision")?))).collect()
}

/// Makes the row if there is none; the centre's organisation owns it.
pub(crate) fn ensure(unit: &mut Unit, realm: Realm, centre: OrgId) -> Result<(), StoreError> {
    let config = serde_json::to_string(&RealmConfig::default()).map_err(|_| shape("configuration"))?;
    unit.push(MAKE, params![realm, centre, config], Expect::Any);
    Ok(())
}

/// Takes the next number, if nobody else took it and nobody configured the realm anew: whoever decided on an older
/// state, or with older guards, must decide again.
pub(crate) fn advance(unit: &mut Unit, realm: Realm, head: &RealmRow, to: u64) {
    unit.push(ADVANCE, params![realm, head.seq, to, head.revision], Expect::Rows(1));
}

/// The unit stands on this number although it takes none: what became active meanwhile was not looked at.
pub(crate) fn stand(unit: &mut Unit, realm: Realm, seq: u64) {
    unit.push(STAND, params![realm, seq], Expect::Rows(1));
}

/// Writes kill, thaw and configuration over the row that still has `revision`.
pub(crate) fn configure(unit: &mut Unit, realm: Realm, revision: u64, row: &RealmRow) -> Result<(), StoreError> {
    let config = serde_json::to_string(&row.config).map_err(|_| shape("configuration"))?;
    let changes = params![realm, revision, row.kill, row.thaw_until, row.revision, config];
    unit.push(CONFIGURE, changes, Expect::Rows(1));
    Ok(())
}

/// Says that the log below `horizon` is gone.
pub(crate) fn raise_horizon(unit: &mut Unit, realm: Realm, horizon: u64) {
    unit.push(RAISE_HORIZON, params![realm, horizon], Expect::Any);
}
