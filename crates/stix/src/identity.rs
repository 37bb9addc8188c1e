//! The identity object (STIX 2.1 section 4.5) of an organisation: who says what the centre publishes.

use base::{OrgId, Timestamp};
use serde_json::json;
use uuid::Uuid;

use crate::error::StixError;
use crate::header::Stored;

/// Namespace of the identities of this program; the one of STIX observables must not be used here (section 2.9).
const NAMESPACE: Uuid = Uuid::from_u128(0x6d0f_4a52_95c1_4b7e_9d0e_2a61_b0c3_77e5);

/// The identity's UUID of an organisation: version 5, so that it is the same on every export and the schemas take it.
#[must_use]
pub fn id_of(org: OrgId) -> Uuid {
    Uuid::new_v5(&NAMESPACE, org.0.as_bytes())
}

/// An organisation as STIX sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdentityObject {
    /// The organisation.
    pub org: OrgId,
    /// Its name.
    pub name: String,
    /// When it joined.
    pub created: Timestamp,
    /// When its name last changed.
    pub modified: Timestamp,
}

impl IdentityObject {
    /// The object as canonical bytes.
    ///
    /// # Errors
    /// [`StixError::Object`] when the name is empty or the times are out of order.
    pub fn write(&self) -> Result<Stored, StixError> {
        if self.name.trim().is_empty() || self.modified < self.created {
            return Err(StixError::Object("the name is empty or the times are out of order".into()));
        }
        let value = json!({
            "type": "identity",
            "spec_version": "2.1",
            "id": format!("identity--{}", id_of(self.org)),
            "created": self.created,
            "modified": self.modified,
            "name": self.name,
            "identity_class": "organization",
        });
        Stored::read(base::canonical_json(&value).into_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_stable_and_valid() {
        let org = OrgId(Uuid::from_u128(7));
        let at = Timestamp::from_micros(1_763_000_000_000_000);
        let stored = IdentityObject { org, name: "能源領域".into(), created: at, modified: at }.write().unwrap();
        crate::model::check(&stored).unwrap();
        assert_eq!(stored.header.uuid, id_of(org));
        assert_eq!(id_of(org).get_version_num(), 5);
        assert!(IdentityObject { org, name: " ".into(), created: at, modified: at }.write().is_err());
    }
}
