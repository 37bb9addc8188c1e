//! The words of this room: indicator, draft, evidence, provenance, and what lists ask for.

use base::{AddressScope, CampaignId, IndicatorId, OrgId, PersonId, Realm, SessionId, Timestamp, Tlp};
use events::intel::IndicatorState;
use events::sensor::{AttackClass, Factor, ValueKind};
use serde::{Deserialize, Serialize};

/// Who began an indicator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// A person.
    Person,
    /// A program with a token.
    Token,
    /// The centre itself, from what sensors proved.
    Sensors,
}

impl Origin {
    /// Every origin.
    pub const ALL: [Self; 3] = [Self::Person, Self::Token, Self::Sensors];

    /// The stable name.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::Token => "token",
            Self::Sensors => "sensors",
        }
    }

    /// The origin of a stable name.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|origin| origin.word() == word)
    }
}

/// An indicator as it stands.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Indicator {
    /// Its id, the UUID of the STIX object (version 4).
    pub id: IndicatorId,
    /// Whose it is.
    pub org: OrgId,
    /// Real life or an exercise.
    pub realm: Realm,
    /// Its marking.
    pub tlp: Tlp,
    /// Whose address plan the value belongs to.
    pub scope: AddressScope,
    /// Kind of the value.
    pub kind: ValueKind,
    /// The value, canonical.
    pub value: String,
    /// A short name for people.
    pub name: String,
    /// What it is about.
    pub description: String,
    /// Where it stands.
    pub state: IndicatorState,
    /// The most telling class behind it, where sensors saw it.
    pub class: Option<AttackClass>,
    /// 0 to 1.
    pub score: f64,
    /// What the score is made of.
    pub factors: Vec<Factor>,
    /// 0 to 100, as STIX has it.
    pub confidence: u8,
    /// Who began it.
    pub origin: Origin,
    /// The person who wrote it.
    pub author: Option<PersonId>,
    /// The person who reviewed it.
    pub reviewer: Option<PersonId>,
    /// The person who approved and published it.
    pub approver: Option<PersonId>,
    /// Whether the automatic path published it.
    pub automatic: bool,
    /// Whether one officer at night approved their own; the room `access` keeps the second look that is owed.
    pub night: bool,
    /// The campaign, where there is one.
    pub campaign: Option<CampaignId>,
    /// How long it counts from publication or fresh evidence, seconds.
    pub lasts: i64,
    /// From when it counts.
    pub valid_from: Timestamp,
    /// Until when it counts.
    pub valid_until: Timestamp,
    /// When it was drafted.
    pub created: Timestamp,
    /// When it last changed; strictly increasing.
    pub modified: Timestamp,
    /// When it was published.
    pub published_at: Option<Timestamp>,
    /// The last reason given: returned, rejected, revoked.
    pub reason: Option<String>,
    /// Sessions behind it.
    pub sessions_total: u64,
    /// Sensors that saw it.
    pub sensors_total: u64,
    /// Version of the row: the number of its changes.
    pub version: i64,
}

/// What a person or a program wants to state.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Draft {
    /// Whose it will be.
    pub org: OrgId,
    /// Its marking.
    pub tlp: Tlp,
    /// Whose address plan the value belongs to.
    pub scope: AddressScope,
    /// Kind of the value; none lets the centre guess.
    pub kind: Option<ValueKind>,
    /// The value, as people paste it.
    pub value: String,
    /// A short name; empty takes the value.
    pub name: String,
    /// What it is about.
    pub description: String,
    /// 0 to 100.
    pub confidence: u8,
    /// How long it should count, seconds; none takes the default of the kind.
    pub lasts: Option<i64>,
}

/// What may be changed while it is a draft.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Edit {
    /// Marking.
    pub tlp: Option<Tlp>,
    /// Short name.
    pub name: Option<String>,
    /// What it is about.
    pub description: Option<String>,
    /// 0 to 100.
    pub confidence: Option<u8>,
    /// How long it should count, seconds.
    pub lasts: Option<i64>,
}

/// What sensors proved about a value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// Whose sensors.
    pub org: OrgId,
    /// Real life or an exercise.
    pub realm: Realm,
    /// Marking of what they saw.
    pub tlp: Tlp,
    /// Whose address plan the value belongs to.
    pub scope: AddressScope,
    /// Kind of the value.
    pub kind: ValueKind,
    /// The value.
    pub value: String,
    /// The most telling class.
    pub class: AttackClass,
    /// 0 to 1.
    pub score: f64,
    /// What the score is made of.
    pub factors: Vec<Factor>,
    /// Sessions behind it.
    pub sessions_total: u64,
    /// Up to 20 of them, newest first.
    pub sessions: Vec<SessionId>,
    /// Sensors that saw it.
    pub sensors_total: u64,
    /// The campaign, where there is one.
    pub campaign: Option<CampaignId>,
    /// First time.
    pub first_at: Timestamp,
    /// Last time.
    pub last_at: Timestamp,
}

/// One version of the STIX object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ObjectVersion {
    /// Version of the row at which it was written.
    pub version: i64,
    /// `modified` of the object.
    pub modified: Timestamp,
    /// SHA-256 of the bytes, lower-case hex.
    pub sha256: String,
    /// The bytes, as written.
    #[serde(skip)]
    pub bytes: Vec<u8>,
}

/// A session that proves an indicator.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Source {
    /// The session; its page shows the very events.
    pub session: SessionId,
    /// When it was attached.
    pub at: Timestamp,
}

/// A note of a person beside an indicator.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Note {
    /// When.
    pub at: Timestamp,
    /// Who; none for a token.
    pub by: Option<PersonId>,
    /// What.
    pub text: String,
}

/// Everything about one indicator.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Dossier {
    /// The row.
    pub indicator: Indicator,
    /// What was done to it, oldest first.
    pub history: Vec<crate::desk::Change>,
    /// Its STIX versions, oldest first.
    pub versions: Vec<ObjectVersion>,
    /// Sessions that prove it, newest first, at most 100.
    pub sources: Vec<Source>,
    /// Notes, oldest first.
    pub notes: Vec<Note>,
}

/// What a list asks for.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Filter {
    /// Only this state.
    pub state: Option<IndicatorState>,
    /// Only this kind.
    pub kind: Option<ValueKind>,
    /// Only this class.
    pub class: Option<AttackClass>,
    /// At least this score; 0 is everything.
    pub min_score: f64,
    /// Values, beginnings of values, or words of the name, as people paste them.
    pub text: String,
}

/// How many there are in each state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Totals {
    /// Being written.
    pub draft: u64,
    /// Waiting for a reviewer.
    pub in_review: u64,
    /// Waiting for an approver.
    pub approved: u64,
    /// In force.
    pub published: u64,
    /// Taken back.
    pub revoked: u64,
    /// Ended.
    pub expired: u64,
    /// Rejected.
    pub rejected: u64,
}
