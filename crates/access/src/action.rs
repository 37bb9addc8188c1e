//! What can be done, and which role may do it: one constant table.
//!
//! Every action is a variant of [`Action`] (for tables, scopes and audit) and a marker type in [`act`] (for permits).

use base::Role;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

use crate::error::BAD_ACTION;

/// A marker type of one action; the type parameter of [`crate::Permit`].
pub trait Act: Copy + 'static {
    /// The action it stands for.
    const ACTION: Action;
}

macro_rules! actions {
    ($($(#[$doc:meta])* $name:ident = $word:literal;)*) => {
        /// Something a person, a token or a machine may be allowed to do. Its word is also the scope of a token.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum Action { $($(#[$doc])* #[serde(rename = $word)] $name,)* }

        impl Action {
            /// Every action, reading first.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// The stable name: `approve_intel`.
            #[must_use]
            pub const fn word(self) -> &'static str {
                match self { $(Self::$name => $word,)* }
            }
        }

        /// One marker type for each action.
        pub mod act {
            $($(#[$doc])* #[derive(Debug, Clone, Copy, PartialEq, Eq)] pub struct $name;
            impl super::Act for $name { const ACTION: super::Action = super::Action::$name; })*
        }
    };
}

actions! {
    /// The TV wall: numbers without personal data.
    ReadWall = "read_wall";
    /// Attack timeline, sources, sessions, campaigns.
    ReadAttacks = "read_attacks";
    /// Findings and their evidence.
    ReadFindings = "read_findings";
    /// Indicators and their provenance.
    ReadIntel = "read_intel";
    /// Enforcement points, directives, receipts.
    ReadEnforcement = "read_enforcement";
    /// Sensors and their state.
    ReadSensors = "read_sensors";
    /// Organisations, networks, domains.
    ReadOrganisations = "read_organisations";
    /// People and their roles.
    ReadPeople = "read_people";
    /// The audit tree.
    ReadAudit = "read_audit";
    /// Block lists and feeds.
    ReadFeeds = "read_feeds";
    /// Metrics of the centre itself.
    ReadMetrics = "read_metrics";
    /// Send events.
    Ingest = "ingest";
    /// Close a finding with its outcome.
    ResolveFinding = "resolve_finding";
    /// Write an indicator and submit it.
    DraftIntel = "draft_intel";
    /// Review a submitted indicator.
    ReviewIntel = "review_intel";
    /// Approve and publish an indicator (never one's own).
    ApproveIntel = "approve_intel";
    /// Take a published indicator back.
    RevokeIntel = "revoke_intel";
    /// Ask for a block or an allow.
    IssueBlock = "issue_block";
    /// Approve a wide block (never one's own).
    ApproveBlock = "approve_block";
    /// Freeze or release enforcement.
    KillSwitch = "kill_switch";
    /// An organisation's contacts.
    ManageContacts = "manage_contacts";
    /// Organisations, their networks, domains, AS numbers, circuits.
    ManageOrganisations = "manage_organisations";
    /// Accounts, roles, invitations, others' sessions.
    ManagePeople = "manage_people";
    /// API tokens.
    ManageTokens = "manage_tokens";
    /// Sensors and their enrolment.
    ManageSensors = "manage_sensors";
    /// Enforcement points and their enrolment.
    ManagePoints = "manage_points";
    /// Settings of the centre.
    ManageSettings = "manage_settings";
    /// An enforcement agent's own protocol.
    SyncEdge = "sync_edge";
}

impl Action {
    /// Whether it publishes, blocks or administers: whoever can do it needs a second factor.
    #[must_use]
    pub const fn needs_second_factor(self) -> bool {
        matches!(
            self,
            Self::ReviewIntel
                | Self::ApproveIntel
                | Self::RevokeIntel
                | Self::IssueBlock
                | Self::ApproveBlock
                | Self::KillSwitch
                | Self::ManageOrganisations
                | Self::ManagePeople
                | Self::ManageTokens
                | Self::ManageSensors
                | Self::ManagePoints
                | Self::ManageSettings
        )
    }

    /// Whether the one who does it must be another person than the author (four eyes).
    #[must_use]
    pub const fn four_eyes(self) -> bool {
        matches!(self, Self::ApproveIntel | Self::ApproveBlock)
    }

    /// Whether only a person may do it: a judgement no token can make.
    #[must_use]
    pub const fn needs_person(self) -> bool {
        matches!(self, Self::ReviewIntel | Self::ApproveIntel | Self::ApproveBlock)
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl FromStr for Action {
    type Err = base::Problem;
    fn from_str(text: &str) -> Result<Self, base::Problem> {
        let word = text.trim();
        Self::ALL
            .iter()
            .copied()
            .find(|action| action.word() == word)
            .ok_or_else(|| base::Problem::new(&BAD_ACTION, base::code::excerpt(text)))
    }
}

/// What a role may do.
#[must_use]
pub const fn actions_of(role: Role) -> &'static [Action] {
    use Action::*;
    match role {
        Role::Administrator => &[
            ReadWall,
            ReadAttacks,
            ReadFindings,
            ReadIntel,
            ReadEnforcement,
            ReadSensors,
            ReadOrganisations,
            ReadPeople,
            ReadAudit,
            ReadFeeds,
            ReadMetrics,
            Ingest,
            ManageContacts,
            ManageOrganisations,
            ManagePeople,
            ManageTokens,
            ManageSensors,
            ManagePoints,
            ManageSettings,
        ],
        Role::DutyOfficer => &[
            ReadWall,
            ReadAttacks,
            ReadFindings,
            ReadIntel,
            ReadEnforcement,
            ReadSensors,
            ReadOrganisations,
            ReadPeople,
            ReadFeeds,
            Ingest,
            ResolveFinding,
            DraftIntel,
            ReviewIntel,
            ApproveIntel,
            RevokeIntel,
            IssueBlock,
            ApproveBlock,
            KillSwitch,
            ManageContacts,
        ],
        Role::Tier1 => &[
            ReadWall,
            ReadAttacks,
            ReadFindings,
            ReadIntel,
            ReadEnforcement,
            ReadSensors,
            ReadOrganisations,
            ReadFeeds,
            ResolveFinding,
            DraftIntel,
        ],
        Role::Tier2 => &[
            ReadWall,
            ReadAttacks,
            ReadFindings,
            ReadIntel,
            ReadEnforcement,
            ReadSensors,
            ReadOrganisations,
            ReadFeeds,
            Ingest,
            ResolveFinding,
            DraftIntel,
            ReviewIntel,
            IssueBlock,
        ],
        Role::IntelligenceOfficer => &[
            ReadWall,
            ReadAttacks,
            ReadFindings,
            ReadIntel,
            ReadEnforcement,
            ReadSensors,
            ReadOrganisations,
            ReadFeeds,
            Ingest,
            DraftIntel,
            ReviewIntel,
            ApproveIntel,
            RevokeIntel,
        ],
        Role::PublicEditor => &[ReadWall, ReadIntel, ReadOrganisations],
        Role::Leadership => {
            &[ReadWall, ReadAttacks, ReadFindings, ReadIntel, ReadEnforcement, ReadSensors, ReadOrganisations]
        }
        Role::Wall => &[ReadWall],
        Role::Member => &[
            ReadAttacks,
            ReadFindings,
            ReadIntel,
            ReadEnforcement,
            ReadSensors,
            ReadOrganisations,
            ReadFeeds,
            ResolveFinding,
            DraftIntel,
            ManageContacts,
        ],
        Role::IspHandler => &[
            ReadAttacks,
            ReadFindings,
            ReadIntel,
            ReadEnforcement,
            ReadOrganisations,
            ReadFeeds,
            ResolveFinding,
            ManageContacts,
        ],
        Role::PlatformEngineer => {
            &[ReadEnforcement, ReadSensors, ReadOrganisations, ReadMetrics, ManageSensors, ManagePoints, ManageSettings]
        }
        Role::Auditor => &[
            ReadAttacks,
            ReadFindings,
            ReadIntel,
            ReadEnforcement,
            ReadSensors,
            ReadOrganisations,
            ReadPeople,
            ReadAudit,
        ],
        Role::Sensor => &[Ingest],
        Role::Edge => &[SyncEdge],
    }
}

/// Whether any of the roles may do it.
#[must_use]
pub fn can(roles: &[Role], action: Action) -> bool {
    roles.iter().any(|role| actions_of(*role).contains(&action))
}

/// Whether a role may publish, block or administer: its holder needs a second factor.
#[must_use]
pub fn needs_second_factor(role: Role) -> bool {
    role.is_human() && actions_of(role).iter().any(|action| action.needs_second_factor())
}
