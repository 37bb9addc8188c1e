//! Taking a directive back by hand: what it opens, said before; the reason, kept in the audit tree.

use access::{Caller, act};
use base::DirectiveId;
use serde::Serialize;
use serde_json::json;
use store::{Clearance, Outcome, Unit};

use crate::desk::directive::{Command, decide};
use crate::error::{EdgeError, Refusal};
use crate::model::{Directive, EndReason};
use crate::repo::directive;
use crate::service::issue::facts;
use crate::service::plan::Ground;
use crate::service::views::Enforcement;
use crate::service::{Edge, deciding, leaf};
use crate::wire::Intent;

/// Longest reason, characters.
const REASON: usize = 1_000;

/// What taking a directive back would change.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Opening {
    /// How far it is enforced now, at each point the caller sees.
    pub enforced: Vec<Enforcement>,
    /// Other denials that would still cover all of it.
    pub kept_by: Vec<Directive>,
}

impl Edge {
    /// What taking a directive back would open: where it is enforced, and what would still deny it.
    ///
    /// # Errors
    /// [`EdgeError::NotThere`].
    pub async fn opening(&self, who: &Clearance, id: DirectiveId) -> Result<Opening, EdgeError> {
        let wanted = self.directive(who, id).await?;
        let enforced = self.enforcement(who, id).await?.into_iter().filter(|one| one.enforced).collect();
        let mut kept_by = Vec::new();
        if wanted.intent == Intent::Deny {
            for other in directive::denials_over(self.db(), wanted.realm, wanted.key).await? {
                let covers = other.id != id && other.key.net().contains(&wanted.key.net());
                // What the caller may not see is not named; it goes on denying all the same.
                if covers && directive::seen(self.db(), who, other.id).await?.is_some() {
                    kept_by.push(other);
                }
            }
        }
        Ok(Opening { enforced, kept_by })
    }

    /// A person takes a directive back and says why, at once and without a second one: undoing is the safe side.
    ///
    /// # Errors
    /// [`Refusal::BadField`] without a reason; those of [`Edge::withdraw`].
    pub async fn take_back(&self, caller: &Caller, id: DirectiveId, reason: &str) -> Result<Directive, EdgeError> {
        let reason = reason.trim();
        if reason.is_empty() || reason.chars().count() > REASON || reason.contains('\0') {
            return Err(Refusal::BadField("reason", "1 to 1,000 characters").into());
        }
        let seen = self.directive(caller.clearance(), id).await?;
        caller.permit::<act::IssueBlock, _>(id, &facts(&seen))?;
        deciding!(self, {
            let running = directive::by_id(self.db(), id).await?.ok_or(EdgeError::NotThere)?;
            let Ground { row, guards } = self.ground(running.realm).await?;
            let ended = decide(Some(&running), Command::End(EndReason::Withdrawn), self.now())?;
            let mut unit = Unit::new(caller.actor(), self.now());
            let whose = (running.org, running.realm, running.tlp);
            let detail = json!({"value": running.key, "reason": reason, "indicator": running.indicator});
            unit.audit.push(leaf("edge.take_back", format!("directive:{id}"), whose, Outcome::Done, detail));
            self.moved(unit, &row, &guards, Some(running), ended).await
        })
    }
}
