//! Settings of an enforcement point.

use drivers::netns::Place;
use drivers::{Driver, FileConfig, FileList, Nft, NftConfig};
use serde::Deserialize;
use std::path::PathBuf;
use std::time::Duration;

use crate::error::AgentError;

/// What `lianfang edge` runs with.
#[derive(Debug, Clone)]
pub struct AgentConfig {
    /// The point's folder: identity, kept state, the local kill switch.
    pub folder: PathBuf,
    /// The engine.
    pub engine: EngineConfig,
    /// Rhythm of the agent's own work.
    pub rhythm: Rhythm,
}

impl AgentConfig {
    /// Settings with the usual rhythm.
    #[must_use]
    pub fn new(folder: PathBuf, engine: EngineConfig) -> Self {
        Self { folder, engine, rhythm: Rhythm::default() }
    }
}

/// Which engine enforces.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum EngineConfig {
    /// nftables.
    Nft {
        /// The table's name.
        #[serde(default = "default_name")]
        table: String,
        /// Begins the names of the namespaces and interfaces of the proof by packet: at most nine characters.
        #[serde(default = "default_name")]
        prefix: String,
        /// The named network namespace whose packets are filtered; none is the agent's own.
        #[serde(default)]
        namespace: Option<String>,
        /// Whether generations are proved by packet.
        #[serde(default = "default_prove")]
        prove: bool,
    },
    /// Plain lists.
    File {
        /// The folder of the lists.
        folder: PathBuf,
    },
}

impl Default for EngineConfig {
    fn default() -> Self {
        Self::Nft { table: default_name(), prefix: default_name(), namespace: None, prove: default_prove() }
    }
}

fn default_name() -> String {
    "lianfang".to_owned()
}

const fn default_prove() -> bool {
    true
}

impl EngineConfig {
    /// `nft` or `file`, as enrolment and receipts say it.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Nft { .. } => "nft",
            Self::File { .. } => "file",
        }
    }

    /// The driver.
    ///
    /// # Errors
    /// The engine is not there.
    pub fn open(&self) -> Result<Box<dyn Driver>, AgentError> {
        Ok(match self {
            Self::Nft { table, prefix, namespace, prove } => {
                let place = namespace.as_deref().map_or(Place::Here, Place::named);
                Box::new(Nft::open(NftConfig { table: table.clone(), place, prefix: prefix.clone(), prove: *prove })?)
            }
            Self::File { folder } => Box::new(FileList::open(FileConfig { folder: folder.clone() })),
        })
    }
}

/// How often the agent looks after itself.
#[derive(Debug, Clone, Copy)]
pub struct Rhythm {
    /// Ends of entries, the local kill switch and signs of foreign hands are looked at so often.
    pub tick: Duration,
    /// A random sample is read back so often.
    pub sample: Duration,
    /// The whole engine is compared so often.
    pub full: Duration,
    /// A sign of life is sent so often.
    pub heartbeat: Duration,
    /// The longest pause between two attempts to reach the centre.
    pub longest_pause: Duration,
    /// Without fresh news from the centre, entries stay so long behind their end: a renewal may be on its way.
    pub grace_secs: i64,
    /// The certificate is looked after so often.
    pub looks: link::Looks,
}

impl Default for Rhythm {
    fn default() -> Self {
        Self {
            tick: Duration::from_secs(1),
            sample: Duration::from_secs(60),
            full: Duration::from_secs(3_600),
            heartbeat: Duration::from_secs(30),
            longest_pause: Duration::from_secs(60),
            grace_secs: 900,
            looks: link::Looks::default(),
        }
    }
}
