//! Memory for the bodies of ingest. It is taken as bytes arrive, so that a slow sender holds what it sent and no more;
//! the room for what comes out of a compressed body is taken when the body is there.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::error::Error;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use base::limits;
use bytes::BytesMut;
use futures::StreamExt;
use http::{HeaderMap, header};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout, timeout_at};

use crate::problem::{Answer, BAD_BODY, BUSY, TOO_LARGE};

/// Mebibytes kept for bodies that arrive or wait, all senders together.
const ARRIVING: usize = 256;
/// Compressed bodies that are opened at the same moment, each with [`limits::INGEST_PLAIN`].
const UNPACKING: usize = 2;
/// Requests with a body that one sender may have open; it hears 429 for more.
const PER_SENDER: u32 = 8;
/// A body up to this size takes no room: heartbeats are heard however full it is.
const SMALL: usize = 64 << 10;
/// How long a sender waits for room before it hears 429.
const PATIENCE: Duration = Duration::from_secs(5);
/// One permit.
const MEBIBYTE: usize = 1 << 20;

/// The room of a centre.
#[derive(Debug)]
pub struct Room {
    arriving: Arc<Semaphore>,
    unpacking: Arc<Semaphore>,
    senders: Arc<Mutex<HashMap<String, u32>>>,
    whole: Duration,
}

impl Default for Room {
    fn default() -> Self {
        Self::new(ARRIVING, UNPACKING, Duration::from_secs(limits::BODY_WHOLE_SECONDS.most))
    }
}

/// What a request holds until it is answered.
#[derive(Debug)]
pub struct Held {
    _room: Vec<OwnedSemaphorePermit>,
    _turn: Turn,
}

/// One of the requests a sender has open.
#[derive(Debug)]
struct Turn {
    sender: String,
    senders: Arc<Mutex<HashMap<String, u32>>>,
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut senders = self.senders.lock().unwrap_or_else(PoisonError::into_inner);
        if let Entry::Occupied(mut open) = senders.entry(std::mem::take(&mut self.sender)) {
            *open.get_mut() -= 1;
            if *open.get() == 0 {
                open.remove();
            }
        }
    }
}

impl Room {
    fn new(arriving: usize, unpacking: usize, whole: Duration) -> Self {
        Self {
            arriving: Arc::new(Semaphore::new(arriving)),
            unpacking: Arc::new(Semaphore::new(unpacking)),
            senders: Arc::default(),
            whole,
        }
    }

    /// Reads the request's body and comes back with the request and what it holds.
    ///
    /// # Errors
    /// `LF-API-0009` when there is no room or the sender has too much open, `LF-API-0007` over the limit,
    /// `LF-API-0006` when the body breaks off or takes longer than [`limits::BODY_WHOLE_SECONDS`].
    pub async fn take(&self, sender: String, request: Request) -> Result<(Request, Held), Answer> {
        let turn = self.turn(sender)?;
        let deadline = Instant::now() + self.whole;
        let (parts, body) = request.into_parts();
        let (mut stream, mut bytes, mut room) = (body.into_data_stream(), BytesMut::new(), Vec::new());
        loop {
            let next = timeout_at(deadline, stream.next()).await;
            let next = next.map_err(|_| Answer::of(&BAD_BODY, "the body did not arrive in time"))?;
            let Some(chunk) = next else { break };
            let chunk = chunk.map_err(|error| broken(&error))?;
            let size = bytes.len() + chunk.len();
            while size > SMALL && size > room.len() * MEBIBYTE {
                room.push(patiently(&self.arriving).await?);
            }
            bytes.extend_from_slice(&chunk);
        }
        let request = Request::from_parts(parts, Body::from(bytes.freeze()));
        Ok((request, Held { _room: room, _turn: turn }))
    }

    /// Room for what comes out of a compressed body; a plain one needs none.
    ///
    /// # Errors
    /// `LF-API-0009` when there is none.
    pub async fn unpack(&self, headers: &HeaderMap) -> Result<Option<OwnedSemaphorePermit>, Answer> {
        if headers.contains_key(header::CONTENT_ENCODING) {
            patiently(&self.unpacking).await.map(Some)
        } else {
            Ok(None)
        }
    }

    fn turn(&self, sender: String) -> Result<Turn, Answer> {
        let mut senders = self.senders.lock().unwrap_or_else(PoisonError::into_inner);
        let open = senders.entry(sender.clone()).or_insert(0);
        if *open >= PER_SENDER {
            return Err(Answer::of(&BUSY, "too many requests of this sender are open").retry_after(2));
        }
        *open += 1;
        Ok(Turn { sender, senders: Arc::clone(&self.senders) })
    }
}

async fn patiently(room: &Arc<Semaphore>) -> Result<OwnedSemaphorePermit, Answer> {
    match timeout(PATIENCE, Arc::clone(room).acquire_owned()).await {
        Ok(Ok(permit)) => Ok(permit),
        _ => Err(Answer::of(&BUSY, "other senders fill the memory kept for bodies").retry_after(2)),
    }
}

/// Too large, or broken off.
fn broken(error: &axum::Error) -> Answer {
    let mut cause: Option<&dyn Error> = Some(error);
    while let Some(this) = cause {
        if this.is::<http_body_util::LengthLimitError>() {
            return Answer::of(&TOO_LARGE, "");
        }
        cause = this.source();
    }
    Answer::of(&BAD_BODY, base::code::excerpt(&error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use futures::stream;
    use std::convert::Infallible;

    fn sent(chunks: Vec<Bytes>) -> Request {
        Request::new(Body::from_stream(stream::iter(chunks.into_iter().map(Ok::<_, Infallible>))))
    }

    /// A few bytes, and then nothing.
    fn dripping(bytes: usize) -> Request {
        let start = stream::iter([Ok::<_, Infallible>(Bytes::from(vec![b'x'; bytes]))]);
        Request::new(Body::from_stream(start.chain(stream::pending())))
    }

    fn code(refused: Result<(Request, Held), Answer>) -> &'static str {
        refused.err().map_or("", |answer| answer.problem().code.id)
    }

    #[tokio::test]
    async fn slow_senders_hold_what_they_sent_and_end_by_themselves() {
        let room = Arc::new(Room::new(2, 1, Duration::from_millis(300)));
        let slow: Vec<_> = (0..50)
            .map(|n| {
                let room = Arc::clone(&room);
                tokio::spawn(async move { code(room.take(format!("slow {n}"), dripping(100)).await) })
            })
            .collect();
        let chunk = Bytes::from(vec![b'y'; 300_000]);
        let (request, held) = room.take("honest".into(), sent(vec![chunk; 5])).await.unwrap();
        assert_eq!(axum::body::to_bytes(request.into_body(), usize::MAX).await.unwrap().len(), 1_500_000);
        assert_eq!(room.arriving.available_permits(), 0);
        // However full it is, a heartbeat is heard.
        room.take("beat".into(), sent(vec![Bytes::from_static(b"{}")])).await.unwrap();
        drop(held);
        assert_eq!(room.arriving.available_permits(), 2);
        for task in slow {
            assert_eq!(task.await.unwrap(), "LF-API-0006");
        }
        assert!(room.senders.lock().unwrap().is_empty(), "nothing is left of them");
    }

    #[tokio::test]
    async fn one_sender_does_not_take_all_turns() {
        let room = Arc::new(Room::new(2, 1, Duration::from_millis(300)));
        let mut held = Vec::new();
        for _ in 0..PER_SENDER {
            held.push(room.take("one".into(), sent(Vec::new())).await.unwrap());
        }
        assert_eq!(code(room.take("one".into(), sent(Vec::new())).await), "LF-API-0009");
        room.take("other".into(), sent(Vec::new())).await.unwrap();
        held.pop();
        room.take("one".into(), sent(Vec::new())).await.unwrap();
    }
}
