//! Signing in: name and password, then the second factor; uniform answers; throttled without locking out.

use base::{PersonId, Timestamp};
use std::fmt;
use std::net::IpAddr;
use store::{Actor, StoreError, Unit, params};
use zeroize::Zeroizing;

use crate::access::{Access, KEY};
use crate::account::Account;
use crate::action::act;
use crate::audit;
use crate::caller::{Caller, Stage};
use crate::error::AccessError;
use crate::ids::LoginId;
use crate::links::{Purpose, SecretLink};
use crate::login::{Live, LoginKind};
use crate::password::LONGEST;
use crate::people::login_name;
use crate::permit::Refusal;
use crate::throttle::{Attempt, Counters, Device};
use crate::totp;

/// Where a request comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Visit {
    /// The peer's address.
    pub address: IpAddr,
    /// Its user agent, as sent.
    pub agent: String,
    /// The known-device cookie, as sent.
    pub device: Option<String>,
}

impl Visit {
    /// The user agent as it is kept: short, without control characters.
    pub(crate) fn agent(&self) -> String {
        self.agent.chars().filter(|c| !c.is_control()).take(200).collect()
    }
}

/// A session was opened or raised.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedIn {
    /// Who.
    pub person: PersonId,
    /// The session.
    pub login: LoginId,
    /// The session's secret, a cookie's value or a bearer: new at each step, so that nobody can plant one.
    pub cookie: Zeroizing<String>,
    /// What comes next; [`Stage::Full`] is done.
    pub stage: Stage,
    /// When the session ends in any case.
    pub ends_at: Timestamp,
    /// A known-device cookie to keep, after a second factor.
    pub device: Option<Zeroizing<String>>,
}

/// What was shown as the second factor.
#[derive(Clone, Copy)]
pub enum Second<'a> {
    /// A code of the authenticator.
    Totp(&'a str),
    /// A recovery code; it is spent.
    Recovery(&'a str),
}

impl fmt::Debug for Second<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Totp(_) => "Totp",
            Self::Recovery(_) => "Recovery",
        })
    }
}

impl Access {
    /// Checks name and password and opens a session; its stage says whether a second factor comes next.
    ///
    /// # Errors
    /// [`AccessError::BadCredentials`] for every wrong name, password and account state alike;
    /// [`AccessError::Throttled`].
    pub async fn begin_sign_in(&self, login: &str, password: &str, visit: &Visit) -> Result<SignedIn, AccessError> {
        self.begin(LoginKind::Browser, login, password, visit).await
    }

    /// Signs a person's program in, in one step: name, password, and the second factor where the account has one. The
    /// same counters, rules and leaves as the two steps of a browser; a code that nothing asks for is not read. What
    /// only pages can do (setting up a second factor, choosing a new password, passkeys) stays with them.
    ///
    /// # Errors
    /// Those of [`Access::begin_sign_in`] and [`Access::verify_totp`]; [`Refusal::SecondFactorDue`] without one that is
    /// needed, [`Refusal::PasswordDue`]. No session is left open then.
    pub async fn sign_in_program(
        &self,
        login: &str,
        password: &str,
        second: Option<Second<'_>>,
        visit: &Visit,
    ) -> Result<SignedIn, AccessError> {
        let begun = self.begin(LoginKind::Program, login, password, visit).await?;
        let mut open = begun.login;
        let done = match (begun.stage, second) {
            (Stage::SecondFactor, Some(second)) => {
                self.second_factor(LoginKind::Program, &begun.cookie, second, visit).await
            }
            _ => Ok(begun),
        };
        let done = done.and_then(|signed| {
            open = signed.login;
            // No device becomes known by it: that is for browsers, where people sit.
            signed.stage.due().map(|()| SignedIn { device: None, ..signed }).map_err(AccessError::from)
        });
        if done.is_err() {
            let now = self.inner.env.now();
            let close = "UPDATE login SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL";
            self.inner.db.commit(audit::system(now).exec(close, params![open, now])).await?;
        }
        done
    }

    async fn begin(
        &self,
        kind: LoginKind,
        login: &str,
        password: &str,
        visit: &Visit,
    ) -> Result<SignedIn, AccessError> {
        // A name that cannot exist is counted and answered like one that does not.
        let name = login_name(login).unwrap_or_else(|_| login.chars().take(64).collect());
        let account = self.account_by_login(&name).await?;
        let (counters, known) = self.counters(Attempt::Password, &name, account.as_ref(), visit);
        self.count(&counters).await?;
        let phc = account.as_ref().and_then(|account| account.password.as_ref()).map(|(phc, _)| phc.clone());
        let short = if password.len() <= LONGEST { password } else { "" };
        let right = self.inner.stretcher.verify(short, phc, known).await?;
        let now = self.inner.env.now();
        let Some(account) = account.as_ref().filter(|account| right && account.is_active(now)) else {
            self.stranger("access.sign_in", account.as_ref()).await?;
            return Err(AccessError::BadCredentials);
        };
        let unit = Self::uncount(Unit::new(Actor::Person(account.id), now), &counters);
        let (signed_in, unit) = self.open_session(unit, kind, account, None, visit);
        let leaf = audit::done(
            "access.sign_in",
            format!("person:{}", account.id),
            account.org,
            account.realm,
            serde_json::json!({"login": signed_in.login, "through": kind.word(), "known_device": known}),
        );
        self.inner.db.commit(unit.audit(leaf)).await?;
        Ok(signed_in)
    }

    /// Checks the authenticator's code (each once) and raises the session.
    ///
    /// # Errors
    /// [`AccessError::BadCode`], [`AccessError::Throttled`], [`AccessError::SignIn`] without a session.
    pub async fn verify_totp(&self, cookie: &str, code: &str, visit: &Visit) -> Result<SignedIn, AccessError> {
        self.second_factor(LoginKind::Browser, cookie, Second::Totp(code), visit).await
    }

    /// Spends a recovery code instead of the authenticator's code and raises the session.
    ///
    /// # Errors
    /// Those of [`Access::verify_totp`].
    pub async fn verify_recovery_code(&self, cookie: &str, code: &str, visit: &Visit) -> Result<SignedIn, AccessError> {
        self.second_factor(LoginKind::Browser, cookie, Second::Recovery(code), visit).await
    }

    async fn second_factor(
        &self,
        through: LoginKind,
        secret: &str,
        second: Second<'_>,
        visit: &Visit,
    ) -> Result<SignedIn, AccessError> {
        let (live, account) = self.live(through, secret).await?;
        if !account.has_second() {
            return Err(AccessError::BadCode);
        }
        let (counters, _) = self.counters(Attempt::Code, &account.login, Some(&account), visit);
        self.count(&counters).await?;
        let now = self.inner.env.now();
        let unit = Unit::new(Actor::Person(account.id), now);
        // The code is spent by the statement that stands first: the same code twice undoes the whole unit.
        let spent = match second {
            Second::Totp(code) => {
                self.totp_step(&account, code, now).await?.map(|step| totp::spend(unit, account.id, step))
            }
            Second::Recovery(code) => Some(totp::spend_recovery(unit, account.id, code)),
        };
        let Some(unit) = spent else {
            self.stranger("access.second_factor", Some(&account)).await?;
            return Err(AccessError::BadCode);
        };
        let unit = Self::uncount(unit, &counters);
        let (signed_in, unit) = self.raise(unit, &live, &account, visit);
        let kind = match second {
            Second::Totp(_) => "totp",
            Second::Recovery(_) => "recovery_code",
        };
        let leaf = audit::done(
            "access.second_factor",
            format!("person:{}", account.id),
            account.org,
            account.realm,
            serde_json::json!({"kind": kind, "login": signed_in.login}),
        );
        match self.inner.db.commit(unit.audit(leaf)).await {
            Ok(_) => {
                self.doubt();
                Ok(signed_in)
            }
            Err(StoreError::Conflict(_)) => {
                self.stranger("access.second_factor", Some(&account)).await?;
                Err(AccessError::BadCode)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Replaces a session by one that has shown its second factor, and makes the device known.
    pub(crate) fn raise(&self, unit: Unit, live: &Live, account: &Account, visit: &Visit) -> (SignedIn, Unit) {
        let now = unit.at;
        let unit = unit
            .exec_one("UPDATE login SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL", params![live.id, now]);
        let (mut signed_in, unit) = self.open_session(unit, live.kind, account, Some(now), visit);
        // A device that is known keeps its identity, and with it its counter.
        let device = self.known_device(Some(account), visit).map_or_else(
            || Device::fresh(&self.inner.env, account.id, account.epoch),
            |old| Device { issued: now, ..old },
        );
        signed_in.device = Some(device.cookie(&self.inner.keys));
        (signed_in, unit)
    }

    /// The counters of an attempt, and whether it comes from a device known for this very account.
    pub(crate) fn counters(
        &self,
        attempt: Attempt,
        login: &str,
        account: Option<&Account>,
        visit: &Visit,
    ) -> (Counters, bool) {
        match self.known_device(account, visit) {
            Some(device) => (Counters::device(attempt, device.person, device.device), true),
            None => (Counters::stranger(attempt, login, visit.address), false),
        }
    }

    fn known_device(&self, account: Option<&Account>, visit: &Visit) -> Option<Device> {
        let (inner, account) = (&self.inner, account?);
        let device = Device::read(visit.device.as_deref()?, &inner.keys, &inner.settings, inner.env.now())?;
        (device.person == account.id && device.epoch == account.epoch).then_some(device)
    }

    /// When the caller's session showed its second factor.
    pub(crate) async fn shown(&self, caller: &Caller) -> Result<Option<Timestamp>, AccessError> {
        let id = caller.login().ok_or(AccessError::SignIn)?;
        let sql = "SELECT second_factor_at FROM login WHERE id = $1 AND revoked_at IS NULL";
        let rows = self.inner.db.system_read(KEY, sql, params![id]).await?;
        Ok(rows.first().ok_or(AccessError::SignIn)?.get("second_factor_at")?)
    }

    /// A one-time link that signs the person in (the demo only).
    ///
    /// # Errors
    /// [`AccessError::LinksOff`] outside the demo; [`crate::Refusal`].
    pub async fn sign_in_link(
        &self,
        caller: &Caller,
        person: PersonId,
        minutes: u32,
    ) -> Result<SecretLink, AccessError> {
        const ACTION: &str = "access.sign_in_link";
        if !self.inner.settings.sign_in_links {
            return Err(AccessError::LinksOff);
        }
        let subject = format!("person:{person}");
        let Some((found, facts)) = self.load_person(person).await? else {
            return Err(self.refuse(caller, ACTION, &subject, Refusal::NotThere).await);
        };
        if let Err(why) = caller.permit::<act::ManagePeople, _>(person, &facts) {
            return Err(self.refuse(caller, ACTION, &subject, why).await);
        }
        let unit = Unit::new(caller.actor(), self.inner.env.now());
        let (link, unit) = self.link(unit, Purpose::SignIn, Some(person), i64::from(minutes.max(1)) * 60);
        let detail = serde_json::json!({"link": link.id, "ends_at": link.ends_at});
        let unit = unit.audit(audit::done(ACTION, subject, found.org, facts.realm, detail));
        self.commit(unit).await?;
        Ok(link)
    }

    /// Spends a one-time sign-in link. It stands for both factors: whoever holds it got it from the host's terminal.
    ///
    /// # Errors
    /// [`AccessError::LinksOff`], [`AccessError::LinkSpent`].
    pub async fn take_sign_in_link(&self, token: &str, visit: &Visit) -> Result<SignedIn, AccessError> {
        if !self.inner.settings.sign_in_links {
            return Err(AccessError::LinksOff);
        }
        let link = self.open_link(token, &[Purpose::SignIn]).await?;
        let person = link.person.ok_or(AccessError::LinkSpent)?;
        let account = self.account_by_id(person).await?.ok_or(AccessError::LinkSpent)?;
        let now = self.inner.env.now();
        if account.state == crate::people::PersonState::Disabled {
            return Err(AccessError::LinkSpent);
        }
        let unit = link.spend(Unit::new(Actor::Person(person), now));
        let (signed_in, unit) = self.open_session(unit, LoginKind::Browser, &account, Some(now), visit);
        // The people of the demo never choose a password: their first link makes them active.
        let unit = unit.exec("UPDATE person SET state = 'active' WHERE id = $1 AND state = 'invited'", params![person]);
        let leaf = audit::done(
            "access.take_sign_in_link",
            format!("person:{person}"),
            account.org,
            account.realm,
            serde_json::json!({"link": link.id, "login": signed_in.login}),
        );
        match self.commit(unit.audit(leaf)).await {
            Ok(_) => Ok(signed_in),
            Err(AccessError::Changed) => Err(AccessError::LinkSpent),
            Err(error) => Err(error),
        }
    }
}
