//! The door in front of every route: who is it, may they, have they asked this before.

use std::net::{IpAddr, Ipv4Addr};

use access::{Action, Caller, MachineKind, Who};
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use base::Coded;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, Method, StatusCode, header};

use crate::context::{ApiCtx, Machine};
use crate::listen::Peer;
use crate::problem::{Answer, FORBIDDEN, UNAUTHENTICATED};
use crate::reply::{NextCursor, next_link};
use crate::table::Rule;

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
            let (request, held) = if is_heavy(rule, &request) {
                match ctx.room.take(caller_word(&caller), request).await {
                    Ok((request, held)) => (request, Some(held)),
                    Err(answer) => return answer.into_response(),
                }
            } else {
                (request, None)
            };
            let mut response = next.run(request).await;
            drop(held);
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

/// Whether a body may be large.
fn is_heavy(rule: Rule, request: &Request) -> bool {
    let heavy = matches!(rule, Rule::May(Action::Ingest) | Rule::Machine(MachineKind::Sensor));
    heavy && request.method() == Method::POST
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
