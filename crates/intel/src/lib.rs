//! Indicators as STIX objects: draft, review, approve, publish, revoke, expire; provenance and score.
