//! The first person: one setup link, printed at start, dead once somebody exists.

use base::Role;
use store::{Actor, StoreError, Unit, params};

use crate::access::{Access, KEY};
use crate::audit;
use crate::error::AccessError;
use crate::links::{Purpose, SecretLink};
use crate::login::LoginKind;
use crate::password;
use crate::people::{Draft, NewHolding, PersonState};
use crate::sign_in::{SignedIn, Visit};

/// The setup link lives a day.
const SETUP: i64 = 86_400;

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
        Ok(self.inner.db.system_read(KEY, "SELECT id FROM person LIMIT 1", vec![]).await?.is_empty())
    }

    /// A fresh setup link for 24 hours, and the end of any earlier one; none once a person exists.
    ///
    /// # Errors
    /// [`AccessError::Store`].
    pub async fn setup_link(&self) -> Result<Option<SecretLink>, AccessError> {
        if !self.setup_open().await? {
            return Ok(None);
        }
        let unit = audit::system(self.inner.env.now());
        let (link, unit) = self.link(unit, Purpose::Setup, None, SETUP);
        let leaf = audit::done(
            "access.setup_link",
            format!("link:{}", link.id),
            self.inner.centre,
            self.inner.settings.realm,
            serde_json::json!({"ends_at": link.ends_at}),
        );
        self.inner.db.commit(unit.audit(leaf)).await?;
        Ok(Some(link))
    }

    /// Whether this setup link would work now.
    ///
    /// # Errors
    /// [`AccessError::LinkSpent`].
    pub async fn setup_check(&self, token: &str) -> Result<(), AccessError> {
        if !self.setup_open().await? {
            return Err(AccessError::LinkSpent);
        }
        self.open_link(token, &[Purpose::Setup]).await.map(drop)
    }

    /// Spends the setup link: makes the first administrator and signs them in (a second factor comes next).
    ///
    /// # Errors
    /// [`AccessError::LinkSpent`], [`AccessError::BadField`], [`AccessError::WeakPassword`].
    pub async fn first_person(
        &self,
        token: &str,
        person: &FirstPerson,
        visit: &Visit,
    ) -> Result<SignedIn, AccessError> {
        self.setup_check(token).await?;
        let link = self.open_link(token, &[Purpose::Setup]).await?;
        let centre = self.inner.centre;
        let roles = std::iter::once(Role::Administrator).chain(person.also.iter().copied());
        let draft = Draft {
            login: &person.login,
            display: &person.display,
            mail: &person.mail,
            language: &person.language,
            zone: &person.zone,
            org: centre,
            expires_at: None,
            holdings: roles.map(|role| NewHolding::of(role, centre)).collect(),
        }
        .checked()?;
        password::check(&person.password, &draft.login, &self.inner.settings).map_err(AccessError::WeakPassword)?;
        let phc = self.inner.stretcher.hash(&self.inner.env, &person.password).await?;
        let now = self.inner.env.now();
        let id = self.inner.env.id();
        // Nobody may exist yet: checked in the transaction, behind the row every change of administrators takes.
        let unit = Unit::new(Actor::Person(id), now).exec_one(
            "UPDATE access_guard SET turn = turn + 1 WHERE name = 'administrators' AND NOT EXISTS (SELECT 1 FROM person)",
            params![],
        );
        let unit = link.spend(unit);
        let unit = self.insert_person(unit, id, &draft, PersonState::Active);
        let unit = self.set_password(unit, id, &phc);
        let account = self.account_of(id, &draft, now);
        let (signed_in, unit) = self.open_session(unit, LoginKind::Browser, &account, None, visit);
        let leaf = audit::done(
            "access.first_person",
            format!("person:{id}"),
            centre,
            self.inner.settings.realm,
            serde_json::json!({"link": link.id}),
        );
        match self.inner.db.commit(unit.audit(leaf)).await {
            Ok(_) => Ok(signed_in),
            Err(StoreError::Conflict(_)) => Err(AccessError::LinkSpent),
            Err(error) => Err(error.into()),
        }
    }
}
