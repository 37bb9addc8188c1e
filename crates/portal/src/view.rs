//! What pages are made of: small structs, each with its template; pages are compositions of them.
//!
//! Words come from `text`, markup stays in `templates/`. Every struct here escapes what it shows; a struct may
//! stand in another's template because [`component`] marks its rendering as safe.

pub(crate) mod body;
pub(crate) mod cell;
pub(crate) mod chart;
pub(crate) mod form;
pub(crate) mod frame;
pub(crate) mod look;
pub(crate) mod passkey;
pub(crate) mod seen;
pub(crate) mod table;
pub(crate) mod url;
pub(crate) mod wall;

pub(crate) use body::{Body, Facts, Panel, Row, Step, Tile, Tree};
pub(crate) use cell::{Badge, Cell, Tone, When};
pub(crate) use form::{Act, Choice, Field, Form};
pub(crate) use frame::{Crumb, Frame, Head, Page};
pub(crate) use look::Look;
pub(crate) use table::{Column, Empty, Filter, Pager, Tab, Table};

/// Marks templates as already escaped, so that they may stand inside other templates.
macro_rules! component {
    ($($ty:ty),* $(,)?) => {$( impl askama::filters::HtmlSafe for $ty {} )*};
}
pub(crate) use component;
