//! Identifiers: one newtype per thing, each a UUIDv7 (RFC 9562) so that keys sort by time of creation.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use uuid::Uuid;

use crate::code::Problem;

crate::codes! {
    /// An identifier is not a UUID.
    pub BAD_ID = "LF-BAS-0001", 400,
        en "The identifier is not a UUID.", zh "識別碼不是 UUID 格式。",
        act_en "Copy the identifier again from the list or the page address.", act_zh "請從清單或網址重新複製識別碼。";
}

/// What every identifier newtype can do; lets [`crate::Env::id`] make any of them.
pub trait Id: Copy + From<Uuid> + Into<Uuid> {
    /// The word used in messages, for example `organisation`.
    const WORD: &'static str;
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident = $word:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl Id for $name { const WORD: &'static str = $word; }
        impl From<Uuid> for $name { fn from(value: Uuid) -> Self { Self(value) } }
        impl From<$name> for Uuid { fn from(value: $name) -> Self { value.0 } }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { self.0.fmt(f) }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { write!(f, concat!($word, ":{}"), self.0) }
        }
        impl FromStr for $name {
            type Err = Problem;
            fn from_str(text: &str) -> Result<Self, Problem> {
                Uuid::parse_str(text.trim()).map(Self)
                    .map_err(|_| Problem::new(&BAD_ID, format!("{} is not the id of a {}", crate::code::excerpt(text), $word)))
            }
        }
    )*};
}

ids! {
    /// An organisation of the tree (nation, sector, operator, ISP, public).
    OrgId = "organisation";
    /// A person with an account.
    PersonId = "person";
    /// A honeypot or importer that reports.
    SensorId = "sensor";
    /// An attacker's session on a sensor.
    SessionId = "session";
    /// A group of sessions that belong together.
    CampaignId = "campaign";
    /// A finding: something a rule or a classifier raised.
    FindingId = "finding";
    /// An indicator of compromise.
    IndicatorId = "indicator";
    /// A directive: the decision to block or allow, with audience and expiry.
    DirectiveId = "directive";
    /// An enforcement point.
    PointId = "point";
    /// An event of the outbox.
    EventId = "event";
    /// A background job.
    JobId = "job";
    /// An API token.
    TokenId = "token";
}
