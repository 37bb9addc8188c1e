//! The audit tree as a file: NDJSON that [`super::verify()`] checks with nothing but the file.
//!
//! The first line names the tree and its key, then one line per leaf with its number, its hash and the canonical text
//! of the entry, verbatim, and last the signed checkpoint. Every line has one form, so that no byte can change unseen.
//!
//! Who may not see a leaf gets its number and hash alone ([`export_seen`]): the tree is whole and gives the signed root,
//! and the hash tells nothing, because every entry holds a nonce. A withheld line carries a check of its own, which
//! names the line that was damaged; who makes the check fit again is found by the root.

use bytes::Bytes;
use futures::Stream;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::note::Signer;
use super::sequencer::{Checkpoint, latest};
use super::tree::Hash;
use crate::clearance::Clearance;
use crate::db::Db;
use crate::error::StoreError;
use crate::params;
use crate::sql::ScopedSql;
use crate::value::Row;

const LEAVES: &str = "SELECT seq, entry, leaf FROM audit_leaf WHERE seq > $1 AND seq <= $2 ORDER BY seq LIMIT $3";
const SEEN: ScopedSql = ScopedSql::new(
    "SELECT l.seq, l.leaf, CASE WHEN {visible:l} THEN l.entry END AS entry FROM audit_leaf l \
     WHERE l.seq > $1 AND l.seq <= $2 ORDER BY l.seq LIMIT $3",
);
const BATCH: i64 = 2000;

/// What the first line says the file is.
pub(super) const FORMAT: &str = "lianfang-audit-1";

/// The first line.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Head {
    pub(super) format: String,
    pub(super) origin: String,
    pub(super) key: String,
}

/// The line of a leaf: with its entry, or withheld.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Line {
    pub(super) seq: u64,
    pub(super) leaf: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) entry: Option<String>,
    /// What [`check`] says of number and hash, in place of the entry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) withheld: Option<String>,
}

/// The check of a withheld line: the first 16 hex digits of SHA-256(0x02 || number, big endian || hash). The first byte
/// keeps it apart from the leaves (0x00) and nodes (0x01) of the tree.
pub(super) fn check(seq: u64, leaf: &Hash) -> String {
    let digest = Sha256::new().chain_update([2]).chain_update(seq.to_be_bytes()).chain_update(leaf).finalize();
    hex::encode(digest).chars().take(16).collect()
}

/// The last line.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Foot {
    pub(super) checkpoint: String,
}

/// Where an export stands.
enum Next {
    Head,
    Leaves(u64, Checkpoint),
    End,
}

/// Who it is for.
enum Reader {
    /// The machinery itself: nothing is withheld.
    Whole,
    Of(Clearance),
}

/// Everything up to the newest checkpoint, in pieces of whole lines; an unsigned tree gives nothing but its head.
///
/// Entries of every organisation and marking are in it: no door hands it out, see [`export_seen`].
pub fn export(db: Db, signer: &Signer) -> impl Stream<Item = Result<Bytes, StoreError>> + Send + use<> {
    stream(db, signer, Reader::Whole, None)
}

/// The same for a reader: the leaves outside the clearance are withheld, each stands as its number and hash. It ends at
/// `until`, or at the newest checkpoint when there is none.
pub fn export_seen(
    db: Db,
    signer: &Signer,
    who: Clearance,
    until: Option<Checkpoint>,
) -> impl Stream<Item = Result<Bytes, StoreError>> + Send + use<> {
    stream(db, signer, Reader::Of(who), until)
}

fn stream(
    db: Db,
    signer: &Signer,
    reader: Reader,
    until: Option<Checkpoint>,
) -> impl Stream<Item = Result<Bytes, StoreError>> + Send + use<> {
    let head =
        Head { format: FORMAT.into(), origin: signer.origin().to_owned(), key: hex::encode(signer.public_key()) };
    futures::stream::try_unfold((db, reader, until, Next::Head), move |(db, reader, until, next)| {
        let head = line(&head);
        async move {
            match next {
                Next::Head => {
                    let signed = match until {
                        Some(signed) => Some(signed),
                        None => latest(&db).await?,
                    };
                    let next = signed.map_or(Next::End, |signed| Next::Leaves(0, signed));
                    Ok(Some((head?, (db, reader, None, next))))
                }
                Next::Leaves(after, signed) if after < signed.size => {
                    let asked = params![after, signed.size, BATCH];
                    let rows = match &reader {
                        Reader::Whole => db.query(LEAVES, asked).await?,
                        Reader::Of(who) => db.read(SEEN, who, asked).await?,
                    };
                    let mut out = Vec::new();
                    let mut last = after;
                    for row in &rows {
                        last = row.get("seq")?;
                        out.extend_from_slice(&line(&line_of(row, last)?)?);
                    }
                    if rows.is_empty() {
                        return Err(StoreError::Tampered { entry: after + 1, why: "the leaf is missing".into() });
                    }
                    Ok(Some((Bytes::from(out), (db, reader, None, Next::Leaves(last, signed)))))
                }
                Next::Leaves(_, signed) => {
                    Ok(Some((line(&Foot { checkpoint: signed.note })?, (db, reader, None, Next::End))))
                }
                Next::End => Ok(None),
            }
        }
    })
}

fn line_of(row: &Row, seq: u64) -> Result<Line, StoreError> {
    let bytes: Vec<u8> = row.get("leaf")?;
    let leaf: Hash = bytes.try_into().map_err(|_| StoreError::Shape("a hash has 32 bytes".into()))?;
    let entry: Option<String> = row.get("entry")?;
    let withheld = entry.is_none().then(|| check(seq, &leaf));
    Ok(Line { seq, leaf: hex::encode(leaf), entry, withheld })
}

pub(super) fn line<T: Serialize>(value: &T) -> Result<Bytes, StoreError> {
    let mut text = serde_json::to_vec(value).map_err(|e| StoreError::Shape(e.to_string()))?;
    text.push(b'\n');
    Ok(text.into())
}
