//! One-time codes with which sensors and enforcement agents enrol.

use base::{OrgId, Realm, Timestamp, Tlp};
use store::{StoreError, Unit, params};
use zeroize::Zeroizing;

use crate::access::{Access, KEY};
use crate::action::act;
use crate::audit;
use crate::caller::{Caller, MachineKind};
use crate::codes;
use crate::error::AccessError;
use crate::ids::EnrolCodeId;

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
        let at = unit.at;
        let leaf = audit::done(
            "access.enrol_code_take",
            format!("enrol_code:{}", self.id),
            self.org,
            self.realm,
            serde_json::json!({"kind": self.kind.word(), "name": self.name}),
        );
        unit.exec_one(
            "UPDATE enrol_code SET used_at = $2 WHERE id = $1 AND used_at IS NULL AND ends_at > $2",
            params![self.id, at],
        )
        .audit(leaf)
    }
}

/// A code lives a day.
const LIFE: i64 = 86_400;

impl Access {
    /// Makes a code for a sensor or enforcement agent of an organisation, good for 24 hours.
    ///
    /// # Errors
    /// [`crate::Refusal`] without `manage_sensors` or `manage_points` there; [`AccessError::BadField`].
    pub async fn enrol_code_create(
        &self,
        caller: &Caller,
        kind: MachineKind,
        org: OrgId,
        name: &str,
    ) -> Result<EnrolCode, AccessError> {
        const ACTION: &str = "access.enrol_code_create";
        let permit = match kind {
            MachineKind::Sensor => caller.permit_in::<act::ManageSensors>(org).map(drop),
            MachineKind::Edge => caller.permit_in::<act::ManagePoints>(org).map(drop),
        };
        if let Err(why) = permit {
            return Err(self.refuse(caller, ACTION, &format!("org:{org}"), why).await);
        }
        let name = name.trim();
        if name.is_empty() || name.chars().count() > 64 || name.chars().any(char::is_control) {
            return Err(AccessError::BadField("name", "1 to 64 characters without control characters"));
        }
        let now = self.inner.env.now();
        // 100 random bits: nobody guesses one, and one plain hash is enough.
        let code = codes::fresh(&self.inner.env, 20, 5);
        let made = EnrolCode { id: self.inner.env.id(), code, ends_at: now.plus_secs(LIFE) };
        let unit = Unit::new(caller.actor(), now)
            .exec_one(
                "INSERT INTO enrol_code (id, org_id, tlp, realm, kind, name, hash, created_at, ends_at) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
                params![
                    made.id,
                    org,
                    Tlp::AmberStrict,
                    caller.realm(),
                    kind.word(),
                    name,
                    codes::hash(kind.word().as_bytes(), &made.code),
                    now,
                    made.ends_at
                ],
            )
            .audit(audit::done(
                ACTION,
                format!("enrol_code:{}", made.id),
                org,
                caller.realm(),
                serde_json::json!({"kind": kind.word(), "name": name, "ends_at": made.ends_at}),
            ));
        self.commit(unit).await?;
        Ok(made)
    }

    /// Looks a code up; spend it with [`EnrolTicket::spend`].
    ///
    /// # Errors
    /// [`AccessError::EnrolSpent`].
    pub async fn enrol_code_check(&self, kind: MachineKind, code: &str) -> Result<EnrolTicket, AccessError> {
        let sql = "SELECT id, org_id, realm, name FROM enrol_code \
                   WHERE hash = $1 AND kind = $2 AND used_at IS NULL AND ends_at > $3";
        let params = params![codes::hash(kind.word().as_bytes(), code), kind.word(), self.inner.env.now()];
        let rows = self.inner.db.system_read(KEY, sql, params).await?;
        let row = rows.first().ok_or_else(|| {
            self.inner.strangers.refused("access.enrol");
            AccessError::EnrolSpent
        })?;
        Ok(EnrolTicket {
            id: row.get("id")?,
            kind,
            org: row.get("org_id")?,
            realm: row.get("realm")?,
            name: row.get("name")?,
        })
    }

    /// Looks a code up and spends it at once.
    ///
    /// # Errors
    /// [`AccessError::EnrolSpent`].
    pub async fn enrol_code_take(&self, kind: MachineKind, code: &str) -> Result<EnrolTicket, AccessError> {
        let ticket = self.enrol_code_check(kind, code).await?;
        match self.inner.db.commit(ticket.spend(audit::system(self.inner.env.now()))).await {
            Ok(_) => Ok(ticket),
            Err(StoreError::Conflict(_)) => Err(AccessError::EnrolSpent),
            Err(error) => Err(error.into()),
        }
    }
}
