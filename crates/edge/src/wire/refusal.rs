//! Why a point refuses a frame: one coded reason per attack on freshness and origin (TUF specification, section 1.5.2).

use base::{Coded, Problem, Timestamp};

base::codes! {
    /// Signature does not fit.
    pub BAD_SIGNATURE = "LF-EDG-0001", 422,
        en "The frame is not signed by the centre.", zh "此訊框並非由中心簽署。",
        act_en "Check that the point was enrolled at this centre; if it was, somebody altered the frame on its way.",
        act_zh "請確認執行點是在此中心註冊；若是，代表訊框在傳送途中遭竄改。";
    /// Not one canonical JSON line of the known form.
    pub MALFORMED = "LF-EDG-0002", 422,
        en "The frame is not canonical JSON of a known version.", zh "訊框不是已知版本的正規化 JSON。",
        act_en "Bring centre and point to the same release.", act_zh "請將中心與執行點更新至相同版本。";
    /// For another point or centre.
    pub WRONG_ADDRESSEE = "LF-EDG-0003", 422,
        en "The frame belongs to another point or another centre.", zh "此訊框屬於其他執行點或其他中心。",
        act_en "Check the connection between point and centre; a frame was delivered to the wrong place.",
        act_zh "請檢查執行點與中心之間的連線；訊框被送到錯誤的對象。";
    /// Older than what is known.
    pub ROLLBACK = "LF-EDG-0004", 422,
        en "The frame is older than what the point already has.", zh "此訊框比執行點現有的內容更舊。",
        act_en "Nothing was changed. If the centre was restored from a backup, enrol the point again.",
        act_zh "未做任何變更。若中心是由備份還原，請重新註冊執行點。";
    /// Seen before.
    pub REPLAY = "LF-EDG-0005", 422,
        en "The frame was already received.", zh "此訊框先前已收過。",
        act_en "Nothing was changed; check what repeats traffic between point and centre.",
        act_zh "未做任何變更；請檢查執行點與中心之間是否有設備重送流量。";
    /// Something in between is missing.
    pub GAP = "LF-EDG-0006", 422,
        en "Frames between the known state and this one are missing.", zh "現有狀態與此訊框之間缺少訊框。",
        act_en "The point asks again from what it has; no action is needed unless it repeats.",
        act_zh "執行點會從現有狀態重新請求；除非反覆發生，否則無須處理。";
    /// Stands on another state.
    pub BROKEN_CHAIN = "LF-EDG-0007", 422,
        en "The frame stands on a state the point does not have.", zh "此訊框所依據的狀態與執行點不符。",
        act_en "The point asks for a snapshot; if it repeats, compare its receipt with the centre.",
        act_zh "執行點會請求完整快照；若反覆發生，請比對執行回條與中心紀錄。";
    /// Too old.
    pub STALE = "LF-EDG-0008", 422,
        en "The frame's time is over.", zh "此訊框已逾期。",
        act_en "Check the clocks of point and centre; if they agree, somebody holds back frames.",
        act_zh "請檢查執行點與中心的時鐘；若一致，代表有人延遲訊框。";
    /// From the future.
    pub FUTURE = "LF-EDG-0009", 422,
        en "The frame comes from the future.", zh "此訊框的時間在未來。",
        act_en "Set the clocks of point and centre by the same time source.", act_zh "請讓執行點與中心使用相同的校時來源。";
    /// Beyond a limit.
    pub TOO_LARGE = "LF-EDG-0010", 413,
        en "The frame is larger than allowed.", zh "此訊框超過允許的大小。",
        act_en "Nothing was changed; bring centre and point to the same release.", act_zh "未做任何變更；請將中心與執行點更新至相同版本。";
    /// Does not add up.
    pub INCONSISTENT = "LF-EDG-0011", 422,
        en "The frame contradicts itself or its own digest.", zh "訊框內容自相矛盾或與其摘要不符。",
        act_en "The point asks for a snapshot; if it repeats, report it with the centre's version.",
        act_zh "執行點會請求完整快照；若反覆發生，請連同中心版本回報。";
}

/// Why a frame or configuration changes nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FrameRefusal {
    /// The signature is not the pinned key's (arbitrary installation, key of somebody else).
    #[error("the signature is not the centre's")]
    BadSignature,
    /// Not JSON of this form, or not in its canonical form.
    #[error("not a canonical frame: {0}")]
    Malformed(String),
    /// A version this release does not know.
    #[error("version {0} of the frame is unknown")]
    Version(u32),
    /// Made for another point.
    #[error("made for another point")]
    WrongPoint,
    /// Made by another centre.
    #[error("made by another centre")]
    WrongCentre,
    /// An older state than the known one.
    #[error("sequence {got} is older than the known {known}")]
    Rollback {
        /// The point's sequence.
        known: u64,
        /// The frame's.
        got: u64,
    },
    /// An older configuration than the known one.
    #[error("configuration revision {got} is older than the known {known}")]
    ConfigRollback {
        /// The point's revision.
        known: u64,
        /// The offered one.
        got: u64,
    },
    /// The very same word again.
    #[error("already received")]
    Replay,
    /// Does not begin where the point stands.
    #[error("begins after {after}, the point stands at {known}")]
    Gap {
        /// The point's sequence.
        known: u64,
        /// Where the frame begins.
        after: u64,
    },
    /// A sequence so far ahead that later ones would be locked out (fast-forward).
    #[error("sequence {0} is too far ahead")]
    FastForward(u64),
    /// Stands on another state (mix-and-match).
    #[error("stands on another state")]
    BrokenChain,
    /// Part of a series that is not being received.
    #[error("part {got} of {parts} instead of part {want}")]
    PartOrder {
        /// The part that must come next.
        want: u32,
        /// The part that came.
        got: u32,
        /// Of how many.
        parts: u32,
    },
    /// Its time is over (freeze).
    #[error("expired at {0}")]
    Expired(Timestamp),
    /// Issued later than the point's clock allows.
    #[error("issued at {0}, later than now")]
    Future(Timestamp),
    /// Beyond a limit (endless data).
    #[error("too large: {0}")]
    TooLarge(&'static str),
    /// Members contradict each other.
    #[error("inconsistent: {0}")]
    Inconsistent(&'static str),
    /// The state after it has another digest or count than it says.
    #[error("the digest after the change does not fit")]
    Digest,
}

impl FrameRefusal {
    /// Whether asking for a snapshot can help; otherwise only a person can.
    #[must_use]
    pub const fn wants_snapshot(&self) -> bool {
        matches!(self, Self::Gap { .. } | Self::BrokenChain | Self::Digest | Self::Inconsistent(_))
    }
}

impl Coded for FrameRefusal {
    fn problem(&self) -> Problem {
        let code = match self {
            Self::BadSignature => &BAD_SIGNATURE,
            Self::Malformed(_) | Self::Version(_) => &MALFORMED,
            Self::WrongPoint | Self::WrongCentre => &WRONG_ADDRESSEE,
            Self::Rollback { .. } | Self::ConfigRollback { .. } => &ROLLBACK,
            Self::Replay => &REPLAY,
            Self::Gap { .. } | Self::PartOrder { .. } | Self::FastForward(_) => &GAP,
            Self::BrokenChain => &BROKEN_CHAIN,
            Self::Expired(_) => &STALE,
            Self::Future(_) => &FUTURE,
            Self::TooLarge(_) => &TOO_LARGE,
            Self::Inconsistent(_) | Self::Digest => &INCONSISTENT,
        };
        Problem::new(code, self.to_string())
    }
}
