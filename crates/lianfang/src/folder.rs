//! The data folder: one owner at a time. Its lock file names the address of the centre that holds it.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::exit::Failure;

/// A folder held by this process.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
    lock: File,
    /// Whether it was made just now.
    pub(crate) fresh: bool,
}

impl Folder {
    /// Takes the folder, making it (mode 0700) when it is not there.
    pub(crate) fn take(path: &Path) -> Result<Self, Failure> {
        let failed = |error: std::io::Error| Failure::refused(format!("{}: {error}", path.display()));
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(failed)?;
        let fresh = !path.join("state.db").exists() && !path.join("tls").exists();
        let mut lock = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(path.join("lock"))
            .map_err(failed)?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { path: path.to_owned(), lock, fresh }),
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                // An unreadable holder only makes the message poorer.
                let _poorer = lock.read_to_string(&mut holder);
                let holder = holder.trim();
                let hint =
                    if holder.is_empty() { String::new() } else { format!("; use --url {holder} instead of --data") };
                Err(Failure::refused(format!("{} is in use by a running centre{hint}", path.display())))
            }
            Err(TryLockError::Error(error)) => Err(failed(error)),
        }
    }

    /// Takes the folder of a centre that is no demo: a demo's people, links and blocks are not to be served as real.
    pub(crate) fn real(path: &Path) -> Result<Self, Failure> {
        if path.join("demo").exists() {
            return Err(Failure::refused(format!("{} is a demo's folder; a centre needs its own", path.display())));
        }
        Self::take(path)
    }

    /// Writes into the lock where the holder can be reached.
    pub(crate) fn announce(&mut self, url: &str) -> Result<(), Failure> {
        self.lock
            .set_len(0)
            .and_then(|()| self.lock.rewind())
            .and_then(|()| self.lock.write_all(url.as_bytes()))
            .map_err(|error| Failure::refused(format!("{}: {error}", self.path.display())))
    }

    /// The folder's path.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_demo_is_not_served_as_real() {
        let dir = tempfile::tempdir().unwrap();
        drop(Folder::real(dir.path()).unwrap());
        std::fs::write(dir.path().join("demo"), "").unwrap();
        assert!(format!("{:?}", Folder::real(dir.path()).unwrap_err()).contains("demo's folder"));
        drop(Folder::take(dir.path()).unwrap());
    }

    #[test]
    fn one_owner_and_the_second_is_told_where() {
        let dir = tempfile::tempdir().unwrap();
        let mut first = Folder::take(&dir.path().join("d")).unwrap();
        assert!(first.fresh);
        first.announce("https://127.0.0.1:8443").unwrap();
        let refused = format!("{:?}", Folder::take(first.path()).unwrap_err());
        assert!(refused.contains("--url https://127.0.0.1:8443"), "{refused}");
        let path = first.path().to_owned();
        drop(first);
        assert!(Folder::take(&path).is_ok());
    }
}
