//! Content-addressed files: a blob's name is the SHA-256 of its bytes, and reading checks it.
//!
//! Layout: `FOLDER/ab/ab12...` (64 hex digits); drafts lie in `FOLDER/draft` and are removed at the next start. A name
//! is parsed into 32 bytes before it is used, so that no text from outside becomes a path.

use bytes::Bytes;
use sha2::{Digest, Sha256};
use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use crate::db::Db;
use crate::error::StoreError;

/// The name of a blob: the SHA-256 of its bytes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BlobId([u8; 32]);

impl BlobId {
    /// The name these bytes have.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }
}

impl fmt::Display for BlobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for BlobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "blob:{self}")
    }
}

impl FromStr for BlobId {
    type Err = StoreError;
    fn from_str(text: &str) -> Result<Self, StoreError> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(text, &mut bytes)
            .map_err(|_| StoreError::Shape("the name of a blob is 64 hex digits".into()))?;
        Ok(Self(bytes))
    }
}

/// The blobs of a data folder, cheap to clone.
#[derive(Debug, Clone)]
pub struct Blobs {
    folder: Arc<Path>,
    db: Db,
}

impl Blobs {
    /// Opens (or makes) the folder and removes drafts that a crash left behind.
    ///
    /// # Errors
    /// [`StoreError::Database`] when the folder cannot be written.
    pub async fn open(folder: &Path, db: Db) -> Result<Self, StoreError> {
        let folder: Arc<Path> = folder.into();
        let this = Self { folder: Arc::clone(&folder), db };
        this.blocking(move |_| {
            let drafts = folder.join("draft");
            fs::create_dir_all(&drafts)?;
            for draft in fs::read_dir(&drafts)? {
                fs::remove_file(draft?.path())?;
            }
            // All shelves exist from the start, so that no blob waits for the entry of its shelf to become durable.
            for shelf in 0..=u8::MAX {
                fs::create_dir_all(folder.join(hex::encode([shelf])))?;
            }
            sync_folder(&folder)
        })
        .await?;
        Ok(this)
    }

    /// Keeps the bytes: durable when this returns. Keeping the same bytes twice is one blob.
    ///
    /// # Errors
    /// [`StoreError::DiskFull`]; [`StoreError::Poisoned`] when they could not be made durable.
    pub async fn put(&self, bytes: Bytes) -> Result<BlobId, StoreError> {
        let draft = format!("{:032x}", u128::from_be_bytes(self.db.env().bytes::<16>()));
        self.blocking(move |this| {
            let id = BlobId::of(&bytes);
            let place = this.path(id);
            if place.exists() {
                // Whoever is writing the same bytes at this moment may not have come to this step.
                sync_folder(place.parent().unwrap_or(&this.folder))?;
                return Ok(id);
            }
            let draft = this.folder.join("draft").join(draft);
            let written = this.write(&draft, &place, &bytes);
            if written.is_err() && draft.exists() {
                // What went wrong first is what is told: a failed fsync must poison, whatever the clearing up says.
                let _left = fs::remove_file(&draft);
            }
            written.map(|()| id)
        })
        .await
    }

    /// The bytes of a blob, checked against its name; none if there is no such blob.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when the bytes are not what the name says.
    pub async fn get(&self, id: BlobId) -> Result<Option<Bytes>, StoreError> {
        let read = self.blocking(move |this| match fs::read(this.path(id)) {
            Ok(bytes) => Ok(Some(Bytes::from(bytes))),
            Err(missing) if missing.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(failure) => Err(failure.into()),
        });
        match read.await? {
            Some(bytes) if BlobId::of(&bytes) != id => Err(StoreError::Corrupt(id.to_string())),
            other => Ok(other),
        }
    }

    /// Removes a blob; comes back with whether it was there.
    ///
    /// # Errors
    /// [`StoreError::Database`] when it cannot be removed.
    pub async fn remove(&self, id: BlobId) -> Result<bool, StoreError> {
        self.blocking(move |this| match fs::remove_file(this.path(id)) {
            Ok(()) => Ok(true),
            Err(missing) if missing.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(failure) => Err(failure.into()),
        })
        .await
    }

    /// Order of durability: bytes, then their name, then the folder that holds the name.
    fn write(&self, draft: &Path, place: &Path, bytes: &[u8]) -> Result<(), Fault> {
        let mut file = create_private(draft)?;
        file.write_all(bytes)?;
        file.sync_all().map_err(Fault::Sync)?;
        fs::rename(draft, place)?;
        sync_folder(place.parent().unwrap_or(&self.folder))
    }

    fn path(&self, id: BlobId) -> PathBuf {
        let name = id.to_string();
        self.folder.join(name.get(..2).unwrap_or_default()).join(&name)
    }

    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Self) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, StoreError> {
        let this = self.clone();
        let outcome = tokio::task::spawn_blocking(move || work(&this)).await;
        match outcome.map_err(|e| StoreError::Database(format!("blob thread: {e}")))? {
            Ok(done) => Ok(done),
            Err(Fault::Io(full)) if full.kind() == io::ErrorKind::StorageFull => Err(StoreError::DiskFull),
            Err(Fault::Io(failure)) => Err(StoreError::Database(format!("blob: {failure}"))),
            Err(Fault::Sync(failure)) => Err(self.db.refuse_from_now(&format!("blob: {failure}"))),
        }
    }
}

/// A failed sync is final, everything else may be tried again.
enum Fault {
    Io(io::Error),
    Sync(io::Error),
}

impl From<io::Error> for Fault {
    fn from(failure: io::Error) -> Self {
        Self::Io(failure)
    }
}

fn create_private(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt as _;
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

fn sync_folder(folder: &Path) -> Result<(), Fault> {
    File::open(folder)?.sync_all().map_err(Fault::Sync)
}
