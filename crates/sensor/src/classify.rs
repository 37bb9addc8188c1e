//! From a session's summary to its class, with the reason.

use serde::{Deserialize, Serialize};

/// Why a session has its class.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Reason {
    /// The rule's stable name.
    pub rule: String,
    /// The facts it matched on: name and value.
    pub facts: Vec<(String, String)>,
}
