//! The room as its users see it, on both databases.

mod fleet;
mod history;
mod intake;
mod orders;
mod support;
