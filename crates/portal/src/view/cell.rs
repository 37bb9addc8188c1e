//! The smallest parts: a value with its menu, a time, a badge; each can be shown and exported.

#![allow(unused_qualifications, reason = "askama writes the paths of an enum's variants in full")]

use askama::Template;
use text::Words;

use crate::view::component;

/// Icons by name; templates write `ui::icon("home")`.
pub(crate) mod ui {
    use askama::Template;

    /// One icon of the sprite; decoration only, a word stands beside it.
    #[derive(Debug, Clone, Template)]
    #[template(path = "part/icon.html")]
    pub(crate) struct Icon {
        sprite: &'static str,
        name: &'static str,
    }
    crate::view::component!(Icon);

    /// The icon of a name.
    pub(crate) fn icon(name: &'static str) -> Icon {
        Icon { sprite: assets::url("icons.svg"), name }
    }
}

/// How much something calls for attention; the word and the shape say it too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tone {
    Low,
    Medium,
    High,
    Critical,
    Good,
    Accent,
}

impl Tone {
    /// The class of the style sheet.
    pub(crate) const fn class(self) -> &'static str {
        match self {
            Self::Low => "t-low",
            Self::Medium => "t-medium",
            Self::High => "t-high",
            Self::Critical => "t-critical",
            Self::Good => "t-good",
            Self::Accent => "t-accent",
        }
    }

    /// The shape that goes with it.
    pub(crate) const fn icon(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
            Self::Good => "good",
            Self::Accent => "note",
        }
    }
}

/// A word with shape and colour.
#[derive(Debug, Clone, Template)]
#[template(path = "part/badge.html")]
pub(crate) struct Badge {
    pub(crate) tone: Tone,
    pub(crate) icon: &'static str,
    pub(crate) word: String,
}

impl Badge {
    /// A badge with the tone's own shape.
    pub(crate) fn of(tone: Tone, word: impl Into<String>) -> Self {
        Self { tone, icon: tone.icon(), word: word.into() }
    }

    /// A badge with another shape.
    pub(crate) fn with(tone: Tone, icon: &'static str, word: impl Into<String>) -> Self {
        Self { tone, icon, word: word.into() }
    }
}

/// A time: for machines, absolute with its offset, and relative.
#[derive(Debug, Clone, Template)]
#[template(path = "part/when.html")]
pub(crate) struct When {
    pub(crate) iso: String,
    pub(crate) text: String,
    pub(crate) ago: String,
}

impl When {
    /// The day.
    pub(crate) fn day(&self) -> &str {
        self.text.split_once(' ').map_or(self.text.as_str(), |(day, _)| day)
    }

    /// The time of day with its offset.
    pub(crate) fn rest(&self) -> &str {
        self.text.split_once(' ').map_or("", |(_, rest)| rest)
    }
}

/// A value with its menu: include, exclude, search everywhere, copy, open.
#[derive(Debug, Clone, Template)]
#[template(path = "part/value.html")]
pub(crate) struct Value {
    pub(crate) t: &'static Words,
    pub(crate) text: String,
    pub(crate) href: Option<String>,
    pub(crate) include: Option<String>,
    pub(crate) exclude: Option<String>,
    pub(crate) everywhere: String,
}

/// What stands in a cell of a table or beside a fact's name.
#[derive(Debug, Clone, Template)]
#[template(path = "part/cell.html")]
pub(crate) enum Cell {
    None,
    Text(String),
    Strong(String),
    Mono(String),
    /// A name that links can lead to.
    Anchor(String),
    Num(u64),
    Time(When),
    Age(When),
    Value(Box<Value>),
    Link {
        href: String,
        text: String,
        main: bool,
    },
    /// A link that looks like a button.
    Button {
        href: String,
        text: String,
    },
    Badge(Badge),
    Class {
        word: String,
        name: String,
    },
    Tlp {
        label: String,
        class: &'static str,
        means: &'static str,
    },
    Score {
        percent: u8,
        big: bool,
    },
    Many(Vec<Self>),
    Below(Vec<Self>),
    Form(Box<crate::view::Form>),
    Acts(Vec<crate::view::Act>),
    /// A box that chooses this row for the form under the list.
    Pick {
        value: String,
        label: String,
    },
    /// A part of the whole, percent.
    Part(u8),
}

component!(Badge, When, Value, Cell);

impl Cell {
    /// Plain text; a dash when it is empty.
    pub(crate) fn text(text: impl Into<String>) -> Self {
        let text = text.into();
        if text.is_empty() { Self::None } else { Self::Text(text) }
    }

    /// Text in the fixed-width font; a dash when it is empty.
    pub(crate) fn mono(text: impl Into<String>) -> Self {
        let text = text.into();
        if text.is_empty() { Self::None } else { Self::Mono(text) }
    }

    /// A link.
    pub(crate) fn link(href: impl Into<String>, text: impl Into<String>) -> Self {
        Self::Link { href: href.into(), text: text.into(), main: false }
    }

    /// The link that opens the row.
    pub(crate) fn main(href: impl Into<String>, text: impl Into<String>) -> Self {
        Self::Link { href: href.into(), text: text.into(), main: true }
    }

    /// Good news.
    pub(crate) fn good(text: &str) -> Self {
        Self::Badge(Badge::of(Tone::Good, text))
    }

    /// What an export holds: machine times, no decoration.
    pub(crate) fn plain(&self) -> String {
        match self {
            Self::None | Self::Form(_) | Self::Acts(_) | Self::Pick { .. } | Self::Button { .. } => String::new(),
            Self::Text(text) | Self::Strong(text) | Self::Mono(text) | Self::Anchor(text) | Self::Link { text, .. } => {
                text.clone()
            }
            Self::Num(n) => n.to_string(),
            Self::Time(when) | Self::Age(when) => when.iso.clone(),
            Self::Value(value) => value.text.clone(),
            Self::Badge(badge) => badge.word.clone(),
            Self::Class { word, .. } => word.clone(),
            Self::Tlp { label, .. } => label.clone(),
            Self::Score { percent, .. } | Self::Part(percent) => percent.to_string(),
            Self::Many(cells) | Self::Below(cells) => cells.iter().map(Self::plain).collect::<Vec<_>>().join(" "),
        }
    }
}
