//! API tokens: `lft_` and 256 random bits, stored hashed, scoped, bound to an organisation.

use base::{AddrSpec, OrgId, PersonId, Timestamp, Tlp, TokenId};
use std::net::IpAddr;
use zeroize::Zeroizing;

use crate::access::Access;
use crate::action::Action;
use crate::caller::Caller;
use crate::error::AccessError;
use crate::people::later;

/// What every token starts with.
pub const PREFIX: &str = "lft_";

/// A token to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewToken {
    /// Its name, for people.
    pub name: String,
    /// What it may do; never more than its maker.
    pub scopes: Vec<Action>,
    /// Where: this organisation and everything below it (everywhere, when it is the centre's own).
    pub org: OrgId,
    /// The strictest marking it sees; never more than its maker.
    pub ceiling: Tlp,
    /// The only addresses it works from.
    pub bound_to: Option<AddrSpec>,
    /// When it ends.
    pub expires_at: Option<Timestamp>,
}

/// A token, without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// Its id.
    pub id: TokenId,
    /// Its name.
    pub name: String,
    /// What it may do.
    pub scopes: Vec<Action>,
    /// Where.
    pub org: OrgId,
    /// The strictest marking it sees.
    pub ceiling: Tlp,
    /// The only addresses it works from.
    pub bound_to: Option<AddrSpec>,
    /// Who made it; none for the first start.
    pub created_by: Option<PersonId>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends.
    pub expires_at: Option<Timestamp>,
    /// When it was last used, to the minute.
    pub last_used: Option<Timestamp>,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
}

/// A fresh token: the only moment its secret is readable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretToken {
    /// Its id.
    pub id: TokenId,
    /// The bearer secret.
    pub secret: Zeroizing<String>,
}

impl Access {
    /// Makes a token.
    ///
    /// # Errors
    /// [`crate::Refusal`] without `manage_tokens` there, or for a scope the caller does not have itself;
    /// [`AccessError::BadField`].
    pub async fn token_create(&self, _caller: &Caller, _token: &NewToken) -> Result<SecretToken, AccessError> {
        later()
    }

    /// Who the bearer secret belongs to.
    ///
    /// # Errors
    /// [`AccessError::SignIn`] when it is unknown, expired, revoked or used from elsewhere.
    pub async fn token_check(&self, _bearer: &str, _from: IpAddr) -> Result<Caller, AccessError> {
        later()
    }

    /// Tokens the caller may see, oldest first, after the given one.
    ///
    /// # Errors
    /// [`crate::Refusal`] without `manage_tokens`.
    pub async fn tokens(
        &self,
        _caller: &Caller,
        _after: Option<TokenId>,
        _limit: u32,
    ) -> Result<Vec<Token>, AccessError> {
        later()
    }

    /// Revokes a token.
    ///
    /// # Errors
    /// [`crate::Refusal`].
    pub async fn token_revoke(&self, _caller: &Caller, _id: TokenId) -> Result<(), AccessError> {
        later()
    }
}
