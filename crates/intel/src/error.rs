//! What can go wrong with indicators.

use base::{Code, Coded, Problem};
use events::intel::IndicatorState;
use store::StoreError;

base::codes! {
    /// The step does not fit the indicator's state.
    pub WRONG_STATE = "LF-INT-0001", 409,
        en "The indicator's state does not allow this.", zh "此入侵指標目前的狀態不允許這項操作。",
        act_en "Load it again; somebody may have moved it.", act_zh "請重新載入；可能已有他人處理。";
    /// A reason is missing or too long.
    pub REASON = "LF-INT-0002", 422,
        en "A reason of 1 to 1,000 characters is required.", zh "必須填寫 1 至 1,000 字的理由。",
        act_en "Say in a sentence why.", act_zh "請以一句話說明理由。";
    /// The validity is missing or out of bounds.
    pub VALIDITY = "LF-INT-0003", 422,
        en "Every indicator ends: its validity must be from one hour to 366 days.", zh "每個入侵指標都有期限：效期須為 1 小時至 366 天。",
        act_en "Choose how long it should be in force.", act_zh "請選擇有效期間。";
    /// The value is protected.
    pub PROTECTED = "LF-INT-0004", 422,
        en "The value is protected and can never be denied.", zh "此值受保護，不得列為封鎖對象。",
        act_en "The message names the protected network; ask the duty officer if the entry is wrong.", act_zh "訊息會指出受保護的網段；若清單有誤請洽值勤人員。";
    /// The same value has a live indicator.
    pub EXISTS = "LF-INT-0005", 409,
        en "There is a live indicator for this value already.", zh "此值已有效力中的入侵指標。",
        act_en "Open the existing one; the search box finds it by its value.", act_zh "請開啟現有的入侵指標；以該值搜尋即可找到。";
    /// A field is out of bounds.
    pub BAD_FIELD = "LF-INT-0006", 422,
        en "A field is empty, too long or out of bounds.", zh "欄位空白、過長或超出範圍。",
        act_en "Correct the field named in the message.", act_zh "請修正訊息指出的欄位。";
    /// A forged source is possible.
    pub FORGEABLE = "LF-INT-0007", 422,
        en "The source of a datagram can be forged and never becomes an indicator.", zh "UDP 封包的來源可能遭偽造，不得成為入侵指標。",
        act_en "Wait for evidence from a completed connection.", act_zh "請等待完成連線的證據。";
    /// A value is of another kind.
    pub BAD_VALUE = "LF-INT-0008", 422,
        en "The value is not of that kind.", zh "值與其類型不符。",
        act_en "Check the value, or choose another kind; names outside ASCII are written as xn--.", act_zh "請檢查該值或改選類型；非 ASCII 網域請寫成 xn-- 形式。";
    /// Author and reviewer are the same.
    pub OWN_WORK = "LF-INT-0009", 403,
        en "Whoever wrote this cannot review it.", zh "撰寫者不得審核自己的內容。",
        act_en "Ask another officer to review it.", act_zh "請由另一位人員審核。";
    /// Only the author may.
    pub NOT_AUTHOR = "LF-INT-0010", 403,
        en "Only its author may do this.", zh "只有撰寫者可以執行這項操作。",
        act_en "Ask the author, or return the indicator to them.", act_zh "請洽撰寫者，或將其退回撰寫者。";
}

/// Why the desk refuses.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The step does not fit the state.
    #[error("not possible while it is {}", .0.word())]
    WrongState(IndicatorState),
    /// A reason is missing or too long.
    #[error("a reason is missing or too long")]
    Reason,
    /// The validity is out of bounds.
    #[error("the validity is missing or out of bounds")]
    Validity,
    /// A field is out of bounds.
    #[error("the field {0} is empty, too long or out of bounds")]
    Field(&'static str),
    /// A forged source is possible.
    #[error("the source can be forged")]
    Forgeable,
    /// Author and reviewer or approver are the same.
    #[error("the author cannot review or approve")]
    OwnWork,
    /// Only the author may.
    #[error("only the author may")]
    NotAuthor,
    /// The time of expiry has not come, or nothing is due.
    #[error("nothing is due")]
    NotDue,
}

/// What can go wrong in this room.
#[derive(Debug, Clone, thiserror::Error)]
pub enum IntelError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The caller may not.
    #[error(transparent)]
    Access(#[from] access::Refusal),
    /// The desk refuses.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The approval is refused.
    #[error(transparent)]
    Approval(#[from] access::AccessError),
    /// The cursor of a list is not one.
    #[error(transparent)]
    Cursor(#[from] Problem),
    /// The object cannot be written.
    #[error(transparent)]
    Stix(#[from] stix::StixError),
    /// The value is not of that kind.
    #[error("the value is not of that kind: {0}")]
    Value(String),
    /// The value is protected.
    #[error("the value is protected: {0}")]
    Protected(String),
    /// A live indicator of the value exists.
    #[error("a live indicator of the value exists")]
    Exists,
}

impl Coded for IntelError {
    fn problem(&self) -> Problem {
        let (code, detail): (&'static Code, String) = match self {
            Self::Store(error) => return error.problem(),
            Self::Access(refusal) => return refusal.problem(),
            Self::Approval(error) => return error.problem(),
            Self::Cursor(problem) => return problem.clone(),
            Self::Stix(error) => return error.problem(),
            Self::Value(detail) => (&BAD_VALUE, detail.clone()),
            Self::Protected(detail) => (&PROTECTED, detail.clone()),
            Self::Exists => (&EXISTS, String::new()),
            Self::Refused(refusal) => (refusal.code(), refusal.to_string()),
        };
        Problem::new(code, detail)
    }
}

impl Refusal {
    const fn code(&self) -> &'static Code {
        match self {
            Self::WrongState(_) | Self::NotDue => &WRONG_STATE,
            Self::Reason => &REASON,
            Self::Validity => &VALIDITY,
            Self::Field(_) => &BAD_FIELD,
            Self::Forgeable => &FORGEABLE,
            Self::OwnWork => &OWN_WORK,
            Self::NotAuthor => &NOT_AUTHOR,
        }
    }
}
