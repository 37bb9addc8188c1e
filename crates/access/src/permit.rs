//! Permits: proof, minted from the loaded row, that this caller may do this action to this row.

use base::{Coded, OrgId, PersonId, Problem, Realm, Tlp};
use std::marker::PhantomData;

use crate::action::{Act, Action};
use crate::error;

/// The facts of a loaded row that decide.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Facts {
    /// Whose row it is.
    pub org: OrgId,
    /// Its marking.
    pub tlp: Tlp,
    /// Its realm.
    pub realm: Realm,
    /// Who wrote it, where that matters (four eyes); none for what the centre itself drafted.
    pub author: Option<PersonId>,
}

impl Facts {
    /// Facts of a row without an author.
    #[must_use]
    pub const fn new(org: OrgId, tlp: Tlp, realm: Realm) -> Self {
        Self { org, tlp, realm, author: None }
    }

    /// The same facts with the author.
    #[must_use]
    pub const fn by(mut self, author: Option<PersonId>) -> Self {
        self.author = author;
        self
    }
}

/// The permission to do `A` to the row `I`. Only [`crate::Caller`] and [`crate::Access`] make one.
///
/// ```compile_fail
/// let forged: access::Permit<access::act::ApproveIntel, u8> = access::Permit::grant(7);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Permit<A, I> {
    id: I,
    action: PhantomData<A>,
}

impl<A: Act, I: Copy> Permit<A, I> {
    pub(crate) const fn grant(id: I) -> Self {
        Self { id, action: PhantomData }
    }

    /// The row it is for.
    #[must_use]
    pub const fn id(self) -> I {
        self.id
    }

    /// The action it is for.
    #[must_use]
    pub const fn action(self) -> Action {
        A::ACTION
    }
}

/// Why a caller may not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The row is outside the clearance: answered exactly as if it were absent.
    #[error("there is no such thing for this caller")]
    NotThere,
    /// No role of the caller may do it, or only in other organisations.
    #[error("{0} is not allowed here")]
    Forbidden(Action),
    /// The token lacks the scope.
    #[error("the token lacks the scope {0}")]
    Scope(Action),
    /// Author and approver are the same person.
    #[error("{0} needs another person than the author")]
    FourEyes(Action),
    /// A person has to do it, not a token or machine.
    #[error("{0} needs a person")]
    NeedsPerson(Action),
    /// The session still lacks its second factor.
    #[error("the second factor is due first")]
    SecondFactorDue,
    /// The password is past its age.
    #[error("a new password is due first")]
    PasswordDue,
}

impl Refusal {
    /// The action that was refused, where it is known.
    #[must_use]
    pub const fn action(self) -> Option<Action> {
        match self {
            Self::Forbidden(a) | Self::Scope(a) | Self::FourEyes(a) | Self::NeedsPerson(a) => Some(a),
            Self::NotThere | Self::SecondFactorDue | Self::PasswordDue => None,
        }
    }
}

impl Coded for Refusal {
    fn problem(&self) -> Problem {
        let code = match self {
            Self::NotThere => &error::NOT_THERE,
            Self::Forbidden(_) => &error::FORBIDDEN,
            Self::Scope(_) => &error::SCOPE,
            Self::FourEyes(_) => &error::FOUR_EYES,
            Self::NeedsPerson(_) => &error::NEEDS_PERSON,
            Self::SecondFactorDue => &error::SECOND_FACTOR_DUE,
            Self::PasswordDue => &error::PASSWORD_DUE,
        };
        Problem::new(code, self.action().map_or_else(String::new, |action| action.word().to_owned()))
    }
}
