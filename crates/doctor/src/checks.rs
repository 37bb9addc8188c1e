//! The checks of an installation: each finds something, says what it was, and what to do about it.

use serde_json::{Value, json};
use text::Lang;

use crate::Installation;
use crate::say::Say;

mod certificates;
mod doors;
mod files;
mod host;
mod process;
mod state;

pub(crate) use doors::{Width, width};

/// How a check ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Word {
    /// As it should be.
    Ok,
    /// It cannot be seen from here.
    Unknown,
    /// Somebody should look at it.
    Warn,
    /// Wrong.
    Bad,
}

impl Word {
    /// As machines read it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Unknown => "unknown",
            Self::Warn => "warn",
            Self::Bad => "bad",
        }
    }

    /// As people read it.
    #[must_use]
    pub const fn shown(self, lang: Lang) -> &'static str {
        match self {
            Self::Ok => lang.pick("正常", "ok"),
            Self::Unknown => lang.pick("不明", "unknown"),
            Self::Warn => lang.pick("注意", "warn"),
            Self::Bad => lang.pick("不符", "bad"),
        }
    }
}

/// What one check found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// Its stable name: `files.secret`.
    pub id: &'static str,
    /// How it ended.
    pub word: Word,
    /// What was seen.
    pub evidence: Say,
    /// What to do; nothing when all is well.
    pub act: Option<Say>,
}

impl Check {
    fn ok(id: &'static str, evidence: Say) -> Self {
        Self { id, word: Word::Ok, evidence, act: None }
    }

    const fn of(id: &'static str, word: Word, evidence: Say, act: Say) -> Self {
        Self { id, word, evidence, act: Some(act) }
    }

    /// `{"id", "word", "evidence", "act"}`
    #[must_use]
    pub fn json(&self, lang: Lang) -> Value {
        json!({
            "id": self.id, "word": self.word.word(), "evidence": self.evidence.pick(lang),
            "act": self.act.as_ref().map(|act| act.pick(lang)),
        })
    }
}

/// Runs every check.
#[must_use]
pub fn examine(at: &Installation<'_>) -> Vec<Check> {
    let mut found = files::check(at);
    found.push(state::library());
    found.extend(state::check(at));
    found.push(host::disk(at));
    found.extend(certificates::check(at));
    found.extend(doors::check(at));
    found.extend(process::check(at));
    found.extend([host::landlock(), host::clock(at), host::kernel(), host::nft()]);
    found
}

#[cfg(test)]
mod tests;
