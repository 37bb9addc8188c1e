//! When an enforcement point enforces something else than it should: a finding for its organisation.

use base::{AddressScope, PointId};
use detect::{Fact, Raise, Subject, Why};
use events::{Envelope, Event};
use store::Unit;
use store::outbox::Stored;

use crate::reaction::{Reaction, hand, nothing};
use crate::{Context, ProcedureError};

/// The consumer's name.
pub const NAME: &str = "procedure.drift_to_finding";
/// The reaction.
pub const REACTION: Reaction = Reaction {
    name: NAME,
    kinds: &["edge.drift_found", "edge.receipt_arrived"],
    handle: |ctx, stored| Box::pin(react(ctx, stored)),
};

async fn react(ctx: Context, stored: Stored) -> Result<Unit, ProcedureError> {
    match told(&stored.event) {
        Some(raise) => Ok(ctx.detect.raise_unit(raise, hand(NAME)).await?),
        None => Ok(nothing(&ctx, NAME)),
    }
}

fn told(envelope: &Envelope) -> Option<Raise> {
    match &envelope.event {
        Event::DriftFound(drift) => {
            // Repaired drift is still somebody changing a firewall by hand.
            let severity = if drift.repaired { 2 } else { 3 };
            let facts = [
                ("missing", drift.missing.to_string()),
                ("extra", drift.extra.to_string()),
                ("repaired", drift.repaired.to_string()),
            ];
            Some(raise(envelope, drift.point, "edge.drift", severity, facts))
        }
        Event::ReceiptArrived(receipt) if !receipt.ok => {
            let facts = [
                ("sequence", receipt.sequence.to_string()),
                ("elements", receipt.elements.to_string()),
                ("read_back", receipt.read_back.to_string()),
            ];
            Some(raise(envelope, receipt.point, "edge.not_enforced", 3, facts))
        }
        _ => None,
    }
}

fn raise(envelope: &Envelope, point: PointId, rule: &str, severity: u8, facts: [(&str, String); 3]) -> Raise {
    let params: serde_json::Map<_, _> =
        facts.iter().map(|(name, value)| ((*name).to_owned(), value.clone().into())).collect();
    Raise {
        org: envelope.org,
        realm: envelope.realm,
        tlp: envelope.tlp,
        scope: AddressScope::Global,
        rule: rule.to_owned(),
        severity,
        subject: Subject { kind: "point".into(), value: point.to_string() },
        params: params.into(),
        why: Why {
            facts: facts.into_iter().map(|(name, value)| Fact { name: name.to_owned(), value }).collect(),
            ..Why::default()
        },
        first_at: envelope.at,
        last_at: envelope.at,
        campaign: None,
    }
}
