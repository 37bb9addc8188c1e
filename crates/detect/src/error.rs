//! What can go wrong with findings.

use base::{Code, Coded, Problem};
use store::StoreError;

use crate::model::FindingState;

base::codes! {
    /// The step does not fit the finding's state.
    pub WRONG_STATE = "LF-DET-0001", 409,
        en "The finding's state does not allow this.", zh "此告警目前的狀態不允許這項操作。",
        act_en "Load it again; somebody may have taken or resolved it.", act_zh "請重新載入；可能已有他人接手或處理完成。";
    /// A reason is missing or too long.
    pub REASON = "LF-DET-0002", 422,
        en "A reason of 1 to 1,000 characters is required.", zh "必須填寫 1 至 1,000 字的理由。",
        act_en "Say in a sentence why.", act_zh "請以一句話說明理由。";
    /// A silence has no acceptable end.
    pub SILENCE_END = "LF-DET-0003", 422,
        en "A silence needs an end, later than now and within 90 days.", zh "靜音必須有結束時間，且須晚於現在並在 90 天內。",
        act_en "Choose an end date.", act_zh "請選擇結束日期。";
    /// Nothing can be undone.
    pub NO_STEP = "LF-DET-0004", 409,
        en "There is no step to undo.", zh "沒有可以復原的步驟。",
        act_en "Load the finding again to see its history.", act_zh "請重新載入此告警以檢視歷程。";
    /// A newer finding of the same subject is open.
    pub NEWER_OPEN = "LF-DET-0005", 409,
        en "A newer finding about the same subject is open.", zh "同一對象已有較新的告警尚未結束。",
        act_en "Work on the newer one.", act_zh "請處理較新的告警。";
    /// A field of a finding is out of bounds.
    pub BAD_FIELD = "LF-DET-0006", 422,
        en "A field is empty, too long or unknown.", zh "欄位空白、過長或不明。",
        act_en "Correct the field named in the message.", act_zh "請修正訊息指出的欄位。";
}

/// Why the desk refuses.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The step does not fit the state.
    #[error("not possible while it is {}", .0.word())]
    WrongState(FindingState),
    /// A reason is missing or too long.
    #[error("a reason is missing or too long")]
    Reason,
    /// A silence has no acceptable end.
    #[error("the end of the silence is missing, past or too far")]
    SilenceEnd,
    /// Nothing can be undone.
    #[error("there is no step to undo")]
    NoStep,
    /// A field is out of bounds.
    #[error("the field {0} is empty, too long or unknown")]
    Field(&'static str),
}

/// What can go wrong in this room.
#[derive(Debug, Clone, thiserror::Error)]
pub enum DetectError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The caller may not.
    #[error(transparent)]
    Access(#[from] access::Refusal),
    /// The desk refuses.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The cursor of a list is not one.
    #[error(transparent)]
    Cursor(#[from] Problem),
    /// A newer finding about the same subject is open.
    #[error("a newer finding about the same subject is open")]
    NewerOpen,
}

impl Coded for DetectError {
    fn problem(&self) -> Problem {
        let (code, detail): (&'static Code, String) = match self {
            Self::Store(error) => return error.problem(),
            Self::Access(refusal) => return refusal.problem(),
            Self::Cursor(problem) => return problem.clone(),
            Self::NewerOpen => (&NEWER_OPEN, String::new()),
            Self::Refused(refusal) => (
                match refusal {
                    Refusal::WrongState(_) => &WRONG_STATE,
                    Refusal::Reason => &REASON,
                    Refusal::SilenceEnd => &SILENCE_END,
                    Refusal::NoStep => &NO_STEP,
                    Refusal::Field(_) => &BAD_FIELD,
                },
                refusal.to_string(),
            ),
        };
        Problem::new(code, detail)
    }
}
