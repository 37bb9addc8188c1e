//! Questions for rows outside a clearance: the answer is the one of an absent row, and an auditor hears of it.
//!
//! A door calls [`Access::note_outside`] for every answer that says "not there". Whether the row exists is looked up
//! after the answer was decided, and nothing is written while it waits: the leaf follows within a second, so that
//! neither the body nor the time of the answer tells the two cases apart. A caller leaves one leaf a minute at most.
//!
//! The leaf belongs to the centre: in the prober's own organisation it would be the answer that the door did not give.

use percent_encoding::percent_decode_str;
use std::borrow::Cow;
use store::audit::Outside;
use store::params;
use uuid::Uuid;

use crate::access::{Access, KEY};
use crate::caller::Caller;
use crate::error::AccessError;
use crate::permit::Facts;
use crate::reading::Shown;

/// The action of these leaves.
pub const ACTION: &str = "access.outside";

/// A table whose rows are named in addresses.
#[derive(Debug, Clone, Copy)]
pub struct Owner {
    /// The part of the address before the id: `indicators`.
    pub word: &'static str,
    /// What leaves call such a row: `indicator`.
    pub noun: &'static str,
    /// Gives `org_id`, `tlp` and `realm` of the row with the id `$1`.
    pub sql: &'static str,
}

/// The tables of every room, for the doors.
pub type Owners = &'static [&'static [Owner]];

/// The tables of this room and of the store.
pub const OWNERS: &[Owner] = &[
    Owner { word: "people", noun: "person", sql: "SELECT org_id, tlp, realm FROM person WHERE id = $1" },
    Owner { word: "tokens", noun: "token", sql: "SELECT org_id, tlp, realm FROM access_token WHERE id = $1" },
    Owner { word: "night", noun: "retro_review", sql: REVIEW },
    Owner { word: "night-reviews", noun: "retro_review", sql: REVIEW },
    Owner {
        word: "sessions",
        noun: "login",
        sql: "SELECT p.org_id, p.tlp, p.realm FROM login l JOIN person p ON p.id = l.person_id WHERE l.id = $1",
    },
    Owner { word: "jobs", noun: "job", sql: "SELECT org_id, tlp, realm FROM job WHERE id = $1" },
];
const REVIEW: &str = "SELECT org_id, tlp, realm FROM retro_review WHERE id = $1";
const LEAF: &str = "SELECT org_id, tlp, realm FROM audit_leaf WHERE seq = $1";

impl Access {
    /// Who asks for rows outside their clearance: the house runs it.
    #[must_use]
    pub fn outside(&self) -> &Outside {
        &self.inner.outside
    }

    /// Notes the rows an address names that exist and that the caller does not see. To be called for an answer that said
    /// "not there", with the tables of every room; it writes nothing itself.
    ///
    /// # Errors
    /// [`AccessError::Store`] when the tables cannot be asked.
    pub async fn note_outside(&self, caller: &Caller, owners: Owners, path: &str) -> Result<(), AccessError> {
        if let Some(seq) = leaf_number(path) {
            self.ask(caller, LEAF, params![seq], format!("audit:{seq}")).await?;
        }
        for (owner, id) in named(owners, path) {
            self.ask(caller, owner.sql, params![id], format!("{}:{id}", owner.noun)).await?;
        }
        Ok(())
    }

    /// The first row that an address names, as leaves call it and with its organisation; none when it names none.
    ///
    /// # Errors
    /// [`AccessError::Store`] when the tables cannot be asked.
    pub async fn row_of(&self, owners: Owners, path: &str) -> Result<Option<Shown>, AccessError> {
        for (owner, id) in named(owners, path) {
            let rows = self.inner.db.system_read(KEY, owner.sql, params![id]).await?;
            if let Some(row) = rows.first() {
                return Ok(Some(Shown::of(owner.noun, id, row.get("org_id")?)));
            }
        }
        Ok(None)
    }

    async fn ask(
        &self,
        caller: &Caller,
        sql: &'static str,
        params: Vec<store::Value>,
        subject: String,
    ) -> Result<(), AccessError> {
        let rows = self.inner.db.system_read(KEY, sql, params).await?;
        if let Some(row) = rows.first()
            && !caller.sees(&Facts::new(row.get("org_id")?, row.get("tlp")?, row.get("realm")?))
        {
            self.inner.outside.asked(&caller.actor(), caller.realm(), subject);
        }
        Ok(())
    }
}

/// The tables and ids of an address: each id with the word before it.
fn named(owners: Owners, path: &str) -> Vec<(&'static Owner, Uuid)> {
    let words = words(path);
    let pairs = words.windows(2).filter_map(|pair| Some((pair.first()?, Uuid::parse_str(pair.last()?).ok()?)));
    pairs.flat_map(|(word, id)| owned(owners, word).map(move |owner| (owner, id))).collect()
}

/// The parts of an address as the handlers read them: `%30` is `0` (RFC 3986 section 2.1), after the address is cut.
fn words(path: &str) -> Vec<Cow<'_, str>> {
    path.split('/').map(|word| percent_decode_str(word).decode_utf8_lossy()).collect()
}

fn owned<'a>(owners: Owners, word: &'a str) -> impl Iterator<Item = &'static Owner> + 'a {
    owners.iter().flat_map(|room| room.iter()).filter(move |owner| owner.word == word)
}

/// The leaf of the audit tree that an address names.
fn leaf_number(path: &str) -> Option<u64> {
    let words = words(path);
    words
        .windows(2)
        .find(|pair| pair.first().is_some_and(|word| word == "audit"))
        .and_then(|pair| pair.last()?.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_names_its_rows_by_the_word_before_the_id() {
        let id = "0199aaaa-0000-7000-8000-000000000009";
        let names = |path: &str| -> Vec<&str> { named(&[OWNERS], path).iter().map(|(owner, _)| owner.noun).collect() };
        assert_eq!(names(&format!("/people/{id}/disable")), ["person"]);
        assert_eq!(names(&format!("/api/v1/people/{id}/sessions/{id}")), ["person", "login"]);
        assert_eq!(names(&format!("/nothing/{id}")), Vec::<&str>::new());
        assert_eq!(names("/people/x"), Vec::<&str>::new());
        assert_eq!(leaf_number("/api/v1/audit/7/proof"), Some(7));
        assert_eq!(leaf_number("/audit/export"), None);
        // Encoded characters are no hiding place; a slash among them is none between words.
        assert_eq!(names("/people/%30199aaaa-0000-7000-8000-00000000000%39/disable"), ["person"]);
        assert_eq!(names(&format!("/%70eople/{}", id.replace('-', "%2D"))), ["person"]);
        assert_eq!(names(&format!("/people%2F{id}")), Vec::<&str>::new());
        assert_eq!(names("/people/%FF"), Vec::<&str>::new());
        assert_eq!(leaf_number("/api/v1/audit/%37"), Some(7));
    }
}
