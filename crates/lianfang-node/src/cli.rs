//! The command line of the slim program as it is typed, and the words it shares with the large one.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::machine;

/// Lianfang 聯防 on a machine: a honeypot sensor or an enforcement agent.
#[derive(Debug, Parser)]
#[command(name = "lianfang-node", version, about, max_term_width = 110)]
pub struct Cli {
    /// What to do
    #[command(subcommand)]
    pub command: Command,
}

impl Cli {
    /// Whether machine output was asked for.
    #[must_use]
    pub const fn json(&self) -> bool {
        match &self.command {
            Command::Sensor(Sensor { command: Some(SensorCommand::Enrol(join)), .. })
            | Command::Edge(Edge { command: Some(EdgeCommand::Enrol { join, .. }), .. }) => join.json,
            _ => false,
        }
    }
}

/// The verbs.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run a honeypot sensor, or enrol this machine as one
    #[command(args_conflicts_with_subcommands = true)]
    Sensor(Sensor),
    /// Run an enforcement agent, or enrol this machine as one
    #[command(args_conflicts_with_subcommands = true)]
    Edge(Edge),
}

/// `lianfang-node sensor`
#[derive(Debug, Args)]
pub struct Sensor {
    /// What to do instead of running
    #[command(subcommand)]
    pub command: Option<SensorCommand>,
    /// Folder of the sensor's identity and spool
    #[arg(long, default_value = machine::SENSOR)]
    pub data: PathBuf,
    /// Configuration file (TOML)
    #[arg(long)]
    pub config: Option<PathBuf>,
}

/// `lianfang-node sensor ...`
#[derive(Debug, Subcommand)]
pub enum SensorCommand {
    /// Enrol this machine with a one-time code
    Enrol(Join),
}

/// `lianfang-node edge`
#[derive(Debug, Args)]
pub struct Edge {
    /// What to do instead of running
    #[command(subcommand)]
    pub command: Option<EdgeCommand>,
    /// Folder of the agent's identity and state
    #[arg(long, default_value = machine::EDGE)]
    pub data: PathBuf,
    /// Configuration file (TOML)
    #[arg(long)]
    pub config: Option<PathBuf>,
}

/// `lianfang-node edge ...`
#[derive(Debug, Subcommand)]
pub enum EdgeCommand {
    /// Enrol this machine with a one-time code
    Enrol {
        /// How it joins
        #[command(flatten)]
        join: Join,
        /// The engine it drives
        #[arg(long, value_enum, default_value_t = Driver::Nft)]
        driver: Driver,
    },
    /// Stop denying at this agent, or go on; needs no centre
    Kill {
        /// on or off
        state: Switch,
        /// Folder of the agent
        #[arg(long, default_value = machine::EDGE)]
        data: PathBuf,
    },
}

/// How a machine joins a centre.
#[derive(Debug, Clone, Args)]
pub struct Join {
    /// Address of the centre, for example https://127.0.0.1:8443
    #[arg(long, env = "LIANFANG_URL", default_value = "https://127.0.0.1:8443")]
    pub url: String,
    /// Certificate authority of the centre (DATA/tls/ca.pem)
    #[arg(long, env = "LIANFANG_CA")]
    pub ca: Option<PathBuf>,
    /// The one-time code
    #[arg(long)]
    pub code: String,
    /// Its name; the name of the host when left out
    #[arg(long)]
    pub name: Option<String>,
    /// Folder of this machine's identity
    #[arg(long)]
    pub data: Option<PathBuf>,
    /// A failure as JSON
    #[arg(long)]
    pub json: bool,
}

/// Engines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Driver {
    /// nftables
    Nft,
    /// Plain lists
    File,
}

/// On or off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Switch {
    /// Nothing is denied any more
    On,
    /// Enforce again
    Off,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn words_fit_together() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_code_is_needed_to_enrol_and_nothing_to_run() {
        assert!(Cli::try_parse_from(["lianfang-node", "sensor"]).is_ok());
        assert!(Cli::try_parse_from(["lianfang-node", "edge", "enrol"]).is_err());
        let words = ["lianfang-node", "edge", "enrol", "--code", "x", "--driver", "file", "--json"];
        let cli = Cli::try_parse_from(words).unwrap();
        assert!(cli.json());
        let Command::Edge(Edge { command: Some(EdgeCommand::Enrol { driver, join }), .. }) = cli.command else {
            panic!("not an enrolment")
        };
        assert_eq!((driver, join.code.as_str()), (Driver::File, "x"));
    }
}
