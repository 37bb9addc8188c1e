//! How commands end: shared with the slim program.

pub(crate) use lianfang_node::Failure;
