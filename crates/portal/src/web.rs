//! The web side of every page: who visits, forms with their tokens, answers with their heads, lists, live news.

pub(crate) mod answer;
pub(crate) mod cookie;
pub(crate) mod files;
pub(crate) mod list;
pub(crate) mod live;
pub(crate) mod posted;
pub(crate) mod visit;

pub(crate) use posted::Posted;
pub(crate) use visit::Guest;
