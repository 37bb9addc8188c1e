//! The room on both databases.

mod belongings;
mod tree;
mod whose;
mod world;
