//! Contacts (personal data) and circuits of an organisation: rows nobody decides about but their own version.

use access::{Caller, Refusal, act, audit};
use base::{OrgId, Timestamp, Tlp};
use store::{StoreError, Unit, params};

use crate::command::{NETWORK_TLP, Span, end, span};
use crate::error::RegistryError;
use crate::ids::{CircuitId, ContactId};
use crate::model::{NewCircuit, NewContact};
use crate::query;
use crate::registry::{KEY, Registry};

/// What a contact can be for.
pub const CONTACT_ROLES: [&str; 4] = ["security", "network", "duty", "management"];

fn field(name: &'static str, value: &str, most: usize) -> Result<String, RegistryError> {
    let value = value.trim();
    if value.chars().count() > most || value.chars().any(char::is_control) {
        return Err(RegistryError::BadField(name, "is too long or holds control characters"));
    }
    Ok(value.to_owned())
}

fn filled(name: &'static str, value: &str, most: usize) -> Result<String, RegistryError> {
    let value = field(name, value, most)?;
    if value.is_empty() { Err(RegistryError::BadField(name, "must not be empty")) } else { Ok(value) }
}

/// The form of a mail address: one `@` with something on both sides; whether it works only a message can tell.
fn mail(value: &str) -> Result<String, RegistryError> {
    let value = field("mail", value, 254)?;
    let good = value.is_empty()
        || value.split_once('@').is_some_and(|(local, host)| {
            !local.is_empty() && !host.is_empty() && !host.contains('@') && !value.contains(char::is_whitespace)
        });
    if good { Ok(value) } else { Err(RegistryError::BadField("mail", "is not a mail address")) }
}

fn telephone(value: &str) -> Result<String, RegistryError> {
    let value = field("telephone", value, 40)?;
    let good = value.chars().all(|c| c.is_ascii_digit() || " +-()#分機轉".contains(c));
    if good { Ok(value) } else { Err(RegistryError::BadField("telephone", "is not a telephone number")) }
}

impl Registry {
    /// Adds a contact. An organisation keeps its own contacts.
    ///
    /// # Errors
    /// [`RegistryError::BadField`], [`RegistryError::UnknownOrg`], [`RegistryError::Refused`].
    pub async fn contact_add(&self, caller: &Caller, org: OrgId, new: &NewContact) -> Result<ContactId, RegistryError> {
        self.refresh().await?;
        self.known(org)?;
        if let Err(why) = caller.permit_in::<act::ManageContacts>(org) {
            return Err(self.refused(caller, "registry.add_contact", format!("org:{org}"), why).await);
        }
        if !CONTACT_ROLES.contains(&new.role.as_str()) {
            return Err(RegistryError::BadField("role", "must be security, network, duty or management"));
        }
        let (id, now) = (self.env.id::<ContactId>(), self.env.now());
        let row = params![
            id,
            org,
            Tlp::AmberStrict,
            self.realm,
            filled("name", &new.name, 80)?,
            &new.role,
            mail(&new.mail)?,
            telephone(&new.telephone)?,
            now
        ];
        let leaf = audit::done(
            "registry.add_contact",
            format!("contact:{id}"),
            org,
            self.realm,
            serde_json::json!({"role": new.role}),
        );
        let unit = Unit::new(caller.actor(), now)
            .exec_one(
                "INSERT INTO org_contact (id, org_id, tlp, realm, name, role, mail, telephone, from_at, version) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 1)",
                row,
            )
            .audit(leaf);
        self.db.commit(unit).await?;
        Ok(id)
    }

    /// Ends a contact and erases its personal data; the row and its dates stay.
    ///
    /// # Errors
    /// [`RegistryError::UnknownItem`], [`RegistryError::Changed`], [`RegistryError::Refused`].
    pub async fn contact_end(&self, caller: &Caller, id: ContactId, version: u64) -> Result<(), RegistryError> {
        let rows = self.db.system_read(KEY, "SELECT org_id FROM org_contact WHERE id = $1", params![id]).await?;
        let org: OrgId = rows.first().ok_or(RegistryError::UnknownItem)?.get("org_id")?;
        let facts = access::Facts::new(org, Tlp::AmberStrict, self.realm);
        if let Err(why) = caller.permit::<act::ManageContacts, _>(id, &facts) {
            if why == Refusal::NotThere {
                return Err(RegistryError::UnknownItem);
            }
            return Err(self.refused(caller, "registry.end_contact", format!("contact:{id}"), why).await);
        }
        let now = self.env.now();
        let leaf = audit::done("registry.end_contact", format!("contact:{id}"), org, self.realm, serde_json::json!({}));
        let unit = Unit::new(caller.actor(), now)
            .exec_one(
                "UPDATE org_contact SET name = '', mail = '', telephone = '', to_at = $2, version = version + 1 \
                 WHERE id = $1 AND version = $3 AND to_at IS NULL",
                params![id, now, version],
            )
            .audit(leaf);
        changed(self.db.commit(unit).await)
    }

    /// Adds a circuit.
    ///
    /// # Errors
    /// [`RegistryError::BadField`], [`RegistryError::UnknownOrg`], [`RegistryError::Refused`].
    pub async fn circuit_add(
        &self,
        caller: &Caller,
        org: OrgId,
        new: &NewCircuit,
        when: Span,
    ) -> Result<CircuitId, RegistryError> {
        self.refresh().await?;
        self.above(caller, org, "registry.add_circuit").await?;
        let (id, now) = (self.env.id::<CircuitId>(), self.env.now());
        let (from, to) = span(when, now)?;
        let row = params![
            id,
            org,
            NETWORK_TLP,
            self.realm,
            filled("number", &new.number, 64)?,
            filled("provider", &new.provider, 80)?,
            new.mbps,
            from,
            to
        ];
        let leaf = audit::done(
            "registry.add_circuit",
            format!("circuit:{id}"),
            org,
            self.realm,
            serde_json::json!({"number": new.number, "provider": new.provider, "mbps": new.mbps}),
        );
        let unit = Unit::new(caller.actor(), now)
            .exec_one(
                "INSERT INTO org_circuit (id, org_id, tlp, realm, number, provider, mbps, from_at, to_at, version) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 1)",
                row,
            )
            .audit(leaf);
        self.db.commit(unit).await?;
        Ok(id)
    }

    /// Ends a circuit.
    ///
    /// # Errors
    /// [`RegistryError::UnknownItem`], [`RegistryError::Changed`], [`RegistryError::Refused`].
    pub async fn circuit_end(
        &self,
        caller: &Caller,
        id: CircuitId,
        at: Option<Timestamp>,
        version: u64,
    ) -> Result<(), RegistryError> {
        self.refresh().await?;
        let rows = self
            .db
            .system_read(KEY, "SELECT org_id, from_at, to_at FROM org_circuit WHERE id = $1", params![id])
            .await?;
        let row = rows.first().ok_or(RegistryError::UnknownItem)?;
        let org: OrgId = row.get("org_id")?;
        let seen = caller.sees(&access::Facts::new(org, NETWORK_TLP, self.realm));
        let above = self.known(org)?.unwrap_or_else(|| caller.centre());
        if !seen && caller.permit_in::<act::ManageOrganisations>(above).is_err() {
            return Err(RegistryError::UnknownItem);
        }
        self.above(caller, org, "registry.end_circuit").await?;
        let now = self.env.now();
        let to = end(row.get("from_at")?, row.get("to_at")?, at, now)?;
        let leaf = audit::done(
            "registry.end_circuit",
            format!("circuit:{id}"),
            org,
            self.realm,
            serde_json::json!({"to": to}),
        );
        let unit = query::end(
            Unit::new(caller.actor(), now),
            "UPDATE org_circuit SET to_at = $2, version = $3 WHERE id = $1 AND version = $4",
            (id.0, Some(to), version + 1),
        )
        .audit(leaf);
        changed(self.db.commit(unit).await)
    }

    fn known(&self, org: OrgId) -> Result<Option<OrgId>, RegistryError> {
        self.whose().with(|book| book.orgs.get(&org).map(|org| org.parent)).ok_or(RegistryError::UnknownOrg)
    }

    /// The organisation above decides, or the centre for a root.
    async fn above(&self, caller: &Caller, org: OrgId, action: &'static str) -> Result<(), RegistryError> {
        let above = self.known(org)?.unwrap_or_else(|| caller.centre());
        let permit: Result<_, Refusal> = caller.permit_in::<act::ManageOrganisations>(above);
        match permit {
            Ok(_) => Ok(()),
            Err(why) => Err(self.refused(caller, action, format!("org:{org}"), why).await),
        }
    }
}

fn changed(outcome: Result<store::Committed, StoreError>) -> Result<(), RegistryError> {
    match outcome {
        Ok(_) => Ok(()),
        Err(StoreError::Conflict(_)) => Err(RegistryError::Changed),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contact_fields() {
        assert!(mail("").is_ok() && mail("a@b.tw").is_ok());
        for bad in ["a", "@b", "a@", "a@b@c", "a b@c", "a@b\nc"] {
            assert!(mail(bad).is_err(), "{bad}");
        }
        assert!(telephone("(02)2380-0000 分機 123").is_ok());
        assert!(telephone("call me").is_err());
        assert!(filled("name", "  ", 9).is_err() && filled("name", "王小明科長", 9).is_ok());
        assert!(field("name", "a\u{1b}b", 9).is_err());
    }
}
