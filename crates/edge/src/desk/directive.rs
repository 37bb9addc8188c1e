//! The desk of directives.

use base::{AddrSpec, AddressScope, DirectiveId, IndicatorId, OrgId, PersonId, Realm, Timestamp, Tlp};

use crate::error::Refusal;
use crate::guard::{Guards, Reason, Ruling, Verdict, ruling};
use crate::model::{Audience, Directive, DirectiveState, EndReason, Impact};
use crate::wire::Intent;

/// The longest reason in words.
pub const MAX_REASON: usize = 2_000;

/// What somebody asks for.
#[derive(Debug, Clone, PartialEq)]
pub struct Ask {
    /// Whose decision it is.
    pub org: OrgId,
    /// Real life or an exercise.
    pub realm: Realm,
    /// Its marking.
    pub tlp: Tlp,
    /// Whose address plan the value belongs to.
    pub scope: AddressScope,
    /// The address or network.
    pub key: AddrSpec,
    /// Deny or allow.
    pub intent: Intent,
    /// When it shall end.
    pub expires: Timestamp,
    /// Why, in words.
    pub reason: String,
    /// The indicator behind it.
    pub indicator: Option<IndicatorId>,
    /// Where it comes from.
    pub provenance: serde_json::Value,
}

/// A command to the desk.
#[derive(Debug, Clone)]
pub enum Command<'a> {
    /// Somebody asks for it.
    Issue {
        /// The new directive's id.
        id: DirectiveId,
        /// What is asked for.
        ask: Box<Ask>,
        /// Who asks; none for the automatic path.
        author: Option<PersonId>,
        /// The guards of the centre.
        guards: &'a Guards,
        /// What the rate of change has to say, where it does.
        rate: Option<Reason>,
    },
    /// The second person agrees.
    Approve {
        /// Who; none for the centre's own machinery on its host.
        by: Option<PersonId>,
        /// The night-shift rule lets the author approve; somebody looks at it afterwards.
        night: bool,
        /// The guards of the centre: networks may have become protected meanwhile.
        guards: &'a Guards,
    },
    /// Fresh evidence: it lasts longer.
    Renew {
        /// The new end; an earlier one than the present is no change.
        expires: Timestamp,
        /// The guards of the centre.
        guards: &'a Guards,
    },
    /// It ends.
    End(EndReason),
}

/// What became true.
#[derive(Debug, Clone, PartialEq)]
pub enum Fact {
    /// It was issued, active or held.
    Issued(Box<Directive>),
    /// A second person agreed: it is active.
    Approved {
        /// Who.
        by: Option<PersonId>,
    },
    /// It lasts until then.
    Renewed {
        /// The new end.
        expires: Timestamp,
    },
    /// It is over.
    Ended {
        /// Why.
        reason: EndReason,
        /// Since when.
        at: Timestamp,
    },
}

/// Decides.
///
/// # Errors
/// Why the command cannot be.
pub fn decide(state: Option<&Directive>, command: Command<'_>, now: Timestamp) -> Result<Vec<Fact>, Refusal> {
    match (state, command) {
        (None, Command::Issue { id, ask, author, guards, rate }) => {
            Ok(vec![Fact::Issued(Box::new(issue(id, *ask, author, guards, rate, now)?))])
        }
        (None, _) => Err(Refusal::WrongState("not issued")),
        (Some(directive), Command::Issue { .. }) => Err(Refusal::WrongState(directive.state.word())),
        (Some(directive), Command::Approve { by, night, guards }) => approve(directive, by, night, guards, now),
        (Some(directive), Command::Renew { expires, guards }) => renew(directive, expires, guards, now),
        (Some(directive), Command::End(reason)) => end(directive, reason, now),
    }
}

/// The directive after a fact.
#[must_use]
pub fn apply(state: Option<Directive>, fact: &Fact) -> Option<Directive> {
    let mut directive = match fact {
        Fact::Issued(directive) => return Some((**directive).clone()),
        Fact::Approved { .. } | Fact::Renewed { .. } | Fact::Ended { .. } => state?,
    };
    match fact {
        Fact::Issued(_) => {}
        Fact::Approved { by } => {
            directive.state = DirectiveState::Active;
            directive.approver = *by;
        }
        Fact::Renewed { expires } => directive.expires = *expires,
        Fact::Ended { reason, at } => {
            directive.state = DirectiveState::Ended;
            directive.ended = Some(*at);
            directive.end_reason = Some(*reason);
        }
    }
    directive.version += 1;
    Some(directive)
}

fn issue(
    id: DirectiveId,
    ask: Ask,
    author: Option<PersonId>,
    guards: &Guards,
    rate: Option<Reason>,
    now: Timestamp,
) -> Result<Directive, Refusal> {
    if ask.reason.chars().count() > MAX_REASON {
        return Err(Refusal::BadField("reason", "longer than 2,000 characters"));
    }
    if Audience::of(ask.org, ask.tlp, ask.scope).is_none() {
        return Err(Refusal::NoAudience);
    }
    let mut verdicts = guards.chain(ask.key, ask.intent, ask.expires, now);
    verdicts.push(Verdict::of(crate::guard::GuardName::Change, rate));
    let state = match ruling(&verdicts) {
        Ruling::Pass => DirectiveState::Active,
        Ruling::Hold => DirectiveState::Held,
        Ruling::Reject => return Err(Refusal::Guarded(verdicts)),
    };
    Ok(Directive {
        id,
        org: ask.org,
        realm: ask.realm,
        tlp: ask.tlp,
        scope: ask.scope,
        key: ask.key,
        intent: ask.intent,
        impact: Impact::of(ask.key),
        state,
        author,
        approver: None,
        indicator: ask.indicator,
        provenance: ask.provenance,
        reason: ask.reason,
        verdicts,
        issued: now,
        expires: ask.expires,
        ended: None,
        end_reason: None,
        version: 1,
    })
}

fn approve(
    directive: &Directive,
    by: Option<PersonId>,
    night: bool,
    guards: &Guards,
    now: Timestamp,
) -> Result<Vec<Fact>, Refusal> {
    if directive.state != DirectiveState::Held {
        return Err(Refusal::WrongState(directive.state.word()));
    }
    if directive.author.is_some() && directive.author == by && !night {
        return Err(Refusal::FourEyes);
    }
    // What a person may wave through is a hold; a rejection stays one.
    let verdicts = guards.chain(directive.key, directive.intent, directive.expires, now);
    if ruling(&verdicts) == Ruling::Reject {
        return Err(Refusal::Guarded(verdicts));
    }
    Ok(vec![Fact::Approved { by }])
}

fn renew(directive: &Directive, expires: Timestamp, guards: &Guards, now: Timestamp) -> Result<Vec<Fact>, Refusal> {
    if directive.state == DirectiveState::Ended {
        return Err(Refusal::WrongState(directive.state.word()));
    }
    if expires <= directive.expires {
        return Ok(Vec::new());
    }
    let verdicts = guards.chain(directive.key, directive.intent, expires, now);
    if ruling(&verdicts) == Ruling::Reject {
        return Err(Refusal::Guarded(verdicts));
    }
    Ok(vec![Fact::Renewed { expires }])
}

fn end(directive: &Directive, reason: EndReason, now: Timestamp) -> Result<Vec<Fact>, Refusal> {
    let early = reason == EndReason::Expired && directive.expires > now;
    let not_held = reason == EndReason::Declined && directive.state != DirectiveState::Held;
    if directive.state == DirectiveState::Ended || early || not_held {
        return Err(Refusal::WrongState(directive.state.word()));
    }
    Ok(vec![Fact::Ended { reason, at: now }])
}
