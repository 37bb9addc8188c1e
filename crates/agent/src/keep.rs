//! The point's memory: what the centre last said survives a restart, so that blocks outlive crash and reboot.
//!
//! `state.base` is the whole copy as of some record, `state.log` the changes since, one checked line each. A torn
//! last line is a change that was never acknowledged to anybody: it is dropped and comes again from the centre.

use base::AddrSpec;
use edge::replica::{Change, Replica};
use edge::wire::{Collection, Entry, Mark, SignedConfig};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, BufWriter, Seek as _, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use crate::error::AgentError;

const BASE: &str = "state.base";
const LOG: &str = "state.log";
/// The log is folded into the base when it has grown to this.
const LOG_MOST: u64 = 16 << 20;
/// A line longer than this is damage.
const LINE_MOST: u64 = 64 << 20;

/// What every line begins with.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Head {
    /// Grows by one with every record; the base names the last one it contains.
    serial: u64,
    mark: Mark,
    last_number: u64,
    generation: u64,
    config: Option<SignedConfig>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Record {
    head: Head,
    set: Vec<Entry>,
    removed: Vec<(Collection, AddrSpec)>,
}

/// What was kept.
#[derive(Debug)]
pub(crate) struct Kept {
    pub(crate) mark: Mark,
    pub(crate) entries: Vec<Entry>,
    pub(crate) config: Option<SignedConfig>,
    pub(crate) last_number: u64,
    pub(crate) generation: u64,
}

/// The files.
#[derive(Debug)]
pub(crate) struct Keep {
    folder: PathBuf,
    log: File,
    serial: u64,
    /// The log misses a change that could not be written; the next record is a whole base.
    behind: bool,
}

impl Keep {
    /// Opens the memory of a folder and reads what it holds; none at first.
    pub(crate) fn open(folder: &Path) -> Result<(Self, Option<Kept>), AgentError> {
        fs::create_dir_all(folder).map_err(AgentError::file(folder))?;
        let base_path = folder.join(BASE);
        let mut state = read_base(&base_path).map_err(AgentError::file(&base_path))?;
        let path = folder.join(LOG);
        let log = OpenOptions::new().read(true).append(true).create(true).mode(0o600).open(&path);
        let mut log = log.map_err(AgentError::file(&path))?;
        let good = replay(&mut log, &mut state).map_err(AgentError::file(&path))?;
        log.set_len(good).and_then(|()| log.sync_all()).map_err(AgentError::file(&path))?;
        let keep = Self {
            folder: folder.to_owned(),
            log,
            serial: state.as_ref().map_or(0, |(head, _)| head.serial),
            behind: false,
        };
        let kept = state.map(|(head, entries)| Kept {
            mark: head.mark,
            entries: entries.into_values().collect(),
            config: head.config,
            last_number: head.last_number,
            generation: head.generation,
        });
        Ok((keep, kept))
    }

    /// Keeps a change that `replica` has just taken in. After an error the next call writes everything anew.
    pub(crate) fn record(&mut self, replica: &Replica, change: &Change, generation: u64) -> Result<(), AgentError> {
        self.serial += 1;
        let head = Head {
            serial: self.serial,
            mark: replica.mark(),
            last_number: replica.floor().number,
            generation,
            config: replica.config().cloned(),
        };
        let long = self.log.metadata().map_or(true, |about| about.len() > LOG_MOST);
        let outcome = if self.behind || change.snapshot || long {
            self.fold(&head, replica)
        } else {
            let set = change.added.iter().chain(&change.renewed).cloned().collect();
            let removed = change.removed.iter().map(Entry::place).collect();
            append(&mut self.log, &Record { head, set, removed })
        };
        self.behind = outcome.is_err();
        outcome.map_err(AgentError::file(&self.folder))
    }

    /// Writes the whole copy as the new base; the log begins again behind it.
    fn fold(&mut self, head: &Head, replica: &Replica) -> io::Result<()> {
        let (path, beside) = (self.folder.join(BASE), self.folder.join("state.new"));
        let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&beside)?;
        let mut out = BufWriter::new(file);
        write_line(&mut out, head)?;
        for entry in replica.entries() {
            write_line(&mut out, &entry)?;
        }
        out.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
        fs::rename(&beside, &path)?;
        File::open(&self.folder)?.sync_all()?;
        self.log.set_len(0)?;
        self.log.sync_all()
    }
}

type State = Option<(Head, BTreeMap<(Collection, AddrSpec), Entry>)>;

/// A damaged base is no base: what is missing comes again from the centre.
fn read_base(path: &Path) -> io::Result<State> {
    let file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        file => file?,
    };
    let mut lines = Lines(BufReader::new(file));
    let Some((head, _)) = lines.next::<Head>()? else {
        return Ok(None);
    };
    let mut entries = BTreeMap::new();
    while let Some((entry, _)) = lines.next::<Entry>()? {
        entries.insert(entry.place(), entry);
    }
    if entries.len() as u64 != head.mark.count {
        tracing::warn!("the kept state is damaged; asking the centre for a snapshot");
        return Ok(None);
    }
    Ok(Some((head, entries)))
}

/// Applies the log to the base; says how many bytes of it are good.
fn replay(log: &mut File, state: &mut State) -> io::Result<u64> {
    log.rewind()?;
    let mut lines = Lines(BufReader::new(log));
    let mut good = 0;
    while let Some((record, bytes)) = lines.next::<Record>()? {
        good += bytes;
        let known = state.as_ref().map_or(0, |(head, _)| head.serial);
        // Records that a base already contains stand in the log when the crash came between the two.
        if record.head.serial <= known {
            continue;
        }
        let entries = state.take().map(|(_, entries)| entries).unwrap_or_default();
        *state = Some((record.head, changed(entries, record.set, &record.removed)));
    }
    Ok(good)
}

fn changed(
    mut entries: BTreeMap<(Collection, AddrSpec), Entry>,
    set: Vec<Entry>,
    removed: &[(Collection, AddrSpec)],
) -> BTreeMap<(Collection, AddrSpec), Entry> {
    for place in removed {
        entries.remove(place);
    }
    entries.extend(set.into_iter().map(|entry| (entry.place(), entry)));
    entries
}

fn append(log: &mut File, record: &Record) -> io::Result<()> {
    let mut line = Vec::new();
    write_line(&mut line, record)?;
    log.write_all(&line)?;
    log.sync_data()
}

/// `<first 8 bytes of SHA-256, hex> <JSON>\n`.
pub(crate) fn write_line<T: Serialize>(out: &mut impl Write, value: &T) -> io::Result<()> {
    let json = serde_json::to_vec(value)?;
    out.write_all(check(&json).as_bytes())?;
    out.write_all(b" ")?;
    out.write_all(&json)?;
    out.write_all(b"\n")
}

fn check(json: &[u8]) -> String {
    hex::encode(Sha256::digest(json).get(..8).unwrap_or_default())
}

pub(crate) struct Lines<R>(pub(crate) R);

impl<R: BufRead> Lines<R> {
    /// The next good line and its length; none at the end or where the damage begins.
    pub(crate) fn next<T: for<'a> Deserialize<'a>>(&mut self) -> io::Result<Option<(T, u64)>> {
        let mut line = Vec::new();
        let read = io::Read::take(&mut self.0, LINE_MOST).read_until(b'\n', &mut line)?;
        let parsed = line.strip_suffix(b"\n").and_then(|line| {
            let (sum, json) = line.split_at_checked(16)?;
            let json = json.strip_prefix(b" ")?;
            (check(json).as_bytes() == sum).then(|| serde_json::from_slice(json).ok()).flatten()
        });
        Ok(parsed.map(|value| (value, read as u64)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use base::{DirectiveId, PointId, Timestamp};
    use ed25519_dalek::SigningKey;
    use edge::wire::Intent;
    use std::collections::BTreeSet;

    fn replica() -> Replica {
        Replica::new(PointId(uuid::Uuid::nil()), SigningKey::from_bytes(&[1; 32]).verifying_key())
    }

    fn entry(n: u8) -> Entry {
        let key = format!("203.0.113.{n}").parse().unwrap();
        Entry::new(key, Intent::Deny, DirectiveId(uuid::Uuid::from_u128(n.into())), Timestamp::from_micros(9))
    }

    /// Step `n` adds entry n and removes entry n - 3.
    fn step(replica: &mut Replica, n: u8, snapshot: bool) -> Change {
        let mut mark = replica.mark();
        let removed: Vec<Entry> = (n > 3).then(|| entry(n - 3)).into_iter().collect();
        removed.iter().for_each(|gone| mark.digest.remove(gone));
        mark.digest.insert(&entry(n));
        mark.count = mark.count + 1 - removed.len() as u64;
        mark.sequence += 1;
        let change = Change { mark, snapshot, added: vec![entry(n)], renewed: vec![], removed, config: None };
        replica.commit(&change);
        change
    }

    fn believed(kept: Option<Kept>) -> Mark {
        kept.map_or_else(Mark::default, |kept| {
            let key = SigningKey::from_bytes(&[1; 32]).verifying_key();
            let point = PointId(uuid::Uuid::nil());
            Replica::restore(point, key, kept.mark, kept.entries, kept.config, kept.last_number).unwrap().mark()
        })
    }

    #[test]
    fn what_was_kept_comes_back_whatever_byte_the_crash_came_at() {
        for snapshot_at in [0_u8, 4] {
            let folder = tempfile::tempdir().unwrap();
            let mut replica = replica();
            let mut marks = BTreeSet::from([0]);
            let (mut keep, kept) = Keep::open(folder.path()).unwrap();
            assert!(kept.is_none());
            for n in 1..=8 {
                let change = step(&mut replica, n, n == snapshot_at);
                keep.record(&replica, &change, n.into()).unwrap();
                marks.insert(replica.mark().sequence);
            }
            drop(keep);
            let log = fs::read(folder.path().join(LOG)).unwrap();
            let mut last = 0;
            for length in 0..=log.len() {
                fs::write(folder.path().join(LOG), log.get(..length).unwrap()).unwrap();
                let (_, kept) = Keep::open(folder.path()).unwrap();
                let mark = believed(kept);
                assert!(mark.sequence >= last && marks.contains(&mark.sequence), "{length}: {mark:?}");
                last = mark.sequence;
            }
            assert_eq!(last, 8);
            // Behind a torn line the next record still counts.
            fs::write(folder.path().join(LOG), log.get(..log.len() - 1).unwrap()).unwrap();
            let (mut keep, kept) = Keep::open(folder.path()).unwrap();
            assert_eq!(believed(kept).sequence, 7);
            keep.record(&replica, &step(&mut replica.clone(), 9, true), 9).unwrap();
            assert_eq!(believed(Keep::open(folder.path()).unwrap().1).sequence, 8);
        }
    }

    #[test]
    fn records_that_the_base_contains_are_passed_over() {
        let folder = tempfile::tempdir().unwrap();
        let mut replica = replica();
        let (mut keep, _) = Keep::open(folder.path()).unwrap();
        for n in 1..=3 {
            let change = step(&mut replica, n, false);
            keep.record(&replica, &change, 1).unwrap();
        }
        let log = fs::read(folder.path().join(LOG)).unwrap();
        let change = step(&mut replica, 4, true);
        keep.record(&replica, &change, 1).unwrap();
        // The crash came after the new base and before the log was emptied.
        fs::write(folder.path().join(LOG), log).unwrap();
        let (_, kept) = Keep::open(folder.path()).unwrap();
        assert_eq!(believed(kept), replica.mark());
    }
}
