//! Files of the node's folder: private modes, atomic replacement.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use crate::TrapError;

fn name(path: &Path) -> String {
    path.file_name().map_or_else(|| "folder".to_owned(), |n| n.to_string_lossy().into_owned())
}

/// Makes a folder that only its owner can enter.
pub(crate) fn private_folder(path: &Path) -> Result<(), TrapError> {
    DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(|e| TrapError::folder(name(path), e))
}

/// Writes a file that only its owner can read, as a whole or not at all.
pub(crate) fn replace(path: &Path, data: &[u8]) -> Result<(), TrapError> {
    let attempt = || {
        let fresh = path.with_extension("new");
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&fresh)?;
        file.write_all(data)?;
        file.sync_all()?;
        fs::rename(&fresh, path)?;
        path.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
    };
    attempt().map_err(|e| TrapError::folder(name(path), e))
}

/// Reads a file; `None` when there is none.
pub(crate) fn read(path: &Path) -> Result<Option<String>, TrapError> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(TrapError::folder(name(path), e)),
    }
}
