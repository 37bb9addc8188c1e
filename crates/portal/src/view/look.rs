//! How one person sees things: language, zone, theme and the moment of the page.

use std::fmt;
use std::sync::Arc;

use base::time::Zone;
use base::{OrgId, Timestamp, Tlp};
use text::{Lang, Words, names};

use crate::query::quote;
use crate::view::cell::{Badge, Cell, Tone, Value, When};
use crate::view::seen::Seen;
use crate::view::url::{Query, part};

type OrgNames = Arc<dyn Fn(OrgId) -> Option<(String, String)> + Send + Sync>;

/// How one person sees things; makes cells from stored things.
#[derive(Clone)]
pub(crate) struct Look {
    pub(crate) t: &'static Words,
    pub(crate) zone: Zone,
    pub(crate) theme: &'static str,
    pub(crate) now: Timestamp,
    /// The list the values' menus include and exclude in.
    pub(crate) here: Query,
    /// What is shown that is restricted.
    pub(crate) seen: Arc<Seen>,
    orgs: OrgNames,
}

impl fmt::Debug for Look {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Look").field("lang", &self.t.lang).field("zone", &self.zone).finish_non_exhaustive()
    }
}

impl Look {
    /// How somebody with this language, zone and theme sees things now.
    pub(crate) fn new(t: &'static Words, zone: Zone, theme: &'static str, now: Timestamp, here: Query) -> Self {
        Self { t, zone, theme, now, here, seen: Arc::default(), orgs: Arc::new(|_| None) }
    }

    /// The same with the names of organisations (Chinese, English).
    pub(crate) fn with_orgs(
        mut self,
        orgs: impl Fn(OrgId) -> Option<(String, String)> + Send + Sync + 'static,
    ) -> Self {
        self.orgs = Arc::new(orgs);
        self
    }

    /// The name of an organisation.
    pub(crate) fn org_name(&self, org: OrgId) -> String {
        match ((self.orgs)(org), self.lang()) {
            (Some((zh, _)), Lang::ZhTw) => zh,
            (Some((zh, en)), Lang::En) => {
                if en.is_empty() {
                    zh
                } else {
                    en
                }
            }
            (None, _) => short_id(&org.to_string()),
        }
    }

    /// An organisation with its page.
    pub(crate) fn org(&self, org: OrgId) -> Cell {
        Cell::link(format!("/orgs/{org}"), self.org_name(org))
    }

    /// The language.
    pub(crate) fn lang(&self) -> Lang {
        self.t.lang
    }

    /// A time, absolute with its offset, and how long ago.
    pub(crate) fn when(&self, at: Timestamp) -> When {
        When { iso: at.rfc3339(), text: self.zone.long(at), ago: self.t.ago(self.now.since(at)) }
    }

    /// A time cell.
    pub(crate) fn time(&self, at: Timestamp) -> Cell {
        Cell::Time(self.when(at))
    }

    /// A time cell that leads with the age; the absolute time stands below it.
    pub(crate) fn age(&self, at: Timestamp) -> Cell {
        Cell::Age(self.when(at))
    }

    /// A time, or a dash.
    pub(crate) fn time_or_none(&self, at: Option<Timestamp>) -> Cell {
        at.map_or(Cell::None, |at| self.time(at))
    }

    /// A value with its menu; `field` is its name in queries of the list at hand, none when it has none there.
    pub(crate) fn value(&self, field: Option<&str>, text: &str) -> Cell {
        Cell::Value(Box::new(self.value_view(field, text, None)))
    }

    /// A value with its menu and its own page.
    pub(crate) fn value_at(&self, field: Option<&str>, text: &str, href: String) -> Cell {
        Cell::Value(Box::new(self.value_view(field, text, Some(href))))
    }

    fn value_view(&self, field: Option<&str>, text: &str, href: Option<String>) -> Value {
        let quoted = quote(text);
        let narrowed = |sign: &str| field.map(|name| self.here.narrowed(&format!("{sign}{name}:{quoted}")));
        Value {
            t: self.t,
            text: text.to_owned(),
            href,
            include: narrowed(""),
            exclude: narrowed("-"),
            everywhere: format!("/search?q={}", part(&quoted)),
        }
    }

    /// A severity, 1 to 4: word, shape, colour.
    pub(crate) fn severity(&self, level: u8) -> Cell {
        let tone = match level {
            0 | 1 => Tone::Low,
            2 => Tone::Medium,
            3 => Tone::High,
            _ => Tone::Critical,
        };
        Cell::Badge(Badge::of(tone, names::severity(self.lang(), level)))
    }

    /// A class of attack with its colour of the timeline.
    pub(crate) fn class(&self, word: &str) -> Cell {
        Cell::Class { word: word.to_owned(), name: self.class_name(word) }
    }

    /// The name of a class.
    pub(crate) fn class_name(&self, word: &str) -> String {
        names::class(self.lang(), word).unwrap_or(word).to_owned()
    }

    /// A kind of value.
    pub(crate) fn kind(&self, word: &str) -> Cell {
        Cell::text(names::value_kind(self.lang(), word).unwrap_or(word))
    }

    /// The state of an indicator.
    pub(crate) fn indicator_state(&self, word: &str) -> Badge {
        let (tone, icon) = match word {
            "published" => (Tone::Good, "point"),
            "in_review" | "approved" => (Tone::Medium, "wait"),
            "revoked" | "rejected" => (Tone::High, "bad"),
            _ => (Tone::Low, "low"),
        };
        Badge { tone, icon, word: names::indicator_state(self.lang(), word).unwrap_or(word).to_owned() }
    }

    /// The state of a finding.
    pub(crate) fn finding_state(&self, word: &str) -> Badge {
        let (tone, icon) = match word {
            "open" | "new" => (Tone::High, "finding"),
            "taken" => (Tone::Accent, "me"),
            "resolved" => (Tone::Good, "good"),
            _ => (Tone::Low, "silent"),
        };
        Badge { tone, icon, word: names::finding_state(self.lang(), word).unwrap_or(word).to_owned() }
    }

    /// A marking.
    pub(crate) fn tlp(&self, tlp: Tlp) -> Cell {
        self.seen.marking(tlp);
        let class = match tlp {
            Tlp::Clear => "tlp-clear",
            Tlp::Green => "tlp-green",
            Tlp::Amber | Tlp::AmberStrict => "tlp-amber",
            Tlp::Red => "tlp-red",
        };
        let label = format!("TLP:{}", tlp.word().to_uppercase());
        Cell::Tlp { label, class, means: names::tlp_means(self.lang(), tlp) }
    }

    /// A score from 0 to 1.
    pub(crate) fn score(&self, score: f64) -> Cell {
        Cell::Score { percent: percent(score), big: false }
    }

    /// A yes or no.
    pub(crate) fn yes(&self, yes: bool) -> Cell {
        Cell::text(if yes { self.t.frame.yes } else { self.t.frame.no })
    }
}

/// A part of one as whole percent, 0 to 100.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to 0..=100 before the cast")]
pub(crate) fn percent(score: f64) -> u8 {
    if score.is_nan() { 0 } else { (score.clamp(0.0, 1.0) * 100.0).round() as u8 }
}

/// The end of an identifier: enough to tell two apart.
pub(crate) fn short_id(id: &str) -> String {
    id.rsplit('-').next().unwrap_or(id).to_owned()
}
