//! The enforcement agent: synchronise, apply, read back, probe, receipt, repair.
