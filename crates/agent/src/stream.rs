//! The connection to the centre: the stream of frames down, receipts and heartbeats up.

use edge::wire::frame::MAX_LINE;
use edge::wire::{EdgeHeartbeat, Receipt};
use serde::Serialize;
use std::collections::VecDeque;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use base::Env;
use link::Line;

use crate::error::AgentError;

/// Receipts that wait for the centre; beyond, the oldest are dropped: each tells the whole state.
const WAITING_MOST: usize = 256;
/// How long an answer to a receipt may take.
const POST_LIMIT: Duration = Duration::from_secs(15);

/// The centre's machine listener.
#[derive(Debug, Clone)]
pub(crate) struct Link {
    line: Line,
}

impl Link {
    pub(crate) const fn new(line: Line) -> Self {
        Self { line }
    }

    /// Opens the stream of frames behind a sequence number.
    pub(crate) async fn frames(&self, since: u64) -> Result<Session, AgentError> {
        let request = self.line.client().get(format!("{}?since={since}", self.line.door("frames"))).send();
        let answer = tokio::time::timeout(POST_LIMIT, request)
            .await
            .map_err(|_| AgentError::Centre("no answer in time".to_owned()))?
            .map_err(unreachable)?;
        if !answer.status().is_success() {
            return Err(refused(answer).await);
        }
        Ok(Session { answer, buffer: Vec::new(), looked: 0 })
    }

    async fn post<T: Serialize + Sync>(&self, what: &str, body: &T) -> Result<(), AgentError> {
        let request = self.line.client().post(self.line.door(what)).json(body).timeout(POST_LIMIT);
        let answer = request.send().await.map_err(unreachable)?;
        if answer.status().is_success() { Ok(()) } else { Err(refused(answer).await) }
    }
}

/// The error with its whole chain.
#[allow(clippy::needless_pass_by_value, reason = "used as map_err(unreachable)")]
fn unreachable(error: reqwest::Error) -> AgentError {
    AgentError::Centre(link::causes(&error))
}

async fn refused(answer: reqwest::Response) -> AgentError {
    let status = answer.status().as_u16();
    let body = link::body(answer).await.unwrap_or_default();
    AgentError::Refused { status, detail: base::code::excerpt(&String::from_utf8_lossy(&body)) }
}

/// A stream of lines.
#[derive(Debug)]
pub(crate) struct Session {
    answer: reqwest::Response,
    buffer: Vec<u8>,
    /// Bytes of the buffer that hold no line feed.
    looked: usize,
}

impl Session {
    /// The next line; none when the centre closed the stream. May be dropped and called again.
    pub(crate) async fn line(&mut self) -> Result<Option<Vec<u8>>, AgentError> {
        loop {
            let fresh = self.buffer.get(self.looked..).unwrap_or_default();
            if let Some(at) = fresh.iter().position(|byte| *byte == b'\n') {
                let rest = self.buffer.split_off(self.looked + at + 1);
                self.looked = 0;
                return Ok(Some(std::mem::replace(&mut self.buffer, rest)));
            }
            self.looked = self.buffer.len();
            if self.looked > MAX_LINE {
                return Err(AgentError::Centre("a frame is longer than allowed".to_owned()));
            }
            match self.answer.chunk().await.map_err(unreachable)? {
                Some(chunk) => self.buffer.extend_from_slice(&chunk),
                None => return Ok(None),
            }
        }
    }
}

/// Where the stream of frames shall begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Dial {
    /// Behind this sequence number; 0 asks for a snapshot.
    pub(crate) since: u64,
    /// Grows when the present stream must be left for a new one.
    pub(crate) attempt: u64,
}

/// What comes down.
#[derive(Debug)]
pub(crate) enum Down {
    /// A stream begins: half a series of an earlier one will not be completed.
    Opened,
    /// A line of the stream of this attempt.
    Line(u64, Vec<u8>),
    /// No stream, and why.
    Closed(AgentError),
}

/// Keeps a stream of frames open and hands its lines on, until `cancel`. A stream that ends soon is followed by a
/// longer pause than one that lasted.
pub(crate) async fn read_down(
    link: Link,
    mut dial: watch::Receiver<Dial>,
    down: mpsc::Sender<Down>,
    env: Env,
    longest_pause: Duration,
    cancel: CancellationToken,
) {
    let mut backoff = Backoff::new(longest_pause);
    loop {
        let begun = tokio::time::Instant::now();
        let ended = tokio::select! {
            ended = stream(&link, &mut dial, &down) => ended,
            () = cancel.cancelled() => return,
        };
        match ended {
            Ok(()) => {}
            Err(error) => {
                if down.send(Down::Closed(error)).await.is_err() {
                    return;
                }
            }
        }
        if begun.elapsed() > longest_pause {
            backoff.reset();
        }
        let pause = backoff.next(&env);
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = cancel.cancelled() => return,
        }
    }
}

/// One stream, until it ends or another one is wanted.
async fn stream(link: &Link, dial: &mut watch::Receiver<Dial>, down: &mpsc::Sender<Down>) -> Result<(), AgentError> {
    let wanted = *dial.borrow_and_update();
    let mut session = link.frames(wanted.since).await?;
    let gone = |_| AgentError::Centre("the agent stops".to_owned());
    down.send(Down::Opened).await.map_err(gone)?;
    loop {
        tokio::select! {
            line = session.line() => match line? {
                Some(line) => down.send(Down::Line(wanted.attempt, line)).await.map_err(gone)?,
                None => return Err(AgentError::Centre("the centre closed the stream".to_owned())),
            },
            changed = dial.changed() => {
                changed.map_err(|_| AgentError::Centre("the agent stops".to_owned()))?;
                return Ok(());
            }
        }
    }
}

/// What goes up.
#[derive(Debug)]
pub(crate) enum Word {
    Receipt(Box<Receipt>),
    Heartbeat(Box<EdgeHeartbeat>),
}

/// Sends words up, receipts in order and until they arrive, until `cancel`; then what waits gets one more chance.
pub(crate) async fn send_up(
    link: Link,
    mut words: mpsc::UnboundedReceiver<Word>,
    env: Env,
    longest_pause: Duration,
    cancel: CancellationToken,
) {
    let mut waiting: VecDeque<Receipt> = VecDeque::new();
    let mut heartbeat: Option<EdgeHeartbeat> = None;
    let mut backoff = Backoff::new(longest_pause);
    loop {
        while let Ok(word) = words.try_recv() {
            queue(word, &mut waiting, &mut heartbeat);
        }
        let Some(sent) = send_one(&link, &mut waiting, &mut heartbeat).await else {
            tokio::select! {
                word = words.recv() => match word {
                    Some(word) => queue(word, &mut waiting, &mut heartbeat),
                    None => return,
                },
                () = cancel.cancelled() => return,
            }
            continue;
        };
        if let Err(error) = sent {
            if cancel.is_cancelled() {
                return;
            }
            tracing::warn!(%error, waiting = waiting.len(), "the centre does not take receipts now");
            let pause = backoff.next(&env);
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = cancel.cancelled() => {}
            }
        } else {
            backoff.reset();
        }
    }
}

fn queue(word: Word, waiting: &mut VecDeque<Receipt>, heartbeat: &mut Option<EdgeHeartbeat>) {
    match word {
        // Trouble that was not said yet is not overwritten by a later word without any.
        Word::Heartbeat(word) => {
            if word.trouble.is_some() || heartbeat.as_ref().is_none_or(|waiting| waiting.trouble.is_none()) {
                *heartbeat = Some(*word);
            }
        }
        Word::Receipt(receipt) => {
            if waiting.len() >= WAITING_MOST {
                waiting.pop_front();
            }
            waiting.push_back(*receipt);
        }
    }
}

/// Sends the oldest receipt, or the heartbeat; none when nothing waits. What failed for good is dropped.
async fn send_one(
    link: &Link,
    waiting: &mut VecDeque<Receipt>,
    heartbeat: &mut Option<EdgeHeartbeat>,
) -> Option<Result<(), AgentError>> {
    if let Some(receipt) = waiting.front() {
        let sent = link.post("receipt", receipt).await;
        if !matches!(&sent, Err(error) if is_passing(error)) {
            waiting.pop_front();
        }
        return Some(sent);
    }
    let word = heartbeat.take()?;
    let sent = link.post("heartbeat", &word).await;
    // A heartbeat is not repeated: the next one says more.
    Some(sent)
}

/// Whether trying again later can help.
pub(crate) const fn is_passing(error: &AgentError) -> bool {
    match error {
        AgentError::Refused { status, .. } => matches!(status, 401 | 403 | 408 | 425 | 429 | 500..),
        _ => true,
    }
}

/// Pauses that double up to a limit, each shortened by chance so that points do not all come back at once.
#[derive(Debug)]
pub(crate) struct Backoff {
    next: Duration,
    longest: Duration,
}

impl Backoff {
    const FIRST: Duration = Duration::from_millis(250);

    pub(crate) const fn new(longest: Duration) -> Self {
        Self { next: Self::FIRST, longest }
    }

    pub(crate) const fn reset(&mut self) {
        self.next = Self::FIRST;
    }

    pub(crate) fn next(&mut self, env: &Env) -> Duration {
        let whole = self.next.min(self.longest);
        self.next = (self.next * 2).min(self.longest);
        let chance = f64::from(u16::from_be_bytes(env.bytes::<2>())) / f64::from(u16::MAX);
        whole.mul_f64(0.5 + chance / 2.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use base::Timestamp;

    #[test]
    fn pauses_grow_to_the_limit_and_begin_again() {
        let (env, _) = Env::fixed(Timestamp::EPOCH, 1);
        let mut backoff = Backoff::new(Duration::from_secs(4));
        let pauses: Vec<Duration> = (0..8).map(|_| backoff.next(&env)).collect();
        assert!(pauses[0] <= Duration::from_millis(250) && pauses[0] >= Duration::from_millis(125));
        assert!(pauses[7] <= Duration::from_secs(4) && pauses[7] >= Duration::from_secs(2));
        assert_ne!(pauses[6], pauses[7], "chance shortens them");
        backoff.reset();
        assert!(backoff.next(&env) <= Duration::from_millis(250));
    }
}
