//! People, roles, clearances, permits, sessions, tokens, second factor.
//!
//! Decides who somebody is ([`Caller`]), what they see ([`Caller::clearance`]) and what they may do
//! ([`Caller::permit`]). This room must not know HTTP, pages or a domain's rows.
//!
//! **Enters:** names, passwords, codes, cookies, bearer secrets. **Leaves:** [`Caller`]s, [`Permit`]s, [`Refusal`]s.
//!
//! # Invariants
//! - A write is allowed only with a [`Permit`], minted from the loaded row: organisation, marking, realm, author.
//! - Outside the clearance is answered exactly like absent; a wrong organisation inside it is refused.
//! - Secrets are stored hashed (tokens, links, codes, cookies), stretched (passwords) or sealed (TOTP).
//! - Nobody can lock somebody else out of a device they already signed in with.
//! - Every role that publishes, blocks or administers does nothing before its second factor.
//! - A person's session is a browser's or a program's; the secret of one is never taken for the other's.
//! - Reading what is restricted leaves a leaf before it is answered; asking for what exists outside the clearance leaves
//!   one soon after, and is answered like asking for nothing.
//! - A passkey counts only with the user verified, at a configured origin, for a challenge of this very session.

pub mod access;
mod account;
pub mod action;
pub mod audit;
pub mod caller;
mod codes;
pub mod enrol;
pub mod error;
pub mod housekeeping;
pub mod ids;
pub mod keys;
pub mod links;
pub mod login;
pub mod night;
pub mod outside;
pub mod passkey;
pub mod password;
pub mod people;
pub mod permit;
pub mod profile;
pub mod reading;
mod saved;
pub mod schema;
pub mod settings;
pub mod setup;
pub mod sign_in;
pub mod staff;
mod strangers;
pub mod throttle;
pub mod tokens;
pub mod totp;

pub use access::Access;
pub use action::{Act, Action, act, actions_of, can, needs_second_factor};
pub use caller::{BOOTSTRAP, Caller, Face, Grant, MachineKind, Stage, Who};
pub use enrol::{EnrolCode, EnrolTicket};
pub use error::AccessError;
pub use ids::{EnrolCodeId, HoldingId, LinkId, LoginId, PasskeyId, RetroId, SearchId};
pub use keys::KeyFile;
pub use links::{LinkCard, Purpose, SecretLink};
pub use login::{Login, LoginKind};
pub use night::{Approval, RetroOutcome, RetroReview};
pub use outside::{OWNERS, Owner, Owners};
pub use passkey::{Passkey, SecondFactors};
pub use password::Weakness;
pub use people::{Holding, NewHolding, NewPerson, PeopleFilter, Person, PersonState, Profile};
pub use permit::{Facts, Permit, Refusal};
pub use reading::{Shown, is_restricted};
pub use saved::{NewSearch, SavedSearch};
pub use schema::MIGRATIONS;
pub use settings::{NightShift, PasswordProfile, Settings};
pub use setup::FirstPerson;
pub use sign_in::{Second, SignedIn, Visit};
pub use tokens::{NewToken, SecretToken, Token};
pub use totp::{TotpEnrolled, TotpEnrolment};

/// Every code of this room, for the generated catalogue.
pub static ALL_CODES: &[&[&base::Code]] = &[error::CODES];
