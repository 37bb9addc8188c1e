//! When a sensor says nothing for longer than its own rhythm explains: a finding for its organisation.

use base::AddressScope;
use detect::{Fact, Raise, Subject, Why};
use events::Event;
use store::Unit;
use store::outbox::Stored;

use crate::reaction::{Reaction, hand, nothing};
use crate::{Context, ProcedureError};

/// The consumer's name.
pub const NAME: &str = "procedure.silent_sensor_to_finding";
/// The reaction.
pub const REACTION: Reaction =
    Reaction { name: NAME, kinds: &["sensor.went_silent"], handle: |ctx, stored| Box::pin(react(ctx, stored)) };

async fn react(ctx: Context, stored: Stored) -> Result<Unit, ProcedureError> {
    let envelope = stored.event;
    let Event::SensorWentSilent(silent) = envelope.event else { return Ok(nothing(&ctx, NAME)) };
    let last_heard = silent.last_heard.rfc3339();
    let raise = Raise {
        org: envelope.org,
        realm: envelope.realm,
        tlp: envelope.tlp,
        scope: AddressScope::Global,
        rule: "sensor.silent".into(),
        severity: 2,
        subject: Subject { kind: "sensor".into(), value: silent.sensor.to_string() },
        params: serde_json::json!({ "name": silent.name, "last_heard": last_heard }),
        why: Why {
            facts: vec![
                Fact { name: "sensor".into(), value: silent.name },
                Fact { name: "last_heard".into(), value: last_heard },
            ],
            ..Why::default()
        },
        first_at: envelope.at,
        last_at: envelope.at,
        campaign: None,
    };
    Ok(ctx.detect.raise_unit(raise, hand(NAME)).await?)
}
