//! Files of a machine's folder: private modes, atomic replacement.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use crate::error::LinkError;

fn failed(path: &Path) -> impl FnOnce(io::Error) -> LinkError {
    let path = path.to_owned();
    move |source| LinkError::File { path, source }
}

/// Makes a folder that only its owner can enter.
///
/// # Errors
/// [`LinkError::File`].
pub fn private_folder(path: &Path) -> Result<(), LinkError> {
    DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(failed(path))
}

/// Writes a file that only its owner can read, as a whole or not at all: beside, synchronise, rename, synchronise the
/// folder. A crash leaves the old file or the new one.
///
/// # Errors
/// [`LinkError::File`].
pub fn replace(path: &Path, data: &[u8]) -> Result<(), LinkError> {
    let attempt = || {
        let fresh = path.with_extension("new");
        // What a crash left may have another mode; it is made anew.
        match fs::remove_file(&fresh) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&fresh)?;
        file.write_all(data)?;
        file.sync_all()?;
        fs::rename(&fresh, path)?;
        path.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
    };
    attempt().map_err(failed(path))
}

/// Reads a file; `None` when there is none.
///
/// # Errors
/// [`LinkError::File`].
pub fn read(path: &Path) -> Result<Option<String>, LinkError> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed(path)(error)),
    }
}
