//! How commands end: 0 done, 1 refused or failed, 2 usage, 65 bad input data, 78 bad configuration.

use std::path::Path;
use std::process::ExitCode;

use base::{Coded, Problem};

use crate::output;

/// Why a command did not do what was asked.
#[derive(Debug)]
pub struct Failure {
    status: u8,
    code: Option<String>,
    message: String,
}

impl Failure {
    /// Refused or failed: 1.
    #[must_use]
    pub fn refused(message: impl Into<String>) -> Self {
        Self { status: 1, code: None, message: message.into() }
    }

    /// Used the wrong way: 2.
    #[must_use]
    pub fn usage(message: impl Into<String>) -> Self {
        Self { status: 2, code: None, message: message.into() }
    }

    /// The input data is not what it should be: 65.
    #[must_use]
    pub fn data(message: impl Into<String>) -> Self {
        Self { status: 65, code: None, message: message.into() }
    }

    /// The configuration is not valid: 78.
    #[must_use]
    pub fn config(error: &impl Coded) -> Self {
        Self { status: 78, ..Self::coded(error) }
    }

    /// A coded error: 1.
    #[must_use]
    pub fn coded(error: &impl Coded) -> Self {
        let problem: Problem = error.problem();
        let cause = error.to_string();
        let shown = problem.to_string();
        let message = if cause == shown || problem.detail == cause { shown } else { format!("{shown} [{cause}]") };
        Self { status: 1, code: Some(problem.code.id.to_owned()), message }
    }

    /// The same with the code another centre gave.
    #[must_use]
    pub fn with_code(self, code: String) -> Self {
        Self { code: Some(code), ..self }
    }

    /// Prints the failure to standard error, as JSON where asked, and gives the exit code.
    pub fn report(&self, json: bool) -> ExitCode {
        if json {
            let line = serde_json::json!({"kind": "error", "code": self.code, "message": self.message});
            output::error_line(&line.to_string());
        } else {
            output::error_line(&format!("{}: {}", program(), self.message));
        }
        ExitCode::from(self.status)
    }
}

impl<E: Coded> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::coded(&error)
    }
}

/// The name this program was called by.
#[must_use]
pub fn program() -> String {
    let called = std::env::args_os().next().unwrap_or_default();
    Path::new(&called).file_name().map_or_else(|| "lianfang".to_owned(), |name| name.to_string_lossy().into_owned())
}
