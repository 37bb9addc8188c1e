//! Cowrie's JSON log, releases of 2018 to 3.x.
//!
//! Fields drifted over the years (texts became numbers, lists became texts, version lines were Python byte strings), so every
//! field but the id is read loosely. An event id that says nothing we keep is accepted and gives no event, as is an id newer
//! than this list: a log of tomorrow's Cowrie is still a Cowrie log.

use base::Problem;
use base::code::excerpt;
use serde::Deserialize;
use std::borrow::Cow;
use std::net::IpAddr;

use crate::attack::{AttackEvent, AuthMethod, SESSION_BYTES, SHORT_BYTES, TARGET_BYTES, Transport, What};
use crate::text::{Loose, Names, cut, loose_time, seconds_to_millis, unquote};
use crate::{Parsed, code, hassh, native};

/// The ids that become attack events. One list: the tests check that each has a sample and each sample an event.
pub const MAPPED: &[&str] = &[
    "cowrie.session.connect",
    "cowrie.session.closed",
    "cowrie.client.version",
    "cowrie.client.kex",
    "cowrie.client.fingerprint",
    "cowrie.login.success",
    "cowrie.login.failed",
    "cowrie.command.input",
    "cowrie.session.input",
    "cowrie.session.file_download",
    "cowrie.session.file_download.failed",
    "cowrie.session.file_upload",
    "cowrie.direct-tcpip.request",
    "cowrie.telnet.exploit_attempt",
];

#[derive(Deserialize)]
struct Line<'a> {
    #[serde(borrow)]
    eventid: Cow<'a, str>,
    #[serde(default)]
    timestamp: Loose,
    #[serde(default)]
    session: Loose,
    #[serde(default)]
    sensor: Loose,
    #[serde(default)]
    src_ip: Loose,
    #[serde(default)]
    src_port: Loose,
    #[serde(default)]
    dst_ip: Loose,
    #[serde(default)]
    dst_port: Loose,
    #[serde(default)]
    protocol: Loose,
    #[serde(default)]
    system: Loose,
    #[serde(default)]
    version: Loose,
    #[serde(default)]
    hassh: Loose,
    #[serde(default, rename = "hasshAlgorithms")]
    hassh_algorithms: Loose,
    #[serde(default, rename = "kexAlgs")]
    kex: Names,
    #[serde(default, rename = "encCS")]
    encryption: Names,
    #[serde(default, rename = "macCS")]
    mac: Names,
    #[serde(default, rename = "compCS")]
    compression: Names,
    #[serde(default)]
    username: Loose,
    #[serde(default)]
    password: Loose,
    #[serde(default)]
    fingerprint: Loose,
    #[serde(default)]
    input: Loose,
    #[serde(default)]
    url: Loose,
    #[serde(default)]
    shasum: Loose,
    #[serde(default)]
    filename: Loose,
    #[serde(default)]
    destfile: Loose,
    #[serde(default)]
    size: Loose,
    #[serde(default)]
    duration: Loose,
    #[serde(default)]
    duration_ms: Loose,
    #[serde(default)]
    message: Loose,
}

/// Reads one line.
///
/// # Errors
/// `LF-ING-0005` to `LF-ING-0009`.
pub fn parse(line: &str) -> Result<Parsed, Problem> {
    let mut line: Line<'_> = serde_json::from_str(line).map_err(|error| native::refused(&error))?;
    if !line.eventid.starts_with("cowrie.") {
        return Err(Problem::new(&code::NOT_THIS_FORMAT, excerpt(&line.eventid)).at("eventid"));
    }
    let sensor = line.sensor.0.take().filter(|name| !name.is_empty()).map(|name| cut(name, SESSION_BYTES as u64));
    let Some(what) = what(&mut line)? else {
        return Ok(Parsed { sensor, event: None });
    };
    let time = line.timestamp.0.as_deref().unwrap_or_default();
    let at = loose_time(time).ok_or_else(|| Problem::new(&code::BAD_TIME, excerpt(time)).at("timestamp"))?;
    // In a request to forward, src_* and dst_* of some releases are those of the wanted connection, not of the session.
    let forward = matches!(what, What::Forward { .. });
    let event = AttackEvent {
        at,
        protocol: protocol(&line),
        session: line.session.0.take().unwrap_or_default(),
        src_ip: address(&line.src_ip, "src_ip")?
            .ok_or_else(|| Problem::new(&code::MISSING_FIELD, line.eventid.as_ref()).at("src_ip"))?,
        src_port: if forward { 0 } else { port(&line.src_port) },
        // The sensor's own address is a hint; a host name there is no reason to lose the event.
        dst_ip: if forward { None } else { address(&line.dst_ip, "dst_ip").unwrap_or(None) },
        dst_port: if forward { 0 } else { port(&line.dst_port) },
        transport: Transport::Tcp,
        what,
    };
    Ok(Parsed { sensor, event: Some(event.check()?) })
}

fn what(line: &mut Line<'_>) -> Result<Option<What>, Problem> {
    Ok(Some(match line.eventid.as_ref() {
        "cowrie.session.connect" => What::ConnOpen,
        "cowrie.session.closed" => What::ConnClose { duration_ms: duration(line) },
        "cowrie.client.version" | "cowrie.client.kex" => {
            let version = line.version.0.take().unwrap_or_default();
            What::Fingerprint { version: unquote(&version).to_owned(), hassh: fingerprint(line) }
        }
        "cowrie.login.success" | "cowrie.login.failed" => What::Auth {
            user: line.username.0.take().unwrap_or_default(),
            password: line.password.0.take().unwrap_or_default(),
            method: AuthMethod::Password,
            key: None,
            success: line.eventid == "cowrie.login.success",
        },
        "cowrie.client.fingerprint" => What::Auth {
            user: line.username.0.take().unwrap_or_default(),
            password: String::new(),
            method: AuthMethod::Publickey,
            key: line.fingerprint.0.take().map(|text| cut(text, 128)),
            success: false,
        },
        "cowrie.command.input" | "cowrie.session.input" => {
            What::Command { line: line.input.0.take().ok_or_else(|| missing(line, "input"))? }
        }
        "cowrie.session.file_download" | "cowrie.session.file_upload" | "cowrie.session.file_download.failed" => {
            return Ok(file(line));
        }
        "cowrie.direct-tcpip.request" => What::Forward {
            host: line.dst_ip.0.take().ok_or_else(|| missing(line, "dst_ip"))?,
            port: port(&line.dst_port),
        },
        // The payload is only in the message; the verb carries the id so that the classifier knows an exploit was seen.
        "cowrie.telnet.exploit_attempt" => What::Request {
            verb: "TELNET-EXPLOIT".to_owned(),
            target: cut(line.message.0.take().unwrap_or_default(), TARGET_BYTES),
            agent: None,
        },
        _ => return Ok(None),
    }))
}

/// Releases from 3.1 on log milliseconds, earlier ones seconds.
fn duration(line: &Line<'_>) -> u64 {
    // Ten years: longer is a broken clock, not a session.
    let millis =
        line.duration_ms.0.as_deref().and_then(|text| text.trim().parse().ok()).filter(|n| *n <= 315_360_000_000);
    millis.or_else(|| line.duration.0.as_deref().and_then(seconds_to_millis)).unwrap_or(0)
}

/// A file with its digest, a URL that was wanted, or neither (a redirect without a name): then nothing.
fn file(line: &mut Line<'_>) -> Option<What> {
    // An upload by SCP or SFTP names the path on the trap as its URL: nothing that anybody could fetch or block.
    let url = line.url.0.take().filter(|url| url.contains("://"));
    let name = line.filename.0.take().or_else(|| line.destfile.0.take()).filter(|name| !name.is_empty());
    let digest = line.shasum.0.take().map(|sum| sum.to_ascii_lowercase()).filter(|sum| !sum.is_empty());
    match (digest, url) {
        (Some(sha256), url) => Some(What::FileIn {
            sha256,
            name: name.map(|name| cut(name, SHORT_BYTES)),
            url,
            size: line.size.0.as_deref().and_then(|size| size.parse().ok()),
        }),
        (None, Some(url)) => Some(What::FileRef { url }),
        (None, None) => None,
    }
}

/// The log's own HASSH, or ours over the lists that older releases logged.
fn fingerprint(line: &Line<'_>) -> Option<String> {
    let logged = line.hassh.0.as_deref().map(str::to_ascii_lowercase).filter(|text| text.len() == 32);
    let algorithms = || line.hassh_algorithms.0.as_deref().filter(|text| !text.is_empty()).map(hassh::of_algorithms);
    let lists = || match (&line.kex.0, &line.encryption.0, &line.mac.0, &line.compression.0) {
        (Some(kex), Some(encryption), Some(mac), Some(compression)) => {
            Some(hassh::hassh(kex, encryption, mac, compression))
        }
        _ => None,
    };
    logged.or_else(algorithms).or_else(lists)
}

/// Releases before 1.6 named the protocol only in the connect event; the others show it in the name of the transport.
fn protocol(line: &Line<'_>) -> String {
    if let Some(word) = line.protocol.0.as_deref().filter(|word| !word.is_empty()) {
        return word.to_ascii_lowercase();
    }
    let system = line.system.0.as_deref().unwrap_or_default();
    if system.contains("Telnet") || line.eventid.starts_with("cowrie.telnet.") {
        "telnet"
    } else if system.contains("SSH")
        || line.eventid.starts_with("cowrie.client.")
        || line.eventid.starts_with("cowrie.direct-tcpip.")
    {
        "ssh"
    } else {
        UNKNOWN
    }
    .to_owned()
}

/// The protocol of an event whose line does not name it; another event of the session does.
pub const UNKNOWN: &str = "unknown";

fn port(text: &Loose) -> u16 {
    text.0.as_deref().and_then(|text| text.parse().ok()).unwrap_or(0)
}

fn address(text: &Loose, field: &'static str) -> Result<Option<IpAddr>, Problem> {
    match text.0.as_deref() {
        None | Some("") => Ok(None),
        Some(text) => text.parse().map(Some).map_err(|_| Problem::new(&code::BAD_FIELD, excerpt(text)).at(field)),
    }
}

fn missing(line: &Line<'_>, field: &'static str) -> Problem {
    Problem::new(&code::MISSING_FIELD, line.eventid.as_ref()).at(field)
}
