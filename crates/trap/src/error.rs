//! What can go wrong on a sensor, for people.

use base::{Code, Coded, Problem};
use link::LinkError;

base::codes! {
    /// The node's folder has no identity.
    pub NO_IDENTITY = "LF-TRP-0001", 500,
        en "The sensor has no identity.", zh "此誘捕感測器尚未完成註冊。",
        act_en "Enrol it with a one-time code from the centre first.", act_zh "請先以中心發出的一次性註冊碼完成註冊。";
    /// The process runs as root.
    pub IS_ROOT = "LF-TRP-0002", 500,
        en "The sensor refuses to run as root.", zh "誘捕感測器拒絕以 root 身分執行。",
        act_en "Run it as its own user and redirect ports 22 and 23; allow_root is for demonstrations.",
        act_zh "請以專用帳號執行並以轉址對應 22 與 23 埠；allow_root 僅供展示使用。";
    /// A listener could not be opened.
    pub NO_LISTEN = "LF-TRP-0003", 500,
        en "A listener could not be opened.", zh "無法開啟監聽埠。",
        act_en "Check that the address exists and the port is free.", act_zh "請確認位址存在且連接埠未被占用。";
    /// A file of the node's folder could not be read or written.
    pub BAD_FOLDER = "LF-TRP-0004", 500,
        en "A file of the sensor's folder cannot be used.", zh "感測器資料夾中的檔案無法使用。",
        act_en "Check owner, mode and free space of the folder.", act_zh "請檢查資料夾的擁有者、權限與可用空間。";
    /// The centre could not be reached.
    pub NO_CENTRE = "LF-TRP-0005", 502,
        en "The centre cannot be reached.", zh "無法連線至中心。",
        act_en "Check the address, the network and the pinned certificate.", act_zh "請檢查網址、網路與釘選的憑證。";
    /// The centre refused the enrolment.
    pub ENROL_REFUSED = "LF-TRP-0006", 403,
        en "The centre refused the enrolment.", zh "中心拒絕此次註冊。",
        act_en "Ask for a new one-time code; a code works once and for a short time.",
        act_zh "請索取新的一次性註冊碼；每組註冊碼僅能在短時間內使用一次。";
    /// The trust anchor is neither a certificate nor a pin.
    pub BAD_TRUST = "LF-TRP-0007", 400,
        en "The trust anchor is neither a PEM certificate nor a SHA-256 pin.",
        zh "信任錨點既不是 PEM 憑證，也不是 SHA-256 指紋。",
        act_en "Give the centre's CA file or the 64 hexadecimal digits shown with the code.",
        act_zh "請提供中心的 CA 檔案，或與註冊碼一同顯示的 64 位十六進位指紋。";
    /// Key material could not be made or read.
    pub BAD_KEY = "LF-TRP-0008", 500,
        en "A key or certificate of the sensor cannot be used.", zh "感測器的金鑰或憑證無法使用。",
        act_en "Enrol the sensor again.", act_zh "請重新註冊此感測器。";
    /// A setting is out of range.
    pub BAD_SETTING = "LF-TRP-0009", 400,
        en "A setting of the sensor is out of range.", zh "感測器的設定值超出範圍。",
        act_en "Correct the setting named here.", act_zh "請修正此處指出的設定。";
    /// Events cannot be made durable any more.
    pub SPOOL_FAILED = "LF-TRP-0010", 500,
        en "Events cannot be made durable on this sensor any more; it stopped.", zh "此感測器已無法將事件落盤，因此停止運作。",
        act_en "Check the disk, then start the sensor again; what was on disk is sent.",
        act_zh "請檢查磁碟後重新啟動感測器；已落盤的事件會繼續傳送。";
    /// A part of the sensor ended by a fault.
    pub PART_ENDED = "LF-TRP-0011", 500,
        en "A part of the sensor ended by a fault; the sensor stopped.", zh "感測器的一個元件因故障結束，感測器已停止運作。",
        act_en "Start the sensor again and report the fault with its log.", act_zh "請重新啟動感測器，並附上紀錄回報此故障。";
    /// Others have filled the disk.
    pub DISK_FULL = "LF-TRP-0012", 507,
        en "The disk of this sensor is full: new events are dropped and counted.", zh "此感測器的磁碟已滿：新事件不予保存，僅計入遺失數。",
        act_en "Make room on the disk (64 MiB stay free for others); what is kept is sent all the same, and events are kept again as soon as there is room.",
        act_zh "請清出磁碟空間（系統另保留 64 MiB 供其他程式使用）；已保存的事件仍會送出，一有空間即恢復保存新事件。";
}

/// An error of the sensor.
#[derive(Debug, thiserror::Error)]
pub enum TrapError {
    /// The node's folder has no identity.
    #[error("no identity in the sensor's folder: {0} is missing")]
    NoIdentity(&'static str),
    /// The process runs as root without `allow_root`.
    #[error("running as root")]
    Root,
    /// A listener could not be opened.
    #[error("cannot listen on {address}")]
    Listen {
        /// The wanted address.
        address: std::net::SocketAddr,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A file of the node's folder.
    #[error("cannot use {file}")]
    Folder {
        /// The file's name, without its folder.
        file: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The centre could not be reached.
    #[error("cannot reach the centre: {0}")]
    Centre(String),
    /// The centre refused the enrolment.
    #[error("the centre refused the enrolment: {0}")]
    Refused(String),
    /// The trust anchor is neither a certificate nor a pin.
    #[error("bad trust anchor")]
    Trust,
    /// Key material.
    #[error("cannot use key material: {0}")]
    Key(String),
    /// A setting is out of range.
    #[error("bad setting {0}")]
    Setting(&'static str),
    /// The spool's journal is poisoned.
    #[error("the spool cannot make events durable: {0}")]
    Spool(String),
    /// Others have filled the disk.
    #[error("the disk is full")]
    DiskFull,
    /// A task that runs as long as the sensor ended before it.
    #[error("the sensor's {0} ended")]
    Ended(&'static str),
}

impl TrapError {
    /// An error about one file of the node's folder.
    #[must_use]
    pub fn folder(file: impl Into<String>, source: std::io::Error) -> Self {
        Self::Folder { file: file.into(), source }
    }
}

impl From<LinkError> for TrapError {
    fn from(error: LinkError) -> Self {
        match error {
            LinkError::NoIdentity(name) => Self::NoIdentity(name),
            LinkError::File { path, source } => {
                Self::folder(path.file_name().map_or_else(|| "folder".into(), |name| name.to_string_lossy()), source)
            }
            LinkError::Refused { status, detail } => Self::Refused(format!("HTTP {status}: {detail}")),
            LinkError::Centre(why) | LinkError::Ended(why) => Self::Centre(why),
            LinkError::Trust => Self::Trust,
            LinkError::Key(why) | LinkError::Foreign(why) => Self::Key(why),
        }
    }
}

impl Coded for TrapError {
    fn problem(&self) -> Problem {
        let code: &'static Code = match self {
            Self::NoIdentity(_) => &NO_IDENTITY,
            Self::Root => &IS_ROOT,
            Self::Listen { .. } => &NO_LISTEN,
            Self::Folder { .. } => &BAD_FOLDER,
            Self::Centre(_) => &NO_CENTRE,
            Self::Refused(_) => &ENROL_REFUSED,
            Self::Trust => &BAD_TRUST,
            Self::Key(_) => &BAD_KEY,
            Self::Setting(_) => &BAD_SETTING,
            Self::Spool(_) => &SPOOL_FAILED,
            Self::DiskFull => &DISK_FULL,
            Self::Ended(_) => &PART_ENDED,
        };
        let mut detail = self.to_string();
        if let Some(cause) = std::error::Error::source(self) {
            detail = format!("{detail}: {cause}");
        }
        Problem::new(code, detail)
    }
}
