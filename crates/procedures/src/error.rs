//! What can go wrong in a procedure: what goes wrong in the rooms it joins.

use base::{Coded, Problem};

/// What can go wrong in a procedure.
#[derive(Debug, thiserror::Error)]
pub enum ProcedureError {
    /// Findings.
    #[error(transparent)]
    Detect(#[from] detect::DetectError),
    /// Indicators.
    #[error(transparent)]
    Intel(#[from] intel::IntelError),
    /// Enforcement.
    #[error(transparent)]
    Edge(#[from] edge::EdgeError),
    /// Sign-in, roles, second looks.
    #[error(transparent)]
    Access(#[from] access::AccessError),
    /// The store.
    #[error(transparent)]
    Store(#[from] store::StoreError),
}

impl Coded for ProcedureError {
    fn problem(&self) -> Problem {
        match self {
            Self::Detect(error) => error.problem(),
            Self::Intel(error) => error.problem(),
            Self::Edge(error) => error.problem(),
            Self::Access(error) => error.problem(),
            Self::Store(error) => error.problem(),
        }
    }
}
