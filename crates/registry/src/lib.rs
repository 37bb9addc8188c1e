//! Organisations and whose address is this: networks, domains, AS numbers, circuits, contacts.
//!
//! One tree of organisations, each with what belongs to it and since when. Everything later asks here whose an
//! address or a domain is ([`Whose`]), and the edge guard asks what must never be blocked ([`Whose::protected`]).
//! This room must not know sensors, indicators or enforcement.
//!
//! **Enters:** commands with a `Caller`, text from doors. **Leaves:** organisations, owners, protected networks.
//!
//! # Invariants
//! - The tree has no cycles; exactly one organisation is this centre's own.
//! - In the global scope an address has one owner at any time, or nested owners where the wider one is an ancestor
//!   or an ISP; the longest prefix answers.
//! - Nobody registers their own networks, domains or standing: the organisation above (or the centre) does.
//! - The index in memory equals the tables: it follows every commit, here or on another node.

pub mod command;
pub mod contacts;
pub mod error;
pub mod ids;
pub mod model;
pub mod names;
pub mod query;
pub mod registry;
pub mod schema;
pub mod whose;

pub use command::{Names, Span};
pub use error::RegistryError;
pub use ids::{AsnId, CircuitId, ContactId, DomainId, NetworkId};
pub use model::{
    Asn, Circuit, Contact, Criticality, Domain, Level, Network, NewCircuit, NewContact, NewOrg, Org, OrgKind, Standing,
};
pub use names::{AsNumber, DomainName, OrgCode};
pub use query::{OrgFilter, OrgPage, TreeNode};
pub use registry::Registry;
pub use schema::MIGRATIONS;
pub use whose::{OrgCard, Owner, Protected, Whose, Why};

/// Whose row an id in an address is.
pub const OWNERS: &[access::Owner] = &[
    access::Owner { word: "orgs", noun: "org", sql: "SELECT org_id, tlp, realm FROM org WHERE id = $1" },
    access::Owner { word: "network", noun: "network", sql: "SELECT org_id, tlp, realm FROM org_network WHERE id = $1" },
    access::Owner { word: "domain", noun: "domain", sql: "SELECT org_id, tlp, realm FROM org_domain WHERE id = $1" },
    access::Owner { word: "asn", noun: "asn", sql: "SELECT org_id, tlp, realm FROM org_asn WHERE id = $1" },
    access::Owner { word: "circuit", noun: "circuit", sql: "SELECT org_id, tlp, realm FROM org_circuit WHERE id = $1" },
    access::Owner { word: "contact", noun: "contact", sql: "SELECT org_id, tlp, realm FROM org_contact WHERE id = $1" },
    access::Owner {
        word: "contacts",
        noun: "contact",
        sql: "SELECT org_id, tlp, realm FROM org_contact WHERE id = $1",
    },
];

/// Every code of this room, for the generated catalogue.
pub static ALL_CODES: &[&[&base::Code]] = &[error::CODES, names::CODES];
