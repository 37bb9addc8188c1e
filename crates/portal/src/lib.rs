//! Pages: server-rendered, zh-TW first, live with htmx, whole without script.
//!
//! **Enters:** requests of browsers, forms with their tokens. **Leaves:** pages, fragments, exports, topics of what changed.
//!
//! # Invariants
//! - Every control is a link or a form; scripts only make it quicker.
//! - Nothing inline, nothing of another origin: the content security policy allows neither.
//! - No handler that changes something runs before the form's token was checked.
//! - Markup stands in templates; everything shown is escaped there.

mod ctx;
mod desk;
mod door;
mod error;
mod query;
mod router;
mod view;
mod web;

#[cfg(test)]
mod fixture;

pub use ctx::{Client, Ctx, Identity};
pub use router::router;

/// Every code of this room, for the generated catalogue.
pub static ALL_CODES: &[&[&base::Code]] = &[error::CODES, query::CODES];
