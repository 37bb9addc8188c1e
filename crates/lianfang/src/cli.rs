//! The command line as it is typed.

use std::path::PathBuf;

use clap::{ArgMatches, Args, Parser, Subcommand};
use lianfang_node::cli::{Driver, Join, Switch};

mod block;
mod desk;
mod doctor;
mod intel;
mod keep;
mod org;
mod session;
mod user;

pub(crate) use block::{ApiCall, Block, BlockAdd};
pub(crate) use desk::{Automatic, AutomaticSet, Finding, Night, Silence, SilenceAdd};
pub(crate) use doctor::{Doctor, Profile};
pub(crate) use intel::Intel;
pub(crate) use keep::{BackupArgs, RestoreArgs};
pub(crate) use org::{Org, OrgAdd, OrgSet, PartKind};
pub(crate) use session::SignIn;
pub(crate) use user::{Invite, User};

/// Lianfang 聯防: one program for a joint cyber-defence centre.
#[derive(Debug, Parser)]
#[command(name = "lianfang", version, about, max_term_width = 110)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Where a running centre is and how to speak to it.
#[derive(Debug, Clone, Args)]
pub(crate) struct Remote {
    /// Address of the centre, for example https://127.0.0.1:8443
    #[arg(long, env = "LIANFANG_URL", default_value = "https://127.0.0.1:8443")]
    pub(crate) url: String,
    /// File that holds an API token, or the session that `lianfang sign-in` wrote
    #[arg(long, env = "LIANFANG_TOKEN_FILE")]
    pub(crate) token_file: Option<PathBuf>,
    /// Certificate authority of the centre (DATA/tls/ca.pem)
    #[arg(long, env = "LIANFANG_CA")]
    pub(crate) ca: Option<PathBuf>,
    /// JSON lines instead of a table
    #[arg(long)]
    pub(crate) json: bool,
    /// A key for this command (a fresh UUID): repeated within 24 hours with the same key, it is not done twice
    #[arg(long)]
    pub(crate) idempotency_key: Option<String>,
}

/// The verbs.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Start a centre
    Serve(Serve),
    /// Start a demo centre with genuine attacks and verified blocks
    Demo(Demo),
    /// Run a honeypot sensor, or manage sensors
    #[command(args_conflicts_with_subcommands = true)]
    Sensor(SensorArgs),
    /// Run an enforcement agent, or manage enforcement points
    #[command(args_conflicts_with_subcommands = true)]
    Edge(EdgeArgs),
    /// Send log files to a centre; every line is acknowledged
    Ingest(Ingest),
    /// Sign in as yourself: writes a session file that other verbs take as --token-file
    SignIn(SignIn),
    /// Sign out and remove the session file
    SignOut {
        #[command(flatten)]
        remote: Remote,
    },
    /// Who the token or the session is, and what it may do
    Whoami {
        #[command(flatten)]
        remote: Remote,
    },
    /// Organisations
    #[command(subcommand)]
    Org(Org),
    /// API tokens
    #[command(subcommand)]
    Token(Token),
    /// People
    #[command(subcommand)]
    User(User),
    /// Findings: what waits for a person
    #[command(subcommand)]
    Finding(Finding),
    /// Silences of noise
    #[command(subcommand)]
    Silence(Silence),
    /// Indicators
    #[command(subcommand)]
    Intel(Intel),
    /// The automatic path: what is published without a person
    #[command(subcommand)]
    Automatic(Automatic),
    /// Blocks and exceptions, and the kill switch
    #[command(subcommand)]
    Block(Block),
    /// Second looks at what one officer decided alone at night
    #[command(subcommand)]
    Night(Night),
    /// The audit tree: export and verify offline
    #[command(subcommand)]
    Audit(Audit),
    /// Any route of the API by its path
    Api(ApiCall),
    /// Examine an installation from its files and settings; needs no running centre and changes nothing
    Doctor(Doctor),
    /// Copy a centre's state, journal and keys into a folder, while it works
    Backup(BackupArgs),
    /// Put a backup into a new data folder, or rehearse it
    Restore(RestoreArgs),
    /// Check, show and explain the configuration
    #[command(subcommand)]
    Config(Config),
}

/// Whether machine output was asked for, by whichever verb was typed.
pub(crate) fn asks_json(typed: &ArgMatches) -> bool {
    let here = typed.try_get_one::<bool>("json").ok().flatten().copied().unwrap_or(false);
    here || typed.subcommand().is_some_and(|(_, deeper)| asks_json(deeper))
}

/// `lianfang serve`
#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// Data folder
    #[arg(long, default_value = "lianfang-data")]
    pub(crate) data: PathBuf,
    /// Configuration file (TOML)
    #[arg(long)]
    pub(crate) config: Option<PathBuf>,
    /// Address of the portal and the API
    #[arg(long)]
    pub(crate) listen: Option<String>,
    /// Address of the machine listener (sensors, enforcement points)
    #[arg(long)]
    pub(crate) listen_machines: Option<String>,
    /// Write an administrator token for automation into this file (mode 0600); that of the start before ends, and
    /// with it every token it made unless it is still in this file
    #[arg(long)]
    pub(crate) bootstrap_token_file: Option<PathBuf>,
}

/// `lianfang demo`
#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// Data folder of the demo
    #[arg(long, default_value = "lianfang-demo")]
    pub(crate) data: PathBuf,
    /// Address of the portal
    #[arg(long, default_value = "127.0.0.1:8443")]
    pub(crate) listen: String,
    /// The same seed gives the same attacks
    #[arg(long, default_value_t = 42)]
    pub(crate) seed: u64,
    /// End by itself after so many seconds
    #[arg(long)]
    pub(crate) seconds: Option<u64>,
    /// Inside a user namespace already (set by the program itself)
    #[arg(long, hide = true)]
    pub(crate) inside: bool,
    /// Remove everything a demo made, namespaces included
    #[arg(long)]
    pub(crate) remove: bool,
}

/// A machine joins: with a token this makes a one-time code; with a code this enrols the machine here.
#[derive(Debug, Clone, Args)]
pub(crate) struct Enrol {
    #[command(flatten)]
    pub(crate) remote: Remote,
    /// Code name of the organisation it belongs to (to make a code)
    #[arg(long)]
    pub(crate) org: Option<String>,
    /// Its name (to make a code)
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// The one-time code (to enrol this machine)
    #[arg(long)]
    pub(crate) code: Option<String>,
    /// Folder of this machine's identity (to enrol this machine)
    #[arg(long)]
    pub(crate) data: Option<PathBuf>,
}

impl Enrol {
    /// How this machine joins, when a code was given.
    pub(crate) fn join(&self) -> Option<Join> {
        let Remote { url, ca, json, .. } = self.remote.clone();
        let Self { code, name, data, .. } = self.clone();
        code.map(|code| Join { url, ca, code, name, data, json })
    }
}

/// `lianfang sensor`
#[derive(Debug, Args)]
pub(crate) struct SensorArgs {
    #[command(subcommand)]
    pub(crate) command: Option<SensorCommand>,
    /// Folder of the sensor's identity and spool
    #[arg(long, default_value = "lianfang-sensor")]
    pub(crate) data: PathBuf,
    /// Configuration file (TOML)
    #[arg(long)]
    pub(crate) config: Option<PathBuf>,
}

/// `lianfang sensor ...`
#[derive(Debug, Subcommand)]
pub(crate) enum SensorCommand {
    /// Make a one-time code, or enrol this machine with one
    Enrol(Enrol),
    /// The fleet
    List {
        #[command(flatten)]
        remote: Remote,
    },
    /// Revoke a sensor: nothing more is taken from it
    Revoke {
        #[command(flatten)]
        remote: Remote,
        /// Its id
        id: String,
    },
}

/// `lianfang edge`
#[derive(Debug, Args)]
pub(crate) struct EdgeArgs {
    #[command(subcommand)]
    pub(crate) command: Option<EdgeCommand>,
    /// Folder of the agent's identity and state
    #[arg(long, default_value = "lianfang-edge")]
    pub(crate) data: PathBuf,
    /// Configuration file (TOML)
    #[arg(long)]
    pub(crate) config: Option<PathBuf>,
}

/// `lianfang edge enrol`
#[derive(Debug, Args)]
pub(crate) struct EdgeEnrol {
    #[command(flatten)]
    pub(crate) machine: Enrol,
    /// The engine it drives (to enrol this machine)
    #[arg(long, value_enum, default_value_t = Driver::Nft)]
    pub(crate) driver: Driver,
}

/// `lianfang edge ...`
#[derive(Debug, Subcommand)]
pub(crate) enum EdgeCommand {
    /// Make a one-time code, or enrol this machine with one
    Enrol(EdgeEnrol),
    /// What is enforced where
    Points {
        #[command(flatten)]
        remote: Remote,
    },
    /// Revoke an enforcement point: it is told nothing more
    Revoke {
        #[command(flatten)]
        remote: Remote,
        /// Its id
        id: String,
    },
    /// Stop denying at this agent, or go on; needs no centre
    Kill {
        /// on or off
        state: Switch,
        /// Folder of the agent
        #[arg(long, default_value = "lianfang-edge")]
        data: PathBuf,
    },
}

/// `lianfang ingest`
#[derive(Debug, Args)]
pub(crate) struct Ingest {
    #[command(flatten)]
    pub(crate) remote: Remote,
    /// cowrie, opencanary or native
    #[arg(long)]
    pub(crate) format: String,
    /// Code name of the organisation the lines belong to; it must exist
    #[arg(long)]
    pub(crate) org: Option<String>,
    /// Files (- for standard input); .gz and .zst are read as they are
    #[arg(required = true)]
    pub(crate) files: Vec<PathBuf>,
}

/// `lianfang token ...`
#[derive(Debug, Subcommand)]
pub(crate) enum Token {
    /// Make a token; its secret is shown once
    Create(TokenCreate),
    /// Every token
    List {
        #[command(flatten)]
        remote: Remote,
    },
    /// Revoke a token
    Revoke {
        #[command(flatten)]
        remote: Remote,
        /// Its id
        id: String,
    },
}

/// `lianfang token create`
#[derive(Debug, Args)]
pub(crate) struct TokenCreate {
    #[command(flatten)]
    pub(crate) remote: Remote,
    /// What it is for
    #[arg(long)]
    pub(crate) name: String,
    /// A scope, for example ingest or read_feeds; may be given more than once
    #[arg(long = "scope", required = true)]
    pub(crate) scopes: Vec<String>,
    /// Code name of the organisation it is bound to; the centre itself when left out
    #[arg(long)]
    pub(crate) org: Option<String>,
    /// Days until it expires
    #[arg(long)]
    pub(crate) days: Option<i64>,
    /// Write the secret into this file (mode 0600) instead of printing it
    #[arg(long)]
    pub(crate) out: Option<PathBuf>,
}

/// `lianfang audit ...`
#[derive(Debug, Subcommand)]
pub(crate) enum Audit {
    /// Export the tree and the newest checkpoint; what the token may not see is there as its hash alone
    Export {
        #[command(flatten)]
        remote: Remote,
        /// File to write; standard output when left out
        #[arg(long)]
        out: Option<PathBuf>,
    },
    /// Search leaves, newest first
    Search {
        #[command(flatten)]
        remote: Remote,
        /// One action, for example intel.publish
        #[arg(long, group = "one")]
        action: Option<String>,
        /// One subject, for example indicator:0192...
        #[arg(long, group = "one")]
        subject: Option<String>,
        /// One actor, as a leaf shows it
        #[arg(long, group = "one")]
        actor: Option<String>,
        /// From this time on, RFC 3339
        #[arg(long)]
        since: Option<String>,
        /// How many at most
        #[arg(long, default_value_t = 100)]
        limit: u32,
    },
    /// Verify an export without the centre
    Verify {
        /// The exported file
        file: PathBuf,
        /// The signing key that is expected (hex); without it the key inside the export is used and shown
        #[arg(long)]
        key: Option<String>,
        /// An earlier checkpoint, kept elsewhere: the tree must have grown from it (a file with the signed note)
        #[arg(long)]
        earlier: Option<PathBuf>,
        /// Refuse an export in which entries are withheld
        #[arg(long)]
        whole: bool,
        /// JSON output
        #[arg(long)]
        json: bool,
    },
}

/// `lianfang config ...`
#[derive(Debug, Subcommand)]
pub(crate) enum Config {
    /// Is this file valid?
    Check {
        /// The file
        file: PathBuf,
    },
    /// The configuration in force: defaults, file, environment
    Show {
        /// The file
        #[arg(long)]
        file: Option<PathBuf>,
    },
    /// Every key with its default
    Docs,
}

#[cfg(test)]
mod tests;
