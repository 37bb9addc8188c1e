//! Who visits: worked out once per request by [`enter`], handed to handlers as [`Guest`] or [`Signed`].

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use access::{Action, Caller, Owners, Shown, Stage};
use axum::extract::{FromRequestParts, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use base::Problem;
use base::time::Zone;
use hmac::{Hmac, Mac};
use http::header::{ACCEPT_LANGUAGE, HOST, ORIGIN, SET_COOKIE, USER_AGENT};
use http::request::Parts;
use http::{HeaderMap, Method};
use sha2::Sha256;
use text::{Lang, Words};

use crate::ctx::{Client, Ctx};
use crate::error::{Carried, FORM_TOKEN, Fail};
use crate::view::Look;
use crate::view::url::Query;
use crate::web::{answer, cookie};

/// What is known about one request before its handler runs.
#[derive(Debug, Clone)]
pub(crate) struct Visit {
    pub(crate) ctx: Ctx,
    pub(crate) look: Look,
    /// The address with its query.
    pub(crate) here: Query,
    /// Only the main part is wanted.
    pub(crate) fragment: bool,
    pub(crate) caller: Option<Caller>,
    /// What form tokens are bound to: the session, or the visit before it.
    bound: String,
    /// The session cookie as sent.
    pub(crate) cookie: Option<String>,
    /// The host as the browser names it, with its port.
    pub(crate) host: String,
    pub(crate) client: IpAddr,
    pub(crate) agent: String,
    pub(crate) device: Option<String>,
}

impl Visit {
    /// The token that forms of this visitor carry.
    pub(crate) fn token(&self) -> String {
        self.mac().map(|mac| hex::encode(mac.finalize().into_bytes())).unwrap_or_default()
    }

    /// Whether a form's token is this visitor's; compared in constant time.
    pub(crate) fn owns(&self, token: &str) -> bool {
        match (hex::decode(token), self.mac()) {
            (Ok(bytes), Some(mac)) => mac.verify_slice(&bytes).is_ok(),
            _ => false,
        }
    }

    fn mac(&self) -> Option<Hmac<Sha256>> {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.ctx.form_key.as_ref()).ok()?;
        mac.update(b"portal form\0");
        mac.update(self.bound.as_bytes());
        Some(mac)
    }

    /// The visit as the room `access` wants it.
    pub(crate) fn for_access(&self) -> access::sign_in::Visit {
        access::sign_in::Visit { address: self.client, agent: self.agent.clone(), device: self.device.clone() }
    }
}

/// Anybody.
#[derive(Debug, Clone)]
pub(crate) struct Guest(pub(crate) Arc<Visit>);

/// Somebody whose sign-in is complete.
#[derive(Debug, Clone)]
pub(crate) struct Signed {
    pub(crate) visit: Arc<Visit>,
    pub(crate) caller: Caller,
}

impl Signed {
    /// The services.
    pub(crate) fn ctx(&self) -> &Ctx {
        &self.visit.ctx
    }

    /// How this person sees things.
    pub(crate) fn look(&self) -> &Look {
        &self.visit.look
    }

    /// What this person may read.
    pub(crate) fn clearance(&self) -> &store::Clearance {
        self.caller.clearance()
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Guest {
    type Rejection = Fail;
    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Fail> {
        parts.extensions.get::<Arc<Visit>>().cloned().map(Self).ok_or_else(Fail::no_page)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Signed {
    type Rejection = Fail;
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Fail> {
        let Guest(visit) = Guest::from_request_parts(parts, state).await?;
        let back = if parts.method == Method::GET { visit.here.href() } else { String::new() };
        let Some(caller) = visit.caller.clone() else {
            return Err(Fail::Elsewhere(Query::at("/sign-in").with("next", &back).href()));
        };
        match caller.stage() {
            Stage::Full => {
                let caller = admitted(caller, &parts.method, parts.uri.path())?;
                Ok(Self { visit, caller })
            }
            Stage::SecondFactor => Err(Fail::Elsewhere(Query::at("/sign-in/code").with("next", &back).href())),
            Stage::EnrolSecondFactor => Err(Fail::Elsewhere("/second-factor".into())),
            Stage::ChangePassword => Err(Fail::Elsewhere("/new-password".into())),
        }
    }
}

/// What it takes to read in each room of the portal, by the first word of the address. Rooms without a line are
/// everybody's: home, search, one's own profile, help.
const ROOMS: &[(&str, Action)] = &[
    ("attacks", Action::ReadAttacks),
    ("sessions", Action::ReadAttacks),
    ("campaigns", Action::ReadAttacks),
    ("findings", Action::ReadFindings),
    ("indicators", Action::ReadIntel),
    ("review", Action::ReadIntel),
    ("points", Action::ReadEnforcement),
    ("directives", Action::ReadEnforcement),
    ("sensors", Action::ReadSensors),
    ("orgs", Action::ReadOrganisations),
    ("people", Action::ReadPeople),
    ("tokens", Action::ManageTokens),
    ("audit", Action::ReadAudit),
    ("jobs", Action::ReadSensors),
];

/// The caller as this room sees them: whoever may not read there is refused, and what is shown is what those roles show
/// that may read there. Forms are judged by their own permits, with everything the person may see.
fn admitted(caller: Caller, method: &Method, path: &str) -> Result<Caller, Fail> {
    let room = path.trim_start_matches('/').split('/').next().unwrap_or_default();
    let Some((_, action)) = ROOMS.iter().find(|(name, _)| *name == room) else { return Ok(caller) };
    if !matches!(*method, Method::GET | Method::HEAD) {
        return Ok(caller);
    }
    caller.require(*action)?;
    Ok(caller.narrowed(*action))
}

/// The frame of every request: works out who visits, checks where forms come from, draws errors, sets the heads.
pub(crate) async fn enter(State(ctx): State<Ctx>, mut request: Request, next: Next) -> Response {
    let planted = cookie::read(request.headers(), cookie::VISIT);
    let fresh = planted.is_none().then(|| hex::encode(ctx.env.bytes::<16>()));
    let session = cookie::read(request.headers(), cookie::SESSION);
    let caller = match &session {
        Some(cookie) => ctx.access.session_check(cookie).await.ok(),
        None => None,
    };
    let planted = planted.or_else(|| fresh.clone()).unwrap_or_default();
    let visit = Arc::new(visit(ctx, &request, planted, session, caller));
    let (place, path) = (place(&request), request.uri().path().to_owned());
    let foreign = !matches!(*request.method(), Method::GET | Method::HEAD) && !same_origin(request.headers());
    request.extensions_mut().insert(Arc::clone(&visit));
    let response = if foreign {
        axum::response::IntoResponse::into_response(Fail::from(Problem::new(&FORM_TOKEN, "origin")))
    } else {
        next.run(request).await
    };
    let answered = (response.status().is_success(), response.extensions().get::<Carried>().cloned());
    let response = match audited(&visit, &place, &path, answered).await {
        Ok(()) => response,
        Err(error) => axum::response::IntoResponse::into_response(error),
    };
    let mut response = answer::finish(&visit, response);
    if let Some(value) = fresh.and_then(|value| cookie::set(cookie::VISIT, &value, None)) {
        response.headers_mut().append(SET_COOKIE, value);
    }
    response
}

/// Method and path for the audit tree. The paths that carry a secret stand without it.
fn place(request: &Request) -> String {
    let path = request.uri().path();
    let open = ["/invite/", "/link/"].into_iter().find(|start| path.starts_with(start));
    format!("{} {}", request.method(), open.map_or_else(|| path.to_owned(), |start| format!("{start}{{token}}")))
}

/// Whose row an id in an address is, of every room.
const OWNERS: Owners = &[access::OWNERS, registry::OWNERS, sensor::OWNERS, detect::OWNERS, intel::OWNERS, edge::OWNERS];

/// A refusal and the sight of what is restricted leave their leaf in the audit tree; without it nothing else is
/// answered. A question for a row outside the clearance leaves its leaf later.
async fn audited(
    visit: &Visit,
    place: &str,
    path: &str,
    (success, carried): (bool, Option<Carried>),
) -> Result<(), Fail> {
    let Some(caller) = &visit.caller else { return Ok(()) };
    let access = &visit.ctx.access;
    match carried {
        Some(Carried(problem)) if problem.code.http == 403 => {
            let subject = base::code::excerpt(place);
            access.record_refusal(caller, "portal.refused", &subject, &problem).await?;
        }
        Some(Carried(problem)) if problem.code.http == 404 => outside(visit, caller, path).await?,
        Some(_) => {}
        None if success => {
            let (mut rows, nameless) = visit.look.seen.take();
            if nameless {
                let page = access.row_of(OWNERS, path).await?;
                rows.push(page.unwrap_or_else(|| Shown::marked(base::code::excerpt(place), None)));
            }
            access.note_reading(caller, place, rows).await?;
        }
        None => {}
    }
    Ok(())
}

/// Notes the rows of a path that exist outside what the caller sees in that room.
pub(crate) async fn outside(visit: &Visit, caller: &Caller, path: &str) -> Result<(), Fail> {
    let room = path.trim_start_matches('/').split('/').next().unwrap_or_default();
    let action = ROOMS.iter().find(|(name, _)| *name == room).map(|(_, action)| *action);
    let seeing = action.map_or_else(|| caller.clone(), |action| caller.clone().narrowed(action));
    visit.ctx.access.note_outside(&seeing, OWNERS, path).await?;
    Ok(())
}

/// A form may only come from a page of this origin. A missing `Origin` is left to the form's token.
fn same_origin(headers: &HeaderMap) -> bool {
    let Some(origin) = headers.get(ORIGIN) else { return true };
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    origin.to_str().ok().and_then(|origin| origin.split_once("://")).map(|(_, authority)| authority) == host
}

fn visit(ctx: Ctx, request: &Request, planted: String, session: Option<String>, caller: Option<Caller>) -> Visit {
    let headers = request.headers();
    let text = |name| headers.get(name).and_then(|v: &http::HeaderValue| v.to_str().ok()).unwrap_or_default();
    let face = caller.as_ref().and_then(Caller::face);
    let lang = cookie::read(headers, cookie::LANG)
        .or_else(|| face.map(|face| face.language.clone()))
        .and_then(|word| word.parse().ok())
        .unwrap_or_else(|| Lang::accept(text(ACCEPT_LANGUAGE)));
    let zone = face.and_then(|face| Zone::named(&face.zone).ok()).unwrap_or_default();
    let theme = match cookie::read(headers, cookie::THEME).as_deref() {
        Some("light") => "light",
        Some("dark") => "dark",
        _ => "auto",
    };
    let here = here(request);
    // HTTP/2 carries the host in the request target instead of a head.
    let whose = ctx.registry.whose().clone();
    let look = Look::new(Words::of(lang), zone, theme, ctx.env.now(), here.clone())
        .with_orgs(move |org| whose.card(org).map(|card| (card.name_zh, card.name_en)));
    Visit {
        look,
        fragment: headers.contains_key("hx-request") && !headers.contains_key("hx-history-restore-request"),
        here,
        bound: session.clone().filter(|_| caller.is_some()).unwrap_or(planted),
        cookie: session,
        caller,
        host: text(HOST).to_owned(),
        client: request.extensions().get::<Client>().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |client| client.0),
        agent: text(USER_AGENT).chars().take(256).collect(),
        device: cookie::read(headers, cookie::DEVICE),
        ctx,
    }
}

/// The request's address as ordered pairs; what cannot be read is left out.
fn here(request: &Request) -> Query {
    let uri = request.uri();
    let pairs = axum::extract::Query::<Vec<(String, String)>>::try_from_uri(uri).map(|pairs| pairs.0);
    Query { path: uri.path().to_owned(), pairs: pairs.unwrap_or_default() }
}
