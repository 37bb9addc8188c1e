//! When a guard ended a block because its network became protected: people are told, for somebody decided otherwise.

use base::AddressScope;
use detect::{Fact, Raise, Subject, Why};
use events::Event;
use store::Unit;
use store::outbox::Stored;

use crate::reaction::{Reaction, hand, nothing};
use crate::{Context, ProcedureError};

/// The consumer's name.
pub const NAME: &str = "procedure.directive_end_to_finding";
/// The reaction.
pub const REACTION: Reaction =
    Reaction { name: NAME, kinds: &["edge.directive_ended"], handle: |ctx, stored| Box::pin(react(ctx, stored)) };

async fn react(ctx: Context, stored: Stored) -> Result<Unit, ProcedureError> {
    let envelope = stored.event;
    let Event::DirectiveEnded(ended) = envelope.event else { return Ok(nothing(&ctx, NAME)) };
    if ended.reason != "guard" {
        return Ok(nothing(&ctx, NAME));
    }
    let raise = Raise {
        org: envelope.org,
        realm: envelope.realm,
        tlp: envelope.tlp,
        scope: AddressScope::Global,
        rule: "edge.protected".into(),
        severity: 2,
        subject: Subject { kind: "directive".into(), value: ended.directive.to_string() },
        params: serde_json::json!({ "value": ended.value }),
        why: Why { facts: vec![Fact { name: "value".into(), value: ended.value }], ..Why::default() },
        first_at: envelope.at,
        last_at: envelope.at,
        campaign: None,
    };
    Ok(ctx.detect.raise_unit(raise, hand(NAME)).await?)
}
