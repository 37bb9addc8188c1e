//! The program: one binary, roles by subcommand. This file only parses words and picks the role.

use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches};

mod backup;
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
    let typed = cli::Cli::command().get_matches();
    let json = cli::asks_json(&typed);
    match cli::Cli::from_arg_matches(&typed) {
        Ok(cli) => lianfang_node::start(json, command::run(cli)),
        Err(error) => error.exit(),
    }
}
