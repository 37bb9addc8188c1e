//! Tables and lists: filters in the address, keyset paging, export of what one sees.

use askama::Template;
use text::Words;

use crate::view::cell::ui;
use crate::view::component;
use crate::view::{Cell, Form, When};

/// What an empty place says: what is missing and who can fix it.
#[derive(Debug, Clone, Template)]
#[template(path = "part/empty.html")]
pub(crate) struct Empty {
    pub(crate) title: String,
    pub(crate) act: String,
    pub(crate) link: Option<(String, String)>,
    pub(crate) good: bool,
}

impl Empty {
    /// Something is missing; this is what to do.
    pub(crate) fn new(title: &str, act: &str) -> Self {
        Self { title: title.to_owned(), act: act.to_owned(), link: None, good: false }
    }

    /// Nothing to do is good news.
    pub(crate) fn good(title: &str) -> Self {
        Self { title: title.to_owned(), act: String::new(), link: None, good: true }
    }

    /// The same with a link.
    pub(crate) fn link(mut self, href: &str, text: &str) -> Self {
        self.link = Some((href.to_owned(), text.to_owned()));
        self
    }
}

/// One column.
#[derive(Debug, Clone)]
pub(crate) struct Column {
    /// The stable name in exports.
    pub(crate) name: &'static str,
    pub(crate) label: &'static str,
    pub(crate) num: bool,
}

impl Column {
    /// A column of words.
    pub(crate) const fn new(name: &'static str, label: &'static str) -> Self {
        Self { name, label, num: false }
    }

    /// A column of numbers.
    pub(crate) const fn num(name: &'static str, label: &'static str) -> Self {
        Self { name, label, num: true }
    }
}

/// One row.
#[derive(Debug, Clone)]
pub(crate) struct TableRow {
    pub(crate) cells: Vec<Cell>,
}

/// One choice above a list.
#[derive(Debug, Clone)]
pub(crate) struct Tab {
    pub(crate) label: String,
    pub(crate) href: String,
    pub(crate) current: bool,
}

/// The filter of a list: tabs and the query line.
#[derive(Debug, Clone)]
pub(crate) struct Filter {
    pub(crate) action: String,
    pub(crate) q: String,
    /// Other state that must survive the query form.
    pub(crate) keep: Vec<(String, String)>,
    pub(crate) tabs: Vec<Tab>,
    /// What is wrong with the query: sentence and hint.
    pub(crate) problem: Option<(String, String)>,
    pub(crate) fields: Vec<(&'static str, String)>,
    pub(crate) searchable: bool,
    /// Where this query is saved; none while there is nothing to save.
    pub(crate) save: Option<String>,
    /// The saved searches of this list.
    pub(crate) saved: String,
}

/// The foot of a list.
#[derive(Debug, Clone)]
pub(crate) struct Pager {
    pub(crate) next: Option<String>,
    pub(crate) first: Option<String>,
    pub(crate) csv: String,
    pub(crate) ndjson: String,
    pub(crate) as_of: When,
    pub(crate) marking: Option<Cell>,
}

/// A table, alone or as a list with filter and foot.
#[derive(Debug, Clone, Template)]
#[template(path = "part/table.html")]
pub(crate) struct Table {
    pub(crate) t: &'static Words,
    pub(crate) id: &'static str,
    pub(crate) caption: String,
    /// Topics that make it ask for itself again, and the address it asks.
    pub(crate) live: Option<(&'static str, String)>,
    pub(crate) columns: Vec<Column>,
    pub(crate) rows: Vec<TableRow>,
    pub(crate) filter: Option<Filter>,
    pub(crate) pager: Option<Pager>,
    pub(crate) empty: Empty,
}

impl Table {
    /// A table without filter and foot.
    pub(crate) fn new(t: &'static Words, id: &'static str, caption: &str, columns: Vec<Column>, empty: Empty) -> Self {
        Self {
            t,
            id,
            caption: caption.to_owned(),
            live: None,
            columns,
            rows: Vec::new(),
            filter: None,
            pager: None,
            empty,
        }
    }

    /// Adds a row.
    pub(crate) fn push(&mut self, cells: Vec<Cell>) {
        debug_assert_eq!(cells.len(), self.columns.len(), "a row of {} has another width", self.id);
        self.rows.push(TableRow { cells });
    }

    /// The same with rows.
    pub(crate) fn rows(mut self, rows: impl IntoIterator<Item = Vec<Cell>>) -> Self {
        for cells in rows {
            self.push(cells);
        }
        self
    }

    /// The same, which asks for itself again when a topic changes.
    pub(crate) fn live(mut self, topics: &'static str, here: String) -> Self {
        self.live = Some((topics, here));
        self
    }

    /// How many rows are shown.
    fn shown(&self) -> String {
        self.t.rows(self.rows.len() as u64)
    }
}

/// A form in a cell, for acts on a row.
pub(crate) fn form_cell(form: Form) -> Cell {
    Cell::Form(Box::new(form))
}

component!(Empty, Table);
