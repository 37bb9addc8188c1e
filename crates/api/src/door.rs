//! The door in front of every route: who is it, may they, have they asked this before.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use access::{Action, Caller, MachineKind, Who};
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use base::Coded;
use base::limits;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, Method, StatusCode, header};
use tokio::sync::OwnedSemaphorePermit;

use crate::context::{ApiCtx, Machine};
use crate::listen::Peer;
use crate::problem::{Answer, BUSY, FORBIDDEN, UNAUTHENTICATED};
use crate::reply::{NextCursor, next_link};
use crate::table::Rule;

/// Memory kept for bodies of ingest that are being worked on, all senders together.
pub const ROOM_MEBIBYTES: u32 = 512;
/// How long a sender waits for room before it hears 429.
const PATIENCE: Duration = Duration::from_secs(5);

/// Enforces a route's rule and puts the [`Caller`] into the request.
pub async fn guard(State((ctx, rule)): State<(ApiCtx, Rule)>, mut request: Request, next: Next) -> Response {
    if rule == Rule::Public {
        return next.run(request).await;
    }
    // What decides is taken out first: a body is not shared across a wait.
    let (peer, token) = (request.extensions().get::<Peer>().cloned(), token_of(request.headers()));
    let path = request.uri().path().to_owned();
    let admitted = match rule {
        Rule::Machine(kind) => machine(&ctx, kind, peer).await.map(|(caller, machine)| {
            request.extensions_mut().insert(machine);
            caller
        }),
        _ => person_or_token(&ctx, rule, peer, token, &path).await,
    };
    match admitted {
        Ok(caller) => {
            request.extensions_mut().insert(caller.clone());
            let query = request.uri().query().map(str::to_owned);
            let heavy = weight_of(rule, &request);
            let weight = match weigh(&ctx, heavy).await {
                Ok(weight) => weight,
                Err(answer) => return answer.into_response(),
            };
            let mut response = next.run(request).await;
            drop(weight);
            if let Some(NextCursor(cursor)) = response.extensions_mut().remove::<NextCursor>()
                && let Some(link) = next_link(&path, query.as_deref(), &cursor)
            {
                response.headers_mut().insert(header::LINK, link);
            }
            // A permit that was refused behind the door leaves its trace too.
            if response.status() == StatusCode::FORBIDDEN {
                ctx.note_refusal(&caller, rule_word(rule), &path).await;
            }
            response
        }
        Err(answer) => answer.into_response(),
    }
}

async fn person_or_token(
    ctx: &ApiCtx,
    rule: Rule,
    peer: Option<Peer>,
    token: Option<String>,
    path: &str,
) -> Result<Caller, Answer> {
    let token = token.ok_or_else(|| Answer::of(&UNAUTHENTICATED, ""))?;
    let from = peer.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.address.ip());
    let caller = ctx.access.token_check(&token, from).await.map_err(|error| {
        // Which of the reasons it was (unknown, expired, revoked) is nobody's business outside.
        if error.problem().code.http >= 500 { Answer::from(error) } else { Answer::of(&UNAUTHENTICATED, "") }
    })?;
    if let Rule::May(action) = rule
        && let Err(refusal) = caller.require(action)
    {
        ctx.note_refusal(&caller, action.word(), path).await;
        return Err(refusal.into());
    }
    Ok(caller)
}

async fn machine(ctx: &ApiCtx, kind: MachineKind, peer: Option<Peer>) -> Result<(Caller, Machine), Answer> {
    let (name, serial) = peer
        .and_then(|peer| peer.machine)
        .ok_or_else(|| Answer::of(&UNAUTHENTICATED, "a machine certificate is needed here"))?;
    let (word, id) = name.split_once(':').ok_or_else(|| Answer::of(&UNAUTHENTICATED, ""))?;
    if word != kind.word() {
        return Err(Answer::of(&FORBIDDEN, format!("this door is for {} certificates", kind.word())));
    }
    let id = id.parse().map_err(|_| Answer::of(&UNAUTHENTICATED, ""))?;
    ctx.machine_caller(kind, id, &serial).await
}

/// How many mebibytes a body may become, for the routes that take large ones.
fn weight_of(rule: Rule, request: &Request) -> Option<u32> {
    let heavy = matches!(rule, Rule::May(Action::Ingest) | Rule::Machine(MachineKind::Sensor));
    if !heavy || request.method() != Method::POST {
        return None;
    }
    let headers = request.headers();
    let length = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    let packed = headers.contains_key(header::CONTENT_ENCODING);
    let bytes = if packed { limits::INGEST_PLAIN.most } else { length.unwrap_or(limits::INGEST_BODY.most) };
    Some(u32::try_from(bytes.div_ceil(1 << 20)).unwrap_or(u32::MAX).clamp(1, ROOM_MEBIBYTES))
}

/// Holds room for a body before a byte of it is read: back-pressure comes before memory runs out.
async fn weigh(ctx: &ApiCtx, mebibytes: Option<u32>) -> Result<Option<OwnedSemaphorePermit>, Answer> {
    let Some(mebibytes) = mebibytes else { return Ok(None) };
    match tokio::time::timeout(PATIENCE, ctx.room.clone().acquire_many_owned(mebibytes)).await {
        Ok(Ok(permit)) => Ok(Some(permit)),
        _ => Err(Answer::of(&BUSY, "other senders fill the memory kept for bodies").retry_after(2)),
    }
}

const fn rule_word(rule: Rule) -> &'static str {
    match rule {
        Rule::Public => "public",
        Rule::SignedIn => "signed_in",
        Rule::May(action) => action.word(),
        Rule::Machine(kind) => kind.word(),
    }
}

/// The token of a request: bearer, or the password of basic authentication (the name is free).
#[must_use]
pub fn token_of(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, rest) = value.split_once(' ')?;
    if scheme.eq_ignore_ascii_case("bearer") {
        return Some(rest.trim().to_owned());
    }
    if scheme.eq_ignore_ascii_case("basic") {
        let plain = String::from_utf8(STANDARD.decode(rest.trim()).ok()?).ok()?;
        return plain.split_once(':').map(|(_, password)| password.to_owned());
    }
    None
}

/// The words of a caller for logs: never a secret.
#[must_use]
pub fn caller_word(caller: &Caller) -> String {
    match caller.who() {
        Who::Person { id, .. } => format!("person:{id}"),
        Who::Token { id } => format!("token:{id}"),
        Who::Machine { kind, id } => format!("{}:{id}", kind.word()),
        Who::System(room) => (*room).to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    #[test]
    fn tokens_come_as_bearer_or_basic_password() {
        let with = |value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::AUTHORIZATION, HeaderValue::from_static(value));
            token_of(&headers)
        };
        assert_eq!(with("Bearer lft_x").as_deref(), Some("lft_x"));
        assert_eq!(with("basic YW55Omx0X3g=").as_deref(), Some("lt_x"));
        assert_eq!(with("Basic !!!"), None);
        assert_eq!(with("Digest x"), None);
        assert_eq!(token_of(&HeaderMap::new()), None);
    }
}
