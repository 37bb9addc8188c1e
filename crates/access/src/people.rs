//! Accounts and their roles.

use base::{OrgId, PersonId, Role, Timestamp};

use crate::access::Access;
use crate::caller::Caller;
use crate::error::AccessError;
use crate::ids::HoldingId;
use crate::links::{LinkCard, SecretLink};
use crate::sign_in::{SignedIn, Visit};

/// Where an account stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PersonState {
    /// Invited; has no password yet.
    Invited,
    /// May sign in.
    Active,
    /// May not.
    Disabled,
}

impl PersonState {
    /// The stable name.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Invited => "invited",
            Self::Active => "active",
            Self::Disabled => "disabled",
        }
    }

    /// The state of a stable name.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Invited, Self::Active, Self::Disabled].into_iter().find(|state| state.word() == word)
    }
}

/// A role to hold in an organisation, for good or for a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewHolding {
    /// The role.
    pub role: Role,
    /// Where.
    pub org: OrgId,
    /// The person it is held for, where it is a deputy's.
    pub deputy_for: Option<PersonId>,
    /// From when.
    pub from: Option<Timestamp>,
    /// Until when.
    pub to: Option<Timestamp>,
}

impl NewHolding {
    /// A role for good.
    #[must_use]
    pub const fn of(role: Role, org: OrgId) -> Self {
        Self { role, org, deputy_for: None, from: None, to: None }
    }
}

/// A role that is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Holding {
    /// Its id.
    pub id: HoldingId,
    /// What is held, where, for whom and when.
    pub what: NewHolding,
}

/// An account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// Its id.
    pub id: PersonId,
    /// The sign-in name.
    pub login: String,
    /// The name to show.
    pub display: String,
    /// Mail address; may be empty.
    pub mail: String,
    /// `zh-TW` or `en`.
    pub language: String,
    /// IANA zone.
    pub zone: String,
    /// Home organisation.
    pub org: OrgId,
    /// Where it stands.
    pub state: PersonState,
    /// When it ends by itself.
    pub expires_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last signed in.
    pub last_sign_in: Option<Timestamp>,
    /// Whether a second factor is set up.
    pub second_factor: bool,
    /// Its roles.
    pub holdings: Vec<Holding>,
    /// For the version check.
    pub version: u64,
}

/// A person to invite.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewPerson {
    /// Sign-in name: lower-case letters, digits, `.`, `_`, `-`, 2 to 64.
    pub login: String,
    /// Name to show.
    pub display: String,
    /// Mail address; may be empty.
    pub mail: String,
    /// `zh-TW` or `en`.
    pub language: String,
    /// IANA zone.
    pub zone: String,
    /// Home organisation.
    pub org: OrgId,
    /// When the account ends by itself.
    pub expires_at: Option<Timestamp>,
    /// Roles.
    pub holdings: Vec<NewHolding>,
}

/// What a person changes about themselves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    /// Name to show.
    pub display: String,
    /// Mail address; may be empty.
    pub mail: String,
    /// `zh-TW` or `en`.
    pub language: String,
    /// IANA zone.
    pub zone: String,
}

/// Which people.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PeopleFilter {
    /// Only of this organisation.
    pub org: Option<OrgId>,
    /// Only in this state.
    pub state: Option<PersonState>,
    /// Only whose sign-in name starts so.
    pub starts: Option<String>,
}

/// One page of people, by sign-in name, and the name after which the next page starts.
pub type PeoplePage = (Vec<Person>, Option<String>);

impl Access {
    /// People the caller may see, by sign-in name, after the given one.
    ///
    /// # Errors
    /// [`crate::Refusal`] without `read_people`; [`AccessError::Store`].
    pub async fn people(
        &self,
        _caller: &Caller,
        _filter: &PeopleFilter,
        _after: Option<&str>,
        _limit: u32,
    ) -> Result<PeoplePage, AccessError> {
        later()
    }

    /// One person.
    ///
    /// # Errors
    /// [`crate::Refusal::NotThere`] outside the clearance; everybody sees themselves.
    pub async fn person(&self, _caller: &Caller, _id: PersonId) -> Result<Person, AccessError> {
        later()
    }

    /// Invites a person: an account without a password, and the link with which they choose one.
    ///
    /// # Errors
    /// [`AccessError::BadField`], [`AccessError::NameTaken`], [`crate::Refusal`].
    pub async fn invite(&self, _caller: &Caller, _person: &NewPerson) -> Result<(PersonId, SecretLink), AccessError> {
        later()
    }

    /// A new link for an invited person; the old one dies.
    ///
    /// # Errors
    /// [`crate::Refusal`]; [`AccessError::BadField`] when the person is past inviting.
    pub async fn invite_again(&self, _caller: &Caller, _id: PersonId) -> Result<SecretLink, AccessError> {
        later()
    }

    /// What the page behind an invitation or recovery link greets with.
    ///
    /// # Errors
    /// [`AccessError::LinkSpent`].
    pub async fn link_card(&self, _token: &str) -> Result<LinkCard, AccessError> {
        later()
    }

    /// Spends an invitation or recovery link: sets the password and signs the person in.
    ///
    /// # Errors
    /// [`AccessError::LinkSpent`], [`AccessError::WeakPassword`].
    pub async fn accept_invitation(
        &self,
        _token: &str,
        _password: &str,
        _visit: &Visit,
    ) -> Result<SignedIn, AccessError> {
        later()
    }

    /// A link with which a person starts over (`lianfang user recover NAME`); its use ends every session and clears
    /// the second factor.
    ///
    /// # Errors
    /// [`crate::Refusal`]; [`crate::Refusal::NotThere`] when nobody has the name.
    pub async fn recover(&self, _caller: &Caller, _login: &str) -> Result<SecretLink, AccessError> {
        later()
    }

    /// Replaces a person's roles.
    ///
    /// # Errors
    /// [`AccessError::OwnRoles`], [`AccessError::LastAdministrator`], [`AccessError::Changed`], [`crate::Refusal`].
    pub async fn set_roles(
        &self,
        _caller: &Caller,
        _id: PersonId,
        _holdings: &[NewHolding],
        _version: u64,
    ) -> Result<(), AccessError> {
        later()
    }

    /// Disables an account and ends all its sessions.
    ///
    /// # Errors
    /// [`AccessError::OwnRoles`], [`AccessError::LastAdministrator`], [`AccessError::Changed`], [`crate::Refusal`].
    pub async fn disable(&self, _caller: &Caller, _id: PersonId, _version: u64) -> Result<(), AccessError> {
        later()
    }

    /// Enables a disabled account; it starts over with the returned link.
    ///
    /// # Errors
    /// [`AccessError::Changed`], [`crate::Refusal`].
    pub async fn enable(&self, _caller: &Caller, _id: PersonId, _version: u64) -> Result<SecretLink, AccessError> {
        later()
    }

    /// Changes one's own profile.
    ///
    /// # Errors
    /// [`AccessError::BadField`], [`AccessError::Changed`], [`AccessError::SignIn`] for a caller that is no person.
    pub async fn set_profile(&self, _caller: &Caller, _profile: &Profile, _version: u64) -> Result<(), AccessError> {
        later()
    }

    /// Changes one's own password; every other session ends.
    ///
    /// # Errors
    /// [`AccessError::BadCredentials`] for the current one, [`AccessError::WeakPassword`], [`AccessError::Throttled`].
    pub async fn change_password(
        &self,
        _caller: &Caller,
        _current: &str,
        _new: &str,
        _visit: &Visit,
    ) -> Result<SignedIn, AccessError> {
        later()
    }
}

pub(crate) fn later<T>() -> Result<T, AccessError> {
    Err(AccessError::SignIn)
}
