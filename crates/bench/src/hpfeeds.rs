//! The peer of T22: the hpfeeds broker, fed with the same events, one message each, read by one subscriber.
//!
//! The protocol has frames of a length (four bytes, itself included), a code and a body; a client proves itself by
//! SHA-1 over the greeting's nonce and its secret. There is no acknowledgement: an event counts when the subscriber has
//! read it.

use std::io::{BufWriter, Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use crate::Bench;
use crate::centre::Process;
use crate::machine::cpu;

const CHANNEL: &str = "lianfang.bench";
const SECRET: &str = "not-a-secret";
/// Codes of the frames.
const INFO: u8 = 1;
const AUTH: u8 = 2;
const PUBLISH: u8 = 3;
const SUBSCRIBE: u8 = 4;

/// What the broker reached.
#[derive(Debug)]
pub(crate) struct Reached {
    pub(crate) per_cpu: f64,
    pub(crate) per_second: f64,
    /// How much the broker passed on.
    pub(crate) events: usize,
}

fn short(text: &str) -> Result<Vec<u8>> {
    let mut out = vec![u8::try_from(text.len())?];
    out.extend_from_slice(text.as_bytes());
    Ok(out)
}

fn frame(code: u8, parts: &[&[u8]]) -> Result<Vec<u8>> {
    let length = 5 + parts.iter().map(|part| part.len()).sum::<usize>();
    let mut out = u32::try_from(length)?.to_be_bytes().to_vec();
    out.push(code);
    for part in parts {
        out.extend_from_slice(part);
    }
    Ok(out)
}

fn read(stream: &mut impl Read) -> Result<(u8, Vec<u8>)> {
    let mut head = [0_u8; 5];
    stream.read_exact(&mut head)?;
    let length = usize::try_from(u32::from_be_bytes([head[0], head[1], head[2], head[3]]))?;
    ensure!((5..=1 << 21).contains(&length), "a frame of {length} bytes");
    let mut body = vec![0; length - 5];
    stream.read_exact(&mut body)?;
    Ok((head[4], body))
}

/// Connects and proves itself.
fn client(port: u16, name: &str) -> Result<TcpStream> {
    let deadline = Instant::now() + Duration::from_secs(20);
    let mut stream = loop {
        match TcpStream::connect((Ipv4Addr::LOCALHOST, port)) {
            Ok(stream) => break stream,
            Err(error) if Instant::now() > deadline => return Err(error).context("the broker does not answer"),
            Err(_) => std::thread::sleep(Duration::from_millis(50)),
        }
    };
    stream.set_read_timeout(Some(Duration::from_secs(60)))?;
    let (code, body) = read(&mut stream)?;
    ensure!(code == INFO, "frame {code} instead of the greeting");
    let broker = usize::from(*body.first().context("the broker's name")?);
    let nonce = body.get(1 + broker..).context("a nonce")?;
    let proof = ring::digest::digest(&ring::digest::SHA1_FOR_LEGACY_USE_ONLY, &[nonce, SECRET.as_bytes()].concat());
    stream.write_all(&frame(AUTH, &[&short(name)?, proof.as_ref()])?)?;
    Ok(stream)
}

/// Passes the events through a broker of its own.
pub(crate) fn pass(bench: &Bench, events: &[String]) -> Result<Reached> {
    let script = bench.root.join("house/hpfeeds");
    let output = Command::new(&script).arg("install").output().context("house/hpfeeds")?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr).trim());
    let folder = bench.folder()?;
    let users = folder.path().join("users.json");
    let account =
        |may: &str| serde_json::json!({"owner": may, "secret": SECRET, "pubchans": [CHANNEL], "subchans": [CHANNEL]});
    std::fs::write(&users, serde_json::json!({"sensor": account("a"), "reader": account("b")}).to_string())?;
    let port = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
    let mut command = Command::new(&script);
    command.arg("run").arg(folder.path()).arg(port.to_string()).arg(&users);
    let log = folder.path().join("log");
    let process = Process::start(&mut command, &log)?;
    match through(port, process.id(), events) {
        Ok(reached) => Ok(reached),
        Err(error) => {
            let said = std::fs::read_to_string(&log).unwrap_or_default();
            bail!("{error:#}; its last words: {}", said.lines().last().unwrap_or_default())
        }
    }
}

fn through(port: u16, pid: u32, events: &[String]) -> Result<Reached> {
    let mut reader = client(port, "reader")?;
    reader.write_all(&frame(SUBSCRIBE, &[&short("reader")?, CHANNEL.as_bytes()])?)?;
    let sensor = client(port, "sensor")?;
    // A first event of no count: it arrives once both are known and the subscription stands.
    let mut sender = BufWriter::with_capacity(1 << 16, sensor);
    let publish = |text: &str| frame(PUBLISH, &[&short("sensor")?, &short(CHANNEL)?, text.as_bytes()]);
    std::thread::sleep(Duration::from_millis(300));
    sender.write_all(&publish("first")?)?;
    sender.flush()?;
    ensure!(read(&mut reader)?.0 == PUBLISH, "the broker refuses the accounts");
    let frames: Vec<Vec<u8>> = events.iter().map(|event| publish(event)).collect::<Result<_>>()?;
    let (start, used) = (Instant::now(), cpu(pid)?);
    std::thread::scope(|scope| -> Result<Reached> {
        // The sender's connection comes back: the broker may forget what a closed one still holds.
        let sending = scope.spawn(move || -> Result<BufWriter<TcpStream>> {
            for frame in &frames {
                sender.write_all(frame)?;
            }
            sender.flush()?;
            Ok(sender)
        });
        let mut reading = std::io::BufReader::with_capacity(1 << 16, reader);
        for event in events {
            let (code, body) = read(&mut reading)?;
            ensure!(code == PUBLISH && body.ends_with(event.as_bytes()), "an event is missing or out of order");
        }
        let (wall, used) = (start.elapsed().as_secs_f64(), cpu(pid)? - used);
        let _sender = sending.join().map_err(|_panic| anyhow::anyhow!("the sender died"))??;
        let count = events.len() as f64;
        Ok(Reached { per_cpu: count / used.max(0.01), per_second: count / wall, events: events.len() })
    })
}
