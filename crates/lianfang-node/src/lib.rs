//! What a sensor or an enforcement point needs of the command line: enrol with a code, then run.
//!
//! The large program `lianfang` uses these functions for the same words; the small one, `lianfang-node`, is these words
//! and nothing else. This room must not reach a database, the portal or the centre's half of the room `edge`.
//!
//! **Enters:** words of the command line, settings files. **Leaves:** a running sensor or agent, an exit code.

use std::process::ExitCode;

pub mod cli;
pub mod exit;
pub mod machine;
pub mod output;

pub use exit::Failure;

/// Runs a command to its end, on the async runtime, with the process-wide TLS provider in place.
pub fn start(json: bool, command: impl Future<Output = Result<(), Failure>>) -> ExitCode {
    // One provider for the whole process; a second call (tests) changes nothing.
    let _already = rustls::crypto::ring::default_provider().install_default();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return Failure::refused(format!("cannot start the async runtime: {error}")).report(json),
    };
    match runtime.block_on(command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(json),
    }
}
