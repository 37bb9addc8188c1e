//! The sequencer: recomputes, integrates, signs.

use base::{OrgId, Realm, Timestamp, Tlp};
use serde_json::json;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

use super::note::{Note, Signer};
use super::proof::load;
use super::tree::{Hash, Range, TILE_HEIGHT, Tiles, leaf_hash};
use crate::db::Db;
use crate::error::StoreError;
use crate::params;
use crate::unit::{Actor, Unit};
use crate::value::Row;

const LATEST: &str = "SELECT size, root, at, note FROM audit_checkpoint ORDER BY size DESC LIMIT 1";
const NEXT: &str = "SELECT seq, at, org_id, realm, tlp, actor, action, subject, outcome, entry, leaf FROM audit_leaf \
     WHERE seq > $1 ORDER BY seq LIMIT $2";
const PUT_NODE: &str = "INSERT INTO audit_node (level, number, hash) VALUES ($1, $2, $3)";
const PUT_CHECKPOINT: &str = "INSERT INTO audit_checkpoint (size, root, at, note) VALUES ($1, $2, $3, $4)";
/// One checkpoint a minute is kept for good; a younger one of the same minute proves all that an older one did.
const THIN_OUT: &str = "DELETE FROM audit_checkpoint WHERE at >= $1 AND size < $2";
const MINUTE: i64 = 60_000_000;

/// Leaves integrated per commit.
const BATCH: i64 = 4096;
/// How often new leaves are looked for: a leaf is signed within a second.
const EVERY: Duration = Duration::from_millis(400);

/// A signed state of the tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// How many leaves.
    pub size: u64,
    /// The root.
    pub root: Hash,
    /// When it was signed.
    pub at: Timestamp,
    /// The signed note.
    pub note: String,
}

/// The newest checkpoint; none before the first leaf.
///
/// # Errors
/// Those of [`Db::system_read`].
pub async fn latest(db: &Db) -> Result<Option<Checkpoint>, StoreError> {
    db.query(LATEST, params![]).await?.first().map(checkpoint).transpose()
}

fn checkpoint(row: &Row) -> Result<Checkpoint, StoreError> {
    let root: Vec<u8> = row.get("root")?;
    let root = root.try_into().map_err(|_| StoreError::Shape("a root has 32 bytes".into()))?;
    Ok(Checkpoint { size: row.get("size")?, root, at: row.get("at")?, note: row.get("note")? })
}

/// Integrates leaves into the tree and signs it. One per centre is enough; two do no harm.
#[derive(Debug)]
pub struct Sequencer {
    db: Db,
    signer: Signer,
    /// The tree as last signed; none until it was loaded and found whole.
    range: Option<Range>,
}

impl Sequencer {
    /// A sequencer that signs with this key.
    #[must_use]
    pub const fn new(db: Db, signer: Signer) -> Self {
        Self { db, signer, range: None }
    }

    /// Integrates and signs until `stop` is cancelled, and once more then.
    ///
    /// # Errors
    /// [`StoreError::Tampered`] when a leaf or a node is not what was committed: nothing is signed any more.
    pub async fn run(mut self, stop: CancellationToken) -> Result<(), StoreError> {
        loop {
            let last = stop.is_cancelled();
            match self.step().await {
                Ok(_) => {}
                Err(failure) if failure.is_transient() => {
                    tracing::warn!(%failure, "the audit tree cannot be signed now, trying again");
                }
                Err(failure) => {
                    tracing::error!(%failure, "the audit tree is not signed any more");
                    return Err(failure);
                }
            }
            if last {
                return Ok(());
            }
            tokio::select! {
                () = stop.cancelled() => {}
                () = tokio::time::sleep(EVERY) => {}
            }
        }
    }

    /// Integrates everything that is there now; comes back with how many leaves were added.
    ///
    /// # Errors
    /// [`StoreError::Tampered`] when a leaf or a node is not what was committed.
    pub async fn step(&mut self) -> Result<u64, StoreError> {
        let mut added = 0;
        loop {
            let range = match self.range.take() {
                Some(range) => range,
                None => self.restore().await?,
            };
            let rows = self.db.query(NEXT, params![range.size(), BATCH]).await?;
            if rows.is_empty() {
                self.range = Some(range);
                return Ok(added);
            }
            match self.integrate(range, &rows).await {
                Ok(range) => {
                    self.range = Some(range);
                    added += rows.len() as u64;
                }
                // Another node signed first: go on from its checkpoint.
                Err(StoreError::Duplicate(_)) => {}
                Err(failure) => return Err(failure),
            }
        }
    }

    async fn integrate(&self, mut range: Range, rows: &[Row]) -> Result<Range, StoreError> {
        let now = self.db.env().now();
        let mut unit = Unit::new(Actor::System("audit".into()), now);
        let mut nodes = Vec::new();
        for row in rows {
            let leaf = checked_leaf(row, range.size() + 1)?;
            range.push(leaf, |subtree| {
                if subtree.height > 0 && subtree.height.is_multiple_of(TILE_HEIGHT) {
                    nodes.push(subtree);
                }
            });
        }
        for node in nodes {
            unit = unit.exec_one(PUT_NODE, params![node.height / TILE_HEIGHT, node.number, node.hash]);
        }
        let (size, root) = (range.size(), range.root());
        let minute = now.as_micros() - now.as_micros().rem_euclid(MINUTE);
        let note = self.signer.sign(size, &root);
        let unit = unit.exec_one(PUT_CHECKPOINT, params![size, root, now, note]).exec(THIN_OUT, params![minute, size]);
        self.db.commit(unit).await?;
        Ok(range)
    }

    /// The tree as last signed, if what is stored still gives the signed root.
    async fn restore(&self) -> Result<Range, StoreError> {
        let Some(signed) = latest(&self.db).await? else { return Ok(Range::default()) };
        let tampered = |why: &str| StoreError::Tampered { entry: signed.size, why: why.into() };
        let note = Note::open(&signed.note, self.signer.origin(), &self.signer.public_key()).map_err(tampered)?;
        if (note.size, note.root) != (signed.size, signed.root) {
            return Err(tampered("the checkpoint is not the one that was signed"));
        }
        let tiles = load(&self.db, &Tiles::edge(signed.size), signed.size).await?;
        let range = tiles.range(signed.size).ok_or_else(|| tampered("a part of the tree is missing"))?;
        if range.root() == signed.root { Ok(range) } else { Err(tampered("the tree does not give the signed root")) }
    }
}

/// The leaf hash of a row, recomputed from its text; the searchable columns must say what the text says.
fn checked_leaf(row: &Row, expected: u64) -> Result<Hash, StoreError> {
    let tampered = |why: &str| StoreError::Tampered { entry: expected, why: why.into() };
    if row.get::<u64>("seq")? != expected {
        return Err(tampered("the leaf is missing"));
    }
    let text: String = row.get("entry")?;
    let leaf = leaf_hash(text.as_bytes());
    if row.get::<Vec<u8>>("leaf")? != leaf {
        return Err(tampered("the text does not give the leaf's hash"));
    }
    let entry: serde_json::Value = serde_json::from_str(&text).map_err(|_| tampered("the text is not JSON"))?;
    let says = |name: &str| entry.get(name).and_then(serde_json::Value::as_str).unwrap_or_default();
    if entry.get("seq").and_then(serde_json::Value::as_u64) != Some(expected) {
        return Err(tampered("the text belongs to another leaf"));
    }
    for name in ["actor", "action", "subject", "outcome"] {
        if row.get::<String>(name)? != says(name) {
            return Err(tampered("a column says something else than the text"));
        }
    }
    // These decide who finds the leaf: a leaf that is hidden from every auditor is as good as removed.
    let columns = [
        ("at", json!(row.get::<Timestamp>("at")?)),
        ("org", json!(row.get::<OrgId>("org_id")?)),
        ("realm", json!(row.get::<Realm>("realm")?)),
        ("tlp", json!(row.get::<Tlp>("tlp")?)),
    ];
    for (name, column) in columns {
        if entry.get(name) != Some(&column) {
            return Err(tampered("a column says something else than the text"));
        }
    }
    Ok(leaf)
}
