//! When an indicator is published, renewed, revoked or ends: its directive is issued, lasts longer or ends.

use store::Unit;
use store::outbox::Stored;

use crate::reaction::Reaction;
use crate::{Context, ProcedureError};

/// The consumer's name.
pub const NAME: &str = "procedure.published_to_directive";
/// The reaction.
pub const REACTION: Reaction =
    Reaction { name: NAME, kinds: &["intel.indicator_moved"], handle: |ctx, stored| Box::pin(react(ctx, stored)) };

async fn react(ctx: Context, stored: Stored) -> Result<Unit, ProcedureError> {
    Ok(ctx.edge.react(&stored.event).await?)
}
