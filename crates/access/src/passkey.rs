//! Passkeys (WebAuthn) as a second factor: registered from the own profile, listed, removed.
//!
//! A challenge is random, belongs to one session and one purpose, lives five minutes and is spent by its first answer,
//! right or wrong. A passkey whose counter went back is dead: it stays in the list, marked, and opens nothing.

use base::{PersonId, Timestamp, Tlp};
use store::{Row, StoreError, Unit, params};
use zeroize::Zeroizing;

use crate::access::{Access, KEY};
use crate::account::Account;
use crate::action::needs_second_factor;
use crate::audit;
use crate::caller::{Caller, Stage};
use crate::error::AccessError;
use crate::ids::{LoginId, PasskeyId};
use crate::login::{Live, LoginKind};
use crate::sign_in::{SignedIn, Visit};
use crate::throttle::Attempt;

mod cbor;
mod sign_in;
pub mod site;
pub mod wire;

pub use sign_in::SecondFactors;
pub use site::Site;
use wire::{Asked, Attestation, Flaw};

/// A challenge lives so many seconds.
const CHALLENGE: i64 = 300;
/// Who showed a second factor so many seconds ago need not enter the password again.
const FRESH: i64 = 300;
/// How many passkeys a person may have.
const MOST: usize = 10;

/// A passkey, as its owner sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Passkey {
    /// Its id.
    pub id: PasskeyId,
    /// The name its owner gave it.
    pub name: String,
    /// The name of the centre it was made for: it works there only.
    pub site: String,
    /// Whether it may be copied to other devices of its owner.
    pub synced: bool,
    /// When it was registered.
    pub created_at: Timestamp,
    /// When it was last shown.
    pub last_used: Option<Timestamp>,
    /// When its counter went back; it opens nothing since.
    pub cloned_at: Option<Timestamp>,
}

/// What the browser needs to register or to show a passkey; texts of bytes are base64url.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ask {
    /// The relying-party id.
    pub rp_id: String,
    /// The challenge.
    pub challenge: String,
    /// The user handle.
    pub user: String,
    /// The account's sign-in name.
    pub login: String,
    /// The person's name.
    pub display: String,
    /// Credentials: those that must not be registered again, or those that may be shown.
    pub credentials: Vec<String>,
}

/// A passkey was registered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PasskeyAdded {
    /// Recovery codes, where this is the person's first second factor; shown once.
    pub recovery_codes: Vec<Zeroizing<String>>,
    /// The raised session, where this one had not shown a second factor yet.
    pub signed_in: Option<SignedIn>,
}

/// What a challenge is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    Register,
    SignIn,
}

impl Purpose {
    const fn word(self) -> &'static str {
        match self {
            Self::Register => "register",
            Self::SignIn => "sign_in",
        }
    }
}

/// A challenge that was given out and is spent now.
#[derive(Debug)]
struct Challenge {
    bytes: Vec<u8>,
    site: Site,
    name: String,
}

/// A stored credential.
#[derive(Debug)]
struct Stored {
    card: Passkey,
    credential: Vec<u8>,
    key: Vec<u8>,
    count: u32,
}

/// The name of a passkey as it is kept.
fn checked_name(name: &str) -> Result<&str, AccessError> {
    let name = name.trim();
    if name.is_empty() || name.chars().count() > 60 || name.chars().any(char::is_control) {
        return Err(AccessError::BadField("name", "1 to 60 characters"));
    }
    Ok(name)
}

impl Access {
    /// The site a visitor reached, when passkeys are offered there: an address with a name that is ours.
    #[must_use]
    pub fn passkey_site(&self, host: &str) -> Option<Site> {
        Site::reached(&self.inner.settings.passkey_origins, host)
    }

    /// Where passkeys are offered.
    #[must_use]
    pub fn passkey_origins(&self) -> &[String] {
        &self.inner.settings.passkey_origins
    }

    /// Whether a change of passkeys needs the password once more: the second factor was shown too long ago.
    ///
    /// # Errors
    /// [`AccessError::SignIn`] for a caller that is no person.
    pub async fn passkey_proof_due(&self, caller: &Caller) -> Result<bool, AccessError> {
        // A session that waits for its first second factor was opened by the password minutes ago.
        if caller.stage() == Stage::EnrolSecondFactor {
            return Ok(false);
        }
        let now = self.inner.env.now();
        Ok(self.shown(caller).await?.is_none_or(|at| !(0..FRESH * 1_000_000).contains(&now.since(at))))
    }

    /// The caller's own passkeys, oldest first.
    ///
    /// # Errors
    /// [`AccessError::SignIn`] for a caller that is no person.
    pub async fn passkeys(&self, caller: &Caller) -> Result<Vec<Passkey>, AccessError> {
        let id = caller.person().ok_or(AccessError::SignIn)?;
        Ok(self.stored(id).await?.into_iter().map(|stored| stored.card).collect())
    }

    /// Starts the registration of a passkey.
    ///
    /// # Errors
    /// [`AccessError::NoPasskeysHere`], [`AccessError::ProofDue`], [`AccessError::BadCredentials`],
    /// [`AccessError::BadField`], [`AccessError::Enrolled`] while a factor is in use that this session has not shown.
    pub async fn add_passkey_begin(
        &self,
        caller: &Caller,
        host: &str,
        name: &str,
        password: &str,
        visit: &Visit,
    ) -> Result<Ask, AccessError> {
        let account = self.enrolling(caller).await?;
        let site = self.passkey_site(host).ok_or(AccessError::NoPasskeysHere)?;
        let name = checked_name(name)?;
        let stored = self.stored(account.id).await?;
        if stored.len() >= MOST {
            return Err(AccessError::BadField("name", "at most 10 passkeys"));
        }
        self.prove(caller, &account, password, visit).await?;
        let known = stored.iter().map(|stored| wire::encode(&stored.credential)).collect();
        self.challenge(caller.login().ok_or(AccessError::SignIn)?, &account, Purpose::Register, &site, name, known)
            .await
    }

    /// Registers the passkey that the browser made.
    ///
    /// # Errors
    /// [`AccessError::BadPasskey`] with the flaw; those of [`Access::add_passkey_begin`].
    pub async fn add_passkey_finish(
        &self,
        caller: &Caller,
        host: &str,
        answer: Attestation<'_>,
        visit: &Visit,
    ) -> Result<PasskeyAdded, AccessError> {
        const ACTION: &str = "access.add_passkey";
        let account = self.enrolling(caller).await?;
        let login = caller.login().ok_or(AccessError::SignIn)?;
        let checked = match self.spend_challenge(login, Purpose::Register, host).await? {
            Ok(challenge) => wire::registered(Asked { site: &challenge.site, challenge: &challenge.bytes }, answer)
                .map(|made| (challenge, made)),
            Err(flaw) => Err(flaw),
        };
        let (challenge, made) = match checked {
            Ok(checked) => checked,
            Err(flaw) => return Err(self.flawed(ACTION, &account, flaw).await?),
        };
        let (id, now) = (self.inner.env.id::<PasskeyId>(), self.inner.env.now());
        let (shown, first) = (self.shown(caller).await?, !account.has_second());
        let mut unit = Self::one_by_one(Unit::new(caller.actor(), now), account.id)
            .exec_one(
                "UPDATE person SET realm = realm WHERE id = $1 AND \
                 (SELECT COUNT(*) FROM credential_passkey k WHERE k.person_id = $1) < $2",
                params![account.id, MOST as u64],
            )
            .exec_one(
                "INSERT INTO credential_passkey (id, person_id, org_id, tlp, realm, name, site, credential, \
                 public_key, sign_count, synced, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
                params![
                    id, account.id, account.org, Tlp::AmberStrict, account.realm, &challenge.name,
                    &challenge.site.rp_id, made.credential, made.key, made.count, made.synced, now
                ],
            );
        let mut added = PasskeyAdded { recovery_codes: Vec::new(), signed_in: None };
        let account = Account { passkeys: account.passkeys + 1, ..account };
        if first {
            (added.recovery_codes, unit) = self.new_recovery_codes(unit, account.id);
        }
        if shown.is_none() {
            let live = Live {
                id: login,
                kind: LoginKind::Browser,
                person: account.id,
                last_seen: now,
                second_factor_at: None,
            };
            let (signed_in, raised) = self.raise(unit, &live, &account, visit);
            // The first second factor ends what was opened without one.
            unit = Self::end_sessions(raised, account.id, Some(signed_in.login));
            added.signed_in = Some(signed_in);
        }
        let detail = serde_json::json!({"passkey": id, "site": challenge.site.rp_id, "synced": made.synced});
        let leaf = audit::done(ACTION, format!("person:{}", account.id), account.org, account.realm, detail);
        match self.inner.db.commit(unit.audit(leaf)).await {
            Ok(_) => {
                self.doubt();
                Ok(added)
            }
            Err(StoreError::Duplicate(_)) => Err(self.flawed(ACTION, &account, Flaw::Registered).await?),
            Err(StoreError::Conflict(_)) => Err(AccessError::Changed),
            Err(error) => Err(error.into()),
        }
    }

    /// Removes one's own passkey; never the last factor of somebody whose role needs one.
    ///
    /// # Errors
    /// [`AccessError::LastFactor`], [`AccessError::ProofDue`], [`AccessError::BadCredentials`],
    /// [`crate::Refusal::NotThere`].
    pub async fn remove_passkey(
        &self,
        caller: &Caller,
        id: PasskeyId,
        password: &str,
        visit: &Visit,
    ) -> Result<(), AccessError> {
        const ACTION: &str = "access.remove_passkey";
        let account = self.enrolling(caller).await?;
        let subject = format!("person:{}", account.id);
        let stored = self.stored(account.id).await?;
        if !stored.iter().any(|stored| stored.card.id == id) {
            return Err(self.refuse(caller, ACTION, &subject, crate::Refusal::NotThere).await);
        }
        self.prove(caller, &account, password, visit).await?;
        let needs = account.roles.iter().any(|(role, _)| needs_second_factor(*role));
        // What is left is counted behind the row that every change of this person's factors takes first.
        let unit = Self::one_by_one(Unit::new(caller.actor(), self.inner.env.now()), account.id).exec_one(
            "DELETE FROM credential_passkey WHERE id = $1 AND person_id = $2 AND ($3 = 0 \
             OR EXISTS (SELECT 1 FROM credential_totp t WHERE t.person_id = $2 AND t.confirmed = 1) \
             OR EXISTS (SELECT 1 FROM credential_passkey k WHERE k.person_id = $2 AND k.id <> $1 AND k.cloned_at IS NULL))",
            params![id, account.id, needs],
        );
        // Recovery codes stand in for a factor: without one they open nothing and go along.
        let unit = unit.exec(
            "DELETE FROM credential_recovery WHERE person_id = $1 \
             AND NOT EXISTS (SELECT 1 FROM credential_totp t WHERE t.person_id = $1 AND t.confirmed = 1) \
             AND NOT EXISTS (SELECT 1 FROM credential_passkey k WHERE k.person_id = $1)",
            params![account.id],
        );
        let detail = serde_json::json!({"passkey": id});
        let unit = unit.audit(audit::done(ACTION, subject.clone(), account.org, account.realm, detail));
        match self.commit(unit).await {
            Ok(_) => {
                self.doubt();
                Ok(())
            }
            Err(AccessError::Changed) => Err(self.refuse(caller, ACTION, &subject, AccessError::LastFactor).await),
            Err(error) => Err(error),
        }
    }

    /// Takes the row that orders every change of a person's passkeys.
    fn one_by_one(unit: Unit, person: PersonId) -> Unit {
        unit.exec_one("UPDATE person SET device_epoch = device_epoch WHERE id = $1", params![person])
    }

    /// A second factor shown a moment ago, or the password once more.
    async fn prove(
        &self,
        caller: &Caller,
        account: &Account,
        password: &str,
        visit: &Visit,
    ) -> Result<(), AccessError> {
        if !self.passkey_proof_due(caller).await? {
            return Ok(());
        }
        if password.is_empty() {
            return Err(AccessError::ProofDue);
        }
        let (counters, known) = self.counters(Attempt::Password, &account.login, Some(account), visit);
        self.count(&counters).await?;
        let phc = account.password.as_ref().map(|(phc, _)| phc.clone());
        let short = if password.len() <= crate::password::LONGEST { password } else { "" };
        if !self.inner.stretcher.verify(short, phc, known).await? {
            self.stranger("access.prove_password", Some(account)).await?;
            return Err(AccessError::BadCredentials);
        }
        let unit = Self::uncount(Unit::new(caller.actor(), self.inner.env.now()), &counters);
        self.inner.db.commit(unit).await?;
        Ok(())
    }

    /// A fresh challenge; an older one of the same session and purpose dies.
    async fn challenge(
        &self,
        login: LoginId,
        account: &Account,
        purpose: Purpose,
        site: &Site,
        name: &str,
        credentials: Vec<String>,
    ) -> Result<Ask, AccessError> {
        let now = self.inner.env.now();
        let bytes = self.inner.env.bytes::<32>();
        let unit = audit::system(now)
            .exec("DELETE FROM passkey_challenge WHERE login_id = $1 AND purpose = $2", params![login, purpose.word()])
            .exec_one(
                "INSERT INTO passkey_challenge (login_id, purpose, org_id, tlp, realm, challenge, origin, name, ends_at) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
                params![
                    login, purpose.word(), account.org, Tlp::AmberStrict, account.realm, bytes.to_vec(),
                    &site.origin, name, now.plus_secs(CHALLENGE)
                ],
            );
        match self.commit(unit).await {
            Ok(_) => {}
            Err(AccessError::Store(StoreError::Duplicate(_))) => return Err(AccessError::Changed),
            Err(error) => return Err(error),
        }
        Ok(Ask {
            rp_id: site.rp_id.clone(),
            challenge: wire::encode(&bytes),
            user: wire::encode(account.id.0.as_bytes()),
            login: account.login.clone(),
            display: account.display.clone(),
            credentials,
        })
    }

    /// Takes the challenge of a session; nobody gets it a second time, whatever its answer is worth.
    async fn spend_challenge(
        &self,
        login: LoginId,
        purpose: Purpose,
        host: &str,
    ) -> Result<Result<Challenge, Flaw>, AccessError> {
        let sql = "SELECT challenge, origin, name, ends_at FROM passkey_challenge WHERE login_id = $1 AND purpose = $2";
        let rows = self.inner.db.system_read(KEY, sql, params![login, purpose.word()]).await?;
        let Some(row) = rows.first() else { return Ok(Err(Flaw::Challenge)) };
        let bytes: Vec<u8> = row.get("challenge")?;
        let now = self.inner.env.now();
        let unit = audit::system(now).exec_one(
            "DELETE FROM passkey_challenge WHERE login_id = $1 AND purpose = $2 AND challenge = $3",
            params![login, purpose.word(), bytes.clone()],
        );
        match self.commit(unit).await {
            Ok(_) => {}
            Err(AccessError::Changed) => return Ok(Err(Flaw::Challenge)),
            Err(error) => return Err(error),
        }
        if row.get::<Timestamp>("ends_at")? <= now {
            return Ok(Err(Flaw::Challenge));
        }
        let origin: String = row.get("origin")?;
        Ok(match self.passkey_site(host).filter(|site| site.origin == origin) {
            Some(site) => Ok(Challenge { bytes, site, name: row.get("name")? }),
            None => Err(Flaw::Origin),
        })
    }

    /// Records a refused answer with its reason, and gives the error.
    async fn flawed(&self, action: &str, account: &Account, flaw: Flaw) -> Result<AccessError, AccessError> {
        let detail = serde_json::json!({"kind": "passkey", "why": flaw.to_string()});
        let mut leaf = audit::done(action, format!("person:{}", account.id), account.org, account.realm, detail);
        leaf.outcome = store::Outcome::Refused;
        self.inner.db.commit(Unit::new(store::Actor::Stranger, self.inner.env.now()).audit(leaf)).await?;
        Ok(AccessError::BadPasskey(flaw))
    }

    async fn stored(&self, person: PersonId) -> Result<Vec<Stored>, AccessError> {
        let sql = "SELECT id, name, site, credential, public_key, sign_count, synced, created_at, last_used, cloned_at \
                   FROM credential_passkey WHERE person_id = $1 ORDER BY created_at, id";
        let rows = self.inner.db.system_read(KEY, sql, params![person]).await?;
        Ok(rows.iter().map(stored).collect::<Result<_, _>>()?)
    }
}

fn stored(row: &Row) -> Result<Stored, StoreError> {
    Ok(Stored {
        card: Passkey {
            id: row.get("id")?,
            name: row.get("name")?,
            site: row.get("site")?,
            synced: row.get("synced")?,
            created_at: row.get("created_at")?,
            last_used: row.get("last_used")?,
            cloned_at: row.get("cloned_at")?,
        },
        credential: row.get("credential")?,
        key: row.get("public_key")?,
        count: row.get("sign_count")?,
    })
}
