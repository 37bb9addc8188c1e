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
    let cli = cli::Cli::parse();
    lianfang_node::start(cli.json(), command::run(cli))
}
