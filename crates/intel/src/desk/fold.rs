//! The fold: what an indicator's row is after each change.

use base::{IndicatorId, Timestamp};
use events::intel::IndicatorState;
use events::sensor::Factor;

use crate::desk::{Change, NAME, Stated, What};
use crate::model::{Edit, Evidence, Indicator, Origin};

/// The row after a change.
#[must_use]
pub fn apply(state: Option<Indicator>, change: &Change) -> Option<Indicator> {
    let mut row = match (&change.what, state) {
        (What::Drafted { stated }, _) => return Some(drafted(stated, change.at)),
        (What::Proposed { id, evidence, lasts }, _) => return Some(proposed(*id, evidence, *lasts, change.at)),
        (_, state) => state?,
    };
    row.modified = change.at;
    row.version += 1;
    // Whoever takes up what the host's tokens drafted answers for it from then on, so that another one approves it.
    let taken_up = matches!(change.what, What::Edited { .. } | What::Submitted);
    if taken_up && row.author == Some(access::BOOTSTRAP) && change.by.is_some() {
        row.author = change.by;
    }
    match &change.what {
        What::Drafted { .. } | What::Proposed { .. } => {}
        What::Edited { edit } => edited(&mut row, edit),
        What::Submitted => row.state = IndicatorState::InReview,
        What::Withdrawn => {
            row.state = IndicatorState::Rejected;
            row.reason = None;
        }
        What::Accepted => {
            row.state = IndicatorState::Approved;
            row.reviewer = change.by;
        }
        What::Returned { reason } => {
            row.state = IndicatorState::Draft;
            row.reviewer = change.by;
            row.reason = Some(reason.clone());
        }
        What::Rejected { reason } => {
            row.state = IndicatorState::Rejected;
            row.reviewer = change.by;
            row.reason = Some(reason.clone());
        }
        What::Published { automatic, night, lasts } => {
            row.state = IndicatorState::Published;
            row.approver = change.by;
            row.automatic = *automatic;
            row.night = *night;
            row.lasts = *lasts;
            row.published_at = Some(change.at);
            row.valid_from = change.at;
            row.valid_until = change.at.plus_secs(*lasts);
            row.reason = None;
        }
        What::Renewed { evidence } => renewed(&mut row, evidence, change.at),
        What::Revoked { reason } => {
            row.state = IndicatorState::Revoked;
            row.reason = Some(reason.clone());
        }
        What::Expired => row.state = IndicatorState::Expired,
    }
    Some(row)
}

fn drafted(stated: &Stated, at: Timestamp) -> Indicator {
    let score = f64::from(stated.confidence) / 100.0;
    Indicator {
        id: stated.id,
        org: stated.org,
        realm: stated.realm,
        tlp: stated.tlp,
        scope: stated.scope,
        kind: stated.kind,
        value: stated.value.clone(),
        name: stated.name.clone(),
        description: stated.description.clone(),
        state: IndicatorState::Draft,
        class: None,
        score,
        factors: vec![judgement(stated.confidence)],
        confidence: stated.confidence,
        origin: stated.origin,
        author: stated.author,
        reviewer: None,
        approver: None,
        automatic: false,
        night: false,
        campaign: None,
        lasts: stated.lasts,
        valid_from: at,
        valid_until: at.plus_secs(stated.lasts),
        created: at,
        modified: at,
        published_at: None,
        reason: None,
        sessions_total: 0,
        sensors_total: 0,
        version: 1,
    }
}

fn proposed(id: IndicatorId, evidence: &Evidence, lasts: i64, at: Timestamp) -> Indicator {
    Indicator {
        id,
        org: evidence.org,
        realm: evidence.realm,
        tlp: evidence.tlp,
        scope: evidence.scope,
        kind: evidence.kind,
        value: evidence.value.clone(),
        name: evidence.value.chars().take(NAME).collect(),
        description: String::new(),
        state: IndicatorState::InReview,
        class: Some(evidence.class),
        score: evidence.score,
        factors: evidence.factors.clone(),
        confidence: percent(evidence.score),
        origin: Origin::Sensors,
        author: None,
        reviewer: None,
        approver: None,
        automatic: false,
        night: false,
        campaign: evidence.campaign,
        lasts,
        valid_from: at,
        valid_until: at.plus_secs(lasts),
        created: at,
        modified: at,
        published_at: None,
        reason: None,
        sessions_total: evidence.sessions_total,
        sensors_total: evidence.sensors_total,
        version: 1,
    }
}

fn edited(row: &mut Indicator, edit: &Edit) {
    row.tlp = edit.tlp.unwrap_or(row.tlp);
    if let Some(name) = &edit.name {
        row.name.clone_from(name);
    }
    if let Some(description) = &edit.description {
        row.description.clone_from(description);
    }
    if let Some(confidence) = edit.confidence {
        row.confidence = confidence;
        row.score = f64::from(confidence) / 100.0;
        row.factors = vec![judgement(confidence)];
    }
    if let Some(lasts) = edit.lasts {
        row.lasts = lasts;
        row.valid_until = row.valid_from.plus_secs(lasts);
    }
}

fn renewed(row: &mut Indicator, evidence: &Evidence, at: Timestamp) {
    row.tlp = row.tlp.strictest(evidence.tlp);
    row.class = Some(row.class.map_or(evidence.class, |class| class.min(evidence.class)));
    row.campaign = evidence.campaign.or(row.campaign);
    row.sessions_total = row.sessions_total.max(evidence.sessions_total);
    row.sensors_total = row.sensors_total.max(evidence.sensors_total);
    // A person's judgement is not replaced by a lower measurement.
    if row.origin == Origin::Sensors || evidence.score >= row.score {
        row.score = evidence.score;
        row.factors.clone_from(&evidence.factors);
        row.confidence = percent(evidence.score);
    }
    row.valid_until = row.valid_until.max(at.plus_secs(row.lasts));
}

/// The score of a statement without proof: its author's confidence.
fn judgement(confidence: u8) -> Factor {
    Factor { name: "judgement".into(), input: f64::from(confidence), part: f64::from(confidence) / 100.0 }
}

/// A score as STIX confidence (section 3.2: 0 to 100).
fn percent(score: f64) -> u8 {
    (0..=100_u8).find(|n| f64::from(*n) + 0.5 > score * 100.0).unwrap_or(100)
}
