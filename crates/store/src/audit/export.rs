//! The audit tree as a file: NDJSON that [`super::verify()`] checks with nothing but the file.
//!
//! The first line names the tree and its key, then one line per leaf with its number, its hash and the canonical text
//! of the entry, verbatim, and last the signed checkpoint. Every line has one form, so that no byte can change unseen.

use bytes::Bytes;
use futures::Stream;
use serde::{Deserialize, Serialize};

use super::note::Signer;
use super::sequencer::{Checkpoint, latest};
use crate::db::Db;
use crate::error::StoreError;
use crate::params;

const LEAVES: &str = "SELECT seq, entry, leaf FROM audit_leaf WHERE seq > $1 AND seq <= $2 ORDER BY seq LIMIT $3";
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

/// The line of a leaf.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Line {
    pub(super) seq: u64,
    pub(super) leaf: String,
    pub(super) entry: String,
}

/// The last line.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Foot {
    pub(super) checkpoint: String,
}

enum Next {
    Head,
    Leaves(u64, Checkpoint),
    End,
}

/// Everything up to the newest checkpoint, in pieces of whole lines; an unsigned tree gives nothing but its head.
///
/// The exporting process needs the clearance of an auditor: entries of every organisation and marking are in it.
pub fn export(db: Db, signer: &Signer) -> impl Stream<Item = Result<Bytes, StoreError>> + Send + use<> {
    let head =
        Head { format: FORMAT.into(), origin: signer.origin().to_owned(), key: hex::encode(signer.public_key()) };
    futures::stream::try_unfold((db, Next::Head), move |(db, next)| {
        let head = line(&head);
        async move {
            match next {
                Next::Head => {
                    let next = latest(&db).await?.map_or(Next::End, |signed| Next::Leaves(0, signed));
                    Ok(Some((head?, (db, next))))
                }
                Next::Leaves(after, signed) if after < signed.size => {
                    let rows = db.query(LEAVES, params![after, signed.size, BATCH]).await?;
                    let mut out = Vec::new();
                    let mut last = after;
                    for row in &rows {
                        last = row.get("seq")?;
                        let leaf = hex::encode(row.get::<Vec<u8>>("leaf")?);
                        out.extend_from_slice(&line(&Line { seq: last, leaf, entry: row.get("entry")? })?);
                    }
                    if rows.is_empty() {
                        return Err(StoreError::Tampered { entry: after + 1, why: "the leaf is missing".into() });
                    }
                    Ok(Some((Bytes::from(out), (db, Next::Leaves(last, signed)))))
                }
                Next::Leaves(_, signed) => Ok(Some((line(&Foot { checkpoint: signed.note })?, (db, Next::End)))),
                Next::End => Ok(None),
            }
        }
    })
}

pub(super) fn line<T: Serialize>(value: &T) -> Result<Bytes, StoreError> {
    let mut text = serde_json::to_vec(value).map_err(|e| StoreError::Shape(e.to_string()))?;
    text.push(b'\n');
    Ok(text.into())
}
