//! A change of the thing in a route's path against the version that was read: who asks, what, and the `If-Match` tag.

use std::collections::HashMap;
use std::str::FromStr;

use access::Caller;
use axum::extract::{FromRequestParts, Path};
use http::request::Parts;

use crate::context::ApiCtx;
use crate::problem::{Answer, NOT_FOUND, UNAUTHENTICATED};
use crate::reply;

/// The version of a row that a change was made against. Rooms count in `u64` or in `i64`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Version(u64);

impl From<Version> for u64 {
    fn from(version: Version) -> Self {
        version.0
    }
}

impl From<Version> for i64 {
    fn from(version: Version) -> Self {
        Self::try_from(version.0).unwrap_or(Self::MAX)
    }
}

/// What a handler needs to change the thing `{id}`.
#[derive(Debug, Clone)]
pub struct Change<I> {
    /// The services.
    pub ctx: ApiCtx,
    /// Who asks.
    pub caller: Caller,
    /// Which thing.
    pub id: I,
    /// The version it was read at.
    pub version: Version,
}

impl<I> FromRequestParts<ApiCtx> for Change<I>
where
    I: FromStr + Send,
    Answer: From<I::Err>,
{
    type Rejection = Answer;

    async fn from_request_parts(parts: &mut Parts, ctx: &ApiCtx) -> Result<Self, Answer> {
        let caller = parts.extensions.get::<Caller>().cloned().ok_or_else(|| Answer::of(&UNAUTHENTICATED, ""))?;
        let absent = || Answer::of(&NOT_FOUND, "");
        let Path(mut names) =
            Path::<HashMap<String, String>>::from_request_parts(parts, ctx).await.map_err(|_| absent())?;
        let id = names.remove("id").ok_or_else(absent)?.parse()?;
        let version = Version(reply::if_match(&parts.headers)?);
        Ok(Self { ctx: ctx.clone(), caller, id, version })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_beyond_what_a_room_counts_is_never_the_present_one() {
        assert_eq!((u64::from(Version(7)), i64::from(Version(7))), (7, 7));
        assert_eq!(i64::from(Version(u64::MAX)), i64::MAX);
    }
}
