//! The `[edge]` branch of the configuration.

use serde::{Deserialize, Serialize};

/// How enforcement behaves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// The longest life of a denial, in hours; more than 168 (seven days) is lowered to that.
    pub max_deny_hours: u32,
    /// The longest life of an exception, in days; more than 90 is lowered to that.
    pub max_allow_days: u32,
    /// The change log is kept so many days; a point that was away longer gets a snapshot.
    pub log_days: u32,
    /// Receipts are kept so many days.
    pub receipt_days: u32,
    /// A point that says nothing for so many seconds is silent.
    pub silent_secs: u32,
    /// A quiet stream says so often, in seconds, that nothing is newer.
    pub affirm_secs: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            max_deny_hours: 168,
            max_allow_days: 90,
            log_days: 7,
            receipt_days: 30,
            silent_secs: 60,
            affirm_secs: 15,
        }
    }
}

impl Settings {
    /// The guards' profile; `demo` is the demonstration's identity and nothing a configuration can say.
    #[must_use]
    pub fn guard_profile(&self, demo: bool) -> crate::guard::GuardProfile {
        let hours = i64::from(self.max_deny_hours.clamp(1, 168));
        let days = i64::from(self.max_allow_days.clamp(1, 90));
        crate::guard::GuardProfile {
            allow_documentation: demo,
            max_deny_secs: hours * 3_600,
            max_allow_secs: days * 86_400,
        }
    }
}
