//! What can go wrong at an enforcement point, for people.

use base::{Code, Coded, Problem};
use link::LinkError;
use std::io;
use std::path::{Path, PathBuf};

base::codes! {
    /// The folder has no identity.
    pub NO_IDENTITY = "LF-AGT-0101", 500,
        en "The enforcement point has no identity.", zh "此執行點尚未完成註冊。",
        act_en "Enrol it with a one-time code from the centre first.", act_zh "請先以中心發出的一次性註冊碼完成註冊。";
    /// A file of the folder cannot be used.
    pub BAD_FOLDER = "LF-AGT-0102", 500,
        en "A file of the enforcement point's folder cannot be used.", zh "執行點資料夾中的檔案無法使用。",
        act_en "Check owner, permissions and free space of the folder.", act_zh "請檢查資料夾的擁有者、權限與剩餘空間。";
    /// The centre cannot be reached.
    pub NO_CENTRE = "LF-AGT-0103", 502,
        en "The centre cannot be reached.", zh "無法連線至中心。",
        act_en "Check the address, the network and the trust anchor; blocks in force stay until their own end.",
        act_zh "請檢查網址、網路與信任錨點；已生效的封鎖會維持到各自的到期時間。";
    /// The centre refused the request.
    pub REFUSED = "LF-AGT-0104", 403,
        en "The centre refused the enforcement point.", zh "中心拒絕此執行點。",
        act_en "For enrolment ask for a new one-time code; a refused certificate must be enrolled again.",
        act_zh "註冊時請索取新的一次性註冊碼；憑證遭拒時請重新註冊。";
    /// The trust anchor is no certificate and no pin.
    pub BAD_TRUST = "LF-AGT-0105", 400,
        en "The trust anchor is neither a PEM certificate nor a SHA-256 pin.", zh "信任錨點既不是 PEM 憑證，也不是 SHA-256 指紋。",
        act_en "Give the centre's CA file or the 64 hexadecimal digits shown with the code.",
        act_zh "請提供中心的 CA 檔案，或與註冊碼一同顯示的 64 位十六進位指紋。";
    /// Key material cannot be used.
    pub BAD_KEY = "LF-AGT-0106", 500,
        en "A key or certificate of the enforcement point cannot be used.", zh "執行點的金鑰或憑證無法使用。",
        act_en "Enrol the enforcement point again.", act_zh "請重新註冊此執行點。";
    /// The engine's thread ended.
    pub ENGINE_LOST = "LF-AGT-0107", 500,
        en "The enforcement engine's worker ended unexpectedly.", zh "執行引擎的工作程序意外結束。",
        act_en "The service manager starts the agent again; report it with the log.",
        act_zh "服務管理程式會重新啟動代理程式；請附上記錄檔回報。";
    /// The engine refuses.
    pub ENGINE_FAILED = "LF-AGT-0108", 502,
        en "The enforcement engine refuses changes.", zh "執行引擎拒絕變更。",
        act_en "See the detail; the agent tries again by itself.", act_zh "請查看詳細訊息；代理程式會自動重試。";
}

/// An error of the enforcement agent.
#[derive(Debug, thiserror::Error)]
pub enum AgentError {
    /// The folder has no identity.
    #[error("no identity: {0} is missing")]
    NoIdentity(&'static str),
    /// A file cannot be read or written.
    #[error("{}: {source}", path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// The centre cannot be reached, or the connection broke.
    #[error("centre: {0}")]
    Centre(String),
    /// The centre answered with a refusal.
    #[error("the centre answered {status}: {detail}")]
    Refused {
        /// The HTTP status.
        status: u16,
        /// What it said.
        detail: String,
    },
    /// The trust anchor is no certificate and no pin.
    #[error("trust anchor not understood")]
    Trust,
    /// Key material cannot be used.
    #[error("key material: {0}")]
    Key(String),
    /// The engine's thread ended.
    #[error("the engine's worker ended")]
    EngineLost,
    /// The engine refuses.
    #[error("engine: {0}")]
    Engine(#[from] drivers::Error),
}

impl AgentError {
    pub(crate) fn file(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::File { path, source }
    }

    pub(crate) fn key(error: impl std::fmt::Display) -> Self {
        Self::Key(error.to_string())
    }
}

impl From<LinkError> for AgentError {
    fn from(error: LinkError) -> Self {
        match error {
            LinkError::NoIdentity(name) => Self::NoIdentity(name),
            LinkError::File { path, source } => Self::File { path, source },
            LinkError::Refused { status, detail } => Self::Refused { status, detail },
            LinkError::Centre(why) | LinkError::Ended(why) => Self::Centre(why),
            LinkError::Trust => Self::Trust,
            LinkError::Key(why) | LinkError::Foreign(why) => Self::Key(why),
        }
    }
}

impl Coded for AgentError {
    fn problem(&self) -> Problem {
        let code: &'static Code = match self {
            Self::NoIdentity(_) => &NO_IDENTITY,
            Self::File { .. } => &BAD_FOLDER,
            Self::Centre(_) => &NO_CENTRE,
            Self::Refused { .. } => &REFUSED,
            Self::Trust => &BAD_TRUST,
            Self::Key(_) => &BAD_KEY,
            Self::EngineLost => &ENGINE_LOST,
            Self::Engine(_) => &ENGINE_FAILED,
        };
        match self {
            Self::File { source, .. } => Problem::new(code, source.kind().to_string()),
            Self::Engine(error) => Problem::new(code, error.problem().detail),
            other => Problem::new(code, other.to_string()),
        }
    }
}
