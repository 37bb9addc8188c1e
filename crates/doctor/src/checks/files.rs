//! The data folder and its secrets: modes and owners.

use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use crate::Installation;
use crate::checks::{Check, Word};
use crate::say::say;

pub(super) fn check(at: &Installation<'_>) -> Vec<Check> {
    let mut found = vec![folder(at.data)];
    found.extend(secrets(at.data));
    found.extend(at.config.map(|path| config(path, at.store)));
    found
}

fn mode(meta: &Metadata) -> u32 {
    meta.permissions().mode() & 0o7777
}

fn folder(data: &Path) -> Check {
    const ID: &str = "data.folder";
    let path = data.display();
    let meta = match fs::metadata(data) {
        Ok(meta) if meta.is_dir() => meta,
        Ok(_) => {
            let act = say!("請以 --data 指定資料夾。", "Name the data folder with --data.");
            return Check::of(ID, Word::Bad, say!("{path} 不是資料夾", "{path} is no folder"), act);
        }
        Err(error) => {
            let act = say!(
                "請以 --data 指定中心的資料夾，並以其擁有者或 root 執行。",
                "Name the centre's folder with --data, and run this as its owner or as root."
            );
            return Check::of(ID, Word::Bad, say!("{path}：{error}", "{path}: {error}"), act);
        }
    };
    let (mode, uid) = (mode(&meta), meta.uid());
    let seen = say!("{path} 模式 {mode:04o}，擁有者 uid {uid}", "{path} has mode {mode:04o}, owner uid {uid}");
    if mode & 0o077 != 0 {
        let act = say!("請執行 chmod 0700 {path}。", "Run chmod 0700 {path}.");
        return Check::of(ID, Word::Bad, seen, act);
    }
    if data.join("demo").exists() {
        let act = say!("正式的中心請使用另一個資料夾。", "Use another folder for a centre that is no demo.");
        let seen = say!("{path} 是示範的資料夾", "{path} is a demo's folder");
        return Check::of(ID, Word::Warn, seen, act);
    }
    Check::ok(ID, seen)
}

/// Files that only the owner may read.
fn secret(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    name.ends_with(".key") || name.ends_with(".segment") || name.starts_with("state.db") || name == "lock"
}

fn listed(folder: &Path, into: &mut Vec<PathBuf>) -> io::Result<()> {
    match fs::read_dir(folder) {
        Ok(entries) => {
            for entry in entries {
                into.push(entry?.path());
            }
            Ok(())
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

fn secrets(data: &Path) -> Vec<Check> {
    const MODES: &str = "files.secret";
    const OWNER: &str = "files.owner";
    let Ok(top) = fs::metadata(data) else { return Vec::new() };
    let mut paths = Vec::new();
    let folders = [data.to_owned(), data.join("keys"), data.join("tls"), data.join("journal")];
    let read = folders.iter().try_for_each(|folder| listed(folder, &mut paths));
    if let Err(error) = read {
        let act = say!("請以資料夾的擁有者或 root 執行。", "Run this as the folder's owner or as root.");
        return vec![Check::of(MODES, Word::Unknown, say!("無法列出：{error}", "cannot be listed: {error}"), act)];
    }
    paths.retain(|path| secret(path));
    let (mut open, mut strange, mut count) = (Vec::new(), Vec::new(), 0_usize);
    for path in &paths {
        // A file that goes meanwhile (a journal's segment) is no finding.
        let Ok(meta) = fs::symlink_metadata(path) else { continue };
        count += 1;
        let name = path.strip_prefix(data).unwrap_or(path).display().to_string();
        let mode = mode(&meta);
        if mode & 0o077 != 0 {
            open.push(format!("{name} {mode:04o}"));
        }
        if meta.uid() != top.uid() {
            strange.push(format!("{name} uid {}", meta.uid()));
        }
    }
    if count == 0 {
        let act = say!("請確認 --data 是否正確。", "Check whether --data is right.");
        return vec![Check::of(
            MODES,
            Word::Unknown,
            say!("資料夾內沒有中心的檔案", "no file of a centre is there"),
            act,
        )];
    }
    let (opened, owned) = (open.join(", "), strange.join(", "));
    let owner = top.uid();
    vec![
        if open.is_empty() {
            Check::ok(MODES, say!("{count} 個檔案僅擁有者可讀寫", "{count} files, for their owner alone"))
        } else {
            let act = say!(
                "請執行 chmod 0600；檔案可能已被他人讀取，請考慮更換金鑰。",
                "Run chmod 0600 on them; others may have read them, so consider new keys."
            );
            Check::of(MODES, Word::Bad, say!("他人可讀：{opened}", "open to others: {opened}"), act)
        },
        if strange.is_empty() {
            Check::ok(OWNER, say!("皆屬資料夾的擁有者 uid {owner}", "all belong to the folder's owner, uid {owner}"))
        } else {
            let act = say!(
                "請以 chown 改為資料夾的擁有者；勿以 root 啟動中心。",
                "Give them to the folder's owner with chown; do not start the centre as root."
            );
            Check::of(OWNER, Word::Bad, say!("屬於他人：{owned}", "of another owner: {owned}"), act)
        },
    ]
}

/// Whether a connection text carries a password.
pub(crate) fn has_password(store: &str) -> bool {
    let user = store.split_once("://").and_then(|(_, rest)| rest.split_once('@')).map(|(user, _)| user);
    user.is_some_and(|user| user.contains(':')) || store.contains("password=")
}

fn config(path: &Path, store: &str) -> Check {
    const ID: &str = "files.config";
    let shown = path.display();
    let Ok(meta) = fs::metadata(path) else {
        let act = say!("請檢查路徑。", "Check the path.");
        return Check::of(ID, Word::Unknown, say!("無法檢視 {shown}", "{shown} cannot be looked at"), act);
    };
    let mode = mode(&meta);
    let seen = say!("{shown} 模式 {mode:04o}", "{shown} has mode {mode:04o}");
    if mode & 0o022 != 0 {
        let act = say!("請移除他人的寫入權限。", "Take the right to write from others.");
        return Check::of(ID, Word::Bad, seen, act);
    }
    if mode & 0o077 != 0 && has_password(store) {
        let act = say!(
            "檔內有資料庫密碼：請執行 chmod 0600，並更換該密碼。",
            "It holds the database's password: run chmod 0600 and change that password."
        );
        return Check::of(ID, Word::Bad, seen, act);
    }
    Check::ok(ID, seen)
}
