//! When sensors proved something strongly enough: an indicator is proposed, renewed, or published by the automatic path.

use events::Event;
use events::sensor::Aim;
use intel::{Evidence, IntelError, Proposal};
use store::Unit;
use store::outbox::Stored;

use crate::observable_to_finding::tells;
use crate::reaction::{Reaction, hand, nothing};
use crate::{Context, ProcedureError, owner};

/// The consumer's name.
pub const NAME: &str = "procedure.observable_to_indicator";
/// The reaction.
pub const REACTION: Reaction =
    Reaction { name: NAME, kinds: &["sensor.observable_assessed"], handle: |ctx, stored| Box::pin(react(ctx, stored)) };

async fn react(ctx: Context, stored: Stored) -> Result<Unit, ProcedureError> {
    let nothing = nothing(&ctx, NAME);
    let envelope = stored.event;
    let Event::ObservableAssessed(seen) = envelope.event else { return Ok(nothing) };
    // A known benign scanner is shown and scored down; making an indicator of it is left to people.
    if seen.benign.is_some() || (seen.aim == Aim::Noise && !tells(seen.class)) {
        return Ok(nothing);
    }
    let holder = owner::of(&ctx.registry, seen.value_kind, &seen.value, seen.scope, seen.last_at);
    if holder.is_some_and(|holder| !holder.carrier) {
        return Ok(nothing);
    }
    let evidence = Evidence {
        org: envelope.org,
        realm: envelope.realm,
        tlp: envelope.tlp,
        scope: seen.scope,
        kind: seen.value_kind,
        value: seen.value,
        class: seen.class,
        score: seen.score,
        factors: seen.factors,
        sessions_total: seen.sessions_total,
        sessions: seen.sessions,
        sensors_total: seen.sensors_total,
        campaign: seen.campaign,
        first_at: seen.first_at,
        last_at: seen.last_at,
    };
    match ctx.intel.propose_unit(evidence, hand(NAME)).await {
        Ok((unit, Proposal::Moved(_))) => Ok(unit),
        Ok((_, Proposal::Quiet(why))) => {
            tracing::debug!(?why, "evidence led to no indicator");
            Ok(nothing)
        }
        // Attackers choose what they type: a value that is none is no failure of ours.
        Err(IntelError::Value(why)) => {
            tracing::debug!(%why, "evidence without a value");
            Ok(nothing)
        }
        Err(error) => Err(error.into()),
    }
}
