//! The attack event: what a sensor says happened, in one shape for our own sensors and for every importer.
//!
//! Twelve kinds, as the catalogue of the sensor room names them. Identity fields (time, session, addresses) stand
//! outside the kind, so that nothing an attacker types can override them.

use base::code::excerpt;
use base::{Problem, Timestamp};
use serde::{Deserialize, Serialize};
use std::net::IpAddr;

use crate::code;
use crate::text::cut;

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

/// Most bytes of the sensor's name of a session.
pub const SESSION_BYTES: usize = 128;
/// Most bytes of a protocol's name.
pub const PROTOCOL_BYTES: usize = 32;
/// Most bytes of short texts: version lines, verbs, names.
pub const SHORT_BYTES: u64 = 256;
/// Most bytes of a URL, a path or a statement.
pub const TARGET_BYTES: u64 = 2_048;

/// Nothing on this wire is older than 2000 or newer than 2100: such a clock says nothing.
const ERA: std::ops::Range<i64> = 946_684_800_000_000..4_102_444_800_000_000;

impl AttackEvent {
    /// The event within its limits: free text an attacker typed is cut, identity that is out of bounds is refused.
    ///
    /// Control characters stay: they are evidence; whoever shows them escapes them. Checking twice changes nothing.
    ///
    /// # Errors
    /// `LF-ING-0007` to `LF-ING-0009` with the field's name.
    pub fn check(mut self) -> Result<Self, Problem> {
        if !ERA.contains(&self.at.as_micros()) {
            return Err(Problem::new(&code::BAD_TIME, self.at.rfc3339()).at("at"));
        }
        if self.session.is_empty() || self.session.len() > SESSION_BYTES || self.session.contains(char::is_control) {
            return Err(bad("session", &self.session));
        }
        let word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_' | '.' | '/');
        if self.protocol.is_empty() || self.protocol.len() > PROTOCOL_BYTES || !self.protocol.chars().all(word) {
            return Err(bad("protocol", &self.protocol));
        }
        self.src_ip = self.src_ip.to_canonical();
        self.dst_ip = self.dst_ip.map(|ip| ip.to_canonical());
        self.what = self.what.check()?;
        Ok(self)
    }
}

impl What {
    fn check(self) -> Result<Self, Problem> {
        let credential = base::limits::TRAP_CREDENTIAL.most;
        Ok(match self {
            Self::Fingerprint { version, hassh } => Self::Fingerprint {
                version: cut(version, SHORT_BYTES),
                hassh: match hassh {
                    Some(text) if !is_hex(&text, 32) => return Err(bad("hassh", &text)),
                    other => other,
                },
            },
            Self::Auth { user, password, method, key, success } => Self::Auth {
                user: cut(user, credential),
                password: cut(password, credential),
                method,
                key: match key {
                    Some(text) if text.len() > 128 => return Err(bad("key", &text)),
                    other => other,
                },
                success,
            },
            Self::Command { line } => Self::Command { line: cut(line, base::limits::TRAP_COMMAND.most) },
            Self::Request { verb, target, agent } => Self::Request {
                verb: cut(verb, SHORT_BYTES),
                target: cut(target, TARGET_BYTES),
                agent: agent.map(|text| cut(text, SHORT_BYTES)),
            },
            Self::FileIn { sha256, name, url, size } => {
                if !is_hex(&sha256, 64) {
                    return Err(bad("sha256", &sha256));
                }
                Self::FileIn {
                    sha256,
                    name: name.map(|text| cut(text, SHORT_BYTES)),
                    url: url.map(|text| cut(text, TARGET_BYTES)),
                    size,
                }
            }
            Self::FileRef { url } => Self::FileRef { url: cut(url, TARGET_BYTES) },
            Self::Forward { host, port } => Self::Forward { host: cut(host, SHORT_BYTES), port },
            Self::IcsControl { function } => Self::IcsControl { function: cut(function, SHORT_BYTES) },
            same @ (Self::ConnOpen | Self::ConnClose { .. } | Self::UdpProbe { .. }) => same,
        })
    }
}

/// Whether the text is lower-case hex of exactly so many digits.
fn is_hex(text: &str, digits: usize) -> bool {
    text.len() == digits && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

fn bad(field: &'static str, value: &str) -> Problem {
    let code = if value.is_empty() { &code::MISSING_FIELD } else { &code::BAD_FIELD };
    Problem::new(code, excerpt(value)).at(field)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(what: What) -> AttackEvent {
        AttackEvent {
            at: "2026-11-21T06:05:09Z".parse().unwrap(),
            session: "s1".into(),
            src_ip: "203.0.113.7".parse().unwrap(),
            src_port: 40_000,
            dst_ip: None,
            dst_port: 22,
            protocol: "ssh".into(),
            transport: Transport::Tcp,
            what,
        }
    }

    fn every_kind() -> Vec<What> {
        vec![
            What::ConnOpen,
            What::ConnClose { duration_ms: 5 },
            What::Fingerprint { version: "SSH-2.0-x".into(), hassh: Some("0".repeat(32)) },
            What::Auth {
                user: "root".into(),
                password: "\u{0}\"".into(),
                method: AuthMethod::Password,
                key: None,
                success: true,
            },
            What::Command { line: "uname -a".into() },
            What::Request { verb: "GET".into(), target: "/".into(), agent: None },
            What::FileIn { sha256: "a".repeat(64), name: None, url: None, size: Some(3) },
            What::FileRef { url: "http://198.51.100.9/x".into() },
            What::Forward { host: "mail.example".into(), port: 25 },
            What::IcsControl { function: "write".into() },
            What::UdpProbe { size: 8 },
        ]
    }

    #[test]
    fn every_kind_round_trips_flat() {
        for what in every_kind() {
            let event = sample(what);
            let text = serde_json::to_string(&event).unwrap();
            let value: serde_json::Value = serde_json::from_str(&text).unwrap();
            assert_eq!(value["kind"], event.what.kind());
            assert_eq!(value["session"], "s1");
            assert_eq!(serde_json::from_str::<AttackEvent>(&text).unwrap(), event);
            assert_eq!(event.clone().check().unwrap(), event);
        }
    }

    #[test]
    fn free_text_is_cut_and_identity_refused() {
        let long = sample(What::Command { line: "x".repeat(10_000) }).check().unwrap();
        assert_eq!(long.what, What::Command { line: "x".repeat(4_096) });
        let refused = |change: &dyn Fn(&mut AttackEvent)| {
            let mut event = sample(What::ConnOpen);
            change(&mut event);
            event.check().unwrap_err()
        };
        assert_eq!(refused(&|e| e.session.clear()).code.id, "LF-ING-0007");
        assert_eq!(refused(&|e| e.session = "x".repeat(129)).code.id, "LF-ING-0008");
        assert_eq!(refused(&|e| e.protocol = "SSH".into()).code.id, "LF-ING-0008");
        assert_eq!(refused(&|e| e.at = Timestamp::EPOCH).code.id, "LF-ING-0009");
        let upper = What::FileIn { sha256: "A".repeat(64), name: None, url: None, size: None };
        assert_eq!(refused(&|e| e.what = upper.clone()).place.as_deref(), Some("sha256"));
    }
}
