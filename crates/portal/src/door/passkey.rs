//! Passkeys at the door: registering one (from the profile, or as the first second factor) and showing one.
//!
//! Each ceremony is a page of its own that holds the challenge; the script asks the authenticator and sends the answer
//! as a form. Without script, and at addresses without a name, the pages say so and point to the authenticator.

use access::AccessError;
use access::passkey::wire::{Assertion, Attestation};
use axum::response::Response;
use http::StatusCode;

use crate::door::second::{codes_page, may_enrol};
use crate::door::{enter, form, keep, sign_in};
use crate::error::{Answer, Fail};
use crate::view::passkey::Passkey;
use crate::view::url::Query;
use crate::view::{Body, Cell, Field, Head};
use crate::web::posted::local;
use crate::web::visit::{Guest, Visit};
use crate::web::{Posted, answer};

/// `GET /passkeys/new`: what it is called, and the password where the second factor was shown long ago.
pub(crate) async fn ask_name(Guest(visit): Guest) -> Answer {
    let next = visit.here.get("next").unwrap_or_default().to_owned();
    draw_name(&visit, "", &next, &Wrong::default()).await
}

/// What was wrong with the form, and beside which field.
#[derive(Debug, Default)]
struct Wrong {
    name: String,
    password: String,
}

async fn draw_name(visit: &Visit, name: &str, next: &str, wrong: &Wrong) -> Answer {
    let caller = may_enrol(visit)?;
    let (t, access) = (visit.look.t, &visit.ctx.access);
    let back = if next.is_empty() { "/me" } else { "/second-factor" };
    let back = Cell::link(Query::at(back).with("next", next).href(), t.frame.back);
    let head = Head::new(t.passkey.add, t.passkey.lead);
    if access.passkey_site(&visit.host).is_none() {
        let mut body = elsewhere(visit, t.passkey.not_here);
        body.push(Body::Cells(vec![back]));
        return answer::door(visit, head, None, false, body);
    }
    let mut fields = vec![Field::line("name", t.passkey.name).value(name).hint(t.passkey.add_lead).wrong(&wrong.name)];
    if access.passkey_proof_due(caller).await? {
        let proof = Field::typed("password", t.passkey.proof, "password", "current-password");
        fields.push(proof.hint(t.passkey.proof_why).wrong(&wrong.password));
    }
    fields.push(Field::hidden("next", next));
    let body = vec![
        Body::Unscripted(t.passkey.unscripted.to_owned()),
        Body::Form(form(visit, "/passkeys/new", t.door.next, fields)),
        Body::Cells(vec![back]),
    ];
    answer::door(visit, head, None, false, body)
}

/// A note with the addresses at which passkeys are offered.
pub(crate) fn elsewhere(visit: &Visit, note: &'static str) -> Vec<Body> {
    let links = visit.ctx.access.passkey_origins().iter().map(|origin| Cell::link(origin.clone(), origin.clone()));
    vec![Body::Note { tone: "warn", text: note.to_owned() }, Body::Cells(vec![Cell::Below(links.collect())])]
}

/// `POST /passkeys/new`: the page that asks the authenticator to make one.
pub(crate) async fn begin(Guest(visit): Guest, posted: Posted) -> Answer {
    let (t, caller, next) = (visit.look.t, may_enrol(&visit)?, posted.get("next"));
    let (name, password) = (posted.get("name"), posted.raw("password"));
    let begun = visit.ctx.access.add_passkey_begin(caller, &visit.host, name, password, &visit.for_access()).await;
    let ask = match begun {
        Ok(ask) => ask,
        Err(AccessError::NoPasskeysHere) => return draw_name(&visit, name, next, &Wrong::default()).await,
        Err(error) => {
            let text = answer::wrong(visit.look.lang(), &error).1;
            let wrong = match &error {
                AccessError::BadField(..) => Wrong { name: text, ..Wrong::default() },
                AccessError::ProofDue | AccessError::BadCredentials | AccessError::Throttled(_) => {
                    Wrong { password: text, ..Wrong::default() }
                }
                _ => return Err(error.into()),
            };
            let mut response = draw_name(&visit, name, next, &wrong).await?;
            mark(&mut response, &error);
            return Ok(response);
        }
    };
    let ceremony = Passkey::create(t, "/passkeys/confirm", visit.token(), next, ask);
    let back = Query::at("/passkeys/new").with("next", next).href();
    let body = vec![Body::Passkey(Box::new(ceremony)), Body::Cells(vec![Cell::link(back, t.frame.back)])];
    answer::door(&visit, Head::new(t.passkey.confirm, t.passkey.confirm_add), None, false, body)
}

/// `POST /passkeys/confirm`: recovery codes where it is the first factor, else back to the profile.
pub(crate) async fn confirm(Guest(visit): Guest, posted: Posted) -> Answer {
    let caller = may_enrol(&visit)?;
    let made = Attestation { client_data: posted.get("client_data"), object: posted.get("object") };
    let added = visit.ctx.access.add_passkey_finish(caller, &visit.host, made, &visit.for_access()).await;
    let added = match added {
        Ok(added) => added,
        Err(error @ AccessError::BadPasskey(_)) => {
            let wrong = Wrong { name: answer::wrong(visit.look.lang(), &error).1, ..Wrong::default() };
            let mut response = draw_name(&visit, "", posted.get("next"), &wrong).await?;
            mark(&mut response, &error);
            return Ok(response);
        }
        Err(error) => return Err(error.into()),
    };
    let next = local(posted.get("next")).unwrap_or("/me");
    let mut response = if added.recovery_codes.is_empty() {
        answer::see(next, "saved")
    } else {
        codes_page(&visit, &added.recovery_codes, next)?
    };
    if let Some(signed) = &added.signed_in {
        keep(&visit, signed, &mut response);
    }
    Ok(response)
}

/// The status tells programs what the page tells people.
fn mark(response: &mut Response, error: &AccessError) {
    let status = base::Coded::problem(error).code.http;
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::UNPROCESSABLE_ENTITY);
}

/// `POST /sign-in/passkey`: the page that asks for a passkey.
pub(crate) async fn show_begin(Guest(visit): Guest, posted: Posted) -> Answer {
    let Some(session) = visit.cookie.clone() else { return Err(Fail::Elsewhere("/sign-in".into())) };
    let (t, next) = (visit.look.t, posted.get("next"));
    let other = Query::at("/sign-in/code").with("next", next).href();
    let ask = match visit.ctx.access.show_passkey_begin(&session, &visit.host).await {
        Ok(ask) => ask,
        Err(AccessError::SignIn) => return Err(Fail::Elsewhere("/sign-in".into())),
        Err(AccessError::NoPasskeysHere) => return Err(Fail::Elsewhere(other)),
        Err(error) => return Err(error.into()),
    };
    let ceremony = Passkey::get(t, "/sign-in/passkey/confirm", visit.token(), next, ask);
    let ways = vec![Cell::link(other, t.door.other_way), Cell::link("/sign-in", t.door.again)];
    let body = vec![Body::Passkey(Box::new(ceremony)), Body::Cells(ways)];
    answer::door(&visit, Head::new(t.passkey.confirm, t.passkey.confirm_show), None, false, body)
}

/// `POST /sign-in/passkey/confirm`.
pub(crate) async fn show_finish(Guest(visit): Guest, posted: Posted) -> Answer {
    let Some(session) = visit.cookie.clone() else { return Err(Fail::Elsewhere("/sign-in".into())) };
    let shown = Assertion {
        credential: posted.get("credential"),
        client_data: posted.get("client_data"),
        authenticator_data: posted.get("authenticator_data"),
        signature: posted.get("signature"),
        user: posted.get("user"),
    };
    match visit.ctx.access.show_passkey_finish(&session, &visit.host, shown, &visit.for_access()).await {
        Ok(signed) => Ok(enter(&visit, &signed, posted.get("next"))),
        Err(AccessError::SignIn) => Err(Fail::Elsewhere("/sign-in".into())),
        Err(error) => sign_in::refused_code(&visit, &error, posted.get("next")).await,
    }
}
