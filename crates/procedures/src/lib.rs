//! One file per joint procedure: what happens when.
