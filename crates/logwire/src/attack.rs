//! The attack event: what a sensor says happened, in one shape for our own sensors and for every importer.
//!
//! Twelve kinds, as the catalogue of the sensor room names them. Identity fields (time, session, addresses) stand
//! outside the kind, so that nothing an attacker types can override them.

use base::Timestamp;
use serde::{Deserialize, Serialize};
use std::net::IpAddr;

/// The transport under the protocol; a UDP source can be forged and never becomes an indicator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Transport {
    /// The peer completed a handshake.
    Tcp,
    /// The source address may be forged.
    Udp,
}

/// How an attacker tried to authenticate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AuthMethod {
    /// User name and password.
    Password,
    /// A public key.
    Publickey,
    /// Keyboard-interactive.
    Interactive,
    /// The method `none`.
    None,
}

/// One event of one session on one sensor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttackEvent {
    /// When, by the sensor's clock.
    pub at: Timestamp,
    /// The sensor's own name of the session, unique per sensor, at most 128 bytes.
    pub session: String,
    /// The attacker's address as the sensor saw it.
    pub src_ip: IpAddr,
    /// The attacker's port.
    pub src_port: u16,
    /// The sensor's address, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dst_ip: Option<IpAddr>,
    /// The port the attacker connected to, before any redirection.
    pub dst_port: u16,
    /// The protocol spoken: `ssh`, `telnet`, `http`, `ftp`, ...; lower case, at most 32 bytes.
    pub protocol: String,
    /// The transport.
    pub transport: Transport,
    /// What happened.
    #[serde(flatten)]
    pub what: What,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind")]
pub enum What {
    /// A connection was accepted.
    #[serde(rename = "conn.open")]
    ConnOpen,
    /// A connection ended.
    #[serde(rename = "conn.close")]
    ConnClose {
        /// How long it lasted, milliseconds.
        duration_ms: u64,
    },
    /// The client showed what it is.
    #[serde(rename = "proto.fingerprint")]
    Fingerprint {
        /// The version line, for example `SSH-2.0-libssh2_1.4.3`.
        version: String,
        /// HASSH: MD5 of the client's algorithm lists (hex), where SSH.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        hassh: Option<String>,
    },
    /// A credential was tried.
    #[serde(rename = "auth.attempt")]
    Auth {
        /// User name, at most 256 bytes.
        user: String,
        /// Password, at most 256 bytes; empty where the method has none.
        password: String,
        /// The method.
        method: AuthMethod,
        /// SHA-256 fingerprint of the offered public key (`SHA256:...`), where the method is public key.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        key: Option<String>,
        /// Whether the trap let the attacker in.
        success: bool,
    },
    /// A line was typed or executed.
    #[serde(rename = "cmd.input")]
    Command {
        /// The line, at most 4,096 bytes.
        line: String,
    },
    /// A request of a request-answer protocol (HTTP, SQL, Redis).
    #[serde(rename = "req")]
    Request {
        /// The verb: `GET`, `CONFIG SET`.
        verb: String,
        /// The target: path, statement.
        target: String,
        /// The client's own name (user agent), where there is one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        agent: Option<String>,
    },
    /// A file arrived (upload or, on foreign sensors, a download).
    #[serde(rename = "file.in")]
    FileIn {
        /// SHA-256 of the content, lower-case hex.
        sha256: String,
        /// The name the attacker gave, where known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        name: Option<String>,
        /// Where it came from, where known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        url: Option<String>,
        /// Size in bytes, where known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        size: Option<u64>,
    },
    /// The attacker wanted a file from somewhere; it was not fetched.
    #[serde(rename = "file.ref")]
    FileRef {
        /// The URL.
        url: String,
    },
    /// The attacker wanted a connection to somewhere else (proxy abuse); it was not made.
    #[serde(rename = "forward.request")]
    Forward {
        /// Wanted host.
        host: String,
        /// Wanted port.
        port: u16,
    },
    /// A control function of an industrial protocol.
    #[serde(rename = "ics.control")]
    IcsControl {
        /// The function, for example `modbus write single register`.
        function: String,
    },
    /// A datagram.
    #[serde(rename = "udp.probe")]
    UdpProbe {
        /// Size in bytes.
        size: u64,
    },
}

impl What {
    /// The kind's stable name, as on the wire.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::ConnOpen => "conn.open",
            Self::ConnClose { .. } => "conn.close",
            Self::Fingerprint { .. } => "proto.fingerprint",
            Self::Auth { .. } => "auth.attempt",
            Self::Command { .. } => "cmd.input",
            Self::Request { .. } => "req",
            Self::FileIn { .. } => "file.in",
            Self::FileRef { .. } => "file.ref",
            Self::Forward { .. } => "forward.request",
            Self::IcsControl { .. } => "ics.control",
            Self::UdpProbe { .. } => "udp.probe",
        }
    }
}
