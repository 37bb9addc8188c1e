//! The Telnet protocol without I/O: RFC 854 and 855 framing, RFC 1143 negotiation, RFC 1572 environment.

use std::collections::BTreeMap;

const SE: u8 = 240;
const SB: u8 = 250;
const WILL: u8 = 251;
const WONT: u8 = 252;
const DO: u8 = 253;
const DONT: u8 = 254;
const IAC: u8 = 255;

/// Option numbers (IANA, Telnet options).
const ECHO: u8 = 1;
const SUPPRESS_GO_AHEAD: u8 = 3;
const TERMINAL_TYPE: u8 = 24;
const WINDOW_SIZE: u8 = 31;
const NEW_ENVIRON: u8 = 39;

/// Bytes of one subnegotiation that are kept.
const SUB: usize = 512;
/// Answers to negotiation in one session; a client that wants more is no client.
const ANSWERS: u32 = 64;

/// What the BusyBox daemon says before anything else.
pub const OPENING: &[u8] = &[IAC, DO, ECHO, IAC, DO, WINDOW_SIZE, IAC, WILL, ECHO, IAC, WILL, SUPPRESS_GO_AHEAD];

/// What arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A byte of the user's data.
    Data(u8),
    /// The terminal's type (RFC 1091).
    TerminalType(String),
    /// The window's size in columns and rows (RFC 1073).
    WindowSize(u16, u16),
    /// A variable of the client's environment (RFC 1572).
    Variable(String, String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Data,
    Command,
    Option(u8),
    Sub,
    SubCommand,
}

/// The state machine of one connection.
#[derive(Debug)]
pub struct Iac {
    state: State,
    sub: Vec<u8>,
    /// Options in force: ours and theirs; what we asked for in [`OPENING`] counts as in force.
    ours: BTreeMap<u8, bool>,
    theirs: BTreeMap<u8, bool>,
    answers: u32,
    reply: Vec<u8>,
}

impl Default for Iac {
    fn default() -> Self {
        Self {
            state: State::Data,
            sub: Vec::new(),
            ours: BTreeMap::from([(ECHO, true), (SUPPRESS_GO_AHEAD, true)]),
            theirs: BTreeMap::from([(ECHO, true), (WINDOW_SIZE, true)]),
            answers: 0,
            reply: Vec::new(),
        }
    }
}

impl Iac {
    /// Takes one byte of the wire.
    pub fn byte(&mut self, byte: u8) -> Vec<Event> {
        match (self.state, byte) {
            (State::Data, IAC) => self.state = State::Command,
            (State::Data, data) => return vec![Event::Data(data)],
            (State::Command, IAC) => {
                self.state = State::Data;
                return vec![Event::Data(IAC)];
            }
            (State::Command, SB) => {
                self.sub.clear();
                self.state = State::Sub;
            }
            (State::Command, verb @ (WILL | WONT | DO | DONT)) => self.state = State::Option(verb),
            (State::Command, _) => self.state = State::Data,
            (State::Option(verb), option) => {
                self.state = State::Data;
                self.negotiate(verb, option);
            }
            (State::Sub, IAC) => self.state = State::SubCommand,
            (State::Sub, data) => self.keep(data),
            (State::SubCommand, IAC) => {
                self.keep(IAC);
                self.state = State::Sub;
            }
            (State::SubCommand, SE) => {
                self.state = State::Data;
                return self.subnegotiation();
            }
            // RFC 855 leaves this open; the sensible reading is that the subnegotiation is over.
            (State::SubCommand, _) => self.state = State::Data,
        }
        Vec::new()
    }

    /// What has to be sent because of what arrived.
    pub fn take_reply(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.reply)
    }

    fn keep(&mut self, byte: u8) {
        if self.sub.len() < SUB {
            self.sub.push(byte);
        }
    }

    fn answer(&mut self, bytes: &[u8]) {
        if self.answers < ANSWERS {
            self.answers += 1;
            self.reply.extend_from_slice(bytes);
        }
    }

    /// RFC 1143: only a change of state is answered, so that two sides cannot talk in circles.
    fn negotiate(&mut self, verb: u8, option: u8) {
        match verb {
            WILL => match self.theirs.get(&option) {
                Some(true) => {}
                _ if matches!(option, TERMINAL_TYPE | WINDOW_SIZE | NEW_ENVIRON) => {
                    self.theirs.insert(option, true);
                    self.answer(&[IAC, DO, option]);
                    if option != WINDOW_SIZE {
                        // SEND (1) asks for the value: RFC 1091 and RFC 1572 agree on the number.
                        self.answer(&[IAC, SB, option, 1, IAC, SE]);
                    }
                }
                _ => self.answer(&[IAC, DONT, option]),
            },
            WONT => {
                if self.theirs.insert(option, false) == Some(true) && option != ECHO && option != WINDOW_SIZE {
                    self.answer(&[IAC, DONT, option]);
                }
            }
            DO => match self.ours.get(&option) {
                Some(true) => {}
                _ => self.answer(&[IAC, WONT, option]),
            },
            _ => {
                if self.ours.insert(option, false) == Some(true) {
                    self.answer(&[IAC, WONT, option]);
                }
            }
        }
    }

    fn subnegotiation(&mut self) -> Vec<Event> {
        let sub = std::mem::take(&mut self.sub);
        match sub.as_slice() {
            [TERMINAL_TYPE, 0, name @ ..] => vec![Event::TerminalType(String::from_utf8_lossy(name).into_owned())],
            [WINDOW_SIZE, a, b, c, d] => {
                vec![Event::WindowSize(u16::from_be_bytes([*a, *b]), u16::from_be_bytes([*c, *d]))]
            }
            // IS (0) answers our SEND, INFO (2) comes by itself.
            [NEW_ENVIRON, 0 | 2, rest @ ..] => variables(rest),
            _ => Vec::new(),
        }
    }
}

/// RFC 1572: VAR (0) or USERVAR (3), name, VALUE (1), value; ESC (2) quotes one byte.
fn variables(data: &[u8]) -> Vec<Event> {
    let mut out: Vec<(Vec<u8>, Vec<u8>)> = Vec::new();
    let mut in_value = false;
    let mut bytes = data.iter().copied();
    while let Some(byte) = bytes.next() {
        let literal = match byte {
            0 | 3 => {
                out.push(Default::default());
                in_value = false;
                continue;
            }
            1 => {
                in_value = true;
                continue;
            }
            2 => bytes.next(),
            other => Some(other),
        };
        if let (Some((name, value)), Some(literal)) = (out.last_mut(), literal) {
            if in_value { value.push(literal) } else { name.push(literal) }
        }
    }
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    out.into_iter().take(16).map(|(name, value)| Event::Variable(text(name), text(value))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn feed(bytes: &[u8]) -> (Vec<Event>, Vec<u8>) {
        let mut iac = Iac::default();
        let events = bytes.iter().flat_map(|b| iac.byte(*b)).collect();
        (events, iac.take_reply())
    }

    #[test]
    fn data_passes_and_doubled_iac_is_data() {
        let (events, reply) = feed(&[b'a', IAC, IAC, b'b']);
        assert_eq!(events, [Event::Data(b'a'), Event::Data(IAC), Event::Data(b'b')]);
        assert!(reply.is_empty());
    }

    #[test]
    fn only_changes_are_answered() {
        assert_eq!(feed(&[IAC, DO, ECHO, IAC, DO, SUPPRESS_GO_AHEAD, IAC, WILL, WINDOW_SIZE]).1, b"");
        assert_eq!(feed(&[IAC, DO, 34]).1, [IAC, WONT, 34]);
        assert_eq!(feed(&[IAC, WILL, 5]).1, [IAC, DONT, 5]);
        assert_eq!(
            feed(&[IAC, WILL, TERMINAL_TYPE, IAC, WILL, TERMINAL_TYPE]).1,
            [IAC, DO, TERMINAL_TYPE, IAC, SB, TERMINAL_TYPE, 1, IAC, SE]
        );
        assert_eq!(feed(&[IAC, DONT, ECHO, IAC, DONT, ECHO]).1, [IAC, WONT, ECHO]);
    }

    #[test]
    fn values_are_captured() {
        let mut wire = vec![IAC, SB, NEW_ENVIRON, 0, 0];
        wire.extend(b"USER\x01-f root\x03X\x01a\x02\x01b");
        wire.extend([IAC, SE, IAC, SB, WINDOW_SIZE, 0, 80, 0, 24, IAC, SE, IAC, SB, TERMINAL_TYPE, 0]);
        wire.extend(b"XTERM\xff\xf0");
        assert_eq!(
            feed(&wire).0,
            [
                Event::Variable("USER".to_owned(), "-f root".to_owned()),
                Event::Variable("X".to_owned(), "a\u{1}b".to_owned()),
                Event::WindowSize(80, 24),
                Event::TerminalType("XTERM".to_owned()),
            ]
        );
    }

    proptest! {
        #[test]
        fn any_bytes_are_taken_and_answers_are_bounded(bytes in proptest::collection::vec(any::<u8>(), 0..4000)) {
            let (events, reply) = feed(&bytes);
            prop_assert!(events.len() <= bytes.len() * 16);
            prop_assert!(reply.len() <= 64 * 6);
        }

        #[test]
        fn endless_negotiation_is_answered_a_bounded_number_of_times(options in proptest::collection::vec(any::<u8>(), 2000)) {
            let wire: Vec<u8> = options.iter().flat_map(|o| [IAC, WILL, *o, IAC, WONT, *o]).collect();
            prop_assert!(feed(&wire).1.len() <= 64 * 6);
        }
    }
}
