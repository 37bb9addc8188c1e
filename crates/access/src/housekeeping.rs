//! What time does: accounts that ended or that nobody uses are disabled, spent rows go away.

use base::{PersonId, Timestamp};
use store::params;

use crate::access::{Access, KEY};
use crate::audit;
use crate::error::AccessError;

/// How long spent sessions, links and codes are kept for questions.
const KEPT: i64 = 30 * 86_400;
/// How long a quiet counter is kept.
const COUNTERS: i64 = 86_400;

/// What a round did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Swept {
    /// Accounts disabled because they ended.
    pub expired: u32,
    /// Accounts disabled because nobody used them.
    pub idle: u32,
}

impl Access {
    /// One round of housekeeping; the scheduler calls it every hour.
    ///
    /// The last administrator is never disabled: the centre would be lost.
    ///
    /// # Errors
    /// [`AccessError::Store`].
    pub async fn housekeeping(&self) -> Result<Swept, AccessError> {
        let now = self.inner.env.now();
        let idle = now.plus_secs(-i64::from(self.inner.settings.idle_days) * 86_400);
        let expired = "SELECT id FROM person WHERE state <> 'disabled' AND expires_at <= $1";
        let unused = "SELECT id FROM person WHERE state = 'active' AND (last_sign_in <= $1 OR \
                      (last_sign_in IS NULL AND created_at <= $1))";
        let swept = Swept {
            expired: self.sweep(expired, now, "access.expire", now).await?,
            idle: self.sweep(unused, idle, "access.disable_idle", now).await?,
        };
        let old = now.plus_secs(-KEPT);
        let unit = audit::system(now)
            .exec("DELETE FROM login WHERE ends_at < $1", params![old])
            .exec("DELETE FROM access_link WHERE ends_at < $1", params![old])
            .exec("DELETE FROM passkey_challenge WHERE ends_at < $1", params![now])
            .exec("DELETE FROM enrol_code WHERE ends_at < $1", params![old])
            .exec(
                "DELETE FROM sign_in_throttle WHERE last_at < $1 AND held_until < $2",
                params![now.plus_secs(-COUNTERS), now],
            );
        self.commit(unit).await?;
        Ok(swept)
    }

    async fn sweep(
        &self,
        sql: &'static str,
        before: Timestamp,
        action: &str,
        now: Timestamp,
    ) -> Result<u32, AccessError> {
        let mut swept = 0;
        for row in self.inner.db.system_read(KEY, sql, params![before]).await? {
            let id: PersonId = row.get("id")?;
            let Some((person, facts)) = self.load_person(id).await? else { continue };
            let (unit, guarded) = self.disabling(audit::system(now), &person, person.version);
            let leaf = audit::done(action, format!("person:{id}"), person.org, facts.realm, serde_json::json!({}));
            match self.guarded(unit.audit(leaf), guarded).await {
                Ok(()) => swept += 1,
                // Somebody changed the account at this moment, or nobody else could manage the centre.
                Err(AccessError::Changed | AccessError::LastAdministrator) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(swept)
    }
}
