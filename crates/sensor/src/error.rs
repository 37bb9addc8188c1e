//! What can go wrong in the sensor room.

use base::{Coded, Problem};
use store::StoreError;

base::codes! {
    /// The sensor's certificate was revoked or replaced.
    pub REVOKED = "LF-SEN-0001", 403,
        en "This sensor is not admitted any more.", zh "此感測器已不被允許連線。",
        act_en "Enrol it again with a new one-time code.", act_zh "請以新的一次性代碼重新註冊此感測器。";
    /// No such sensor, or outside the clearance.
    pub NO_SENSOR = "LF-SEN-0002", 404,
        en "There is no such sensor.", zh "沒有這個感測器。",
        act_en "Look for it with `lianfang sensor list`.", act_zh "請以 `lianfang sensor list` 查詢。";
    /// The journal is full.
    pub FULL = "LF-SEN-0003", 429,
        en "The centre cannot take more events at this moment.", zh "中心目前無法接收更多事件。",
        act_en "Keep the events and send them again after the time named in Retry-After.", act_zh "請保留事件，並於 Retry-After 指定的時間後重送。";
    /// More lines than one request may hold.
    pub TOO_MANY_LINES = "LF-SEN-0004", 413,
        en "The request holds too many lines.", zh "請求內的行數過多。",
        act_en "Send at most 200,000 lines per request.", act_zh "每次請求最多傳送 200,000 行。";
    /// The batch's numbers overflow.
    pub BAD_SEQUENCE = "LF-SEN-0005", 400,
        en "The batch numbers are not usable.", zh "批次序號無法使用。",
        act_en "Number events from 1 within an epoch.", act_zh "請在每個世代內由 1 開始編號。";
    /// The name is taken by another sensor of the organisation.
    pub NAME_TAKEN = "LF-SEN-0006", 409,
        en "Another sensor of this organisation has this name.", zh "此單位已有同名的感測器。",
        act_en "Choose another name.", act_zh "請改用其他名稱。";
    /// Too many foreign sensor names in one organisation.
    pub TOO_MANY_SENSORS = "LF-SEN-0007", 422,
        en "The organisation has too many imported sensors.", zh "此單位匯入的感測器過多。",
        act_en "Check the sensor names in the log; an organisation may have 1,000 imported sensors.", act_zh "請檢查紀錄中的感測器名稱；每個單位最多 1,000 個匯入感測器。";
    /// No such session, campaign or value, or outside the clearance.
    pub NOT_FOUND = "LF-SEN-0008", 404,
        en "This is not in the attack history.", zh "攻擊歷史中沒有此項目。",
        act_en "Check the address of the page or search again.", act_zh "請檢查網址或重新搜尋。";
    /// The journal failed.
    pub JOURNAL = "LF-SEN-0009", 503,
        en "Events cannot be made durable at this moment.", zh "目前無法將事件落盤。",
        act_en "Keep the events and send them again; `lianfang doctor` names the cause.", act_zh "請保留事件並重送；`lianfang doctor` 會指出原因。";
    /// A field is out of bounds.
    pub BAD_FIELD = "LF-SEN-0010", 400,
        en "A field is empty, too long or holds characters that are not allowed.", zh "欄位為空、過長或含有不允許的字元。",
        act_en "Correct the named field.", act_zh "請修正指出的欄位。";
}

/// What can go wrong in the sensor room.
#[derive(Debug, thiserror::Error)]
pub enum SensorError {
    /// The sensor is revoked, or shows an old certificate.
    #[error("the sensor is not admitted")]
    Revoked,
    /// No such sensor within the clearance.
    #[error("no such sensor")]
    NoSensor,
    /// Back-pressure: not everything was taken; send again later.
    #[error("the journal is full")]
    Full {
        /// Seconds until it is worth trying again.
        retry_after: u32,
    },
    /// More lines than one request may hold.
    #[error("too many lines")]
    TooManyLines,
    /// Sequence numbers overflow.
    #[error("unusable sequence numbers: {0}")]
    BadSequence(String),
    /// The name is taken.
    #[error("the name is taken")]
    NameTaken,
    /// No such session, campaign or value within the clearance.
    #[error("not in the attack history")]
    NotFound,
    /// A field is out of bounds.
    #[error("field {0}")]
    BadField(&'static str),
    /// The journal failed.
    #[error("the journal failed: {0}")]
    Journal(String),
    /// The caller may not.
    #[error(transparent)]
    Refused(#[from] access::Refusal),
    /// The cursor belongs to another list.
    #[error(transparent)]
    Cursor(Problem),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Coded for SensorError {
    fn problem(&self) -> Problem {
        match self {
            Self::Revoked => Problem::new(&REVOKED, ""),
            Self::NoSensor => Problem::new(&NO_SENSOR, ""),
            Self::Full { .. } => Problem::new(&FULL, ""),
            Self::TooManyLines => Problem::new(&TOO_MANY_LINES, ""),
            Self::BadSequence(detail) => Problem::new(&BAD_SEQUENCE, detail.clone()),
            Self::NameTaken => Problem::new(&NAME_TAKEN, ""),
            Self::NotFound => Problem::new(&NOT_FOUND, ""),
            Self::BadField(field) => Problem::new(&BAD_FIELD, "").at(*field),
            Self::Journal(_) => Problem::new(&JOURNAL, ""),
            Self::Refused(refusal) => refusal.problem(),
            Self::Cursor(problem) => problem.clone(),
            Self::Store(error) => error.problem(),
        }
    }
}
