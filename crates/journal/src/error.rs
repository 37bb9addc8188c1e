//! What can go wrong in the journal.

use base::{Coded, Problem};

base::codes! {
    /// The journal has reached its limit.
    pub FULL = "LF-JRN-0001", 429,
        en "The journal is full.", zh "日誌佇列已滿。",
        act_en "Send again later; the centre is working through what it holds.", act_zh "請稍後重送；中心正在處理既有資料。";
    /// A write could not be made durable.
    pub POISONED = "LF-JRN-0002", 503,
        en "A write could not be made durable; the journal stopped accepting work.", zh "寫入無法落盤；日誌佇列已停止接受資料。",
        act_en "Check the disk, then start the centre again; it replays what was acknowledged.", act_zh "請檢查磁碟後重新啟動中心；已確認的資料會重播。";
    /// The files cannot be read or written.
    pub FAILED = "LF-JRN-0003", 503,
        en "The journal cannot be read or written.", zh "日誌佇列無法讀寫。",
        act_en "Check the disk and the rights of the data folder; `lianfang doctor` names the cause.", act_zh "請檢查磁碟與資料夾權限；`lianfang doctor` 會指出原因。";
    /// One record is larger than the journal takes.
    pub TOO_LARGE = "LF-JRN-0004", 413,
        en "One record is larger than the journal takes.", zh "單筆資料超過日誌佇列的上限。",
        act_en "Send smaller batches.", act_zh "請縮小批次後重送。";
    /// Another process has the journal.
    pub LOCKED = "LF-JRN-0005", 503,
        en "Another process uses this journal.", zh "另一個程序正在使用此日誌佇列。",
        act_en "Stop the other centre, or give this one its own data folder.", act_zh "請停止另一個中心，或為此中心指定獨立的資料夾。";
    /// Others have filled the disk of the journal.
    pub DISK_FULL = "LF-JRN-0006", 429,
        en "The disk of the journal is full.", zh "日誌佇列所在的磁碟已滿。",
        act_en "Make room on the disk; what is kept already stays.", act_zh "請清出磁碟空間；已保存的資料不受影響。";
}

/// What can go wrong in the journal.
#[derive(Debug, Clone, thiserror::Error)]
pub enum JournalError {
    /// The journal's own limit is reached: releasing makes room.
    #[error("the journal is full")]
    Full,
    /// The disk has no room above its floor, whatever the journal holds: it goes on when others make room.
    #[error("the disk of the journal is full")]
    DiskFull,
    /// A write could not be made durable; nothing is accepted until the next start.
    #[error("a write could not be made durable: {0}")]
    Poisoned(String),
    /// The files cannot be read or written.
    #[error("the journal cannot be read or written: {0}")]
    Failed(String),
    /// A record has more bytes than allowed.
    #[error("a record of {0} bytes is too large")]
    TooLarge(usize),
    /// Another process has the journal.
    #[error("another process uses this journal")]
    Locked,
}

impl From<std::io::Error> for JournalError {
    fn from(failure: std::io::Error) -> Self {
        match failure.kind() {
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => Self::DiskFull,
            _ => Self::Failed(failure.to_string()),
        }
    }
}

impl Coded for JournalError {
    fn problem(&self) -> Problem {
        let code = match self {
            Self::Full => &FULL,
            Self::DiskFull => &DISK_FULL,
            Self::Poisoned(_) => &POISONED,
            Self::Failed(_) => &FAILED,
            Self::TooLarge(_) => &TOO_LARGE,
            Self::Locked => &LOCKED,
        };
        Problem::new(code, "")
    }
}
