//! Facts of the detection room.

use base::FindingId;
use serde::{Deserialize, Serialize};

/// A finding appeared or rose in severity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FindingRaised {
    /// The finding.
    pub finding: FindingId,
    /// The rule or classifier: `sensor.download`.
    pub rule: String,
    /// 1 (low) to 4 (critical).
    pub severity: u8,
    /// The value it is about.
    pub subject: String,
}

/// A person closed a finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FindingResolved {
    /// The finding.
    pub finding: FindingId,
    /// `true_positive`, `false_positive`, `benign`, `duplicate`.
    pub outcome: String,
}
