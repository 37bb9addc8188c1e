//! Roles of people and machines. What a role may do is decided in the room `access`.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

use crate::code::{Problem, excerpt};

crate::codes! {
    /// A role name is unknown.
    pub BAD_ROLE = "LF-BAS-0006", 400,
        en "There is no such role.", zh "沒有這個角色。",
        act_en "Use one of the names that `lianfang user roles` lists.", act_zh "請使用 `lianfang user roles` 列出的名稱。";
}

macro_rules! roles {
    ($($(#[$doc:meta])* $name:ident = $word:literal;)*) => {
        /// A role that a person or a machine holds within an organisation.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum Role { $($(#[$doc])* #[serde(rename = $word)] $name,)* }

        impl Role {
            /// Every role, in the order the portal lists them.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// The stable name: `intelligence_officer`.
            #[must_use]
            pub const fn word(self) -> &'static str {
                match self { $(Self::$name => $word,)* }
            }
        }
    };
}

roles! {
    /// Manages organisations, people and settings.
    Administrator = "administrator";
    /// Sees every running deadline; approves wide blocks; sets the light.
    DutyOfficer = "duty_officer";
    /// Works the queue of findings.
    Tier1 = "tier1";
    /// Hunts, pivots, writes rules.
    Tier2 = "tier2";
    /// Drafts, reviews and publishes intelligence.
    IntelligenceOfficer = "intelligence_officer";
    /// Edits the public site.
    PublicEditor = "public_editor";
    /// Reads the state of the whole.
    Leadership = "leadership";
    /// The TV wall: read-only, no personal data.
    Wall = "wall";
    /// An operator's IT person: sees what concerns their organisation.
    Member = "member";
    /// Handles abuse of an ISP's customers.
    IspHandler = "isp_handler";
    /// Installs, upgrades, backs up.
    PlatformEngineer = "platform_engineer";
    /// Reads and verifies the audit tree.
    Auditor = "auditor";
    /// A machine: a honeypot.
    Sensor = "sensor";
    /// A machine: an enforcement agent.
    Edge = "edge";
}

impl Role {
    /// Whether a person may hold it (the others belong to machines).
    #[must_use]
    pub const fn is_human(self) -> bool {
        !matches!(self, Self::Sensor | Self::Edge)
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl FromStr for Role {
    type Err = Problem;
    fn from_str(text: &str) -> Result<Self, Problem> {
        let word = text.trim();
        Self::ALL.iter().copied().find(|role| role.word() == word).ok_or_else(|| Problem::new(&BAD_ROLE, excerpt(text)))
    }
}
