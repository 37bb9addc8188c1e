//! The uplink: events leave in compressed batches, again and again until the centre says it has them.

use base::{Coded, Env};
use link::{Line, LinkError};
use serde::Deserialize;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

use crate::spool::{Outgoing, Store};

/// Lines of one batch.
const LINES: usize = 5_000;
/// Bytes of one batch before compression.
const BYTES: usize = 2 << 20;
/// The first pause after a failure.
const PAUSE: Duration = Duration::from_millis(500);
/// The longest pause.
const LONGEST: Duration = Duration::from_secs(60);
/// The pause after the centre has said that it does not know this sensor any more.
const REVOKED: Duration = Duration::from_secs(300);
/// How long the last batch may take when the sensor stops.
const LAST: Duration = Duration::from_secs(3);

/// The centre's answer to a batch.
#[derive(Debug, Deserialize)]
struct Answer {
    ack: u64,
    #[serde(default)]
    rejected: Vec<Rejected>,
}

#[derive(Debug, Deserialize)]
struct Rejected {
    line: u64,
    code: String,
}

/// Why a batch has to be sent again.
#[derive(Debug)]
enum Again {
    /// After the usual pause.
    Later(String),
    /// When the centre said.
    After(Duration),
    /// In smaller pieces.
    Smaller,
    /// The centre does not know this sensor.
    Revoked,
}

/// Sends what the spool holds.
#[derive(Debug)]
pub struct Uplink {
    line: Line,
    url: String,
    store: Store,
    env: Env,
    /// Lines the centre could not use, since the start.
    rejected: Arc<AtomicU64>,
}

impl Uplink {
    /// An uplink to the centre's machine listener.
    #[must_use]
    pub fn new(line: Line, store: Store, env: Env) -> Self {
        let url = line.door("batch");
        Self { line, url, store, env, rejected: Arc::default() }
    }

    /// Sends until cancelled, then once more what is left.
    pub async fn run(self, cancel: CancellationToken) {
        let mut lines = LINES;
        let mut pause = PAUSE;
        loop {
            tokio::select! {
                () = cancel.cancelled() => break,
                () = self.store.wait_for_more() => {}
            }
            let sent = tokio::select! {
                () = cancel.cancelled() => break,
                sent = self.send(lines) => sent,
            };
            let wait = match sent {
                Ok(()) => {
                    (lines, pause) = (LINES, PAUSE);
                    continue;
                }
                Err(Again::Smaller) if lines > 1 => {
                    lines = (lines / 4).max(1);
                    continue;
                }
                Err(Again::Smaller) => LONGEST,
                Err(Again::After(wait)) => wait.min(REVOKED),
                Err(Again::Revoked) => {
                    let problem = LinkError::Refused { status: 403, detail: String::new() }.problem();
                    tracing::error!(%problem, "the centre does not take the events of this sensor");
                    REVOKED
                }
                Err(Again::Later(why)) => {
                    tracing::warn!(%why, pause_ms = u64::try_from(pause.as_millis()).unwrap_or(0), "the centre did not take a batch");
                    let wait = self.jitter(pause);
                    pause = (pause * 2).min(LONGEST);
                    wait
                }
            };
            tokio::select! {
                () = cancel.cancelled() => break,
                () = tokio::time::sleep(wait) => {}
            }
        }
        let last =
            async { while matches!(self.store.next(1, 1).await, Ok(Some(_))) && self.send(LINES).await.is_ok() {} };
        // What does not get out now goes out after the next start.
        let _ = tokio::time::timeout(LAST, last).await;
    }

    /// Between half and one and a half times the pause, so that a fleet does not come back at the same moment.
    fn jitter(&self, pause: Duration) -> Duration {
        let [byte] = self.env.bytes::<1>();
        pause / 2 + pause * u32::from(byte) / 256
    }

    async fn send(&self, lines: usize) -> Result<(), Again> {
        let later = |e: &dyn std::error::Error| Again::Later(link::causes(e));
        // Waiting ended because something is there; if nothing comes out, the next look has to wait.
        let Some(batch) = self.store.next(lines, BYTES).await.map_err(|e| later(&e))? else {
            return Err(Again::Later("there is nothing to send".to_owned()));
        };
        let body = compress(&batch).map_err(|e| later(&e))?;
        // A centre that has less than it acknowledged takes nothing under these numbers; behind a gap it cannot have more.
        let acked = if batch.gap { 0 } else { batch.first - 1 };
        let response = self
            .line
            .client()
            .post(&self.url)
            .header("content-type", "application/x-ndjson")
            .header("content-encoding", "zstd")
            .header("lianfang-epoch", batch.epoch)
            .header("lianfang-seq", batch.first)
            .header("lianfang-acked", acked)
            .body(body)
            .send()
            .await
            .map_err(|e| later(&e.without_url()))?;
        let status = response.status().as_u16();
        match status {
            200 => {}
            403 => return Err(Again::Revoked),
            413 => return Err(Again::Smaller),
            429 | 503 => {
                let seconds =
                    response.headers().get("retry-after").and_then(|v| v.to_str().ok()).and_then(|v| v.parse().ok());
                return Err(seconds
                    .map_or_else(|| Again::Later(format!("HTTP {status}")), |s| Again::After(Duration::from_secs(s))));
            }
            _ => return Err(Again::Later(format!("HTTP {status}"))),
        }
        let text = link::body(response).await.map_err(|e| later(&e))?;
        let answer: Answer = serde_json::from_slice(&text).map_err(|e| later(&e))?;
        self.settle(&batch, &answer).await
    }

    async fn settle(&self, batch: &Outgoing, answer: &Answer) -> Result<(), Again> {
        let later = |e: crate::TrapError| Again::Later(link::causes(&e));
        self.rejected.fetch_add(answer.rejected.len() as u64, Ordering::Relaxed);
        for rejected in answer.rejected.iter().take(3) {
            tracing::warn!(line = rejected.line, code = %rejected.code, "the centre could not use a line");
        }
        // Behind a gap the centre's number stands still: what it answered for without a failure is durable.
        let ack = if batch.gap { answer.ack.max(batch.last()) } else { answer.ack };
        if ack.saturating_add(1) < batch.first {
            // The centre lacks events that it had acknowledged: it was restored from a backup, or this sensor was
            // enrolled again and is new to it. They are gone here; a new epoch lets the rest through. Nothing of this
            // batch was taken, so that nothing comes twice.
            tracing::error!(
                ack,
                first = batch.first,
                "the centre does not have the events that were acknowledged to this spool; beginning a new epoch"
            );
            self.store.begin_epoch().map_err(later)?;
            return Ok(());
        }
        match self.store.acknowledge(batch.epoch, ack).await.map_err(later)? {
            true => Ok(()),
            false => Err(Again::Later("nothing new was acknowledged".to_owned())),
        }
    }
}

fn compress(batch: &Outgoing) -> std::io::Result<Vec<u8>> {
    let mut text = Vec::with_capacity(batch.lines.iter().map(|l| l.len() + 1).sum());
    for line in &batch.lines {
        text.extend_from_slice(line);
        text.push(b'\n');
    }
    zstd::bulk::compress(&text, 1)
}
