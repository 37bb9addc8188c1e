//! The desk of findings: pure decisions, and the fold that makes rows of them.

use base::{FindingId, PersonId, Timestamp};

use crate::error::Refusal;
use crate::model::{Finding, FindingOutcome, FindingState, Raise, SilenceId, Step, StepKind};

/// Steps a finding remembers; older ones are in the audit tree.
pub const TRAIL: usize = 50;
/// Longest reason, characters.
const TEXT: usize = 1_000;
/// Longest subject value: a URL.
const SUBJECT: usize = 2_048;

/// What somebody wants of a finding.
#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// It fired, for the first time or again.
    Raise {
        /// Id of the finding if there is none open.
        id: FindingId,
        /// What fired.
        raise: Box<Raise>,
        /// The silence that covers it now.
        silence: Option<SilenceId>,
    },
    /// A person takes it, or takes it over.
    Take {
        /// Who.
        by: PersonId,
    },
    /// It is closed.
    Resolve {
        /// Who; none for a token.
        by: Option<PersonId>,
        /// What was found out.
        outcome: FindingOutcome,
        /// Why.
        reason: String,
    },
    /// The last step is taken back.
    Undo {
        /// Who; none for a token.
        by: Option<PersonId>,
    },
}

/// What became true of a finding.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// It appeared.
    Raised {
        /// Its id.
        id: FindingId,
        /// What fired.
        raise: Box<Raise>,
        /// The silence that hides it.
        silence: Option<SilenceId>,
    },
    /// It fired again.
    Again {
        /// What fired.
        raise: Box<Raise>,
        /// The silence that hides it now.
        silence: Option<SilenceId>,
    },
    /// A step of a person.
    Stepped {
        /// The step, with the state before.
        step: Step,
        /// The owner after.
        owner: Option<PersonId>,
    },
}

/// Decides.
///
/// # Errors
/// [`Refusal`] when the state or the command does not allow it.
pub fn decide(state: Option<&Finding>, command: Command, now: Timestamp) -> Result<Vec<Change>, Refusal> {
    match (state, command) {
        (open, Command::Raise { id, raise, silence }) => {
            check(&raise)?;
            let change = match open.filter(|finding| finding.state != FindingState::Resolved) {
                None => Change::Raised { id, raise, silence },
                Some(_) => Change::Again { raise, silence },
            };
            Ok(vec![change])
        }
        (None, _) => Err(Refusal::WrongState(FindingState::Resolved)),
        (Some(finding), Command::Take { by }) => {
            if !finding.state.is_open() || finding.owner == Some(by) {
                return Err(Refusal::WrongState(finding.state));
            }
            Ok(vec![stepped(finding, now, Some(by), StepKind::Taken, Some(by), None)])
        }
        (Some(finding), Command::Resolve { by, outcome, reason }) => {
            if finding.state == FindingState::Resolved {
                return Err(Refusal::WrongState(finding.state));
            }
            let reason = reason.trim().to_owned();
            if reason.is_empty() || reason.chars().count() > TEXT || reason.contains('\0') {
                return Err(Refusal::Reason);
            }
            Ok(vec![stepped(finding, now, by, StepKind::Resolved, finding.owner.or(by), Some((outcome, reason)))])
        }
        (Some(finding), Command::Undo { by }) => {
            let Some(last) = last_step(finding) else { return Err(Refusal::NoStep) };
            if finding.state == FindingState::Silenced {
                return Err(Refusal::WrongState(finding.state));
            }
            Ok(vec![stepped(finding, now, by, StepKind::Undone, last.from_owner, None)])
        }
    }
}

/// The row after a change.
#[must_use]
pub fn apply(state: Option<Finding>, change: &Change) -> Option<Finding> {
    match (state, change) {
        (_, Change::Raised { id, raise, silence }) => Some(raised(*id, raise, *silence)),
        (Some(mut finding), Change::Again { raise, silence }) => {
            again(&mut finding, raise, *silence);
            Some(finding)
        }
        (Some(mut finding), Change::Stepped { step, owner }) => {
            walk(&mut finding, step, *owner);
            Some(finding)
        }
        (None, _) => None,
    }
}

/// The step that an undo would take back.
#[must_use]
pub fn last_step(finding: &Finding) -> Option<&Step> {
    finding.trail.iter().rev().find(|step| !step.undone && step.kind != StepKind::Undone)
}

fn check(raise: &Raise) -> Result<(), Refusal> {
    let fits = |text: &str, most: usize| !text.is_empty() && text.len() <= most && !text.contains('\0');
    if !fits(&raise.rule, 128) {
        return Err(Refusal::Field("rule"));
    }
    if !fits(&raise.subject.kind, 32) || !fits(&raise.subject.value, SUBJECT) {
        return Err(Refusal::Field("subject"));
    }
    if !(1..=4).contains(&raise.severity) {
        return Err(Refusal::Field("severity"));
    }
    Ok(())
}

fn stepped(
    finding: &Finding,
    at: Timestamp,
    by: Option<PersonId>,
    kind: StepKind,
    owner: Option<PersonId>,
    verdict: Option<(FindingOutcome, String)>,
) -> Change {
    let (outcome, reason) = verdict.map_or((None, None), |(outcome, reason)| (Some(outcome), Some(reason)));
    let step = Step { at, by, kind, from: finding.state, from_owner: finding.owner, outcome, reason, undone: false };
    Change::Stepped { step, owner }
}

fn raised(id: FindingId, raise: &Raise, silence: Option<SilenceId>) -> Finding {
    Finding {
        id,
        org: raise.org,
        realm: raise.realm,
        tlp: raise.tlp,
        scope: raise.scope,
        rule: raise.rule.clone(),
        severity: raise.severity,
        subject: raise.subject.clone(),
        params: raise.params.clone(),
        why: raise.why.clone(),
        count: 1,
        first_at: raise.first_at,
        last_at: raise.last_at,
        state: if silence.is_some() { FindingState::Silenced } else { FindingState::New },
        owner: None,
        outcome: None,
        reason: None,
        silence,
        campaign: raise.campaign,
        trail: Vec::new(),
        version: 1,
    }
}

fn again(finding: &mut Finding, raise: &Raise, silence: Option<SilenceId>) {
    finding.count += 1;
    finding.severity = finding.severity.max(raise.severity);
    finding.tlp = finding.tlp.strictest(raise.tlp);
    finding.first_at = finding.first_at.min(raise.first_at);
    finding.last_at = finding.last_at.max(raise.last_at);
    finding.params = raise.params.clone();
    finding.why = raise.why.clone();
    finding.campaign = raise.campaign.or(finding.campaign);
    // A silence hides what nobody works on; its end brings it back with the next firing.
    match (finding.state, silence) {
        (FindingState::New, Some(_)) => finding.state = FindingState::Silenced,
        (FindingState::Silenced, None) => finding.state = FindingState::New,
        _ => {}
    }
    finding.silence = silence.filter(|_| finding.state == FindingState::Silenced);
    finding.version += 1;
}

fn walk(finding: &mut Finding, step: &Step, owner: Option<PersonId>) {
    match step.kind {
        StepKind::Taken => finding.state = FindingState::Taken,
        StepKind::Resolved => {
            finding.state = FindingState::Resolved;
            finding.outcome = step.outcome;
            finding.reason.clone_from(&step.reason);
            finding.silence = None;
        }
        StepKind::Undone => {
            let undone = finding.trail.iter_mut().rev().find(|s| !s.undone && s.kind != StepKind::Undone);
            if let Some(last) = undone {
                last.undone = true;
                // A silence may have ended since; what it hid comes back as new.
                finding.state = match last.from {
                    FindingState::Silenced => FindingState::New,
                    other => other,
                };
            }
            finding.outcome = None;
            finding.reason = None;
        }
    }
    finding.owner = owner;
    finding.trail.push(step.clone());
    if finding.trail.len() > TRAIL {
        finding.trail.remove(0);
    }
    finding.version += 1;
}

#[cfg(test)]
#[path = "desk/tests.rs"]
mod tests;
