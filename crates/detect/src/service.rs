//! The service: raising findings and what people do with them. Each act loads, decides and commits one unit.

use access::{Caller, Facts, act};
use base::{Env, FindingId, PersonId};
use events::detect::{FindingRaised, FindingResolved};
use events::{Envelope, Event};
use store::{Actor, AuditEntry, Db, Outcome, StoreError, SystemKey, Unit, params};

use crate::desk::{self, Command};
use crate::error::DetectError;
use crate::model::{Finding, FindingOutcome, FindingState, Raise, SilenceId};
use crate::repo;

/// Findings; cheap to clone.
#[derive(Debug, Clone)]
pub struct Detect {
    pub(crate) db: Db,
    pub(crate) env: Env,
}

/// How often a raise is tried again when another writer was faster.
const TRIES: u32 = 5;

impl Detect {
    /// The service on a database that has this room's migrations.
    #[must_use]
    pub fn new(db: Db, env: Env) -> Self {
        Self { db, env }
    }

    /// The unit that raises a finding, or counts it on the open one. For reactions that commit it themselves: on
    /// [`StoreError::Conflict`] or [`StoreError::Duplicate`] it is to be made again.
    ///
    /// # Errors
    /// [`DetectError::Refused`] for a raise out of bounds, [`DetectError::Store`].
    pub async fn raise_unit(&self, raise: Raise, actor: Actor) -> Result<Unit, DetectError> {
        let now = self.env.now();
        let key = SystemKey::of("detect");
        let live = repo::live_key(raise.realm, raise.org, &raise.rule, &raise.subject);
        let before = self.db.system_read(key, repo::LIVE, params![live]).await?;
        let before = before.first().map(repo::finding).transpose()?;
        let subject = repo::subject_key(&raise.subject);
        let covering = params![raise.org, &raise.rule, now, raise.realm, subject];
        let silence = self.db.system_read(key, repo::COVERING, covering).await?;
        let silence: Option<SilenceId> = silence.first().map(|row| row.get("id")).transpose()?;
        let command = Command::Raise { id: self.env.id(), raise: Box::new(raise), silence };
        let (unit, _) = self.step(before, command, actor)?;
        Ok(unit)
    }

    /// Raises a finding, or counts it on the open one.
    ///
    /// # Errors
    /// Those of [`Detect::raise_unit`].
    pub async fn raise(&self, raise: Raise, actor: Actor) -> Result<(), DetectError> {
        for _ in 1..TRIES {
            let unit = self.raise_unit(raise.clone(), actor.clone()).await?;
            match self.db.commit(unit).await {
                Ok(_) => return Ok(()),
                Err(StoreError::Conflict(_) | StoreError::Duplicate(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        let unit = self.raise_unit(raise, actor).await?;
        self.db.commit(unit).await?;
        Ok(())
    }

    /// Takes a finding, or takes it over. `version` is the one the person saw.
    ///
    /// # Errors
    /// [`DetectError::Access`], [`DetectError::Refused`], [`StoreError::Conflict`] when it changed meanwhile.
    pub async fn take(&self, caller: &Caller, id: FindingId, version: i64) -> Result<Finding, DetectError> {
        let by = person(caller)?;
        self.act(caller, id, version, "detect.take", Command::Take { by }).await
    }

    /// Closes a finding with an outcome and a reason.
    ///
    /// # Errors
    /// Those of [`Detect::take`].
    pub async fn resolve(
        &self,
        caller: &Caller,
        id: FindingId,
        version: i64,
        outcome: FindingOutcome,
        reason: &str,
    ) -> Result<Finding, DetectError> {
        let command = Command::Resolve { by: caller.person(), outcome, reason: reason.to_owned() };
        self.act(caller, id, version, "detect.resolve", command).await
    }

    /// Closes several findings with one decision; each says for itself whether it was done.
    pub async fn resolve_many(
        &self,
        caller: &Caller,
        findings: &[(FindingId, i64)],
        outcome: FindingOutcome,
        reason: &str,
    ) -> Vec<(FindingId, Result<Finding, DetectError>)> {
        let mut done = Vec::with_capacity(findings.len());
        for (id, version) in findings {
            done.push((*id, self.resolve(caller, *id, *version, outcome, reason).await));
        }
        done
    }

    /// Takes the last step back.
    ///
    /// # Errors
    /// Those of [`Detect::take`], and [`DetectError::NewerOpen`] when a newer finding about the same subject is open.
    pub async fn undo(&self, caller: &Caller, id: FindingId, version: i64) -> Result<Finding, DetectError> {
        match self.act(caller, id, version, "detect.undo", Command::Undo { by: caller.person() }).await {
            Err(DetectError::Store(StoreError::Duplicate(_))) => Err(DetectError::NewerOpen),
            other => other,
        }
    }

    async fn act(
        &self,
        caller: &Caller,
        id: FindingId,
        version: i64,
        action: &str,
        command: Command,
    ) -> Result<Finding, DetectError> {
        let row = self.get(caller.clearance(), id).await?.ok_or(access::Refusal::NotThere)?;
        caller.permit::<act::ResolveFinding, _>(id, &Facts::new(row.org, row.tlp, row.realm))?;
        if row.version != version {
            return Err(StoreError::Conflict(0).into());
        }
        let (unit, after) = self.step(Some(row), command, caller.actor())?;
        let detail = serde_json::json!({
            "state": after.state, "outcome": after.outcome, "reason": after.reason, "version": after.version,
        });
        let audit = AuditEntry {
            action: action.to_owned(),
            subject: format!("finding:{id}"),
            org: after.org,
            realm: after.realm,
            tlp: after.tlp,
            outcome: Outcome::Done,
            detail,
        };
        self.db.commit(unit.audit(audit)).await?;
        Ok(after)
    }

    /// Decides, and makes the unit of it: the row, and what other rooms hear.
    fn step(&self, before: Option<Finding>, command: Command, actor: Actor) -> Result<(Unit, Finding), DetectError> {
        let now = self.env.now();
        let changes = desk::decide(before.as_ref(), command, now)?;
        let loaded = before.as_ref().map(|row| (row.version, row.state, row.severity));
        let after = changes.iter().fold(before, desk::apply);
        let after = after.ok_or_else(|| StoreError::Shape("a decision without a row".into()))?;
        let mut unit = Unit::new(actor, now);
        repo::write(&mut unit, &after, loaded.map(|(version, ..)| version))?;
        if let Some(event) = heard(&after, loaded.map(|(_, state, severity)| (state, severity))) {
            let (id, org, realm, tlp) = (self.env.id(), after.org, after.realm, after.tlp);
            unit = unit.event(Envelope { id, org, realm, tlp, at: now, event });
        }
        Ok((unit, after))
    }
}

/// What other rooms hear: an open finding that appeared, came back or rose; a resolved one.
fn heard(after: &Finding, before: Option<(FindingState, u8)>) -> Option<Event> {
    if let (FindingState::Resolved, Some(outcome)) = (after.state, after.outcome) {
        let outcome = outcome.word().to_owned();
        return Some(Event::FindingResolved(FindingResolved { finding: after.id, outcome }));
    }
    let news = before.is_none_or(|(state, severity)| !state.is_open() || after.severity > severity);
    (after.state.is_open() && news).then(|| {
        Event::FindingRaised(FindingRaised {
            finding: after.id,
            rule: after.rule.clone(),
            severity: after.severity,
            subject: after.subject.value.clone(),
        })
    })
}

/// The person behind the caller: only people own findings.
fn person(caller: &Caller) -> Result<PersonId, access::Refusal> {
    caller.person().ok_or(access::Refusal::NeedsPerson(access::Action::ResolveFinding))
}
