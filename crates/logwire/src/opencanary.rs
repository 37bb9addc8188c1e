//! OpenCanary's JSON log: `logtype` numbers, one line per happening, no session names.

use base::Problem;
use base::code::excerpt;
use serde::Deserialize;
use serde_json::{Map, Value};
use std::net::IpAddr;

use crate::attack::{AttackEvent, AuthMethod, SESSION_BYTES, Transport, What};
use crate::text::{Loose, cut, loose_time, unquote};
use crate::{Parsed, code, native};

#[derive(Deserialize)]
struct Line {
    logtype: i64,
    #[serde(default)]
    logdata: Value,
    #[serde(default)]
    node_id: Loose,
    #[serde(default)]
    src_host: Loose,
    #[serde(default)]
    src_port: Loose,
    #[serde(default)]
    dst_host: Loose,
    #[serde(default)]
    dst_port: Loose,
    #[serde(default)]
    utc_time: Loose,
    #[serde(default)]
    local_time: Loose,
}

/// Reads one line.
///
/// # Errors
/// `LF-ING-0005` to `LF-ING-0009`.
pub fn parse(line: &str) -> Result<Parsed, Problem> {
    let mut line: Line = serde_json::from_str(line).map_err(|error| native::refused(&error))?;
    let sensor = line.node_id.0.take().filter(|name| !name.is_empty()).map(|name| cut(name, SESSION_BYTES as u64));
    let source = line.src_host.0.as_deref().unwrap_or_default();
    // Lines about the canary itself (start, configuration, errors) have no source.
    let Some((protocol, transport, what)) = what(line.logtype, &line.logdata).filter(|_| !source.is_empty()) else {
        return Ok(Parsed { sensor, event: None });
    };
    let src_ip: IpAddr = source.parse().map_err(|_| Problem::new(&code::BAD_FIELD, excerpt(source)).at("src_host"))?;
    let time = line.utc_time.0.as_deref().or(line.local_time.0.as_deref()).unwrap_or_default();
    let at = loose_time(time).ok_or_else(|| Problem::new(&code::BAD_TIME, excerpt(time)).at("utc_time"))?;
    let (src_port, dst_port) = (port(&line.src_port), port(&line.dst_port));
    let event = AttackEvent {
        at,
        // One connection of a client is one session; the hour keeps a port that is used again later apart.
        session: format!("{src_ip}.{src_port}-{dst_port}@{}", at.as_secs().div_euclid(3_600)),
        src_ip,
        src_port,
        dst_ip: line.dst_host.0.as_deref().and_then(|text| text.parse().ok()),
        dst_port,
        protocol: protocol.to_owned(),
        transport,
        what,
    };
    Ok(Parsed { sensor, event: Some(event.check()?) })
}

fn what(logtype: i64, data: &Value) -> Option<(&'static str, Transport, What)> {
    let empty = Map::new();
    let data = data.as_object().unwrap_or(&empty);
    let field = |name: &str| data.get(name).map_or_else(String::new, plain);
    let agent = || Some(field("USERAGENT")).filter(|text| !text.is_empty());
    let request = |verb: &str, target: String| What::Request { verb: verb.to_owned(), target, agent: agent() };
    let login = |user: &str| What::Auth {
        user: field(user),
        password: field("PASSWORD"),
        method: AuthMethod::Password,
        key: None,
        success: false,
    };
    let (tcp, udp) = (Transport::Tcp, Transport::Udp);
    let probe = || What::UdpProbe { size: data.values().map(|value| plain(value).len() as u64).sum() };
    Some(match logtype {
        2000 => ("ftp", tcp, login("USERNAME")),
        3000 => ("http", tcp, request("GET", field("PATH"))),
        3001 => ("http", tcp, login("USERNAME")),
        3002 => ("http", tcp, request(&method(&field("METHOD")), field("PATH"))),
        3003 => ("http", tcp, request("GET", field("PATH"))),
        4000 => ("ssh", tcp, What::ConnOpen),
        4001 => {
            let version = field("REMOTEVERSION");
            ("ssh", tcp, What::Fingerprint { version: unquote(&version).to_owned(), hassh: None })
        }
        4002 => ("ssh", tcp, login("USERNAME")),
        5000 => ("smb", tcp, request("OPEN", field("FILENAME"))),
        // A SYN seen by the packet filter: no handshake was completed, so this stays a scan.
        5001..=5005 => ("portscan", tcp, What::ConnOpen),
        6001 => ("telnet", tcp, login("USERNAME")),
        6002 => ("telnet", tcp, What::ConnOpen),
        7001 => ("httpproxy", tcp, login("USERNAME")),
        8001 => ("mysql", tcp, login("USERNAME")),
        9001 => ("mssql", tcp, login("UserName")),
        9002 => ("mssql", tcp, login("UserName")),
        10_001 => ("tftp", udp, probe()),
        11_001 => ("ntp", udp, probe()),
        12_001 => ("vnc", tcp, login("USERNAME")),
        13_001 => ("snmp", udp, probe()),
        14_001 => ("rdp", tcp, login("USERNAME")),
        15_001 => ("sip", udp, probe()),
        16_001 => ("git", tcp, request("CLONE", field("REPO"))),
        17_001 => ("redis", tcp, request(&method(&field("CMD")), field("ARGS"))),
        18_001 | 18_002 => ("tcp", tcp, What::ConnOpen),
        18_003..=18_005 => ("tcp", tcp, request("DATA", field("DATA"))),
        _ => return None,
    })
}

/// A verb as protocols write it; nothing becomes `?`.
fn method(text: &str) -> String {
    if text.is_empty() { "?".to_owned() } else { text.to_ascii_uppercase() }
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

fn port(text: &Loose) -> u16 {
    text.0.as_deref().and_then(|text| text.parse().ok()).unwrap_or(0)
}
