//! The room as its users see it: samples of every format, broken variations of them, and nothing that panics.

mod broken;
mod samples;
