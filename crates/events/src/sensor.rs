//! Facts of the sensor room.

use base::{AddressScope, CampaignId, SensorId, SessionId, Timestamp};
use serde::{Deserialize, Serialize};

/// What an attacker was doing, most telling first: a session has the first class whose rule matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AttackClass {
    /// A control function of an industrial protocol.
    IcsControl,
    /// A file arrived or was asked for.
    Download,
    /// A payload that exploits a weakness.
    ExploitAttempt,
    /// Commands after login.
    CommandExecution,
    /// The trap was asked to connect elsewhere.
    ProxyAbuse,
    /// A few users with many passwords each.
    CredentialGuessing,
    /// Many users or common lists.
    CredentialSpray,
    /// Many connections in a short time without content.
    Flood,
    /// The client looked at the banner and left.
    BannerGrab,
    /// A connection without a byte.
    Scan,
    /// Datagrams with a source that may be forged.
    UdpProbe,
}

impl AttackClass {
    /// Every class, most telling first.
    pub const ALL: [Self; 11] = [
        Self::IcsControl,
        Self::Download,
        Self::ExploitAttempt,
        Self::CommandExecution,
        Self::ProxyAbuse,
        Self::CredentialGuessing,
        Self::CredentialSpray,
        Self::Flood,
        Self::BannerGrab,
        Self::Scan,
        Self::UdpProbe,
    ];

    /// The stable name: `command_execution`.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::IcsControl => "ics_control",
            Self::Download => "download",
            Self::ExploitAttempt => "exploit_attempt",
            Self::CommandExecution => "command_execution",
            Self::ProxyAbuse => "proxy_abuse",
            Self::CredentialGuessing => "credential_guessing",
            Self::CredentialSpray => "credential_spray",
            Self::Flood => "flood",
            Self::BannerGrab => "banner_grab",
            Self::Scan => "scan",
            Self::UdpProbe => "udp_probe",
        }
    }

    /// The class of a stable name.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|class| class.word() == word)
    }
}

/// Whom an attack is meant for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Aim {
    /// Everybody: background noise of the network.
    Noise,
    /// An organisation or a sector.
    Targeted,
    /// What is known does not tell.
    Undecided,
}

impl Aim {
    /// Every answer.
    pub const ALL: [Self; 3] = [Self::Noise, Self::Targeted, Self::Undecided];

    /// The stable name: `targeted`.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Noise => "noise",
            Self::Targeted => "targeted",
            Self::Undecided => "undecided",
        }
    }

    /// The answer of a stable name.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|aim| aim.word() == word)
    }
}

/// What kind of value an observable or indicator is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ValueKind {
    /// An IPv4 address or network.
    Ipv4,
    /// An IPv6 address or network.
    Ipv6,
    /// A domain name.
    Domain,
    /// A URL.
    Url,
    /// A SHA-256 of a file, lower-case hex.
    Sha256,
    /// An SSH public key's fingerprint, `SHA256:...`.
    SshKey,
}

impl ValueKind {
    /// Every kind.
    pub const ALL: [Self; 6] = [Self::Ipv4, Self::Ipv6, Self::Domain, Self::Url, Self::Sha256, Self::SshKey];

    /// The stable name: `ssh_key`.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Ipv4 => "ipv4",
            Self::Ipv6 => "ipv6",
            Self::Domain => "domain",
            Self::Url => "url",
            Self::Sha256 => "sha256",
            Self::SshKey => "ssh_key",
        }
    }

    /// The kind of a stable name.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }

    /// Whether it is an address.
    #[must_use]
    pub const fn is_address(self) -> bool {
        matches!(self, Self::Ipv4 | Self::Ipv6)
    }
}

/// One reason behind a score, shown to people as it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Factor {
    /// Stable name, for example `class`, `sensors`, `recency`; the catalogue has the words for people.
    pub name: String,
    /// The measured input, for example 3 sensors.
    pub input: f64,
    /// What it contributes to the score, 0 to 1.
    pub part: f64,
}

/// A sensor or importer joined.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SensorEnrolled {
    /// The sensor.
    pub sensor: SensorId,
    /// Its name.
    pub name: String,
}

/// A sensor has said nothing for longer than its own rhythm explains.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SensorWentSilent {
    /// The sensor.
    pub sensor: SensorId,
    /// Its name.
    pub name: String,
    /// When it was last heard.
    pub last_heard: Timestamp,
}

/// A sensor's certificate was revoked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SensorRevoked {
    /// The sensor.
    pub sensor: SensorId,
}

/// An observable was assessed, or its assessment crossed a band: the decision that findings and indicators start from.
///
/// Bands of the score: 0.4, 0.6, 0.8. One event per crossing, so a flood of sessions is a handful of events.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ObservableAssessed {
    /// Kind of the value.
    pub value_kind: ValueKind,
    /// The value, canonical.
    pub value: String,
    /// Whose address plan it belongs to.
    pub scope: AddressScope,
    /// The most telling class seen.
    pub class: AttackClass,
    /// 0 to 1.
    pub score: f64,
    /// Why.
    pub factors: Vec<Factor>,
    /// How many sessions stand behind it.
    pub sessions_total: u64,
    /// Up to 20 of them, newest first.
    pub sessions: Vec<SessionId>,
    /// How many sensors saw it.
    pub sensors_total: u64,
    /// The campaign it belongs to, where there is one.
    pub campaign: Option<CampaignId>,
    /// Whether it is noise of the network, an attack on somebody, or undecided.
    pub aim: Aim,
    /// The known benign scanner it belongs to, where it is one.
    pub benign: Option<String>,
    /// First and last time.
    pub first_at: Timestamp,
    /// Last time.
    pub last_at: Timestamp,
}
