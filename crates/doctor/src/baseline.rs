//! The government baseline of level 高, measure by measure: 資通安全責任等級分級辦法 (A0030304, revision of
//! 2021-08-23), 附表十 資通系統防護基準.
//!
//! The measures stand here in our own short words; their numbering and levels follow a public table of the revised
//! wording. The official PDF of the revision was not compared: read it before anything is claimed in law.
//!
//! A row says `met` only where the program really does it today and a test that exists, or a setting that was found,
//! shows it; `operator` where people of the agency must act; else `gap`, with what is missing.

use serde_json::{Value, json};
use text::Lang;

use crate::Installation;
use crate::checks::{Check, Word};
use crate::say::Say;

mod acquisition;
mod channel;
mod continuity;
mod control;
mod identity;
mod integrity;
mod logs;

/// Where the measures come from, and what was not compared.
#[must_use]
pub fn source() -> Say {
    Say::of(
        "來源：資通安全責任等級分級辦法（2021-08-23 版）附表十，全部 80 項即等級「高」；編號與等級依公開表格的修正後內容，措施為本程式的摘要用語，尚未與修正版的官方 PDF 逐條比對。",
        "Source: 資通安全責任等級分級辦法 (revision of 2021-08-23), 附表十; level 高 is all 80. Numbers and levels follow a public table of the revised wording, the measures are our own short words; the official PDF of the revision was not compared.",
    )
}

/// From which level of a system on a measure is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// 普.
    Basic,
    /// 中.
    Medium,
    /// 高.
    High,
}

impl Level {
    /// As the regulation writes it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Basic => "普",
            Self::Medium => "中",
            Self::High => "高",
        }
    }
}

/// The seven parts of the baseline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Aspect {
    /// 存取控制.
    Access,
    /// 事件日誌與可歸責性.
    Logs,
    /// 營運持續計畫.
    Continuity,
    /// 識別與鑑別.
    Identity,
    /// 系統與服務獲得.
    Acquisition,
    /// 系統與通訊保護.
    Channel,
    /// 系統與資訊完整性.
    Integrity,
}

impl Aspect {
    /// In their order.
    pub const ALL: [Self; 7] =
        [Self::Access, Self::Logs, Self::Continuity, Self::Identity, Self::Acquisition, Self::Channel, Self::Integrity];

    /// Its name.
    #[must_use]
    pub const fn shown(self, lang: Lang) -> &'static str {
        match self {
            Self::Access => lang.pick("存取控制", "Access control"),
            Self::Logs => lang.pick("事件日誌與可歸責性", "Event logs and accountability"),
            Self::Continuity => lang.pick("營運持續計畫", "Continuity of operation"),
            Self::Identity => lang.pick("識別與鑑別", "Identification and authentication"),
            Self::Acquisition => lang.pick("系統與服務獲得", "System and service acquisition"),
            Self::Channel => lang.pick("系統與通訊保護", "System and communication protection"),
            Self::Integrity => lang.pick("系統與資訊完整性", "System and information integrity"),
        }
    }

    const fn rows(self) -> &'static [Row] {
        match self {
            Self::Access => control::ROWS,
            Self::Logs => logs::ROWS,
            Self::Continuity => continuity::ROWS,
            Self::Identity => identity::ROWS,
            Self::Acquisition => acquisition::ROWS,
            Self::Channel => channel::ROWS,
            Self::Integrity => integrity::ROWS,
        }
    }
}

/// How a measure stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Status {
    /// The program does it, and a test or a setting shows it.
    Met,
    /// The agency's people must act.
    Operator,
    /// Missing.
    Gap,
}

impl Status {
    /// In the order of a report.
    pub const ALL: [Self; 3] = [Self::Met, Self::Operator, Self::Gap];

    /// As machines read it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Met => "met",
            Self::Operator => "operator",
            Self::Gap => "gap",
        }
    }

    /// As people read it.
    #[must_use]
    pub const fn shown(self, lang: Lang) -> &'static str {
        match self {
            Self::Met => lang.pick("達成", "met"),
            Self::Operator => lang.pick("機關", "operator"),
            Self::Gap => lang.pick("缺口", "gap"),
        }
    }
}

/// Who does it, or has to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    /// The program.
    Product,
    /// Those who make the program.
    Maker,
    /// The agency that runs it.
    Operator,
}

impl Who {
    /// As machines read it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Product => "product",
            Self::Maker => "maker",
            Self::Operator => "operator",
        }
    }
}

/// The answer to one measure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// 1 to 80.
    pub id: u8,
    /// Its part of the baseline.
    pub aspect: Aspect,
    /// Its level.
    pub level: Level,
    /// What is asked for, in our own short words.
    pub measure: &'static str,
    /// How it stands.
    pub status: Status,
    /// What shows it, what to do, or what is missing.
    pub evidence: Say,
    /// Who does it, or has to.
    pub who: Who,
    /// The tests that the evidence names, `crate::path::name`.
    pub tests: &'static [&'static str],
}

impl Answer {
    /// `{"id", "measure", "level", "status", "evidence", "who"}`
    #[must_use]
    pub fn json(&self, lang: Lang) -> Value {
        json!({
            "id": self.id, "measure": self.measure, "level": self.level.word(), "status": self.status.word(),
            "evidence": self.evidence.pick(lang), "who": self.who.word(),
        })
    }
}

/// Every measure, answered for this installation; `checks` are what [`crate::examine`] found in it.
#[must_use]
pub fn answer(at: &Installation<'_>, checks: &[Check]) -> Vec<Answer> {
    let given = Given { at, checks };
    let rows = Aspect::ALL.into_iter().flat_map(|aspect| aspect.rows().iter().map(move |row| (aspect, row)));
    rows.map(|(aspect, row)| row.answer(aspect, &given)).collect()
}

/// What a verdict may look at.
struct Given<'a> {
    at: &'a Installation<'a>,
    checks: &'a [Check],
}

impl Given<'_> {
    /// Whether a check found something wrong.
    fn bad(&self, id: &str) -> bool {
        self.checks.iter().any(|check| check.id == id && check.word == Word::Bad)
    }

    /// What a check saw.
    fn seen(&self, id: &str) -> Option<&Say> {
        self.checks.iter().find(|check| check.id == id).map(|check| &check.evidence)
    }
}

/// A line of a table.
struct Row {
    id: u8,
    level: Level,
    /// Who does it, or closes the gap.
    who: Who,
    measure: &'static str,
    verdict: fn(&Given<'_>) -> Verdict,
}

impl Row {
    fn answer(&self, aspect: Aspect, given: &Given<'_>) -> Answer {
        let verdict = (self.verdict)(given);
        let form = |lang: Lang| {
            let mut text = verdict.evidence.pick(lang).to_owned();
            if !verdict.settings.is_empty() {
                text = format!("{text} [setting: {}]", verdict.settings.join(", "));
            }
            if !verdict.tests.is_empty() {
                text = format!("{text} [test: {}]", verdict.tests.join(", "));
            }
            text
        };
        Answer {
            id: self.id,
            aspect,
            level: self.level,
            measure: self.measure,
            status: verdict.status,
            evidence: Say::of(form(Lang::ZhTw), form(Lang::En)),
            who: if verdict.status == Status::Operator { Who::Operator } else { self.who },
            tests: verdict.tests,
        }
    }
}

/// What a row says of an installation.
struct Verdict {
    status: Status,
    evidence: Say,
    tests: &'static [&'static str],
    settings: Vec<String>,
}

impl Verdict {
    /// With the tests that show it, or the part of it that is there.
    const fn by(mut self, tests: &'static [&'static str]) -> Self {
        self.tests = tests;
        self
    }

    /// With a setting as it was found.
    fn set(mut self, name: &str, value: impl std::fmt::Display) -> Self {
        self.settings.push(format!("{name} = {value}"));
        self
    }
}

fn verdict(status: Status, zh: &str, en: &str) -> Verdict {
    Verdict { status, evidence: Say::of(zh, en), tests: &[], settings: Vec::new() }
}

fn met(zh: &str, en: &str) -> Verdict {
    verdict(Status::Met, zh, en)
}

fn operator(zh: &str, en: &str) -> Verdict {
    verdict(Status::Operator, zh, en)
}

fn gap(zh: &str, en: &str) -> Verdict {
    verdict(Status::Gap, zh, en)
}

#[cfg(test)]
mod tests;
