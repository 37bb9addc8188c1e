//! Who may see what: a [`Clearance`] decides every read by organisation, marking and realm.

use base::{OrgId, PersonId, Realm, Tlp};
use std::sync::Arc;

/// How far a clearance reaches in the organisation tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// The whole centre.
    All,
    /// Some branches of the tree.
    Areas,
    /// Nothing but what is shared.
    Shared,
}

/// One organisation and everything below it, seen up to a marking.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Area {
    /// The organisation at its top.
    pub top: OrgId,
    /// The strictest marking seen there.
    pub within: Tlp,
}

/// What a person or machine may read. Only the room `access` mints one (checked by `xtask tidy`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clearance {
    reach: Reach,
    areas: Arc<[Area]>,
    shared: Tlp,
    realm: Realm,
    person: Option<PersonId>,
}

impl Clearance {
    /// A clearance: the rows of each area are seen up to its marking, all others up to `shared`.
    #[must_use]
    pub fn mint(
        reach: Reach,
        areas: impl Into<Arc<[Area]>>,
        shared: Tlp,
        realm: Realm,
        person: Option<PersonId>,
    ) -> Self {
        Self { reach, areas: areas.into(), shared, realm, person }
    }

    /// How far it reaches.
    #[must_use]
    pub const fn reach(&self) -> Reach {
        self.reach
    }

    /// The branches that are seen further than the rest.
    #[must_use]
    pub fn areas(&self) -> &[Area] {
        &self.areas
    }

    /// The strictest marking seen anywhere.
    #[must_use]
    pub fn within(&self) -> Tlp {
        self.areas.iter().map(|area| area.within).fold(self.shared, Tlp::max)
    }

    /// The strictest marking seen of rows outside every area.
    #[must_use]
    pub const fn shared(&self) -> Tlp {
        self.shared
    }

    /// How far it sees, for people: `all amber+strict`, `2 areas amber+strict`, `shared green`.
    #[must_use]
    pub fn extent(&self) -> String {
        let within = self.within();
        match (self.reach, self.areas.len()) {
            (Reach::All, _) => format!("all {within}"),
            (Reach::Areas, areas) => format!("{areas} areas {within}"),
            (Reach::Shared, _) => format!("shared {within}"),
        }
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
