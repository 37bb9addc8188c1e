//! When the registry changes, or time begins or ends a registration: the networks that enforcement protects follow.
//!
//! What people protected by hand stays; entries of the registry are told apart by how their reason begins.

use std::time::Duration;

use base::{AddressScope, Realm};
use edge::wire::ProtectedNet;
use registry::Why;
use runtime::CancellationToken;

use crate::reaction::hand;
use crate::{Context, ProcedureError};

/// The task's name.
pub const NAME: &str = "procedure.protected_networks";
/// How entries of the registry begin.
const MARK: &str = "registry: ";
/// How often the registry is compared; a change of this process is seen within this time.
const EVERY: Duration = Duration::from_secs(1);

/// Runs until `stop` is cancelled; failures are logged and tried again.
pub async fn run(ctx: Context, stop: CancellationToken) {
    loop {
        if let Err(error) = follow(&ctx, Realm::Real).await {
            tracing::warn!(%error, "protected networks could not be handed to enforcement; it is tried again");
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(EVERY) => {}
        }
    }
}

/// Hands the registry's protected networks to enforcement, where they differ. Comes back with whether they did.
///
/// # Errors
/// [`ProcedureError::Edge`].
pub async fn follow(ctx: &Context, realm: Realm) -> Result<bool, ProcedureError> {
    let whose = ctx.registry.whose();
    let own = whose.protected(ctx.env.now());
    // An address plan of one organisation is not what the internet's block lists are about.
    let registered = own.into_iter().filter(|entry| entry.scope == AddressScope::Global).map(|entry| {
        let why = match entry.why {
            Why::Own => "own network",
            Why::Critical => "critical infrastructure",
        };
        let code = whose.card(entry.org).map_or_else(|| entry.org.to_string(), |card| card.code.to_string());
        ProtectedNet { net: entry.net, why: format!("{MARK}{why} of {code}") }
    });
    let registered: Vec<ProtectedNet> = registered.collect();
    let mut present = ctx.edge.config(realm).await?.config.protected;
    present.sort_unstable();
    if present == merged(&present, &registered) {
        return Ok(false);
    }
    // Merged again with what is in force when edge decides: a person may have changed it since it was read.
    ctx.edge.set_protected_as(hand(NAME), realm, |present| merged(present, &registered)).await?;
    Ok(true)
}

/// What people protected by hand, and what the registry protects now.
fn merged(present: &[ProtectedNet], registered: &[ProtectedNet]) -> Vec<ProtectedNet> {
    let by_hand = present.iter().filter(|entry| !entry.why.starts_with(MARK));
    let mut protected: Vec<ProtectedNet> = by_hand.chain(registered).cloned().collect();
    protected.sort_unstable();
    protected.dedup();
    protected
}
