//! Break-glass: a file in the point's folder stops all denying, without the centre.

use std::fs;
use std::path::Path;

use crate::config::{AgentConfig, EngineConfig};
use crate::error::AgentError;

/// The file; its content does not matter.
const NAME: &str = "KILL";

/// Whether the local kill switch is on.
#[must_use]
pub fn is_on(folder: &Path) -> bool {
    folder.join(NAME).exists()
}

/// Turns the local kill switch on or off. A running agent follows within a second and tells the centre.
///
/// # Errors
/// `LF-AGT-0102` when the folder cannot be written.
pub fn set(folder: &Path, on: bool) -> Result<(), AgentError> {
    let path = folder.join(NAME);
    if on {
        return Ok(link::replace(&path, b"nothing is denied while this file is here\n")?);
    }
    match fs::remove_file(&path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(AgentError::file(&path)(error)),
        _ => Ok(()),
    }
}

/// The same for `lianfang edge kill`: acts on the packet filter at once, whether an agent runs or not. Plain lists
/// are written by the running agent alone.
///
/// # Errors
/// The folder cannot be written, or the engine refuses; the switch itself is then set all the same.
pub fn break_glass(config: &AgentConfig, on: bool) -> Result<(), AgentError> {
    set(&config.folder, on)?;
    let EngineConfig::Nft { table, prefix, namespace, .. } = &config.engine else {
        return Ok(());
    };
    let engine =
        EngineConfig::Nft { table: table.clone(), prefix: prefix.clone(), namespace: namespace.clone(), prove: false };
    Ok(engine.open()?.kill(on)?)
}
