//! The second factor: RFC 6238 codes, each good once, and ten recovery codes.

use zeroize::Zeroizing;

use crate::access::Access;
use crate::caller::Caller;
use crate::error::AccessError;
use crate::people::later;
use crate::sign_in::{SignedIn, Visit};

/// What a person needs to set up their authenticator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TotpEnrolment {
    /// The secret in base32, for typing.
    pub secret: Zeroizing<String>,
    /// The `otpauth://` address.
    pub uri: Zeroizing<String>,
    /// The same as a QR code: an `<svg>` element for the page.
    pub svg: Zeroizing<String>,
}

/// The second factor is set up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TotpEnrolled {
    /// Ten recovery codes, shown once.
    pub recovery_codes: Vec<Zeroizing<String>>,
    /// The raised session.
    pub signed_in: SignedIn,
}

impl Access {
    /// Starts setting up an authenticator: a new secret that waits for its first code.
    ///
    /// # Errors
    /// [`AccessError::Enrolled`] while one is in use and this session has not shown it.
    pub async fn enrol_totp_begin(&self, _caller: &Caller) -> Result<TotpEnrolment, AccessError> {
        later()
    }

    /// Confirms the authenticator with its first code: recovery codes, and a raised session.
    ///
    /// # Errors
    /// [`AccessError::BadCode`], [`AccessError::Throttled`].
    pub async fn enrol_totp_finish(
        &self,
        _caller: &Caller,
        _code: &str,
        _visit: &Visit,
    ) -> Result<TotpEnrolled, AccessError> {
        later()
    }

    /// Ten new recovery codes; the old ones die.
    ///
    /// # Errors
    /// [`crate::Refusal::SecondFactorDue`] before the second factor.
    pub async fn renew_recovery_codes(&self, _caller: &Caller) -> Result<Vec<Zeroizing<String>>, AccessError> {
        later()
    }
}
