//! Sessions: checked in the store (cached for at most a second), listed, revoked.

use base::{OrgId, PersonId, Timestamp, Tlp};
use store::{Row, StoreError, Unit, params};
use uuid::Uuid;

use crate::access::{Access, Believed, KEY};
use crate::account::Account;
use crate::action::act;
use crate::audit;
use crate::caller::{Caller, Face, MachineKind, Stage, Who};
use crate::error::AccessError;
use crate::ids::LoginId;
use crate::keys::{fresh_secret, hash_secret};
use crate::permit::{Facts, Refusal};
use crate::sign_in::{SignedIn, Visit};

/// A session that still has to show its second factor lives this long.
const PENDING: i64 = 15 * 60;
/// How exactly the last use is kept.
const SEEN: i64 = 60_000_000;

/// What a session's secret travels in. It is good for nothing else: a cookie never signs a program in, and a bearer
/// secret is never a cookie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LoginKind {
    /// A cookie of a browser.
    Browser,
    /// The bearer secret of a person's program: the API, the command line.
    Program,
}

impl LoginKind {
    /// The stable name: `browser` or `program`.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Browser => "browser",
            Self::Program => "program",
        }
    }

    /// What every secret of this kind starts with.
    #[must_use]
    pub const fn prefix(self) -> &'static str {
        match self {
            Self::Browser => "lfs_",
            Self::Program => "lfp_",
        }
    }

    /// Whether a secret is of this kind.
    #[must_use]
    pub fn owns(self, secret: &str) -> bool {
        secret.starts_with(self.prefix())
    }

    fn of(row: &Row) -> Result<Self, StoreError> {
        let word: String = row.get("kind")?;
        let known = [Self::Browser, Self::Program].into_iter().find(|kind| kind.word() == word);
        known.ok_or_else(|| StoreError::Shape("an unknown kind of session is stored".into()))
    }
}

/// A session, as its owner sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Login {
    /// Its id.
    pub id: LoginId,
    /// Whose it is.
    pub person: PersonId,
    /// What its secret travels in.
    pub kind: LoginKind,
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

/// A live session behind its secret.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Live {
    pub(crate) id: LoginId,
    pub(crate) kind: LoginKind,
    pub(crate) person: PersonId,
    pub(crate) last_seen: Timestamp,
    pub(crate) second_factor_at: Option<Timestamp>,
}

impl Access {
    /// Who the session cookie belongs to.
    ///
    /// # Errors
    /// [`AccessError::SignIn`] when it is unknown, ended or revoked, or its account is not active.
    pub async fn session_check(&self, cookie: &str) -> Result<Caller, AccessError> {
        self.session(LoginKind::Browser, cookie).await
    }

    /// Who the bearer secret of a person's program belongs to.
    ///
    /// # Errors
    /// Those of [`Access::session_check`].
    pub async fn bearer_check(&self, bearer: &str) -> Result<Caller, AccessError> {
        let checked = self.session(LoginKind::Program, bearer).await;
        if matches!(checked, Err(AccessError::SignIn)) {
            self.inner.strangers.refused("access.session");
        }
        checked
    }

    async fn session(&self, kind: LoginKind, secret: &str) -> Result<Caller, AccessError> {
        if !kind.owns(secret) {
            return Err(AccessError::SignIn);
        }
        let hash = hash_secret(secret);
        if let Some(believed) = self.believed(&hash) {
            return Ok(believed.caller);
        }
        let (now, doubts) = (self.inner.env.now(), self.doubts());
        let (live, account) = self.live(kind, secret).await?;
        let stage = account.stage(live.second_factor_at, &self.inner.settings, now);
        let who = Who::Person { id: account.id, login: live.id };
        let grants = self.grants(&account.roles).await?;
        let face =
            Face { name: account.display.clone(), language: account.language.clone(), zone: account.zone.clone() };
        let caller = Caller::mint(who, account.org, self.inner.centre, grants, account.realm, Tlp::Red)
            .at_stage(stage)
            .with_face(face);
        if now.since(live.last_seen) >= SEEN {
            self.seen(live.id, now).await;
        }
        self.believe(hash, Believed { at: now, caller: caller.clone(), bound: None }, doubts);
        Ok(caller)
    }

    /// The live session behind a secret of this kind, with its account.
    pub(crate) async fn live(&self, kind: LoginKind, secret: &str) -> Result<(Live, Account), AccessError> {
        let now = self.inner.env.now();
        let idle = i64::from(self.inner.settings.idle_minutes) * 60;
        let sql = "SELECT id, person_id, last_seen, second_factor_at FROM login \
                   WHERE hash = $1 AND kind = $4 AND revoked_at IS NULL AND ends_at > $2 AND last_seen > $3";
        let params = params![hash_secret(secret), now, now.plus_secs(-idle), kind.word()];
        let rows = self.inner.db.system_read(KEY, sql, params).await?;
        let row = rows.first().ok_or(AccessError::SignIn)?;
        let live = Live {
            id: row.get("id")?,
            kind,
            person: row.get("person_id")?,
            last_seen: row.get("last_seen")?,
            second_factor_at: row.get("second_factor_at")?,
        };
        let account = self.account_by_id(live.person).await?.ok_or(AccessError::SignIn)?;
        if account.is_active(now) { Ok((live, account)) } else { Err(AccessError::SignIn) }
    }

    /// Keeps the time of the last use. A store that cannot write now must not sign anybody out.
    async fn seen(&self, id: LoginId, now: Timestamp) {
        let unit = audit::system(now)
            .exec("UPDATE login SET last_seen = $2 WHERE id = $1 AND last_seen < $2", params![id, now]);
        if let Err(error) = self.inner.db.commit(unit).await {
            tracing::warn!(%error, "the time of a session's last use was not kept");
        }
    }

    /// Opens a session in the unit; its secret is new, whatever the visitor brought.
    pub(crate) fn open_session(
        &self,
        unit: Unit,
        kind: LoginKind,
        account: &Account,
        second_factor_at: Option<Timestamp>,
        visit: &Visit,
    ) -> (SignedIn, Unit) {
        let (env, settings, now) = (&self.inner.env, &self.inner.settings, unit.at);
        let stage = account.stage(second_factor_at, settings, now);
        let seconds = match stage {
            Stage::SecondFactor | Stage::EnrolSecondFactor => PENDING,
            Stage::Full | Stage::ChangePassword => i64::from(settings.session_hours) * 3_600,
        };
        let cookie = fresh_secret(env, kind.prefix());
        let ends_at = now.plus_secs(seconds);
        let id: LoginId = env.id();
        let mut unit = unit.exec_one(
            "INSERT INTO login (id, person_id, hash, created_at, last_seen, ends_at, address, agent, second_factor_at, \
             kind) VALUES ($1, $2, $3, $4, $4, $5, $6, $7, $8, $9)",
            params![
                id,
                account.id,
                hash_secret(&cookie),
                now,
                ends_at,
                visit.address.to_canonical().to_string(),
                visit.agent(),
                second_factor_at,
                kind.word()
            ],
        );
        if matches!(stage, Stage::Full | Stage::ChangePassword) {
            unit = unit.exec("UPDATE person SET last_sign_in = $2 WHERE id = $1", params![account.id, now]);
        }
        (SignedIn { person: account.id, login: id, cookie, stage, ends_at, device: None }, unit)
    }

    /// Ends a person's sessions in the unit; one may stay.
    pub(crate) fn end_sessions(unit: Unit, person: PersonId, but: Option<LoginId>) -> Unit {
        let at = unit.at;
        let but = but.map_or(Uuid::nil(), |id| id.0);
        unit.exec(
            "UPDATE login SET revoked_at = $2 WHERE person_id = $1 AND revoked_at IS NULL AND id <> $3",
            params![person, at, but],
        )
    }

    /// The live sessions of a person: one's own, or others' with `manage_people`.
    ///
    /// # Errors
    /// [`crate::Refusal`].
    pub async fn sessions(&self, caller: &Caller, person: PersonId) -> Result<Vec<Login>, AccessError> {
        self.may_manage(caller, person, "access.list_sessions").await?;
        let now = self.inner.env.now();
        let idle = i64::from(self.inner.settings.idle_minutes) * 60;
        let sql = "SELECT id, person_id, kind, created_at, last_seen, ends_at, address, agent, second_factor_at \
                   FROM login WHERE person_id = $1 AND revoked_at IS NULL AND ends_at > $2 AND last_seen > $3 \
                   ORDER BY created_at DESC LIMIT 200";
        let rows = self.inner.db.system_read(KEY, sql, params![person, now, now.plus_secs(-idle)]).await?;
        let logins = rows.iter().map(|row| {
            Ok(Login {
                id: row.get("id")?,
                person: row.get("person_id")?,
                kind: LoginKind::of(row)?,
                created_at: row.get("created_at")?,
                last_seen: row.get("last_seen")?,
                ends_at: row.get("ends_at")?,
                address: row.get("address")?,
                agent: row.get("agent")?,
                second_factor_at: row.get("second_factor_at")?,
            })
        });
        Ok(logins.collect::<Result<_, StoreError>>()?)
    }

    /// Ends a session: one's own, or others' with `manage_people`.
    ///
    /// # Errors
    /// [`crate::Refusal`].
    pub async fn revoke_session(&self, caller: &Caller, id: LoginId) -> Result<(), AccessError> {
        let sql = "SELECT person_id FROM login WHERE id = $1";
        let rows = self.inner.db.system_read(KEY, sql, params![id]).await?;
        let Some(row) = rows.first() else {
            return Err(self.refuse(caller, "access.revoke_session", &format!("login:{id}"), Refusal::NotThere).await);
        };
        let person: PersonId = row.get("person_id")?;
        self.may_manage(caller, person, "access.revoke_session").await?;
        self.end_one(caller, id, "access.revoke_session").await
    }

    /// Ends the caller's own session.
    ///
    /// # Errors
    /// [`AccessError::Store`].
    pub async fn sign_out(&self, caller: &Caller) -> Result<(), AccessError> {
        match caller.login() {
            Some(id) => self.end_one(caller, id, "access.sign_out").await,
            None => Ok(()),
        }
    }

    async fn end_one(&self, caller: &Caller, id: LoginId, action: &str) -> Result<(), AccessError> {
        let now = self.inner.env.now();
        let leaf = audit::done(action, format!("login:{id}"), caller.org(), caller.realm(), serde_json::json!({}));
        let unit = Unit::new(caller.actor(), now)
            .exec("UPDATE login SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL", params![id, now])
            .audit(leaf);
        self.inner.db.commit(unit).await?;
        self.doubt();
        Ok(())
    }

    /// One's own account at any stage, or others' with `manage_people`.
    async fn may_manage(&self, caller: &Caller, person: PersonId, action: &str) -> Result<(), AccessError> {
        if caller.person() == Some(person) {
            return Ok(());
        }
        let account = self.account_by_id(person).await?;
        let permit = match &account {
            Some(account) => {
                caller.permit::<act::ManagePeople, _>(person, &Facts::new(account.org, Tlp::AmberStrict, account.realm))
            }
            None => Err(Refusal::NotThere),
        };
        match permit {
            Ok(_) => Ok(()),
            Err(why) => Err(self.refuse(caller, action, &format!("person:{person}"), why).await),
        }
    }

    /// The caller behind a verified machine certificate; `org` comes from the machine's loaded row.
    #[must_use]
    pub fn machine_caller(&self, kind: MachineKind, id: Uuid, org: OrgId) -> Caller {
        Caller::machine(kind, id, org, self.centre(), self.settings().realm)
    }
}
