//! Plans of directive decisions: what a unit will hold, before it is committed.

use base::{AddrSpec, DirectiveId, IndicatorId, Realm};
use events::Envelope;
use events::intel::IndicatorMoved;
use serde_json::json;
use std::sync::Arc;
use store::{Outcome, Unit};

use crate::desk::directive::{Ask, Command, decide};
use crate::error::EdgeError;
use crate::guard::{Guards, Reason, Ruling, change};
use crate::model::{Directive, DirectiveState, EndReason};
use crate::repo::realm::{self, RealmRow};
use crate::repo::{desired, directive};
use crate::service::compile::Move;
use crate::service::issue::Issued;
use crate::service::{Edge, leaf};
use crate::wire::Intent;

/// The state of a realm that a decision starts from.
pub(crate) struct Ground {
    pub(crate) row: RealmRow,
    pub(crate) guards: Arc<Guards>,
}

impl Edge {
    pub(crate) async fn plan_publish(
        &self,
        unit: Unit,
        envelope: &Envelope,
        moved: &IndicatorMoved,
    ) -> Result<Unit, EdgeError> {
        let Ok(key) = moved.value.parse::<AddrSpec>() else { return Ok(unit) };
        let now = self.now();
        let Ground { row, guards } = self.ground(envelope.realm).await?;
        let expires = moved.valid_until.min(now.plus_secs(guards.profile().max_deny_secs));
        let known = directive::by_indicator(self.db(), moved.indicator).await?;
        let event = json!(envelope.id);
        if expires <= now || known.iter().any(|old| old.provenance.get("event") == Some(&event)) {
            return Ok(unit);
        }
        let running = known.into_iter().find(|old| old.key == key && old.state != DirectiveState::Ended);
        if let Some(running) = running {
            let facts = decide(Some(&running), Command::Renew { expires, guards: &guards }, now).unwrap_or_default();
            return Ok(self.moved(unit, &row, &guards, Some(running), facts).await?.0);
        }
        let ask = Ask {
            org: envelope.org,
            realm: envelope.realm,
            tlp: envelope.tlp,
            scope: moved.scope,
            key,
            intent: Intent::Deny,
            expires,
            reason: format!("indicator published, score {:.2}", moved.score),
            indicator: Some(moved.indicator),
            provenance: json!({
                "event": event, "indicator": moved.indicator, "score": moved.score, "automatic": moved.automatic,
            }),
        };
        Ok(self.plan_issue(unit, None, vec![ask]).await?.0)
    }

    pub(crate) async fn plan_revoke(&self, mut unit: Unit, indicator: IndicatorId) -> Result<(Unit, usize), EdgeError> {
        let running: Vec<Directive> = directive::by_indicator(self.db(), indicator)
            .await?
            .into_iter()
            .filter(|directive| directive.state != DirectiveState::Ended)
            .collect();
        // An indicator lives in one realm, and so do its directives.
        let Some(realm) = running.first().map(|directive| directive.realm) else { return Ok((unit, 0)) };
        let Ground { row, guards } = self.ground(realm).await?;
        let mut moves = Vec::new();
        for directive in running {
            let facts = decide(Some(&directive), Command::End(EndReason::Revoked), self.now())?;
            moves.extend(Move::of(Some(directive), facts));
        }
        self.compile(&mut unit, realm, &row, &guards, &moves).await?;
        Ok((unit, moves.len()))
    }

    /// Lets the desk decide about asks of one realm; refusals become audit leaves of the same unit.
    pub(crate) async fn plan_issue(
        &self,
        mut unit: Unit,
        author: Option<base::PersonId>,
        asks: Vec<Ask>,
    ) -> Result<(Unit, Vec<Issued>), EdgeError> {
        let Some(realm) = asks.first().map(|ask| ask.realm) else { return Ok((unit, Vec::new())) };
        let Ground { row, guards } = self.ground(realm).await?;
        let now = self.now();
        let mut pace = self.pace(realm, &row).await?;
        let (mut issued, mut moves) = (Vec::with_capacity(asks.len()), Vec::new());
        for ask in asks {
            let (key, whose) = (ask.key, (ask.org, ask.realm, ask.tlp));
            let rate = if ask.intent == Intent::Deny { pace.next() } else { None };
            let id = self.inner.env.id::<DirectiveId>();
            let command = Command::Issue { id, ask: Box::new(ask), author, guards: &guards, rate };
            match decide(None, command, now) {
                Ok(facts) => {
                    let Some(step) = Move::of(None, facts) else { continue };
                    pace.took(step.after.is_active() && step.after.intent == Intent::Deny);
                    issued.push(Ok(step.after.clone()));
                    moves.push(step);
                }
                Err(refusal) => {
                    let why = base::Coded::problem(&refusal);
                    let detail = json!({"value": key, "code": why.code.id, "why": refusal.to_string()});
                    unit.audit.push(leaf("edge.issue", format!("value:{key}"), whose, Outcome::Refused, detail));
                    issued.push(Err(refusal));
                }
            }
        }
        self.compile(&mut unit, realm, &row, &guards, &moves).await?;
        Ok((unit, issued))
    }

    /// One directive moves.
    pub(crate) async fn moved(
        &self,
        mut unit: Unit,
        row: &RealmRow,
        guards: &Guards,
        before: Option<Directive>,
        facts: Vec<crate::desk::directive::Fact>,
    ) -> Result<(Unit, Directive), EdgeError> {
        match Move::of(before.clone(), facts) {
            Some(step) => {
                self.compile(&mut unit, step.after.realm, row, guards, std::slice::from_ref(&step)).await?;
                Ok((unit, step.after))
            }
            None => Ok((unit, before.ok_or(EdgeError::NotThere)?)),
        }
    }

    pub(crate) async fn ground(&self, realm: Realm) -> Result<Ground, EdgeError> {
        let row = realm::get(self.db(), realm).await?;
        let guards = self.guards_of(realm, &row);
        Ok(Ground { row, guards })
    }

    /// How much of the window's change is left.
    async fn pace(&self, realm: Realm, row: &RealmRow) -> Result<Pace, EdgeError> {
        let (now, limits) = (self.now(), row.config.limits);
        let thawed = row.thaw_until.is_some_and(|until| until > now);
        if thawed {
            return Ok(Pace { limits, moved: change::Moved::default(), thawed });
        }
        let since = now.plus_secs(-i64::from(limits.window_secs));
        // More than the largest limit is as good as the limit: it is over.
        let most = limits.entries.max(limits.floor).saturating_add(1);
        let (added, removed) = desired::moved_since(self.db(), realm, since, most).await?;
        let size = desired::channels_of_realm(self.db(), realm).await?.iter().map(|channel| channel.count).sum();
        Ok(Pace { limits, moved: change::Moved { size, added, removed }, thawed })
    }
}

/// The rate of change while a list is issued.
struct Pace {
    limits: crate::wire::ChangeLimits,
    moved: change::Moved,
    thawed: bool,
}

impl Pace {
    /// What the limits say to one more denial.
    fn next(&self) -> Option<Reason> {
        if self.thawed {
            return None;
        }
        change::permit(&self.limits, self.moved, 1, 0).err().filter(|reason| reason.ruling() == Ruling::Hold)
    }

    /// One more denial is in force, or not.
    fn took(&mut self, active: bool) {
        if active {
            self.moved.size += 1;
            self.moved.added += 1;
        }
    }
}
