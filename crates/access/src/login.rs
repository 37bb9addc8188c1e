//! Sessions: checked in the store (cached for at most a second), listed, revoked.

use base::{PersonId, Timestamp};

use crate::access::Access;
use crate::caller::{Caller, MachineKind};
use crate::error::AccessError;
use crate::ids::LoginId;
use crate::people::later;
use base::OrgId;
use uuid::Uuid;

/// A session, as its owner sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Login {
    /// Its id.
    pub id: LoginId,
    /// Whose it is.
    pub person: PersonId,
    /// When it was opened.
    pub created_at: Timestamp,
    /// When it was last used, to the minute.
    pub last_seen: Timestamp,
    /// When it ends in any case.
    pub ends_at: Timestamp,
    /// Where it was opened from.
    pub address: String,
    /// With which program.
    pub agent: String,
    /// When the second factor was shown.
    pub second_factor_at: Option<Timestamp>,
}

impl Access {
    /// Who the session cookie belongs to.
    ///
    /// # Errors
    /// [`AccessError::SignIn`] when it is unknown, ended or revoked, or its account is not active.
    pub async fn session_check(&self, _cookie: &str) -> Result<Caller, AccessError> {
        later()
    }

    /// The live sessions of a person: one's own, or others' with `manage_people`.
    ///
    /// # Errors
    /// [`crate::Refusal`].
    pub async fn sessions(&self, _caller: &Caller, _person: PersonId) -> Result<Vec<Login>, AccessError> {
        later()
    }

    /// Ends a session: one's own, or others' with `manage_people`.
    ///
    /// # Errors
    /// [`crate::Refusal`].
    pub async fn revoke_session(&self, _caller: &Caller, _id: LoginId) -> Result<(), AccessError> {
        later()
    }

    /// Ends the caller's own session.
    ///
    /// # Errors
    /// [`AccessError::Store`].
    pub async fn sign_out(&self, _caller: &Caller) -> Result<(), AccessError> {
        later()
    }

    /// The caller behind a verified machine certificate; `org` comes from the machine's loaded row.
    #[must_use]
    pub fn machine_caller(&self, kind: MachineKind, id: Uuid, org: OrgId) -> Caller {
        Caller::machine(kind, id, org, self.centre(), self.settings().realm)
    }
}
