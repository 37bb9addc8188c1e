//! The receiving end of the old `scp` protocol (`scp -t`), without I/O.
//!
//! The sender writes control lines (`C` file, `D` folder, `E` end of folder, `T` times) and file bytes; the receiver
//! answers each with a zero byte, or with 1 and a message.

use super::upload::Upload;

/// The longest control line.
const LONGEST: usize = 1024;

/// A file that arrived.
#[derive(Debug)]
pub(super) struct Arrived {
    pub(super) name: String,
    pub(super) upload: Upload,
}

#[derive(Debug)]
enum State {
    Line(Vec<u8>),
    File {
        name: String,
        left: u64,
        upload: Upload,
    },
    /// The zero byte behind a file.
    Mark {
        name: String,
        upload: Upload,
    },
    Done,
}

/// The state of one `scp -t`.
#[derive(Debug)]
pub(super) struct Sink {
    state: State,
}

/// The target of a command that is an `scp` sink.
pub(super) fn sink_of(command: &str) -> Option<String> {
    let mut words = command.split_whitespace();
    let program = words.next()?.rsplit('/').next()?;
    let (flags, rest): (Vec<&str>, Vec<&str>) = words.partition(|w| w.starts_with('-'));
    let sink = flags.iter().any(|f| !f.starts_with("--") && f.contains('t'));
    (program == "scp" && sink).then(|| rest.last().map_or(".", |t| t.trim_matches(['\'', '"'])).to_owned())
}

impl Sink {
    /// A sink and its first byte: ready.
    pub(super) const fn new() -> (Self, &'static [u8]) {
        (Self { state: State::Line(Vec::new()) }, &[0])
    }

    /// Takes bytes; gives the answer and what has arrived. After an error nothing more is taken.
    pub(super) fn feed(&mut self, mut data: &[u8]) -> (Vec<u8>, Vec<Arrived>) {
        let (mut reply, mut arrived) = (Vec::new(), Vec::new());
        while let Some((first, rest)) = data.split_first() {
            match std::mem::replace(&mut self.state, State::Done) {
                State::Done => return (reply, arrived),
                State::Line(mut line) => {
                    data = rest;
                    if *first == b'\n' {
                        self.control(&line, &mut reply);
                    } else if line.len() < LONGEST {
                        line.push(*first);
                        self.state = State::Line(line);
                    }
                }
                State::File { name, left, mut upload } => {
                    let count = usize::try_from(left).unwrap_or(usize::MAX).min(data.len());
                    let (now, behind) = data.split_at_checked(count).unwrap_or((data, &[]));
                    data = behind;
                    upload.feed(now);
                    let left = left - now.len() as u64;
                    self.state =
                        if left == 0 { State::Mark { name, upload } } else { State::File { name, left, upload } };
                }
                State::Mark { name, upload } => {
                    data = rest;
                    reply.push(0);
                    arrived.push(Arrived { name, upload });
                    self.state = State::Line(Vec::new());
                }
            }
        }
        (reply, arrived)
    }

    fn control(&mut self, line: &[u8], reply: &mut Vec<u8>) {
        let text = String::from_utf8_lossy(line).into_owned();
        let mut words = text.splitn(3, ' ');
        let head = words.next().unwrap_or_default();
        let (size, name) = (words.next().and_then(|w| w.parse::<u64>().ok()), words.next().unwrap_or_default());
        match (head.chars().next(), size) {
            (Some('C'), Some(size)) if size > base::limits::TRAP_UPLOAD.most => {
                reply.push(1);
                reply.extend(format!("scp: {name}: No space left on device\n").bytes());
            }
            (Some('C'), Some(left)) => {
                reply.push(0);
                let (name, upload) = (name.to_owned(), Upload::default());
                self.state = if left == 0 { State::Mark { name, upload } } else { State::File { name, left, upload } };
            }
            (Some('D' | 'T'), _) | (Some('E'), None) => {
                reply.push(0);
                self.state = State::Line(Vec::new());
            }
            _ => {
                reply.push(1);
                reply.extend(b"scp: protocol error: unexpected <newline>\n");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn takes_files_in_folders_byte_by_byte() {
        let wire = b"T1 0 1 0\nD0755 0 d\nC0644 5 a.sh\nhello\0C0600 0 empty\n\0E\n";
        let (mut sink, ready) = Sink::new();
        assert_eq!(ready, [0]);
        let (mut replies, mut names) = (Vec::new(), Vec::new());
        for byte in wire {
            let (reply, arrived) = sink.feed(&[*byte]);
            replies.extend(reply);
            names.extend(arrived.into_iter().map(|a| (a.name, a.upload.size)));
        }
        assert_eq!(replies, [0; 7]);
        assert_eq!(names, [("a.sh".to_owned(), 5), ("empty".to_owned(), 0)]);
    }

    #[test]
    fn large_files_and_nonsense_are_refused() {
        let (mut sink, _) = Sink::new();
        let (reply, _) = sink.feed(b"C0644 99999999999 big\nxxxx");
        assert_eq!(reply[0], 1);
        assert!(sink.feed(b"C0644 1 a\n").0.is_empty(), "nothing is taken after an error");
        assert_eq!(Sink::new().0.feed(b"hello\n").0[0], 1);
    }

    #[test]
    fn commands_are_recognised() {
        assert_eq!(sink_of("scp -t /tmp/x").as_deref(), Some("/tmp/x"));
        assert_eq!(sink_of("/usr/bin/scp -r -p -t -- '/tmp'").as_deref(), Some("/tmp"));
        assert_eq!(sink_of("scp -f /etc/passwd"), None);
        assert_eq!(sink_of("scpx -t a"), None);
    }

    proptest! {
        #[test]
        fn any_bytes_are_taken(bytes in proptest::collection::vec(any::<u8>(), 0..500)) {
            let (mut sink, _) = Sink::new();
            let _ = sink.feed(&bytes);
            let mut wire = b"C0644 300 f\n".to_vec();
            wire.extend(&bytes);
            let (mut sink, _) = Sink::new();
            prop_assert!(sink.feed(&wire).1.len() <= bytes.len() + 1);
        }
    }
}
