//! Saved searches: a query of a list with a name, one's own or shared with the own organisation.

use base::{OrgId, PersonId, Timestamp, Tlp};
use serde::Serialize;
use store::{Row, ScopedSql, StoreError, Unit, params};

use crate::access::{Access, KEY};
use crate::action::Action;
use crate::audit;
use crate::caller::Caller;
use crate::error::AccessError;
use crate::ids::SearchId;
use crate::permit::Refusal;

/// Saved searches of one person, at most.
const MOST: u64 = 200;

/// A search to save.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewSearch {
    /// The list's address: `/findings`.
    pub list: String,
    /// Its name.
    pub name: String,
    /// The query as it was typed.
    pub query: String,
    /// Whether everybody of the own organisation finds it.
    pub shared: bool,
}

/// A saved search.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SavedSearch {
    /// Its id.
    pub id: SearchId,
    /// The organisation it is shared with, where it is.
    pub org: OrgId,
    /// Who saved it.
    pub owner: PersonId,
    /// The list's address.
    pub list: String,
    /// Its name.
    pub name: String,
    /// The query.
    pub query: String,
    /// Whether the organisation finds it.
    pub shared: bool,
    /// When it was saved.
    pub saved_at: Timestamp,
}

const MINE: &str = "SELECT s.id, s.org_id, s.owner, s.list, s.name, s.query, s.shared, s.saved_at \
     FROM saved_search s WHERE s.owner = $1 AND s.realm = $2 ORDER BY s.name_key, s.id";
const SHARED: ScopedSql = ScopedSql::new(
    "SELECT s.id, s.org_id, s.owner, s.list, s.name, s.query, s.shared, s.saved_at FROM saved_search s \
     WHERE {visible:s} AND s.shared = 1 AND s.org_id = $1 AND s.owner <> $2 ORDER BY s.name_key, s.id LIMIT 500",
);

impl Access {
    /// One's own searches, then those that others of the own organisation share.
    ///
    /// # Errors
    /// [`Refusal::NeedsPerson`] for a token, [`AccessError::Store`].
    pub async fn searches(&self, caller: &Caller) -> Result<Vec<SavedSearch>, AccessError> {
        let me = person(caller)?;
        let db = &self.inner.db;
        let mut found = db.system_read(KEY, MINE, params![me, caller.realm()]).await?;
        found.extend(db.read(SHARED, caller.clearance(), params![caller.org(), me]).await?);
        Ok(found.iter().map(search).collect::<Result<_, _>>()?)
    }

    /// Saves a search. What it holds is marked as its owner's own notes are: at most AMBER.
    ///
    /// # Errors
    /// [`Refusal::NeedsPerson`] for a token, [`AccessError::BadField`].
    pub async fn save_search(&self, caller: &Caller, new: &NewSearch) -> Result<SearchId, AccessError> {
        let me = person(caller)?;
        let fits =
            |text: &str, most: usize| !text.trim().is_empty() && text.chars().count() <= most && !text.contains('\0');
        if !fits(&new.name, 100) {
            return Err(AccessError::BadField("name", "1 to 100 characters"));
        }
        if !fits(&new.query, 2_000) {
            return Err(AccessError::BadField("query", "1 to 2000 characters"));
        }
        if !fits(&new.list, 100) || !new.list.starts_with('/') {
            return Err(AccessError::BadField("list", "the address of a list"));
        }
        let count = "SELECT COUNT(*) AS n FROM saved_search WHERE owner = $1";
        let rows = self.inner.db.system_read(KEY, count, params![me]).await?;
        if rows.first().map(|row| row.get::<u64>("n")).transpose()?.unwrap_or(0) >= MOST {
            return Err(AccessError::BadField("name", "200 searches are saved already: delete one first"));
        }
        let (id, now): (SearchId, _) = (self.inner.env.id(), self.inner.env.now());
        let tlp = caller.clearance().within().min(Tlp::Amber);
        let name = new.name.trim();
        let leaf = audit::done(
            "access.search_saved",
            format!("saved_search:{id}"),
            caller.org(),
            caller.realm(),
            serde_json::json!({"list": new.list, "shared": new.shared}),
        );
        let unit = Unit::new(caller.actor(), now)
            .exec_one(
                "INSERT INTO saved_search (id, org_id, tlp, realm, owner, list, name, name_key, query, shared, \
                 saved_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
                params![
                    id,
                    caller.org(),
                    tlp,
                    caller.realm(),
                    me,
                    &new.list,
                    name,
                    name.to_lowercase(),
                    new.query.trim(),
                    new.shared,
                    now,
                ],
            )
            .audit(leaf);
        self.commit(unit).await?;
        Ok(id)
    }

    /// Deletes one's own search.
    ///
    /// # Errors
    /// [`Refusal::NotThere`] for another's.
    pub async fn forget_search(&self, caller: &Caller, id: SearchId) -> Result<(), AccessError> {
        let me = person(caller)?;
        let sql = "SELECT id FROM saved_search WHERE id = $1 AND owner = $2";
        if self.inner.db.system_read(KEY, sql, params![id, me]).await?.is_empty() {
            return Err(Refusal::NotThere.into());
        }
        let leaf = audit::done(
            "access.search_deleted",
            format!("saved_search:{id}"),
            caller.org(),
            caller.realm(),
            serde_json::json!({}),
        );
        let unit = Unit::new(caller.actor(), self.inner.env.now())
            .exec_one("DELETE FROM saved_search WHERE id = $1 AND owner = $2", params![id, me])
            .audit(leaf);
        self.commit(unit).await?;
        Ok(())
    }
}

fn person(caller: &Caller) -> Result<PersonId, Refusal> {
    caller.person().ok_or(Refusal::NeedsPerson(Action::ReadFindings))
}

fn search(row: &Row) -> Result<SavedSearch, StoreError> {
    Ok(SavedSearch {
        id: row.get("id")?,
        org: row.get("org_id")?,
        owner: row.get("owner")?,
        list: row.get("list")?,
        name: row.get("name")?,
        query: row.get("query")?,
        shared: row.get("shared")?,
        saved_at: row.get("saved_at")?,
    })
}
