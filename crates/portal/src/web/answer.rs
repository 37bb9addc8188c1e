//! Answers: pages in their frame, redirects with their word, errors drawn for people, the heads of every answer.

use access::{Action, Caller};
use askama::Template;
use axum::response::{Html, IntoResponse, Redirect, Response};
use base::{Coded, Problem, Role};
use http::header::{self, HeaderName, HeaderValue};
use text::{Lang, names};

use crate::error::{Answer, BROKEN, Carried, Fail};
use crate::view::frame::{DoorPage, NavItem, Toast};
use crate::view::url::Query;
use crate::view::{Body, Cell, Crumb, Facts, Frame, Head, Page, Panel, Row};
use crate::web::visit::{Signed, Visit};

/// Nothing but this origin, no inline script, no inline style, no frames.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
     form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// Entries of the rail: address, icon, what it takes to see it, a line above.
const RAIL: &[(&str, &str, Option<Action>, bool)] = &[
    ("/", "home", None, false),
    ("/attacks", "attack", Some(Action::ReadAttacks), false),
    ("/findings", "finding", Some(Action::ReadFindings), false),
    ("/indicators", "indicator", Some(Action::ReadIntel), true),
    ("/review", "review", Some(Action::ReviewIntel), false),
    ("/points", "point", Some(Action::ReadEnforcement), false),
    ("/sensors", "sensor", Some(Action::ReadSensors), true),
    ("/orgs", "org", Some(Action::ReadOrganisations), false),
    ("/people", "people", Some(Action::ReadPeople), false),
    ("/audit", "audit", Some(Action::ReadAudit), false),
];

/// The frame of a visit.
pub(crate) fn frame(visit: &Visit, title: &str) -> Frame {
    let t = visit.look.t;
    let done = visit.here.get("done").and_then(|word| done(visit, word));
    Frame {
        t,
        theme: visit.look.theme,
        title: title.to_owned(),
        centre: visit.ctx.identity.name.clone(),
        demo: visit.ctx.identity.demo,
        nav: visit.caller.as_ref().map(|caller| rail(visit, caller)).unwrap_or_default(),
        crumbs: Vec::new(),
        me: visit.caller.as_ref().and_then(|caller| {
            let roles: Vec<_> = caller.roles().into_iter().map(|role| names::role(t.lang, role)).collect();
            caller.face().map(|face| (face.name.clone(), roles.join(t.lang.pick("、", ", "))))
        }),
        wall: visit.caller.as_ref().is_some_and(|caller| caller.can(Action::ReadWall)),
        clock: visit.look.when(visit.look.now),
        zone: visit.look.zone.name().to_owned(),
        csrf: visit.token(),
        q: if visit.here.path == "/search" {
            visit.here.get("q").unwrap_or_default().to_owned()
        } else {
            String::new()
        },
        here: visit.here.with("done", "").with("undo", "").href(),
        toast: done,
        fragment: visit.fragment,
        chart: false,
    }
}

fn rail(visit: &Visit, caller: &Caller) -> Vec<NavItem> {
    let nav = &visit.look.t.nav;
    let label = |href| match href {
        "/" => nav.home,
        "/attacks" => nav.attacks,
        "/findings" => nav.findings,
        "/indicators" => nav.indicators,
        "/review" => nav.review,
        "/points" => nav.points,
        "/sensors" => nav.sensors,
        "/orgs" => nav.orgs,
        "/people" => nav.people,
        _ => nav.audit,
    };
    // A page belongs to the entry whose address begins it; sessions and campaigns are attacks.
    let path = match visit.here.path.as_str() {
        p if p.starts_with("/sessions") || p.starts_with("/campaigns") => "/attacks",
        p if p.starts_with("/silences") => "/findings",
        p if p.starts_with("/automatic") => "/indicators",
        p if p.starts_with("/night") => "/review",
        p if p.starts_with("/directives") => "/points",
        p if p.starts_with("/quarantine") || p.starts_with("/jobs") => "/sensors",
        p if p.starts_with("/whose") => "/orgs",
        p if p.starts_with("/invitations") || p.starts_with("/tokens") => "/people",
        other => other,
    };
    let current = |href: &str| {
        if href == "/" {
            path == "/"
        } else {
            path.strip_prefix(href).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        }
    };
    RAIL.iter()
        .filter(|(_, _, action, _)| action.is_none_or(|action| caller.can(action)))
        .map(|(href, icon, _, gap)| NavItem {
            href,
            icon,
            label: label(href),
            current: current(href),
            count: None,
            gap: *gap,
        })
        .collect()
}

/// What just happened, by the word a redirect carried; unknown words say nothing.
fn done(visit: &Visit, word: &str) -> Option<Toast> {
    let t = visit.look.t;
    let text = match word {
        "taken" => t.work.taken,
        "resolved" => t.work.resolved,
        "silenced" => t.work.silenced,
        "reopened" => t.work.reopened,
        "submitted" => t.intel.done_submit,
        "approved" => t.intel.done_approve,
        "published" => t.intel.done_publish,
        "rejected" => t.intel.done_reject,
        "revoked" => t.intel.done_revoke,
        "drafted" => t.intel.done_new,
        "stopped" => t.edge.kill_done_on,
        "resumed" => t.edge.kill_done_off,
        "kept" => t.saved.done,
        "forgotten" => t.saved.gone,
        "unsilenced" => t.quiet.ended,
        "job-stopped" => t.jobs.stopped,
        "withdrawn" => t.back.done,
        "agreed" => t.night.done_agreed,
        "undone" => t.night.done_undone,
        "saved" => t.me.saved,
        _ => return None,
    };
    // The undo of a finding's step: its id and version.
    let undo = visit.here.get("undo").and_then(|text| text.split_once('.')).and_then(|(id, version)| {
        let id: base::FindingId = id.parse().ok()?;
        let version: i64 = version.parse().ok()?;
        Some(crate::desk::finding::undo_form(&visit.look, &visit.token(), id, version))
    });
    Some(Toast { text: text.to_owned(), undo })
}

/// A page of the desk.
pub(crate) fn page(v: &Signed, head: Head, crumbs: Vec<Crumb>, rows: Vec<Row>) -> Answer {
    framed(&v.visit, head, crumbs, rows, false)
}

/// A page of the desk with the interactive chart.
pub(crate) fn page_with_chart(v: &Signed, head: Head, crumbs: Vec<Crumb>, rows: Vec<Row>) -> Answer {
    framed(&v.visit, head, crumbs, rows, true)
}

fn framed(visit: &Visit, head: Head, crumbs: Vec<Crumb>, rows: Vec<Row>, chart: bool) -> Answer {
    let f = Frame { crumbs, chart, ..frame(visit, &head.title) };
    html(&Page { f, head, rows })
}

/// A page of the door.
pub(crate) fn door(visit: &Visit, head: Head, steps: Option<(usize, usize)>, wide: bool, body: Vec<Body>) -> Answer {
    html(&DoorPage { f: frame(visit, &head.title), head, steps, body, wide })
}

/// Renders a template.
pub(crate) fn html(template: &impl Template) -> Answer {
    match template.render() {
        Ok(text) => Ok(Html(text).into_response()),
        Err(error) => Err(Problem::new(&BROKEN, error.to_string()).into()),
    }
}

/// After a form: see the page, with a word about what happened (303, so that a reload does not send it again).
pub(crate) fn see(to: &str, word: &str) -> Response {
    let (path, query) = to.split_once('?').unwrap_or((to, ""));
    let kept =
        query.split('&').filter(|pair| !pair.is_empty() && !pair.starts_with("done=") && !pair.starts_with("undo="));
    let mut pairs: Vec<String> = kept.map(str::to_owned).collect();
    if !word.is_empty() {
        pairs.push(format!("done={word}"));
    }
    let query = pairs.join("&");
    Redirect::to(&if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") }).into_response()
}

/// Draws a carried problem in the visitor's frame, and sets the heads of every answer.
pub(crate) fn finish(visit: &Visit, mut response: Response) -> Response {
    if let Some(Carried(problem)) = response.extensions_mut().remove::<Carried>() {
        let status = response.status();
        if status.is_server_error() {
            tracing::error!(code = problem.code.id, detail = problem.detail, "a page failed");
        }
        let heads = std::mem::take(response.headers_mut());
        response = problem_page(visit, &problem).unwrap_or_else(|_| status.into_response());
        *response.status_mut() = status;
        response.headers_mut().extend(heads);
    }
    let heads = response.headers_mut();
    let fixed: [(HeaderName, &str); 6] = [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "same-origin"),
        (header::VARY, "HX-Request, Cookie"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("permissions-policy"), "camera=(), geolocation=(), microphone=()"),
    ];
    for (name, value) in fixed {
        heads.insert(name, HeaderValue::from_static(value));
    }
    heads.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("private, no-store"));
    response
}

fn problem_page(visit: &Visit, problem: &Problem) -> Answer {
    let head = Head::new(visit.look.t.frame.error_title, "");
    let body = problem_body(visit, problem);
    if visit.caller.is_some() {
        framed(
            visit,
            head,
            Vec::new(),
            vec![Row::Full(Panel::new("problem", visit.look.t.frame.error_title, body))],
            false,
        )
    } else {
        door(visit, head, None, false, body)
    }
}

/// A problem as people read it: what, what to do, the code, where.
pub(crate) fn problem_body(visit: &Visit, problem: &Problem) -> Vec<Body> {
    let t = visit.look.t;
    let mut facts = vec![
        (t.frame.error_do, Cell::text(advice(t.lang, problem))),
        (t.frame.error_code, Cell::link(format!("/errors#{}", problem.code.id), problem.code.id)),
    ];
    if let Some(place) = &problem.place {
        facts.push((t.frame.error_where, Cell::mono(place.clone())));
    }
    if !problem.detail.is_empty() {
        facts.push((t.frame.error_detail, Cell::mono(problem.detail.clone())));
    }
    vec![Body::Note { tone: "bad", text: said(t.lang, problem).to_owned() }, Body::Facts(Facts::tall(facts))]
}

/// What happened, in the reader's language.
pub(crate) const fn said(lang: Lang, problem: &Problem) -> &'static str {
    match lang {
        Lang::ZhTw => problem.code.zh,
        Lang::En => problem.code.en,
    }
}

/// What to do, in the reader's language.
pub(crate) const fn advice(lang: Lang, problem: &Problem) -> &'static str {
    match lang {
        Lang::ZhTw => problem.code.act_zh,
        Lang::En => problem.code.act_en,
    }
}

/// A room's error beside the field of a form it is about, for forms that are shown again.
pub(crate) fn wrong(lang: Lang, error: &impl Coded) -> (Option<String>, String) {
    let problem = error.problem();
    (problem.place.clone(), format!("{} {}", said(lang, &problem), advice(lang, &problem)))
}

/// The roles a person can be given.
pub(crate) fn human_roles() -> impl Iterator<Item = Role> {
    Role::ALL.iter().copied().filter(|role| role.is_human())
}

/// A page that is not there.
pub(crate) async fn nothing() -> Fail {
    Fail::no_page()
}

/// The address of this list without paging and format, for links that change its state.
pub(crate) fn list_home(here: &Query) -> Query {
    here.with("after", "").with("format", "").with("done", "").with("undo", "")
}
