//! Reading what is restricted leaves a leaf: who was shown which rows, never what stood in them.
//!
//! Restricted is a row marked TLP:RED, and another person's details (see `docs/decisions/0012`). A door collects what an
//! answer shows and notes it before the answer goes out. One answer is one leaf, however many rows it shows (two where it
//! shows both: they are for different readers); a row that the same caller was shown a moment ago is not noted again, so that a page that refreshes itself fills nothing.

use base::{OrgId, Timestamp, Tlp};
use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, PoisonError};
use store::{AuditEntry, Outcome, Unit};

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

/// Stands for the address of an answer that shows RED rows too, in the leaf about people.
const HIDDEN: &str = "restricted";

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
    /// It is restricted as somebody's details, and not by its marking.
    pub personal: bool,
}

impl Shown {
    /// A row of an organisation, restricted by its marking.
    #[must_use]
    pub fn of(noun: &str, id: impl std::fmt::Display, org: OrgId) -> Self {
        Self::marked(format!("{noun}:{id}"), Some(org))
    }

    /// What stands for rows restricted by their marking.
    #[must_use]
    pub const fn marked(subject: String, org: Option<OrgId>) -> Self {
        Self { subject, org, personal: false }
    }

    /// The same, restricted as somebody's details.
    #[must_use]
    pub fn personal(self) -> Self {
        Self { personal: true, ..self }
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
    /// Who read people's details stands with the organisation of the rows. Who read what is RED stands with the centre:
    /// the organisation's own readers do not see such a row, and its id in a leaf of theirs would tell them of it.
    ///
    /// # Errors
    /// [`AccessError::Store`]: without its leaf nothing is shown.
    pub async fn note_reading(&self, caller: &Caller, place: &str, shown: Vec<Shown>) -> Result<(), AccessError> {
        let (now, who) = (self.inner.env.now(), caller.actor().to_string());
        let own = caller.person().map(|id| format!("person:{id}"));
        let mut people = BTreeMap::<String, Option<OrgId>>::new();
        let mut marked = BTreeMap::<String, Option<OrgId>>::new();
        let is_marked = shown.iter().any(|row| !row.personal);
        for row in shown {
            if (row.personal && own.as_ref() == Some(&row.subject))
                || !self.inner.readings.is_fresh(&who, &row.subject, now)
            {
                continue;
            }
            let rows = if row.personal { &mut people } else { &mut marked };
            rows.insert(row.subject, row.org);
        }
        // A row that is both is told of where fewer read it.
        people.retain(|subject, _| !marked.contains_key(subject));
        let place = base::code::excerpt(place);
        // The address of such a page may be a RED row's.
        let peoples_place = if is_marked { HIDDEN } else { place.as_str() };
        let mut unit = Unit::new(caller.actor(), now);
        if !people.is_empty() {
            // An organisation that sees its own leaves finds who read its rows; rows of several stand with the reader's.
            let mut orgs = people.values();
            let first = orgs.next().copied().flatten();
            let org = first.filter(|org| orgs.all(|other| *other == Some(*org))).unwrap_or_else(|| caller.org());
            unit = unit.audit(leaf(caller, peoples_place, &people, org));
        }
        if !marked.is_empty() {
            unit = unit.audit(leaf(caller, &place, &marked, self.inner.centre));
        }
        if unit.audit.is_empty() {
            return Ok(());
        }
        self.inner.db.commit(unit).await?;
        self.inner.readings.remember(&who, people.keys().chain(marked.keys()).map(String::as_str), now);
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

/// One leaf for the rows of an answer: the first by name, of the others their number.
fn leaf(caller: &Caller, place: &str, rows: &BTreeMap<String, Option<OrgId>>, org: OrgId) -> AuditEntry {
    let named: Vec<&String> = rows.keys().take(NAMED).collect();
    let subject = match *named {
        [only] => only.clone(),
        _ => place.to_owned(),
    };
    let detail = serde_json::json!({"place": place, "rows": named, "more": rows.len() - named.len()});
    let mut leaf = audit::done(ACTION, subject, org, caller.realm(), detail);
    leaf.outcome = Outcome::Read;
    leaf
}
