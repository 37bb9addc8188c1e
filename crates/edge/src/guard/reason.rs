//! What a guard says and why, in words for people.

use base::{AddrSpec, DirectiveId, Timestamp};
use serde::{Deserialize, Serialize};

/// How a guard rules; the order is the strictness.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ruling {
    /// Nothing speaks against it.
    Pass,
    /// A second person must approve.
    Hold,
    /// Never.
    Reject,
}

/// The guards by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GuardName {
    /// The width of the network.
    Form,
    /// Mandatory expiry with a maximum.
    Expiry,
    /// Networks nobody may deny.
    Protected,
    /// Precedence of an allowing directive.
    Allow,
    /// The rate of change.
    Change,
    /// The kill switch.
    Kill,
}

impl GuardName {
    /// The stable name: `protected`.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Form => "form",
            Self::Expiry => "expiry",
            Self::Protected => "protected",
            Self::Allow => "allow",
            Self::Change => "change",
            Self::Kill => "kill",
        }
    }
}

/// Why a guard does not simply pass something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "reason", rename_all = "snake_case")]
pub enum Reason {
    /// Wide enough that a person must approve.
    Wide {
        /// Its prefix length.
        prefix: u8,
        /// The shortest one that passes by itself.
        least: u8,
    },
    /// Wider than anybody may deny.
    FarTooWide {
        /// Its prefix length.
        prefix: u8,
        /// The shortest one that can be approved.
        least: u8,
    },
    /// Its end is in the past.
    Ended {
        /// The end.
        expires: Timestamp,
    },
    /// Its end is too far away.
    TooLong {
        /// The longest life allowed.
        most_secs: i64,
    },
    /// It shares an address with a protected network.
    Protected {
        /// The protected network.
        net: AddrSpec,
        /// Why that is protected.
        why: String,
    },
    /// It shares an address with an allowing directive.
    Allowed {
        /// The allowed network.
        net: AddrSpec,
        /// The directive.
        directive: DirectiveId,
    },
    /// More additions in the window than allowed.
    Surge {
        /// Additions there would be.
        adds: u64,
        /// Most allowed.
        most: u64,
        /// The window.
        window_secs: u32,
    },
    /// More removals in the window than allowed.
    Shrink {
        /// Removals there would be.
        removes: u64,
        /// Most allowed.
        most: u64,
        /// The window.
        window_secs: u32,
    },
    /// The kill switch is on.
    Killed,
}

impl Reason {
    /// How it rules.
    #[must_use]
    pub const fn ruling(&self) -> Ruling {
        match self {
            Self::Wide { .. } | Self::Surge { .. } | Self::Shrink { .. } => Ruling::Hold,
            Self::FarTooWide { .. }
            | Self::Ended { .. }
            | Self::TooLong { .. }
            | Self::Protected { .. }
            | Self::Allowed { .. }
            | Self::Killed => Ruling::Reject,
        }
    }

    /// The guard that says it.
    #[must_use]
    pub const fn guard(&self) -> GuardName {
        match self {
            Self::Wide { .. } | Self::FarTooWide { .. } => GuardName::Form,
            Self::Ended { .. } | Self::TooLong { .. } => GuardName::Expiry,
            Self::Protected { .. } => GuardName::Protected,
            Self::Allowed { .. } => GuardName::Allow,
            Self::Surge { .. } | Self::Shrink { .. } => GuardName::Change,
            Self::Killed => GuardName::Kill,
        }
    }

    /// English words.
    #[must_use]
    pub fn en(&self) -> String {
        match self {
            Self::Wide { prefix, least } => format!("/{prefix} is wider than /{least}: a second person must approve"),
            Self::FarTooWide { prefix, least } => {
                format!("/{prefix} is wider than /{least}, the widest that can be approved")
            }
            Self::Ended { expires } => format!("its time ended at {expires}"),
            Self::TooLong { most_secs } => format!("it would last longer than {} hours", most_secs / 3_600),
            Self::Protected { net, why } => format!("it touches the protected network {net} ({why})"),
            Self::Allowed { net, directive } => format!("it touches {net}, which directive {directive} allows"),
            Self::Surge { adds, most, window_secs } => {
                format!("{adds} additions within {window_secs} s; {most} are allowed")
            }
            Self::Shrink { removes, most, window_secs } => {
                format!("{removes} removals within {window_secs} s; {most} are allowed")
            }
            Self::Killed => "the kill switch is on: nothing is denied".to_owned(),
        }
    }

    /// Taiwanese words.
    #[must_use]
    pub fn zh(&self) -> String {
        match self {
            Self::Wide { prefix, least } => format!("/{prefix} 比 /{least} 更廣，須由第二人核准"),
            Self::FarTooWide { prefix, least } => format!("/{prefix} 比可核准的最大範圍 /{least} 更廣"),
            Self::Ended { expires } => format!("效期已於 {expires} 結束"),
            Self::TooLong { most_secs } => format!("效期超過上限 {} 小時", most_secs / 3_600),
            Self::Protected { net, why } => format!("涉及受保護網段 {net}（{why}）"),
            Self::Allowed { net, directive } => format!("涉及 {net}，已由指令 {directive} 允許"),
            Self::Surge { adds, most, window_secs } => format!("{window_secs} 秒內新增 {adds} 筆，上限為 {most} 筆"),
            Self::Shrink { removes, most, window_secs } => {
                format!("{window_secs} 秒內移除 {removes} 筆，上限為 {most} 筆")
            }
            Self::Killed => "緊急停止開關已啟用，不封鎖任何位址".to_owned(),
        }
    }
}

/// What one guard said; stored with the directive and shown to the analyst.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// The guard.
    pub guard: GuardName,
    /// Its ruling.
    pub ruling: Ruling,
    /// Why, unless it passed.
    pub reason: Option<Reason>,
}

impl Verdict {
    /// The verdict of a guard that has this to say, or nothing.
    #[must_use]
    pub fn of(guard: GuardName, reason: Option<Reason>) -> Self {
        Self { guard, ruling: reason.as_ref().map_or(Ruling::Pass, Reason::ruling), reason }
    }
}
