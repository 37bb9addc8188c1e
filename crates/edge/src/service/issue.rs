//! Directives: issue, approve, decline, withdraw, renew, revoke by indicator.

use access::{Caller, Facts, act};
use base::{AddressScope, DirectiveId, IndicatorId};
use events::intel::IndicatorState;
use events::{Envelope, Event};
use store::{Actor, Unit};

use crate::desk::directive::{Ask, Command, decide};
use crate::error::{EdgeError, Refusal};
use crate::guard::Reason;
use crate::model::{Audience, Directive, EndReason};
use crate::repo::{directive, realm};
use crate::service::plan::Ground;
use crate::service::{Edge, deciding, machinery};

/// Most directives of one unit: a larger list is issued in steps, each durable by itself.
const STEP: usize = 256;

/// What became of one line of a list.
pub type Issued = Result<Directive, Refusal>;

impl Edge {
    /// A person or token asks for a block or an exception.
    ///
    /// # Errors
    /// [`EdgeError::Access`] without the permit; [`EdgeError::Refused`] when a guard rejects it, which is audited.
    pub async fn issue(&self, caller: &Caller, ask: Ask) -> Result<Directive, EdgeError> {
        let ask = permitted(caller, ask)?;
        let issued = self.issue_all(caller.actor(), caller.author(), vec![ask]).await?;
        issued.into_iter().next().ok_or(EdgeError::NotThere)?.map_err(EdgeError::from)
    }

    /// A list of them, in the order given; what guards reject is audited and answered with its reason.
    ///
    /// # Errors
    /// [`EdgeError::Access`] when one of them lacks the permit: then none is issued.
    pub async fn issue_list(&self, caller: &Caller, asks: Vec<Ask>) -> Result<Vec<Issued>, EdgeError> {
        let asks = asks.into_iter().map(|ask| permitted(caller, ask)).collect::<Result<Vec<_>, _>>()?;
        self.issue_all(caller.actor(), caller.author(), asks).await
    }

    /// The centre's own machinery issues (a procedure, the demonstration's script); guards hold as for everybody.
    ///
    /// # Errors
    /// [`EdgeError::Refused`] when a guard rejects it, which is audited.
    pub async fn issue_automatic(&self, ask: Ask) -> Result<Directive, EdgeError> {
        let issued = self.issue_all(machinery(), None, vec![ask]).await?;
        issued.into_iter().next().ok_or(EdgeError::NotThere)?.map_err(EdgeError::from)
    }

    /// What the guards would say, without issuing anything.
    ///
    /// # Errors
    /// [`EdgeError::Store`].
    pub async fn preview(&self, ask: &Ask) -> Result<Vec<crate::guard::Verdict>, EdgeError> {
        let guards = self.guards(ask.realm).await?;
        Ok(guards.chain(ask.key, ask.intent, ask.expires, self.now()))
    }

    /// The second person agrees (four eyes).
    ///
    /// # Errors
    /// [`EdgeError::NotThere`], [`EdgeError::Access`], [`EdgeError::Refused`].
    pub async fn approve(&self, caller: &Caller, id: DirectiveId) -> Result<Directive, EdgeError> {
        let held = self.load(caller, id).await?;
        let permit = caller.permit::<act::ApproveBlock, _>(id, &facts(&held))?;
        self.approve_with(caller, &access::night::Approval { permit, owed: None }).await
    }

    /// A second person agrees to many at once, each under its own permit; what cannot be approved is named.
    ///
    /// # Errors
    /// [`EdgeError::Store`] and [`EdgeError::Busy`]; those approved before stay approved.
    pub async fn approve_list(
        &self,
        caller: &Caller,
        ids: &[DirectiveId],
    ) -> Result<Vec<(DirectiveId, Result<Directive, EdgeError>)>, EdgeError> {
        let mut done = Vec::with_capacity(ids.len());
        for id in ids {
            match self.approve(caller, *id).await {
                Err(failure @ (EdgeError::Store(_) | EdgeError::Busy)) => return Err(failure),
                outcome => done.push((*id, outcome)),
            }
        }
        Ok(done)
    }

    /// [`Edge::approve`] with an approval of [`access::Access::permit_approval`], which knows the night shift.
    ///
    /// # Errors
    /// [`EdgeError::NotThere`], [`EdgeError::Refused`].
    pub async fn approve_with(
        &self,
        caller: &Caller,
        approval: &access::night::Approval<act::ApproveBlock, DirectiveId>,
    ) -> Result<Directive, EdgeError> {
        let (id, night) = (approval.permit.id(), approval.owed.is_some());
        deciding!(self, {
            let held = self.load(caller, id).await?;
            let Ground { mut row, guards } = self.ground(held.realm).await?;
            let command = Command::Approve { by: caller.person(), night, guards: &guards };
            let facts = decide(Some(&held), command, self.now()).map_err(EdgeError::from)?;
            let mut unit = Unit::new(caller.actor(), self.now());
            let surge = held.verdicts.iter().any(|verdict| matches!(verdict.reason, Some(Reason::Surge { .. })));
            if surge {
                // Whoever approves a surge approves it for the points too, which would freeze otherwise.
                let window = i64::from(row.config.limits.window_secs);
                let revision = row.revision;
                row.thaw_until = row.thaw_until.max(Some(self.now().plus_secs(window)));
                row.revision += 1;
                realm::ensure(&mut unit, held.realm, self.inner.identity.centre)?;
                realm::configure(&mut unit, held.realm, revision, &row)?;
            }
            let (unit, directive) = self.moved(unit, &row, &guards, Some(held), facts).await?;
            Ok((approval.record(unit), directive))
        })
    }

    /// The second person says no.
    ///
    /// # Errors
    /// [`EdgeError::NotThere`], [`EdgeError::Access`], [`EdgeError::Refused`].
    pub async fn decline(&self, caller: &Caller, id: DirectiveId) -> Result<Directive, EdgeError> {
        let held = self.load(caller, id).await?;
        // Saying no needs the right to say yes, but nobody is kept from declining their own.
        caller.permit::<act::ApproveBlock, _>(id, &Facts { author: None, ..facts(&held) })?;
        self.end(caller.actor(), id, EndReason::Declined).await
    }

    /// A person takes a directive back, at once and without a second one: undoing is the safe side.
    ///
    /// # Errors
    /// [`EdgeError::NotThere`], [`EdgeError::Access`], [`EdgeError::Refused`].
    pub async fn withdraw(&self, caller: &Caller, id: DirectiveId) -> Result<Directive, EdgeError> {
        let directive = self.load(caller, id).await?;
        caller.permit::<act::IssueBlock, _>(id, &facts(&directive))?;
        self.end(caller.actor(), id, EndReason::Withdrawn).await
    }

    /// Fresh evidence: the directive lasts longer.
    ///
    /// # Errors
    /// [`EdgeError::NotThere`], [`EdgeError::Access`], [`EdgeError::Refused`].
    pub async fn renew(
        &self,
        caller: &Caller,
        id: DirectiveId,
        expires: base::Timestamp,
    ) -> Result<Directive, EdgeError> {
        let directive = self.load(caller, id).await?;
        caller.permit::<act::IssueBlock, _>(id, &facts(&directive))?;
        deciding!(self, {
            let now = self.load(caller, id).await?;
            let Ground { row, guards } = self.ground(now.realm).await?;
            let facts =
                decide(Some(&now), Command::Renew { expires, guards: &guards }, self.now()).map_err(EdgeError::from)?;
            self.moved(Unit::new(caller.actor(), self.now()), &row, &guards, Some(now), facts).await
        })
    }

    /// Every directive of an indicator ends: it was taken back.
    ///
    /// # Errors
    /// [`EdgeError::Store`], [`EdgeError::Busy`].
    pub async fn revoke_indicator(&self, actor: &Actor, indicator: IndicatorId) -> Result<usize, EdgeError> {
        deciding!(self, self.plan_revoke(Unit::new(actor.clone(), self.now()), indicator).await)
    }

    /// What an event of the intelligence room means here, as a unit to be committed with the consumer's cursor.
    /// A published address becomes a directive (or renews the one it has), an unpublished one loses its directives.
    /// Idempotent; a `Conflict` at the commit means: ask again.
    ///
    /// # Errors
    /// [`EdgeError::Store`]. What guards reject is no error: the unit then holds the audit leaf of the refusal.
    pub async fn react(&self, envelope: &Envelope) -> Result<Unit, EdgeError> {
        let unit = Unit::new(machinery(), self.now());
        let Event::IndicatorMoved(moved) = &envelope.event else { return Ok(unit) };
        match moved.to {
            IndicatorState::Published if moved.value_kind.is_address() => {
                self.plan_publish(unit, envelope, moved).await
            }
            IndicatorState::Revoked | IndicatorState::Expired | IndicatorState::Rejected => {
                Ok(self.plan_revoke(unit, moved.indicator).await?.0)
            }
            IndicatorState::Published | IndicatorState::Draft | IndicatorState::InReview | IndicatorState::Approved => {
                Ok(unit)
            }
        }
    }

    /// Like [`Edge::react`], committed at once.
    ///
    /// # Errors
    /// [`EdgeError::Store`], [`EdgeError::Busy`].
    pub async fn react_now(&self, envelope: &Envelope) -> Result<(), EdgeError> {
        deciding!(self, Ok((self.react(envelope).await?, ())))
    }

    async fn end(&self, actor: Actor, id: DirectiveId, reason: EndReason) -> Result<Directive, EdgeError> {
        deciding!(self, {
            let running = directive::by_id(self.db(), id).await?.ok_or(EdgeError::NotThere)?;
            let Ground { row, guards } = self.ground(running.realm).await?;
            let facts = decide(Some(&running), Command::End(reason), self.now())?;
            self.moved(Unit::new(actor.clone(), self.now()), &row, &guards, Some(running), facts).await
        })
    }

    async fn issue_all(
        &self,
        actor: Actor,
        author: Option<base::PersonId>,
        asks: Vec<Ask>,
    ) -> Result<Vec<Issued>, EdgeError> {
        let mut issued = Vec::with_capacity(asks.len());
        for realm_asks in asks.chunk_by(|one, next| one.realm == next.realm) {
            for step in realm_asks.chunks(STEP) {
                let plan = || Unit::new(actor.clone(), self.now());
                let done: Result<Vec<Issued>, EdgeError> =
                    deciding!(self, self.plan_issue(plan(), author, step.to_vec()).await);
                issued.extend(done?);
            }
        }
        Ok(issued)
    }

    async fn load(&self, caller: &Caller, id: DirectiveId) -> Result<Directive, EdgeError> {
        directive::seen(self.db(), caller.clearance(), id).await?.ok_or(EdgeError::NotThere)
    }
}

/// What a caller may ask for. Who may block for one organisation steers that organisation's points; only who may block
/// at the centre steers everybody's.
fn permitted(caller: &Caller, mut ask: Ask) -> Result<Ask, EdgeError> {
    caller.permit::<act::IssueBlock, _>((), &Facts::new(ask.org, ask.tlp, ask.realm))?;
    let everybody = Audience::of(ask.org, ask.tlp, ask.scope) == Some(Audience::All);
    if everybody && caller.permit::<act::IssueBlock, _>((), &Facts::new(caller.centre(), ask.tlp, ask.realm)).is_err() {
        ask.scope = AddressScope::Org(ask.org);
    }
    Ok(ask)
}

/// The facts of a directive that permits are minted from.
#[must_use]
pub fn facts(directive: &Directive) -> Facts {
    Facts::new(directive.org, directive.tlp, directive.realm).by(directive.author)
}
