//! Doors for programs: JSON routes with OpenAPI 3.1, ingest, feeds, the machine listener, TLS.
//!
//! Handlers are thin: authenticate, parse, call one service, render. No rule of a domain lives here.
//!
//! **Enters:** HTTP. **Leaves:** JSON, lists, problems (RFC 9457).
//!
//! # Invariants
//! - A route without a rule does not exist: routes are made only through the route table.
//! - Nothing is acknowledged before the journal has it on disk.
//! - Machines have their own listener; browsers are never asked for certificates.

pub mod listen;
pub mod pki;
pub mod problem;
