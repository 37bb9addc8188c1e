//! The block list for readers without an agent: plain lines behind an entity tag.

use base::{AddrSpec, OrgId, Timestamp};
use sha2::{Digest as _, Sha256};
use store::Clearance;

use crate::error::EdgeError;
use crate::repo::{desired, realm};
use crate::service::Edge;

/// The block list as one reader sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlockList {
    /// Denied addresses and networks, sorted, each once.
    pub keys: Vec<AddrSpec>,
    /// SHA-256 of the lines, lower-case hex: the entity tag.
    pub digest: String,
    /// When it was made.
    pub at: Timestamp,
    /// The kill switch is on: the list is empty on purpose.
    pub kill: bool,
}

impl BlockList {
    /// The lines, each ended by a line feed, without the comment header.
    #[must_use]
    pub fn lines(&self) -> String {
        self.keys.iter().map(|key| format!("{key}\n")).collect()
    }
}

impl Edge {
    /// Every active denial that the reader may see, for everybody and for the reader's own organisation. The guards
    /// are asked once more, so that a protected network cannot be in the list even if a row were wrong.
    ///
    /// Nothing RED is in it, whoever reads: the list goes into devices and their logs, and its values are nobody's rows
    /// whose reading could be noted. Enforcement points get those by their own stream.
    ///
    /// # Errors
    /// [`EdgeError::Store`].
    pub async fn block_list(&self, who: &Clearance, org: OrgId) -> Result<BlockList, EdgeError> {
        let (row, now) = (realm::get(self.db(), who.realm()).await?, self.now());
        let guards = self.guards_of(who.realm(), &row);
        let denied = if row.kill { Vec::new() } else { desired::denied(self.db(), who, org, now).await? };
        let mut keys: Vec<AddrSpec> =
            denied.into_iter().map(|(key, _)| key).filter(|key| guards.protected(*key).is_none()).collect();
        keys.sort_unstable();
        keys.dedup();
        let mut list = BlockList { keys, digest: String::new(), at: now, kill: row.kill };
        list.digest = hex::encode(Sha256::digest(list.lines()));
        Ok(list)
    }
}
