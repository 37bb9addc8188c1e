//! A backup: one folder with a copy of the state, the journal and the keys of one moment, and a list that names every
//! byte of it.
//!
//! The centre works on meanwhile. The order makes the copy whole: the journal's segments are opened first, so that none
//! goes away; then the state is copied as it is at one moment; then segments that came meanwhile. So the journal holds
//! everything that the state has not read yet, and the state nothing that the journal does not. The list is written
//! last and the folder gets its name then: a backup that broke off is none.

use std::collections::BTreeMap;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Component, Path, PathBuf};

use base::Env;
use futures::StreamExt;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use store::Db;
use store::audit::Signer;

use crate::config::Tree;
use crate::exit::Failure;
use crate::keys::signing_key;

mod segments;

/// The list of a backup.
const LIST: &str = "backup.json";
/// What the list says it is.
const FORMAT: &str = "lianfang-backup-1";
/// The state of a centre.
const STATE: &str = "state.db";
/// Folders that are copied as they are, where they are there.
const FOLDERS: [&str; 3] = ["keys", "tls", "blobs"];
/// How often a copy is begun again because the journal let go of something meanwhile.
const ATTEMPTS: usize = 5;
const CHUNK: usize = 1 << 20;

/// What a backup holds, as its list says.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Backup {
    format: String,
    /// The program that made it.
    version: String,
    /// When the state was copied, RFC 3339.
    pub(crate) made_at: String,
    #[serde(flatten)]
    pub(crate) proof: Proof,
    /// Every file: SHA-256 and size, by its path in the folder.
    files: BTreeMap<String, Held>,
}

/// What is compared: the audit tree as it is signed in the copy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Proof {
    /// Leaves under the newest checkpoint.
    pub(crate) size: u64,
    /// Its root in hex; empty without a checkpoint.
    pub(crate) root: String,
    /// SHA-256 of the whole export of the tree.
    pub(crate) export_sha256: String,
}

/// A file of the list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Held {
    sha256: String,
    bytes: u64,
}

impl Backup {
    /// How many files and bytes.
    pub(crate) fn sum(&self) -> (usize, u64) {
        (self.files.len(), self.files.values().map(|file| file.bytes).sum())
    }
}

/// Makes a backup of a data folder, whether its centre runs or not.
///
/// # Errors
/// The state lies in PostgreSQL; the target is there already; a file cannot be read or written; the copy does not hold
/// what it must.
pub(crate) async fn make(data: &Path, tree: &Tree, target: &Path, env: &Env) -> Result<Backup, Failure> {
    on_sqlite(tree)?;
    if !data.join("tls").exists() {
        return Err(Failure::usage(format!("{} is not the data folder of a centre", data.display())));
    }
    let staged = Staged::begin(target)?;
    let mut proof = None;
    for _attempt in 0..ATTEMPTS {
        proof = copy(data, &staged.folder, env).await?;
        if proof.is_some() {
            break;
        }
        staged.empty()?;
    }
    let Some(proof) = proof else {
        return Err(Failure::refused("the journal moves on faster than it can be copied; try again"));
    };
    let list = Backup {
        format: FORMAT.to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        made_at: env.now().rfc3339(),
        proof,
        files: files_of(&staged.folder)?,
    };
    let text = serde_json::to_vec_pretty(&list).map_err(|error| Failure::refused(error.to_string()))?;
    put(&staged.folder.join(LIST), &text[..], &mut Sha256::new())?;
    staged.finish()?;
    Ok(list)
}

/// One attempt; nothing when the journal let go of a part that the copied state has not read.
async fn copy(data: &Path, folder: &Path, env: &Env) -> Result<Option<Proof>, Failure> {
    let mut segments = segments::Segments::default();
    let journal = data.join("journal");
    segments.open(&journal).map_err(|error| failed(&journal, &error))?;
    Db::copy_sqlite(&data.join(STATE), &folder.join(STATE)).await?;
    segments.open(&journal).map_err(|error| failed(&journal, &error))?;
    for name in FOLDERS {
        let (from, to) = (data.join(name), folder.join(name));
        if from.exists() {
            copy_folder(&from, &to)?;
        }
    }
    let (proof, read) = examine(folder, env).await?;
    let kept = folder.join("journal");
    let whole = segments.write(&kept, read).map_err(|error| failed(&kept, &error))?;
    Ok(whole.then_some(proof))
}

/// Puts a backup into a new data folder and compares what is there with what the list says. A rehearsal does all of it
/// and keeps nothing.
///
/// # Errors
/// The list or a file is not what was written; the target is there already; the tree is another one.
pub(crate) async fn restore(
    from: &Path,
    target: &Path,
    tree: &Tree,
    rehearse: bool,
    env: &Env,
) -> Result<Backup, Failure> {
    on_sqlite(tree)?;
    let list = read_list(from)?;
    let staged = Staged::begin(target)?;
    for (name, held) in &list.files {
        let path = staged.folder.join(name);
        if let Some(parent) = path.parent() {
            private_folders(parent)?;
        }
        let source = from.join(name);
        let file = File::open(&source).map_err(|error| failed(&source, &error))?;
        let mut digest = Sha256::new();
        let bytes = put(&path, file, &mut digest)?;
        if (hex::encode(digest.finalize()), bytes) != (held.sha256.clone(), held.bytes) {
            return Err(Failure::data(format!("{} is not what was backed up", source.display())));
        }
    }
    let (proof, read) = examine(&staged.folder, env).await?;
    if proof != list.proof {
        return Err(Failure::data(format!("the audit tree is {proof:?}, the list says {:?}", list.proof)));
    }
    let options = crate::centre::journal_options(tree);
    let (journal, found) = journal::Journal::open_behind(&staged.folder.join("journal"), options, read, env).await?;
    journal.close().await;
    if !found.damaged.is_empty() {
        return Err(Failure::data(format!("the journal is damaged: {:?}", found.damaged)));
    }
    if rehearse {
        staged.drop_all()?
    } else {
        staged.finish()?
    }
    Ok(list)
}

fn read_list(from: &Path) -> Result<Backup, Failure> {
    let path = from.join(LIST);
    let text = fs::read(&path)
        .map_err(|error| Failure::data(format!("{}: {error}; a backup that broke off has no list", path.display())))?;
    let list: Backup =
        serde_json::from_slice(&text).map_err(|error| Failure::data(format!("{}: {error}", path.display())))?;
    if list.format != FORMAT {
        return Err(Failure::data(format!("{}: {} is not a form this program knows", path.display(), list.format)));
    }
    // A name of the list never leads out of the folder.
    let inside =
        |name: &str| !name.is_empty() && Path::new(name).components().all(|part| matches!(part, Component::Normal(_)));
    match list.files.keys().find(|name| !inside(name)) {
        Some(name) => Err(Failure::data(format!("{}: the name {name:?} leads elsewhere", path.display()))),
        None => Ok(list),
    }
}

/// Opens the copied state: what its tree says, and how far the history has read the journal.
async fn examine(folder: &Path, env: &Env) -> Result<(Proof, journal::Position), Failure> {
    let db = Db::open_sqlite(&folder.join(STATE), env.clone()).await?;
    let outcome = prove(&db, folder, env).await;
    db.close().await;
    outcome
}

async fn prove(db: &Db, folder: &Path, env: &Env) -> Result<(Proof, journal::Position), Failure> {
    let read = sensor::history_cursor(db).await?;
    let signed = store::audit::latest(db).await?;
    let origin = signed.as_ref().and_then(|signed| signed.note.lines().next()).unwrap_or("lianfang/none");
    let key = folder.join("keys/audit.key");
    let signer = Signer::new(origin, signing_key(&key, env)?)?;
    let (size, root) = signed.as_ref().map_or((0, String::new()), |signed| (signed.size, hex::encode(signed.root)));
    let mut digest = Sha256::new();
    let mut lines = std::pin::pin!(store::audit::export(db.clone(), &signer));
    while let Some(lines) = lines.next().await {
        digest.update(&lines?);
    }
    Ok((Proof { size, root, export_sha256: hex::encode(digest.finalize()) }, read))
}

fn on_sqlite(tree: &Tree) -> Result<(), Failure> {
    let url = tree.store.url.trim();
    if url.is_empty() || url == "sqlite" {
        return Ok(());
    }
    Err(Failure::refused(
        "the state lies in PostgreSQL: copy it with pg_basebackup or pg_dump, and the data folder with the centre stopped",
    ))
}

fn failed(path: &Path, error: &io::Error) -> Failure {
    Failure::refused(format!("{}: {error}", path.display()))
}

/// A folder beside its final name, until all of it is there and durable.
struct Staged {
    folder: PathBuf,
    target: PathBuf,
}

impl Staged {
    fn begin(target: &Path) -> Result<Self, Failure> {
        // An empty folder that was made for it is taken; anything else stays as it is.
        match fs::remove_dir(target) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(failed(target, &error)),
        }
        let mut name = target
            .file_name()
            .map(std::ffi::OsStr::to_owned)
            .ok_or_else(|| Failure::usage(format!("{}: a folder needs a name", target.display())))?;
        name.push(".part");
        let staged = Self { folder: target.with_file_name(name), target: target.to_owned() };
        match fs::remove_dir_all(&staged.folder) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(&staged.folder, &error)),
            _ => {}
        }
        private_folders(&staged.folder)?;
        Ok(staged)
    }

    fn empty(&self) -> Result<(), Failure> {
        fs::remove_dir_all(&self.folder).map_err(|error| failed(&self.folder, &error))?;
        private_folders(&self.folder)
    }

    fn drop_all(self) -> Result<(), Failure> {
        fs::remove_dir_all(&self.folder).map_err(|error| failed(&self.folder, &error))
    }

    /// Makes every folder durable, gives the whole its name, and makes that durable.
    fn finish(self) -> Result<(), Failure> {
        let rename = || -> io::Result<()> {
            sync_folders(&self.folder)?;
            fs::rename(&self.folder, &self.target)?;
            let parent = self.target.parent().filter(|parent| !parent.as_os_str().is_empty());
            File::open(parent.unwrap_or(Path::new(".")))?.sync_all()
        };
        rename().map_err(|error| failed(&self.target, &error))
    }
}

fn sync_folders(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            sync_folders(&entry.path())?;
        }
    }
    File::open(folder)?.sync_all()
}

fn private_folders(path: &Path) -> Result<(), Failure> {
    DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(|error| failed(path, &error))
}

/// Writes a new file, private and durable, and takes its bytes into the digest.
fn put(path: &Path, mut from: impl Read, digest: &mut Sha256) -> Result<u64, Failure> {
    let mut work = || -> io::Result<u64> {
        let mut to = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
        let (mut chunk, mut bytes) = (vec![0; CHUNK], 0);
        loop {
            let read = from.read(&mut chunk)?;
            let Some(part) = chunk.get(..read).filter(|part| !part.is_empty()) else { break };
            digest.update(part);
            to.write_all(part)?;
            bytes += part.len() as u64;
        }
        to.sync_all()?;
        Ok(bytes)
    };
    work().map_err(|error| failed(path, &error))
}

fn copy_folder(from: &Path, to: &Path) -> Result<(), Failure> {
    private_folders(to)?;
    for entry in fs::read_dir(from).map_err(|error| failed(from, &error))? {
        let entry = entry.map_err(|error| failed(from, &error))?;
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        let kind = entry.file_type().map_err(|error| failed(&source, &error))?;
        if kind.is_dir() {
            copy_folder(&source, &target)?;
        } else if kind.is_file() {
            let file = File::open(&source).map_err(|error| failed(&source, &error))?;
            put(&target, file, &mut Sha256::new())?;
        }
    }
    Ok(())
}

/// Every file below the folder with its size and digest, as it lies on the disk now.
fn files_of(folder: &Path) -> Result<BTreeMap<String, Held>, Failure> {
    let (mut found, mut waiting) = (BTreeMap::new(), vec![PathBuf::new()]);
    while let Some(inner) = waiting.pop() {
        let path = folder.join(&inner);
        for entry in fs::read_dir(&path).map_err(|error| failed(&path, &error))? {
            let entry = entry.map_err(|error| failed(&path, &error))?;
            let name = inner.join(entry.file_name());
            if entry.file_type().map_err(|error| failed(&entry.path(), &error))?.is_dir() {
                waiting.push(name);
                continue;
            }
            let name = name.to_str().ok_or_else(|| Failure::refused(format!("{} is not UTF-8", name.display())))?;
            found.insert(name.to_owned(), held(&entry.path())?);
        }
    }
    Ok(found)
}

fn held(path: &Path) -> Result<Held, Failure> {
    let mut file = File::open(path).map_err(|error| failed(path, &error))?;
    let (mut digest, mut chunk, mut bytes) = (Sha256::new(), vec![0; CHUNK], 0);
    loop {
        let read = file.read(&mut chunk).map_err(|error| failed(path, &error))?;
        let Some(part) = chunk.get(..read).filter(|part| !part.is_empty()) else { break };
        digest.update(part);
        bytes += part.len() as u64;
    }
    Ok(Held { sha256: hex::encode(digest.finalize()), bytes })
}

#[cfg(test)]
mod tests;
