//! Signing in: name and password, then the code or a recovery code; signing out.

use access::AccessError;
use http::StatusCode;
use http::header::{RETRY_AFTER, SET_COOKIE};

use crate::door::{enter, form, passkey};
use crate::error::{Answer, Fail};
use access::SecondFactors;

use crate::view::{Body, Cell, Field, Head};
use crate::web::visit::{Guest, Visit};
use crate::web::{Posted, answer, cookie};

/// `GET /sign-in`.
pub(crate) async fn show(Guest(visit): Guest) -> Answer {
    if visit.ctx.access.setup_open().await? {
        return Err(Fail::Elsewhere("/setup".into()));
    }
    draw(&visit, "", "")
}

fn draw(visit: &Visit, login: &str, wrong: &str) -> Answer {
    let d = &visit.look.t.door;
    let fields = vec![
        Field::typed("login", d.login, "text", "username").value(login),
        Field::typed("password", d.password, "password", "current-password").wrong(wrong),
        Field::hidden("next", visit.here.get("next").unwrap_or_default()),
    ];
    let body = vec![Body::Form(form(visit, "/sign-in", d.next, fields)), Body::Text(d.lost.to_owned())];
    answer::door(visit, Head::new(d.sign_in, d.sign_in_lead), None, false, body)
}

/// `POST /sign-in`.
pub(crate) async fn begin(Guest(visit): Guest, posted: Posted) -> Answer {
    let (login, password) = (posted.get("login"), posted.raw("password"));
    match visit.ctx.access.begin_sign_in(login, password, &visit.for_access()).await {
        Ok(signed) => Ok(enter(&visit, &signed, posted.get("next"))),
        Err(error) => refused(&visit, &error, |wrong| draw(&visit, login, wrong)),
    }
}

/// Shows the form again with what is wrong; the status and `Retry-After` tell programs the same.
fn refused(visit: &Visit, error: &AccessError, draw: impl FnOnce(&str) -> Answer) -> Answer {
    let known = matches!(
        error,
        AccessError::BadCredentials | AccessError::Throttled(_) | AccessError::BadCode | AccessError::BadPasskey(_)
    );
    if !known {
        return Err(Fail::from(error.clone()));
    }
    let mut response = draw(&answer::wrong(visit.look.lang(), error).1)?;
    *response.status_mut() =
        if error.retry_after().is_some() { StatusCode::TOO_MANY_REQUESTS } else { StatusCode::UNAUTHORIZED };
    if let Some(seconds) = error.retry_after() {
        response.headers_mut().insert(RETRY_AFTER, seconds.into());
    }
    Ok(response)
}

/// `GET /sign-in/code` and `GET /sign-in/recovery`.
pub(crate) async fn code(Guest(visit): Guest) -> Answer {
    draw_code(&visit, "").await
}

fn is_recovery(visit: &Visit) -> bool {
    visit.here.path.ends_with("/recovery")
}

/// What the session behind the cookie may show; without one the page asks for a code like any other.
async fn factors(visit: &Visit) -> Result<SecondFactors, AccessError> {
    let unknown = SecondFactors { totp: true, ..SecondFactors::default() };
    let Some(session) = &visit.cookie else { return Ok(unknown) };
    match visit.ctx.access.second_factors(session, &visit.host).await {
        Err(AccessError::SignIn) => Ok(unknown),
        found => found,
    }
}

/// A passkey in front of the code, or where the account's passkeys work.
fn passkey_first(visit: &Visit, factors: SecondFactors, next: &str) -> Vec<Body> {
    let t = visit.look.t;
    if factors.passkeys_here > 0 {
        let form = form(visit, "/sign-in/passkey", t.passkey.use_it, vec![Field::hidden("next", next)]);
        let form = crate::view::Form { id: "passkey".into(), ..form };
        vec![Body::Scripted(form), Body::Unscripted(t.passkey.unscripted.to_owned())]
    } else if factors.passkeys_elsewhere > 0 {
        let here = visit.ctx.access.passkey_site(&visit.host).is_some();
        passkey::elsewhere(visit, if here { t.passkey.elsewhere } else { t.passkey.not_here })
    } else {
        Vec::new()
    }
}

async fn draw_code(visit: &Visit, wrong: &str) -> Answer {
    draw_code_for(visit, wrong, visit.here.get("next").unwrap_or_default()).await
}

async fn draw_code_for(visit: &Visit, wrong: &str, next: &str) -> Answer {
    let d = &visit.look.t.door;
    let factors = factors(visit).await?;
    let (head, field, action, other, other_words) = if is_recovery(visit) {
        let field = Field::line("code", d.recovery);
        (Head::new(d.recovery, d.recovery_lead), field, "/sign-in/recovery", "/sign-in/code", d.use_totp)
    } else {
        let label = if factors.passkeys_here > 0 { visit.look.t.passkey.or_code } else { d.code };
        let field = Field::typed("code", label, "text", "one-time-code");
        (Head::new(d.second, d.second_lead), field, "/sign-in/code", "/sign-in/recovery", d.use_recovery)
    };
    let other = crate::view::url::Query::at(other).with("next", next).href();
    let mut body = if is_recovery(visit) { Vec::new() } else { passkey_first(visit, factors, next) };
    // An account without an authenticator has no code to type.
    let (head, typed) = if is_recovery(visit) || factors.totp {
        let lead = !body.is_empty() && factors.passkeys_here > 0;
        (if lead { Head::new(d.second, "") } else { head }, true)
    } else {
        (Head::new(d.second, visit.look.t.passkey.only), false)
    };
    if typed {
        let hint = if factors.passkeys_here > 0 && !is_recovery(visit) { d.second_lead } else { "" };
        let fields = vec![field.hint(hint).wrong(wrong), Field::hidden("next", next)];
        let style = if factors.passkeys_here > 0 && !is_recovery(visit) { "" } else { "primary" };
        let form = crate::view::Form { style, ..form(visit, action, d.sign_in, fields) };
        body.push(Body::Form(form));
    } else if !wrong.is_empty() {
        body.insert(0, Body::Note { tone: "bad", text: wrong.to_owned() });
    }
    body.push(Body::Cells(vec![Cell::link(other, other_words), Cell::link("/sign-in", d.again)]));
    answer::door(visit, head, None, false, body)
}

/// `POST /sign-in/code` and `POST /sign-in/recovery`.
pub(crate) async fn verify(Guest(visit): Guest, posted: Posted) -> Answer {
    let Some(session) = visit.cookie.clone() else { return Err(Fail::Elsewhere("/sign-in".into())) };
    let (access, code, from) = (&visit.ctx.access, posted.get("code"), visit.for_access());
    let shown = if is_recovery(&visit) {
        access.verify_recovery_code(&session, code, &from).await
    } else {
        access.verify_totp(&session, code, &from).await
    };
    match shown {
        Ok(signed) => Ok(enter(&visit, &signed, posted.get("next"))),
        Err(AccessError::SignIn) => Err(Fail::Elsewhere("/sign-in".into())),
        Err(error) => refused_code(&visit, &error, posted.get("next")).await,
    }
}

/// The page of the second factor again, with what is wrong.
pub(crate) async fn refused_code(visit: &Visit, error: &AccessError, next: &str) -> Answer {
    let page = draw_code_for(visit, &answer::wrong(visit.look.lang(), error).1, next).await;
    refused(visit, error, |_| page)
}

/// `POST /sign-out`.
pub(crate) async fn out(Guest(visit): Guest, _form: Posted) -> Answer {
    if let Some(caller) = &visit.caller {
        visit.ctx.access.sign_out(caller).await?;
    }
    let mut response = answer::see("/sign-in", "");
    response.headers_mut().extend(cookie::clear(cookie::SESSION).map(|value| (SET_COOKIE, value)));
    Ok(response)
}
