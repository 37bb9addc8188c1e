//! Passwords: what is acceptable, and Argon2id with bounded memory.

use std::fmt;

/// Why a password is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weakness {
    /// Shorter than the policy allows; the shortest allowed.
    Short(u32),
    /// Longer than 256 bytes.
    Long,
    /// Among the commonest, or made of one of them.
    Common,
    /// Holds the sign-in name.
    Name,
    /// One short piece or run of the keyboard, repeated.
    Pattern,
    /// Fewer than three of: lower case, upper case, digits, others (profile `tw-gov`).
    Classes,
    /// One of the last three (profile `tw-gov`).
    Reused,
}

impl fmt::Display for Weakness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Short(least) => write!(f, "at least {least} characters"),
            Self::Long => f.write_str("at most 256 bytes"),
            Self::Common => f.write_str("too common"),
            Self::Name => f.write_str("holds the sign-in name"),
            Self::Pattern => f.write_str("a repeated piece or a run of keys"),
            Self::Classes => f.write_str("three of lower case, upper case, digits, others"),
            Self::Reused => f.write_str("one of the last three"),
        }
    }
}
