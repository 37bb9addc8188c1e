//! Marking (TLP 2.0), realm and address scope: three words that every key, event and table carries.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use uuid::Uuid;

use crate::code::{Problem, excerpt};
use crate::id::OrgId;

crate::codes! {
    /// A marking is not TLP 2.0.
    pub BAD_TLP = "LF-BAS-0004", 400,
        en "The marking is not a TLP 2.0 label.", zh "分享限制不是 TLP 2.0 標示。",
        act_en "Use clear, green, amber, amber+strict or red.", act_zh "請使用 clear、green、amber、amber+strict 或 red。";
    /// A realm is unknown.
    pub BAD_REALM = "LF-BAS-0005", 400,
        en "The realm is neither real nor a drill.", zh "場域既非真實也非演練。",
        act_en "Use real, or drill: followed by the exercise id.", act_zh "請使用 real，或 drill: 加上演練識別碼。";
}

/// Traffic Light Protocol 2.0 (FIRST), from least to most strict. Unmarked things are [`Tlp::Amber`] inside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize)]
pub enum Tlp {
    /// May be told to anyone.
    #[serde(rename = "clear")]
    Clear,
    /// Within the community.
    #[serde(rename = "green")]
    Green,
    /// Within the organisation and its clients, on a need-to-know basis.
    #[default]
    #[serde(rename = "amber")]
    Amber,
    /// Within the organisation only.
    #[serde(rename = "amber+strict")]
    AmberStrict,
    /// For the eyes of the recipients only.
    #[serde(rename = "red")]
    Red,
}

impl Tlp {
    /// All labels, least strict first.
    pub const ALL: [Self; 5] = [Self::Clear, Self::Green, Self::Amber, Self::AmberStrict, Self::Red];

    /// 0 (clear) to 4 (red): what rows store.
    #[must_use]
    pub const fn rank(self) -> i64 {
        self as i64
    }

    /// The label of a stored rank; anything unknown is red.
    #[must_use]
    pub fn from_rank(rank: i64) -> Self {
        usize::try_from(rank).ok().and_then(|i| Self::ALL.get(i).copied()).unwrap_or(Self::Red)
    }

    /// The word, lower case: `amber+strict`.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Clear => "clear",
            Self::Green => "green",
            Self::Amber => "amber",
            Self::AmberStrict => "amber+strict",
            Self::Red => "red",
        }
    }

    /// The stricter of two: what a combination of marked things carries.
    #[must_use]
    pub fn strictest(self, other: Self) -> Self {
        self.max(other)
    }
}

impl fmt::Display for Tlp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl FromStr for Tlp {
    type Err = Problem;
    fn from_str(text: &str) -> Result<Self, Problem> {
        let word = text.trim().to_ascii_lowercase();
        let word = word.strip_prefix("tlp:").unwrap_or(&word);
        Self::ALL.into_iter().find(|tlp| tlp.word() == word).ok_or_else(|| Problem::new(&BAD_TLP, excerpt(text)))
    }
}

/// Real life, or one exercise; a thing never changes its realm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub enum Realm {
    /// Real life.
    #[default]
    Real,
    /// The exercise with this id.
    Drill(Uuid),
}

impl fmt::Display for Realm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Real => f.write_str("real"),
            Self::Drill(exercise) => write!(f, "drill:{exercise}"),
        }
    }
}

impl FromStr for Realm {
    type Err = Problem;
    fn from_str(text: &str) -> Result<Self, Problem> {
        if text == "real" {
            return Ok(Self::Real);
        }
        text.strip_prefix("drill:")
            .and_then(|id| Uuid::parse_str(id).ok())
            .map(Self::Drill)
            .ok_or_else(|| Problem::new(&BAD_REALM, excerpt(text)))
    }
}

impl Serialize for Realm {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Realm {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// Whose address plan an address belongs to: two members both have 10.0.0.5.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize)]
pub enum AddressScope {
    /// The public internet: the address means the same to everyone.
    #[default]
    #[serde(rename = "global")]
    Global,
    /// Inside one organisation.
    #[serde(rename = "org")]
    Org(OrgId),
}

impl AddressScope {
    /// What rows store: `global` or the organisation's id.
    #[must_use]
    pub fn key(self) -> String {
        match self {
            Self::Global => "global".to_owned(),
            Self::Org(org) => org.to_string(),
        }
    }

    /// The scope of a stored key; anything unreadable counts as no one's (`None`).
    #[must_use]
    pub fn from_key(key: &str) -> Option<Self> {
        if key == "global" { Some(Self::Global) } else { key.parse().ok().map(Self::Org) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_and_ranks_agree() {
        for tlp in Tlp::ALL {
            assert_eq!(tlp.word().parse::<Tlp>().unwrap(), tlp);
            assert_eq!(format!("TLP:{}", tlp.word().to_uppercase()).parse::<Tlp>().unwrap(), tlp);
            assert_eq!(Tlp::from_rank(tlp.rank()), tlp);
        }
        assert_eq!(Tlp::from_rank(99), Tlp::Red);
        assert_eq!(Tlp::Green.strictest(Tlp::Red), Tlp::Red);
        assert!("white".parse::<Tlp>().is_err());
    }

    #[test]
    fn realm_and_scope_round_trip() {
        let drill = Realm::Drill(Uuid::from_u128(5));
        assert_eq!(drill.to_string().parse::<Realm>().unwrap(), drill);
        assert!("drill:x".parse::<Realm>().is_err());
        let scope = AddressScope::Org(OrgId(Uuid::from_u128(9)));
        assert_eq!(AddressScope::from_key(&scope.key()), Some(scope));
        assert_eq!(AddressScope::from_key("nonsense"), None);
    }
}
