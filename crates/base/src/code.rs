//! Coded errors: every error a person can meet has a stable code, a zh-TW and an English text, and what to do.
//!
//! A crate declares its codes once with [`crate::codes!`]; docs/errors.md is generated from all of them.

use std::fmt;

/// One entry of the error catalogue.
#[derive(Debug, PartialEq, Eq)]
pub struct Code {
    /// Stable name, `LF-<room>-<four digits>`; never reused.
    pub id: &'static str,
    /// The HTTP status a door answers with.
    pub http: u16,
    /// What happened, English.
    pub en: &'static str,
    /// What happened, zh-TW.
    pub zh: &'static str,
    /// What to do, English.
    pub act_en: &'static str,
    /// What to do, zh-TW.
    pub act_zh: &'static str,
}

/// Declares codes of a room: statics named as given, and `CODES`, the list of all.
#[macro_export]
macro_rules! codes {
    ($($(#[$doc:meta])* pub $name:ident = $id:literal, $http:literal,
        en $en:literal, zh $zh:literal, act_en $act_en:literal, act_zh $act_zh:literal;)*) => {
        $($(#[$doc])* pub static $name: $crate::code::Code = $crate::code::Code {
            id: $id, http: $http, en: $en, zh: $zh, act_en: $act_en, act_zh: $act_zh,
        };)*
        /// Every code declared in this module, for the generated catalogue.
        pub static CODES: &[&$crate::code::Code] = &[$(&$name),*];
    };
}

/// An error for people: the code, what exactly, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The catalogue entry.
    pub code: &'static Code,
    /// What exactly, in English, lower case, no secrets, no paths of the server.
    pub detail: String,
    /// Where: a JSON pointer, `line 12`, a field name.
    pub place: Option<String>,
}

impl Problem {
    /// A problem without a place.
    #[must_use]
    pub fn new(code: &'static Code, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into(), place: None }
    }

    /// The same problem with its place.
    #[must_use]
    pub fn at(mut self, place: impl Into<String>) -> Self {
        self.place = Some(place.into());
        self
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code.id, self.code.en)?;
        if !self.detail.is_empty() {
            write!(f, " ({})", self.detail)?;
        }
        if let Some(place) = &self.place {
            write!(f, " at {place}")?;
        }
        write!(f, " {}", self.code.act_en)
    }
}

impl std::error::Error for Problem {}

/// An error of a room that knows its catalogue entry.
pub trait Coded: std::error::Error {
    /// The same error, for people.
    fn problem(&self) -> Problem;
}

impl Coded for Problem {
    fn problem(&self) -> Problem {
        self.clone()
    }
}

/// At most 64 characters of foreign text with control characters made visible, for use in messages.
#[must_use]
pub fn excerpt(text: &str) -> String {
    let mut out: String = text.chars().take(64).flat_map(char::escape_debug).collect();
    if text.chars().nth(64).is_some() {
        out.push('…');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn excerpt_is_short_and_visible() {
        assert_eq!(excerpt("a\u{1b}[31m"), "a\\u{1b}[31m");
        assert_eq!(excerpt(&"x".repeat(100)).chars().count(), 65);
    }
}
