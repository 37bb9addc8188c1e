//! The sensor room's branch of the configuration tree: known benign scanners, and how long history is kept.

use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use std::net::IpAddr;

/// What can be set.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// How long attack history is kept.
    pub retention: Retention,
    /// Scanners known to mean no harm: shown by name, scored down, never made an indicator by the program.
    pub benign: Vec<Benign>,
}

/// A known benign scanner.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Benign {
    /// The name shown: `Shadowserver`.
    pub name: String,
    /// Where its networks are published.
    pub source: String,
    /// Its networks.
    pub networks: Vec<IpNet>,
}

/// Days that rows are kept, by their marking; 0 keeps them for ever. Counts per hour and day stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Retention {
    /// Events as they were acknowledged (every password and command).
    pub events: Days,
    /// Sessions, and what is made of them alone: contacts, evidence, sources not seen since.
    pub sessions: Days,
}

/// Days by marking.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Days {
    /// TLP:CLEAR.
    pub clear: u32,
    /// TLP:GREEN.
    pub green: u32,
    /// TLP:AMBER and AMBER+STRICT.
    pub amber: u32,
    /// TLP:RED.
    pub red: u32,
}

impl Days {
    /// The same for every marking.
    #[must_use]
    pub const fn of(days: u32) -> Self {
        Self { clear: days, green: days, amber: days, red: days }
    }
}

impl Default for Days {
    fn default() -> Self {
        Self::of(400)
    }
}

impl Default for Retention {
    /// Events for half a year, sessions for 400 days.
    fn default() -> Self {
        Self { events: Days::of(180), sessions: Days::of(400) }
    }
}

impl Settings {
    /// The name of the benign scanner whose networks hold the address.
    #[must_use]
    pub fn benign(&self, address: IpAddr) -> Option<&str> {
        let address = address.to_canonical();
        let holds = |list: &&Benign| list.networks.iter().any(|network| network.contains(&address));
        self.benign.iter().find(holds).map(|list| list.name.as_str())
    }
}
