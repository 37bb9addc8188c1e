//! The service: one value with the database, time, randomness, the key and the settings; cheap to clone.
//!
//! Its methods live beside what they are about: [`crate::setup`], [`crate::sign_in`], [`crate::login`],
//! [`crate::totp`], [`crate::people`], [`crate::tokens`], [`crate::enrol`], [`crate::night`].

use base::{Coded, Env, OrgId, PersonId, Timestamp};
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use store::audit::{Outside, Strangers};
use store::{Committed, Db, StoreError, SystemKey, Unit, params};

use crate::audit;
use crate::caller::{Caller, Who};
use crate::error::AccessError;
use crate::keys::KeyFile;
use crate::password::Stretcher;
use crate::permit::Refusal;
use crate::reading::Readings;
use crate::settings::Settings;
use crate::tokens::Bound;

pub(crate) const KEY: SystemKey = SystemKey::of("access");

/// How long a checked cookie or token is believed without asking the store again.
const BELIEVED: i64 = 1_000_000;
/// How many of them are kept.
const REMEMBERED: usize = 10_000;

/// Who is who, and who may do what.
#[derive(Debug, Clone)]
pub struct Access {
    pub(crate) inner: Arc<Inner>,
}

#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) db: Db,
    pub(crate) env: Env,
    pub(crate) keys: KeyFile,
    pub(crate) settings: Settings,
    pub(crate) centre: OrgId,
    pub(crate) stretcher: Stretcher,
    pub(crate) strangers: Strangers,
    pub(crate) outside: Outside,
    pub(crate) readings: Readings,
    cache: Mutex<HashMap<[u8; 32], Believed>>,
    doubts: AtomicU64,
}

/// A caller that was checked a moment ago.
#[derive(Debug, Clone)]
pub(crate) struct Believed {
    pub(crate) at: Timestamp,
    pub(crate) caller: Caller,
    pub(crate) bound: Bound,
}

impl Access {
    /// The service of the centre whose own organisation is `centre`.
    #[must_use]
    pub fn new(db: Db, env: Env, keys: KeyFile, settings: Settings, centre: OrgId) -> Self {
        let strangers = Strangers::new(db.clone(), centre, settings.realm);
        let (outside, readings) =
            (Outside::new(db.clone(), centre, crate::outside::ACTION, crate::error::NOT_THERE.id), Readings::default());
        let (stretcher, cache) = (Stretcher::new(), Mutex::default());
        Self {
            inner: Arc::new(Inner {
                db,
                env,
                keys,
                settings,
                centre,
                stretcher,
                strangers,
                outside,
                readings,
                cache,
                doubts: AtomicU64::new(0),
            }),
        }
    }

    /// The centre's own organisation.
    #[must_use]
    pub fn centre(&self) -> OrgId {
        self.inner.centre
    }

    /// The settings in force.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.inner.settings
    }

    /// Writes the audit leaf of a refusal: doors call it for every refusal they answer with.
    ///
    /// # Errors
    /// [`AccessError::Store`]: without its leaf nothing is answered.
    pub async fn record_refusal(
        &self,
        caller: &Caller,
        action: &str,
        subject: &str,
        why: &(dyn Coded + Sync),
    ) -> Result<(), AccessError> {
        let unit = audit::refused(caller, action, subject.to_owned(), why, self.inner.env.now());
        self.inner.db.commit(unit).await?;
        Ok(())
    }

    /// Records the refusal and gives it back as the error. "Not there" is the doors' to note, see
    /// [`Access::note_outside`]: a leaf here would take longer than the answer about a row that does not exist, or
    /// would stand for one that nobody has.
    pub(crate) async fn refuse(
        &self,
        caller: &Caller,
        action: &str,
        subject: &str,
        why: impl Into<AccessError>,
    ) -> AccessError {
        let why = why.into();
        // The host comes through no door.
        if matches!(why, AccessError::Refused(Refusal::NotThere)) && !matches!(caller.who(), Who::System(_)) {
            return why;
        }
        match self.record_refusal(caller, action, subject, &why).await {
            Ok(()) => why,
            Err(error) => error,
        }
    }

    /// Commits; a failed version check becomes [`AccessError::Changed`].
    pub(crate) async fn commit(&self, unit: Unit) -> Result<Committed, AccessError> {
        match self.inner.db.commit(unit).await {
            Ok(done) => Ok(done),
            Err(StoreError::Conflict(_)) => Err(AccessError::Changed),
            Err(error) => Err(error.into()),
        }
    }

    /// The organisation and everything below it.
    pub(crate) async fn below(&self, org: OrgId) -> Result<Vec<OrgId>, AccessError> {
        // A grant at the centre covers everything; its subtree is never asked for.
        if org == self.inner.centre {
            return Ok(vec![org]);
        }
        let sql = "SELECT descendant_id FROM org_closure WHERE ancestor_id = $1";
        let rows = self.inner.db.system_read(KEY, sql, params![org]).await?;
        Ok(rows.iter().map(|row| row.get("descendant_id")).collect::<Result<_, _>>()?)
    }

    /// What was checked within the last second.
    pub(crate) fn believed(&self, hash: &[u8; 32]) -> Option<Believed> {
        let cache = self.inner.cache.lock().unwrap_or_else(PoisonError::into_inner);
        let found = cache.get(hash)?;
        // A clock that went back proves nothing.
        (0..BELIEVED).contains(&self.inner.env.now().since(found.at)).then(|| found.clone())
    }

    /// How often everything was forgotten: taken before the look-up whose result is to be believed.
    pub(crate) fn doubts(&self) -> u64 {
        self.inner.doubts.load(Ordering::Acquire)
    }

    /// Remembers a checked caller, unless something changed since the look-up began: it may have read the state before.
    pub(crate) fn believe(&self, hash: [u8; 32], believed: Believed, doubts: u64) {
        let mut cache = self.inner.cache.lock().unwrap_or_else(PoisonError::into_inner);
        if doubts != self.doubts() {
            return;
        }
        if cache.len() >= REMEMBERED {
            let now = believed.at;
            cache.retain(|_, old| (0..BELIEVED).contains(&now.since(old.at)));
        }
        if cache.len() < REMEMBERED {
            cache.insert(hash, believed);
        }
    }

    /// Forgets every checked caller: after roles, sessions or tokens changed on this node.
    pub(crate) fn doubt(&self) {
        let mut cache = self.inner.cache.lock().unwrap_or_else(PoisonError::into_inner);
        self.inner.doubts.fetch_add(1, Ordering::AcqRel);
        cache.clear();
    }

    /// The name to show for a person, where the caller may see people's names there.
    ///
    /// # Errors
    /// [`AccessError::Store`].
    pub async fn name_of(&self, caller: &Caller, id: PersonId) -> Result<Option<String>, AccessError> {
        crate::people::name_of(self, caller, id).await
    }
}
