//! Forms: every act of the portal is a form first.

#![allow(unused_qualifications, reason = "askama writes the paths of an enum's variants in full")]

use askama::Template;
use text::Words;

use crate::view::component;

/// One choice of a field.
#[derive(Debug, Clone)]
pub(crate) struct Choice {
    pub(crate) value: String,
    pub(crate) label: String,
    pub(crate) chosen: bool,
}

impl Choice {
    /// A choice.
    pub(crate) fn new(value: impl Into<String>, label: impl Into<String>, chosen: bool) -> Self {
        Self { value: value.into(), label: label.into(), chosen }
    }
}

/// What a field takes.
#[derive(Debug, Clone)]
pub(crate) enum Kind {
    /// One line; the `type` and `autocomplete` of the input.
    Line {
        kind: &'static str,
        autocomplete: &'static str,
    },
    Area,
    Hidden,
    One(Vec<Choice>),
    Many(Vec<Choice>),
}

/// One field of a form.
#[derive(Debug, Clone)]
pub(crate) struct Field {
    pub(crate) name: &'static str,
    pub(crate) label: String,
    pub(crate) kind: Kind,
    pub(crate) value: String,
    pub(crate) hint: &'static str,
    pub(crate) wrong: String,
    pub(crate) required: bool,
}

impl Field {
    fn new(name: &'static str, label: &str, kind: Kind, required: bool) -> Self {
        Self { name, label: label.to_owned(), kind, value: String::new(), hint: "", wrong: String::new(), required }
    }

    /// A line of text that must be filled.
    pub(crate) fn line(name: &'static str, label: &str) -> Self {
        Self::new(name, label, Kind::Line { kind: "text", autocomplete: "off" }, true)
    }

    /// A line of another input type.
    pub(crate) fn typed(name: &'static str, label: &str, kind: &'static str, autocomplete: &'static str) -> Self {
        Self::new(name, label, Kind::Line { kind, autocomplete }, true)
    }

    /// Several lines.
    pub(crate) fn area(name: &'static str, label: &str) -> Self {
        Self::new(name, label, Kind::Area, true)
    }

    /// A hidden value.
    pub(crate) fn hidden(name: &'static str, value: impl Into<String>) -> Self {
        Self { value: value.into(), ..Self::new(name, "", Kind::Hidden, false) }
    }

    /// One of several.
    pub(crate) fn one(name: &'static str, label: &str, choices: Vec<Choice>) -> Self {
        Self::new(name, label, Kind::One(choices), true)
    }

    /// Any of several.
    pub(crate) fn many(name: &'static str, label: &str, choices: Vec<Choice>) -> Self {
        Self::new(name, label, Kind::Many(choices), false)
    }

    /// The same field with a value.
    pub(crate) fn value(mut self, value: impl Into<String>) -> Self {
        self.value = value.into();
        self
    }

    /// The same field with a hint.
    pub(crate) const fn hint(mut self, hint: &'static str) -> Self {
        self.hint = hint;
        self
    }

    /// The same field, which may stay empty.
    pub(crate) const fn optional(mut self) -> Self {
        self.required = false;
        self
    }

    /// The same field with what is wrong about it.
    pub(crate) fn wrong(mut self, wrong: impl Into<String>) -> Self {
        self.wrong = wrong.into();
        self
    }
}

/// A form that posts.
#[derive(Debug, Clone, Template)]
#[template(path = "part/form.html")]
pub(crate) struct Form {
    pub(crate) t: &'static Words,
    /// Unique on its page; prefixes the ids of its fields.
    pub(crate) id: String,
    pub(crate) action: String,
    pub(crate) csrf: String,
    pub(crate) fields: Vec<Field>,
    pub(crate) submit: String,
    /// `primary`, `danger`, `quiet` or nothing.
    pub(crate) style: &'static str,
    /// Fields stand side by side.
    pub(crate) across: bool,
    /// What the keyboard calls its button (`data-key`), where it has a key and no summary in front.
    pub(crate) key: &'static str,
}

/// One act: a button that posts at once, a fold that asks for what is needed first, or a page that shows more first.
#[derive(Debug, Clone, Template)]
#[template(path = "part/act.html")]
pub(crate) enum Act {
    Now(Form),
    Ask { words: String, lead: String, style: &'static str, key: &'static str, form: Form },
    Go { href: String, words: String, style: &'static str, key: &'static str },
}

impl Act {
    /// A button that posts at once.
    pub(crate) const fn now(form: Form) -> Self {
        Self::Now(form)
    }

    /// A fold that asks first.
    pub(crate) fn ask(words: impl Into<String>, lead: impl Into<String>, style: &'static str, form: Form) -> Self {
        Self::Ask { words: words.into(), lead: lead.into(), style, key: "", form }
    }

    /// A page of its own.
    pub(crate) fn go(href: impl Into<String>, words: &str) -> Self {
        Self::Go { href: href.into(), words: words.to_owned(), style: "", key: "" }
    }

    /// The same act with its key.
    pub(crate) fn key(mut self, name: &'static str) -> Self {
        match &mut self {
            Self::Now(form) => form.key = name,
            Self::Ask { key, .. } | Self::Go { key, .. } => *key = name,
        }
        self
    }
}

component!(Form, Act);
