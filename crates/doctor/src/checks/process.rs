//! How the centre's process is confined, as `/proc` shows it: of the centre that holds the folder now, else of this
//! process.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use crate::Installation;
use crate::checks::{Check, Word};
use crate::say::{Say, say};

pub(super) fn check(at: &Installation<'_>) -> Vec<Check> {
    let holder = holder(&at.data.join("lock"));
    let process = holder.map_or_else(|| "self".to_owned(), |pid| pid.to_string());
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    vec![running(at, holder), confined(&status, holder)]
}

/// The process whose lock is on the file, when `/proc` tells.
fn holder(lock: &Path) -> Option<u32> {
    let inode = fs::metadata(lock).ok()?.ino();
    let table = fs::read_to_string("/proc/locks").ok()?;
    table.lines().filter_map(|line| locked(line, inode)).find(|pid| {
        fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|name| name.trim_end().starts_with("lianfang"))
    })
}

/// `1: FLOCK  ADVISORY  WRITE 2345 fe:00:131 0 EOF`
fn locked(line: &str, inode: u64) -> Option<u32> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let &[_, "FLOCK", _, "WRITE", pid, place, ..] = words.as_slice() else { return None };
    let (_, number) = place.rsplit_once(':')?;
    (number.parse() == Ok(inode)).then(|| pid.parse().ok()).flatten()
}

fn running(at: &Installation<'_>, holder: Option<u32>) -> Check {
    const ID: &str = "centre.running";
    match holder {
        Some(pid) => {
            let address = fs::read_to_string(at.data.join("lock")).unwrap_or_default();
            let address = address.trim();
            Check::ok(ID, say!("處理程序 {pid} 使用此資料夾 {address}", "process {pid} holds the folder {address}"))
        }
        None => Check::of(
            ID,
            Word::Unknown,
            say!("看不到使用此資料夾的中心", "no centre is seen that holds the folder"),
            say!(
                "要檢視執行中的中心，請於同一主機執行。",
                "To see how a centre is confined, run this on its host while it works."
            ),
        ),
    }
}

/// What `/proc/PID/status` says of a process's rights.
#[derive(Debug, PartialEq, Eq)]
struct Rights {
    uid: u32,
    capabilities: u64,
    no_new: bool,
    seccomp: u8,
}

impl Rights {
    fn read(status: &str) -> Option<Self> {
        let lines: BTreeMap<&str, &str> =
            status.lines().filter_map(|line| line.split_once(':')).map(|(key, value)| (key, value.trim())).collect();
        Some(Self {
            // Real, effective, saved, file system: the effective one.
            uid: lines.get("Uid")?.split_whitespace().nth(1)?.parse().ok()?,
            capabilities: u64::from_str_radix(lines.get("CapEff")?, 16).ok()?,
            no_new: *lines.get("NoNewPrivs")? == "1",
            seccomp: lines.get("Seccomp")?.parse().ok()?,
        })
    }

    fn seen(&self, whose: &Say) -> Say {
        let Self { uid, capabilities, no_new, seccomp } = self;
        let no_new = u8::from(*no_new);
        let form = format!("uid {uid}, CapEff {capabilities:016x}, NoNewPrivs {no_new}, Seccomp {seccomp}");
        let (zh, en) = (whose.pick(text::Lang::ZhTw), whose.pick(text::Lang::En));
        say!("{zh}：{form}", "{en}: {form}")
    }
}

fn confined(status: &str, holder: Option<u32>) -> Check {
    const ID: &str = "centre.confined";
    let Some(rights) = Rights::read(status) else {
        let act = say!("此主機未提供 /proc。", "This host shows no /proc.");
        return Check::of(ID, Word::Unknown, say!("無法讀取", "cannot be read"), act);
    };
    let Some(pid) = holder else {
        let act = say!(
            "這是本檢查自己的權限；中心執行時再檢查一次。",
            "These are the rights of this check itself; run it again while the centre works."
        );
        return Check::of(ID, Word::Unknown, rights.seen(&say!("本處理程序", "this process")), act);
    };
    let seen = rights.seen(&say!("中心處理程序 {pid}", "the centre, process {pid}"));
    if rights.uid != 0 && rights.capabilities == 0 && rights.no_new && rights.seccomp == 2 {
        return Check::ok(ID, seen);
    }
    let act = say!(
        "請以套件所附的 systemd 單元執行：專用帳號、無特權、系統呼叫過濾。",
        "Run it by the systemd unit of the package: its own user, no rights of root, filtered system calls."
    );
    Check::of(ID, Word::Warn, seen, act)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locks_and_rights_are_read() {
        let line = "1: FLOCK  ADVISORY  WRITE 2345 fe:00:131 0 EOF";
        assert_eq!(locked(line, 131), Some(2345));
        assert_eq!(locked(line, 13), None);
        assert_eq!(
            locked("2: -> FLOCK  ADVISORY  WRITE 77 fe:00:131 0 EOF", 131),
            None,
            "one that waits holds nothing"
        );
        assert_eq!(locked("", 131), None);
        let status = "Name:\tx\nUid:\t0\t33\t0\t0\nCapEff:\t0000000000000400\nNoNewPrivs:\t1\nSeccomp:\t2\n";
        let rights = Rights { uid: 33, capabilities: 0x400, no_new: true, seccomp: 2 };
        assert_eq!(Rights::read(status), Some(rights));
        assert_eq!(Rights::read("Name:\tx\n"), None);
        let word =
            |capabilities: &str, holder| confined(&status.replace("0000000000000400", capabilities), holder).word;
        assert_eq!(word("0000000000000400", Some(1)), Word::Warn);
        assert_eq!(word("0000000000000000", Some(1)), Word::Ok);
        assert_eq!(word("0000000000000000", None), Word::Unknown);
        assert_eq!(confined("", Some(1)).word, Word::Unknown);
    }
}
