//! Signing in: name and password, then the second factor; uniform answers; throttled without locking out.

use base::{PersonId, Timestamp};
use std::net::IpAddr;
use zeroize::Zeroizing;

use crate::access::Access;
use crate::caller::{Caller, Stage};
use crate::error::AccessError;
use crate::links::SecretLink;
use crate::people::later;

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

/// A session was opened or raised.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedIn {
    /// Who.
    pub person: PersonId,
    /// The value of the session cookie: new at each step, so that nobody can plant one.
    pub cookie: Zeroizing<String>,
    /// What comes next; [`Stage::Full`] is done.
    pub stage: Stage,
    /// When the session ends in any case.
    pub ends_at: Timestamp,
    /// A known-device cookie to keep, after a second factor.
    pub device: Option<Zeroizing<String>>,
}

impl Access {
    /// Checks name and password and opens a session; its stage says whether a second factor comes next.
    ///
    /// # Errors
    /// [`AccessError::BadCredentials`] for every wrong name, password and account state alike;
    /// [`AccessError::Throttled`].
    pub async fn begin_sign_in(&self, _login: &str, _password: &str, _visit: &Visit) -> Result<SignedIn, AccessError> {
        later()
    }

    /// Checks the authenticator's code (each once) and raises the session.
    ///
    /// # Errors
    /// [`AccessError::BadCode`], [`AccessError::Throttled`], [`AccessError::SignIn`] without a session.
    pub async fn verify_totp(&self, _cookie: &str, _code: &str, _visit: &Visit) -> Result<SignedIn, AccessError> {
        later()
    }

    /// Spends a recovery code instead of the authenticator's code and raises the session.
    ///
    /// # Errors
    /// Those of [`Access::verify_totp`].
    pub async fn verify_recovery_code(
        &self,
        _cookie: &str,
        _code: &str,
        _visit: &Visit,
    ) -> Result<SignedIn, AccessError> {
        later()
    }

    /// A one-time link that signs the person in (the demo only).
    ///
    /// # Errors
    /// [`AccessError::LinksOff`] outside the demo; [`crate::Refusal`].
    pub async fn sign_in_link(
        &self,
        _caller: &Caller,
        _person: PersonId,
        _minutes: u32,
    ) -> Result<SecretLink, AccessError> {
        later()
    }

    /// Spends a one-time sign-in link.
    ///
    /// # Errors
    /// [`AccessError::LinksOff`], [`AccessError::LinkSpent`].
    pub async fn take_sign_in_link(&self, _token: &str, _visit: &Visit) -> Result<SignedIn, AccessError> {
        later()
    }
}
