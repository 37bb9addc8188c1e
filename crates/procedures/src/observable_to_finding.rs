//! When sensors assessed an address: a finding for the organisation that was attacked, and one for whoever holds the
//! address (an infected host of a member, a customer of a carrier).

use base::OrgId;
use detect::{Fact, Raise, Subject, Why};
use events::sensor::{Aim, AttackClass, ObservableAssessed};
use events::{Envelope, Event};
use store::Unit;
use store::outbox::Stored;

use crate::reaction::{Reaction, hand, nothing};
use crate::{Context, ProcedureError, owner};

/// The consumer's name.
pub const NAME: &str = "procedure.observable_to_finding";
/// The reaction.
pub const REACTION: Reaction =
    Reaction { name: NAME, kinds: &["sensor.observable_assessed"], handle: |ctx, stored| Box::pin(react(ctx, stored)) };

/// From this score on people are told; it is the first band of the assessment.
const TELL_FROM: f64 = 0.4;
/// From this score on a finding is one step more severe; it is the last band.
const SURE_FROM: f64 = 0.8;

async fn react(ctx: Context, stored: Stored) -> Result<Unit, ProcedureError> {
    let mut unit = nothing(&ctx, NAME);
    let Event::ObservableAssessed(seen) = &stored.event.event else { return Ok(unit) };
    // Artefacts of an attack become indicators; its source is what people work on.
    if !seen.value_kind.is_address() || !intel::policy::provable(seen.class) || seen.score < TELL_FROM {
        return Ok(unit);
    }
    let holder = owner::of(&ctx.registry, seen.value_kind, &seen.value, seen.scope, seen.last_at);
    for raise in raises(&stored.event, seen, holder) {
        unit = unit.and(ctx.detect.raise_unit(raise, hand(NAME)).await?);
    }
    Ok(unit)
}

/// The findings that follow, at most one per organisation.
fn raises(envelope: &Envelope, seen: &ObservableAssessed, holder: Option<owner::Holder>) -> Vec<Raise> {
    let mut all = Vec::new();
    match holder {
        Some(own) if !own.carrier => all.push(raise(envelope, seen, own.org, "sensor.infected_host", 4)),
        Some(carrier) => all.push(raise(envelope, seen, carrier.org, "sensor.customer_attacks", 2)),
        None => {}
    }
    // Background noise that only knocks is counted by the sensors; it is nobody's work.
    let background = seen.aim == Aim::Noise && !tells(seen.class);
    if let Some(severity) = severity(seen).filter(|_| !background) {
        all.push(raise(envelope, seen, envelope.org, rule(seen.class), severity));
    }
    all
}

/// Whether a class says more than that somebody knocked and guessed.
pub(crate) const fn tells(class: AttackClass) -> bool {
    matches!(
        class,
        AttackClass::IcsControl
            | AttackClass::Download
            | AttackClass::ExploitAttempt
            | AttackClass::CommandExecution
            | AttackClass::ProxyAbuse
    )
}

/// The rule's stable name.
const fn rule(class: AttackClass) -> &'static str {
    match class {
        AttackClass::IcsControl => "sensor.ics_control",
        AttackClass::Download => "sensor.download",
        AttackClass::ExploitAttempt => "sensor.exploit_attempt",
        AttackClass::CommandExecution => "sensor.command_execution",
        AttackClass::ProxyAbuse => "sensor.proxy_abuse",
        AttackClass::CredentialGuessing => "sensor.credential_guessing",
        AttackClass::CredentialSpray => "sensor.credential_spray",
        AttackClass::Flood => "sensor.flood",
        AttackClass::BannerGrab => "sensor.banner_grab",
        AttackClass::Scan => "sensor.scan",
        AttackClass::UdpProbe => "sensor.udp_probe",
    }
}

/// 1 to 4 by what was done, one more when it is sure; none for what nobody has to look at.
fn severity(seen: &ObservableAssessed) -> Option<u8> {
    let by_class = match seen.class {
        AttackClass::IcsControl => 4,
        AttackClass::Download | AttackClass::ExploitAttempt => 2,
        AttackClass::CommandExecution | AttackClass::ProxyAbuse | AttackClass::CredentialGuessing => 2,
        AttackClass::CredentialSpray | AttackClass::Flood => 1,
        AttackClass::BannerGrab | AttackClass::Scan | AttackClass::UdpProbe => return None,
    };
    Some((by_class + u8::from(seen.score >= SURE_FROM)).min(4))
}

fn raise(envelope: &Envelope, seen: &ObservableAssessed, org: OrgId, rule: &str, severity: u8) -> Raise {
    let fact = |name: &str, value: String| Fact { name: name.to_owned(), value };
    Raise {
        org,
        realm: envelope.realm,
        tlp: envelope.tlp,
        scope: seen.scope,
        rule: rule.to_owned(),
        severity,
        subject: Subject { kind: seen.value_kind.word().to_owned(), value: seen.value.clone() },
        params: serde_json::json!({
            "value": seen.value, "class": seen.class, "sessions": seen.sessions_total, "sensors": seen.sensors_total,
        }),
        why: Why {
            facts: vec![
                fact("class", seen.class.word().to_owned()),
                fact("sessions", seen.sessions_total.to_string()),
                fact("sensors", seen.sensors_total.to_string()),
                fact("first_at", seen.first_at.rfc3339()),
                fact("last_at", seen.last_at.rfc3339()),
                fact("aim", seen.aim.word().to_owned()),
            ],
            factors: seen.factors.clone(),
            score: Some(seen.score),
            sessions: seen.sessions.clone(),
        },
        first_at: seen.first_at,
        last_at: seen.last_at,
        campaign: seen.campaign,
    }
}
