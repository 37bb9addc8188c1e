//! Organisations and what belongs to them.

use base::{AddrSpec, AddressScope, OrgId, Timestamp};
use serde::{Deserialize, Serialize};

use crate::ids::{AsnId, CircuitId, ContactId, DomainId, NetworkId};
use crate::names::{AsNumber, DomainName, OrgCode};

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $word:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum $name { $($(#[$vdoc])* #[serde(rename = $word)] $variant,)* }

        impl $name {
            /// Every value, in order.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// The stable name.
            #[must_use]
            pub const fn word(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }

            /// The value of a stable name.
            #[must_use]
            pub fn from_word(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|value| value.word() == word)
            }
        }

        impl From<$name> for store::Value {
            fn from(value: $name) -> Self {
                Self::from(value.word())
            }
        }

        impl store::FromValue for $name {
            fn from_value(value: &store::Value) -> Option<Self> {
                String::from_value(value).and_then(|word| Self::from_word(&word))
            }
        }
    };
}

words! {
    /// What kind of organisation it is.
    OrgKind {
        /// A national authority.
        National = "national",
        /// A sector (領域).
        Sector = "sector",
        /// An operator of systems.
        Operator = "operator",
        /// An internet service provider: its networks hold those of its customers.
        Isp = "isp",
        /// The public.
        Public = "public",
        /// A joint defence centre.
        Centre = "centre",
    }
}

words! {
    /// How much depends on it.
    Criticality {
        /// Nothing beyond itself.
        None = "none",
        /// Others feel its failure.
        Important = "important",
        /// Critical infrastructure (關鍵基礎設施): its networks are never blocked.
        Critical = "critical",
    }
}

words! {
    /// Cyber security responsibility level (資通安全責任等級) A to E.
    Level {
        /// A.
        A = "A",
        /// B.
        B = "B",
        /// C.
        C = "C",
        /// D.
        D = "D",
        /// E.
        E = "E",
    }
}

/// What the organisation above says about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// What it is.
    pub kind: OrgKind,
    /// Its sector, a free word of the centre: `energy`.
    pub sector: Option<String>,
    /// How much depends on it.
    pub criticality: Criticality,
    /// Its responsibility level, where it has one.
    pub level: Option<Level>,
}

/// An organisation to add.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewOrg {
    /// Its code.
    pub code: OrgCode,
    /// Its name in Chinese.
    pub name_zh: String,
    /// Its name in English.
    pub name_en: String,
    /// The organisation above; none for a root.
    pub parent: Option<OrgId>,
    /// Kind, sector, criticality, level.
    pub standing: Standing,
}

/// An organisation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Org {
    /// Its id.
    pub id: OrgId,
    /// Its code.
    pub code: OrgCode,
    /// Its name in Chinese.
    pub name_zh: String,
    /// Its name in English.
    pub name_en: String,
    /// The organisation above; none for a root.
    pub parent: Option<OrgId>,
    /// Kind, sector, criticality, level.
    #[serde(flatten)]
    pub standing: Standing,
    /// Whether it is this centre's own organisation.
    pub own: bool,
    /// Since when.
    pub from: Timestamp,
    /// Until when; none for open.
    pub to: Option<Timestamp>,
    /// For the version check.
    pub version: u64,
}

macro_rules! belongings {
    ($($(#[$doc:meta])* $name:ident { $id:ty; $($(#[$fdoc:meta])* $field:ident: $ty:ty,)* })*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Serialize)]
        pub struct $name {
            /// Its id.
            pub id: $id,
            /// Whose it is.
            pub org: OrgId,
            $($(#[$fdoc])* pub $field: $ty,)*
            /// Since when.
            pub from: Timestamp,
            /// Until when; none for open.
            pub to: Option<Timestamp>,
            /// For the version check.
            pub version: u64,
        }
    )*};
}

belongings! {
    /// A network of an organisation.
    Network { NetworkId;
        /// The address or network.
        net: AddrSpec,
        /// In whose address plan.
        scope: AddressScope,
    }
    /// A domain of an organisation and everything below the name.
    Domain { DomainId;
        /// The name.
        name: DomainName,
    }
    /// An AS number of an organisation.
    Asn { AsnId;
        /// The number.
        number: AsNumber,
    }
    /// A circuit of an organisation.
    Circuit { CircuitId;
        /// The provider's number of it.
        number: String,
        /// The provider.
        provider: String,
        /// Bandwidth in Mbit/s, where known.
        mbps: Option<u32>,
    }
    /// A contact of an organisation: personal data.
    Contact { ContactId;
        /// Name, family name first, with title.
        name: String,
        /// What for: `security`, `network`, `duty`, `management`.
        role: String,
        /// Mail address; may be empty.
        mail: String,
        /// Telephone; may be empty.
        telephone: String,
    }
}

/// A circuit to add.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewCircuit {
    /// The provider's number of it.
    pub number: String,
    /// The provider.
    pub provider: String,
    /// Bandwidth in Mbit/s, where known.
    pub mbps: Option<u32>,
}

/// A contact to add.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewContact {
    /// Name, family name first, with title.
    pub name: String,
    /// What for: `security`, `network`, `duty`, `management`.
    pub role: String,
    /// Mail address; may be empty.
    pub mail: String,
    /// Telephone; may be empty.
    pub telephone: String,
}
