//! The database and the journal: there, readable, whole as far as that shows from outside.

use std::fs;
use std::io::ErrorKind;

use crate::Installation;
use crate::checks::{Check, Word};
use crate::say::say;

pub(super) fn library() -> Check {
    const ID: &str = "sqlite.library";
    let (version, sound) = store::look::library();
    if sound {
        return Check::ok(
            ID,
            say!("內建 SQLite {version}，不低於 3.51.3", "SQLite {version} built in, not below 3.51.3"),
        );
    }
    let act = say!("請安裝較新的 Lianfang。", "Install a newer Lianfang.");
    let seen = say!("SQLite {version} 可能損毀檔案", "SQLite {version} may corrupt its file");
    Check::of(ID, Word::Bad, seen, act)
}

pub(super) fn check(at: &Installation<'_>) -> Vec<Check> {
    if !at.data.is_dir() {
        return Vec::new();
    }
    vec![state(at), journal(at)]
}

fn megabytes(bytes: u64) -> u64 {
    bytes >> 20
}

fn state(at: &Installation<'_>) -> Check {
    const ID: &str = "state.database";
    let act = || say!("請以備份還原，或確認 --data 是否正確。", "Restore a backup, or check whether --data is right.");
    if at.postgres() {
        let seen = say!("PostgreSQL；未連線檢查", "PostgreSQL; it was not connected to");
        let act = say!("請以 /readyz 與資料庫本身的工具檢查。", "Ask /readyz and the database's own tools.");
        return Check::of(ID, Word::Unknown, seen, act);
    }
    match store::look::look(&at.data.join("state.db")) {
        Ok(looked) if looked.whole => {
            let (size, log) = (megabytes(looked.bytes), megabytes(looked.log));
            Check::ok(ID, say!("state.db {size} MB，WAL {log} MB", "state.db {size} MB, write-ahead log {log} MB"))
        }
        Ok(looked) => {
            let bytes = looked.bytes;
            let seen = say!("state.db 長度 {bytes} 不是整頁", "state.db is {bytes} bytes long, no whole pages");
            Check::of(ID, Word::Bad, seen, act())
        }
        Err(error) if error.kind() == ErrorKind::PermissionDenied => {
            let act = say!("請以資料夾的擁有者或 root 執行。", "Run this as the folder's owner or as root.");
            Check::of(ID, Word::Unknown, say!("無權讀取 state.db", "state.db may not be read"), act)
        }
        Err(error) if error.kind() == ErrorKind::InvalidData => {
            Check::of(ID, Word::Bad, say!("state.db 不是 SQLite 檔案", "state.db is no SQLite file"), act())
        }
        Err(error) => Check::of(ID, Word::Bad, say!("state.db：{error}", "state.db: {error}"), act()),
    }
}

fn journal(at: &Installation<'_>) -> Check {
    const ID: &str = "state.journal";
    let folder = at.data.join("journal");
    let looked = match journal::look(&folder) {
        Ok(looked) => looked,
        Err(error) if error.kind() == ErrorKind::PermissionDenied => {
            let act = say!("請以資料夾的擁有者或 root 執行。", "Run this as the folder's owner or as root.");
            return Check::of(ID, Word::Unknown, say!("無權讀取 journal", "journal may not be read"), act);
        }
        Err(error) => {
            let act =
                say!("請確認 --data 是否正確，或以備份還原。", "Check whether --data is right, or restore a backup.");
            return Check::of(ID, Word::Bad, say!("journal：{error}", "journal: {error}"), act);
        }
    };
    let (count, size, damaged) = (looked.segments, megabytes(looked.bytes), looked.damaged);
    let seen =
        say!("{count} 個區段，{size} MB，損壞處 {damaged}", "{count} segments, {size} MB, damaged places: {damaged}");
    if damaged > 0 {
        let act = say!(
            "其餘紀錄仍會被讀取；請檢查磁碟，並查看啟動日誌中的 LF-JRN 代碼。",
            "The other records are read; check the disk, and the log of the last start for LF-JRN codes."
        );
        return Check::of(ID, Word::Warn, seen, act);
    }
    if looked.unfinished > 0 && fs::metadata(at.data.join("lock")).is_ok() {
        let bytes = looked.unfinished;
        let seen = say!(
            "{count} 個區段，{size} MB；末端 {bytes} 位元組尚未寫完",
            "{count} segments, {size} MB; {bytes} bytes at the end are not finished"
        );
        return Check::ok(ID, seen);
    }
    Check::ok(ID, seen)
}
