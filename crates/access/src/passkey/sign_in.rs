//! Signing in with a passkey, after the password.

use store::{Actor, StoreError, Unit, params};

use crate::access::Access;
use crate::audit;
use crate::error::AccessError;
use crate::login::LoginKind;
use crate::passkey::wire::{self, Asked, Assertion, Flaw};
use crate::passkey::{Ask, Purpose, Stored};
use crate::sign_in::{SignedIn, Visit};
use crate::throttle::Attempt;

/// Which second factors a session may show; counted after the password only.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SecondFactors {
    /// An authenticator with codes.
    pub totp: bool,
    /// Passkeys that work at the address the visitor reached.
    pub passkeys_here: usize,
    /// Passkeys made for another name of this centre.
    pub passkeys_elsewhere: usize,
}

impl Access {
    /// The second factors of the account behind a session, as seen from the address the visitor reached.
    ///
    /// # Errors
    /// [`AccessError::SignIn`] without a session.
    pub async fn second_factors(&self, cookie: &str, host: &str) -> Result<SecondFactors, AccessError> {
        let (_, account) = self.live(LoginKind::Browser, cookie).await?;
        let site = self.passkey_site(host);
        let alive = self.stored(account.id).await?.into_iter().filter(|key| key.card.cloned_at.is_none());
        let (here, elsewhere): (Vec<Stored>, Vec<Stored>) =
            alive.partition(|key| site.as_ref().is_some_and(|site| site.rp_id == key.card.site));
        Ok(SecondFactors { totp: account.totp, passkeys_here: here.len(), passkeys_elsewhere: elsewhere.len() })
    }

    /// Asks a session that waits for its second factor for a passkey.
    ///
    /// # Errors
    /// [`AccessError::NoPasskeysHere`] where the address has none of this account; [`AccessError::SignIn`].
    pub async fn show_passkey_begin(&self, cookie: &str, host: &str) -> Result<Ask, AccessError> {
        let (live, account) = self.live(LoginKind::Browser, cookie).await?;
        let site = self.passkey_site(host).ok_or(AccessError::NoPasskeysHere)?;
        let usable = self.stored(account.id).await?.into_iter();
        let usable: Vec<String> = usable
            .filter(|key| key.card.site == site.rp_id && key.card.cloned_at.is_none())
            .map(|key| wire::encode(&key.credential))
            .collect();
        if usable.is_empty() {
            return Err(AccessError::NoPasskeysHere);
        }
        self.challenge(live.id, &account, Purpose::SignIn, &site, "", usable).await
    }

    /// Checks the passkey that was shown and raises the session.
    ///
    /// # Errors
    /// [`AccessError::BadPasskey`] with the flaw, [`AccessError::Throttled`], [`AccessError::SignIn`].
    pub async fn show_passkey_finish(
        &self,
        cookie: &str,
        host: &str,
        answer: Assertion<'_>,
        visit: &Visit,
    ) -> Result<SignedIn, AccessError> {
        const ACTION: &str = "access.second_factor";
        let (live, account) = self.live(LoginKind::Browser, cookie).await?;
        let (counters, _) = self.counters(Attempt::Code, &account.login, Some(&account), visit);
        self.count(&counters).await?;
        let challenge = match self.spend_challenge(live.id, Purpose::SignIn, host).await? {
            Ok(challenge) => challenge,
            Err(flaw) => return Err(self.flawed(ACTION, &account, flaw).await?),
        };
        let asked = Asked { site: &challenge.site, challenge: &challenge.bytes };
        let key = wire::decode(answer.credential).and_then(|id| {
            let user = wire::decode(answer.user)?;
            if !user.is_empty() && user != account.id.0.as_bytes() {
                return Err(Flaw::Unknown);
            }
            Ok(id)
        });
        let known = self.stored(account.id).await?;
        let found = key.and_then(|id| {
            let mut here = known.iter().filter(|key| key.card.site == challenge.site.rp_id);
            here.find(|key| key.credential == id).ok_or(Flaw::Unknown)
        });
        let checked = found.and_then(|key| {
            let shown = wire::asserted(asked, &key.key, answer)?;
            // Whether it may be synced is said once and for all (level 3, section 7.2).
            if key.card.cloned_at.is_some() || shown.synced != key.card.synced {
                return Err(Flaw::Unknown);
            }
            Ok((key, shown))
        });
        let (key, shown) = match checked {
            Ok(checked) => checked,
            Err(flaw) => return Err(self.flawed(ACTION, &account, flaw).await?),
        };
        let now = self.inner.env.now();
        // Authenticators without a counter say zero for ever (section 6.1.1).
        if (key.count > 0 || shown.count > 0) && shown.count <= key.count {
            let unit = audit::system(now).exec(
                "UPDATE credential_passkey SET cloned_at = $2 WHERE id = $1 AND cloned_at IS NULL",
                params![key.card.id, now],
            );
            self.commit(unit).await?;
            return Err(self.flawed(ACTION, &account, Flaw::Cloned).await?);
        }
        let unit = Unit::new(Actor::Person(account.id), now).exec_one(
            "UPDATE credential_passkey SET sign_count = $2, last_used = $3 \
             WHERE id = $1 AND sign_count = $4 AND cloned_at IS NULL",
            params![key.card.id, shown.count, now, key.count],
        );
        let (signed_in, unit) = self.raise(Self::uncount(unit, &counters), &live, &account, visit);
        let detail = serde_json::json!({"kind": "passkey", "passkey": key.card.id, "login": signed_in.login});
        let leaf = audit::done(ACTION, format!("person:{}", account.id), account.org, account.realm, detail);
        match self.inner.db.commit(unit.audit(leaf)).await {
            Ok(_) => {
                self.doubt();
                Ok(signed_in)
            }
            // Removed, or shown by somebody else, between reading and writing.
            Err(StoreError::Conflict(_)) => Err(self.flawed(ACTION, &account, Flaw::Unknown).await?),
            Err(error) => Err(error.into()),
        }
    }
}
