//! One file per joint procedure: what happens when. The only room that knows several domains at once.
//!
//! A procedure reads one kind of event from the outbox and answers with one unit, which commits together with the
//! consumer's cursor: it happens exactly once, however often the handler runs.
//!
//! **Enters:** events of the outbox. **Leaves:** findings, indicators, directives, protected networks.
//!
//! # Invariants
//! - An address, name or URL of one of our own organisations never becomes an indicator by itself; it becomes a finding
//!   for that organisation.
//! - A procedure decides nothing: the desk of the room it calls does, with that room's guards.

pub mod directive_end_to_finding;
pub mod drift_to_finding;
pub mod error;
pub mod guard;
pub mod observable_to_finding;
pub mod observable_to_indicator;
pub mod owner;
pub mod protected_networks;
pub mod published_to_directive;
pub mod reaction;
pub mod second_look;
pub mod silent_sensor_to_finding;

use base::Env;
use detect::Detect;
use edge::Edge;
use intel::Intel;
use registry::Registry;
use runtime::{CancellationToken, Supervisor};
use store::{Db, StoreError};

pub use error::ProcedureError;
pub use guard::CentreGuard;
pub use reaction::{Reaction, Task};

/// The rooms that procedures join; cheap to clone.
#[derive(Debug, Clone)]
pub struct Context {
    /// The database.
    pub db: Db,
    /// Time and randomness.
    pub env: Env,
    /// Whose is it?
    pub registry: Registry,
    /// Findings.
    pub detect: Detect,
    /// Indicators.
    pub intel: Intel,
    /// Enforcement.
    pub edge: Edge,
}

/// Every reaction to the outbox. A name is the consumer's cursor in the store and never changes.
pub static REACTIONS: &[Reaction] = &[
    observable_to_finding::REACTION,
    observable_to_indicator::REACTION,
    published_to_directive::REACTION,
    silent_sensor_to_finding::REACTION,
    drift_to_finding::REACTION,
    directive_end_to_finding::REACTION,
];

/// Every task of this room with its name, to be run until `stop` is cancelled.
#[must_use]
pub fn all(ctx: &Context, stop: &CancellationToken) -> Vec<(&'static str, Task)> {
    let reactions = REACTIONS.iter().map(|reaction| (reaction.name, reaction.task(ctx.clone(), stop.clone())));
    let networks: Task = Box::pin(protected_networks::run(ctx.clone(), stop.clone()));
    reactions.chain([(protected_networks::NAME, networks)]).collect()
}

/// Starts every task of this room; one that ends early is started again.
pub fn start(ctx: &Context, supervisor: &Supervisor) {
    for reaction in REACTIONS {
        let (ctx, stop) = (ctx.clone(), supervisor.cancel_token());
        supervisor.spawn_restarting(reaction.name, move || reaction.task(ctx.clone(), stop.clone()));
    }
    let (ctx, stop) = (ctx.clone(), supervisor.cancel_token());
    supervisor.spawn_restarting(protected_networks::NAME, move || protected_networks::run(ctx.clone(), stop.clone()));
}

/// Handles everything that is in the outbox now, and what follows from it, until nothing is left: for tests and for
/// the end of the demo's script. Comes back with how many events were given up.
///
/// # Errors
/// [`StoreError`] when the store fails.
pub async fn drain(ctx: &Context) -> Result<u64, StoreError> {
    let mut dead = 0;
    loop {
        let mut handled = 0;
        for reaction in REACTIONS {
            let drained = reaction.drain(ctx).await?;
            handled += drained.handled + drained.dead;
            dead += drained.dead;
        }
        if handled == 0 {
            return Ok(dead);
        }
    }
}

/// Every code of this room: it has none of its own.
pub static ALL_CODES: &[&[&base::Code]] = &[];
