//! The rows that pages and the API show: sensors, sessions, sources, campaigns, quarantine, totals.

use base::{AddressScope, CampaignId, OrgId, Realm, SensorId, SessionId, Timestamp, Tlp};
use events::sensor::{Aim, AttackClass, Factor, ValueKind};
use serde::{Deserialize, Serialize};

use crate::wire::Heartbeat;

/// What kind of sensor it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SensorKind {
    /// Our own honeypot.
    Native,
    /// A Cowrie whose log is imported.
    Cowrie,
    /// An OpenCanary whose log is imported.
    Opencanary,
}

impl SensorKind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::Native, Self::Cowrie, Self::Opencanary];

    /// The stable name.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Native => "native",
            Self::Cowrie => "cowrie",
            Self::Opencanary => "opencanary",
        }
    }

    /// The kind of a stable name.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }
}

/// How a sensor is doing, most urgent first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SensorState {
    /// Its certificate was revoked.
    Revoked,
    /// It never sent a heartbeat.
    Enrolled,
    /// No heartbeat for [`crate::fleet::HEARTBEAT_MISSING_SECS`].
    Missing,
    /// It lives but sees nothing for longer than its own rhythm explains.
    Silent,
    /// It lives, but a self-probe fails, its clock is off or it drops events.
    Impaired,
    /// All well.
    Healthy,
}

impl SensorState {
    /// Every state, most urgent first.
    pub const ALL: [Self; 6] =
        [Self::Revoked, Self::Enrolled, Self::Missing, Self::Silent, Self::Impaired, Self::Healthy];

    /// The stable name.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Revoked => "revoked",
            Self::Enrolled => "enrolled",
            Self::Missing => "missing",
            Self::Silent => "silent",
            Self::Impaired => "impaired",
            Self::Healthy => "healthy",
        }
    }
}

/// A sensor.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Sensor {
    /// Its id.
    pub id: SensorId,
    /// Whose it is.
    pub org: OrgId,
    /// Real life or an exercise.
    pub realm: Realm,
    /// Marking of what it sees.
    pub tlp: Tlp,
    /// Its name, unique within the organisation.
    pub name: String,
    /// What it is.
    pub kind: SensorKind,
    /// How it is doing.
    pub state: SensorState,
    /// When it joined.
    pub enrolled_at: Timestamp,
    /// When it was last heard: heartbeat or event.
    pub last_heard: Option<Timestamp>,
    /// When its last event arrived.
    pub last_event: Option<Timestamp>,
    /// Since when it is silent.
    pub silent_since: Option<Timestamp>,
    /// Learned rate, events per second.
    pub rate: f64,
    /// Its clock minus the centre's, microseconds.
    pub clock_offset: Option<i64>,
    /// Its last heartbeat.
    pub health: Option<Heartbeat>,
    /// Serial of its certificate, hex.
    pub cert_serial: Option<String>,
    /// When the certificate ends.
    pub cert_expires: Option<Timestamp>,
    /// Version of the row, for change checks.
    pub version: i64,
}

/// A session in a list.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Session {
    /// Its id.
    pub id: SessionId,
    /// Whose sensor saw it.
    pub org: OrgId,
    /// Real life or an exercise.
    pub realm: Realm,
    /// Its marking.
    pub tlp: Tlp,
    /// The sensor.
    pub sensor: SensorId,
    /// The sensor's name.
    pub sensor_name: String,
    /// The attacker's address.
    pub src_ip: String,
    /// Whose address plan the address belongs to.
    pub scope: AddressScope,
    /// `ssh`, `telnet`, ...
    pub protocol: String,
    /// The port the attacker connected to; 0 when unknown.
    pub dst_port: u16,
    /// First event.
    pub opened_at: Timestamp,
    /// Last event.
    pub last_at: Timestamp,
    /// When it was closed.
    pub closed_at: Option<Timestamp>,
    /// What the attacker was doing.
    pub class: AttackClass,
    /// Number of events.
    pub events: u64,
    /// Credentials tried.
    pub attempts: u64,
    /// Commands typed.
    pub commands: u64,
    /// The client's version line.
    pub client: Option<String>,
    /// The client's HASSH.
    pub hassh: Option<String>,
    /// The campaign it belongs to.
    pub campaign: Option<CampaignId>,
}

/// One event of a session, as the sensor sent it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SessionEvent {
    /// Position within the session, by time, from 1.
    pub n: u64,
    /// When, by the sensor's clock.
    pub at: Timestamp,
    /// `auth.attempt`, `cmd.input`, ...
    pub kind: String,
    /// The event's JSON text as it was acknowledged.
    pub body: String,
}

/// Everything about one session.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SessionDetail {
    /// The row of the list.
    pub session: Session,
    /// Why it has its class.
    pub reason: crate::classify::Reason,
    /// The sensor's own name of the session.
    pub foreign_key: String,
    /// User names tried, first ones first, bounded.
    pub users: Vec<String>,
    /// Passwords tried, first ones first, bounded.
    pub passwords: Vec<String>,
    /// Whether the trap let the attacker in.
    pub login: bool,
    /// Commands, in order, bounded.
    pub command_lines: Vec<String>,
    /// URLs wanted.
    pub urls: Vec<String>,
    /// SHA-256 of files.
    pub hashes: Vec<String>,
    /// Fingerprints of SSH keys planted or offered.
    pub ssh_keys: Vec<String>,
    /// Wanted forwards, `host:port`.
    pub forwards: Vec<String>,
    /// Names of exploit techniques seen.
    pub exploits: Vec<String>,
    /// Requests of request-answer protocols, first ones first, bounded.
    pub requests: Vec<String>,
    /// The events, at most [`crate::read::MOST_EVENTS`].
    pub events: Vec<SessionEvent>,
    /// Whether there are more events than shown.
    pub more_events: bool,
    /// What stays when retention removed the events.
    pub kept: Option<Kept>,
}

/// What stays of events that retention removed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Kept {
    /// SHA-256 of the event lines as acknowledged, each with its line end; several where some came after a removal.
    pub digest: String,
    /// When the events were removed.
    pub events_removed_at: Timestamp,
    /// When the session itself was removed.
    pub session_removed_at: Option<Timestamp>,
}

/// Which sessions a list shows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SessionFilter {
    /// Of this class.
    pub class: Option<AttackClass>,
    /// From this address.
    pub source: Option<String>,
    /// Seen by this sensor.
    pub sensor: Option<SensorId>,
    /// Of this organisation.
    pub org: Option<OrgId>,
    /// Opened at or after.
    pub since: Option<Timestamp>,
    /// Opened before.
    pub until: Option<Timestamp>,
    /// Of this campaign.
    pub campaign: Option<CampaignId>,
}

/// What is known about an address, URL, file or key: the sources table and the page of a value.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Observable {
    /// Kind of the value.
    pub kind: ValueKind,
    /// The value, canonical.
    pub value: String,
    /// Whose address plan it belongs to.
    pub scope: AddressScope,
    /// Real life or an exercise.
    pub realm: Realm,
    /// The organisation that saw it first; told only to those who see the whole centre.
    pub org: Option<OrgId>,
    /// Its marking.
    pub tlp: Tlp,
    /// The most telling class seen.
    pub class: AttackClass,
    /// Score when it was last assessed, 0 to 1.
    pub score: f64,
    /// Why.
    pub factors: Vec<Factor>,
    /// Sessions behind it.
    pub sessions: u64,
    /// Sensors that saw it.
    pub sensors: u64,
    /// Organisations that saw it.
    pub orgs: u64,
    /// Whether it is noise of the network, an attack on somebody, or undecided.
    pub aim: Aim,
    /// Why.
    pub aim_factors: Vec<Factor>,
    /// The known benign scanner it belongs to.
    pub benign: Option<String>,
    /// The campaign of its last session.
    pub campaign: Option<CampaignId>,
    /// First time.
    pub first_at: Timestamp,
    /// Last time.
    pub last_at: Timestamp,
}

/// Which observables a list shows.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ObservableFilter {
    /// Only these kinds; none means addresses.
    pub kind: Option<ValueKind>,
    /// Most telling class.
    pub class: Option<AttackClass>,
    /// Score at least this.
    pub min_score: Option<f64>,
    /// Seen at or after.
    pub since: Option<Timestamp>,
}

/// One bar of the timeline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct TimelineBar {
    /// Start of the bar.
    pub at: Timestamp,
    /// The class.
    pub class: AttackClass,
    /// Sessions opened within it.
    pub sessions: u64,
    /// Events of these sessions.
    pub events: u64,
}

/// A campaign.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Campaign {
    /// Its id; the oldest one where campaigns were merged.
    pub id: CampaignId,
    /// Real life or an exercise.
    pub realm: Realm,
    /// The organisation that saw it first; told only to those who see the whole centre.
    pub org: Option<OrgId>,
    /// Its marking.
    pub tlp: Tlp,
    /// Number of sessions.
    pub sessions: u64,
    /// Number of addresses.
    pub sources: u64,
    /// Number of sensors.
    pub sensors: u64,
    /// Number of organisations.
    pub orgs: u64,
    /// The most telling class.
    pub class: AttackClass,
    /// How the first two sessions were joined: `credentials`, `commands`, `client`, `file`, `host`, `key`.
    pub joined_by: Option<String>,
    /// Targetedness T = -n log10 q.
    pub targeted: f64,
    /// Whether it is noise of the network, an attack on somebody, or undecided.
    pub aim: Aim,
    /// Why.
    pub aim_factors: Vec<Factor>,
    /// First session.
    pub first_at: Timestamp,
    /// Last session.
    pub last_at: Timestamp,
}

/// Everything about one campaign.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CampaignDetail {
    /// The row of the list.
    pub campaign: Campaign,
    /// What its sessions share.
    pub keys: Vec<JoinKey>,
    /// Its addresses and sensors, busiest first, bounded.
    pub contacts: Vec<Contact>,
}

/// Something sessions of a campaign share.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct JoinKey {
    /// `credentials`, `commands`, `client`, `file`, `host`, `key`.
    pub kind: String,
    /// A short description for people: a hash, a host, a command sequence.
    pub label: String,
    /// Sessions that showed it.
    pub sessions: u64,
}

/// One address at one sensor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Contact {
    /// The address.
    pub src_ip: String,
    /// The sensor.
    pub sensor: SensorId,
    /// Its organisation.
    pub org: OrgId,
    /// Number of sessions.
    pub sessions: u64,
    /// First session.
    pub first_at: Timestamp,
    /// Last session.
    pub last_at: Timestamp,
}

/// A line that could not be used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Quarantined {
    /// Whose line it is.
    pub org: OrgId,
    /// Its marking.
    pub tlp: Tlp,
    /// The format it was sent as.
    pub format: String,
    /// When it last arrived.
    pub at: Timestamp,
    /// The stable code.
    pub code: String,
    /// What exactly.
    pub detail: String,
    /// The beginning of the line, invalid bytes replaced.
    pub excerpt: String,
    /// How often it arrived.
    pub times: u64,
}

/// The numbers of the home page.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Totals {
    /// Sessions of the last 24 hours.
    pub sessions_day: u64,
    /// Events of these sessions.
    pub events_day: u64,
    /// Addresses seen in the last 24 hours.
    pub sources_day: u64,
    /// Campaigns with two sessions or more, seen in the last 24 hours.
    pub campaigns_day: u64,
    /// Sessions of the last 24 hours by class.
    pub by_class: Vec<(AttackClass, u64)>,
    /// Sensors by state.
    pub sensors: Vec<(SensorState, u64)>,
}
