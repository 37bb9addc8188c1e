//! What can go wrong on the line to the centre. Rooms that use it say most of it in words of their own.

use base::{Code, Coded, Problem};
use std::path::PathBuf;

base::codes! {
    /// The machine's clock and the centre's differ widely.
    pub CLOCK_OFF = "LF-LNK-0001", 500,
        en "The clock of this machine is far from the centre's.", zh "此機器的時鐘與中心相差過大。",
        act_en "Set the clock and keep it with NTP: certificates begin and end by it.",
        act_zh "請校正時鐘並以 NTP 維持同步；憑證的生效與到期皆以時鐘為準。";
    /// The certificate could not be renewed.
    pub NOT_RENEWED = "LF-LNK-0002", 502,
        en "The certificate of this machine could not be renewed.", zh "此機器的憑證無法更新。",
        act_en "It is tried again by itself; enrol the machine again if the certificate ends before.",
        act_zh "系統會自動重試；若憑證先行到期，請重新註冊此機器。";
    /// What a machine keeps or is given cannot be used.
    pub UNUSABLE = "LF-LNK-0003", 500,
        en "The machine's tie to its centre cannot be used.", zh "此機器與中心的連線設定無法使用。",
        act_en "See the detail; enrol the machine again if it does not help.",
        act_zh "請查看詳細訊息；若無法排除，請重新註冊此機器。";
    /// The certificate has ended before it was renewed.
    pub ENDED = "LF-LNK-0004", 403,
        en "The certificate of this machine has ended.", zh "此機器的憑證已到期。",
        act_en "Check the machine's clock, then enrol it again with a one-time code from the centre: an ended certificate is not renewed. What the machine keeps is sent afterwards.",
        act_zh "請先檢查此機器的時鐘，再以中心發出的一次性註冊碼重新註冊：已到期的憑證不予更新；此機器留存的資料會在註冊後送出。";
    /// The centre does not know the certificate, or not any more.
    pub NOT_ADMITTED = "LF-LNK-0005", 403,
        en "The centre does not admit this machine with its certificate.", zh "中心不接受此機器的憑證。",
        act_en "Enrol the machine again with a one-time code from the centre: its certificate was revoked, or the centre was restored from a backup made before it gave this certificate.",
        act_zh "請以中心發出的一次性註冊碼重新註冊此機器：其憑證已被撤銷，或中心曾由發出此憑證之前的備份還原。";
}

/// An error of the line.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// The folder has no identity.
    #[error("no identity: {0} is missing")]
    NoIdentity(&'static str),
    /// A file of the folder cannot be read or written.
    #[error("{}: {source}", path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// The centre cannot be reached, or its answer cannot be understood.
    #[error("centre: {0}")]
    Centre(String),
    /// The centre refused.
    #[error("the centre answered {status}: {detail}")]
    Refused {
        /// The HTTP status.
        status: u16,
        /// What it said.
        detail: String,
    },
    /// The trust anchor is neither a certificate nor a pin.
    #[error("trust anchor not understood")]
    Trust,
    /// Key material cannot be used.
    #[error("key material: {0}")]
    Key(String),
    /// The renewed certificate is not one for this machine.
    #[error("the new certificate is not for this machine: {0}")]
    Foreign(String),
    /// The certificate has ended: by this machine's clock or by the centre's.
    #[error("the certificate has ended: {0}")]
    Ended(String),
}

impl LinkError {
    pub(crate) fn key(error: impl std::fmt::Display) -> Self {
        Self::Key(error.to_string())
    }
}

impl Coded for LinkError {
    fn problem(&self) -> Problem {
        let code: &'static Code = match self {
            Self::NoIdentity(_) | Self::File { .. } | Self::Trust | Self::Key(_) => &UNUSABLE,
            Self::Ended(_) => &ENDED,
            Self::Refused { status: 403, .. } => &NOT_ADMITTED,
            Self::Centre(_) | Self::Refused { .. } | Self::Foreign(_) => &NOT_RENEWED,
        };
        Problem::new(code, self.to_string())
    }
}
