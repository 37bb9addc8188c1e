//! The state file as it lies there, looked at from outside: its head and its length, without SQLite and without a lock,
//! so that nothing beside it is made or changed. What is inside is the business of the centre that has it open.

use std::fs::File;
use std::io::{self, Error, ErrorKind, Read as _};
use std::path::Path;

pub use crate::sqlite::library;

/// What every SQLite file begins with (sqlite.org/fileformat.html section 1.3).
const MAGIC: &[u8; 16] = b"SQLite format 3\0";

/// What the head of a state file says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Looked {
    /// Bytes of the file.
    pub bytes: u64,
    /// Bytes of the log beside it that the file does not hold yet.
    pub log: u64,
    /// Whether its length is a whole number of pages.
    pub whole: bool,
}

/// Looks at the state file.
///
/// # Errors
/// Those of the file system, and [`ErrorKind::InvalidData`] when it is no SQLite file.
pub fn look(path: &Path) -> io::Result<Looked> {
    let mut head = [0_u8; 18];
    let mut file = File::open(path)?;
    file.read_exact(&mut head).map_err(|_| Error::from(ErrorKind::InvalidData))?;
    let Some((magic, &[high, low])) = head.split_first_chunk::<16>() else {
        return Err(ErrorKind::InvalidData.into());
    };
    // 1 stands for 65,536.
    let page = match u64::from(u16::from_be_bytes([high, low])) {
        1 => 65_536,
        size => size,
    };
    if magic != MAGIC || page < 512 || !page.is_power_of_two() {
        return Err(ErrorKind::InvalidData.into());
    }
    let bytes = file.metadata()?.len();
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    let log = std::fs::metadata(log).map_or(0, |meta| meta.len());
    Ok(Looked { bytes, log, whole: bytes.is_multiple_of(page) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_state_file_is_known_and_anything_else_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("state.db");
        assert_eq!(look(&path).unwrap_err().kind(), ErrorKind::NotFound);
        let db = crate::Db::open_sqlite(&path, base::Env::system()).await.unwrap();
        db.migrate(&[]).await.unwrap();
        let names = || -> std::collections::BTreeSet<_> {
            std::fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect()
        };
        let before = names();
        let open = look(&path).unwrap();
        assert!(open.whole && open.bytes > 0, "{open:?}");
        assert_eq!(names(), before);
        db.close().await;
        let closed = look(&path).unwrap();
        assert!(closed.whole && closed.log == 0, "{closed:?}");
        std::fs::OpenOptions::new().append(true).open(&path).unwrap().set_len(closed.bytes - 1).unwrap();
        assert!(!look(&path).unwrap().whole);
        for junk in [&b""[..], b"SQLite", b"not a database at all"] {
            std::fs::write(&path, junk).unwrap();
            assert_eq!(look(&path).unwrap_err().kind(), ErrorKind::InvalidData);
        }
        assert!(library().1);
    }
}
