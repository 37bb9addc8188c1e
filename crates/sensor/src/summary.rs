//! The summary of a session: a fold over its events that does not depend on their order.

use base::{OrgId, Timestamp};
use logwire::attack::{AttackEvent, Transport, What};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::exploit;
use crate::shell;
use crate::sketch::{Distinct, Earliest, FirstOf, hash64};

/// Most bytes of a command that the summary keeps; the events keep all of it.
const LINE_BYTES: usize = 512;
/// Most bytes of a URL.
const URL_BYTES: usize = 512;
/// Most bytes of a short text.
const SHORT_BYTES: usize = 128;

/// What is known about a session.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Summary {
    /// First event.
    pub first_at: Timestamp,
    /// Last event.
    pub last_at: Timestamp,
    /// The last end of the connection.
    pub closed_at: Option<Timestamp>,
    /// The protocol; the first name by alphabet where events disagree.
    pub protocol: Option<String>,
    /// Whether any event came by UDP: the source may be forged.
    pub udp: bool,
    /// Whether the client sent at least one byte of its own.
    pub spoke: bool,
    /// Attacker's port.
    pub src_port: u16,
    /// The port connected to.
    pub dst_port: u16,
    /// Events.
    pub events: u64,
    /// Credentials tried.
    pub attempts: u64,
    /// Credentials the trap accepted.
    pub logins: u64,
    /// Commands.
    pub commands: u64,
    /// Requests of a request-answer protocol.
    pub requests: u64,
    /// Distinct user names.
    pub users: Distinct,
    /// Distinct passwords.
    pub passwords: Distinct,
    /// Distinct pairs.
    pub pairs: Distinct,
    /// First user names.
    pub first_users: Earliest<16>,
    /// First passwords.
    pub first_passwords: Earliest<16>,
    /// First commands.
    pub lines: Earliest<64>,
    /// First requests.
    pub targets: Earliest<16>,
    /// The client's version line.
    pub client: Earliest<1>,
    /// The client's HASSH.
    pub hassh: Earliest<1>,
    /// URLs wanted.
    pub urls: FirstOf<16>,
    /// SHA-256 of files.
    pub hashes: FirstOf<16>,
    /// Fingerprints of SSH keys planted or offered.
    pub keys: FirstOf<8>,
    /// Wanted forwards, `host:port`.
    pub forwards: FirstOf<16>,
    /// Names of exploits seen.
    pub exploits: FirstOf<8>,
    /// Industrial control functions.
    pub controls: FirstOf<8>,
    /// Names of the attacked organisation that were used.
    pub named: FirstOf<4>,
}

impl Summary {
    /// Takes an event. `at` is the time to count it at: the sensor's, but never later than the centre's when it arrived.
    pub fn apply(&mut self, event: &AttackEvent, at: Timestamp) {
        self.first_at = if self.events == 0 { at } else { self.first_at.min(at) };
        self.last_at = if self.events == 0 { at } else { self.last_at.max(at) };
        self.events += 1;
        self.udp |= event.transport == Transport::Udp;
        self.spoke |= !matches!(event.what, What::ConnOpen | What::ConnClose { .. } | What::UdpProbe { .. });
        self.src_port = self.src_port.max(event.src_port);
        self.dst_port = self.dst_port.max(event.dst_port);
        if event.protocol != logwire::cowrie::UNKNOWN
            && self.protocol.as_ref().is_none_or(|known| event.protocol < *known)
        {
            self.protocol = Some(event.protocol.clone());
        }
        self.apply_what(&event.what, at);
    }

    fn apply_what(&mut self, what: &What, at: Timestamp) {
        match what {
            What::ConnOpen | What::UdpProbe { .. } => {}
            What::ConnClose { .. } => self.closed_at = self.closed_at.max(Some(at)),
            What::Fingerprint { version, hassh } => {
                if !version.is_empty() {
                    self.client.add(at, version, SHORT_BYTES);
                }
                if let Some(hassh) = hassh {
                    self.hassh.add(at, hassh, SHORT_BYTES);
                }
            }
            What::Auth { user, password, key, success, .. } => {
                self.credential(user, password, *success, at);
                if let Some(key) = key {
                    self.keys.add(key, SHORT_BYTES);
                }
            }
            What::Command { line } => self.command(line, at),
            What::Request { verb, target, agent } => {
                self.requests += 1;
                self.targets.add(at, &format!("{verb} {target}"), LINE_BYTES);
                if let Some(agent) = agent {
                    self.client.add(at, agent, SHORT_BYTES);
                    self.look(agent);
                }
                if verb == "TELNET-EXPLOIT" {
                    self.exploits.add("telnet-environment", SHORT_BYTES);
                }
                self.look(target);
            }
            What::FileIn { sha256, url, .. } => {
                self.hashes.add(sha256, SHORT_BYTES);
                self.urls.add(url.as_deref().unwrap_or_default(), URL_BYTES);
            }
            What::FileRef { url } => self.urls.add(url, URL_BYTES),
            What::Forward { host, port } => self.forwards.add(&format!("{host}:{port}"), SHORT_BYTES),
            What::IcsControl { function } => self.controls.add(function, SHORT_BYTES),
        }
    }

    /// Looks for the words that name the attacked organisation in what the attacker said.
    pub fn look_for_names(&mut self, words: &[String], event: &AttackEvent) {
        let mut look = |text: &str| {
            if words.iter().any(|word| text.len() >= word.len()) {
                let text = text.to_lowercase();
                words
                    .iter()
                    .filter(|word| text.contains(word.as_str()))
                    .for_each(|word| self.named.add(word, SHORT_BYTES));
            }
        };
        match &event.what {
            What::Auth { user, password, .. } => [user, password].into_iter().for_each(|text| look(text)),
            What::Command { line } => look(line),
            What::Request { target, .. } => look(target),
            _ => {}
        }
    }

    fn credential(&mut self, user: &str, password: &str, success: bool, at: Timestamp) {
        self.attempts += 1;
        self.logins += u64::from(success);
        self.users.add(hash64(&[user]));
        self.first_users.add(at, user, SHORT_BYTES);
        if !password.is_empty() {
            self.passwords.add(hash64(&[password]));
            self.first_passwords.add(at, password, SHORT_BYTES);
            self.pairs.add(hash64(&[user, password]));
        }
        self.look(user);
    }

    fn command(&mut self, line: &str, at: Timestamp) {
        self.commands += 1;
        self.lines.add(at, line, LINE_BYTES);
        for url in shell::wanted_urls(line) {
            self.urls.add(url, URL_BYTES);
        }
        for key in shell::planted_keys(line) {
            self.keys.add(&key, SHORT_BYTES);
        }
        self.look(line);
    }

    fn look(&mut self, text: &str) {
        for name in exploit::find(text) {
            self.exploits.add(name, SHORT_BYTES);
        }
    }

    /// Whether the client sent nothing that says what it wants.
    #[must_use]
    pub fn is_empty_handed(&self) -> bool {
        self.attempts == 0
            && self.commands == 0
            && self.requests == 0
            && self.forwards.is_empty()
            && self.hashes.is_empty()
            && self.urls.is_empty()
            && self.controls.is_empty()
    }

    /// A hash of the list of credentials tried, the same for every session that tried the same ones in any order.
    #[must_use]
    pub fn credential_list(&self) -> Option<[u8; 32]> {
        (!self.pairs.is_empty()).then(|| {
            let mut hasher = Sha256::new();
            for hash in self.pairs.hashes() {
                hasher.update(hash.to_be_bytes());
            }
            hasher.finalize().into()
        })
    }
}

/// The stable id of a session: any batch in any order leads to the same row.
///
/// The address is part of it: two addresses are two sessions, whatever name a broken sensor gives them.
#[must_use]
pub fn session_id(sensor: base::SensorId, event: &AttackEvent) -> base::SessionId {
    let mut hasher = Sha256::new();
    hasher.update(sensor.0.as_bytes());
    hasher.update(crate::net::sort_key(event.src_ip));
    hasher.update(event.session.as_bytes());
    base::SessionId(crate::net::derived_id(hasher))
}

/// The stable id of an importer's sensor: made from what names it, so that two requests at one moment make one row.
#[must_use]
pub fn importer_id(org: OrgId, realm: base::Realm, format: logwire::Format, name: &str) -> base::SensorId {
    let mut hasher = Sha256::new();
    hasher.update(org.0.as_bytes());
    hasher.update(realm.to_string().as_bytes());
    hasher.update([0]);
    hasher.update(format.word().as_bytes());
    hasher.update([0]);
    hasher.update(name.as_bytes());
    base::SensorId(crate::net::derived_id(hasher))
}
