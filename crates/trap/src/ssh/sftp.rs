//! The SFTP subsystem, version 3 (draft-ietf-secsh-filexfer-02), without I/O: enough to look around and to upload.

use base::Timestamp;
use bytes::BufMut;
use std::collections::BTreeMap;

use super::scp::Arrived;
use super::upload::Upload;
use crate::shell::fs::{FsError, Kind, Node, Vfs};

/// The largest packet; OpenSSH's client writes 32 KiB at a time.
const PACKET: usize = 40 * 1024;
/// Handles open at once.
const HANDLES: usize = 16;

const INIT: u8 = 1;
const VERSION: u8 = 2;
const STATUS: u8 = 101;
const HANDLE: u8 = 102;
const DATA: u8 = 103;
const NAME: u8 = 104;
const ATTRS: u8 = 105;

/// Status codes of clause 7.
const OK: u32 = 0;
const EOF: u32 = 1;
const NO_SUCH_FILE: u32 = 2;
const PERMISSION_DENIED: u32 = 3;
const FAILURE: u32 = 4;
const UNSUPPORTED: u32 = 8;

#[derive(Debug)]
enum Handle {
    Write { path: String, upload: Upload, broken: bool },
    Read(String),
    Folder(Vec<(String, Node)>),
}

/// One SFTP session.
#[derive(Debug)]
pub(super) struct Server {
    fs: Vfs,
    home: String,
    uid: u32,
    input: Vec<u8>,
    handles: BTreeMap<u32, Handle>,
    next: u32,
}

/// What a packet led to.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    /// Bytes to send.
    pub(super) reply: Vec<u8>,
    /// Files that are complete.
    pub(super) arrived: Vec<Arrived>,
    /// The client does not speak SFTP.
    pub(super) broken: bool,
}

/// Reading packet fields; `None` when the packet ends too early.
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn number(&mut self) -> Option<u32> {
        let (head, rest) = self.0.split_first_chunk::<4>()?;
        self.0 = rest;
        Some(u32::from_be_bytes(*head))
    }

    fn long(&mut self) -> Option<u64> {
        Some(u64::from(self.number()?) << 32 | u64::from(self.number()?))
    }

    fn bytes(&mut self) -> Option<&'a [u8]> {
        let length = usize::try_from(self.number()?).ok()?;
        let (data, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(data)
    }

    fn text(&mut self) -> Option<String> {
        self.bytes().map(|b| String::from_utf8_lossy(b).into_owned())
    }
}

impl Server {
    pub(super) const fn new(fs: Vfs, home: String, uid: u32) -> Self {
        Self { fs, home, uid, input: Vec::new(), handles: BTreeMap::new(), next: 0 }
    }

    /// The file system with what was changed.
    pub(super) fn into_fs(self) -> Vfs {
        self.fs
    }

    /// Takes bytes of the channel.
    pub(super) fn feed(&mut self, data: &[u8], now: Timestamp) -> Outcome {
        let mut out = Outcome::default();
        self.input.extend_from_slice(data);
        while let Some((head, rest)) = self.input.split_first_chunk::<4>() {
            let length = usize::try_from(u32::from_be_bytes(*head)).unwrap_or(usize::MAX);
            if !(1..=PACKET).contains(&length) {
                self.input.clear();
                out.broken = true;
                break;
            }
            let Some(packet) = rest.get(..length).map(<[u8]>::to_vec) else { break };
            self.input.drain(..length + 4);
            if self.packet(&packet, now, &mut out).is_none() {
                out.broken = true;
                break;
            }
        }
        out
    }

    fn packet(&mut self, packet: &[u8], now: Timestamp, out: &mut Outcome) -> Option<()> {
        let (kind, rest) = packet.split_first()?;
        let mut fields = Fields(rest);
        if *kind == INIT {
            send(&mut out.reply, VERSION, &3_u32.to_be_bytes());
            return Some(());
        }
        let id = fields.number()?;
        let reply = &mut out.reply;
        match kind {
            3 => self.open(id, &mut fields, now, reply)?,
            4 => self.close(id, &mut fields, now, out)?,
            5 => self.read(id, &mut fields, now, reply)?,
            6 => self.write(id, &mut fields, reply)?,
            // LSTAT, STAT; FSTAT answers with plain attributes.
            7 | 17 => {
                let path = self.path(&fields.text()?);
                match self.fs.get(&path) {
                    Some(node) => send_with(reply, ATTRS, id, |body| attributes(body, node)),
                    None => status(reply, id, NO_SUCH_FILE),
                }
            }
            8 => send_with(reply, ATTRS, id, |body| body.put_u32(0)),
            9 | 10 => status(reply, id, OK),
            11 => self.open_folder(id, &mut fields, reply)?,
            12 => self.read_folder(id, &mut fields, reply)?,
            13 => {
                let path = self.path(&fields.text()?);
                let result = self.fs.remove(&path, false, self.uid);
                status(reply, id, code(result));
            }
            14 => {
                let path = self.path(&fields.text()?);
                let result = self.fs.mkdir(&path, self.uid, now);
                status(reply, id, code(result));
            }
            15 => {
                let path = self.path(&fields.text()?);
                let result = self.fs.rmdir(&path, self.uid);
                status(reply, id, code(result));
            }
            16 => {
                let path = self.path(&fields.text()?);
                send_with(reply, NAME, id, |body| {
                    body.put_u32(1);
                    string(body, path.as_bytes());
                    string(body, path.as_bytes());
                    body.put_u32(0);
                });
            }
            18 => self.rename(id, &mut fields, reply)?,
            _ => status(reply, id, UNSUPPORTED),
        }
        Some(())
    }

    fn path(&self, typed: &str) -> String {
        Vfs::absolute(&self.home, typed)
    }

    fn keep(&mut self, id: u32, handle: Handle, reply: &mut Vec<u8>) {
        if self.handles.len() >= HANDLES {
            return status(reply, id, FAILURE);
        }
        self.next = self.next.wrapping_add(1);
        self.handles.insert(self.next, handle);
        let name = self.next.to_be_bytes();
        send_with(reply, HANDLE, id, |body| string(body, &name));
    }

    fn handle(fields: &mut Fields<'_>) -> Option<u32> {
        // A handle that is not four bytes long is not ours; zero is never given out.
        Some(fields.bytes()?.first_chunk::<4>().map_or(0, |h| u32::from_be_bytes(*h)))
    }

    fn open(&mut self, id: u32, fields: &mut Fields<'_>, now: Timestamp, reply: &mut Vec<u8>) -> Option<()> {
        let path = self.path(&fields.text()?);
        let flags = fields.number()?;
        // SSH_FXF_WRITE (2), SSH_FXF_APPEND (4).
        if flags & 0x6 == 0 {
            match self.fs.read(&path, self.uid, now) {
                Ok(_) => self.keep(id, Handle::Read(path), reply),
                Err(error) => status(reply, id, code(Err(error))),
            }
            return Some(());
        }
        match self.fs.write(&path, b"", false, self.uid, now) {
            Ok(()) => self.keep(id, Handle::Write { path, upload: Upload::default(), broken: false }, reply),
            Err(error) => status(reply, id, code(Err(error))),
        }
        Some(())
    }

    fn close(&mut self, id: u32, fields: &mut Fields<'_>, now: Timestamp, out: &mut Outcome) -> Option<()> {
        match self.handles.remove(&Self::handle(fields)?) {
            None => status(&mut out.reply, id, FAILURE),
            Some(Handle::Write { path, upload, broken: false }) => {
                let full = self.fs.write(&path, &upload.start, false, self.uid, now);
                tracing::trace!(?full, "an upload ended");
                out.arrived.push(Arrived { name: path, upload });
                status(&mut out.reply, id, OK);
            }
            Some(_) => status(&mut out.reply, id, OK),
        }
        Some(())
    }

    fn write(&mut self, id: u32, fields: &mut Fields<'_>, reply: &mut Vec<u8>) -> Option<()> {
        let handle = Self::handle(fields)?;
        let offset = fields.long()?;
        let data = fields.bytes()?;
        match self.handles.get_mut(&handle) {
            // The hash is made as the bytes come, so they must come in order, as every client sends them.
            Some(Handle::Write { upload, broken, .. }) if offset == upload.size && !*broken => {
                *broken = !upload.feed(data);
                status(reply, id, if *broken { FAILURE } else { OK });
            }
            Some(Handle::Write { broken, .. }) => {
                *broken = true;
                status(reply, id, FAILURE);
            }
            _ => status(reply, id, FAILURE),
        }
        Some(())
    }

    fn read(&mut self, id: u32, fields: &mut Fields<'_>, now: Timestamp, reply: &mut Vec<u8>) -> Option<()> {
        let handle = Self::handle(fields)?;
        let (offset, length) = (fields.long()?, fields.number()?);
        let Some(Handle::Read(path)) = self.handles.get(&handle) else {
            status(reply, id, FAILURE);
            return Some(());
        };
        let data = self.fs.read(path, self.uid, now).unwrap_or_default();
        let from = usize::try_from(offset).unwrap_or(usize::MAX).min(data.len());
        let to = from.saturating_add(usize::try_from(length.min(32_768)).unwrap_or(0)).min(data.len());
        match data.get(from..to) {
            Some(part) if !part.is_empty() => send_with(reply, DATA, id, |body| string(body, part)),
            _ => status(reply, id, EOF),
        }
        Some(())
    }

    fn open_folder(&mut self, id: u32, fields: &mut Fields<'_>, reply: &mut Vec<u8>) -> Option<()> {
        let path = self.path(&fields.text()?);
        match self.fs.list(&path) {
            Ok(entries) => self.keep(id, Handle::Folder(entries), reply),
            Err(error) => status(reply, id, code(Err(error))),
        }
        Some(())
    }

    fn read_folder(&mut self, id: u32, fields: &mut Fields<'_>, reply: &mut Vec<u8>) -> Option<()> {
        let handle = Self::handle(fields)?;
        match self.handles.get_mut(&handle) {
            Some(Handle::Folder(entries)) if !entries.is_empty() => {
                let part: Vec<(String, Node)> = entries.drain(..entries.len().min(64)).collect();
                send_with(reply, NAME, id, |body| {
                    body.put_u32(u32::try_from(part.len()).unwrap_or(0));
                    for (name, node) in &part {
                        string(body, name.as_bytes());
                        string(
                            body,
                            format!("-rw-r--r--    1 root     root     {:>8} {name}", Vfs::size(node)).as_bytes(),
                        );
                        attributes(body, node);
                    }
                });
            }
            Some(Handle::Folder(_)) => status(reply, id, EOF),
            _ => status(reply, id, FAILURE),
        }
        Some(())
    }

    fn rename(&mut self, id: u32, fields: &mut Fields<'_>, reply: &mut Vec<u8>) -> Option<()> {
        let (from, to) = (self.path(&fields.text()?), self.path(&fields.text()?));
        let result = match self.fs.get(&from).cloned() {
            None => Err(FsError::Missing),
            Some(node) => self.fs.place(&to, node, self.uid).and_then(|()| self.fs.remove(&from, true, self.uid)),
        };
        status(reply, id, code(result));
        Some(())
    }
}

fn code(result: Result<(), FsError>) -> u32 {
    match result {
        Ok(()) => OK,
        Err(FsError::Missing) => NO_SUCH_FILE,
        Err(FsError::Denied) => PERMISSION_DENIED,
        Err(_) => FAILURE,
    }
}

fn send(out: &mut Vec<u8>, kind: u8, body: &[u8]) {
    out.put_u32(u32::try_from(body.len() + 1).unwrap_or(0));
    out.put_u8(kind);
    out.extend_from_slice(body);
}

fn send_with(out: &mut Vec<u8>, kind: u8, id: u32, fill: impl FnOnce(&mut Vec<u8>)) {
    let mut body = id.to_be_bytes().to_vec();
    fill(&mut body);
    send(out, kind, &body);
}

fn string(out: &mut Vec<u8>, data: &[u8]) {
    out.put_u32(u32::try_from(data.len()).unwrap_or(0));
    out.extend_from_slice(data);
}

fn status(out: &mut Vec<u8>, id: u32, code: u32) {
    let text = match code {
        OK => "Success",
        EOF => "End of file",
        NO_SUCH_FILE => "No such file",
        PERMISSION_DENIED => "Permission denied",
        UNSUPPORTED => "Operation unsupported",
        _ => "Failure",
    };
    send_with(out, STATUS, id, |body| {
        body.put_u32(code);
        string(body, text.as_bytes());
        string(body, b"");
    });
}

/// Size (1), owner (2), permissions (4) and times (8), as clause 5 orders them.
fn attributes(out: &mut Vec<u8>, node: &Node) {
    let kind: u32 = match node.kind {
        Kind::Dir => 0o040_000,
        Kind::Link(_) => 0o120_000,
        Kind::Device => 0o020_000,
        _ => 0o100_000,
    };
    out.put_u32(0xf);
    out.put_u64(Vfs::size(node));
    out.put_u32(node.uid);
    out.put_u32(node.uid);
    out.put_u32(kind | u32::from(node.mode));
    let time = u32::try_from(node.mtime).unwrap_or(0);
    out.put_u32(time);
    out.put_u32(time);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::persona::Persona;
    use proptest::prelude::*;

    const NOW: Timestamp = Timestamp::from_micros(1_795_000_000_000_000);

    fn server() -> Server {
        let host = Persona::from_text("sftp", &[]).server;
        Server::new(Vfs::new(host), "/root".to_owned(), 0)
    }

    fn packet(kind: u8, id: u32, fill: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
        let mut out = Vec::new();
        send_with(&mut out, kind, id, fill);
        out
    }

    #[test]
    fn a_file_is_hashed_and_then_seen() {
        let mut sftp = server();
        let opened = sftp.feed(
            &packet(3, 1, |b| {
                string(b, b"/tmp/x");
                b.put_u32(0x1a);
                b.put_u32(0);
            }),
            NOW,
        );
        assert_eq!(opened.reply[4], HANDLE);
        let handle = opened.reply[13..17].to_vec();
        for (offset, part) in [(0_u64, &b"hel"[..]), (3, b"lo")] {
            let wrote = sftp.feed(
                &packet(6, 2, |b| {
                    string(b, &handle);
                    b.put_u64(offset);
                    string(b, part);
                }),
                NOW,
            );
            assert_eq!(wrote.reply[4..13], [STATUS, 0, 0, 0, 2, 0, 0, 0, 0]);
        }
        let mut closed = sftp.feed(&packet(4, 3, |b| string(b, &handle)), NOW);
        let (event, start) = closed.arrived.remove(0).upload.finish("/tmp/x");
        assert_eq!(start, b"hello");
        // SHA-256 of "hello" by another program (sha256sum).
        let sum = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";
        assert!(matches!(event, Some(logwire::attack::What::FileIn { sha256, .. }) if sha256 == sum));
        assert_eq!(sftp.into_fs().read("/tmp/x", 0, NOW).unwrap(), b"hello");
    }

    proptest! {
        #[test]
        fn any_bytes_are_taken(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            let _ = server().feed(&bytes, NOW);
        }

        #[test]
        fn any_packets_are_taken(packets in proptest::collection::vec((0_u8..22, proptest::collection::vec(any::<u8>(), 0..60)), 0..20)) {
            let mut sftp = server();
            for (kind, body) in packets {
                let mut wire = Vec::new();
                send(&mut wire, kind, &body);
                let _ = sftp.feed(&wire, NOW);
            }
            prop_assert!(sftp.handles.len() <= HANDLES);
        }
    }
}
