//! What can go wrong in this room.

use access::Refusal as AccessRefusal;
use base::{Coded, Problem};
use store::StoreError;

use crate::guard::Verdict;

base::codes! {
    /// No such directive or point.
    pub NOT_THERE = "LF-EDG-0101", 404,
        en "There is no such directive or enforcement point.", zh "沒有此封鎖指令或執行點。",
        act_en "Go back to the list; it may have been removed, or you may not see it.", act_zh "請回到清單；它可能已移除，或您無權檢視。";
    /// A guard rejects it.
    pub GUARDED = "LF-EDG-0102", 422,
        en "A guard rejects this directive.", zh "防護規則拒絕此指令。",
        act_en "Choose a narrower value or a shorter life; protected networks are never blocked.",
        act_zh "請縮小範圍或縮短效期；受保護網段一律不封鎖。";
    /// Not in a state where this can be done.
    pub WRONG_STATE = "LF-EDG-0103", 409,
        en "The directive or point is not in a state where this can be done.", zh "指令或執行點目前的狀態不允許此操作。",
        act_en "Load the page again; somebody may have decided already.", act_zh "請重新載入頁面；可能已有人作成決定。";
    /// Author and approver are the same.
    pub FOUR_EYES = "LF-EDG-0104", 403,
        en "Whoever asked for this block cannot approve it.", zh "提出封鎖者不得自行核准。",
        act_en "Ask another duty officer.", act_zh "請由另一位值勤人員核准。";
    /// Nobody could enforce it.
    pub NO_AUDIENCE = "LF-EDG-0105", 422,
        en "No enforcement point may have this directive.", zh "沒有任何執行點可取得此指令。",
        act_en "Lower the marking to AMBER, or use the organisation's own address plan.",
        act_zh "請將分享限制調降至 AMBER，或使用該組織自身的位址範圍。";
    /// The point was revoked.
    pub REVOKED = "LF-EDG-0106", 403,
        en "The enforcement point was revoked.", zh "此執行點已被撤銷。",
        act_en "Enrol it again with a new code.", act_zh "請以新的註冊碼重新註冊。";
    /// The receipt belongs to another point or claims what cannot be.
    pub BAD_RECEIPT = "LF-EDG-0107", 422,
        en "The receipt contradicts what the centre sent.", zh "執行回條與中心送出的內容不符。",
        act_en "Check that the agent is of this release and was enrolled here.", act_zh "請確認代理程式版本相符，且在此中心註冊。";
    /// A field is not acceptable.
    pub BAD_FIELD = "LF-EDG-0108", 422,
        en "A field is not acceptable.", zh "欄位內容不符規定。",
        act_en "Correct the field named in the message.", act_zh "請修正訊息指出的欄位。";
    /// Too many decisions at the same moment.
    pub BUSY = "LF-EDG-0109", 503,
        en "Too many enforcement decisions were made at the same moment.", zh "同一時間有過多封鎖決定。",
        act_en "Try again in a moment.", act_zh "請稍後再試。";
    /// The configuration does not fit a frame.
    pub LONG_CONFIG = "LF-EDG-0110", 422,
        en "The configuration is longer than an enforcement point takes.", zh "設定內容超過執行點可接收的長度。",
        act_en "Merge neighbouring protected networks into larger ones, or shorten their reasons.",
        act_zh "請將相鄰的受保護網段合併為較大的網段，或縮短其理由。";
}

/// Every coded error of this room.
#[derive(Debug, Clone, thiserror::Error)]
pub enum EdgeError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The caller may not.
    #[error(transparent)]
    Access(#[from] AccessRefusal),
    /// The desk refused.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// No such directive or point, or outside the clearance.
    #[error("there is no such thing for this caller")]
    NotThere,
    /// The point was revoked.
    #[error("the point was revoked")]
    Revoked,
    /// A receipt that cannot be.
    #[error("the receipt {0}")]
    BadReceipt(&'static str),
    /// A page's cursor does not belong to the list.
    #[error(transparent)]
    Page(Problem),
    /// Others kept deciding at the same moment.
    #[error("others kept deciding at the same moment")]
    Busy,
}

/// Why a desk refuses a command.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// A guard rejects it.
    #[error("{}", rejections(.0))]
    Guarded(Vec<Verdict>),
    /// Not in a state where this can be done.
    #[error("it is {0}")]
    WrongState(&'static str),
    /// Author and approver are the same person.
    #[error("the author cannot approve")]
    FourEyes,
    /// Nobody could enforce it.
    #[error("no point may have it")]
    NoAudience,
    /// A field is not acceptable: its name and why.
    #[error("{0}: {1}")]
    BadField(&'static str, &'static str),
    /// The configuration has so many bytes; no frame carries it.
    #[error("{0} bytes, at most {max}", max = crate::wire::config::MAX_CONFIG)]
    LongConfig(usize),
}

fn rejections(verdicts: &[Verdict]) -> String {
    let reasons = verdicts.iter().filter_map(|verdict| verdict.reason.as_ref());
    let rejected = reasons.filter(|reason| reason.ruling() == crate::guard::Ruling::Reject);
    rejected.map(crate::guard::Reason::en).collect::<Vec<_>>().join("; ")
}

impl Coded for Refusal {
    fn problem(&self) -> Problem {
        match self {
            Self::Guarded(_) => Problem::new(&GUARDED, self.to_string()).at("value"),
            Self::WrongState(_) => Problem::new(&WRONG_STATE, self.to_string()),
            Self::FourEyes => Problem::new(&FOUR_EYES, ""),
            Self::NoAudience => Problem::new(&NO_AUDIENCE, "").at("tlp"),
            Self::LongConfig(_) => Problem::new(&LONG_CONFIG, self.to_string()).at("protected"),
            Self::BadField(field, why) => Problem::new(&BAD_FIELD, *why).at(*field),
        }
    }
}

impl Coded for EdgeError {
    fn problem(&self) -> Problem {
        match self {
            Self::Store(error) => error.problem(),
            Self::Access(refusal) => refusal.problem(),
            Self::Refused(refusal) => refusal.problem(),
            Self::NotThere => Problem::new(&NOT_THERE, ""),
            Self::Revoked => Problem::new(&REVOKED, ""),
            Self::BadReceipt(why) => Problem::new(&BAD_RECEIPT, *why),
            Self::Page(problem) => problem.clone(),
            Self::Busy => Problem::new(&BUSY, ""),
        }
    }
}
