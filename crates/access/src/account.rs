//! The account as sign-in needs it: one row with its credentials' state.

use base::{OrgId, PersonId, Realm, Role, Timestamp};
use store::{Row, StoreError, params};
use uuid::Uuid;

use crate::access::{Access, KEY};
use crate::action::needs_second_factor;
use crate::caller::{Grant, Stage};
use crate::error::AccessError;
use crate::people::PersonState;
use crate::settings::{PasswordProfile, Settings};

/// An account with what decides about its sessions.
#[derive(Debug, Clone)]
pub(crate) struct Account {
    pub(crate) id: PersonId,
    pub(crate) login: String,
    pub(crate) display: String,
    pub(crate) language: String,
    pub(crate) zone: String,
    pub(crate) org: OrgId,
    pub(crate) realm: Realm,
    pub(crate) state: PersonState,
    pub(crate) expires_at: Option<Timestamp>,
    pub(crate) epoch: u32,
    /// The current password's hash and since when it is in use.
    pub(crate) password: Option<(String, Timestamp)>,
    /// Whether an authenticator is set up.
    pub(crate) totp: bool,
    /// How many passkeys are registered; a cloned one counts, so that it is replaced by a recovery code only.
    pub(crate) passkeys: u32,
    /// Roles in effect now, and where.
    pub(crate) roles: Vec<(Role, OrgId)>,
}

macro_rules! account {
    ($tail:literal) => {
        concat!(
            "SELECT p.id, p.login, p.display, p.language, p.zone, p.org_id, p.realm, p.state, p.expires_at, \
             p.device_epoch, w.phc, w.set_at, t.confirmed, \
             (SELECT COUNT(*) FROM credential_passkey k WHERE k.person_id = p.id) AS passkeys FROM person p \
             LEFT JOIN credential_password w ON w.person_id = p.id AND w.current = 1 \
             LEFT JOIN credential_totp t ON t.person_id = p.id AND t.confirmed = 1 ",
            $tail
        )
    };
}

const BY_LOGIN: &str = account!("WHERE p.login = $1");
const BY_ID: &str = account!("WHERE p.id = $1");

impl Account {
    /// Whether it may sign in now.
    pub(crate) fn is_active(&self, now: Timestamp) -> bool {
        self.state == PersonState::Active && self.expires_at.is_none_or(|end| now < end)
    }

    /// Whether a second factor is set up.
    pub(crate) const fn has_second(&self) -> bool {
        self.totp || self.passkeys > 0
    }

    /// Where a session stands that showed its second factor then.
    pub(crate) fn stage(&self, second_factor_at: Option<Timestamp>, settings: &Settings, now: Timestamp) -> Stage {
        if second_factor_at.is_none() {
            if self.has_second() {
                return Stage::SecondFactor;
            }
            if self.roles.iter().any(|(role, _)| needs_second_factor(*role)) {
                return Stage::EnrolSecondFactor;
            }
        }
        let limit = i64::from(settings.password_days) * 86_400;
        let old = self.password.as_ref().is_some_and(|(_, set)| set.plus_secs(limit) <= now);
        if settings.password_profile == PasswordProfile::TwGov && old {
            return Stage::ChangePassword;
        }
        Stage::Full
    }
}

impl Access {
    pub(crate) async fn account_by_login(&self, login: &str) -> Result<Option<Account>, AccessError> {
        self.account(self.inner.db.system_read(KEY, BY_LOGIN, params![login]).await?).await
    }

    pub(crate) async fn account_by_id(&self, id: PersonId) -> Result<Option<Account>, AccessError> {
        self.account(self.inner.db.system_read(KEY, BY_ID, params![id]).await?).await
    }

    async fn account(&self, rows: Vec<Row>) -> Result<Option<Account>, AccessError> {
        let now = self.inner.env.now();
        // Asked for nobody too: the time of an answer must not tell whether the account exists.
        let id: PersonId = rows.first().map_or(Ok(PersonId(Uuid::nil())), |row| row.get("id"))?;
        // A deputy's role is borrowed: it lasts no longer than the other person holds it themselves.
        let sql = "SELECT r.role, r.org_id FROM person_role r WHERE r.person_id = $1 \
                   AND (r.from_at IS NULL OR r.from_at <= $2) AND (r.to_at IS NULL OR r.to_at > $2) \
                   AND (r.deputy_for IS NULL OR EXISTS (SELECT 1 FROM person_role h WHERE h.person_id = r.deputy_for \
                   AND h.role = r.role AND h.org_id = r.org_id AND h.deputy_for IS NULL \
                   AND (h.from_at IS NULL OR h.from_at <= $2) AND (h.to_at IS NULL OR h.to_at > $2))) ORDER BY r.id";
        let mut roles = Vec::new();
        for row in self.inner.db.system_read(KEY, sql, params![id, now]).await? {
            roles.push((role(&row)?, row.get("org_id")?));
        }
        let Some(row) = rows.first() else { return Ok(None) };
        let password = match (row.get::<Option<String>>("phc")?, row.get::<Option<Timestamp>>("set_at")?) {
            (Some(phc), Some(set)) => Some((phc, set)),
            _ => None,
        };
        Ok(Some(Account {
            id,
            login: row.get("login")?,
            display: row.get("display")?,
            language: row.get("language")?,
            zone: row.get("zone")?,
            org: row.get("org_id")?,
            realm: row.get("realm")?,
            state: state(row)?,
            expires_at: row.get("expires_at")?,
            epoch: row.get("device_epoch")?,
            password,
            totp: row.get::<Option<i64>>("confirmed")?.is_some(),
            passkeys: row.get("passkeys")?,
            roles,
        }))
    }

    /// The grants of roles, each with everything below its organisation.
    pub(crate) async fn grants(&self, roles: &[(Role, OrgId)]) -> Result<Vec<Grant>, AccessError> {
        let mut grants: Vec<Grant> = Vec::with_capacity(roles.len());
        for (role, org) in roles {
            let under = match grants.iter().find(|grant| grant.org == *org) {
                Some(grant) => grant.under.to_vec(),
                None => self.below(*org).await?,
            };
            grants.push(Grant::of_role(*role, *org, under));
        }
        Ok(grants)
    }
}

pub(crate) fn role(row: &Row) -> Result<Role, StoreError> {
    row.get::<String>("role")?.parse().map_err(|_| StoreError::Shape("an unknown role is stored".into()))
}

pub(crate) fn state(row: &Row) -> Result<PersonState, StoreError> {
    PersonState::from_word(&row.get::<String>("state")?)
        .ok_or_else(|| StoreError::Shape("an unknown account state is stored".into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(roles: &[Role], totp: bool) -> Account {
        let org = OrgId::from(Uuid::from_u128(1));
        Account {
            id: PersonId::from(Uuid::from_u128(2)),
            login: "a".into(),
            display: "A".into(),
            language: "en".into(),
            zone: "UTC".into(),
            org,
            realm: Realm::Real,
            state: PersonState::Active,
            expires_at: None,
            epoch: 0,
            password: Some((String::new(), Timestamp::EPOCH)),
            totp,
            passkeys: 0,
            roles: roles.iter().map(|role| (*role, org)).collect(),
        }
    }

    #[test]
    fn no_role_that_decides_is_full_without_its_second_factor() {
        let (modern, now) = (Settings::default(), Timestamp::EPOCH);
        for role in Role::ALL.iter().copied().filter(|role| role.is_human()) {
            let stage = account(&[role], false).stage(None, &modern, now);
            let wanted = if needs_second_factor(role) { Stage::EnrolSecondFactor } else { Stage::Full };
            assert_eq!(stage, wanted, "{role}");
            // Whoever set one up has to show it, whatever the role.
            assert_eq!(account(&[role], true).stage(None, &modern, now), Stage::SecondFactor, "{role}");
            assert_eq!(account(&[role], true).stage(Some(now), &modern, now), Stage::Full, "{role}");
        }
    }

    #[test]
    fn old_passwords_are_due_only_under_tw_gov_and_after_the_second_factor() {
        let gov = Settings { password_profile: PasswordProfile::TwGov, ..Settings::default() };
        let late = Timestamp::EPOCH.plus_secs(90 * 86_400);
        let person = account(&[Role::Tier1], true);
        assert_eq!(person.stage(None, &gov, late), Stage::SecondFactor);
        assert_eq!(person.stage(Some(late), &gov, late), Stage::ChangePassword);
        assert_eq!(person.stage(Some(late), &gov, Timestamp::from_micros(late.as_micros() - 1)), Stage::Full);
        assert_eq!(person.stage(Some(late), &Settings::default(), late), Stage::Full);
    }

    #[test]
    fn an_account_ends_by_itself() {
        let mut person = account(&[], false);
        person.expires_at = Some(Timestamp::from_micros(10));
        assert!(person.is_active(Timestamp::from_micros(9)));
        assert!(!person.is_active(Timestamp::from_micros(10)));
        person.expires_at = None;
        person.state = PersonState::Disabled;
        assert!(!person.is_active(Timestamp::EPOCH));
    }
}
