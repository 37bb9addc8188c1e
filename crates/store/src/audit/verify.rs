//! Checking an exported audit tree with nothing but the file: entry -> leaf hash -> root -> signature.
//!
//! A leaf that its reader may not see is there as its hash: the root holds all the same, and [`Verified::withheld`]
//! counts what was not shown.

use serde::Serialize;
use serde::de::DeserializeOwned;
use std::io::{BufRead, Read as _};

use super::export::{FORMAT, Foot, Head, Line, check, line};
use super::note::Note;
use super::tree::{Hash, Range, leaf_hash};

/// The longest line that is read: an entry is far smaller.
const LONGEST_LINE: u64 = 16 << 20;

/// What an intact file proves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Verified {
    /// How many entries.
    pub size: u64,
    /// How many of them are there as their hash alone.
    pub withheld: u64,
    /// The signed root.
    pub root: Hash,
    /// The tree's name.
    pub origin: String,
    /// The key in the file; compare it with the one you were given another way.
    pub key: [u8; 32],
}

/// The first thing that does not fit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}: {why}", entry.map_or_else(|| "the file".to_owned(), |entry| format!("entry {entry}")))]
pub struct Broken {
    /// The entry (counted from 1); none when it is the head, the checkpoint or the file as a whole.
    pub entry: Option<u64>,
    /// What does not fit.
    pub why: String,
}

/// What the verifier knows from elsewhere.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Expected {
    /// The public key: without it the file proves only that it is consistent with the key it names.
    pub key: Option<[u8; 32]>,
    /// An earlier checkpoint note: the tree must have grown from it.
    pub earlier: Option<String>,
    /// Nothing may be withheld: for whoever sees everything, a hidden entry is a removed one.
    pub whole: bool,
}

/// Checks an exported tree.
///
/// # Errors
/// The first entry that does not fit.
pub fn verify<R: BufRead>(reader: R) -> Result<Verified, Broken> {
    verify_with(reader, &Expected::default())
}

/// Checks an exported tree against what is known from elsewhere.
///
/// # Errors
/// The first entry that does not fit.
pub fn verify_with<R: BufRead>(mut reader: R, expected: &Expected) -> Result<Verified, Broken> {
    let file = |why: &str| Broken { entry: None, why: why.into() };
    let bytes = next_line(&mut reader, None)?.ok_or_else(|| file("it is empty"))?;
    let head: Head = exact(&bytes, None)?;
    if head.format != FORMAT {
        return Err(file("it is not an exported audit tree of this version"));
    }
    let mut key = [0; 32];
    hex::decode_to_slice(&head.key, &mut key).map_err(|_| file("the key is not 64 hex digits"))?;
    if expected.key.is_some_and(|wanted| wanted != key) {
        return Err(file("it was made with another key"));
    }
    let open = |note: &str| Note::open(note, &head.origin, &key).map_err(file);
    let earlier = expected.earlier.as_deref().map(open).transpose()?;
    let grown = |range: &Range| match &earlier {
        Some(note) if note.size == range.size() && note.root != range.root() => Err(Broken {
            entry: Some(range.size()),
            why: "this or an earlier entry differs from the earlier checkpoint".into(),
        }),
        _ => Ok(()),
    };
    let mut range = Range::default();
    let mut withheld = 0;
    grown(&range)?;
    let note = loop {
        let entry = Some(range.size() + 1);
        let bytes = next_line(&mut reader, entry)?.ok_or_else(|| file("it ends without a checkpoint"))?;
        if bytes.starts_with(b"{\"checkpoint\"") {
            break open(&exact::<Foot>(&bytes, None)?.checkpoint)?;
        }
        let (hash, shown) = leaf(&bytes, range.size() + 1)?;
        if !shown && expected.whole {
            return Err(Broken { entry, why: "it is withheld, and the whole tree was expected".into() });
        }
        withheld += u64::from(!shown);
        range.push(hash, |_| ());
        grown(&range)?;
    };
    if next_line(&mut reader, None)?.is_some() {
        return Err(file("something stands behind the checkpoint"));
    }
    if note.size != range.size() {
        let why = format!("the checkpoint counts {} entries, the file holds {}", note.size, range.size());
        return Err(Broken { entry: Some(note.size.min(range.size()) + 1), why });
    }
    if note.root != range.root() {
        // An entry gives its own hash; a withheld one is all hash, so nothing tells which of them is wrong.
        let why = match withheld {
            0 => "the entries do not give the signed root".to_owned(),
            some => format!("the entries and the {some} withheld hashes do not give the signed root"),
        };
        return Err(file(&why));
    }
    if earlier.is_some_and(|earlier| earlier.size > note.size) {
        return Err(file("it is older than the earlier checkpoint"));
    }
    Ok(Verified { size: note.size, withheld, root: note.root, origin: head.origin, key })
}

/// The leaf hash of a line whose parts agree, and whether its entry is shown.
fn leaf(bytes: &[u8], expected: u64) -> Result<(Hash, bool), Broken> {
    let broken = |why: &str| Broken { entry: Some(expected), why: why.into() };
    let line: Line = exact(bytes, Some(expected))?;
    let mut said = [0; 32];
    let known = hex::decode_to_slice(&line.leaf, &mut said).is_ok() && hex::encode(said) == line.leaf;
    let entry = match (line.entry, line.withheld) {
        (Some(entry), None) => entry,
        (None, Some(sum)) if known && sum == check(line.seq, &said) => {
            return if line.seq == expected {
                Ok((said, false))
            } else {
                Err(broken("another entry stands in its place"))
            };
        }
        (None, Some(_)) => return Err(broken("the hash of the withheld entry was altered")),
        _ => return Err(broken("an entry is either shown or withheld")),
    };
    let hash = leaf_hash(entry.as_bytes());
    if !known || hash != said {
        return Err(broken("the text does not give the leaf's hash"));
    }
    let says: Option<u64> = serde_json::from_str(&entry)
        .ok()
        .and_then(|entry: serde_json::Value| entry.get("seq").and_then(serde_json::Value::as_u64));
    if line.seq != expected || says != Some(expected) {
        return Err(broken("another entry stands in its place"));
    }
    Ok((hash, true))
}

/// The next line with its end; none at the end of the file.
fn next_line<R: BufRead>(reader: &mut R, entry: Option<u64>) -> Result<Option<Vec<u8>>, Broken> {
    let mut bytes = Vec::new();
    let read = reader.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut bytes);
    match read {
        Err(failure) => Err(Broken { entry, why: format!("it cannot be read: {failure}") }),
        Ok(0) => Ok(None),
        Ok(_) if bytes.last() == Some(&b'\n') => Ok(Some(bytes)),
        Ok(_) => Err(Broken { entry, why: "the line has no end".into() }),
    }
}

/// A line in its one form: written again it has the same bytes.
fn exact<T: DeserializeOwned + Serialize>(bytes: &[u8], entry: Option<u64>) -> Result<T, Broken> {
    let broken = |why: String| Broken { entry, why };
    let value: T = serde_json::from_slice(bytes).map_err(|e| broken(format!("the line cannot be read: {e}")))?;
    match line(&value) {
        Ok(again) if again == bytes => Ok(value),
        _ => Err(broken("the line is not in its one form".into())),
    }
}
