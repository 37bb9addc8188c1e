//! A disk that forgets what was not synced, tears it, fails and fills up.

use std::collections::BTreeMap;
use std::io::{self, ErrorKind};
use std::sync::{Arc, Mutex, MutexGuard};

use crate::disk::{Disk, DiskFile};

#[derive(Debug, Clone, Default)]
struct Content {
    /// What reads see.
    now: Vec<u8>,
    /// What survives a power cut for certain.
    synced: Vec<u8>,
    /// Whether the name survives.
    named: bool,
}

#[derive(Debug, Default)]
struct State {
    files: BTreeMap<String, Content>,
    /// Removed, but the folder was not synced since.
    removed: BTreeMap<String, Content>,
    free: u64,
    /// The nth sync from now fails.
    fail_sync: Option<u32>,
}

fn coin(mut dice: impl FnMut() -> u32) -> bool {
    dice() > u32::MAX / 2
}

/// A disk in memory, cheap to clone; every clone is the same disk.
#[derive(Debug, Clone, Default)]
pub(crate) struct FaultDisk(Arc<Mutex<State>>);

struct Handle {
    disk: FaultDisk,
    name: String,
}

impl FaultDisk {
    pub(crate) fn new() -> Self {
        let disk = Self::default();
        disk.set_free(u64::MAX);
        disk
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    pub(crate) fn set_free(&self, free: u64) {
        self.state().free = free;
    }

    pub(crate) fn fail_sync(&self, nth: u32) {
        self.state().fail_sync = Some(nth);
    }

    /// Syncs work again.
    pub(crate) fn forgive(&self) {
        self.state().fail_sync = None;
    }

    pub(crate) fn sizes(&self) -> Vec<usize> {
        self.state().files.values().map(|file| file.now.len()).collect()
    }

    /// Flips a bit of the nth file, durably.
    pub(crate) fn flip(&self, file: usize, byte: usize, bit: u8) {
        let mut state = self.state();
        let content = state.files.values_mut().nth(file).unwrap();
        for bytes in [&mut content.now, &mut content.synced] {
            if let Some(byte) = bytes.get_mut(byte) {
                *byte ^= 1 << bit;
            }
        }
    }

    /// The power goes: what was not synced is there, gone, or half there, as the dice say.
    pub(crate) fn power_cut(&self, mut dice: impl FnMut() -> u32) {
        let mut state = self.state();
        for (name, content) in std::mem::take(&mut state.removed) {
            if coin(&mut dice) {
                state.files.insert(name, content);
            }
        }
        state.files.retain(|_, content| content.named || coin(&mut dice));
        for content in state.files.values_mut() {
            let mut kept = content.synced.clone();
            if dice() > u32::MAX / 3 {
                // A part of what was written since, with a hole in it half of the times.
                let fresh = content.now.get(kept.len()..).unwrap_or_default();
                let mut part = fresh[..dice() as usize % (fresh.len() + 1)].to_vec();
                if !part.is_empty() && coin(&mut dice) {
                    let hole = dice() as usize % part.len();
                    let end = part.len().min(hole + 16);
                    part[hole..end].fill(0);
                }
                kept.extend(part);
                if content.now.len() < content.synced.len() && coin(&mut dice) {
                    kept.truncate(content.now.len());
                }
            }
            content.now.clone_from(&kept);
            content.synced = kept;
            content.named = true;
        }
        state.fail_sync = None;
    }

    fn sync_turn(state: &mut State) -> io::Result<()> {
        match &mut state.fail_sync {
            Some(0) => {
                state.fail_sync = None;
                Err(io::Error::other("EIO"))
            }
            Some(left) => {
                *left -= 1;
                Ok(())
            }
            None => Ok(()),
        }
    }
}

impl Disk for FaultDisk {
    fn list(&self) -> io::Result<Vec<String>> {
        Ok(self.state().files.keys().cloned().collect())
    }

    fn create(&self, name: &str) -> io::Result<Box<dyn DiskFile>> {
        let mut state = self.state();
        if state.free == 0 {
            return Err(ErrorKind::StorageFull.into());
        }
        assert!(state.files.insert(name.to_owned(), Content::default()).is_none(), "the name is new");
        Ok(Box::new(Handle { disk: self.clone(), name: name.to_owned() }))
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn DiskFile>> {
        if !self.state().files.contains_key(name) {
            return Err(ErrorKind::NotFound.into());
        }
        Ok(Box::new(Handle { disk: self.clone(), name: name.to_owned() }))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let mut state = self.state();
        let content = state.files.remove(name).ok_or(ErrorKind::NotFound)?;
        state.removed.insert(name.to_owned(), content);
        Ok(())
    }

    fn sync_folder(&self) -> io::Result<()> {
        let mut state = self.state();
        Self::sync_turn(&mut state)?;
        state.removed.clear();
        state.files.values_mut().for_each(|content| content.named = true);
        Ok(())
    }

    fn free(&self) -> io::Result<u64> {
        // What the file system says is more than what a write gets: metadata needs space too.
        Ok(self.state().free.saturating_mul(2))
    }
}

impl Handle {
    fn with<T>(&self, work: impl FnOnce(&mut Content, &mut u64) -> T) -> io::Result<T> {
        let mut state = self.disk.state();
        let State { files, free, .. } = &mut *state;
        files.get_mut(&self.name).map(|content| work(content, free)).ok_or_else(|| ErrorKind::NotFound.into())
    }
}

impl DiskFile for Handle {
    fn size(&self) -> io::Result<u64> {
        self.with(|content, _| content.now.len() as u64)
    }

    fn read_at(&self, into: &mut [u8], offset: u64) -> io::Result<usize> {
        self.with(|content, _| {
            let from = content.now.get(offset as usize..).unwrap_or_default();
            let count = from.len().min(into.len());
            into[..count].copy_from_slice(&from[..count]);
            count
        })
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.with(|content, free| {
            let fits = bytes.len().min(usize::try_from(*free).unwrap_or(usize::MAX));
            *free -= fits as u64;
            content.now.resize(offset as usize, 0);
            content.now.extend_from_slice(&bytes[..fits]);
            if fits < bytes.len() { Err(ErrorKind::StorageFull.into()) } else { Ok(()) }
        })?
    }

    fn cut(&self, size: u64) -> io::Result<()> {
        self.with(|content, _| content.now.truncate(size as usize))
    }

    fn sync(&self) -> io::Result<()> {
        FaultDisk::sync_turn(&mut self.disk.state())?;
        self.with(|content, _| content.synced.clone_from(&content.now))
    }
}
