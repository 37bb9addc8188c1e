//! Downloads an attacker wants: the URL is recorded, the connection is never made and seems to time out.

use super::exec::Run;
use super::expand::truncate;

/// A URL with its parts.
struct Wanted {
    url: String,
    host: String,
    port: u16,
    name: String,
}

/// A URL as typed, completed; nothing if there is no host in it.
fn wanted(typed: &str, scheme: &str) -> Option<Wanted> {
    let mut url = if typed.contains("://") { typed.to_owned() } else { format!("{scheme}://{typed}") };
    truncate(&mut url, 1024);
    let (kind, rest) = url.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let authority = authority.rsplit('@').next()?;
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !host.is_empty() && !port.contains(']') => (host, port.parse().ok()),
        _ => (authority, None),
    };
    let port = port.unwrap_or(match kind {
        "https" => 443,
        "ftp" => 21,
        "tftp" => 69,
        _ => 80,
    });
    let path = rest.split(['?', '#']).next().unwrap_or_default();
    let name = path.split_once('/').map_or("", |(_, p)| p.rsplit('/').next().unwrap_or_default());
    let name = if name.is_empty() { "index.html" } else { name }.to_owned();
    let host = host.to_owned();
    (!host.is_empty()).then_some(Wanted { url, host, port, name })
}

fn record(run: &mut Run<'_>, url: &str) {
    let event = run.sh.url_event(url);
    run.note(event);
}

fn is_address(host: &str) -> bool {
    host.trim_matches(['[', ']']).parse::<std::net::IpAddr>().is_ok()
}

/// Words that are targets: not options and not the values of the given options.
fn targets(argv: &[String], with_value: &[&str]) -> Vec<String> {
    let mut out = Vec::new();
    let mut words = argv.iter().skip(1);
    while let Some(word) = words.next() {
        if with_value.contains(&word.as_str()) {
            words.next();
        } else if !word.starts_with('-') {
            out.push(word.clone());
        }
    }
    out.truncate(16);
    out
}

pub(super) fn wget(run: &mut Run<'_>, argv: &[String], _: &[u8]) -> i32 {
    let quiet = argv.iter().any(|a| a == "-q" || a == "-qO-" || a == "--quiet" || a.starts_with("-q"));
    let found = targets(argv, &["-O", "-o", "-P", "-T", "-t", "-U", "--tries", "--timeout", "-e"]);
    if found.is_empty() {
        return run.complain("wget: missing URL\nUsage: wget [OPTION]... [URL]...");
    }
    let busybox = run.sh.host.flavour == crate::persona::Flavour::Ash;
    for typed in found {
        let Some(wanted) = wanted(&typed, "http") else { continue };
        record(run, &wanted.url);
        let Wanted { url, host, port, name } = wanted;
        let _ = name;
        let address = is_address(&host);
        run.wait(if address { 3_000 } else { 1_200 });
        if busybox {
            run.complain(if address {
                format!("Connecting to {host} ({host}:{port})\nwget: can't connect to remote host ({host}): Connection timed out")
            } else {
                format!("wget: bad address '{host}'")
            });
        } else if !quiet {
            let at = run.now.rfc3339().replace('T', " ");
            let at = at.get(..19).unwrap_or_default().to_owned();
            run.complain(format!("--{at}--  {url}"));
            run.complain(if address {
                format!("Connecting to {host}:{port}... failed: Connection timed out.\nGiving up.\n")
            } else {
                format!("Resolving {host} ({host})... failed: Temporary failure in name resolution.\nwget: unable to resolve host address ‘{host}’")
            });
        }
    }
    4
}

pub(super) fn curl(run: &mut Run<'_>, argv: &[String], _: &[u8]) -> i32 {
    let silent = argv.iter().any(|a| a.starts_with('-') && !a.starts_with("--") && a.contains('s'));
    let found = targets(
        argv,
        &["-o", "-H", "-A", "-d", "-X", "-m", "-u", "-x", "-e", "-b", "--connect-timeout", "--max-time", "--data"],
    );
    if found.is_empty() {
        run.complain("curl: try 'curl --help' or 'curl --manual' for more information");
        return 2;
    }
    let mut status = 0;
    for typed in found {
        let Some(wanted) = wanted(&typed, "http") else { continue };
        record(run, &wanted.url);
        let Wanted { host, port, .. } = wanted;
        let address = is_address(&host);
        run.wait(if address { 3_000 } else { 1_200 });
        status = if address { 7 } else { 6 };
        if !silent {
            run.complain(if address {
                format!("curl: (7) Failed to connect to {host} port {port}: Connection timed out")
            } else {
                format!("curl: (6) Could not resolve host: {host}")
            });
        }
    }
    status
}

pub(super) fn tftp(run: &mut Run<'_>, argv: &[String], _: &[u8]) -> i32 {
    let value = |flag: &str| argv.iter().position(|a| a == flag).and_then(|at| argv.get(at + 1)).cloned();
    let plain = targets(argv, &["-r", "-l", "-c", "-b"]);
    let remote = value("-r").or_else(|| value("-l")).or_else(|| {
        // `tftp HOST -c get FILE`, as the other client writes it.
        argv.iter().position(|a| a == "get").and_then(|at| argv.get(at + 1)).cloned()
    });
    let host = plain.into_iter().find(|w| Some(w) != remote.as_ref() && w != "get" && w.parse::<u16>().is_err());
    let Some(host) = host else {
        return run.complain("BusyBox v1.22.1 multi-call binary.\n\nUsage: tftp [OPTIONS] HOST [PORT]");
    };
    let name = remote.unwrap_or_default();
    record(run, &format!("tftp://{host}/{}", name.trim_start_matches('/')));
    run.wait(3_000);
    run.complain("tftp: timeout")
}

pub(super) fn ftpget(run: &mut Run<'_>, argv: &[String], _: &[u8]) -> i32 {
    let words = targets(argv, &["-u", "-p", "-P"]);
    let Some(host) = words.first() else {
        return run.complain("Usage: ftpget [OPTIONS] HOST [LOCAL_FILE] REMOTE_FILE");
    };
    let remote = words.get(2).or_else(|| words.get(1)).cloned().unwrap_or_default();
    let url = format!("ftp://{host}/{}", remote.trim_start_matches('/'));
    record(run, &url);
    run.wait(3_000);
    run.complain(format!("ftpget: can't connect to remote host ({host}): Connection timed out"))
}

/// Programs that could fetch in many ways: every URL in their words is recorded, and they end silently.
pub(super) fn mention(run: &mut Run<'_>, argv: &[String], stdin: &[u8]) -> i32 {
    let text = format!("{}\n{}", argv.join(" "), String::from_utf8_lossy(stdin));
    for scheme in ["http://", "https://", "ftp://", "tftp://"] {
        for (at, _) in text.match_indices(scheme).take(16) {
            let rest = text.get(at..).unwrap_or_default();
            let end = rest
                .find(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '`' | ')' | ';' | '|' | '<' | '>'))
                .unwrap_or(rest.len());
            let url = rest.get(..end).unwrap_or_default().to_owned();
            if url.len() > scheme.len() {
                record(run, &url);
            }
        }
    }
    run.wait(400);
    0
}
