//! What can go wrong in the store.

use base::{Coded, Problem};

base::codes! {
    /// The row changed under the caller.
    pub CONFLICT = "LF-STO-0001", 409,
        en "Somebody else changed this in the meantime.", zh "在此期間已有其他人變更此資料。",
        act_en "Load it again and repeat your change.", act_zh "請重新載入後再變更一次。";
    /// A unique key exists already.
    pub DUPLICATE = "LF-STO-0002", 409,
        en "This exists already.", zh "此項目已存在。",
        act_en "Use the existing one or choose another name.", act_zh "請使用現有項目或改用其他名稱。";
    /// The database does not answer.
    pub UNAVAILABLE = "LF-STO-0003", 503,
        en "The database does not answer.", zh "資料庫沒有回應。",
        act_en "Wait a moment and try again; `lianfang doctor` names the cause.", act_zh "請稍候再試；`lianfang doctor` 會指出原因。";
    /// A row has another shape than the program expects.
    pub SHAPE = "LF-STO-0004", 500,
        en "A stored row has an unexpected shape.", zh "儲存的資料列格式不符預期。",
        act_en "Run `lianfang doctor` and keep the data folder as it is.", act_zh "請執行 `lianfang doctor`，並保留資料夾現況。";
    /// A write could not be made durable; nothing is accepted until the next start.
    pub POISONED = "LF-STO-0005", 503,
        en "A write could not be made durable; the store stopped accepting work.", zh "寫入無法落盤；儲存層已停止接受工作。",
        act_en "Check the disk, then start the centre again; it replays what was acknowledged.", act_zh "請檢查磁碟後重新啟動中心；已確認的資料會重播。";
    /// The disk is full.
    pub DISK_FULL = "LF-STO-0006", 507,
        en "The disk is full.", zh "磁碟空間不足。",
        act_en "Free space; the centre goes on by itself.", act_zh "請釋出空間，中心會自行恢復。";
    /// The data folder belongs to a newer release or its schema was altered.
    pub SCHEMA = "LF-STO-0007", 500,
        en "The database schema is not the one this release expects.", zh "資料庫結構與此版本不符。",
        act_en "Start the release that wrote it, or restore the backup made before the upgrade.", act_zh "請以寫入該資料的版本啟動，或還原升級前的備份。";
    /// The database refused a statement: a fault of the program.
    pub REFUSED = "LF-STO-0008", 500,
        en "The database refused a statement.", zh "資料庫拒絕執行此敘述。",
        act_en "Report this with the log line; the data is unchanged.", act_zh "請連同記錄內容回報；資料未變更。";
    /// A page cursor is not one of this list.
    pub BAD_CURSOR = "LF-STO-0009", 400,
        en "The cursor does not belong to this list.", zh "分頁游標不屬於此清單。",
        act_en "Start from the first page.", act_zh "請從第一頁重新開始。";
    /// A stored file is not what its name says.
    pub CORRUPT = "LF-STO-0010", 500,
        en "A stored file was damaged.", zh "儲存的檔案已損毀。",
        act_en "Restore the file from the backup; `lianfang doctor` names it.", act_zh "請從備份還原該檔案；`lianfang doctor` 會指出檔名。";
    /// A leaf of the audit tree was altered behind the program's back.
    pub TAMPERED = "LF-STO-0011", 500,
        en "The audit tree was altered outside the program; nothing more is signed.", zh "稽核樹遭程式以外的方式變更；已停止簽署。",
        act_en "Keep the data folder as evidence, compare it with the last exported tree, then restore the backup.", act_zh "請保留資料夾作為證據，與最近一次匯出的稽核樹比對後再還原備份。";
    /// Another centre works on this database.
    pub TAKEN = "LF-STO-0012", 503,
        en "Another centre works on this database.", zh "另一個中心正在使用此資料庫。",
        act_en "Stop the other centre, or give this one its own database.", act_zh "請停止另一個中心，或為此中心指定獨立的資料庫。";
}

/// What can go wrong in the store.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// A version check failed; the unit was undone.
    #[error("statement {0} of the unit touched another number of rows")]
    Conflict(usize),
    /// A unique key exists already.
    #[error("a unique key exists already: {0}")]
    Duplicate(String),
    /// The database does not answer; after a lost connection the outcome of a commit is unknown.
    #[error("the database does not answer: {0}")]
    Database(String),
    /// The database refused the statement (its text, a foreign key, a check): trying again does not help.
    #[error("the database refused the statement: {0}")]
    Refused(String),
    /// A row has another shape than expected.
    #[error("unexpected shape: {0}")]
    Shape(String),
    /// A write could not be made durable.
    #[error("a write could not be made durable: {0}")]
    Poisoned(String),
    /// No space left.
    #[error("no space left on the disk")]
    DiskFull,
    /// A stored file is not what its name says.
    #[error("a stored file was damaged: {0}")]
    Corrupt(String),
    /// The audit tree was altered behind the program's back.
    #[error("the audit tree was altered at entry {entry}: {why}")]
    Tampered {
        /// The first entry that does not fit (counted from 1).
        entry: u64,
        /// What does not fit.
        why: String,
    },
    /// Another centre works on this database.
    #[error("another centre works on this database")]
    Taken,
    /// The schema is not ours.
    #[error("schema: {0}")]
    Schema(String),
}

impl StoreError {
    /// Whether waiting may help: the database is away or the disk is full, and the work itself is sound.
    #[must_use]
    pub const fn is_transient(&self) -> bool {
        matches!(self, Self::Database(_) | Self::DiskFull)
    }
}

impl Coded for StoreError {
    fn problem(&self) -> Problem {
        let code = match self {
            Self::Conflict(_) => &CONFLICT,
            Self::Duplicate(_) => &DUPLICATE,
            Self::Database(_) => &UNAVAILABLE,
            Self::Refused(_) => &REFUSED,
            Self::Shape(_) => &SHAPE,
            Self::Poisoned(_) => &POISONED,
            Self::DiskFull => &DISK_FULL,
            Self::Corrupt(_) => &CORRUPT,
            Self::Tampered { .. } => &TAMPERED,
            Self::Taken => &TAKEN,
            Self::Schema(_) => &SCHEMA,
        };
        Problem::new(code, "")
    }
}
