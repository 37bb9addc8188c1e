//! `lianfang backup` and `lianfang restore`, as they are typed.

use std::path::PathBuf;

use clap::Args;

/// `lianfang backup`
#[derive(Debug, Args)]
pub(crate) struct BackupArgs {
    /// Data folder of the centre, which may be running
    #[arg(long, default_value = "lianfang-data")]
    pub(crate) data: PathBuf,
    /// The configuration file it is served with
    #[arg(long)]
    pub(crate) config: Option<PathBuf>,
    /// The folder to make; as secret as the centre itself
    #[arg(long)]
    pub(crate) to: PathBuf,
    /// JSON instead of words
    #[arg(long)]
    pub(crate) json: bool,
}

/// `lianfang restore`
#[derive(Debug, Args)]
pub(crate) struct RestoreArgs {
    /// The folder that `lianfang backup` made
    #[arg(long)]
    pub(crate) from: PathBuf,
    /// The new data folder
    #[arg(long, required_unless_present = "rehearse")]
    pub(crate) data: Option<PathBuf>,
    /// The configuration file it will be served with
    #[arg(long)]
    pub(crate) config: Option<PathBuf>,
    /// Restore beside the backup, compare, and keep nothing
    #[arg(long)]
    pub(crate) rehearse: bool,
    /// JSON instead of words
    #[arg(long)]
    pub(crate) json: bool,
}
