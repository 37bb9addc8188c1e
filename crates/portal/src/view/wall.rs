//! The TV wall: one page of its own, without rail, bar or form.

use askama::Template;
use text::Words;

use crate::view::cell::ui;
use crate::view::{Cell, Tone, When};

/// How bad it is.
#[derive(Debug)]
pub(crate) struct Level {
    pub(crate) tone: Tone,
    pub(crate) word: &'static str,
    pub(crate) reasons: Vec<&'static str>,
}

/// One class of the last hour.
#[derive(Debug)]
pub(crate) struct Bar {
    pub(crate) class: &'static str,
    pub(crate) name: String,
    pub(crate) count: String,
    /// Of the busiest, percent.
    pub(crate) width: u64,
}

/// One thing that is late.
#[derive(Debug)]
pub(crate) struct Late {
    pub(crate) tone: Tone,
    pub(crate) word: String,
    pub(crate) what: String,
    pub(crate) age: Option<When>,
}

/// One number with its words.
#[derive(Debug)]
pub(crate) struct Tile {
    pub(crate) label: &'static str,
    pub(crate) number: String,
    pub(crate) note: String,
    pub(crate) tone: Tone,
}

/// The wall.
#[derive(Debug, Template)]
#[template(path = "wall.html")]
pub(crate) struct WallPage {
    pub(crate) t: &'static Words,
    pub(crate) theme: &'static str,
    pub(crate) centre: String,
    pub(crate) demo: bool,
    pub(crate) zone: String,
    pub(crate) now: When,
    pub(crate) tlp: Cell,
    pub(crate) level: Level,
    pub(crate) hour: String,
    pub(crate) before: String,
    pub(crate) bars: Vec<Bar>,
    pub(crate) late: Vec<Late>,
    pub(crate) more_late: u64,
    pub(crate) tiles: Vec<Tile>,
}

impl WallPage {
    fn asset(name: &str) -> &'static str {
        assets::url(name)
    }
}
