//! The fake file system: a shared tree of the persona and, per session, a small overlay of what the attacker changed.
//!
//! Nothing here touches a disk. The overlay has a limit in files and in bytes; beyond it the disk is "full".

use base::Timestamp;
use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use crate::persona::Host;
use crate::shell::live::{self, Live};

/// Files an attacker may add in one session.
const OVERLAY_FILES: usize = 256;
/// Bytes an attacker may add in one session.
const OVERLAY_BYTES: usize = 256 * 1024;
/// Links followed before a path is called a loop.
const LINKS: usize = 8;
/// Bytes of one path.
const PATH: usize = 1024;
/// The most of a program's bytes that are ever made.
const PROGRAM_BYTES: u32 = 32 * 1024;

/// What a name stands for.
#[derive(Debug, Clone)]
pub enum Kind {
    /// A folder.
    Dir,
    /// A file with its content.
    File(Arc<[u8]>),
    /// An executable of the system of that size; its bytes are made when read.
    Program(u32),
    /// A symbolic link.
    Link(&'static str),
    /// A file of `/proc`, made when read.
    Live(Live),
    /// A device.
    Device,
}

/// One entry of the tree.
#[derive(Debug, Clone)]
pub struct Node {
    /// What it is.
    pub kind: Kind,
    /// Permission bits.
    pub mode: u16,
    /// Owner.
    pub uid: u32,
    /// Last change, seconds since the epoch.
    pub mtime: i64,
}

/// Why a file operation fails; the texts are those of the C library.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FsError {
    /// ENOENT.
    Missing,
    /// ENOTDIR.
    NotDir,
    /// EISDIR.
    IsDir,
    /// EACCES.
    Denied,
    /// EEXIST.
    Exists,
    /// ENOSPC.
    Full,
    /// ENOTEMPTY.
    NotEmpty,
}

impl FsError {
    /// The system's text.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::Missing => "No such file or directory",
            Self::NotDir => "Not a directory",
            Self::IsDir => "Is a directory",
            Self::Denied => "Permission denied",
            Self::Exists => "File exists",
            Self::Full => "No space left on device",
            Self::NotEmpty => "Directory not empty",
        }
    }
}

/// A whole file system by absolute path.
#[derive(Debug, Default)]
pub struct Tree {
    nodes: BTreeMap<String, Node>,
}

impl Tree {
    /// Adds an entry and every folder above it.
    pub fn put(&mut self, path: &str, kind: Kind, mode: u16, mtime: i64) {
        let mut at = String::new();
        let parts: Vec<&str> = path.split('/').filter(|p| !p.is_empty()).collect();
        for part in parts.iter().take(parts.len().saturating_sub(1)) {
            at.push('/');
            at.push_str(part);
            self.nodes.entry(at.clone()).or_insert(Node { kind: Kind::Dir, mode: 0o755, uid: 0, mtime });
        }
        self.nodes.insert(path.to_owned(), Node { kind, mode, uid: 0, mtime });
    }

    /// Gives an entry an owner.
    pub fn own(&mut self, path: &str, uid: u32) {
        if let Some(node) = self.nodes.get_mut(path) {
            node.uid = uid;
        }
    }

    /// Entries in all.
    #[must_use]
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Whether the tree has no entry.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }
}

/// One session's view: the tree and what was changed over it.
#[derive(Debug, Clone)]
pub struct Vfs {
    host: Arc<Host>,
    over: BTreeMap<String, Option<Node>>,
    bytes: usize,
    root: Node,
}

impl Vfs {
    /// An unchanged view of the host's tree.
    #[must_use]
    pub fn new(host: Arc<Host>) -> Self {
        let root = Node { kind: Kind::Dir, mode: 0o755, uid: 0, mtime: 1_600_000_000 };
        Self { host, over: BTreeMap::new(), bytes: 0, root }
    }

    /// The absolute form of `path` seen from `cwd`: no `.`, no `..`, no double slashes.
    #[must_use]
    pub fn absolute(cwd: &str, path: &str) -> String {
        let path: String = path.chars().filter(|c| *c != '\0').take(PATH).collect();
        let joined = if path.starts_with('/') { path } else { format!("{cwd}/{path}") };
        let mut parts: Vec<&str> = Vec::new();
        for part in joined.split('/') {
            match part {
                "" | "." => {}
                ".." => {
                    parts.pop();
                }
                name => parts.push(name),
            }
        }
        format!("/{}", parts.join("/"))
    }

    /// The entry at an absolute path, links not followed.
    #[must_use]
    pub fn peek(&self, path: &str) -> Option<&Node> {
        if path == "/" {
            return Some(&self.root);
        }
        match self.over.get(path) {
            Some(changed) => changed.as_ref(),
            None => self.host.tree.nodes.get(path),
        }
    }

    /// The path after following links in its last part and in the folders above it.
    #[must_use]
    pub fn follow(&self, path: &str) -> String {
        let mut at = path.to_owned();
        for _ in 0..LINKS {
            let Some((link, target)) = self.first_link(&at) else { return at };
            let rest = at.get(link.len()..).unwrap_or_default().to_owned();
            at = Self::absolute(parent(&link), &format!("{target}{rest}"));
        }
        at
    }

    fn first_link(&self, path: &str) -> Option<(String, &'static str)> {
        let ends = path.match_indices('/').map(|(i, _)| i).skip(1).chain([path.len()]);
        for end in ends {
            let head = path.get(..end)?;
            if let Some(Node { kind: Kind::Link(target), .. }) = self.peek(head) {
                return Some((head.to_owned(), target));
            }
        }
        None
    }

    /// The entry at an absolute path, links followed.
    #[must_use]
    pub fn get(&self, path: &str) -> Option<&Node> {
        self.peek(&self.follow(path))
    }

    /// Whether there is a folder.
    #[must_use]
    pub fn is_dir(&self, path: &str) -> bool {
        matches!(self.get(path), Some(Node { kind: Kind::Dir, .. }))
    }

    /// Names and entries of a folder, sorted.
    ///
    /// # Errors
    /// When there is no such folder.
    pub fn list(&self, path: &str) -> Result<Vec<(String, Node)>, FsError> {
        let path = self.follow(path);
        match self.peek(&path) {
            None => return Err(FsError::Missing),
            Some(Node { kind: Kind::Dir, .. }) => {}
            Some(_) => return Err(FsError::NotDir),
        }
        let prefix = if path == "/" { path } else { format!("{path}/") };
        let from = (Bound::Excluded(prefix.clone()), Bound::Unbounded);
        let mut found: BTreeMap<&str, &Node> = BTreeMap::new();
        for (full, node) in self.host.tree.nodes.range(from.clone()) {
            let Some(name) = full.strip_prefix(&prefix) else { break };
            if !name.contains('/') && !self.over.contains_key(full) {
                found.insert(name, node);
            }
        }
        for (full, node) in self.over.range(from) {
            let Some(name) = full.strip_prefix(&prefix) else { break };
            if let (false, Some(node)) = (name.contains('/'), node) {
                found.insert(name, node);
            }
        }
        Ok(found.into_iter().map(|(name, node)| (name.to_owned(), node.clone())).collect())
    }

    /// The content of a file.
    ///
    /// # Errors
    /// When it is missing, a folder, or not readable by `uid`.
    pub fn read(&self, path: &str, uid: u32, now: Timestamp) -> Result<Vec<u8>, FsError> {
        let node = self.get(path).ok_or(FsError::Missing)?;
        if uid != 0 && node.uid != uid && node.mode & 0o004 == 0 {
            return Err(FsError::Denied);
        }
        match &node.kind {
            Kind::Dir => Err(FsError::IsDir),
            Kind::File(data) => Ok(data.to_vec()),
            Kind::Program(size) => Ok(program(*size, self.host.cpu.machine, path)),
            Kind::Live(live) => Ok(live::render(*live, &self.host, now).into_bytes()),
            Kind::Link(_) => Err(FsError::Missing),
            Kind::Device => Ok(Vec::new()),
        }
    }

    /// The size that a listing shows.
    #[must_use]
    pub fn size(node: &Node) -> u64 {
        match &node.kind {
            Kind::Dir => 4096,
            Kind::File(data) => data.len() as u64,
            Kind::Program(size) => u64::from(*size),
            Kind::Link(target) => target.len() as u64,
            Kind::Live(_) | Kind::Device => 0,
        }
    }

    fn may_write(&self, path: &str, uid: u32) -> Result<(), FsError> {
        let above = parent(path);
        match self.get(above) {
            None => return Err(FsError::Missing),
            Some(node) if !matches!(node.kind, Kind::Dir) => return Err(FsError::NotDir),
            Some(node) if uid != 0 && node.uid != uid && node.mode & 0o002 == 0 => return Err(FsError::Denied),
            Some(_) => {}
        }
        if path.starts_with("/proc/") || path.starts_with("/sys/") {
            return Err(FsError::Denied);
        }
        Ok(())
    }

    fn change(&mut self, path: String, node: Option<Node>) -> Result<(), FsError> {
        let adds = node.as_ref().map_or(0, |n| usize::try_from(Self::size(n)).unwrap_or(0));
        let frees = match self.over.get(&path) {
            Some(Some(old)) => usize::try_from(Self::size(old)).unwrap_or(0),
            _ => 0,
        };
        let bytes = self.bytes.saturating_sub(frees).saturating_add(adds);
        if bytes > OVERLAY_BYTES || (self.over.len() >= OVERLAY_FILES && !self.over.contains_key(&path)) {
            return Err(FsError::Full);
        }
        self.bytes = bytes;
        self.over.insert(path, node);
        Ok(())
    }

    /// Writes a file, replacing or appending; devices swallow what is written.
    ///
    /// # Errors
    /// As the system would refuse it, and when the overlay is full.
    pub fn write(&mut self, path: &str, data: &[u8], append: bool, uid: u32, now: Timestamp) -> Result<(), FsError> {
        let path = self.follow(path);
        let old = self.peek(&path);
        match old.map(|n| &n.kind) {
            Some(Kind::Device) => return Ok(()),
            Some(Kind::Dir) => return Err(FsError::IsDir),
            _ => {}
        }
        match old {
            Some(node) if uid != 0 && node.uid != uid && node.mode & 0o002 == 0 => return Err(FsError::Denied),
            Some(_) if !path.starts_with("/proc/") => {}
            _ => self.may_write(&path, uid)?,
        }
        let mode = old.map_or(0o644, |n| n.mode);
        let owner = old.map_or(uid, |n| n.uid);
        let mut content = match (append, old.map(|n| &n.kind)) {
            (true, Some(Kind::File(before))) => before.to_vec(),
            _ => Vec::new(),
        };
        if content.len().saturating_add(data.len()) > OVERLAY_BYTES {
            return Err(FsError::Full);
        }
        content.extend_from_slice(data);
        let node = Node { kind: Kind::File(content.into()), mode, uid: owner, mtime: now.as_secs() };
        self.change(path, Some(node))
    }

    /// Makes a folder.
    ///
    /// # Errors
    /// As the system would refuse it.
    pub fn mkdir(&mut self, path: &str, uid: u32, now: Timestamp) -> Result<(), FsError> {
        if self.get(path).is_some() {
            return Err(FsError::Exists);
        }
        self.may_write(path, uid)?;
        let path = self.follow(path);
        self.change(path, Some(Node { kind: Kind::Dir, mode: 0o755, uid, mtime: now.as_secs() }))
    }

    /// Removes a file, or a folder with all in it where `tree` is set.
    ///
    /// # Errors
    /// As the system would refuse it.
    pub fn remove(&mut self, path: &str, tree: bool, uid: u32) -> Result<(), FsError> {
        let path = Self::absolute(&self.follow(parent(path)), path.rsplit('/').next().unwrap_or_default());
        let node = self.peek(&path).ok_or(FsError::Missing)?;
        let folder = matches!(node.kind, Kind::Dir);
        self.may_write(&path, uid)?;
        if folder && !tree {
            return Err(FsError::IsDir);
        }
        if folder {
            // What was added below goes with the folder; the shared tree below is hidden by hiding its names.
            for (name, _) in self.list(&path)? {
                self.remove(&format!("{path}/{name}"), true, uid)?;
            }
        }
        if self.host.tree.nodes.contains_key(&path) {
            self.change(path, None)
        } else {
            if let Some(Some(old)) = self.over.remove(&path) {
                self.bytes = self.bytes.saturating_sub(usize::try_from(Self::size(&old)).unwrap_or(0));
            }
            Ok(())
        }
    }

    /// Removes an empty folder.
    ///
    /// # Errors
    /// As the system would refuse it.
    pub fn rmdir(&mut self, path: &str, uid: u32) -> Result<(), FsError> {
        if self.list(path)?.is_empty() { self.remove(path, true, uid) } else { Err(FsError::NotEmpty) }
    }

    /// Sets permission bits.
    ///
    /// # Errors
    /// As the system would refuse it.
    pub fn chmod(&mut self, path: &str, mode: u16, uid: u32) -> Result<(), FsError> {
        let path = self.follow(path);
        let mut node = self.peek(&path).ok_or(FsError::Missing)?.clone();
        if uid != 0 && node.uid != uid {
            return Err(FsError::Denied);
        }
        node.mode = mode;
        self.change(path, Some(node))
    }

    /// Puts an entry as it is, for `cp` and `mv`.
    ///
    /// # Errors
    /// As the system would refuse it.
    pub fn place(&mut self, path: &str, node: Node, uid: u32) -> Result<(), FsError> {
        let path = self.follow(path);
        self.may_write(&path, uid)?;
        self.change(path, Some(node))
    }

    /// Files the attacker has made or changed: path and content.
    pub fn added(&self) -> impl Iterator<Item = (&str, &Arc<[u8]>)> {
        self.over.iter().filter_map(|(path, node)| match node {
            Some(Node { kind: Kind::File(data), .. }) => Some((path.as_str(), data)),
            _ => None,
        })
    }
}

/// The folder above an absolute path.
#[must_use]
pub fn parent(path: &str) -> &str {
    match path.rfind('/') {
        None | Some(0) => "/",
        Some(at) => path.get(..at).unwrap_or("/"),
    }
}

/// The first bytes of a system program: an ELF head of the right machine, then steady noise.
fn program(size: u32, machine: &str, path: &str) -> Vec<u8> {
    // e_ident class and byte order, e_machine (ELF specification, table of machines).
    let (class, order, code): (u8, u8, u8) = match machine {
        "x86_64" => (2, 1, 62),
        "mips" => (1, 2, 8),
        _ => (1, 1, 40),
    };
    let mut out = vec![0x7f, b'E', b'L', b'F', class, order, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    let half = |v: u8| if order == 2 { [0, v] } else { [v, 0] };
    out.extend(half(2));
    out.extend(half(code));
    let mut state = path.bytes().fold(0x9e37_79b9_u32, |h, b| h.wrapping_mul(31).wrapping_add(u32::from(b)));
    let want = usize::try_from(size.min(PROGRAM_BYTES)).unwrap_or(0);
    while out.len() < want {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        out.extend(state.to_be_bytes());
    }
    out.truncate(want);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::persona::Persona;

    fn vfs() -> Vfs {
        Vfs::new(Persona::from_text("fs", &[]).server)
    }

    const NOW: Timestamp = Timestamp::from_micros(1_795_000_000_000_000);

    #[test]
    fn paths_are_normalised() {
        assert_eq!(Vfs::absolute("/a/b", "../c/./d//e"), "/a/c/d/e");
        assert_eq!(Vfs::absolute("/", "../../.."), "/");
        assert_eq!(Vfs::absolute("/x", "/y"), "/y");
    }

    #[test]
    fn overlay_writes_reads_removes_and_is_bounded() {
        let mut fs = vfs();
        fs.write("/tmp/a", b"one", false, 0, NOW).unwrap();
        fs.write("/tmp/a", b"two", true, 0, NOW).unwrap();
        assert_eq!(fs.read("/tmp/a", 0, NOW).unwrap(), b"onetwo");
        fs.remove("/tmp/a", false, 0).unwrap();
        assert_eq!(fs.read("/tmp/a", 0, NOW), Err(FsError::Missing));
        assert_eq!(fs.write("/tmp/big", &vec![0; OVERLAY_BYTES + 1], false, 0, NOW), Err(FsError::Full));
        let full = (0..1000).find(|n| fs.write(&format!("/tmp/{n}"), b"x", false, 0, NOW).is_err()).unwrap();
        assert!(full <= OVERLAY_FILES);
    }

    #[test]
    fn only_root_reads_the_shadow_and_writes_outside_its_home() {
        let mut fs = vfs();
        assert!(fs.read("/etc/shadow", 0, NOW).is_ok());
        assert_eq!(fs.read("/etc/shadow", 1000, NOW), Err(FsError::Denied));
        assert_eq!(fs.write("/etc/x", b"", false, 1000, NOW), Err(FsError::Denied));
        assert_eq!(fs.write("/root/x", b"", false, 1000, NOW), Err(FsError::Denied));
        fs.write("/tmp/x", b"", false, 1000, NOW).unwrap();
        assert_eq!(fs.write("/proc/cpuinfo", b"", false, 1000, NOW), Err(FsError::Denied));
    }

    #[test]
    fn removing_a_system_folder_hides_all_of_it() {
        let mut fs = vfs();
        fs.remove("/var/log", true, 0).unwrap();
        assert_eq!(fs.list("/var/log").unwrap_err(), FsError::Missing);
        assert!(fs.get("/var/log/auth.log").is_none());
    }

    #[test]
    fn programs_start_with_an_elf_head_of_the_right_machine() {
        let bytes = vfs().read("/bin/ls", 0, NOW).unwrap();
        assert_eq!(bytes[..4], [0x7f, b'E', b'L', b'F']);
        let router = Vfs::new(Persona::from_text("fs", &[]).router);
        assert_eq!(router.read("/bin/ls", 0, NOW).unwrap()[..4], [0x7f, b'E', b'L', b'F']);
    }
}
