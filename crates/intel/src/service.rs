//! The service: what people and programs do with indicators. Each act loads, decides and commits one unit.

use std::sync::Arc;
use std::time::Duration;

use access::{Access, Act, Caller, Facts, act};
use base::{AddressScope, Env, IndicatorId, PersonId, Realm};
use events::intel::{IndicatorMoved, IndicatorState};
use events::sensor::ValueKind;
use events::{Envelope, Event};
use runtime::CancellationToken;
use store::{Actor, AuditEntry, Db, Outcome, StoreError, SystemKey, Unit, params};

use crate::desk::{self, Change, Command, Stated, What};
use crate::error::{IntelError, Refusal};
use crate::model::{Draft, Edit, Indicator, Origin};
use crate::policy::{self, AutoPolicy};
use crate::repo;
use crate::value::{self, ValueGuard};

/// Expiries committed together.
const BATCH: i64 = 200;
/// How often the clock is looked at.
const BEAT: Duration = Duration::from_secs(1);

/// Indicators; cheap to clone.
#[derive(Clone)]
pub struct Intel {
    pub(crate) db: Db,
    pub(crate) env: Env,
    access: Access,
    guard: Arc<dyn ValueGuard>,
    pub(crate) defaults: Arc<AutoPolicy>,
}

impl std::fmt::Debug for Intel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Intel").finish_non_exhaustive()
    }
}

impl Intel {
    /// The service on a database that has this room's migrations. `defaults` is the automatic path as long as nobody
    /// changed it: [`AutoPolicy::clean`], in the demo [`AutoPolicy::demo`].
    #[must_use]
    pub fn new(db: Db, env: Env, access: Access, guard: Arc<dyn ValueGuard>, defaults: AutoPolicy) -> Self {
        Self { db, env, access, guard, defaults: Arc::new(defaults) }
    }

    /// States an indicator; it is a draft until it is submitted.
    ///
    /// # Errors
    /// [`IntelError::Value`], [`IntelError::Protected`], [`IntelError::Exists`], [`IntelError::Access`],
    /// [`IntelError::Refused`].
    pub async fn draft(&self, caller: &Caller, draft: Draft) -> Result<Indicator, IntelError> {
        caller.permit_in::<act::DraftIntel>(draft.org)?;
        let (kind, value) = match draft.kind {
            Some(kind) => (kind, value::canonical(kind, &draft.value)?),
            None => value::guess(&draft.value).ok_or_else(|| IntelError::Value(base::code::excerpt(&draft.value)))?,
        };
        self.guarded(caller.realm(), kind, &value, draft.scope).await?;
        let name = if draft.name.trim().is_empty() { value.chars().take(200).collect() } else { draft.name };
        let stated = Stated {
            id: self.fresh_id(),
            org: draft.org,
            realm: caller.realm(),
            tlp: draft.tlp,
            scope: draft.scope,
            kind,
            value,
            name,
            description: draft.description,
            confidence: draft.confidence,
            lasts: draft.lasts.unwrap_or_else(|| policy::default_lasts(kind)),
            origin: if caller.person().is_some() { Origin::Person } else { Origin::Token },
            author: caller.author(),
        };
        let (unit, row) = self.step(None, Command::Draft(Box::new(stated)), caller.actor())?;
        self.commit(unit.audit(entry("intel.draft", &row))).await?;
        Ok(row)
    }

    /// Changes a draft. `version` is the one the person saw.
    ///
    /// # Errors
    /// [`IntelError::Access`], [`IntelError::Refused`], [`StoreError::Conflict`] when it changed meanwhile.
    pub async fn edit(&self, by: &Caller, id: IndicatorId, version: i64, edit: Edit) -> Result<Indicator, IntelError> {
        let command = Command::Edit { by: by.author(), edit };
        self.act::<act::DraftIntel>(by, id, version, "intel.edit", command).await
    }

    /// Hands a draft to review.
    ///
    /// # Errors
    /// Those of [`Intel::edit`].
    pub async fn submit(&self, by: &Caller, id: IndicatorId, version: i64) -> Result<Indicator, IntelError> {
        let command = Command::Submit { by: by.author() };
        self.act::<act::DraftIntel>(by, id, version, "intel.submit", command).await
    }

    /// Takes one's own indicator off the desk.
    ///
    /// # Errors
    /// Those of [`Intel::edit`].
    pub async fn withdraw(&self, by: &Caller, id: IndicatorId, version: i64) -> Result<Indicator, IntelError> {
        let command = Command::Withdraw { by: by.author() };
        self.act::<act::DraftIntel>(by, id, version, "intel.withdraw", command).await
    }

    /// Finds a submitted indicator right.
    ///
    /// # Errors
    /// Those of [`Intel::edit`].
    pub async fn accept(&self, by: &Caller, id: IndicatorId, version: i64) -> Result<Indicator, IntelError> {
        let command = Command::Accept { by: reviewer(by)? };
        self.act::<act::ReviewIntel>(by, id, version, "intel.accept", command).await
    }

    /// Sends a submitted indicator back to its author.
    ///
    /// # Errors
    /// Those of [`Intel::edit`].
    pub async fn send_back(
        &self,
        by: &Caller,
        id: IndicatorId,
        version: i64,
        reason: &str,
    ) -> Result<Indicator, IntelError> {
        let command = Command::Return { by: reviewer(by)?, reason: reason.to_owned() };
        self.act::<act::ReviewIntel>(by, id, version, "intel.return", command).await
    }

    /// Finds a submitted indicator wrong; fresh evidence does not bring it back for a month.
    ///
    /// # Errors
    /// Those of [`Intel::edit`].
    pub async fn reject(
        &self,
        by: &Caller,
        id: IndicatorId,
        version: i64,
        reason: &str,
    ) -> Result<Indicator, IntelError> {
        let command = Command::Reject { by: reviewer(by)?, reason: reason.to_owned() };
        self.act::<act::ReviewIntel>(by, id, version, "intel.reject", command).await
    }

    /// Approves an indicator and puts it in force. From review this is the review as well; the author may do it only
    /// alone at night, and then owes a second look.
    ///
    /// # Errors
    /// Those of [`Intel::edit`], [`IntelError::Approval`], and [`IntelError::Protected`] when the value became
    /// protected since.
    pub async fn publish(&self, by: &Caller, id: IndicatorId, version: i64) -> Result<Indicator, IntelError> {
        let row = self.load(by, id, version).await?;
        let facts = facts(&row);
        let subject = format!("indicator:{id}");
        let approval = self.access.permit_approval::<act::ApproveIntel, _>(by, id, &facts, &subject)?;
        self.guarded(row.realm, row.kind, &row.value, row.scope).await?;
        let command = Command::Publish { by: reviewer(by)?, night: approval.owed.is_some() };
        let (unit, after) = self.step(Some(row), command, by.actor())?;
        self.commit(approval.record(unit.audit(entry("intel.publish", &after)))).await?;
        Ok(after)
    }

    /// Takes a published indicator back for good; its block ends everywhere.
    ///
    /// # Errors
    /// Those of [`Intel::edit`].
    pub async fn revoke(
        &self,
        by: &Caller,
        id: IndicatorId,
        version: i64,
        reason: &str,
    ) -> Result<Indicator, IntelError> {
        let command = Command::Revoke { by: by.person(), reason: reason.to_owned() };
        self.act::<act::RevokeIntel>(by, id, version, "intel.revoke", command).await
    }

    /// Writes a note beside an indicator.
    ///
    /// # Errors
    /// [`IntelError::Access`], [`Refusal::Reason`] for an empty or too long text.
    pub async fn note(&self, by: &Caller, id: IndicatorId, text: &str) -> Result<(), IntelError> {
        let row = self.get(by.clearance(), id).await?.ok_or(access::Refusal::NotThere)?;
        by.permit::<act::DraftIntel, _>(id, &facts(&row))?;
        let text = text.trim();
        if text.is_empty() || text.chars().count() > 1_000 || text.contains('\0') {
            return Err(Refusal::Reason.into());
        }
        let now = self.env.now();
        let note: uuid::Uuid = self.env.id::<base::EventId>().into();
        let unit = Unit::new(by.actor(), now)
            .exec_one(repo::INSERT_NOTE, params![note, id, now, by.person(), text])
            .audit(entry("intel.note", &row));
        self.commit(unit).await
    }

    /// Ends what is due at this moment: published indicators, and proposals of sensors that nobody took. Comes back
    /// with how many.
    ///
    /// # Errors
    /// [`IntelError::Store`].
    pub async fn expire_due(&self) -> Result<u64, IntelError> {
        let mut ended = 0;
        loop {
            let now = self.env.now();
            let rows = self.db.system_read(SystemKey::of("intel"), repo::DUE, params![now, BATCH]).await?;
            let mut batch = Unit::new(Actor::System("intel".into()), now);
            for row in &rows {
                let row = repo::indicator(row)?;
                let (unit, after) = self.step(Some(row), Command::Expire, batch.actor.clone())?;
                batch = batch.and(unit.audit(entry("intel.expire", &after)));
            }
            if rows.is_empty() {
                return Ok(ended);
            }
            match self.commit(batch).await {
                Ok(()) => ended += rows.len() as u64,
                // Somebody moved one of them in between; what is still due is read again.
                Err(IntelError::Store(StoreError::Conflict(_))) => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Ends what is due, until `stop` is cancelled; failures are logged and tried again.
    pub async fn run(self, stop: CancellationToken) {
        loop {
            match self.expire_due().await {
                Ok(0) => {}
                Ok(ended) => tracing::info!(ended, "indicators ended"),
                Err(error) => tracing::warn!(%error, "indicators could not be ended; it is tried again"),
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(BEAT) => {}
            }
        }
    }

    async fn act<A: Act>(
        &self,
        by: &Caller,
        id: IndicatorId,
        version: i64,
        action: &str,
        command: Command,
    ) -> Result<Indicator, IntelError> {
        let row = self.load(by, id, version).await?;
        by.permit::<A, _>(id, &facts(&row))?;
        let (unit, after) = self.step(Some(row), command, by.actor())?;
        self.commit(unit.audit(entry(action, &after))).await?;
        Ok(after)
    }

    /// The row as the caller saw it.
    async fn load(&self, by: &Caller, id: IndicatorId, version: i64) -> Result<Indicator, IntelError> {
        let row = self.get(by.clearance(), id).await?.ok_or(access::Refusal::NotThere)?;
        if row.version == version { Ok(row) } else { Err(StoreError::Conflict(0).into()) }
    }

    /// Decides, and makes the unit of it: row, history, objects, sources, and what other rooms hear.
    pub(crate) fn step(
        &self,
        before: Option<Indicator>,
        command: Command,
        actor: Actor,
    ) -> Result<(Unit, Indicator), IntelError> {
        let changes = desk::decide(before.as_ref(), command, self.env.now())?;
        let loaded = before.as_ref().map(|row| row.version);
        let mut from = before.as_ref().map(|row| row.state);
        let mut unit = Unit::new(actor, self.env.now());
        let mut states = Vec::with_capacity(changes.len());
        let mut row = before;
        for change in &changes {
            row = desk::apply(row, change);
            let Some(after) = &row else { break };
            if let Some(event) = self.moved(from, after, change) {
                unit = unit.event(event);
            }
            from = Some(after.state);
            states.push(after.clone());
        }
        repo::write(&mut unit, &changes, &states, loaded)?;
        let row = row.ok_or_else(|| StoreError::Shape("a decision without a row".into()))?;
        Ok((unit, row))
    }

    /// What other rooms hear: a change of state, and a published one that goes on for longer.
    fn moved(&self, from: Option<IndicatorState>, after: &Indicator, change: &Change) -> Option<Envelope> {
        let goes_on = matches!(change.what, What::Renewed { .. }) && after.state == IndicatorState::Published;
        if from == Some(after.state) && !goes_on {
            return None;
        }
        let event = Event::IndicatorMoved(IndicatorMoved {
            indicator: after.id,
            value_kind: after.kind,
            value: after.value.clone(),
            scope: after.scope,
            from,
            to: after.state,
            score: after.score,
            valid_until: after.valid_until,
            automatic: after.automatic,
        });
        let (id, at) = (self.env.id(), change.at);
        Some(Envelope { id, org: after.org, realm: after.realm, tlp: after.tlp, at, event })
    }

    /// Refuses what may never be denied. An address inside one organisation's plan means nothing outside it and is
    /// judged there.
    pub(crate) async fn guarded(
        &self,
        realm: Realm,
        kind: ValueKind,
        value: &str,
        scope: AddressScope,
    ) -> Result<(), IntelError> {
        if kind.is_address() && scope != AddressScope::Global {
            return Ok(());
        }
        match self.guard.protected(realm, kind, value).await? {
            Some(why) => Err(IntelError::Protected(why)),
            None => Ok(()),
        }
    }

    /// A UUID of version 4: the OASIS schemas refuse version 7.
    pub(crate) fn fresh_id(&self) -> IndicatorId {
        IndicatorId(uuid::Builder::from_random_bytes(self.env.bytes()).into_uuid())
    }

    pub(crate) async fn commit(&self, unit: Unit) -> Result<(), IntelError> {
        match self.db.commit(unit).await {
            Ok(_) => Ok(()),
            Err(StoreError::Duplicate(_)) => Err(IntelError::Exists),
            Err(error) => Err(error.into()),
        }
    }
}

fn facts(row: &Indicator) -> Facts {
    Facts::new(row.org, row.tlp, row.realm).by(row.author)
}

/// The person behind a judgement.
fn reviewer(caller: &Caller) -> Result<PersonId, access::Refusal> {
    caller.person().ok_or(access::Refusal::NeedsPerson(access::Action::ReviewIntel))
}

pub(crate) fn entry(action: &str, row: &Indicator) -> AuditEntry {
    AuditEntry {
        action: action.to_owned(),
        subject: format!("indicator:{}", row.id),
        org: row.org,
        realm: row.realm,
        tlp: row.tlp,
        outcome: Outcome::Done,
        detail: serde_json::json!({
            "kind": row.kind.word(), "value": row.value, "state": row.state.word(), "version": row.version,
            "automatic": row.automatic, "night": row.night, "reason": row.reason,
        }),
    }
}
