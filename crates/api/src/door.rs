//! The door in front of every route: who is it, may they, have they asked this before.

use std::net::{IpAddr, Ipv4Addr};

use access::{Action, Caller, LoginKind, MachineKind, Owners, Who};
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
use crate::shown::Restricted;
use crate::table::Rule;

/// Whose row an id in an address is, of every room.
pub(crate) const OWNERS: Owners =
    &[access::OWNERS, registry::OWNERS, sensor::OWNERS, detect::OWNERS, intel::OWNERS, edge::OWNERS];

/// Enforces a route's rule and puts the [`Caller`] into the request.
pub async fn guard(State((ctx, rule)): State<(ApiCtx, Rule)>, mut request: Request, next: Next) -> Response {
    if rule == Rule::Public {
        return next.run(request).await;
    }
    // What decides is taken out first: a body is not shared across a wait.
    let (peer, shown) = (request.extensions().get::<Peer>().cloned(), Shown::of(request.headers()));
    let path = request.uri().path().to_owned();
    let admitted = match rule {
        Rule::Machine(kind) => machine(&ctx, kind, peer).await.map(|(caller, machine)| {
            request.extensions_mut().insert(machine);
            caller
        }),
        _ => person_or_token(&ctx, rule, peer, shown, &path).await,
    };
    match admitted {
        Ok(caller) => {
            let caller = as_seen(caller, rule, request.method());
            request.extensions_mut().insert(caller.clone());
            let query = request.uri().query().map(str::to_owned);
            let method = request.method().clone();
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
            let restricted = response.extensions_mut().remove::<Restricted>().filter(|_| method == Method::GET);
            match noted(&ctx, &caller, rule, &path, response.status(), restricted).await {
                Ok(()) => response,
                Err(answer) => answer.into_response(),
            }
        }
        Err(answer) => answer.into_response(),
    }
}

/// Leaves what an answer has to leave: that it shows something restricted, before it goes out; that it said "not there"
/// of a row that exists, later, so that its time does not tell. What a command answers is in the command's own leaf.
async fn noted(
    ctx: &ApiCtx,
    caller: &Caller,
    rule: Rule,
    path: &str,
    status: StatusCode,
    restricted: Option<Restricted>,
) -> Result<(), Answer> {
    if status == StatusCode::NOT_FOUND && !matches!(rule, Rule::Public | Rule::Machine(_)) {
        ctx.access.note_outside(caller, OWNERS, path).await?;
    }
    if let Some(restricted) = restricted {
        let place = format!("GET {path}");
        ctx.access.note_reading(caller, &place, restricted.shown(noun(path), &place)).await?;
    }
    Ok(())
}

/// What leaves call the rows of a route: by the last word of the address that a room knows.
fn noun(path: &str) -> &'static str {
    let owner = |word: &str| OWNERS.iter().flat_map(|room| room.iter()).find(|owner| owner.word == word);
    let known = path.split('/').rev().find_map(owner);
    known.map_or(if path.starts_with("/api/v1/audit") { "audit" } else { "row" }, |owner| owner.noun)
}

async fn person_or_token(
    ctx: &ApiCtx,
    rule: Rule,
    peer: Option<Peer>,
    shown: Option<Shown>,
    path: &str,
) -> Result<Caller, Answer> {
    let from = peer.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.address.ip());
    let checked = match shown.ok_or_else(|| Answer::of(&UNAUTHENTICATED, ""))? {
        Shown::Session(secret) => ctx.access.bearer_check(&secret).await,
        Shown::Token(secret) => ctx.access.token_check(&secret, from).await,
    };
    let caller = checked.map_err(|error| {
        // Which of the reasons it was (unknown, expired, revoked) is nobody's business outside.
        if error.problem().code.http >= 500 { Answer::from(error) } else { Answer::of(&UNAUTHENTICATED, "") }
    })?;
    let refused = match rule {
        Rule::May(action) => caller.require(action).err().map(Answer::from),
        Rule::SignedIn => caller.stage().due().err().map(Answer::from),
        Rule::Session if caller.login().is_none() => Some(Answer::of(&FORBIDDEN, "a token is revoked, not signed out")),
        Rule::Session | Rule::Public | Rule::Machine(_) => None,
    };
    match refused {
        None => Ok(caller),
        Some(answer) => {
            ctx.note_refusal(&caller, rule_word(rule), path).await;
            Err(answer)
        }
    }
}

/// Reading shows what those roles show that may read there; a change is judged by its own permit, with everything the
/// caller may see.
fn as_seen(caller: Caller, rule: Rule, method: &Method) -> Caller {
    match rule {
        Rule::May(action) if matches!(*method, Method::GET | Method::HEAD) => caller.narrowed(action),
        _ => caller,
    }
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
        Rule::Session => "session",
        Rule::May(action) => action.word(),
        Rule::Machine(kind) => kind.word(),
    }
}

/// What a request shows in its `Authorization` head; cookies are never read here.
#[derive(Debug, PartialEq, Eq)]
enum Shown {
    /// The secret of a person's session, sent as bearer. Never as the password of basic authentication: browsers repeat
    /// that by themselves, for whatever page asks them to.
    Session(String),
    /// A token: bearer, or the password of basic authentication (the name is free).
    Token(String),
}

impl Shown {
    fn of(headers: &HeaderMap) -> Option<Self> {
        let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
        let (scheme, rest) = value.split_once(' ')?;
        let rest = rest.trim();
        if scheme.eq_ignore_ascii_case("bearer") {
            let session = LoginKind::Program.owns(rest);
            return Some(if session { Self::Session(rest.to_owned()) } else { Self::Token(rest.to_owned()) });
        }
        if scheme.eq_ignore_ascii_case("basic") {
            let plain = String::from_utf8(STANDARD.decode(rest).ok()?).ok()?;
            return plain.split_once(':').map(|(_, password)| Self::Token(password.to_owned()));
        }
        None
    }
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
    fn rows_are_called_as_in_other_leaves() {
        assert_eq!(noun("/api/v1/indicators"), "indicator");
        assert_eq!(noun("/api/v1/indicators/0199aaaa-0000-7000-8000-000000000009/stix"), "indicator");
        assert_eq!(noun("/api/v1/people"), "person");
        assert_eq!(noun("/api/v1/audit"), "audit");
        assert_eq!(noun("/api/v1/observables"), "row");
    }

    #[test]
    fn tokens_come_as_bearer_or_basic_password_and_sessions_as_bearer_only() {
        let with = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::AUTHORIZATION, HeaderValue::from_str(value).unwrap());
            Shown::of(&headers)
        };
        let token = |text: &str| Some(Shown::Token(text.to_owned()));
        assert_eq!(with("Bearer lft_x"), token("lft_x"));
        assert_eq!(with("basic YW55Omx0X3g="), token("lt_x"));
        assert_eq!(with("bearer lfp_x"), Some(Shown::Session("lfp_x".to_owned())));
        // As a token it is none.
        assert_eq!(with(&format!("Basic {}", STANDARD.encode("any:lfp_x"))), token("lfp_x"));
        assert_eq!(with("Bearer lfs_x"), token("lfs_x"), "a cookie's value");
        assert_eq!(with("Basic !!!"), None);
        assert_eq!(with("Digest x"), None);
        assert_eq!(Shown::of(&HeaderMap::new()), None);
    }
}
