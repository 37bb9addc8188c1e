//! What one SSH connection does: logins, shells, commands, uploads, forwards.

use logwire::attack::{AuthMethod, What};
use russh::keys::{HashAlg, PublicKey};
use russh::server::{Auth, Handle, Msg, Response, Session};
use russh::{Channel, ChannelId, Disconnect, Pty};
use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use super::guess::{first_bytes, reads_input};
use super::scp::{self, Arrived};
use super::sftp;
use super::upload::Upload;
use crate::console::{Console, Reply};
use crate::shell::Shell;
use crate::shell::fs::Vfs;
use crate::visit::Visit;

/// `MaxAuthTries` of the claimed servers' default configuration.
pub(super) const TRIES: usize = 6;
/// `MaxSessions` of the same.
const CHANNELS: usize = 10;
/// Channels opened in the life of one connection.
const OPENED: u32 = 128;
/// Bytes that may wait for a client that does not open its window.
const AHEAD: i64 = 256 * 1024;

type Ended = russh::Error;

/// What a channel is used for.
#[derive(Debug)]
enum Use {
    /// Nothing yet; whether a terminal was asked for.
    Fresh(bool),
    /// A shell.
    Console(Box<Console>),
    /// A command that waits for its standard input.
    Command(String, Box<Upload>),
    /// `scp -t` into that path.
    Scp(String, Box<scp::Sink>),
    /// The SFTP subsystem.
    Sftp(Box<sftp::Server>),
    /// A forwarded connection.
    Forward,
}

/// The state of one connection.
#[derive(Debug)]
pub(super) struct Handler {
    visit: Arc<Visit>,
    handle: Arc<OnceLock<Handle>>,
    user: String,
    tries: usize,
    opened: u32,
    /// The file system between two channels.
    fs: Vfs,
    channels: HashMap<ChannelId, Use>,
    /// Bytes each client still takes; below zero they wait here.
    credit: HashMap<ChannelId, i64>,
}

impl Handler {
    pub(super) fn new(visit: Arc<Visit>) -> (Self, Arc<OnceLock<Handle>>) {
        let handle = Arc::new(OnceLock::new());
        let new = Self {
            fs: Vfs::new(Arc::clone(&visit.trap.persona.server)),
            visit,
            handle: Arc::clone(&handle),
            user: String::new(),
            tries: 0,
            opened: 0,
            channels: HashMap::new(),
            credit: HashMap::new(),
        };
        (new, handle)
    }

    /// A failed attempt; the sixth ends the connection as OpenSSH ends it.
    async fn counted(&mut self) -> Auth {
        self.tries += 1;
        if self.tries >= TRIES
            && let Some(handle) = self.handle.get()
        {
            let text = "Too many authentication failures".to_owned();
            let _ = handle.disconnect(Disconnect::ProtocolError, text, String::new()).await;
        }
        refusal()
    }

    async fn password(&mut self, user: &str, password: &str, method: AuthMethod) -> Auth {
        let success = self.visit.trap.persona.server.lets_in(user, password);
        self.visit.attempt(user, password, method, None, success);
        if success {
            user.clone_into(&mut self.user);
            Auth::Accept
        } else {
            self.visit.trap.refuse_slowly().await;
            self.counted().await
        }
    }

    fn shell(&self, interactive: bool) -> Shell {
        let trap = &self.visit.trap;
        Shell::new(self.fs.clone(), Arc::clone(&trap.persona.server), &self.user, interactive, trap.env.clone())
    }

    fn send(&mut self, channel: ChannelId, bytes: Vec<u8>, session: &mut Session) -> Result<(), Ended> {
        if bytes.is_empty() {
            return Ok(());
        }
        let credit = self.credit.entry(channel).or_default();
        *credit -= i64::try_from(bytes.len()).unwrap_or(i64::MAX);
        if *credit < -AHEAD {
            return Err(russh::Error::Disconnect);
        }
        session.data(channel, bytes)
    }

    /// The end of a program: status, end of file, close.
    fn end(&mut self, channel: ChannelId, status: u32, session: &mut Session) -> Result<(), Ended> {
        self.leave(channel);
        session.exit_status_request(channel, status)?;
        session.eof(channel)?;
        session.close(channel)
    }

    /// Takes a channel out of use: what the attacker left behind becomes events and stays for the next channel.
    fn leave(&mut self, channel: ChannelId) {
        match self.channels.remove(&channel) {
            Some(Use::Console(console)) => self.keep(console.shell),
            Some(Use::Sftp(server)) => self.fs = server.into_fs(),
            _ => {}
        }
        self.credit.remove(&channel);
    }

    fn keep(&mut self, mut shell: Shell) {
        for event in shell.finish() {
            self.visit.emit(event);
        }
        self.fs = shell.into_fs();
    }

    async fn wait(millis: u32) {
        // Also without a delay: whoever pastes a thousand lines does not keep others waiting.
        tokio::task::yield_now().await;
        if millis > 0 {
            tokio::time::sleep(Duration::from_millis(u64::from(millis))).await;
        }
    }

    async fn typed(&mut self, channel: ChannelId, data: &[u8], session: &mut Session) -> Result<(), Ended> {
        if let Some(Use::Console(console)) = self.channels.get_mut(&channel) {
            console.push(data);
        }
        loop {
            let Some(Use::Console(console)) = self.channels.get_mut(&channel) else { return Ok(()) };
            let Some(reply) = console.step() else { return Ok(()) };
            self.answer(channel, reply, session).await?;
        }
    }

    async fn answer(&mut self, channel: ChannelId, reply: Reply, session: &mut Session) -> Result<(), Ended> {
        for event in reply.events {
            self.visit.emit(event);
        }
        Self::wait(reply.delay_ms).await;
        self.send(channel, reply.bytes, session)?;
        match reply.exit {
            Some(status) => self.end(channel, status, session),
            None => Ok(()),
        }
    }

    /// Runs a command with what came on its standard input.
    async fn command(
        &mut self,
        channel: ChannelId,
        text: &str,
        input: Upload,
        session: &mut Session,
    ) -> Result<(), Ended> {
        let terminal = matches!(self.channels.get(&channel), Some(Use::Fresh(true)));
        let mut shell = self.shell(false);
        let large = input.size > input.start.len() as u64;
        let name =
            text.split('>').nth(1).map_or("-", |t| t.trim().split([' ', ';', '&']).next().unwrap_or("-")).to_owned();
        let (event, start) = input.finish(&name);
        if large {
            // Only the first bytes reach the fake file; its own hash would be wrong.
            self.visit.emit_some(event);
            shell.already_reported(&start);
        }
        let output = shell.exec(text, &start);
        let bytes = if terminal { crate::console::terminal_text(&output.text) } else { output.text };
        self.keep(shell);
        let reply = Reply { bytes, events: output.events, delay_ms: output.delay_ms, exit: output.exit.or(Some(0)) };
        self.answer(channel, reply, session).await
    }

    fn arrived(&mut self, files: Vec<Arrived>, target: Option<&str>) {
        for Arrived { name, upload } in files {
            let (uid, home) = {
                let user = self.visit.trap.persona.server.user(&self.user);
                (user.uid, user.home)
            };
            let path = match target {
                None => name,
                Some(target) => {
                    let into = Vfs::absolute(&home, target);
                    if self.fs.is_dir(&into) { format!("{into}/{}", name.replace('/', "")) } else { into }
                }
            };
            let (event, start) = upload.finish(&path);
            self.visit.emit_some(event);
            if target.is_some() {
                let full = self.fs.write(&path, &start, false, uid, self.visit.trap.env.now());
                tracing::trace!(?full, "an upload ended");
            }
        }
    }

    /// The first bytes of a forwarded connection are written down; then it seems to be closed by the other side.
    fn forwarded(&mut self, channel: ChannelId, data: &[u8], session: &mut Session) -> Result<(), Ended> {
        self.visit.emit(first_bytes(data));
        self.leave(channel);
        session.eof(channel)?;
        session.close(channel)
    }
}

impl Drop for Handler {
    fn drop(&mut self) {
        let open: Vec<ChannelId> = self.channels.keys().copied().collect();
        for channel in open {
            self.leave(channel);
        }
    }
}

fn refusal() -> Auth {
    Auth::Reject { proceed_with_methods: Some(super::methods()), partial_success: false }
}

impl russh::server::Handler for Handler {
    type Error = Ended;

    async fn auth_none(&mut self, user: &str) -> Result<Auth, Ended> {
        self.visit.attempt(user, "", AuthMethod::None, None, false);
        Ok(refusal())
    }

    async fn auth_password(&mut self, user: &str, password: &str) -> Result<Auth, Ended> {
        Ok(self.password(user, password, AuthMethod::Password).await)
    }

    async fn auth_publickey_offered(&mut self, user: &str, key: &PublicKey) -> Result<Auth, Ended> {
        let print = key.fingerprint(HashAlg::Sha256).to_string();
        self.visit.attempt(user, "", AuthMethod::Publickey, Some(print), false);
        // A key is refused at once: only passwords go through PAM and its pause.
        Ok(self.counted().await)
    }

    async fn auth_keyboard_interactive<'a>(
        &'a mut self,
        user: &str,
        _submethods: &str,
        response: Option<Response<'a>>,
    ) -> Result<Auth, Ended> {
        let Some(mut response) = response else {
            return Ok(Auth::Partial {
                name: Cow::Borrowed(""),
                instructions: Cow::Borrowed(""),
                prompts: Cow::Borrowed(&[(Cow::Borrowed("Password: "), false)]),
            });
        };
        let password = response.next().map(|b| String::from_utf8_lossy(&b).into_owned()).unwrap_or_default();
        Ok(self.password(user, &password, AuthMethod::Interactive).await)
    }

    async fn channel_open_session(&mut self, channel: Channel<Msg>, _session: &mut Session) -> Result<bool, Ended> {
        self.opened += 1;
        if self.opened > OPENED {
            return Err(russh::Error::Disconnect);
        }
        if self.channels.len() >= CHANNELS {
            return Ok(false);
        }
        let window = i64::try_from(channel.writable_packet_size().await).unwrap_or(0);
        self.credit.insert(channel.id(), window);
        self.channels.insert(channel.id(), Use::Fresh(false));
        Ok(true)
    }

    async fn channel_open_direct_tcpip(
        &mut self,
        channel: Channel<Msg>,
        host: &str,
        port: u32,
        _from: &str,
        _from_port: u32,
        _session: &mut Session,
    ) -> Result<bool, Ended> {
        self.opened += 1;
        if self.opened > OPENED {
            return Err(russh::Error::Disconnect);
        }
        let host: String = host.chars().take(255).collect();
        self.visit.emit(What::Forward { host, port: u16::try_from(port).unwrap_or(0) });
        if self.channels.len() >= CHANNELS {
            return Ok(false);
        }
        self.channels.insert(channel.id(), Use::Forward);
        Ok(true)
    }

    async fn pty_request(
        &mut self,
        channel: ChannelId,
        _term: &str,
        _columns: u32,
        _rows: u32,
        _width: u32,
        _height: u32,
        _modes: &[(Pty, u32)],
        session: &mut Session,
    ) -> Result<(), Ended> {
        match self.channels.get_mut(&channel) {
            Some(Use::Fresh(terminal)) => {
                *terminal = true;
                session.channel_success(channel)
            }
            _ => session.channel_failure(channel),
        }
    }

    async fn env_request(
        &mut self,
        channel: ChannelId,
        name: &str,
        value: &str,
        session: &mut Session,
    ) -> Result<(), Ended> {
        // `AcceptEnv LANG LC_*`; every client sends these, so only others say something.
        if name == "LANG" || name.starts_with("LC_") {
            return session.channel_success(channel);
        }
        let target: String = format!("{name}={value}").chars().take(512).collect();
        self.visit.emit(What::Request { verb: "ENV".to_owned(), target, agent: None });
        session.channel_failure(channel)
    }

    async fn shell_request(&mut self, channel: ChannelId, session: &mut Session) -> Result<(), Ended> {
        let Some(Use::Fresh(terminal)) = self.channels.get(&channel) else { return session.channel_failure(channel) };
        let terminal = *terminal;
        let console = Console::new(self.shell(terminal), terminal);
        session.channel_success(channel)?;
        self.send(channel, console.greeting(), session)?;
        self.channels.insert(channel, Use::Console(Box::new(console)));
        Ok(())
    }

    async fn exec_request(&mut self, channel: ChannelId, data: &[u8], session: &mut Session) -> Result<(), Ended> {
        if !matches!(self.channels.get(&channel), Some(Use::Fresh(_))) {
            return session.channel_failure(channel);
        }
        let mut text = String::from_utf8_lossy(data).into_owned();
        text = crate::visit::cut(&text, base::limits::TRAP_COMMAND);
        session.channel_success(channel)?;
        if let Some(target) = scp::sink_of(&text) {
            self.visit.emit(What::Command { line: text });
            let (sink, ready) = scp::Sink::new();
            self.channels.insert(channel, Use::Scp(target, Box::new(sink)));
            return self.send(channel, ready.to_vec(), session);
        }
        if reads_input(&text) {
            self.channels.insert(channel, Use::Command(text, Box::default()));
            return Ok(());
        }
        self.command(channel, &text, Upload::default(), session).await
    }

    async fn subsystem_request(&mut self, channel: ChannelId, name: &str, session: &mut Session) -> Result<(), Ended> {
        if name != "sftp" || !matches!(self.channels.get(&channel), Some(Use::Fresh(_))) {
            return session.channel_failure(channel);
        }
        let user = self.visit.trap.persona.server.user(&self.user);
        let server = sftp::Server::new(self.fs.clone(), user.home, user.uid);
        self.channels.insert(channel, Use::Sftp(Box::new(server)));
        session.channel_success(channel)
    }

    async fn data(&mut self, channel: ChannelId, data: &[u8], session: &mut Session) -> Result<(), Ended> {
        let now = self.visit.trap.env.now();
        match self.channels.get_mut(&channel) {
            None | Some(Use::Fresh(_)) => Ok(()),
            Some(Use::Console(_)) => self.typed(channel, data, session).await,
            Some(Use::Command(_, input)) => {
                if input.feed(data) {
                    Ok(())
                } else {
                    self.end(channel, 1, session)
                }
            }
            Some(Use::Scp(target, sink)) => {
                let (reply, files) = sink.feed(data);
                let target = target.clone();
                self.arrived(files, Some(&target));
                self.send(channel, reply, session)
            }
            Some(Use::Sftp(server)) => {
                let outcome = server.feed(data, now);
                self.arrived(outcome.arrived, None);
                self.send(channel, outcome.reply, session)?;
                if outcome.broken { self.end(channel, 255, session) } else { Ok(()) }
            }
            Some(Use::Forward) => self.forwarded(channel, data, session),
        }
    }

    async fn channel_eof(&mut self, channel: ChannelId, session: &mut Session) -> Result<(), Ended> {
        match self.channels.get_mut(&channel) {
            Some(Use::Console(console)) => {
                let reply = console.end();
                self.answer(channel, reply, session).await
            }
            Some(Use::Command(text, input)) => {
                let (text, input) = (std::mem::take(text), std::mem::take(&mut **input));
                self.command(channel, &text, input, session).await
            }
            Some(Use::Scp(..) | Use::Sftp(_) | Use::Forward) => self.end(channel, 0, session),
            None | Some(Use::Fresh(_)) => Ok(()),
        }
    }

    async fn channel_close(&mut self, channel: ChannelId, _session: &mut Session) -> Result<(), Ended> {
        self.leave(channel);
        Ok(())
    }

    async fn window_adjusted(&mut self, channel: ChannelId, size: u32, _session: &mut Session) -> Result<(), Ended> {
        if let Some(credit) = self.credit.get_mut(&channel) {
            *credit = (*credit).max(0).max(i64::from(size));
        }
        Ok(())
    }
}
