//! `lianfang doctor` as it is typed.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// `lianfang doctor`
#[derive(Debug, Args)]
pub(crate) struct Doctor {
    /// Data folder
    #[arg(long, default_value = "lianfang-data")]
    pub(crate) data: PathBuf,
    /// Configuration file (TOML)
    #[arg(long)]
    pub(crate) config: Option<PathBuf>,
    /// Answer the measures of a baseline instead of listing the checks
    #[arg(long, value_enum)]
    pub(crate) profile: Option<Profile>,
    /// Language, zh-TW or en; that of the environment when left out
    #[arg(long)]
    pub(crate) lang: Option<String>,
    /// One JSON array instead of a table
    #[arg(long)]
    pub(crate) json: bool,
}

/// A baseline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Profile {
    /// 資通系統防護基準, level 高: all 80 measures
    TwHigh,
}
