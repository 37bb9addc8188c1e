//! Points and directives as the room knows them.

use base::papers::{Paper, Papers};
use base::{AddrSpec, AddressScope, DirectiveId, IndicatorId, OrgId, PersonId, PointId, Realm, Timestamp, Tlp};
use serde::{Deserialize, Serialize};
use std::fmt;

use crate::guard::Verdict;
use crate::wire::{Intent, Receipt, SetDigest};

macro_rules! words {
    ($($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $word:literal,)* })*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum $name { $($(#[$vdoc])* #[serde(rename = $word)] $variant,)* }

        impl $name {
            /// Every one.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// The stable name.
            #[must_use]
            pub const fn word(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }

            /// The one with a stable name.
            #[must_use]
            pub fn from_word(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|one| one.word() == word)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { f.write_str(self.word()) }
        }
    )*};
}

words! {
    /// What a point drives.
    Driver {
        /// nftables through netlink.
        Nft = "nft",
        /// Plain lists, replaced atomically.
        File = "file",
    }
    /// Whether a point takes part.
    PointState {
        /// It may connect.
        Enrolled = "enrolled",
        /// Its certificate is refused.
        Revoked = "revoked",
    }
    /// Where a directive stands.
    DirectiveState {
        /// A guard wants a second person.
        Held = "held",
        /// In force.
        Active = "active",
        /// Over, for one of the [`EndReason`]s.
        Ended = "ended",
    }
    /// Why a directive is over.
    EndReason {
        /// Its indicator was taken back.
        Revoked = "revoked",
        /// A person took it back.
        Withdrawn = "withdrawn",
        /// Its time ran out.
        Expired = "expired",
        /// A network became protected.
        Guard = "guard",
        /// The second person said no.
        Declined = "declined",
    }
    /// How much a mistake would hurt.
    Impact {
        /// One address.
        Low = "low",
        /// A network that no guard calls wide.
        Medium = "medium",
        /// A wide network.
        High = "high",
    }
}

impl Impact {
    /// The impact of enforcing this key.
    #[must_use]
    pub fn of(key: AddrSpec) -> Self {
        match (key.is_host(), crate::guard::form(key).is_some()) {
            (true, _) => Self::Low,
            (false, false) => Self::Medium,
            (false, true) => Self::High,
        }
    }
}

/// Whose points enforce something: everybody's, or one organisation's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Audience {
    /// Every point of the realm.
    All,
    /// The points of one organisation.
    Org(OrgId),
}

impl Audience {
    /// The audience of a directive. Up to AMBER the centre's points all enforce it; what is marked stricter, or made
    /// for one organisation's address plan, stays with that organisation's points. None: nobody may have it.
    #[must_use]
    pub fn of(org: OrgId, tlp: Tlp, scope: AddressScope) -> Option<Self> {
        match (scope, tlp > Tlp::Amber) {
            (AddressScope::Global, false) => Some(Self::All),
            (AddressScope::Global, true) => Some(Self::Org(org)),
            (AddressScope::Org(plan), false) => Some(Self::Org(plan)),
            (AddressScope::Org(plan), true) => (plan == org).then_some(Self::Org(plan)),
        }
    }

    /// Whether a point of this organisation belongs to it.
    #[must_use]
    pub fn covers(self, org: OrgId) -> bool {
        match self {
            Self::All => true,
            Self::Org(own) => own == org,
        }
    }

    /// What rows store: `all` or the organisation's id.
    #[must_use]
    pub fn key(self) -> String {
        match self {
            Self::All => "all".to_owned(),
            Self::Org(org) => org.to_string(),
        }
    }

    /// The audience of a stored key.
    #[must_use]
    pub fn from_key(key: &str) -> Option<Self> {
        if key == "all" { Some(Self::All) } else { key.parse().ok().map(Self::Org) }
    }
}

/// The decision to deny or allow an address or network until a time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Directive {
    /// Its id; every entry carries it.
    pub id: DirectiveId,
    /// Whose decision.
    pub org: OrgId,
    /// Real life or an exercise.
    pub realm: Realm,
    /// Its marking.
    pub tlp: Tlp,
    /// Whose address plan the value belongs to.
    pub scope: AddressScope,
    /// The address or network.
    pub key: AddrSpec,
    /// Deny or allow.
    pub intent: Intent,
    /// How much a mistake would hurt.
    pub impact: Impact,
    /// Where it stands.
    pub state: DirectiveState,
    /// Who asked; none for the automatic path.
    pub author: Option<PersonId>,
    /// The second person.
    pub approver: Option<PersonId>,
    /// The indicator behind it.
    pub indicator: Option<IndicatorId>,
    /// Where it comes from, for people and the page of the indicator.
    pub provenance: serde_json::Value,
    /// Why it was asked for.
    pub reason: String,
    /// What the guards said.
    pub verdicts: Vec<Verdict>,
    /// When it was asked for.
    pub issued: Timestamp,
    /// When it ends by itself.
    pub expires: Timestamp,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// Why it ended.
    pub end_reason: Option<EndReason>,
    /// Counts its changes.
    pub version: u64,
}

impl Directive {
    /// Whose points enforce it.
    #[must_use]
    pub fn audience(&self) -> Option<Audience> {
        Audience::of(self.org, self.tlp, self.scope)
    }

    /// Whether it is in force.
    #[must_use]
    pub fn is_active(&self) -> bool {
        self.state == DirectiveState::Active
    }
}

/// An enforcement point.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// Its id, also in its certificate.
    pub id: PointId,
    /// Whose point.
    pub org: OrgId,
    /// The realm whose directives it enforces.
    pub realm: Realm,
    /// Its marking.
    pub tlp: Tlp,
    /// Its name.
    pub name: String,
    /// What it drives.
    pub driver: Driver,
    /// Whether it takes part.
    pub state: PointState,
    /// Serial number of its certificate, lower-case hex.
    pub serial: String,
    /// When the certificate ends.
    pub cert_expires: Timestamp,
    /// The next certificate and the one before.
    #[serde(default)]
    pub more: base::papers::More,
    /// When it joined.
    pub enrolled_at: Timestamp,
    /// The centre's kill switch for this point.
    pub kill: bool,
    /// A person accepted a change beyond the limits until then.
    pub thaw_until: Option<Timestamp>,
    /// Counts the changes of its own configuration.
    pub revision: u64,
    /// What it said last; none before its first receipt.
    pub last: Option<Applied>,
    /// Counts its decisions.
    pub version: u64,
}

impl Point {
    /// Its certificates.
    #[must_use]
    pub fn papers(&self) -> Papers {
        let present = Paper { serial: self.serial.clone(), until: self.cert_expires };
        Papers { present, more: self.more.clone() }
    }
}

/// What a receipt made known about a point.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Applied {
    /// The receipt itself.
    pub receipt: Receipt,
    /// When it arrived, by the centre's clock.
    pub at: Timestamp,
    /// The digest the centre has for that sequence; none when that is older than the log.
    pub expected: Option<SetDigest>,
    /// Since when the point has been in this [`Standing`].
    pub since: Timestamp,
    /// How it compares.
    pub standing: Standing,
}

words! {
    /// How what a point said compares with what it should enforce; the first that holds.
    Standing {
        /// The kill switch is on: nothing is denied.
        Killed = "killed",
        /// Frozen at its last good state by the limits of change.
        Frozen = "frozen",
        /// Another digest than the centre's at that sequence, or elements read back wrongly.
        Differs = "differs",
        /// The proof by packet failed.
        Unproved = "unproved",
        /// Drift was found and is not repaired.
        Drifted = "drifted",
        /// The point's own guards refused entries.
        Refused = "refused",
        /// Everything agrees and packets proved it.
        Proved = "proved",
        /// Everything agrees by reading back; the driver has no packets.
        ReadBack = "read_back",
    }
}

impl Standing {
    /// The standing that follows from a receipt.
    #[must_use]
    pub fn of(receipt: &Receipt, expected: Option<SetDigest>) -> Self {
        if receipt.kill {
            Self::Killed
        } else if receipt.frozen.is_some() {
            Self::Frozen
        } else if expected.is_some_and(|digest| digest != receipt.digest) || !receipt.read_back.wrong.is_empty() {
            Self::Differs
        } else if !receipt.probe.is_clean() {
            Self::Unproved
        } else if receipt.drift.is_some_and(|drift| !drift.repaired) {
            Self::Drifted
        } else if receipt.refused_total > 0 {
            Self::Refused
        } else if receipt.probe.is_proof() {
            Self::Proved
        } else {
            Self::ReadBack
        }
    }

    /// Whether the point enforces what it should at its sequence.
    #[must_use]
    pub const fn is_good(self) -> bool {
        matches!(self, Self::Proved | Self::ReadBack)
    }
}
