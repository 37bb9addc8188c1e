//! What people change about themselves: profile and password.

use base::Timestamp;
use store::{Unit, params};

use crate::access::Access;
use crate::audit;
use crate::caller::{Caller, Stage};
use crate::error::AccessError;
use crate::login::LoginKind;
use crate::people::Profile;
use crate::permit::Refusal;
use crate::sign_in::{SignedIn, Visit};
use crate::throttle::Attempt;

impl Access {
    /// Changes one's own profile.
    ///
    /// # Errors
    /// [`AccessError::BadField`], [`AccessError::Changed`], [`AccessError::SignIn`] for a caller that is no person.
    pub async fn set_profile(&self, caller: &Caller, profile: &Profile, version: u64) -> Result<(), AccessError> {
        let id = caller.person().ok_or(AccessError::SignIn)?;
        // A session without its second factor is somebody who knows a password, no more.
        if matches!(caller.stage(), Stage::SecondFactor) {
            return Err(Refusal::SecondFactorDue.into());
        }
        let profile = profile.checked()?;
        let leaf = audit::done(
            "access.set_profile",
            format!("person:{id}"),
            caller.org(),
            caller.realm(),
            serde_json::json!({"language": profile.language, "zone": profile.zone}),
        );
        let unit = Unit::new(caller.actor(), self.inner.env.now())
            .exec_one(
                "UPDATE person SET display = $2, mail = $3, language = $4, zone = $5, version = version + 1 \
                 WHERE id = $1 AND version = $6",
                params![id, &profile.display, &profile.mail, &profile.language, &profile.zone, version],
            )
            .audit(leaf);
        self.commit(unit).await?;
        self.doubt();
        Ok(())
    }

    /// Changes one's own password; every other session ends, and this one goes on under a new cookie.
    ///
    /// # Errors
    /// [`AccessError::BadCredentials`] for the current one, [`AccessError::WeakPassword`], [`AccessError::Throttled`].
    pub async fn change_password(
        &self,
        caller: &Caller,
        current: &str,
        new: &str,
        visit: &Visit,
    ) -> Result<SignedIn, AccessError> {
        let id = caller.person().ok_or(AccessError::SignIn)?;
        if matches!(caller.stage(), Stage::SecondFactor) {
            return Err(Refusal::SecondFactorDue.into());
        }
        let mut account = self.account_by_id(id).await?.ok_or(AccessError::SignIn)?;
        let (counters, known) = self.counters(Attempt::Password, &account.login, Some(&account), visit);
        self.count(&counters).await?;
        let phc = account.password.as_ref().map(|(phc, _)| phc.clone());
        if !self.inner.stretcher.verify(current, phc, known).await? {
            self.stranger("access.change_password", Some(&account)).await?;
            return Err(AccessError::BadCredentials);
        }
        self.acceptable(&account, new).await?;
        let phc = self.inner.stretcher.hash(&self.inner.env, new).await?;
        let now = self.inner.env.now();
        let shown: Option<Timestamp> = self.shown(caller).await?;
        let unit = Self::uncount(Unit::new(caller.actor(), now), &counters);
        let unit = Self::end_sessions(self.set_password(unit, id, &phc), id, None);
        account.password = Some((phc, now));
        let (signed_in, unit) = self.open_session(unit, LoginKind::Browser, &account, shown, visit);
        let leaf = audit::done(
            "access.change_password",
            format!("person:{id}"),
            caller.org(),
            caller.realm(),
            serde_json::json!({}),
        );
        self.commit(unit.audit(leaf)).await?;
        self.doubt();
        Ok(signed_in)
    }
}
