//! Refusals of people and machines who did not show who they are.
//!
//! A failure against an account that exists is one leaf about that account: throttling bounds them. Everything else is
//! counted and written as one leaf for each action and minute, so that a flood cannot fill the audit tree.

use store::audit::Strangers;
use store::{Actor, Outcome, Unit, params};

use crate::access::Access;
use crate::account::Account;
use crate::audit;
use crate::error::AccessError;

impl Access {
    /// The counter of strangers' refusals: the house runs it, doors count their own refusals with it.
    #[must_use]
    pub fn strangers(&self) -> &Strangers {
        &self.inner.strangers
    }

    /// Records that somebody failed to show who they are. One commit either way, so that the time of the answer does
    /// not tell whether the account exists.
    pub(crate) async fn stranger(&self, action: &'static str, account: Option<&Account>) -> Result<(), AccessError> {
        let unit = Unit::new(Actor::Stranger, self.inner.env.now());
        let unit = match account {
            Some(account) => {
                let subject = format!("person:{}", account.id);
                let mut leaf = audit::done(action, subject, account.org, account.realm, serde_json::json!({}));
                leaf.outcome = Outcome::Refused;
                unit.audit(leaf)
            }
            None => {
                self.inner.strangers.refused(action);
                unit.exec("UPDATE access_guard SET turn = turn WHERE name = 'strangers'", params![])
            }
        };
        self.inner.db.commit(unit).await?;
        Ok(())
    }
}
