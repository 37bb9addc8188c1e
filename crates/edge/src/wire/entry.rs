//! Collections and their entries.

use base::{AddrSpec, DirectiveId, Timestamp};
use serde::{Deserialize, Serialize};

/// What an entry asks of the engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Intent {
    /// Let through, evaluated before every denial.
    Allow,
    /// Drop.
    Deny,
}

impl Intent {
    /// The stable name: `deny`.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Deny => "deny",
        }
    }

    /// The intent of a stable name.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Allow, Self::Deny].into_iter().find(|intent| intent.word() == word)
    }
}

/// A named set of a point. Hosts and networks are apart because engines keep them in different structures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Collection {
    /// IPv4 addresses and networks that are let through.
    #[serde(rename = "ip4.allow")]
    Ip4Allow,
    /// Single IPv4 addresses that are denied.
    #[serde(rename = "ip4.host")]
    Ip4Host,
    /// IPv4 networks that are denied.
    #[serde(rename = "ip4.net")]
    Ip4Net,
    /// IPv6 addresses and networks that are let through.
    #[serde(rename = "ip6.allow")]
    Ip6Allow,
    /// Single IPv6 addresses that are denied.
    #[serde(rename = "ip6.host")]
    Ip6Host,
    /// IPv6 networks that are denied.
    #[serde(rename = "ip6.net")]
    Ip6Net,
}

impl Collection {
    /// Every collection, in the order of their names.
    pub const ALL: [Self; 6] =
        [Self::Ip4Allow, Self::Ip4Host, Self::Ip4Net, Self::Ip6Allow, Self::Ip6Host, Self::Ip6Net];

    /// The stable name: `ip4.host`.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Ip4Allow => "ip4.allow",
            Self::Ip4Host => "ip4.host",
            Self::Ip4Net => "ip4.net",
            Self::Ip6Allow => "ip6.allow",
            Self::Ip6Host => "ip6.host",
            Self::Ip6Net => "ip6.net",
        }
    }

    /// The collection of a stable name.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|collection| collection.word() == word)
    }

    /// The one collection a key with this intent belongs to.
    #[must_use]
    pub fn of(key: AddrSpec, intent: Intent) -> Self {
        match (key.is_v4(), intent, key.is_host()) {
            (true, Intent::Allow, _) => Self::Ip4Allow,
            (true, Intent::Deny, true) => Self::Ip4Host,
            (true, Intent::Deny, false) => Self::Ip4Net,
            (false, Intent::Allow, _) => Self::Ip6Allow,
            (false, Intent::Deny, true) => Self::Ip6Host,
            (false, Intent::Deny, false) => Self::Ip6Net,
        }
    }

    /// What its entries ask for.
    #[must_use]
    pub const fn intent(self) -> Intent {
        match self {
            Self::Ip4Allow | Self::Ip6Allow => Intent::Allow,
            Self::Ip4Host | Self::Ip4Net | Self::Ip6Host | Self::Ip6Net => Intent::Deny,
        }
    }
}

// The fields of everything that is signed stand in the order of their names: serde_json then writes the
// canonical form of RFC 8785 without sorting. A test compares it with `base::canonical_json`.

/// One element of a collection, with the decision it comes from.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// The set it belongs to; always [`Collection::of`] its key and intent.
    pub collection: Collection,
    /// The directive behind it: why is this blocked?
    pub directive: DirectiveId,
    /// When the point drops it by itself.
    pub expires: Timestamp,
    /// Allow or deny.
    pub intent: Intent,
    /// The address or network.
    pub key: AddrSpec,
}

impl Entry {
    /// An entry in the collection its key and intent belong to.
    #[must_use]
    pub fn new(key: AddrSpec, intent: Intent, directive: DirectiveId, expires: Timestamp) -> Self {
        Self { collection: Collection::of(key, intent), directive, expires, intent, key }
    }

    /// Whether collection, key and intent agree with each other.
    #[must_use]
    pub fn is_coherent(&self) -> bool {
        Collection::of(self.key, self.intent) == self.collection
    }

    /// The name of its place: nothing else may stand there.
    #[must_use]
    pub const fn place(&self) -> (Collection, AddrSpec) {
        (self.collection, self.key)
    }
}

/// An element that leaves its collection.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Removal {
    /// The set it leaves.
    pub collection: Collection,
    /// The address or network.
    pub key: AddrSpec,
}
