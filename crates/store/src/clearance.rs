//! Who may see what: a [`Clearance`] decides every read by organisation, marking and realm.

use base::{OrgId, PersonId, Realm, Tlp};

/// How far a clearance reaches in the organisation tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// The whole centre.
    All,
    /// One organisation and everything below it.
    Subtree(OrgId),
    /// Nothing but what is shared.
    Shared,
}

/// What a person or machine may read. Only the room `access` mints one (checked by `xtask tidy`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clearance {
    reach: Reach,
    within: Tlp,
    shared: Tlp,
    realm: Realm,
    person: Option<PersonId>,
}

impl Clearance {
    /// A clearance: rows of `reach` are seen up to marking `within`, all others up to `shared`.
    #[must_use]
    pub const fn mint(reach: Reach, within: Tlp, shared: Tlp, realm: Realm, person: Option<PersonId>) -> Self {
        Self { reach, within, shared, realm, person }
    }

    /// How far it reaches.
    #[must_use]
    pub const fn reach(&self) -> Reach {
        self.reach
    }

    /// The strictest marking seen within reach.
    #[must_use]
    pub const fn within(&self) -> Tlp {
        self.within
    }

    /// The strictest marking seen of rows out of reach.
    #[must_use]
    pub const fn shared(&self) -> Tlp {
        self.shared
    }

    /// The realm it belongs to.
    #[must_use]
    pub const fn realm(&self) -> Realm {
        self.realm
    }

    /// The person, where it is one.
    #[must_use]
    pub const fn person(&self) -> Option<PersonId> {
        self.person
    }
}

/// The key of machinery that works across organisations (outbox reactions, list compilation, sign-in itself).
///
/// It opens reads that no person's clearance could; `xtask tidy` lists every place that makes one.
#[derive(Debug, Clone, Copy)]
pub struct SystemKey {
    room: &'static str,
}

impl SystemKey {
    /// The key of a room's machinery; the name appears in traces.
    #[must_use]
    pub const fn of(room: &'static str) -> Self {
        Self { room }
    }

    /// The room's name.
    #[must_use]
    pub const fn room(self) -> &'static str {
        self.room
    }
}
