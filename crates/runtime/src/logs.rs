//! Log lines: to standard error, for people or as JSON; the level comes from the configuration.

use std::io::IsTerminal;

use serde::{Deserialize, Serialize};
use tracing_subscriber::EnvFilter;

/// The branch `log` of the configuration.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LogConfig {
    /// A filter such as `info` or `info,api=debug`.
    pub level: String,
    /// One JSON object a line instead of text.
    pub json: bool,
}

impl Default for LogConfig {
    fn default() -> Self {
        Self { level: "info,store::migrate=warn".to_owned(), json: false }
    }
}

/// Starts writing logs; the second call in a process changes nothing.
///
/// # Errors
/// The message of the filter parser when `level` is no filter.
pub fn init(config: &LogConfig) -> Result<(), String> {
    let filter = EnvFilter::try_new(&config.level).map_err(|error| error.to_string())?;
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal());
    // An error here means that a subscriber is set already, which is what the caller wants.
    let _already = if config.json { builder.json().try_init() } else { builder.with_target(true).try_init() };
    Ok(())
}
