//! Refusals of people who did not show who they are.

use store::{Actor, Outcome, Unit};

use crate::access::Access;
use crate::account::Account;
use crate::audit;
use crate::error::AccessError;
use crate::sign_in::Visit;

impl Access {
    /// Records that somebody failed to show who they are. The same work is done whether the account exists or not,
    /// so that the time of the answer tells nothing.
    pub(crate) async fn stranger(
        &self,
        action: &'static str,
        account: Option<&Account>,
        _visit: &Visit,
    ) -> Result<(), AccessError> {
        let subject = account.map_or_else(|| "stranger".to_owned(), |account| format!("person:{}", account.id));
        let org = account.map_or(self.inner.centre, |account| account.org);
        let mut leaf = audit::done(action, subject, org, self.inner.settings.realm, serde_json::json!({}));
        leaf.outcome = Outcome::Refused;
        self.inner.db.commit(Unit::new(Actor::Stranger, self.inner.env.now()).audit(leaf)).await?;
        Ok(())
    }
}
