//! The first person: one setup link, printed at start, dead once somebody exists.

use base::Role;

use crate::access::Access;
use crate::error::AccessError;
use crate::links::SecretLink;
use crate::people::later;
use crate::sign_in::{SignedIn, Visit};

/// The first person, an administrator of the centre.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FirstPerson {
    /// Sign-in name.
    pub login: String,
    /// Name to show.
    pub display: String,
    /// Mail address; may be empty.
    pub mail: String,
    /// `zh-TW` or `en`.
    pub language: String,
    /// IANA zone.
    pub zone: String,
    /// The password.
    pub password: String,
    /// Roles beside administrator, for a centre that starts with one person.
    pub also: Vec<Role>,
}

impl Access {
    /// Whether nobody exists yet: otherwise `/setup` answers 404.
    ///
    /// # Errors
    /// [`AccessError::Store`].
    pub async fn setup_open(&self) -> Result<bool, AccessError> {
        later()
    }

    /// A fresh setup link for 24 hours, and the end of any earlier one; none once a person exists.
    ///
    /// # Errors
    /// [`AccessError::Store`].
    pub async fn setup_link(&self) -> Result<Option<SecretLink>, AccessError> {
        later()
    }

    /// Whether this setup link would work now.
    ///
    /// # Errors
    /// [`AccessError::LinkSpent`].
    pub async fn setup_check(&self, _token: &str) -> Result<(), AccessError> {
        later()
    }

    /// Spends the setup link: makes the first administrator and signs them in (a second factor comes next).
    ///
    /// # Errors
    /// [`AccessError::LinkSpent`], [`AccessError::BadField`], [`AccessError::WeakPassword`].
    pub async fn first_person(
        &self,
        _token: &str,
        _person: &FirstPerson,
        _visit: &Visit,
    ) -> Result<SignedIn, AccessError> {
        later()
    }
}
