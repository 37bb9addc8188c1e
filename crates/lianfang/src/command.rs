//! From words to deeds: one function per verb.

use lianfang_node::machine;

use crate::cli::{Cli, Command, Config, EdgeArgs, EdgeCommand, SensorArgs, SensorCommand};
use crate::exit::Failure;
use crate::{config, output};

mod audit;
mod block;
pub(crate) mod client;
mod demo;
mod desk;
mod doctor;
mod ingest;
mod intel;
mod keep;
mod manage;
mod org;
mod people;
mod recover;
pub(crate) mod serve;
mod session;

/// Runs the command that was typed.
pub(crate) async fn run(cli: Cli) -> Result<(), Failure> {
    match cli.command {
        Command::Serve(args) => serve::run(args).await,
        Command::Demo(args) => demo::run(args).await,
        Command::Sensor(args) => sensor(args).await,
        Command::Edge(args) => edge(args).await,
        Command::Ingest(args) => ingest::run(args).await,
        Command::SignIn(args) => session::sign_in(args).await,
        Command::SignOut { remote } => session::sign_out(&remote).await,
        Command::Whoami { remote } => session::whoami(&remote).await,
        Command::Org(command) => org::org(command).await,
        Command::Token(command) => manage::token(command).await,
        Command::User(command) => people::user(command).await,
        Command::Finding(command) => desk::finding(command).await,
        Command::Silence(command) => desk::silence(command).await,
        Command::Intel(command) => intel::intel(command).await,
        Command::Automatic(command) => desk::automatic(command).await,
        Command::Block(command) => block::run(command).await,
        Command::Night(command) => desk::night(command).await,
        Command::Api(args) => block::call(args).await,
        Command::Audit(command) => audit::run(command).await,
        Command::Doctor(args) => doctor::run(&args),
        Command::Backup(args) => keep::backup(args).await,
        Command::Restore(args) => keep::restore(args).await,
        Command::Config(command) => configuration(&command),
    }
}

async fn sensor(args: SensorArgs) -> Result<(), Failure> {
    match args.command {
        None => machine::run_sensor(&args.data, args.config.as_deref()).await,
        Some(SensorCommand::List { remote }) => manage::sensors(&remote).await,
        Some(SensorCommand::Revoke { remote, id }) => manage::revoke(&remote, "sensors", &id).await,
        Some(SensorCommand::Enrol(enrol)) => match enrol.join() {
            Some(join) => machine::enrol_sensor(&join).await,
            None => manage::enrol_code("sensors", &enrol).await,
        },
    }
}

async fn edge(args: EdgeArgs) -> Result<(), Failure> {
    match args.command {
        None => machine::run_edge(&args.data, args.config.as_deref()).await,
        Some(EdgeCommand::Points { remote }) => manage::points(&remote).await,
        Some(EdgeCommand::Revoke { remote, id }) => manage::revoke(&remote, "points", &id).await,
        Some(EdgeCommand::Enrol(enrol)) => match enrol.machine.join() {
            Some(join) => machine::enrol_edge(&join, enrol.driver).await,
            None => manage::enrol_code("points", &enrol.machine).await,
        },
        Some(EdgeCommand::Kill { state, data }) => machine::kill(state, &data),
    }
}

fn configuration(command: &Config) -> Result<(), Failure> {
    match command {
        Config::Check { file } => {
            config::load(Some(file), &[])?;
            output::line("valid");
        }
        Config::Show { file } => output::line(&config::text(&config::load(file.as_deref(), &[])?)),
        Config::Docs => output::line(&config::text(&config::Tree::default())),
    }
    Ok(())
}
