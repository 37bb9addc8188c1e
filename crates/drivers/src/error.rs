//! What can go wrong between the agent and an engine, each with its entry in the error catalogue.

use base::code::excerpt;
use base::{Code, Coded, Problem};
use std::io;
use std::path::PathBuf;

base::codes! {
    /// A program the driver needs is not installed.
    pub PROGRAM_MISSING = "LF-AGT-0001", 503,
        en "A program that this enforcement point needs is not installed.", zh "此執行點所需的程式尚未安裝。",
        act_en "Install the Debian packages nftables and iproute2.", act_zh "請安裝 Debian 套件 nftables 與 iproute2。";
    /// A program ended with an error.
    pub PROGRAM_FAILED = "LF-AGT-0002", 502,
        en "A program ended with an error.", zh "程式執行失敗。",
        act_en "Read its message in the detail; check that the agent has the capability CAP_NET_ADMIN.",
        act_zh "請查看詳細訊息，並確認代理程式具備 CAP_NET_ADMIN 權限。";
    /// A program did not end in time, or wrote without end.
    pub PROGRAM_RUNAWAY = "LF-AGT-0003", 504,
        en "A program ran past its limit of time or output and was stopped.", zh "程式超過時間或輸出上限，已被停止。",
        act_en "Check the load of the machine; the agent tries again by itself.", act_zh "請檢查主機負載；代理程式會自動重試。";
    /// The kernel refused a netlink request.
    pub KERNEL_REFUSED = "LF-AGT-0004", 502,
        en "The kernel refused a change of the packet filter.", zh "核心拒絕封包過濾規則的變更。",
        act_en "Check that the module nf_tables is there and that the agent has CAP_NET_ADMIN.",
        act_zh "請確認核心已載入 nf_tables 模組，且代理程式具備 CAP_NET_ADMIN 權限。";
    /// The kernel's answer does not have the expected form.
    pub KERNEL_SHAPE = "LF-AGT-0005", 502,
        en "The kernel's answer could not be understood.", zh "無法解讀核心的回應。",
        act_en "Report this with the kernel version (uname -r).", act_zh "請附上核心版本（uname -r）回報此問題。";
    /// A set is larger than the caller allowed to read.
    pub TOO_MANY = "LF-AGT-0006", 413,
        en "The engine holds more elements than may be read at once.", zh "引擎中的元素數量超過單次讀取上限。",
        act_en "Read a sample instead.", act_zh "請改為抽樣讀取。";
    /// A file of the list driver or of the agent's state cannot be read or written.
    pub FILE_FAILED = "LF-AGT-0007", 507,
        en "A file of the enforcement point cannot be read or written.", zh "無法讀取或寫入執行點的檔案。",
        act_en "Check the folder's owner, its permissions and the free space.", act_zh "請檢查資料夾的擁有者、權限與剩餘空間。";
    /// Network namespaces cannot be made here.
    pub NO_NAMESPACE = "LF-AGT-0008", 503,
        en "Network namespaces cannot be used on this machine.", zh "此主機無法使用網路命名空間。",
        act_en "Run as root, or allow unprivileged user namespaces.", act_zh "請以 root 執行，或允許非特權使用者命名空間。";
    /// The driver cannot enforce this kind of entry.
    pub NOT_CAPABLE = "LF-AGT-0009", 422,
        en "This enforcement point cannot enforce this kind of entry.", zh "此執行點不支援這類項目。",
        act_en "Send it to a point whose coverage column lists it.", act_zh "請改派至支援清單中列有此類項目的執行點。";
}

/// An error of the room `drivers`.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The program is at none of the well-known places.
    #[error("{0} is not installed")]
    ProgramMissing(&'static str),
    /// The program ended with an error.
    #[error("{program} ended with {status}: {message}")]
    ProgramFailed {
        /// Its name.
        program: &'static str,
        /// Exit status or signal.
        status: String,
        /// The head of what it wrote to standard error.
        message: String,
    },
    /// The program was stopped: too long or too much output.
    #[error("{program} was stopped: {limit}")]
    ProgramRunaway {
        /// Its name.
        program: &'static str,
        /// Which limit.
        limit: &'static str,
    },
    /// The kernel answered a request with an error.
    #[error("the kernel refused {operation}: {source}")]
    Kernel {
        /// What was asked.
        operation: &'static str,
        /// Its error number.
        #[source]
        source: io::Error,
    },
    /// Replies were lost or the answer is malformed.
    #[error("the kernel's answer to {operation} is unusable: {detail}")]
    Shape {
        /// What was asked.
        operation: &'static str,
        /// What is wrong with the answer.
        detail: String,
    },
    /// More elements than the cap.
    #[error("more than {cap} elements")]
    TooMany {
        /// The cap that was given.
        cap: usize,
    },
    /// A file could not be read or written.
    #[error("{what} {}: {source}", path.display())]
    File {
        /// What was tried.
        what: &'static str,
        /// Which file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// A namespace could not be made or entered.
    #[error("network namespace: {0}")]
    Namespace(String),
    /// The driver cannot enforce an entry.
    #[error("{0}")]
    NotCapable(String),
}

impl Error {
    /// A kernel error of an operation.
    pub(crate) fn kernel(operation: &'static str, errno: rustix::io::Errno) -> Self {
        Self::Kernel { operation, source: errno.into() }
    }

    /// The error number, when the kernel gave one.
    #[must_use]
    pub fn errno(&self) -> Option<i32> {
        match self {
            Self::Kernel { source, .. } => source.raw_os_error(),
            _ => None,
        }
    }
}

impl Coded for Error {
    fn problem(&self) -> Problem {
        let code: &'static Code = match self {
            Self::ProgramMissing(_) => &PROGRAM_MISSING,
            Self::ProgramFailed { .. } => &PROGRAM_FAILED,
            Self::ProgramRunaway { .. } => &PROGRAM_RUNAWAY,
            Self::Kernel { .. } => &KERNEL_REFUSED,
            Self::Shape { .. } => &KERNEL_SHAPE,
            Self::TooMany { .. } => &TOO_MANY,
            Self::File { .. } => &FILE_FAILED,
            Self::Namespace(_) => &NO_NAMESPACE,
            Self::NotCapable(_) => &NOT_CAPABLE,
        };
        match self {
            // Paths of the machine stay in its own log (`Display`), not in what is sent or shown.
            Self::File { what, source, .. } => Problem::new(code, format!("{what}: {}", source.kind())),
            Self::ProgramFailed { program, status, message } => {
                Problem::new(code, format!("{program}, {status}: {}", excerpt(message)))
            }
            other => Problem::new(code, other.to_string()),
        }
    }
}
