//! The program: one binary, roles by subcommand. This file only parses words and picks the role.

use std::process::ExitCode;

use clap::Parser;

mod centre;
mod cli;
mod codes;
mod command;
mod config;
mod exit;
mod folder;
mod keys;
mod landscape;
mod output;
mod schema;
mod upkeep;

fn main() -> ExitCode {
    // One provider for the whole process; a second call (tests) changes nothing.
    let _already = rustls::crypto::ring::default_provider().install_default();
    let cli = cli::Cli::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return exit::Failure::refused(format!("cannot start the async runtime: {error}")).report(false),
    };
    let json = cli.json();
    match runtime.block_on(command::run(cli)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(json),
    }
}
