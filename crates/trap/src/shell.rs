//! A believable shell that does nothing: lines in, text and events out.
//!
//! [`Shell`] is a state machine over a fake file system. It has no I/O: no process, no socket, no disk. What a line may
//! cost is bounded in commands, bytes and depth, so that no input hangs or swells it; what it would have fetched or
//! dialled becomes an event.

use base::Env;
use logwire::attack::What;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use crate::persona::{Flavour, Host, User};

mod builtins;
mod downloads;
mod exec;
mod expand;
mod files;
pub mod fs;
mod hardware;
mod lex;
pub mod live;
mod network;
mod parse;
mod programs;
mod redirect;
mod system;
mod text;

use fs::Vfs;

/// Bytes of unfinished input (open quotes, here-documents).
const PENDING: usize = 16 * 1024;
/// Variables an attacker may set.
const VARIABLES: usize = 64;
/// Lines that `history` keeps.
const HISTORY: usize = 50;
/// File and URL events of one session.
const EVENTS: usize = 64;

/// What a line led to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Output {
    /// What the attacker sees; lines end in `\n`.
    pub text: Vec<u8>,
    /// What happened: the command first, then what it wanted.
    pub events: Vec<What>,
    /// The exit status, once the shell has ended.
    pub exit: Option<u32>,
    /// How long a real host would have taken, milliseconds.
    pub delay_ms: u32,
}

/// One session's shell.
#[derive(Debug)]
pub struct Shell {
    host: Arc<Host>,
    env: Env,
    fs: Vfs,
    user: User,
    cwd: String,
    interactive: bool,
    variables: BTreeMap<String, String>,
    history: VecDeque<String>,
    pending: String,
    status: i32,
    /// Users of the shells below this one (`su`, `sudo`, a nested `sh`).
    stack: Vec<User>,
    urls: BTreeSet<String>,
    reported: BTreeSet<[u8; 32]>,
}

impl Shell {
    /// A login shell of `user` over `fs`. `interactive` is whether a prompt is shown.
    #[must_use]
    pub fn new(fs: Vfs, host: Arc<Host>, user: &str, interactive: bool, env: Env) -> Self {
        let user = host.user(user);
        let mut shell = Self {
            cwd: user.home.clone(),
            host,
            env,
            fs,
            user,
            interactive,
            variables: BTreeMap::new(),
            history: VecDeque::new(),
            pending: String::new(),
            status: 0,
            stack: Vec::new(),
            urls: BTreeSet::new(),
            reported: BTreeSet::new(),
        };
        shell.login_variables();
        shell
    }

    fn login_variables(&mut self) {
        let bash = self.host.flavour == Flavour::Bash;
        let path = if self.user.uid == 0 || !bash {
            "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        } else {
            "/usr/local/bin:/usr/bin:/bin:/usr/local/games:/usr/games"
        };
        let pairs = [
            ("HOME", self.user.home.clone()),
            ("USER", self.user.name.clone()),
            ("LOGNAME", self.user.name.clone()),
            ("SHELL", if bash { "/bin/bash" } else { "/bin/sh" }.to_owned()),
            ("PATH", path.to_owned()),
            ("PWD", self.cwd.clone()),
            ("LANG", "en_US.UTF-8".to_owned()),
            ("TERM", "xterm".to_owned()),
        ];
        self.variables.extend(pairs.into_iter().map(|(name, value)| (name.to_owned(), value)));
    }

    /// The text before the next line: the prompt, or `> ` inside an open quote.
    #[must_use]
    pub fn prompt(&self) -> String {
        if !self.pending.is_empty() {
            return "> ".to_owned();
        }
        let sign = if self.user.uid == 0 { '#' } else { '$' };
        let home = &self.user.home;
        let place = match self.cwd.strip_prefix(home.as_str()) {
            Some(rest) if rest.is_empty() || rest.starts_with('/') => format!("~{rest}"),
            _ => self.cwd.clone(),
        };
        match self.host.flavour {
            Flavour::Bash => format!("{}@{}:{place}{sign} ", self.user.name, self.host.hostname),
            Flavour::Ash => format!("{place} {sign} "),
        }
    }

    /// Runs one typed line.
    pub fn line(&mut self, line: &str) -> Output {
        let mut line = line.to_owned();
        expand::truncate(&mut line, limit(base::limits::TRAP_COMMAND));
        let command = What::Command { line: line.clone() };
        let blank = line.trim().is_empty();
        if !blank {
            let mut kept = line.clone();
            expand::truncate(&mut kept, 256);
            self.history.push_back(kept);
            if self.history.len() > HISTORY {
                self.history.pop_front();
            }
        }
        let text = format!("{}{line}", std::mem::take(&mut self.pending));
        let mut output = match parse::parse(&text) {
            Err(parse::Fault::Incomplete) if text.len() < PENDING => {
                self.pending = text;
                self.pending.push('\n');
                Output::default()
            }
            parsed => self.run(parsed, &[]),
        };
        if !blank {
            output.events.insert(0, command);
        }
        output
    }

    /// Runs a whole text without a terminal on that standard input, as `sh -c` does, and ends.
    pub fn exec(&mut self, text: &str, stdin: &[u8]) -> Output {
        let mut line = text.to_owned();
        expand::truncate(&mut line, limit(base::limits::TRAP_COMMAND));
        let mut output = self.run(parse::parse(&line), stdin);
        output.exit = Some(output.exit.unwrap_or_else(|| u32::try_from(self.status).unwrap_or(1)));
        output.events.insert(0, What::Command { line });
        output
    }

    fn run(&mut self, parsed: Result<parse::Command, parse::Fault>, stdin: &[u8]) -> Output {
        let now = self.env.now();
        let mut run = exec::Run::new(self, now);
        match parsed {
            Ok(command) => {
                run.execute(&command, stdin);
            }
            Err(fault) => run.syntax_error(&fault),
        }
        let (output, status) = run.finish();
        if let Some(status) = status {
            self.status = status;
        }
        output
    }

    /// What the session leaves behind: every file the attacker wrote and that no event has named yet.
    pub fn finish(&mut self) -> Vec<What> {
        let files: Vec<(String, Arc<[u8]>)> =
            self.fs.added().map(|(path, data)| (path.to_owned(), data.clone())).collect();
        files.into_iter().filter_map(|(path, data)| self.file_event(&path, &data)).collect()
    }

    /// Marks a content as reported already: an upload's event comes from whoever hashed all of it.
    pub fn already_reported(&mut self, data: &[u8]) {
        self.reported.insert(Sha256::digest(data).into());
    }

    /// The text between the login and the first prompt.
    #[must_use]
    pub fn greeting(&self) -> String {
        match self.host.flavour {
            Flavour::Bash => format!(
                "Linux {} {} {} {}\n{}",
                self.host.hostname,
                self.host.kernel,
                self.host.build,
                self.host.cpu.machine,
                String::from_utf8_lossy(&self.fs.read("/etc/motd", 0, self.env.now()).unwrap_or_default())
            ),
            Flavour::Ash => "\n\nBusyBox v1.22.1 (2019-08-08 15:48:41 CST) built-in shell (ash)\nEnter 'help' for a list of built-in commands.\n\n".to_owned(),
        }
    }

    /// The file system with the session's changes.
    #[must_use]
    pub fn into_fs(self) -> Vfs {
        self.fs
    }

    /// A variable, also the special ones.
    fn variable(&self, name: &str) -> Option<String> {
        match name {
            "?" => Some(self.status.to_string()),
            "$" => Some((1_000 + self.host.memory_kib % 20_000).to_string()),
            "#" => Some("0".to_owned()),
            "0" => Some(self.name().to_owned()),
            "UID" | "EUID" => Some(self.user.uid.to_string()),
            "HOSTNAME" => Some(self.host.hostname.clone()),
            "RANDOM" => {
                let [a, b] = self.env.bytes::<2>();
                Some((u16::from_be_bytes([a, b]) & 0x7fff).to_string())
            }
            _ => self.variables.get(name).cloned(),
        }
    }

    fn set_variable(&mut self, name: &str, value: String) {
        let valid = name.starts_with(|c: char| c == '_' || c.is_ascii_alphabetic()) && name.len() <= 64;
        if valid && value.len() <= 1024 && (self.variables.len() < VARIABLES || self.variables.contains_key(name)) {
            self.variables.insert(name.to_owned(), value);
        }
    }

    /// What the shell calls itself in its messages.
    fn name(&self) -> &'static str {
        match (self.host.flavour, self.interactive) {
            (Flavour::Bash, true) => "-bash",
            (Flavour::Bash, false) => "bash",
            (Flavour::Ash, true) => "-sh",
            (Flavour::Ash, false) => "sh",
        }
    }

    /// The event for a file that arrived, once per content.
    fn file_event(&mut self, path: &str, data: &[u8]) -> Option<What> {
        if data.is_empty() || self.reported.len() >= EVENTS {
            return None;
        }
        let digest: [u8; 32] = Sha256::digest(data).into();
        self.reported.insert(digest).then(|| What::FileIn {
            sha256: hex::encode(digest),
            name: Some(path.to_owned()),
            url: None,
            size: Some(data.len() as u64),
        })
    }

    /// The event for a wanted URL, once per URL.
    fn url_event(&mut self, url: &str) -> Option<What> {
        let mut url = url.to_owned();
        expand::truncate(&mut url, 1024);
        (self.urls.len() < EVENTS && self.urls.insert(url.clone())).then_some(What::FileRef { url })
    }
}

fn limit(limit: base::limits::Limit) -> usize {
    usize::try_from(limit.most).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests;
