//! The heartbeat: every half minute the sensor says how it is, so that silence at the centre means something.

use base::Env;
use link::Line;
use serde::Serialize;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

use crate::persona::Persona;
use crate::probe::{Probe, Probed, probe};
use crate::spool::{Spool, Store};
use crate::visit::{Census, OwnProbes};

/// What a sensor says about itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Heartbeat {
    /// The program's version.
    pub version: String,
    /// SHA-256 of its settings, hex.
    pub config_hash: String,
    /// Events waiting in the spool.
    pub spool_depth: u64,
    /// Events dropped since the sensor started.
    pub spool_dropped: u64,
    /// Resident memory.
    pub rss_bytes: u64,
    /// Open attacker sessions.
    pub sessions_open: u32,
    /// The sensor's clock, microseconds since the Unix epoch.
    pub clock_micros: i64,
    /// What the sensor found when it connected to its own listeners.
    pub probes: Vec<Probe>,
}

/// What a heartbeat is made from.
pub(crate) struct Pulse {
    pub(crate) line: Line,
    pub(crate) env: Env,
    pub(crate) config_hash: String,
    pub(crate) store: Store,
    pub(crate) spool: Spool,
    pub(crate) census: Arc<Census>,
    pub(crate) persona: Persona,
    pub(crate) own: Arc<OwnProbes>,
    pub(crate) probed: Vec<Probed>,
    pub(crate) every: Duration,
}

impl Pulse {
    async fn measure(&self) -> Heartbeat {
        let mut probes = Vec::with_capacity(self.probed.len());
        for target in &self.probed {
            probes.push(probe(*target, &self.persona, &self.own).await);
        }
        Heartbeat {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            config_hash: self.config_hash.clone(),
            spool_depth: self.store.depth(),
            spool_dropped: self.spool.dropped(),
            rss_bytes: runtime::process::rss_bytes(),
            sessions_open: self.census.open(),
            clock_micros: self.env.now().as_micros(),
            probes,
        }
    }

    /// Beats until cancelled; the first beat comes at once.
    pub(crate) async fn run(self, cancel: CancellationToken) {
        let mut beat = tokio::time::interval(self.every);
        beat.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = cancel.cancelled() => return,
                _ = beat.tick() => {}
            }
            let state = self.measure().await;
            for failed in state.probes.iter().filter(|p| !p.ok) {
                tracing::error!(listener = %failed.listener, "an own listener does not answer as it should");
            }
            tracing::debug!(
                open = state.sessions_open,
                refused = self.census.refused(),
                depth = state.spool_depth,
                "heartbeat"
            );
            let sent = tokio::select! {
                () = cancel.cancelled() => return,
                sent = self.line.client().post(self.line.door("heartbeat")).json(&state).send() => sent,
            };
            match sent.map(|r| r.status()) {
                Ok(status) if status.is_success() => {}
                Ok(status) => tracing::warn!(%status, "the centre did not take a heartbeat"),
                Err(error) => {
                    tracing::warn!(why = %link::causes(&error.without_url()), "the centre did not take a heartbeat")
                }
            }
        }
    }
}
