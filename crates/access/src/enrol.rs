//! One-time codes with which sensors and enforcement agents enrol.

use base::{OrgId, Realm, Timestamp};
use store::Unit;
use zeroize::Zeroizing;

use crate::access::Access;
use crate::caller::{Caller, MachineKind};
use crate::error::AccessError;
use crate::ids::EnrolCodeId;
use crate::people::later;

/// A fresh code: the only moment it is readable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnrolCode {
    /// Its id.
    pub id: EnrolCodeId,
    /// Twenty characters in groups of five.
    pub code: Zeroizing<String>,
    /// When it dies.
    pub ends_at: Timestamp,
}

/// What a valid code stands for. It is spent by the unit that creates the machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnrolTicket {
    /// The code.
    pub id: EnrolCodeId,
    /// Sensor or edge.
    pub kind: MachineKind,
    /// Whose machine it will be.
    pub org: OrgId,
    /// Its realm.
    pub realm: Realm,
    /// The name chosen for it.
    pub name: String,
}

impl EnrolTicket {
    /// Adds the spending of the code to the unit that creates the machine: both happen, or neither
    /// (a code spent meanwhile undoes the unit with `StoreError::Conflict`).
    #[must_use]
    pub fn spend(&self, unit: Unit) -> Unit {
        unit
    }
}

impl Access {
    /// Makes a code for a sensor or enforcement agent of an organisation, good for 24 hours.
    ///
    /// # Errors
    /// [`crate::Refusal`] without `manage_sensors` or `manage_points` there; [`AccessError::BadField`].
    pub async fn enrol_code_create(
        &self,
        _caller: &Caller,
        _kind: MachineKind,
        _org: OrgId,
        _name: &str,
    ) -> Result<EnrolCode, AccessError> {
        later()
    }

    /// Looks a code up; spend it with [`EnrolTicket::spend`].
    ///
    /// # Errors
    /// [`AccessError::EnrolSpent`].
    pub async fn enrol_code_check(&self, _kind: MachineKind, _code: &str) -> Result<EnrolTicket, AccessError> {
        later()
    }

    /// Looks a code up and spends it at once.
    ///
    /// # Errors
    /// [`AccessError::EnrolSpent`].
    pub async fn enrol_code_take(&self, _kind: MachineKind, _code: &str) -> Result<EnrolTicket, AccessError> {
        later()
    }
}
