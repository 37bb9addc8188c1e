//! The journal's segments, held open while the state is copied: what the centre lets go of meanwhile is still read.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use journal::Position;

/// Open segment files by where they begin.
#[derive(Debug, Default)]
pub(super) struct Segments(BTreeMap<u64, (String, File)>);

impl Segments {
    /// Opens every segment of the folder that is not open yet. One that went away between listing and opening is
    /// missed; [`Segments::write`] sees the gap where it matters.
    pub(super) fn open(&mut self, folder: &Path) -> io::Result<()> {
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let Some(base) = base(&name) else { continue };
            if self.0.contains_key(&base) {
                continue;
            }
            match File::open(entry.path()) {
                Ok(file) => {
                    self.0.insert(base, (name, file));
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Copies them into a folder, each as long as it is now. False when what lies behind `read` is not there without a
    /// gap.
    pub(super) fn write(&mut self, folder: &Path, read: Position) -> io::Result<bool> {
        fs::DirBuilder::new().mode(0o700).create(folder)?;
        let mut end = None;
        for (base, (name, file)) in &mut self.0 {
            // A gap before what was read already does no harm; nothing older is asked for again.
            if end.is_some_and(|end| end != *base && *base > read.as_u64()) {
                return Ok(false);
            }
            let mut to = OpenOptions::new().write(true).create_new(true).mode(0o600).open(folder.join(&*name))?;
            let bytes = io::copy(file, &mut to)?;
            to.sync_all()?;
            end = Some(*base + bytes);
        }
        let first = self.0.keys().next().copied().unwrap_or(u64::MAX);
        Ok(first <= read.as_u64() && end.is_some_and(|end| end >= read.as_u64()))
    }
}

/// Where a segment begins, by its name `BASE-SALT.segment`.
fn base(name: &str) -> Option<u64> {
    let (base, _salt) = name.strip_suffix(".segment")?.split_once('-')?;
    u64::from_str_radix(base, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_went_away_in_the_middle_is_seen() {
        let dir = tempfile::tempdir().unwrap();
        let put = |base: u64, bytes: usize| {
            fs::write(dir.path().join(format!("{base:016x}-00000001.segment")), vec![7; bytes]).unwrap();
        };
        let mut to = 0;
        let mut written = |segments: &mut Segments, read: u64| {
            to += 1;
            segments.write(&dir.path().join(format!("to-{to}")), Position::from_u64(read)).unwrap()
        };
        let opened = || {
            let mut segments = Segments::default();
            segments.open(dir.path()).unwrap();
            segments
        };
        put(0, 10);
        put(10, 10);
        put(20, 5);
        fs::write(dir.path().join("lock"), "").unwrap();
        // Held open, the first one is there although it goes away.
        let mut segments = opened();
        fs::remove_file(dir.path().join("0000000000000000-00000001.segment")).unwrap();
        assert!(written(&mut segments, 3));
        assert_eq!(fs::read_dir(dir.path().join("to-1")).unwrap().count(), 3);
        assert!(!written(&mut opened(), 3), "what was not read is gone");
        assert!(written(&mut opened(), 10) && written(&mut opened(), 25));
        assert!(!written(&mut opened(), 26), "the state has read what is not there");
        fs::remove_file(dir.path().join("000000000000000a-00000001.segment")).unwrap();
        put(0, 10);
        assert!(!written(&mut opened(), 3), "a gap behind what was read");
        assert!(written(&mut opened(), 20), "a gap before it");
    }
}
