//! Panels and what stands in them, and the rows a page is laid out in.

#![allow(unused_qualifications, reason = "askama writes the paths of an enum's variants in full")]

use askama::Template;
use text::Words;

use crate::view::cell::ui;
use crate::view::chart::Chart;
use crate::view::component;
use crate::view::passkey::Passkey;
use crate::view::{Act, Badge, Cell, Empty, Form, Tab, Table, When};

/// Names with their values.
#[derive(Debug, Clone, Template)]
#[template(path = "part/facts.html")]
pub(crate) struct Facts {
    pub(crate) wide: bool,
    pub(crate) rows: Vec<(String, Cell)>,
}

impl Facts {
    /// Names above values, side by side.
    pub(crate) fn wide(rows: Vec<(&str, Cell)>) -> Self {
        Self { wide: true, rows: rows.into_iter().map(|(k, v)| (k.to_owned(), v)).collect() }
    }

    /// Names left of values.
    pub(crate) fn tall(rows: Vec<(&str, Cell)>) -> Self {
        Self { wide: false, ..Self::wide(rows) }
    }
}

/// One state of a strip.
#[derive(Debug, Clone)]
pub(crate) struct Step {
    /// `done`, `now`, `bad` or nothing.
    pub(crate) class: &'static str,
    pub(crate) name: String,
    /// For screen readers: done, now, to come.
    pub(crate) said: &'static str,
    pub(crate) who: String,
    pub(crate) when: Option<When>,
}

/// One entry of a transcript.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    pub(crate) clock: String,
    pub(crate) iso: String,
    pub(crate) kind: String,
    pub(crate) text: String,
    pub(crate) mark: Option<Badge>,
    pub(crate) loud: bool,
}

/// One node of a tree.
#[derive(Debug, Clone, Template)]
#[template(path = "part/tree.html")]
pub(crate) struct Tree {
    pub(crate) href: String,
    pub(crate) name: String,
    pub(crate) note: Vec<Cell>,
    pub(crate) below: Vec<Self>,
}

/// Something with a number that leads somewhere.
#[derive(Debug, Clone)]
pub(crate) struct Tile {
    pub(crate) number: String,
    pub(crate) label: String,
    pub(crate) href: String,
}

/// What stands in a panel.
#[derive(Debug, Clone, Template)]
#[template(path = "part/body.html")]
pub(crate) enum Body {
    Facts(Facts),
    Table(Box<Table>),
    Acts(Vec<Act>),
    Form(Form),
    /// The form of the boxes ticked above it.
    Bulk {
        t: &'static Words,
        form: Form,
    },
    Strip(Vec<Step>),
    Lines(Vec<Line>),
    Chart(Box<Chart>),
    Tree(Vec<Tree>),
    Text(String),
    Verdict(String),
    Note {
        tone: &'static str,
        text: String,
    },
    Cells(Vec<Cell>),
    Empty(Empty),
    /// A line to paste, with its copy button.
    Command {
        t: &'static Words,
        text: String,
    },
    Codes(Vec<String>),
    /// Folded away until asked for.
    Fold {
        summary: String,
        text: String,
        t: &'static Words,
    },
    /// The squares of a QR code: side and one path of unit squares.
    Qr {
        label: String,
        side: usize,
        path: String,
    },
    Keys {
        t: &'static Words,
    },
    /// Asks the browser for a passkey.
    Passkey(Box<Passkey>),
    /// A form that works with script only.
    Scripted(Form),
    /// A note for browsers without script.
    Unscripted(String),
}

/// A surface with a heading.
#[derive(Debug, Clone, Template)]
#[template(path = "part/panel.html")]
pub(crate) struct Panel {
    pub(crate) id: &'static str,
    pub(crate) title: String,
    pub(crate) lead: String,
    pub(crate) tools: Vec<Cell>,
    pub(crate) body: Vec<Body>,
    pub(crate) live: Option<(&'static str, String)>,
}

impl Panel {
    /// A panel.
    pub(crate) fn new(id: &'static str, title: impl Into<String>, body: Vec<Body>) -> Self {
        Self { id, title: title.into(), lead: String::new(), tools: Vec::new(), body, live: None }
    }

    /// The same with a lead.
    pub(crate) fn lead(mut self, lead: impl Into<String>) -> Self {
        self.lead = lead.into();
        self
    }

    /// The same with links in its head.
    pub(crate) fn tools(mut self, tools: Vec<Cell>) -> Self {
        self.tools = tools;
        self
    }

    /// The same, which asks for itself again when a topic changes.
    pub(crate) fn live(mut self, topics: &'static str, here: impl Into<String>) -> Self {
        self.live = Some((topics, here.into()));
        self
    }
}

/// One row of a page.
#[derive(Debug, Clone, Template)]
#[template(path = "part/row.html")]
pub(crate) enum Row {
    Full(Panel),
    /// Three fifths and two fifths.
    Split(Vec<Panel>, Vec<Panel>),
    Even(Vec<Panel>, Vec<Panel>),
    Tiles {
        label: String,
        tiles: Vec<Tile>,
        live: Option<(&'static str, String)>,
    },
    Note {
        tone: &'static str,
        text: String,
    },
    Acts(Vec<Act>),
    /// Choices of what the page is about.
    Tabs {
        label: String,
        tabs: Vec<Tab>,
    },
    Queue(Box<Queue>),
}

/// One group of the queue.
#[derive(Debug, Clone)]
pub(crate) struct Group {
    pub(crate) href: String,
    pub(crate) label: String,
    pub(crate) count: String,
    pub(crate) current: bool,
}

/// One finding of the queue.
#[derive(Debug, Clone)]
pub(crate) struct Item {
    /// The queue with this one chosen.
    pub(crate) href: String,
    pub(crate) sentence: String,
    pub(crate) meta: Vec<Cell>,
    pub(crate) chosen: bool,
    /// Its box, where several can be acted on at once.
    pub(crate) pick: Option<Cell>,
}

/// The findings queue: groups left, findings in the middle, the chosen one right.
#[derive(Debug, Clone)]
pub(crate) struct Queue {
    pub(crate) t: &'static Words,
    pub(crate) here: String,
    pub(crate) tabs: Vec<Tab>,
    pub(crate) groups: Vec<Group>,
    pub(crate) items: Vec<Item>,
    /// Brings the query line, the foot and what an empty queue says.
    pub(crate) list: Table,
    pub(crate) shown: String,
    /// The form of the ticked boxes.
    pub(crate) bulk: Option<Form>,
    pub(crate) preview: Panel,
}

impl Body {
    /// Whether it stands at the panel's edge without padding.
    const fn bleeds(&self) -> bool {
        matches!(self, Self::Table(_) | Self::Empty(_) | Self::Lines(_) | Self::Bulk { .. })
    }
}

component!(Facts, Tree, Body, Panel, Row);
