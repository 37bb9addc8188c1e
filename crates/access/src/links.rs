//! One-time links: setup, invitation, recovery, sign-in. Stored hashed, spent by use.

use base::{PersonId, Timestamp};
use zeroize::Zeroizing;

use crate::ids::LinkId;

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
