//! The door: signing in, the second factor, invitations, one-time links, first run.

use access::Stage;
use access::sign_in::SignedIn;
use axum::response::Response;
use http::header::{HeaderValue, SET_COOKIE};

use crate::view::url::Query;
use crate::view::{Field, Form};
use crate::web::posted::local;
use crate::web::visit::Visit;
use crate::web::{answer, cookie};

pub(crate) mod invite;
pub(crate) mod passkey;
pub(crate) mod second;
pub(crate) mod setup;
pub(crate) mod sign_in;

/// A device that showed a second factor stays known so long: access decides; the cookie itself lives a quarter.
const DEVICE: i64 = 90 * 86_400;

/// After a step of signing in: the cookies of the new session, and the next step.
pub(crate) fn enter(visit: &Visit, signed: &SignedIn, next: &str) -> Response {
    let to = match signed.stage {
        Stage::Full => local(next).unwrap_or("/").to_owned(),
        Stage::SecondFactor => Query::at("/sign-in/code").with("next", next).href(),
        Stage::EnrolSecondFactor => Query::at("/second-factor").with("next", next).href(),
        Stage::ChangePassword => "/new-password".to_owned(),
    };
    let mut response = answer::see(&to, "");
    keep(visit, signed, &mut response);
    response
}

/// Puts a new session's cookies on an answer.
pub(crate) fn keep(visit: &Visit, signed: &SignedIn, response: &mut Response) {
    let seconds = signed.ends_at.since(visit.look.now) / 1_000_000;
    let session = cookie::set(cookie::SESSION, &signed.cookie, Some(seconds));
    let device = signed.device.as_ref().and_then(|device| cookie::set(cookie::DEVICE, device, Some(DEVICE)));
    let heads: Vec<HeaderValue> = session.into_iter().chain(device).collect();
    for value in heads {
        response.headers_mut().append(SET_COOKIE, value);
    }
}

/// A form of the door.
pub(crate) fn form(visit: &Visit, action: &str, submit: &str, fields: Vec<Field>) -> Form {
    Form {
        t: visit.look.t,
        id: "door".into(),
        action: action.to_owned(),
        csrf: visit.token(),
        fields,
        submit: submit.to_owned(),
        style: "primary",
        across: false,
        key: "",
    }
}

/// The two fields of a new password.
pub(crate) fn password_fields(visit: &Visit, wrong: &str) -> Vec<Field> {
    let d = &visit.look.t.door;
    vec![
        Field::typed("password", d.password_new, "password", "new-password").hint(d.password_rule).wrong(wrong),
        Field::typed("again", d.password_again, "password", "new-password"),
    ]
}
