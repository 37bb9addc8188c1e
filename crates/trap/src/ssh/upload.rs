//! A file on its way in: hashed as it comes, never run, never written to disk.

use logwire::attack::What;
use sha2::{Digest, Sha256};

/// The bytes that are kept so that the fake file system can show the file.
pub(super) const KEPT: usize = 64 * 1024;

/// One upload.
#[derive(Debug, Default)]
pub(super) struct Upload {
    hash: Sha256,
    /// Bytes so far.
    pub(super) size: u64,
    /// The first bytes.
    pub(super) start: Vec<u8>,
}

impl Upload {
    /// Takes bytes; false once the file is larger than is taken.
    pub(super) fn feed(&mut self, data: &[u8]) -> bool {
        self.size += data.len() as u64;
        if self.size > base::limits::TRAP_UPLOAD.most {
            return false;
        }
        self.hash.update(data);
        let room = KEPT.saturating_sub(self.start.len()).min(data.len());
        self.start.extend_from_slice(data.get(..room).unwrap_or_default());
        true
    }

    /// The event, and the first bytes; none for an empty file.
    pub(super) fn finish(self, name: &str) -> (Option<What>, Vec<u8>) {
        let mut name = name.to_owned();
        name.truncate((0..=name.len().min(512)).rev().find(|i| name.is_char_boundary(*i)).unwrap_or(0));
        let event = What::FileIn {
            sha256: hex::encode(self.hash.finalize()),
            name: Some(name),
            url: None,
            size: Some(self.size),
        };
        ((self.size > 0).then_some(event), self.start)
    }
}
