//! One-time links: setup, invitation, recovery, sign-in. Stored hashed, spent by use.

use base::{PersonId, Timestamp};
use store::{Unit, params};
use zeroize::Zeroizing;

use crate::access::{Access, KEY};
use crate::error::AccessError;
use crate::ids::LinkId;
use crate::keys::{fresh_secret, hash_secret};

/// What a link is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// Makes the first person.
    Setup,
    /// Lets an invited person choose a password.
    Invite,
    /// Lets a person start over: new password, new second factor.
    Recover,
    /// Signs a person in without a password (the demo only).
    SignIn,
}

impl Purpose {
    /// The stable name.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Setup => "setup",
            Self::Invite => "invite",
            Self::Recover => "recover",
            Self::SignIn => "sign_in",
        }
    }

    /// The purpose of a stable name.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Setup, Self::Invite, Self::Recover, Self::SignIn].into_iter().find(|purpose| purpose.word() == word)
    }
}

/// A fresh link: the only moment its secret is readable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretLink {
    /// Its id, for the audit tree.
    pub id: LinkId,
    /// The secret that goes into the address.
    pub token: Zeroizing<String>,
    /// When it dies.
    pub ends_at: Timestamp,
}

/// What the page behind a link greets with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkCard {
    /// What it is for.
    pub purpose: Purpose,
    /// Whose it is.
    pub person: PersonId,
    /// Their sign-in name.
    pub login: String,
    /// Their name.
    pub display: String,
    /// Their language.
    pub language: String,
    /// When it dies.
    pub ends_at: Timestamp,
}

/// A link that is still good.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Link {
    pub(crate) id: LinkId,
    pub(crate) purpose: Purpose,
    pub(crate) person: Option<PersonId>,
    pub(crate) ends_at: Timestamp,
}

impl Link {
    /// Spends it: undoes the unit when somebody was faster.
    pub(crate) fn spend(self, unit: Unit) -> Unit {
        let at = unit.at;
        unit.exec_one(
            "UPDATE access_link SET used_at = $2 WHERE id = $1 AND used_at IS NULL AND ends_at > $2",
            params![self.id, at],
        )
    }
}

impl Access {
    /// A fresh link and the statements that make it the only one of its purpose for its person.
    pub(crate) fn link(
        &self,
        unit: Unit,
        purpose: Purpose,
        person: Option<PersonId>,
        seconds: i64,
    ) -> (SecretLink, Unit) {
        let env = &self.inner.env;
        let token = fresh_secret(env, "");
        let link = SecretLink { id: env.id(), ends_at: unit.at.plus_secs(seconds), token };
        let at = unit.at;
        let unit = match person {
            Some(person) => unit.exec(
                "UPDATE access_link SET ends_at = $3 WHERE purpose = $1 AND person_id = $2 AND used_at IS NULL AND \
                 ends_at > $3",
                params![purpose.word(), person, at],
            ),
            None => unit.exec(
                "UPDATE access_link SET ends_at = $2 WHERE purpose = $1 AND used_at IS NULL AND ends_at > $2",
                params![purpose.word(), at],
            ),
        };
        let unit = unit.exec_one(
            "INSERT INTO access_link (id, purpose, hash, person_id, created_at, ends_at) VALUES ($1, $2, $3, $4, $5, $6)",
            params![link.id, purpose.word(), hash_secret(&link.token), person, at, link.ends_at],
        );
        (link, unit)
    }

    /// The link behind a secret, if it is still good for one of the purposes.
    pub(crate) async fn open_link(&self, token: &str, purposes: &[Purpose]) -> Result<Link, AccessError> {
        let sql = "SELECT id, purpose, person_id, ends_at FROM access_link \
                   WHERE hash = $1 AND used_at IS NULL AND ends_at > $2";
        let rows = self.inner.db.system_read(KEY, sql, params![hash_secret(token), self.inner.env.now()]).await?;
        let spent = || {
            self.inner.strangers.refused("access.link");
            AccessError::LinkSpent
        };
        let row = rows.first().ok_or_else(spent)?;
        let purpose = Purpose::from_word(&row.get::<String>("purpose")?).filter(|purpose| purposes.contains(purpose));
        let purpose = purpose.ok_or_else(spent)?;
        Ok(Link { id: row.get("id")?, purpose, person: row.get("person_id")?, ends_at: row.get("ends_at")? })
    }
}
