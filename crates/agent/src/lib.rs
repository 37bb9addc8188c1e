//! The enforcement agent: synchronise, apply, read back, probe, receipt, repair.
//!
//! The agent dials the centre, takes signed frames, judges every entry again with its own guards, keeps the state on
//! its disk, drives one engine, and says what is really enforced. Without the centre it goes on: what is in force
//! stays until its own end. This room must not decide what to block and must not listen on any port.
//!
//! **Enters:** frames of the centre, the local kill switch. **Leaves:** engine state, receipts, heartbeats.
//!
//! # Invariants
//! - Nothing that the pinned key did not sign, and nothing in a protected network, ever reaches the engine.
//! - What a receipt says was read back from the engine, and where packets can be sent, proved by packets.
//! - An element leaves the engine at its end, whether the centre is there or not.
//! - Differences between engine and desired state are repaired and told, never silently accepted.

mod config;
mod desired;
mod enforce;
mod engine;
mod enrol;
mod error;
mod floor;
mod identity;
mod judge;
mod keep;
pub mod kill;
mod point;
mod stream;

use base::Env;
use drivers::Driver;
use link::{Kind, Line};
use tokio::sync::{mpsc, watch};
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

pub use config::{AgentConfig, EngineConfig, Rhythm};
pub use enrol::enrol;
pub use error::AgentError;
pub use identity::Identity;
pub use link::EnrolTrust;

use engine::Engine;
use point::Point;
use stream::{Dial, Link};

/// Every coded error of this room.
pub static ALL_CODES: &[&[&base::Code]] = &[error::CODES];

/// Lines that wait for the point; the stream waits when it is full.
const LINES: usize = 4;
/// How long the last words may take at a stop.
const LAST_WORDS: std::time::Duration = std::time::Duration::from_secs(3);

/// Runs the enforcement point until `cancel` is cancelled. What is enforced stays in force.
///
/// # Errors
/// No identity, a folder that cannot be used, no engine, or an engine whose worker ended.
pub async fn run(config: AgentConfig, env: Env, cancel: CancellationToken) -> Result<(), AgentError> {
    let driver = config.engine.open()?;
    run_with(config, driver, env, cancel).await
}

/// The same with an engine of the caller's choice.
///
/// # Errors
/// As [`run`].
pub async fn run_with(
    config: AgentConfig,
    driver: Box<dyn Driver>,
    env: Env,
    cancel: CancellationToken,
) -> Result<(), AgentError> {
    let identity = Identity::load(&config.folder)?;
    let line = Line::open(&config.folder, identity.tie.clone(), Kind::Edge, env.clone())?;
    let link = Link::new(line.clone());
    let rhythm = config.rhythm;
    let (up, words) = mpsc::unbounded_channel();
    let (dial, dialled) = watch::channel(Dial::default());
    let (down, mut lines) = mpsc::channel(LINES);
    let mut point = Point::open((config.folder, rhythm), &identity, Engine::new(driver), up, dial, env.clone())?;
    point.begin().await?;

    let reader =
        tokio::spawn(stream::read_down(link.clone(), dialled, down, env.clone(), rhythm.longest_pause, cancel.clone()));
    let renewal = tokio::spawn(line.keep_renewed(rhythm.looks, cancel.clone()));
    let sender = tokio::spawn(stream::send_up(link, words, env, rhythm.longest_pause, cancel.clone()));
    let mut ticks = tokio::time::interval(rhythm.tick);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let outcome = loop {
        let done = tokio::select! {
            () = cancel.cancelled() => break Ok(()),
            Some(word) = lines.recv() => point.take_down(word).await,
            _ = ticks.tick() => point.tick().await,
        };
        if done.is_err() {
            break done;
        }
    };
    cancel.cancel();
    // The engine's helpers are taken down on a blocking thread; the elements stay.
    let _ended = tokio::task::spawn_blocking(move || drop(point)).await;
    let _ended = tokio::time::timeout(LAST_WORDS, sender).await;
    reader.abort();
    renewal.abort();
    outcome
}
