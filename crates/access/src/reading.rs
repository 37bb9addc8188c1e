//! Reading what is restricted leaves a leaf: who was shown which rows, never what stood in them.
//!
//! Restricted is a row marked TLP:RED, and another person's details (see `docs/decisions/0012`). A door collects what an
//! answer shows and notes it before the answer goes out. One answer is one leaf, however many rows it shows; a row that
//! the same caller was shown a moment ago is not noted again, so that a page that refreshes itself fills nothing.

use base::{OrgId, Timestamp, Tlp};
use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, PoisonError};
use store::{Outcome, Unit};

use crate::access::Access;
use crate::audit;
use crate::caller::Caller;
use crate::error::AccessError;

/// Rows named in one leaf; of the others stands their number.
pub const NAMED: usize = 20;
/// How long a noted reading stands for the next ones, in seconds: fixed from the leaf on, so that a page that is open
/// all day leaves four an hour.
pub const FOLDED: i64 = 900;
/// Readings remembered; what does not fit is noted again.
const REMEMBERED: usize = 100_000;

/// The action of these leaves.
pub const ACTION: &str = "data.read";

/// Whether the reading of a row of this marking leaves a leaf.
#[must_use]
pub const fn is_restricted(tlp: Tlp) -> bool {
    matches!(tlp, Tlp::Red)
}

/// A restricted row that an answer shows.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Shown {
    /// `indicator:0192...`, as in other leaves about it; the place of the answer for a row without an id.
    pub subject: String,
    /// Whose row it is, where the answer says so.
    pub org: Option<OrgId>,
}

impl Shown {
    /// A row of an organisation.
    #[must_use]
    pub fn of(noun: &str, id: impl std::fmt::Display, org: OrgId) -> Self {
        Self { subject: format!("{noun}:{id}"), org: Some(org) }
    }
}

/// Who was shown what within [`FOLDED`].
#[derive(Debug, Default)]
pub(crate) struct Readings {
    keys: RandomState,
    noted: Mutex<HashMap<u64, Timestamp>>,
}

impl Readings {
    fn key(&self, caller: &str, subject: &str) -> u64 {
        self.keys.hash_one((caller, subject))
    }

    fn is_fresh(&self, caller: &str, subject: &str, now: Timestamp) -> bool {
        let noted = self.noted.lock().unwrap_or_else(PoisonError::into_inner);
        // A clock that went back proves nothing.
        !noted.get(&self.key(caller, subject)).is_some_and(|at| (0..FOLDED * 1_000_000).contains(&now.since(*at)))
    }

    fn remember<'a>(&self, caller: &str, subjects: impl Iterator<Item = &'a str>, now: Timestamp) {
        let mut noted = self.noted.lock().unwrap_or_else(PoisonError::into_inner);
        if noted.len() >= REMEMBERED {
            noted.retain(|_, at| (0..FOLDED * 1_000_000).contains(&now.since(*at)));
        }
        for subject in subjects {
            if noted.len() >= REMEMBERED {
                return;
            }
            noted.insert(self.key(caller, subject), now);
        }
    }
}

impl Access {
    /// Notes that an answer shows restricted rows; `place` is the address without its query. Durable when this returns.
    ///
    /// # Errors
    /// [`AccessError::Store`]: without its leaf nothing is shown.
    pub async fn note_reading(&self, caller: &Caller, place: &str, shown: Vec<Shown>) -> Result<(), AccessError> {
        let (now, who) = (self.inner.env.now(), caller.actor().to_string());
        let own = caller.person().map(|id| format!("person:{id}"));
        let rows: BTreeMap<String, Option<OrgId>> = shown
            .into_iter()
            .filter(|row| own.as_ref() != Some(&row.subject))
            .filter(|row| self.inner.readings.is_fresh(&who, &row.subject, now))
            .map(|row| (row.subject, row.org))
            .collect();
        let Some((first, org)) = rows.first_key_value().map(|(subject, org)| (subject, *org)) else { return Ok(()) };
        let place = base::code::excerpt(place);
        // An organisation that sees its own leaves finds who read its rows; rows of several stand with the reader's.
        let org = org.filter(|org| rows.values().all(|other| *other == Some(*org))).unwrap_or_else(|| caller.org());
        let subject = if rows.len() == 1 { first.clone() } else { place.clone() };
        let named: Vec<&String> = rows.keys().take(NAMED).collect();
        let detail = serde_json::json!({"place": place, "rows": named, "more": rows.len() - named.len()});
        let mut leaf = audit::done(ACTION, subject, org, caller.realm(), detail);
        leaf.outcome = Outcome::Read;
        self.inner.db.commit(Unit::new(caller.actor(), now).audit(leaf)).await?;
        self.inner.readings.remember(&who, rows.keys().map(String::as_str), now);
        Ok(())
    }

    /// Notes that a list or a tree was taken away as a file: each time, whatever it holds.
    ///
    /// # Errors
    /// [`AccessError::Store`]: without its leaf nothing is handed out.
    pub async fn note_export(
        &self,
        caller: &Caller,
        action: &str,
        subject: &str,
        detail: serde_json::Value,
    ) -> Result<(), AccessError> {
        let mut leaf = audit::done(action, subject.to_owned(), caller.org(), caller.realm(), detail);
        leaf.outcome = Outcome::Read;
        self.inner.db.commit(Unit::new(caller.actor(), self.inner.env.now()).audit(leaf)).await?;
        Ok(())
    }
}
