//! Embedded style sheet, script and pictures; a leaf.
