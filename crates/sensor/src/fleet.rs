//! The fleet: who our sensors are, whether they live and whether their silence is natural.

use base::{Env, OrgId, Realm, SensorId, Timestamp, Tlp};
use store::{Actor, Clearance, Db};

use crate::error::SensorError;
use crate::model::{Sensor, SensorKind};
use crate::wire::Heartbeat;

/// A sensor without a heartbeat for so long is missing: three heartbeats.
pub const HEARTBEAT_MISSING_SECS: i64 = 90;

/// What the door knows about a sensor that joins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Enrolment {
    /// The id that stands in the certificate.
    pub id: SensorId,
    /// Whose sensor it is.
    pub org: OrgId,
    /// Real life or an exercise.
    pub realm: Realm,
    /// Marking of what it sees.
    pub tlp: Tlp,
    /// Its name.
    pub name: String,
    /// Serial of the certificate, hex.
    pub cert_serial: String,
    /// When the certificate ends.
    pub cert_expires: Timestamp,
}

/// A sensor that showed a valid certificate: what its batches belong to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Admitted {
    /// The sensor.
    pub sensor: SensorId,
    /// Whose it is.
    pub org: OrgId,
    /// Real life or an exercise.
    pub realm: Realm,
    /// Marking of what it sees.
    pub tlp: Tlp,
    /// What it is.
    pub kind: SensorKind,
}

/// The fleet service; cheap to clone.
#[derive(Debug, Clone)]
pub struct Fleet {
    #[allow(dead_code, reason = "filled in the next step")]
    db: Db,
    #[allow(dead_code, reason = "filled in the next step")]
    env: Env,
}

#[allow(clippy::unused_async, reason = "filled in the next step")]
impl Fleet {
    /// The fleet over a database.
    #[must_use]
    pub const fn new(db: Db, env: Env) -> Self {
        Self { db, env }
    }

    /// A sensor joins, or the same sensor renews its certificate.
    ///
    /// # Errors
    /// [`SensorError::NameTaken`], [`SensorError::BadField`], [`SensorError::Revoked`] for a renewal of a revoked sensor.
    pub async fn enrol(&self, _actor: Actor, _enrolment: Enrolment) -> Result<(), SensorError> {
        Err(SensorError::NoSensor)
    }

    /// Admits a sensor by what its certificate says; a revoked one or an old certificate is refused.
    ///
    /// # Errors
    /// [`SensorError::Revoked`].
    pub async fn admit(&self, _sensor: SensorId, _cert_serial: &str) -> Result<Admitted, SensorError> {
        Err(SensorError::Revoked)
    }

    /// Takes a heartbeat.
    ///
    /// # Errors
    /// [`SensorError::Store`].
    pub async fn heartbeat(&self, _from: &Admitted, _beat: Heartbeat) -> Result<(), SensorError> {
        Err(SensorError::NoSensor)
    }

    /// Revokes a sensor for good.
    ///
    /// # Errors
    /// [`SensorError::NoSensor`] outside the clearance.
    pub async fn revoke(&self, _actor: Actor, _who: &Clearance, _sensor: SensorId) -> Result<(), SensorError> {
        Err(SensorError::NoSensor)
    }

    /// Every sensor within the clearance (a fleet is small), by organisation and name.
    ///
    /// # Errors
    /// [`SensorError::Store`].
    pub async fn list(&self, _who: &Clearance) -> Result<Vec<Sensor>, SensorError> {
        Ok(Vec::new())
    }

    /// One sensor.
    ///
    /// # Errors
    /// [`SensorError::NoSensor`] when there is none within the clearance.
    pub async fn get(&self, _who: &Clearance, _sensor: SensorId) -> Result<Sensor, SensorError> {
        Err(SensorError::NoSensor)
    }

    /// Looks for sensors that fell silent or speak again, writes the change and the event. Called every few seconds.
    /// Returns how many changed.
    ///
    /// # Errors
    /// [`SensorError::Store`].
    pub async fn watch(&self) -> Result<usize, SensorError> {
        Ok(0)
    }
}
