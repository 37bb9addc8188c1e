//! Facts in the past tense: one module per domain, written to the outbox in the transaction that made them true.
//!
//! The outbox carries decisions, never bulk data: what sensors see is aggregated before it becomes an event.
//! Every event carries organisation, realm and marking in its [`Envelope`].

use base::{EventId, OrgId, Realm, Timestamp, Tlp};
use serde::{Deserialize, Serialize};

pub mod detect;
pub mod edge;
pub mod intel;
pub mod sensor;

/// What surrounds every event.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Envelope {
    /// The event's own id; reactions are idempotent by it.
    pub id: EventId,
    /// Whose event it is.
    pub org: OrgId,
    /// Real life or an exercise.
    pub realm: Realm,
    /// Its marking.
    pub tlp: Tlp,
    /// When it became true.
    pub at: Timestamp,
    /// The fact.
    pub event: Event,
}

/// Every fact that rooms tell each other.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "body")]
pub enum Event {
    /// See [`sensor::SensorEnrolled`].
    #[serde(rename = "sensor.enrolled")]
    SensorEnrolled(sensor::SensorEnrolled),
    /// See [`sensor::SensorWentSilent`].
    #[serde(rename = "sensor.went_silent")]
    SensorWentSilent(sensor::SensorWentSilent),
    /// See [`sensor::SensorRevoked`].
    #[serde(rename = "sensor.revoked")]
    SensorRevoked(sensor::SensorRevoked),
    /// See [`sensor::ObservableAssessed`].
    #[serde(rename = "sensor.observable_assessed")]
    ObservableAssessed(sensor::ObservableAssessed),
    /// See [`detect::FindingRaised`].
    #[serde(rename = "detect.finding_raised")]
    FindingRaised(detect::FindingRaised),
    /// See [`detect::FindingResolved`].
    #[serde(rename = "detect.finding_resolved")]
    FindingResolved(detect::FindingResolved),
    /// See [`intel::IndicatorMoved`].
    #[serde(rename = "intel.indicator_moved")]
    IndicatorMoved(intel::IndicatorMoved),
    /// See [`edge::DirectiveIssued`].
    #[serde(rename = "edge.directive_issued")]
    DirectiveIssued(edge::DirectiveIssued),
    /// See [`edge::DirectiveEnded`].
    #[serde(rename = "edge.directive_ended")]
    DirectiveEnded(edge::DirectiveEnded),
    /// See [`edge::PointEnrolled`].
    #[serde(rename = "edge.point_enrolled")]
    PointEnrolled(edge::PointEnrolled),
    /// See [`edge::ReceiptArrived`].
    #[serde(rename = "edge.receipt_arrived")]
    ReceiptArrived(edge::ReceiptArrived),
    /// See [`edge::DriftFound`].
    #[serde(rename = "edge.drift_found")]
    DriftFound(edge::DriftFound),
    /// See [`edge::KillSwitched`].
    #[serde(rename = "edge.kill_switched")]
    KillSwitched(edge::KillSwitched),
}

impl Event {
    /// The stable name, as in the outbox.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::SensorEnrolled(_) => "sensor.enrolled",
            Self::SensorWentSilent(_) => "sensor.went_silent",
            Self::SensorRevoked(_) => "sensor.revoked",
            Self::ObservableAssessed(_) => "sensor.observable_assessed",
            Self::FindingRaised(_) => "detect.finding_raised",
            Self::FindingResolved(_) => "detect.finding_resolved",
            Self::IndicatorMoved(_) => "intel.indicator_moved",
            Self::DirectiveIssued(_) => "edge.directive_issued",
            Self::DirectiveEnded(_) => "edge.directive_ended",
            Self::PointEnrolled(_) => "edge.point_enrolled",
            Self::ReceiptArrived(_) => "edge.receipt_arrived",
            Self::DriftFound(_) => "edge.drift_found",
            Self::KillSwitched(_) => "edge.kill_switched",
        }
    }
}
