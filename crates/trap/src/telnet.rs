//! The Telnet trap: a router's login dialogue and its BusyBox shell.

use logwire::attack::{AuthMethod, What};
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::console::{Console, Key, Line, Reply};
use crate::shell::Shell;
use crate::shell::fs::Vfs;
use crate::visit::{BYTES_IN, BYTES_OUT, Visit};

pub mod iac;

use iac::{Event, Iac};

/// Wrong passwords until BusyBox `login` hangs up.
const TRIES: u32 = 3;
/// Bytes read at once.
const CHUNK: usize = 512;

/// Talks to one stranger until either side has had enough.
pub(crate) async fn serve(stream: TcpStream, visit: Arc<Visit>) -> io::Result<()> {
    let mut wire = Wire { stream, iac: Iac::default(), visit, read: 0, sent: 0, ahead: Vec::new() };
    wire.send(iac::OPENING).await?;
    wire.send(format!("{}\r\n{} login: ", wire.visit.trap.persona.router_issue, wire.host().hostname).as_bytes())
        .await?;
    let Some((user, line)) = wire.login().await? else { return Ok(()) };
    wire.shell(&user, line).await
}

struct Wire {
    stream: TcpStream,
    iac: Iac,
    visit: Arc<Visit>,
    read: u64,
    sent: u64,
    /// Data that came behind a finished login.
    ahead: Vec<u8>,
}

impl Wire {
    fn host(&self) -> &Arc<crate::persona::Host> {
        &self.visit.trap.persona.router
    }

    async fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.sent += bytes.len() as u64;
        if self.sent > BYTES_OUT {
            return Err(io::ErrorKind::QuotaExceeded.into());
        }
        // A client that does not read would hold the session for its whole life.
        timeout(self.visit.trap.idle, self.stream.write_all(bytes)).await?
    }

    /// The next bytes of data; none at the end.
    async fn receive(&mut self) -> io::Result<Option<Vec<u8>>> {
        if !self.ahead.is_empty() {
            return Ok(Some(std::mem::take(&mut self.ahead)));
        }
        let mut chunk = [0_u8; CHUNK];
        loop {
            let got = timeout(self.visit.trap.idle, self.stream.read(&mut chunk)).await??;
            self.read += got as u64;
            if got == 0 || self.read > BYTES_IN {
                return Ok(None);
            }
            let mut data = Vec::new();
            for byte in chunk.iter().take(got) {
                for event in self.iac.byte(*byte) {
                    match event {
                        Event::Data(byte) => data.push(byte),
                        other => self.note(other),
                    }
                }
            }
            let reply = self.iac.take_reply();
            if !reply.is_empty() {
                self.send(&reply).await?;
            }
            if !data.is_empty() {
                return Ok(Some(data));
            }
        }
    }

    fn note(&self, event: Event) {
        match event {
            Event::TerminalType(name) => self.visit.emit(What::Fingerprint { version: name, hassh: None }),
            Event::Variable(name, value) => self.visit.emit(What::Request {
                verb: "NEW-ENVIRON".to_owned(),
                target: format!("{name}={value}"),
                agent: None,
            }),
            Event::Data(_) | Event::WindowSize(..) => {}
        }
    }

    /// The login dialogue; the user who was let in, and the terminal.
    async fn login(&mut self) -> io::Result<Option<(String, Line)>> {
        let mut line = Line::new(true);
        let mut user: Option<String> = None;
        let mut tries = 0;
        while let Some(data) = self.receive().await? {
            let mut bytes = data.into_iter();
            while let Some(byte) = bytes.next() {
                let mut shown = Vec::new();
                let key = line.key(byte, &mut shown);
                if !shown.is_empty() {
                    self.send(&shown).await?;
                }
                match (key, user.take()) {
                    (Some(Key::End), _) => return Ok(None),
                    (Some(Key::Line(name)), None) if name.trim().is_empty() => {
                        let prompt = format!("{} login: ", self.host().hostname);
                        self.send(prompt.as_bytes()).await?;
                    }
                    (Some(Key::Line(name)), None) => {
                        user = Some(name.trim().to_owned());
                        line.echo = false;
                        self.send(b"Password: ").await?;
                    }
                    (Some(Key::Line(password)), Some(name)) => {
                        line.echo = true;
                        let success = self.host().lets_in(&name, &password);
                        self.visit.attempt(&name, &password, AuthMethod::Password, None, success);
                        if success {
                            self.ahead = bytes.collect();
                            return Ok(Some((name, line)));
                        }
                        tries += 1;
                        self.visit.trap.refuse_slowly().await;
                        self.send(b"Login incorrect\r\n").await?;
                        if tries >= TRIES {
                            return Ok(None);
                        }
                        let prompt = format!("{} login: ", self.host().hostname);
                        self.send(prompt.as_bytes()).await?;
                    }
                    (Some(Key::Interrupt), _) => return Ok(None),
                    (None, waiting) => user = waiting,
                }
            }
        }
        Ok(None)
    }

    async fn shell(&mut self, user: &str, line: Line) -> io::Result<()> {
        let (host, env) = (Arc::clone(self.host()), self.visit.trap.env.clone());
        let mut console = Console::after_login(Shell::new(Vfs::new(host.clone()), host, user, true, env), line);
        let outcome = self.converse(&mut console).await;
        for event in console.shell.finish() {
            self.visit.emit(event);
        }
        outcome
    }

    async fn converse(&mut self, console: &mut Console) -> io::Result<()> {
        self.send(&console.greeting()).await?;
        while let Some(data) = self.receive().await? {
            console.push(&data);
            while let Some(Reply { bytes, events, delay_ms, exit }) = console.step() {
                for event in events {
                    self.visit.emit(event);
                }
                // Also without a delay: a client that pastes a thousand lines does not keep others waiting.
                tokio::task::yield_now().await;
                if delay_ms > 0 {
                    tokio::time::sleep(Duration::from_millis(u64::from(delay_ms))).await;
                }
                self.send(&bytes).await?;
                if exit.is_some() {
                    return Ok(());
                }
            }
        }
        Ok(())
    }
}
