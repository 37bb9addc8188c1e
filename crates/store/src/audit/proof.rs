//! Proof that one leaf is in the signed tree, in a few small reads.

use serde::Serialize;

use super::sequencer::{Checkpoint, latest};
use super::tree::{Hash, TILE, Tiles, nodes, verify_inclusion};
use crate::db::Db;
use crate::error::StoreError;
use crate::params;
use crate::value::Row;

const LEAVES: &str = "SELECT leaf AS hash FROM audit_leaf WHERE seq > $1 AND seq <= $2 ORDER BY seq";
const NODES: &str = "SELECT hash FROM audit_node WHERE level = $1 AND number >= $2 AND number < $3 ORDER BY number";

/// The proof that a leaf is in the tree of a checkpoint ([`super::tree::verify_inclusion`] checks it).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Inclusion {
    /// The leaf's number, from 1 on.
    pub seq: u64,
    /// The canonical text of the entry.
    pub entry: String,
    /// The leaf's hash.
    pub leaf: Hash,
    /// Sibling hashes, from the leaf up.
    pub path: Vec<Hash>,
    /// How many leaves the tree has.
    pub size: u64,
    /// Its root.
    pub root: Hash,
    /// The signed checkpoint.
    pub note: String,
}

/// Proves a leaf against the newest checkpoint; none if the leaf is not signed yet or does not exist.
///
/// # Errors
/// [`StoreError::Tampered`] when what is stored does not give the signed root.
pub async fn inclusion(db: &Db, seq: u64) -> Result<Option<Inclusion>, StoreError> {
    let Some(Checkpoint { size, root, note, .. }) = latest(db).await? else { return Ok(None) };
    if seq == 0 || seq > size {
        return Ok(None);
    }
    let tampered = |why: &str| StoreError::Tampered { entry: seq, why: why.into() };
    let rows = db.query("SELECT entry, leaf AS hash FROM audit_leaf WHERE seq = $1", params![seq]).await?;
    let row = rows.first().ok_or_else(|| tampered("the leaf is missing"))?;
    let (entry, leaf): (String, Hash) = (row.get("entry")?, hash(row)?);
    let mut wanted = Tiles::path(seq - 1, size);
    wanted.extend(Tiles::edge(size));
    let tiles = load(db, &wanted, size).await?;
    let path = tiles.audit_path(seq - 1, size).ok_or_else(|| tampered("a part of the tree is missing"))?;
    if super::tree::leaf_hash(entry.as_bytes()) != leaf || !verify_inclusion(&leaf, seq - 1, size, &path, &root) {
        return Err(tampered("the leaf is not in the signed tree"));
    }
    Ok(Some(Inclusion { seq, entry, leaf, path, size, root, note }))
}

/// Loads tiles (level, number) of a tree of this size.
pub(super) async fn load(db: &Db, wanted: &[(u32, u64)], size: u64) -> Result<Tiles, StoreError> {
    let mut tiles = Tiles::default();
    for (level, number) in wanted {
        if tiles.0.contains_key(&(*level, *number)) {
            continue;
        }
        let (first, end) = (number * TILE, ((number + 1) * TILE).min(nodes(size, *level)));
        let rows = match level {
            0 => db.query(LEAVES, params![first, end]).await?,
            _ => db.query(NODES, params![*level, first, end]).await?,
        };
        if rows.len() as u64 == end.saturating_sub(first) {
            tiles.0.insert((*level, *number), rows.iter().map(hash).collect::<Result<_, _>>()?);
        }
    }
    Ok(tiles)
}

fn hash(row: &Row) -> Result<Hash, StoreError> {
    let bytes: Vec<u8> = row.get("hash")?;
    bytes.try_into().map_err(|_| StoreError::Shape("a hash has 32 bytes".into()))
}
