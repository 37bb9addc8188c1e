//! The driver `file`: plain lists for engines that read files, one address or network a line below a comment header.
//!
//! A list is replaced as a whole: written beside the old one, synchronised, renamed over it, and the folder
//! synchronised, so that a reader never sees half a list. Nothing can be proved by packet: receipts say
//! read-back only.

use base::{AddrSpec, Timestamp};
use edge::wire::{Collection, Intent, Probe};
use sha2::{Digest as _, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{self, Read, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use crate::driver::{Applied, Capabilities, Change, Difference, Driver, Element, Packets};
use crate::error::Error;

/// The lists: what is denied, and what is allowed although it may be denied.
const LISTS: [(Intent, &str); 2] = [(Intent::Deny, "block-ip.txt"), (Intent::Allow, "allow-ip.txt")];
/// Stands in the folder while enforcement is stopped, so that the lists stay empty over a restart.
const STOPPED: &str = "stopped";
/// A list that somebody else made larger is not read to its end.
const LIST_MOST: u64 = 256 << 20;

/// Where the lists are.
#[derive(Debug, Clone)]
pub struct FileConfig {
    /// The folder; made when it is not there.
    pub folder: PathBuf,
}

/// Inode, size and time of change: an edit in place changes one of them.
type Stamp = (u64, u64, i64, i64);

/// The driver.
#[derive(Debug)]
pub struct FileList {
    folder: PathBuf,
    wanted: BTreeMap<(Collection, AddrSpec), Timestamp>,
    /// SHA-256 of the lists as they were last written.
    written: BTreeMap<&'static str, [u8; 32]>,
    /// What the file system said of each list when it was last looked at as a whole.
    stamps: BTreeMap<&'static str, Option<Stamp>>,
    generation: u64,
    killed: bool,
}

impl FileList {
    /// A driver for a folder; nothing is written before [`Driver::install`].
    #[must_use]
    pub fn open(config: FileConfig) -> Self {
        let killed = config.folder.join(STOPPED).exists();
        Self {
            folder: config.folder,
            wanted: BTreeMap::new(),
            written: BTreeMap::new(),
            stamps: BTreeMap::new(),
            generation: 0,
            killed,
        }
    }

    /// Writes the lists that differ from what was last written.
    fn write(&mut self) -> Result<Applied, Error> {
        for (intent, name) in LISTS {
            let text = self.text(intent);
            let digest: [u8; 32] = Sha256::digest(&text).into();
            if self.written.get(name) == Some(&digest) {
                continue;
            }
            let path = self.folder.join(name);
            put(&path, text.as_bytes()).map_err(|source| Error::File { what: "writing a list", path, source })?;
            self.written.insert(name, digest);
            self.stamps.insert(name, self.stamp(name));
        }
        self.generation += 1;
        Ok(Applied { generation: self.generation, retried: false })
    }

    /// Lists in the order of addresses, so that two versions can be compared by eye.
    fn text(&self, intent: Intent) -> String {
        let keys: BTreeSet<AddrSpec> = self
            .wanted
            .keys()
            .filter(|(collection, _)| collection.intent() == intent && !(self.killed && intent == Intent::Deny))
            .map(|(_, key)| *key)
            .collect();
        let mut out = format!("# lianfang {} list: {} entries\n", intent.word(), keys.len());
        out.push_str("# one address or network a line; replaced as a whole, edits are undone\n");
        for key in keys {
            let _infallible = writeln!(out, "{key}");
        }
        out
    }

    fn stamp(&self, name: &str) -> Option<Stamp> {
        let about = fs::metadata(self.folder.join(name)).ok()?;
        Some((about.ino(), about.size(), about.mtime(), about.mtime_nsec()))
    }

    fn held(&self, name: &str) -> Result<Vec<u8>, Error> {
        let path = self.folder.join(name);
        let mut bytes = Vec::new();
        match File::open(&path).and_then(|file| file.take(LIST_MOST).read_to_end(&mut bytes)) {
            Ok(_) => Ok(bytes),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(bytes),
            Err(source) => Err(Error::File { what: "reading a list", path, source }),
        }
    }

    /// Every key that the lists hold now, whoever wrote them; lines that are no key are left to the digest.
    fn keys(&self, intent: Intent) -> Result<BTreeSet<AddrSpec>, Error> {
        let name = LISTS.iter().find(|(of, _)| *of == intent).map_or("", |(_, name)| name);
        let bytes = self.held(name)?;
        let text = String::from_utf8_lossy(&bytes);
        Ok(text.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.parse().ok()).collect())
    }
}

impl Driver for FileList {
    fn name(&self) -> &'static str {
        "file"
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities { collections: &Collection::ALL, packets: Packets::Never }
    }

    fn install(&mut self, _now: Timestamp) -> Result<(), Error> {
        fs::create_dir_all(&self.folder).map_err(|source| Error::File {
            what: "making a folder",
            path: self.folder.clone(),
            source,
        })
    }

    fn replace(&mut self, all: &[Element], _now: Timestamp) -> Result<Applied, Error> {
        self.wanted = all.iter().map(|element| ((element.collection, element.key), element.expires)).collect();
        self.written.clear();
        self.write()
    }

    fn apply(&mut self, change: &Change, _now: Timestamp) -> Result<Applied, Error> {
        let before = self.wanted.clone();
        for place in &change.del {
            self.wanted.remove(place);
        }
        for element in change.put.iter().chain(&change.renew) {
            self.wanted.insert((element.collection, element.key), element.expires);
        }
        self.write().inspect_err(|_| self.wanted = before)
    }

    /// While enforcement is stopped the list of denials is empty, and what it will hold again is known here alone.
    fn read(&mut self, keys: &[(Collection, AddrSpec)]) -> Result<Vec<bool>, Error> {
        let (deny, allow) = (self.keys(Intent::Deny)?, self.keys(Intent::Allow)?);
        let held = |place: &(Collection, AddrSpec)| match place.0.intent() {
            Intent::Deny if self.killed => self.wanted.contains_key(place),
            Intent::Deny => deny.contains(&place.1),
            Intent::Allow => allow.contains(&place.1),
        };
        Ok(keys.iter().map(held).collect())
    }

    fn disturbed(&mut self) -> Result<bool, Error> {
        Ok(LISTS.iter().any(|(_, name)| self.stamps.get(name).is_some_and(|seen| *seen != self.stamp(name))))
    }

    fn compare(&mut self, all: &[Element], cap: usize) -> Result<Difference, Error> {
        let mut difference = Difference::default();
        for (intent, name) in LISTS {
            self.stamps.insert(name, self.stamp(name));
            let held = self.keys(intent)?;
            if held.len() > cap {
                return Err(Error::TooMany { cap });
            }
            let of = all.iter().filter(|e| e.collection.intent() == intent && !(self.killed && intent == Intent::Deny));
            let wanted: BTreeMap<AddrSpec, &Element> = of.map(|element| (element.key, element)).collect();
            difference.missing.extend(wanted.iter().filter(|(key, _)| !held.contains(key)).map(|(_, e)| **e));
            let extra = held.iter().filter(|key| !wanted.contains_key(key));
            difference.extra.extend(extra.map(|key| (Collection::of(*key, intent), *key)));
            let digest: [u8; 32] = Sha256::digest(self.held(name)?).into();
            difference.structure |= self.written.get(name).is_some_and(|written| *written != digest);
        }
        Ok(difference)
    }

    fn repair(&mut self, _difference: &Difference, all: &[Element], now: Timestamp) -> Result<Applied, Error> {
        self.install(now)?;
        self.replace(all, now)
    }

    fn kill(&mut self, on: bool) -> Result<(), Error> {
        if on == self.killed {
            return Ok(());
        }
        let path = self.folder.join(STOPPED);
        let done = if on {
            put(&path, b"")
        } else {
            fs::remove_file(&path).or_else(|e| if e.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(e) })
        };
        done.map_err(|source| Error::File { what: "writing the stop mark", path, source })?;
        self.killed = on;
        // A driver that has not been given a state yet can only empty the list; the state writes it full again.
        if !on && self.written.is_empty() {
            return Ok(());
        }
        self.write().map(|_| ()).inspect_err(|_| self.killed = !on)
    }

    fn killed(&mut self) -> Result<bool, Error> {
        Ok(self.folder.join(STOPPED).exists())
    }

    fn probe(&mut self) -> Probe {
        Probe::ReadBackOnly
    }

    fn dropped(&mut self) -> Result<Option<u64>, Error> {
        Ok(None)
    }

    fn uninstall(&mut self) -> Result<(), Error> {
        for name in LISTS.iter().map(|(_, name)| *name).chain([STOPPED]) {
            let path = self.folder.join(name);
            match fs::remove_file(&path) {
                Err(source) if source.kind() != io::ErrorKind::NotFound => {
                    return Err(Error::File { what: "removing a list", path, source });
                }
                _ => {}
            }
        }
        self.written.clear();
        Ok(())
    }
}

/// Replaces a file as a whole: beside, synchronise, rename, synchronise the folder.
pub(crate) fn put(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().unwrap_or_else(|| Path::new("."));
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let beside = folder.join(format!(".{name}.new"));
    let mut file = File::create(&beside)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    drop(file);
    fs::rename(&beside, path)?;
    File::open(folder)?.sync_all()
}
