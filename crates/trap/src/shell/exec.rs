//! Running the syntax tree: redirections, pipes, loops, and the budget that bounds every line.

use base::Timestamp;
use logwire::attack::What;

use super::fs::{FsError, Kind, Vfs};
use super::parse::{self, Command, Fault, Link, Piece, Word};
use super::{Output, Shell, programs};
use crate::persona::Flavour;

/// Commands one line may run.
const FUEL: u32 = 600;
/// Bytes one line may read and write in all.
const WORK: usize = 1 << 20;
/// Bytes one line may show.
const SHOWN: usize = 64 * 1024;
/// Bytes in one pipe.
const PIPE: usize = 128 * 1024;
/// Nested substitutions and scripts.
const DEPTH: u32 = 6;
/// Commands that run commands (`sudo`, `nohup`, `xargs`).
const NEST: u32 = 12;
/// Rounds of one loop.
const ROUNDS: u32 = 64;
/// The longest a line makes the attacker wait, milliseconds.
const DELAY: u32 = 4_000;

/// Where output goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Target {
    /// What the attacker sees.
    Tty,
    /// The innermost pipe.
    Pipe,
    /// An open file.
    File(usize),
    /// Nowhere.
    Null,
}

/// Whether a loop is being left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flow {
    /// Run on.
    Go,
    /// `break`.
    Break,
    /// `continue`.
    Continue,
}

/// A file that a redirection has opened.
pub(super) struct Open {
    pub(super) path: String,
    pub(super) data: Vec<u8>,
}

/// One line being run.
pub(super) struct Run<'a> {
    pub(super) sh: &'a mut Shell,
    pub(super) now: Timestamp,
    pub(super) flow: Flow,
    pub(super) exit: Option<u32>,
    pub(super) status: i32,
    fuel: u32,
    work: usize,
    depth: u32,
    nest: u32,
    tty: Vec<u8>,
    pipes: Vec<Vec<u8>>,
    pub(super) files: Vec<Open>,
    pub(super) out: Target,
    pub(super) err: Target,
    delay_ms: u32,
    events: Vec<What>,
}

impl<'a> Run<'a> {
    pub(super) fn new(sh: &'a mut Shell, now: Timestamp) -> Self {
        let status = sh.status;
        Self {
            sh,
            now,
            flow: Flow::Go,
            exit: None,
            status,
            fuel: FUEL,
            work: WORK,
            depth: 0,
            nest: 0,
            tty: Vec::new(),
            pipes: Vec::new(),
            files: Vec::new(),
            out: Target::Tty,
            err: Target::Tty,
            delay_ms: 0,
            events: Vec::new(),
        }
    }

    pub(super) fn finish(self) -> (Output, Option<i32>) {
        let output =
            Output { text: self.tty, events: self.events, exit: self.exit, delay_ms: self.delay_ms.min(DELAY) };
        (output, Some(self.status))
    }

    /// Takes from the budget of bytes; false once it is spent.
    pub(super) fn spend(&mut self, bytes: usize) -> bool {
        self.work = self.work.saturating_sub(bytes);
        self.work > 0
    }

    fn write(&mut self, target: Target, data: &[u8]) {
        if !self.spend(data.len()) {
            return;
        }
        let (into, most) = match target {
            Target::Tty => (Some(&mut self.tty), SHOWN),
            Target::Pipe => (self.pipes.last_mut(), PIPE),
            Target::File(at) => (self.files.get_mut(at).map(|f| &mut f.data), PIPE),
            Target::Null => (None, 0),
        };
        if let Some(into) = into {
            let room = most.saturating_sub(into.len()).min(data.len());
            into.extend_from_slice(data.get(..room).unwrap_or_default());
        }
    }

    /// Standard output.
    pub(super) fn put(&mut self, data: impl AsRef<[u8]>) {
        self.write(self.out, data.as_ref());
    }

    /// Standard output with a line end.
    pub(super) fn say(&mut self, text: impl AsRef<str>) {
        self.put(text.as_ref());
        self.put(b"\n");
    }

    /// Standard error with a line end; the status of a failed command.
    pub(super) fn complain(&mut self, text: impl AsRef<str>) -> i32 {
        self.write(self.err, text.as_ref().as_bytes());
        self.write(self.err, b"\n");
        1
    }

    /// Standard error as it is.
    pub(super) fn mutter(&mut self, text: impl AsRef<str>) {
        self.write(self.err, text.as_ref().as_bytes());
    }

    /// Lets time pass, as far as the attacker can tell.
    pub(super) fn wait(&mut self, millis: u32) {
        self.delay_ms = self.delay_ms.saturating_add(millis);
    }

    pub(super) fn note(&mut self, event: Option<What>) {
        self.events.extend(event);
    }

    /// A path as typed, made absolute.
    pub(super) fn path(&self, typed: &str) -> String {
        Vfs::absolute(&self.sh.cwd, typed)
    }

    /// Reads a file within the budget.
    pub(super) fn read_file(&mut self, typed: &str) -> Result<Vec<u8>, FsError> {
        let data = self.sh.fs.read(&self.path(typed), self.sh.user.uid, self.now)?;
        if self.spend(data.len() + 64) { Ok(data) } else { Err(FsError::Denied) }
    }

    /// The shell's message about a syntax error.
    pub(super) fn syntax_error(&mut self, fault: &Fault) {
        let token = match fault {
            Fault::Incomplete => "newline".to_owned(),
            Fault::Syntax(token) => token.clone(),
        };
        let name = self.sh.name();
        match (self.sh.host.flavour, fault) {
            (Flavour::Bash, Fault::Incomplete) => {
                self.complain(format!("{name}: -c: line 1: syntax error: unexpected end of file"))
            }
            (Flavour::Bash, _) => self.complain(format!("{name}: syntax error near unexpected token `{token}'")),
            (Flavour::Ash, Fault::Incomplete) => {
                self.complain(format!("{name}: syntax error: unterminated quoted string"))
            }
            (Flavour::Ash, _) => self.complain(format!("{name}: syntax error: unexpected \"{token}\"")),
        };
        self.status = 2;
    }

    fn stopped(&self) -> bool {
        self.exit.is_some() || self.flow != Flow::Go || self.fuel == 0 || self.work == 0
    }

    /// Runs a command; its status.
    pub(super) fn execute(&mut self, command: &Command, stdin: &[u8]) -> i32 {
        let status = match command {
            Command::Simple(words, redirects) => {
                self.redirected(redirects, stdin, |run, stdin| run.simple(words, stdin))
            }
            Command::Pipe(parts, negated) => {
                let status = self.pipeline(parts, stdin);
                if *negated { i32::from(status == 0) } else { status }
            }
            Command::List(list) => self.list(list, stdin),
            Command::If(arms, other) => self.condition(arms, other.as_deref(), stdin),
            Command::Loop(until, test, body) => self.loop_while(*until, test, body, stdin),
            Command::For(name, words, body) => self.loop_for(name, words, body, stdin),
            Command::Group(body, redirects) => self.redirected(redirects, stdin, |run, stdin| run.execute(body, stdin)),
        };
        self.status = status;
        status
    }

    fn list(&mut self, list: &[(Link, Command)], stdin: &[u8]) -> i32 {
        let mut status = 0;
        for (link, command) in list {
            if self.stopped() {
                break;
            }
            let runs = match link {
                Link::Then => true,
                Link::And => status == 0,
                Link::Or => status != 0,
            };
            if runs {
                status = self.execute(command, stdin);
            }
        }
        status
    }

    fn pipeline(&mut self, parts: &[Command], stdin: &[u8]) -> i32 {
        let mut input = stdin.to_vec();
        let mut status = 0;
        let last = parts.len().saturating_sub(1);
        for (index, part) in parts.iter().enumerate() {
            if index == last {
                status = self.execute(part, &input);
            } else {
                let output = self.captured(|run| run.execute(part, &input));
                input = output;
            }
        }
        status
    }

    /// Runs something with its standard output kept instead of shown.
    pub(super) fn captured<T>(&mut self, work: impl FnOnce(&mut Self) -> T) -> Vec<u8> {
        let before = std::mem::replace(&mut self.out, Target::Pipe);
        // What went to an outer pipe as standard error must still reach that pipe, so errors are shown instead.
        let errors = self.err;
        if errors == Target::Pipe {
            self.err = Target::Tty;
        }
        self.pipes.push(Vec::new());
        work(self);
        self.out = before;
        self.err = errors;
        self.pipes.pop().unwrap_or_default()
    }

    /// The output of a command text, as `$( )` gives it.
    pub(super) fn substitute(&mut self, text: &str) -> String {
        let output = self.captured(|run| run.script(text, &[]));
        String::from_utf8_lossy(&output).trim_end_matches('\n').replace('\0', "")
    }

    /// Runs a text as a script; its status.
    pub(super) fn script(&mut self, text: &str, stdin: &[u8]) -> i32 {
        if self.depth >= DEPTH || !self.spend(text.len()) {
            return 1;
        }
        self.depth += 1;
        let status = match parse::parse(text) {
            Ok(command) => self.execute(&command, stdin),
            Err(fault) => {
                self.syntax_error(&fault);
                2
            }
        };
        self.depth -= 1;
        status
    }

    fn condition(&mut self, arms: &[(Command, Command)], other: Option<&Command>, stdin: &[u8]) -> i32 {
        for (test, body) in arms {
            if self.execute(test, stdin) == 0 {
                return self.execute(body, stdin);
            }
            if self.stopped() {
                return 1;
            }
        }
        other.map_or(0, |other| self.execute(other, stdin))
    }

    /// Whether the loop goes on after a round.
    fn round(&mut self) -> bool {
        let go = self.flow != Flow::Break;
        self.flow = Flow::Go;
        go && !self.stopped()
    }

    fn loop_while(&mut self, until: bool, test: &Command, body: &Command, stdin: &[u8]) -> i32 {
        let mut status = 0;
        for _ in 0..ROUNDS {
            self.fuel = self.fuel.saturating_sub(1);
            if (self.execute(test, stdin) == 0) == until || self.stopped() {
                break;
            }
            status = self.execute(body, stdin);
            if !self.round() {
                break;
            }
        }
        status
    }

    fn loop_for(&mut self, name: &str, words: &[Word], body: &Command, stdin: &[u8]) -> i32 {
        let mut status = 0;
        for value in self.words(words) {
            self.fuel = self.fuel.saturating_sub(1);
            self.sh.set_variable(name, value);
            status = self.execute(body, stdin);
            if !self.round() {
                break;
            }
        }
        status
    }

    fn simple(&mut self, words: &[Word], stdin: &[u8]) -> i32 {
        let mut words = words;
        let mut assigned = Vec::new();
        while let [first, rest @ ..] = words {
            let Some((name, value)) = assignment(first) else { break };
            assigned.push((name, self.one(&value)));
            words = rest;
        }
        if words.is_empty() {
            for (name, value) in assigned {
                self.sh.set_variable(&name, value);
            }
            return 0;
        }
        let argv = self.words(words);
        self.command(&argv, stdin)
    }

    /// Runs a command by its words.
    pub(super) fn command(&mut self, argv: &[String], stdin: &[u8]) -> i32 {
        if self.nest >= NEST {
            return 1;
        }
        self.nest += 1;
        let status = self.command_within(argv, stdin);
        self.nest -= 1;
        status
    }

    fn command_within(&mut self, argv: &[String], stdin: &[u8]) -> i32 {
        let Some(name) = argv.first().filter(|n| !n.is_empty()) else { return 0 };
        self.fuel = self.fuel.saturating_sub(1);
        if self.fuel == 0 || !self.spend(stdin.len() + 64) {
            return 1;
        }
        if let Some(builtin) = programs::builtin(name) {
            return builtin(self, argv, stdin);
        }
        if name.contains('/') {
            return self.by_path(&name.clone(), argv, stdin);
        }
        if self.sh.on_path(name).is_some() {
            return match programs::program(name) {
                Some(program) => program(self, argv, stdin),
                None => 0,
            };
        }
        let shell = self.sh.name();
        match self.sh.host.flavour {
            Flavour::Bash => self.complain(format!("{shell}: {name}: command not found")),
            Flavour::Ash => self.complain(format!("{shell}: {name}: not found")),
        };
        127
    }

    fn by_path(&mut self, typed: &str, argv: &[String], stdin: &[u8]) -> i32 {
        let path = self.path(typed);
        let shell = self.sh.name();
        let Some(node) = self.sh.fs.get(&path).cloned() else {
            let missing = if self.sh.host.flavour == Flavour::Bash { FsError::Missing.text() } else { "not found" };
            self.complain(format!("{shell}: {typed}: {missing}"));
            return 127;
        };
        match node.kind {
            Kind::Dir => {
                self.complain(format!("{shell}: {typed}: Is a directory"));
                126
            }
            Kind::Program(_) => {
                let name = path.rsplit('/').next().unwrap_or_default();
                programs::program(name).map_or(0, |program| program(self, argv, stdin))
            }
            _ if node.mode & 0o111 == 0 => {
                self.complain(format!("{shell}: {typed}: Permission denied"));
                126
            }
            Kind::File(data) => self.run_file(&path, &data, stdin),
            _ => 126,
        }
    }

    /// "Runs" a file the attacker made: a text line by line in this very shell, anything else not at all.
    pub(super) fn run_file(&mut self, path: &str, data: &[u8], stdin: &[u8]) -> i32 {
        let event = self.sh.file_event(path, data);
        self.note(event);
        match std::str::from_utf8(data) {
            Ok(text) if !text.contains('\0') => self.script(text, stdin),
            _ => {
                self.wait(300);
                0
            }
        }
    }
}

/// `name=value` at the start of a command.
fn assignment(word: &Word) -> Option<(String, Word)> {
    let [Piece::Text(text, false), rest @ ..] = word.as_slice() else { return None };
    let (name, value) = text.split_once('=')?;
    let valid = name.starts_with(|c: char| c == '_' || c.is_ascii_alphabetic())
        && name.chars().all(|c| c == '_' || c.is_ascii_alphanumeric());
    if !valid {
        return None;
    }
    let mut out = vec![Piece::Text(value.to_owned(), false)];
    out.extend(rest.iter().cloned());
    Some((name.to_owned(), out))
}
