//! The words of this room: finding, reason, silence, and what lists ask for.

use std::fmt;
use std::str::FromStr;

use base::{AddressScope, CampaignId, FindingId, OrgId, PersonId, Realm, Timestamp, Tlp};
use events::sensor::Factor;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Where a finding stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FindingState {
    /// Nobody has taken it.
    New,
    /// A person works on it.
    Taken,
    /// Closed with an outcome and a reason.
    Resolved,
    /// Hidden by a silence until its end.
    Silenced,
}

impl FindingState {
    /// Every state.
    pub const ALL: [Self; 4] = [Self::New, Self::Taken, Self::Resolved, Self::Silenced];

    /// The stable name.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Taken => "taken",
            Self::Resolved => "resolved",
            Self::Silenced => "silenced",
        }
    }

    /// The state of a stable name.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.word() == word)
    }

    /// Whether it waits for a person.
    #[must_use]
    pub const fn is_open(self) -> bool {
        matches!(self, Self::New | Self::Taken)
    }
}

/// What a person found out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FindingOutcome {
    /// It was what it looked like.
    TruePositive,
    /// The rule was wrong.
    FalsePositive,
    /// It was true and harmless.
    Benign,
    /// Another finding covers it.
    Duplicate,
}

impl FindingOutcome {
    /// Every outcome.
    pub const ALL: [Self; 4] = [Self::TruePositive, Self::FalsePositive, Self::Benign, Self::Duplicate];

    /// The stable name.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::TruePositive => "true_positive",
            Self::FalsePositive => "false_positive",
            Self::Benign => "benign",
            Self::Duplicate => "duplicate",
        }
    }

    /// The outcome of a stable name.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| outcome.word() == word)
    }
}

/// What a finding is about: `ipv4 203.0.113.7`, `sensor 0192...`, `point 0192...`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Subject {
    /// The kind's stable name.
    pub kind: String,
    /// The value, canonical.
    pub value: String,
}

/// One thing that was observed: `sessions 14`, `sensors 3`; the catalogue has the words for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fact {
    /// Stable name.
    pub name: String,
    /// The observed value, ready to show.
    pub value: String,
}

/// Why it fired: everything a person needs to judge it without a pivot.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Why {
    /// What was observed.
    #[serde(default)]
    pub facts: Vec<Fact>,
    /// What the score is made of, where there is one.
    #[serde(default)]
    pub factors: Vec<Factor>,
    /// The score, where there is one.
    #[serde(default)]
    pub score: Option<f64>,
    /// Up to 20 sessions as evidence.
    #[serde(default)]
    pub sessions: Vec<base::SessionId>,
}

/// What a person (or a silence) did to a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepKind {
    /// Took it.
    Taken,
    /// Resolved it.
    Resolved,
    /// Undid the step before.
    Undone,
}

/// One step of a finding's history, with the state before it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// When.
    pub at: Timestamp,
    /// Who; none for a token or the centre itself.
    pub by: Option<PersonId>,
    /// What.
    pub kind: StepKind,
    /// State before.
    pub from: FindingState,
    /// Owner before.
    pub from_owner: Option<PersonId>,
    /// Outcome, where the step gave one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<FindingOutcome>,
    /// Reason, where the step gave one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Whether a later step undid it.
    #[serde(default)]
    pub undone: bool,
}

/// A finding.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Finding {
    /// Its id.
    pub id: FindingId,
    /// Whom it concerns.
    pub org: OrgId,
    /// Real life or an exercise.
    pub realm: Realm,
    /// Its marking.
    pub tlp: Tlp,
    /// Whose address plan the subject belongs to.
    pub scope: AddressScope,
    /// The rule or classifier: `sensor.download`.
    pub rule: String,
    /// 1 (low) to 4 (critical).
    pub severity: u8,
    /// What it is about.
    pub subject: Subject,
    /// Parameters of the row's sentence, by the names the catalogue uses.
    pub params: serde_json::Value,
    /// Why it fired.
    pub why: Why,
    /// How often it fired.
    pub count: u64,
    /// First time.
    pub first_at: Timestamp,
    /// Last time.
    pub last_at: Timestamp,
    /// Where it stands.
    pub state: FindingState,
    /// Who works on it.
    pub owner: Option<PersonId>,
    /// What was found out.
    pub outcome: Option<FindingOutcome>,
    /// Why that outcome.
    pub reason: Option<String>,
    /// The silence that hides it.
    pub silence: Option<SilenceId>,
    /// The campaign, where there is one.
    pub campaign: Option<CampaignId>,
    /// What was done to it, oldest first, at most [`crate::desk::TRAIL`] steps.
    pub trail: Vec<Step>,
    /// Version of the row, for change checks.
    pub version: i64,
}

/// Something fired.
#[derive(Debug, Clone, PartialEq)]
pub struct Raise {
    /// Whom it concerns.
    pub org: OrgId,
    /// Real life or an exercise.
    pub realm: Realm,
    /// Its marking.
    pub tlp: Tlp,
    /// Whose address plan the subject belongs to.
    pub scope: AddressScope,
    /// The rule or classifier.
    pub rule: String,
    /// 1 (low) to 4 (critical).
    pub severity: u8,
    /// What it is about.
    pub subject: Subject,
    /// Parameters of the row's sentence.
    pub params: serde_json::Value,
    /// Why it fired.
    pub why: Why,
    /// First time of what fired now.
    pub first_at: Timestamp,
    /// Last time of what fired now.
    pub last_at: Timestamp,
    /// The campaign, where there is one.
    pub campaign: Option<CampaignId>,
}

/// Identifier of a silence.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SilenceId(pub Uuid);

impl base::id::Id for SilenceId {
    const WORD: &'static str = "silence";
}
impl From<Uuid> for SilenceId {
    fn from(value: Uuid) -> Self {
        Self(value)
    }
}
impl From<SilenceId> for Uuid {
    fn from(value: SilenceId) -> Self {
        value.0
    }
}
impl From<SilenceId> for store::Value {
    fn from(value: SilenceId) -> Self {
        Self::Uuid(value.0)
    }
}
impl store::FromValue for SilenceId {
    fn from_value(value: &store::Value) -> Option<Self> {
        Uuid::from_value(value).map(Self)
    }
}
impl fmt::Display for SilenceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
impl fmt::Debug for SilenceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "silence:{}", self.0)
    }
}
impl FromStr for SilenceId {
    type Err = base::Problem;
    fn from_str(text: &str) -> Result<Self, base::Problem> {
        Uuid::parse_str(text.trim())
            .map(Self)
            .map_err(|_| base::Problem::new(&base::id::BAD_ID, base::code::excerpt(text)))
    }
}

/// What a silence hides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SilenceScope {
    /// Findings of this organisation.
    pub org: OrgId,
    /// Of this rule.
    pub rule: String,
    /// About this subject; none hides every subject.
    pub subject: Option<Subject>,
}

/// A silence: a noise is hidden until its end, and still counted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Silence {
    /// Its id.
    pub id: SilenceId,
    /// Real life or an exercise.
    pub realm: Realm,
    /// Its marking.
    pub tlp: Tlp,
    /// What it hides.
    pub scope: SilenceScope,
    /// Why.
    pub reason: String,
    /// Who made it; none for a token.
    pub by: Option<PersonId>,
    /// Since when.
    pub from: Timestamp,
    /// Until when.
    pub until: Timestamp,
    /// When somebody ended it early.
    pub ended_at: Option<Timestamp>,
    /// Version of the row.
    pub version: i64,
}

/// What a silence would have hidden.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Preview {
    /// Findings seen within the window.
    pub findings: u64,
    /// How often they fired in all.
    pub firings: u64,
    /// Open ones that would be hidden now.
    pub open: u64,
    /// The window, days.
    pub days: u32,
}

/// Which findings a list shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Which {
    /// What waits for a person, most severe and oldest first.
    #[default]
    Open,
    /// Everything, newest first.
    All,
    /// One state, newest first.
    State(FindingState),
}

/// What a list asks for; the default is what waits for a person.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Filter {
    /// Which states.
    pub which: Which,
    /// Only this organisation.
    pub org: Option<OrgId>,
    /// Only this rule.
    pub rule: Option<String>,
    /// At least this severity; 0 and 1 are everything.
    pub min_severity: u8,
    /// Only those this person owns.
    pub owner: Option<PersonId>,
    /// Only about this value, as people paste it.
    pub value: Option<String>,
}

/// Open findings of one rule in one organisation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Group {
    /// The rule.
    pub rule: String,
    /// The organisation.
    pub org: OrgId,
    /// How many are open.
    pub open: u64,
    /// How many of them nobody has taken.
    pub new: u64,
    /// The highest severity among them.
    pub severity: u8,
    /// When the oldest first fired.
    pub oldest: Timestamp,
    /// When the newest last fired.
    pub latest: Timestamp,
}

/// What happened earlier to the same subject.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Past {
    /// Resolved findings about it.
    pub times: u64,
    /// The last outcome.
    pub last_outcome: Option<FindingOutcome>,
    /// When that was.
    pub last_at: Option<Timestamp>,
}
