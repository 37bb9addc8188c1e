//! Identifiers of this room's own rows.

use base::id::Id;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use uuid::Uuid;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident = $word:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl Id for $name { const WORD: &'static str = $word; }
        impl From<Uuid> for $name { fn from(value: Uuid) -> Self { Self(value) } }
        impl From<$name> for Uuid { fn from(value: $name) -> Self { value.0 } }
        impl From<$name> for store::Value { fn from(value: $name) -> Self { Self::Uuid(value.0) } }
        impl store::FromValue for $name {
            fn from_value(value: &store::Value) -> Option<Self> { Uuid::from_value(value).map(Self) }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { self.0.fmt(f) }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { write!(f, concat!($word, ":{}"), self.0) }
        }
        impl FromStr for $name {
            type Err = base::Problem;
            fn from_str(text: &str) -> Result<Self, base::Problem> {
                Uuid::parse_str(text.trim()).map(Self)
                    .map_err(|_| base::Problem::new(&base::id::BAD_ID, base::code::excerpt(text)))
            }
        }
    )*};
}

ids! {
    /// A person's session in a browser (not an attacker's: that is `base::SessionId`).
    LoginId = "login";
    /// A one-time link: setup, invitation, recovery, sign-in.
    LinkId = "link";
    /// A one-time code with which a machine enrols.
    EnrolCodeId = "enrolment code";
    /// The obligation to look at a self-approved decision afterwards.
    RetroId = "retrospective review";
    /// A registered passkey.
    PasskeyId = "passkey";
    /// A saved search.
    SearchId = "saved search";
    /// A role that a person holds in an organisation.
    HoldingId = "holding";
}
