//! The automatic path: which classes may be published without a person, and from which proof on.

use std::collections::BTreeMap;

use events::sensor::{AttackClass, ValueKind};
use serde::{Deserialize, Serialize};

use crate::model::Evidence;

const HOUR: i64 = 3_600;
const DAY: i64 = 24 * HOUR;

/// Shortest validity of an indicator, seconds.
pub const SHORTEST: i64 = HOUR;
/// Longest validity of an indicator, seconds.
pub const LONGEST: i64 = 366 * DAY;
/// Sensors propose from this score on.
pub const PROPOSE_FROM: f64 = 0.6;
/// A person's no (rejected, revoked) stands against fresh evidence for so long, seconds.
pub const NO_STANDS: i64 = 30 * DAY;

/// The rule of one class.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClassPolicy {
    /// Whether the path is open at all.
    pub enabled: bool,
    /// From this score on, 0 to 1.
    pub min_score: f64,
    /// Seen by at least so many sensors.
    pub min_sensors: u64,
    /// In force for so long, seconds.
    pub ttl: i64,
}

impl ClassPolicy {
    /// Whether it publishes something that the other does not, or for longer.
    #[must_use]
    pub fn is_looser_than(&self, other: &Self) -> bool {
        (self.enabled && !other.enabled)
            || self.min_score < other.min_score
            || self.min_sensors < other.min_sensors
            || self.ttl > other.ttl
    }
}

/// The rule of a class as it stands, with the number of its last change; none was made of 0.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PolicyRow {
    /// The class.
    pub class: AttackClass,
    /// Its rule.
    pub rule: ClassPolicy,
    /// Counts its changes.
    pub version: i64,
}

/// The automatic path per class. Sources of datagrams can be forged: their class is never in it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AutoPolicy(BTreeMap<AttackClass, ClassPolicy>);

impl AutoPolicy {
    /// A clean centre: every path closed until an administrator opens it; proof by two sensors once opened.
    #[must_use]
    pub fn clean() -> Self {
        Self::of(|_| ClassPolicy { enabled: false, min_score: 0.8, min_sensors: 2, ttl: DAY })
    }

    /// The demo: open for what two sensors prove, so that what two members see protects the others.
    #[must_use]
    pub fn demo() -> Self {
        Self::of(|class| ClassPolicy {
            enabled: !matches!(class, AttackClass::BannerGrab | AttackClass::Scan | AttackClass::Flood),
            min_score: 0.6,
            min_sensors: 2,
            ttl: DAY,
        })
    }

    fn of(make: impl Fn(AttackClass) -> ClassPolicy) -> Self {
        Self(AttackClass::ALL.into_iter().filter(|class| provable(*class)).map(|class| (class, make(class))).collect())
    }

    /// The rule of a class; none for one that is never automatic.
    #[must_use]
    pub fn class(&self, class: AttackClass) -> Option<ClassPolicy> {
        self.0.get(&class).copied()
    }

    /// Every class with its rule.
    pub fn iter(&self) -> impl Iterator<Item = (AttackClass, ClassPolicy)> + '_ {
        self.0.iter().map(|(class, policy)| (*class, *policy))
    }

    /// Replaces the rule of a class; a class that is never automatic stays so.
    pub fn set(&mut self, class: AttackClass, policy: ClassPolicy) {
        if provable(class) {
            self.0.insert(class, policy);
        }
    }

    /// How long evidence would be in force by itself; none when a person has to decide.
    #[must_use]
    pub fn allows(&self, evidence: &Evidence) -> Option<i64> {
        let rule = self.class(evidence.class)?;
        let proven = evidence.score >= rule.min_score && evidence.sensors_total >= rule.min_sensors;
        (rule.enabled && proven).then(|| rule.ttl.clamp(SHORTEST, LONGEST))
    }
}

/// Whether a class proves its source: a completed connection stands behind it.
#[must_use]
pub const fn provable(class: AttackClass) -> bool {
    !matches!(class, AttackClass::UdpProbe)
}

/// How long a value counts when nobody says otherwise: addresses change hands, hashes do not.
#[must_use]
pub const fn default_lasts(kind: ValueKind) -> i64 {
    match kind {
        ValueKind::Ipv4 | ValueKind::Ipv6 => 7 * DAY,
        ValueKind::Url => 14 * DAY,
        ValueKind::Domain => 30 * DAY,
        ValueKind::SshKey => 180 * DAY,
        ValueKind::Sha256 => 365 * DAY,
    }
}
