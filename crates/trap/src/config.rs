//! The sensor's settings: one typed tree, unknown keys refused, every field with a default.

use serde::{Deserialize, Serialize};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::PathBuf;

use crate::TrapError;

/// What a listener speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ListenerKind {
    /// SSH with a medium-interaction shell.
    Ssh,
    /// Telnet with a BusyBox shell.
    Telnet,
}

impl ListenerKind {
    /// The protocol's name in events.
    #[must_use]
    pub const fn protocol(self) -> &'static str {
        match self {
            Self::Ssh => "ssh",
            Self::Telnet => "telnet",
        }
    }

    /// The protocol's well-known port.
    #[must_use]
    pub const fn well_known_port(self) -> u16 {
        match self {
            Self::Ssh => 22,
            Self::Telnet => 23,
        }
    }
}

/// One listener to open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListenConfig {
    /// What it speaks.
    pub kind: ListenerKind,
    /// Where it listens.
    pub address: SocketAddr,
    /// The port attackers connect to when a redirection stands before the listener; events name this port.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub advertised_port: Option<u16>,
}

/// An account that a trap lets in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Account {
    /// User name.
    pub user: String,
    /// Password: bait, no secret.
    pub password: String,
}

/// A listener that someone else has bound, for example inside a network namespace.
#[derive(Debug)]
pub struct Bound {
    /// What it speaks.
    pub kind: ListenerKind,
    /// The bound socket.
    pub listener: TcpListener,
    /// The port attackers connect to, where it differs.
    pub advertised_port: Option<u16>,
    /// Whether the sensor can reach the socket for its self-probe; not across network namespaces.
    pub self_probe: bool,
}

impl From<(ListenerKind, TcpListener)> for Bound {
    fn from((kind, listener): (ListenerKind, TcpListener)) -> Self {
        Self { kind, listener, advertised_port: None, self_probe: false }
    }
}

/// Limits of the disk spool.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SpoolConfig {
    /// The most the spool takes on disk; the oldest events go first and are counted.
    pub max_bytes: u64,
    /// The longest time between an event and its fsync, milliseconds.
    pub fsync_ms: u64,
    /// The most events between two fsyncs.
    pub fsync_events: u32,
}

impl Default for SpoolConfig {
    fn default() -> Self {
        Self { max_bytes: 2 << 30, fsync_ms: 200, fsync_events: 1_000 }
    }
}

/// The settings of one sensor.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NodeConfig {
    /// The node's folder: identity, host keys, seed, spool.
    pub dir: PathBuf,
    /// The listeners to open.
    pub listen: Vec<ListenConfig>,
    /// The persona's seed; without it a random one is made once and kept in the folder.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub persona_seed: Option<String>,
    /// Accounts to let in; without any, the persona's own weak accounts.
    pub accounts: Vec<Account>,
    /// How long a failed login takes, milliseconds; a real server takes one to two seconds.
    pub auth_delay_ms: u64,
    /// Open sessions per listener; at most [`base::limits::TRAP_SESSIONS`].
    pub max_sessions: usize,
    /// Open sessions per address; at most [`base::limits::TRAP_PER_ADDRESS`].
    pub max_per_address: usize,
    /// A session's life, seconds; at most [`base::limits::TRAP_SESSION_SECONDS`].
    pub session_seconds: u64,
    /// Silence after which a session is closed, seconds.
    pub idle_seconds: u64,
    /// The disk spool.
    pub spool: SpoolConfig,
    /// Seconds between two heartbeats.
    pub heartbeat_seconds: u64,
    /// Run although the process is root. The service runs as its own user; only a demonstration that has already
    /// entered a namespace needs this.
    pub allow_root: bool,
    /// How often the certificate is looked after.
    #[serde(skip)]
    pub looks: link::Looks,
    /// Listeners that someone else has bound.
    #[serde(skip)]
    pub bound: Vec<Bound>,
}

impl Default for NodeConfig {
    fn default() -> Self {
        let local = |kind, port| ListenConfig {
            kind,
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, port)),
            advertised_port: None,
        };
        Self {
            dir: PathBuf::from("/var/lib/lianfang-sensor"),
            listen: vec![local(ListenerKind::Ssh, 2222), local(ListenerKind::Telnet, 2223)],
            persona_seed: None,
            accounts: Vec::new(),
            auth_delay_ms: 1_200,
            max_sessions: limit(base::limits::TRAP_SESSIONS),
            max_per_address: limit(base::limits::TRAP_PER_ADDRESS),
            session_seconds: base::limits::TRAP_SESSION_SECONDS.most,
            idle_seconds: 180,
            spool: SpoolConfig::default(),
            heartbeat_seconds: 30,
            allow_root: false,
            looks: link::Looks::default(),
            bound: Vec::new(),
        }
    }
}

impl NodeConfig {
    /// Checks what serde cannot: ranges.
    ///
    /// # Errors
    /// `LF-TRP-0009` naming the first setting out of range.
    pub fn check(&self) -> Result<(), TrapError> {
        let within = |ok: bool, name: &'static str| if ok { Ok(()) } else { Err(TrapError::Setting(name)) };
        within((1..=limit(base::limits::TRAP_SESSIONS)).contains(&self.max_sessions), "max_sessions")?;
        within((1..=self.max_sessions).contains(&self.max_per_address), "max_per_address")?;
        within((1..=base::limits::TRAP_SESSION_SECONDS.most).contains(&self.session_seconds), "session_seconds")?;
        within((1..=self.session_seconds).contains(&self.idle_seconds), "idle_seconds")?;
        within(self.auth_delay_ms <= 10_000, "auth_delay_ms")?;
        within(self.spool.max_bytes >= 1 << 20, "spool.max_bytes")?;
        within((1..=1_000).contains(&self.spool.fsync_ms), "spool.fsync_ms")?;
        within((1..=1_000).contains(&self.spool.fsync_events), "spool.fsync_events")?;
        within((1..=300).contains(&self.heartbeat_seconds), "heartbeat_seconds")?;
        within(!self.listen.is_empty() || !self.bound.is_empty(), "listen")
    }

    /// SHA-256 of the settings as canonical JSON: the centre sees when a sensor runs with other settings.
    #[must_use]
    pub fn hash(&self) -> String {
        use sha2::Digest as _;
        let text = serde_json::to_vec(self).unwrap_or_default();
        hex::encode(sha2::Sha256::digest(text))
    }
}

fn limit(limit: base::limits::Limit) -> usize {
    usize::try_from(limit.most).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_keys_are_refused_and_defaults_are_valid() {
        assert!(toml::from_str::<NodeConfig>("lisen = []").is_err());
        let config: NodeConfig = toml::from_str(
            "allow_root = true\n[[listen]]\nkind = \"ssh\"\naddress = \"0.0.0.0:2222\"\nadvertised_port = 22\n",
        )
        .unwrap();
        assert_eq!(config.listen[0].advertised_port, Some(22));
        config.check().unwrap();
        NodeConfig::default().check().unwrap();
        assert_ne!(config.hash(), NodeConfig::default().hash());
    }

    #[test]
    fn ranges_are_checked() {
        let config = NodeConfig { max_sessions: 100_000, ..NodeConfig::default() };
        assert!(matches!(config.check(), Err(TrapError::Setting("max_sessions"))));
    }
}
