//! Inviting people, giving and taking roles, disabling and recovering accounts.

use base::{PersonId, Role, Timestamp};
use store::{StoreError, Unit, params};

use crate::access::{Access, KEY};
use crate::account::Account;
use crate::action::act;
use crate::audit;
use crate::caller::Caller;
use crate::error::AccessError;
use crate::ids::HoldingId;
use crate::links::{LinkCard, Purpose, SecretLink};
use crate::login::LoginKind;
use crate::password;
use crate::people::{Draft, NewHolding, NewPerson, Person, PersonState, checked_holdings, login_name};
use crate::permit::{Facts, Refusal};
use crate::sign_in::{SignedIn, Visit};

/// A recovery link lives a day.
const RECOVERY: i64 = 86_400;

/// The guard of the last administrator: taken first by every change that could remove one, so that two of them
/// on two nodes come one after the other.
const ANOTHER_ADMINISTRATOR: &str = "UPDATE access_guard SET turn = turn + 1 WHERE name = 'administrators' AND EXISTS (\
    SELECT 1 FROM person p JOIN person_role r ON r.person_id = p.id WHERE p.id <> $1 AND p.state = 'active' \
    AND p.expires_at IS NULL AND r.role = 'administrator' AND r.org_id = $2 AND r.from_at IS NULL AND r.to_at IS NULL)";

impl Access {
    /// Invites a person: an account without a password, and the link with which they choose one.
    ///
    /// # Errors
    /// [`AccessError::BadField`], [`AccessError::NameTaken`], [`crate::Refusal`].
    pub async fn invite(&self, caller: &Caller, person: &NewPerson) -> Result<(PersonId, SecretLink), AccessError> {
        const ACTION: &str = "access.invite";
        let orgs = std::iter::once(person.org).chain(person.holdings.iter().map(|holding| holding.org));
        for org in orgs {
            if let Err(why) = caller.permit_in::<act::ManagePeople>(org) {
                return Err(self.refuse(caller, ACTION, &format!("org:{org}"), why).await);
            }
            self.exists(org).await?;
        }
        let draft = Draft {
            login: &person.login,
            display: &person.display,
            mail: &person.mail,
            language: &person.language,
            zone: &person.zone,
            org: person.org,
            expires_at: person.expires_at,
            holdings: person.holdings.clone(),
        }
        .checked()?;
        self.deputies(&draft.holdings).await?;
        let now = self.inner.env.now();
        let id = self.inner.env.id();
        let unit = self.insert_person(Unit::new(caller.actor(), now), id, &draft, PersonState::Invited);
        let hours = i64::from(self.inner.settings.invitation_hours.max(1)) * 3_600;
        let (link, unit) = self.link(unit, Purpose::Invite, Some(id), hours);
        let leaf =
            audit::done(ACTION, format!("person:{id}"), draft.org, caller.realm(), roles_detail(&draft.holdings));
        match self.inner.db.commit(unit.audit(leaf)).await {
            Ok(_) => Ok((id, link)),
            Err(StoreError::Duplicate(_)) => Err(AccessError::NameTaken),
            Err(error) => Err(error.into()),
        }
    }

    /// A new link for an invited person; the old one dies.
    ///
    /// # Errors
    /// [`crate::Refusal`]; [`AccessError::BadField`] when the person is past inviting.
    pub async fn invite_again(&self, caller: &Caller, id: PersonId) -> Result<SecretLink, AccessError> {
        let (person, facts) = self.managed(caller, id, "access.invite_again").await?;
        if person.state != PersonState::Invited {
            return Err(AccessError::BadField("state", "the invitation was accepted already"));
        }
        let hours = i64::from(self.inner.settings.invitation_hours.max(1)) * 3_600;
        let unit = Unit::new(caller.actor(), self.inner.env.now());
        let (link, unit) = self.link(unit, Purpose::Invite, Some(id), hours);
        self.commit(unit.audit(about(&person, &facts, "access.invite_again"))).await?;
        Ok(link)
    }

    /// What the page behind an invitation or recovery link greets with.
    ///
    /// # Errors
    /// [`AccessError::LinkSpent`].
    pub async fn link_card(&self, token: &str) -> Result<LinkCard, AccessError> {
        let link = self.open_link(token, &[Purpose::Invite, Purpose::Recover]).await?;
        let account = self.behind(link.person).await?;
        Ok(LinkCard {
            purpose: link.purpose,
            person: account.id,
            login: account.login,
            display: account.display,
            language: account.language,
            ends_at: link.ends_at,
        })
    }

    /// Spends an invitation or recovery link: sets the password and signs the person in.
    ///
    /// # Errors
    /// [`AccessError::LinkSpent`], [`AccessError::WeakPassword`].
    pub async fn accept_invitation(&self, token: &str, password: &str, visit: &Visit) -> Result<SignedIn, AccessError> {
        let link = self.open_link(token, &[Purpose::Invite, Purpose::Recover]).await?;
        let mut account = self.behind(link.person).await?;
        self.acceptable(&account, password).await?;
        let phc = self.inner.stretcher.hash(&self.inner.env, password).await?;
        let now = self.inner.env.now();
        let unit = link.spend(Unit::new(store::Actor::Person(account.id), now));
        let unit = unit.exec_one(
            "UPDATE person SET state = 'active', last_sign_in = $2, device_epoch = device_epoch + 1, \
             version = version + 1 WHERE id = $1",
            params![account.id, now],
        );
        let unit = Self::end_sessions(unit, account.id, None);
        // Starting over takes the second factor along: whoever lost it has no other way, and the host vouched.
        let unit = unit
            .exec("DELETE FROM credential_totp WHERE person_id = $1", params![account.id])
            .exec("DELETE FROM credential_passkey WHERE person_id = $1", params![account.id])
            .exec("DELETE FROM credential_recovery WHERE person_id = $1", params![account.id]);
        let unit = self.set_password(unit, account.id, &phc);
        account.totp = false;
        account.passkeys = 0;
        account.password = Some((phc, now));
        let (signed_in, unit) = self.open_session(unit, LoginKind::Browser, &account, None, visit);
        let leaf = audit::done(
            "access.accept_link",
            format!("person:{}", account.id),
            account.org,
            account.realm,
            serde_json::json!({"purpose": link.purpose.word(), "link": link.id}),
        );
        match self.commit(unit.audit(leaf)).await {
            Ok(_) => {
                self.doubt();
                Ok(signed_in)
            }
            Err(AccessError::Changed) => Err(AccessError::LinkSpent),
            Err(error) => Err(error),
        }
    }

    /// A link with which a person starts over (`lianfang user recover NAME`); its use ends every session and clears
    /// the second factor.
    ///
    /// # Errors
    /// [`crate::Refusal`]; [`crate::Refusal::NotThere`] when nobody has the name.
    pub async fn recover(&self, caller: &Caller, login: &str) -> Result<SecretLink, AccessError> {
        const ACTION: &str = "access.recover";
        let found = self.load_by_login(&login_name(login)?).await?;
        let Some((person, _)) = found else {
            return Err(self.refuse(caller, ACTION, "person", Refusal::NotThere).await);
        };
        if caller.person() == Some(person.id) {
            return Err(self.refuse(caller, ACTION, &format!("person:{}", person.id), AccessError::OwnRoles).await);
        }
        let (person, facts) = self.managed(caller, person.id, ACTION).await?;
        if person.state == PersonState::Disabled {
            return Err(AccessError::BadField("state", "enable the account first"));
        }
        let unit = Unit::new(caller.actor(), self.inner.env.now());
        let (link, unit) = self.link(unit, Purpose::Recover, Some(person.id), RECOVERY);
        self.commit(unit.audit(about(&person, &facts, ACTION))).await?;
        Ok(link)
    }

    /// Replaces a person's roles.
    ///
    /// # Errors
    /// [`AccessError::OwnRoles`], [`AccessError::LastAdministrator`], [`AccessError::Changed`], [`crate::Refusal`].
    pub async fn set_roles(
        &self,
        caller: &Caller,
        id: PersonId,
        holdings: &[NewHolding],
        version: u64,
    ) -> Result<(), AccessError> {
        const ACTION: &str = "access.set_roles";
        if caller.person() == Some(id) {
            return Err(self.refuse(caller, ACTION, &format!("person:{id}"), AccessError::OwnRoles).await);
        }
        let (person, facts) = self.managed(caller, id, ACTION).await?;
        let holdings = checked_holdings(holdings)?;
        for holding in &holdings {
            if let Err(why) = caller.permit_in::<act::ManagePeople>(holding.org) {
                return Err(self.refuse(caller, ACTION, &format!("person:{id}"), why).await);
            }
            self.exists(holding.org).await?;
        }
        self.deputies(&holdings).await?;
        let mut unit = Unit::new(caller.actor(), self.inner.env.now());
        let stays = holdings.iter().any(|holding| self.is_administrator(holding));
        let guarded = !stays && person.holdings.iter().any(|holding| self.is_administrator(&holding.what));
        if guarded {
            unit = unit.exec_one(ANOTHER_ADMINISTRATOR, params![id, self.inner.centre]);
        }
        unit = unit
            .exec_one("UPDATE person SET version = version + 1 WHERE id = $1 AND version = $2", params![id, version])
            .exec("DELETE FROM person_role WHERE person_id = $1", params![id]);
        let unit = self.insert_roles(unit, id, &holdings);
        let leaf = audit::done(ACTION, format!("person:{id}"), person.org, facts.realm, roles_detail(&holdings));
        self.changed(caller, ACTION, unit.audit(leaf), guarded, id).await
    }

    /// Disables an account and ends all its sessions; its tokens stop with it.
    ///
    /// # Errors
    /// [`AccessError::OwnRoles`], [`AccessError::LastAdministrator`], [`AccessError::Changed`], [`crate::Refusal`].
    pub async fn disable(&self, caller: &Caller, id: PersonId, version: u64) -> Result<(), AccessError> {
        const ACTION: &str = "access.disable";
        if caller.person() == Some(id) {
            return Err(self.refuse(caller, ACTION, &format!("person:{id}"), AccessError::OwnRoles).await);
        }
        let (person, facts) = self.managed(caller, id, ACTION).await?;
        let unit = Unit::new(caller.actor(), self.inner.env.now());
        let (unit, guarded) = self.disabling(unit, &person, version);
        self.changed(caller, ACTION, unit.audit(about(&person, &facts, ACTION)), guarded, id).await
    }

    /// Enables a disabled account; it starts over with the returned link. Once it has, its tokens that are bound to
    /// addresses work again, as far as its roles go by then; those that worked from anywhere are revoked.
    ///
    /// # Errors
    /// [`AccessError::Changed`], [`crate::Refusal`].
    pub async fn enable(&self, caller: &Caller, id: PersonId, version: u64) -> Result<SecretLink, AccessError> {
        const ACTION: &str = "access.enable";
        let (person, facts) = self.managed(caller, id, ACTION).await?;
        let unit = Unit::new(caller.actor(), self.inner.env.now()).exec_one(
            "UPDATE person SET state = 'invited', expires_at = NULL, version = version + 1 \
             WHERE id = $1 AND version = $2 AND state = 'disabled'",
            params![id, version],
        );
        // While the account stood still nobody watched over its tokens: what works from anywhere ends for good.
        let (unit, ended) = self.revoke_unbound(unit, id).await?;
        let (link, unit) = self.link(unit, Purpose::Recover, Some(id), RECOVERY);
        let detail = serde_json::json!({ "tokens_revoked": ended });
        let leaf = audit::done(ACTION, format!("person:{id}"), person.org, facts.realm, detail);
        self.commit(unit.audit(leaf)).await?;
        self.doubt();
        Ok(link)
    }

    /// Commits; keeping the last administrator is a refusal that leaves its leaf.
    async fn changed(
        &self,
        caller: &Caller,
        action: &str,
        unit: Unit,
        guarded: bool,
        id: PersonId,
    ) -> Result<(), AccessError> {
        match self.guarded(unit, guarded).await {
            Err(AccessError::LastAdministrator) => {
                Err(self.refuse(caller, action, &format!("person:{id}"), AccessError::LastAdministrator).await)
            }
            outcome => outcome,
        }
    }

    /// The statements that disable a person, and whether the guard of the last administrator stands first.
    pub(crate) fn disabling(&self, mut unit: Unit, person: &Person, version: u64) -> (Unit, bool) {
        let guarded = person.holdings.iter().any(|holding| self.is_administrator(&holding.what));
        if guarded {
            unit = unit.exec_one(ANOTHER_ADMINISTRATOR, params![person.id, self.inner.centre]);
        }
        let at = unit.at;
        let unit = unit
            .exec_one(
                "UPDATE person SET state = 'disabled', device_epoch = device_epoch + 1, version = version + 1 \
                 WHERE id = $1 AND version = $2 AND state <> 'disabled'",
                params![person.id, version],
            )
            .exec(
                "UPDATE access_link SET ends_at = $2 WHERE person_id = $1 AND used_at IS NULL AND ends_at > $2",
                params![person.id, at],
            );
        (Self::end_sessions(unit, person.id, None), guarded)
    }

    /// Commits what the guard of the last administrator may stand before.
    pub(crate) async fn guarded(&self, unit: Unit, guarded: bool) -> Result<(), AccessError> {
        match self.inner.db.commit(unit).await {
            Ok(_) => {
                self.doubt();
                Ok(())
            }
            Err(StoreError::Conflict(0)) if guarded => Err(AccessError::LastAdministrator),
            Err(StoreError::Conflict(_)) => Err(AccessError::Changed),
            Err(error) => Err(error.into()),
        }
    }

    /// A person whom the caller manages: in their own organisation and in every one they hold a role in, so that
    /// nobody lets a stronger account into their organisation and becomes it.
    async fn managed(&self, caller: &Caller, id: PersonId, action: &str) -> Result<(Person, Facts), AccessError> {
        let subject = format!("person:{id}");
        let Some((person, facts)) = self.load_person(id).await? else {
            return Err(self.refuse(caller, action, &subject, Refusal::NotThere).await);
        };
        let mut permit = caller.permit::<act::ManagePeople, _>(id, &facts).map(drop);
        for holding in &person.holdings {
            permit = permit.and_then(|()| caller.permit_in::<act::ManagePeople>(holding.what.org).map(drop));
        }
        match permit {
            Ok(()) => Ok((person, facts)),
            Err(why) => Err(self.refuse(caller, action, &subject, why).await),
        }
    }

    /// Deputies stand in for somebody who holds the role themselves.
    async fn deputies(&self, holdings: &[NewHolding]) -> Result<(), AccessError> {
        for holding in holdings {
            let Some(person) = holding.deputy_for else { continue };
            let held = self.load_person(person).await?.is_some_and(|(person, _)| {
                person.holdings.iter().any(|other| {
                    other.what.role == holding.role && other.what.org == holding.org && other.what.deputy_for.is_none()
                })
            });
            if !held {
                return Err(AccessError::BadField("roles", "the person deputised for does not hold the role"));
            }
        }
        Ok(())
    }

    async fn exists(&self, org: base::OrgId) -> Result<(), AccessError> {
        let sql = "SELECT ancestor_id FROM org_closure WHERE ancestor_id = $1 AND descendant_id = $1";
        let rows = self.inner.db.system_read(KEY, sql, params![org]).await?;
        if rows.is_empty() { Err(AccessError::BadField("org", "there is no such organisation")) } else { Ok(()) }
    }

    async fn behind(&self, person: Option<PersonId>) -> Result<Account, AccessError> {
        let account = self.account_by_id(person.ok_or(AccessError::LinkSpent)?).await?.ok_or(AccessError::LinkSpent)?;
        let ended = account.expires_at.is_some_and(|end| end <= self.inner.env.now());
        if account.state == PersonState::Disabled || ended { Err(AccessError::LinkSpent) } else { Ok(account) }
    }

    /// For good, not as a deputy and not for a time: what keeps a centre manageable.
    fn is_administrator(&self, holding: &NewHolding) -> bool {
        holding.role == Role::Administrator && holding.org == self.inner.centre && holding.to.is_none()
    }

    /// A new person's row and roles.
    pub(crate) fn insert_person(&self, unit: Unit, id: PersonId, new: &NewPerson, state: PersonState) -> Unit {
        let at = unit.at;
        let unit = unit.exec_one(
            "INSERT INTO person (id, org_id, tlp, realm, login, display, mail, language, zone, state, expires_at, \
             created_at, device_epoch, version) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, 0, 1)",
            params![
                id,
                new.org,
                base::Tlp::AmberStrict,
                self.inner.settings.realm,
                &new.login,
                &new.display,
                &new.mail,
                &new.language,
                &new.zone,
                state.word(),
                new.expires_at,
                at
            ],
        );
        self.insert_roles(unit, id, &new.holdings)
    }

    fn insert_roles(&self, mut unit: Unit, person: PersonId, holdings: &[NewHolding]) -> Unit {
        for holding in holdings {
            unit = unit.exec_one(
                "INSERT INTO person_role (id, person_id, role, org_id, deputy_for, from_at, to_at) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7)",
                params![
                    self.inner.env.id::<HoldingId>(),
                    person,
                    holding.role.word(),
                    holding.org,
                    holding.deputy_for,
                    holding.from,
                    holding.to
                ],
            );
        }
        unit
    }

    /// The account of a person whose row is being written.
    pub(crate) fn account_of(&self, id: PersonId, new: &NewPerson, now: Timestamp) -> Account {
        Account {
            id,
            login: new.login.clone(),
            display: new.display.clone(),
            language: new.language.clone(),
            zone: new.zone.clone(),
            org: new.org,
            realm: self.inner.settings.realm,
            state: PersonState::Active,
            expires_at: new.expires_at,
            epoch: 0,
            password: Some((String::new(), now)),
            totp: false,
            passkeys: 0,
            roles: new.holdings.iter().map(|holding| (holding.role, holding.org)).collect(),
        }
    }

    /// Whether the policy takes this password for this account.
    pub(crate) async fn acceptable(&self, account: &Account, new: &str) -> Result<(), AccessError> {
        use crate::password::Weakness;
        use crate::settings::PasswordProfile;
        let settings = &self.inner.settings;
        password::check(new, &account.login, settings).map_err(AccessError::WeakPassword)?;
        if settings.password_profile == PasswordProfile::TwGov {
            let sql = "SELECT phc FROM credential_password WHERE person_id = $1 ORDER BY set_at DESC, id DESC LIMIT 4";
            for row in self.inner.db.system_read(KEY, sql, params![account.id]).await? {
                if self.inner.stretcher.verify(new, Some(row.get("phc")?), true).await? {
                    return Err(AccessError::WeakPassword(Weakness::Reused));
                }
            }
        }
        Ok(())
    }

    /// Makes a hash the current password; it and the three before stay for comparison.
    pub(crate) fn set_password(&self, unit: Unit, person: PersonId, phc: &str) -> Unit {
        let at = unit.at;
        // A link that was lost must not open an account that somebody uses by now.
        let links = "UPDATE access_link SET ends_at = $2 WHERE person_id = $1 AND used_at IS NULL AND ends_at > $2";
        unit.exec(links, params![person, at])
            .exec("UPDATE credential_password SET current = 0 WHERE person_id = $1", params![person])
            .exec_one(
                "INSERT INTO credential_password (id, person_id, phc, set_at, current) VALUES ($1, $2, $3, $4, 1)",
                params![self.inner.env.id::<HoldingId>(), person, phc, at],
            )
            .exec(
                "DELETE FROM credential_password WHERE person_id = $1 AND id NOT IN (SELECT c.id FROM \
                 credential_password c WHERE c.person_id = $1 ORDER BY c.set_at DESC, c.id DESC LIMIT 4)",
                params![person],
            )
    }
}

fn about(person: &Person, facts: &Facts, action: &str) -> store::AuditEntry {
    audit::done(action, format!("person:{}", person.id), person.org, facts.realm, serde_json::json!({}))
}

fn roles_detail(holdings: &[NewHolding]) -> serde_json::Value {
    let roles: Vec<_> = holdings
        .iter()
        .map(|holding| {
            serde_json::json!({"role": holding.role, "org": holding.org, "deputy_for": holding.deputy_for,
                "from": holding.from, "to": holding.to})
        })
        .collect();
    serde_json::json!({ "roles": roles })
}
