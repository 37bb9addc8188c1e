//! The slim program: `lianfang-node sensor` and `lianfang-node edge`, with the words of the large one.

use std::process::ExitCode;

use clap::Parser;
use lianfang_node::cli::{Cli, Command, Edge, EdgeCommand, Sensor, SensorCommand};
use lianfang_node::{Failure, machine};

fn main() -> ExitCode {
    let cli = Cli::parse();
    lianfang_node::start(cli.json(), run(cli))
}

async fn run(cli: Cli) -> Result<(), Failure> {
    match cli.command {
        Command::Sensor(Sensor { command: Some(SensorCommand::Enrol(join)), .. }) => machine::enrol_sensor(&join).await,
        Command::Sensor(Sensor { command: None, data, config }) => machine::run_sensor(&data, config.as_deref()).await,
        Command::Edge(Edge { command: Some(EdgeCommand::Enrol { join, driver }), .. }) => {
            machine::enrol_edge(&join, driver).await
        }
        Command::Edge(Edge { command: Some(EdgeCommand::Kill { state, data }), .. }) => machine::kill(state, &data),
        Command::Edge(Edge { command: None, data, config }) => machine::run_edge(&data, config.as_deref()).await,
    }
}
