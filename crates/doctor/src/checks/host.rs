//! The host: free disk, clock, kernel, engines.

use std::collections::BTreeSet;
use std::fs;
use std::time::Duration;

use drivers::run::{Program, Run};

use crate::Installation;
use crate::checks::{Check, Word};
use crate::say::say;

pub(super) fn disk(at: &Installation<'_>) -> Check {
    const ID: &str = "disk.free";
    let known = rustix::fs::statvfs(at.data);
    let Ok(stat) = known else {
        let act = say!("請確認資料夾存在。", "Check that the folder is there.");
        return Check::of(ID, Word::Unknown, say!("無法得知", "cannot be told"), act);
    };
    let free = stat.f_bavail.saturating_mul(stat.f_frsize);
    let used = journal::look(&at.data.join("journal")).map_or(0, |looked| looked.bytes);
    room(free, at.journal_most.saturating_sub(used), at.keep_free)
}

/// Free bytes against what the journal may still take and what is to stay free.
fn room(free: u64, growth: u64, keep: u64) -> Check {
    const ID: &str = "disk.free";
    let (mb, grow, floor) = (free >> 20, growth >> 20, keep >> 20);
    let seen = say!(
        "可用 {mb} MB；journal 最多再用 {grow} MB，並保留 {floor} MB",
        "{mb} MB free; the journal may take {grow} MB more, and {floor} MB are to stay free"
    );
    if free <= keep {
        let act = say!("請立即釋放空間：收件已被拒絕（429）。", "Make room now: senders are refused (429).");
        return Check::of(ID, Word::Bad, seen, act);
    }
    if free < growth.saturating_add(keep) {
        let act =
            say!("請擴充磁碟，或降低 journal.max_megabytes。", "Enlarge the disk, or lower journal.max_megabytes.");
        return Check::of(ID, Word::Warn, seen, act);
    }
    Check::ok(ID, seen)
}

/// Programs that keep a clock in step.
const KEEPERS: [&str; 6] = ["chronyd", "ntpd", "ntpd-rs", "openntpd", "systemd-timesyn", "phc2sys"];

pub(super) fn clock(at: &Installation<'_>) -> Check {
    const ID: &str = "host.clock";
    let mut keepers: BTreeSet<&str> = BTreeSet::new();
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let name = fs::read_to_string(entry.path().join("comm")).unwrap_or_default();
        keepers.extend(KEEPERS.iter().filter(|keeper| **keeper == name.trim_end()));
    }
    let keepers = keepers.into_iter().collect::<Vec<_>>().join(", ");
    // systemd-timesyncd touches it with each answer of its server.
    let synced = fs::metadata("/run/systemd/timesync/synchronized").and_then(|meta| meta.modified()).ok();
    let age = synced
        .and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok())
        .and_then(|time| i64::try_from(time.as_secs()).ok())
        .map(|time| at.now.as_secs() - time);
    match age {
        Some(age) if (-60..86_400).contains(&age) => {
            return Check::ok(ID, say!("systemd-timesyncd 於 {age} 秒前校時", "systemd-timesyncd set it {age} s ago"));
        }
        _ => {}
    }
    let act = say!(
        "請以 chronyc tracking 或 timedatectl 確認校時來源與誤差。",
        "See source and offset with chronyc tracking or timedatectl."
    );
    let seen = if keepers.is_empty() {
        say!("看不到校時程式", "no program is seen that keeps the clock")
    } else {
        say!("執行中：{keepers}；誤差不明", "running: {keepers}; its offset is unknown")
    };
    Check::of(ID, Word::Unknown, seen, act)
}

pub(super) fn landlock() -> Check {
    const ID: &str = "host.landlock";
    let act = say!(
        "程式本身尚未使用 Landlock；檔案的限制由 systemd 單元執行。",
        "The program uses no Landlock of its own yet; the systemd unit limits what files it sees."
    );
    let list = fs::read_to_string("/sys/kernel/security/lsm").unwrap_or_default();
    let seen = if list.split(',').any(|name| name.trim() == "landlock") {
        say!("核心有 Landlock，ABI 版本不明", "the kernel has Landlock; its ABI is not known from here")
    } else {
        say!("看不到 Landlock", "Landlock is not seen")
    };
    Check::of(ID, Word::Unknown, seen, act)
}

pub(super) fn kernel() -> Check {
    let name = rustix::system::uname();
    let release = name.release().to_string_lossy();
    Check::ok("host.kernel", say!("Linux {release}", "Linux {release}"))
}

pub(super) fn nft() -> Check {
    const ID: &str = "engine.nft";
    let act = say!(
        "僅執行阻擋的主機需要 nftables；設定由核心介面寫入，此指令僅供人員檢視。",
        "Only a host that enforces needs nftables; rules are written through the kernel, this command is for people."
    );
    if Program::Nft.path().is_err() {
        return Check::of(ID, Word::Unknown, say!("未安裝 nft 指令", "the command nft is not installed"), act);
    }
    match Run::new(Program::Nft).args(["--version"]).limit(Duration::from_secs(5)).output() {
        Ok(output) => {
            let version = output.stdout.lines().next().unwrap_or_default().trim().to_owned();
            Check::ok(ID, say!("{version}", "{version}"))
        }
        Err(error) => Check::of(ID, Word::Unknown, say!("{error}", "{error}"), act),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_is_measured_against_both_limits() {
        assert_eq!(room(100 << 20, 8 << 30, 512 << 20).word, Word::Bad);
        assert_eq!(room(1 << 30, 8 << 30, 512 << 20).word, Word::Warn);
        assert_eq!(room(9 << 30, 8 << 30, 512 << 20).word, Word::Ok);
        assert_eq!(room(1 << 30, 0, 512 << 20).word, Word::Ok, "a full journal takes no more");
    }
}
