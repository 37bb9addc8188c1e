//! The terminal in front of the shell: line editing, echo, prompts. Shared by SSH and Telnet.

use std::collections::VecDeque;

use crate::shell::Shell;
use logwire::attack::What;

/// Input that may wait.
const WAITING: usize = 64 * 1024;
/// Lines of one session.
const LINES: u32 = 1_000;

/// A finished act at the keyboard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Key {
    /// A line was entered.
    Line(String),
    /// Control-C.
    Interrupt,
    /// Control-D on an empty line.
    End,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Escape {
    None,
    Started,
    Sequence,
}

/// The line discipline: what a terminal driver does.
#[derive(Debug)]
pub(crate) struct Line {
    text: Vec<u8>,
    escape: Escape,
    after_return: bool,
    /// Whether typed characters are shown.
    pub(crate) echo: bool,
    /// Whether there is a terminal at all.
    pub(crate) terminal: bool,
}

impl Line {
    pub(crate) const fn new(terminal: bool) -> Self {
        Self { text: Vec::new(), escape: Escape::None, after_return: false, echo: terminal, terminal }
    }

    /// One byte; what is echoed is added to `shown`.
    pub(crate) fn key(&mut self, byte: u8, shown: &mut Vec<u8>) -> Option<Key> {
        let after_return = std::mem::replace(&mut self.after_return, byte == b'\r');
        if self.terminal && self.in_escape(byte) {
            return None;
        }
        match byte {
            b'\n' | 0 if after_return => None,
            b'\r' | b'\n' => {
                if self.terminal {
                    shown.extend(b"\r\n");
                }
                let text = String::from_utf8_lossy(&self.text).into_owned();
                self.text.clear();
                Some(Key::Line(text))
            }
            3 if self.terminal => {
                self.text.clear();
                shown.extend(b"^C\r\n");
                Some(Key::Interrupt)
            }
            4 if self.terminal => self.text.is_empty().then_some(Key::End),
            8 | 127 if self.terminal => {
                if self.text.pop().is_some() && self.echo {
                    shown.extend(b"\x08 \x08");
                }
                None
            }
            21 if self.terminal => {
                let erased = std::mem::take(&mut self.text).len();
                if self.echo {
                    shown.extend(b"\x08 \x08".repeat(erased));
                }
                None
            }
            0..=31 if self.terminal && byte != b'\t' => None,
            _ => {
                if self.text.len() < usize::try_from(base::limits::TRAP_COMMAND.most).unwrap_or(4096) {
                    self.text.push(byte);
                    if self.echo {
                        shown.push(byte);
                    }
                }
                None
            }
        }
    }

    /// Arrow keys and their like are swallowed.
    fn in_escape(&mut self, byte: u8) -> bool {
        let (next, swallowed) = match (self.escape, byte) {
            (Escape::None, 27) => (Escape::Started, true),
            (Escape::None, _) => (Escape::None, false),
            (Escape::Started, b'[' | b'O') => (Escape::Sequence, true),
            (Escape::Sequence, b'0'..=b'9' | b';') => (Escape::Sequence, true),
            _ => (Escape::None, true),
        };
        self.escape = next;
        swallowed
    }
}

/// What the other side gets after some input.
#[derive(Debug, Default)]
pub(crate) struct Reply {
    /// Bytes to show.
    pub(crate) bytes: Vec<u8>,
    /// What happened.
    pub(crate) events: Vec<What>,
    /// How long a real host would have taken.
    pub(crate) delay_ms: u32,
    /// The shell has ended with this status.
    pub(crate) exit: Option<u32>,
}

/// A shell behind a terminal, or behind a pipe when there is none.
#[derive(Debug)]
pub(crate) struct Console {
    pub(crate) shell: Shell,
    line: Line,
    waiting: VecDeque<u8>,
    lines: u32,
}

impl Console {
    pub(crate) const fn new(shell: Shell, terminal: bool) -> Self {
        Self { shell, line: Line::new(terminal), waiting: VecDeque::new(), lines: 0 }
    }

    /// The same terminal that the login was typed into goes on: the second half of its last line end may still come.
    pub(crate) const fn after_login(shell: Shell, line: Line) -> Self {
        Self { shell, line, waiting: VecDeque::new(), lines: 0 }
    }

    /// The first thing shown.
    pub(crate) fn greeting(&self) -> Vec<u8> {
        if !self.line.terminal {
            return Vec::new();
        }
        let mut out = terminal_text(self.shell.greeting().as_bytes());
        out.extend(self.shell.prompt().bytes());
        out
    }

    /// Takes input; what does not fit is lost, as on a real terminal.
    pub(crate) fn push(&mut self, data: &[u8]) {
        let room = WAITING.saturating_sub(self.waiting.len()).min(data.len());
        self.waiting.extend(data.get(..room).unwrap_or_default());
    }

    /// Works off waiting input up to the end of one line; nothing when no input waits.
    pub(crate) fn step(&mut self) -> Option<Reply> {
        let mut reply = Reply::default();
        if self.waiting.is_empty() {
            return None;
        }
        while let Some(byte) = self.waiting.pop_front() {
            let Some(key) = self.line.key(byte, &mut reply.bytes) else { continue };
            self.act(key, &mut reply);
            break;
        }
        Some(reply)
    }

    /// No more input comes: without a terminal the last line counts even without its end.
    pub(crate) fn end(&mut self) -> Reply {
        let mut reply = Reply::default();
        if let Some(Key::Line(text)) = self.line.key(b'\n', &mut reply.bytes).filter(|k| *k != Key::Line(String::new()))
        {
            self.act(Key::Line(text), &mut reply);
        }
        reply.exit = reply.exit.or(Some(0));
        reply
    }

    fn act(&mut self, key: Key, reply: &mut Reply) {
        self.lines += 1;
        let output = match key {
            Key::Line(text) => self.shell.line(&text),
            Key::Interrupt => crate::shell::Output::default(),
            Key::End => self.shell.line("exit"),
        };
        let text = if self.line.terminal { terminal_text(&output.text) } else { output.text };
        reply.bytes.extend(text);
        reply.events.extend(output.events);
        reply.delay_ms = output.delay_ms;
        reply.exit = output.exit.or((self.lines >= LINES).then_some(0));
        if self.line.terminal && reply.exit.is_none() {
            reply.bytes.extend(self.shell.prompt().bytes());
        }
    }
}

/// Line ends as a terminal in cooked mode shows them.
pub(crate) fn terminal_text(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() + 16);
    for byte in text {
        if *byte == b'\n' {
            out.push(b'\r');
        }
        out.push(*byte);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn keys(bytes: &[u8]) -> (Vec<Key>, String) {
        let mut line = Line::new(true);
        let mut shown = Vec::new();
        let keys = bytes.iter().filter_map(|b| line.key(*b, &mut shown)).collect();
        (keys, String::from_utf8_lossy(&shown).into_owned())
    }

    #[test]
    fn editing_works_as_on_a_terminal() {
        assert_eq!(keys(b"lx\x7fs\r\n").0, [Key::Line("ls".to_owned())]);
        assert_eq!(keys(b"abc\x15id\r\0").0, [Key::Line("id".to_owned())]);
        assert_eq!(keys(b"\x1b[A\x1b[1;5Cls\r").0, [Key::Line("ls".to_owned())]);
        assert_eq!(keys(b"x\x03\x04").0, [Key::Interrupt, Key::End]);
        assert_eq!(keys(b"ls\r").1, "ls\r\n");
    }

    proptest! {
        #[test]
        fn any_bytes_are_edited_and_lines_stay_short(bytes in proptest::collection::vec(any::<u8>(), 0..9000)) {
            for key in keys(&bytes).0 {
                // A byte that is no UTF-8 becomes a replacement character of three bytes.
                if let Key::Line(text) = key { prop_assert!(text.len() <= 3 * 4096); }
            }
        }
    }
}
