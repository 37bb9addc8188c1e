//! The frame around every page: rail, top bar, crumbs, keyboard help; and the page that stands in it.

use askama::Template;
use text::{Lang, Words};

use crate::view::cell::{Cell, When, ui};
use crate::view::{Body, Form, Row};

/// One entry of the rail.
#[derive(Debug, Clone)]
pub(crate) struct NavItem {
    pub(crate) href: &'static str,
    pub(crate) icon: &'static str,
    pub(crate) label: &'static str,
    pub(crate) current: bool,
    pub(crate) count: Option<String>,
    /// A line above it.
    pub(crate) gap: bool,
}

/// One step of the path to this page.
#[derive(Debug, Clone)]
pub(crate) struct Crumb {
    pub(crate) href: String,
    pub(crate) label: String,
}

impl Crumb {
    /// A step.
    pub(crate) fn new(href: impl Into<String>, label: impl Into<String>) -> Self {
        Self { href: href.into(), label: label.into() }
    }
}

/// What just happened, with its undo.
#[derive(Debug, Clone)]
pub(crate) struct Toast {
    pub(crate) text: String,
    pub(crate) undo: Option<Form>,
}

/// Everything around the content.
#[derive(Debug, Clone)]
pub(crate) struct Frame {
    pub(crate) t: &'static Words,
    pub(crate) theme: &'static str,
    pub(crate) title: String,
    pub(crate) centre: String,
    pub(crate) demo: bool,
    pub(crate) nav: Vec<NavItem>,
    pub(crate) crumbs: Vec<Crumb>,
    /// The person's name and roles; none before sign-in.
    pub(crate) me: Option<(String, String)>,
    /// The reader may open the wall.
    pub(crate) wall: bool,
    pub(crate) clock: When,
    pub(crate) zone: String,
    pub(crate) csrf: String,
    /// The search line's content.
    pub(crate) q: String,
    /// The address of this page, to come back to after a change of language or theme.
    pub(crate) here: String,
    pub(crate) toast: Option<Toast>,
    /// Only the main part is wanted (htmx).
    pub(crate) fragment: bool,
    /// The page holds the interactive chart.
    pub(crate) chart: bool,
}

impl Frame {
    fn asset(name: &str) -> &'static str {
        assets::url(name)
    }

    fn other_lang(&self) -> Lang {
        self.t.lang.other()
    }

    fn is_theme(&self, word: &str) -> bool {
        self.theme == word
    }

    fn themes(&self) -> [(&'static str, &'static str); 3] {
        [("auto", self.t.frame.theme_auto), ("light", self.t.frame.theme_light), ("dark", self.t.frame.theme_dark)]
    }
}

/// The heading of a page.
#[derive(Debug, Clone, Default)]
pub(crate) struct Head {
    pub(crate) title: String,
    /// The title is a value: fixed-width.
    pub(crate) mono: bool,
    pub(crate) badges: Vec<Cell>,
    pub(crate) lead: String,
}

impl Head {
    /// A heading of words.
    pub(crate) fn new(title: impl Into<String>, lead: impl Into<String>) -> Self {
        Self { title: title.into(), lead: lead.into(), ..Self::default() }
    }

    /// A heading with badges.
    pub(crate) fn badges(mut self, badges: Vec<Cell>) -> Self {
        self.badges = badges;
        self
    }

    /// A heading that is a value.
    pub(crate) const fn value(mut self) -> Self {
        self.mono = true;
        self
    }
}

/// A page of the desk.
#[derive(Debug, Clone, Template)]
#[template(path = "page.html")]
pub(crate) struct Page {
    pub(crate) f: Frame,
    pub(crate) head: Head,
    pub(crate) rows: Vec<Row>,
}

/// A page of the door: one card, no rail.
#[derive(Debug, Clone, Template)]
#[template(path = "door.html")]
pub(crate) struct DoorPage {
    pub(crate) f: Frame,
    pub(crate) head: Head,
    /// Steps of the wizard: how many there are and which one this is, from 1.
    pub(crate) steps: Option<(usize, usize)>,
    pub(crate) body: Vec<Body>,
    pub(crate) wide: bool,
}
