//! Setting up the second factor, and changing a password that is too old.

use access::{AccessError, Stage};
use qrcode::{Color, EcLevel, QrCode};

use crate::desk::me::password_form;
use crate::door::{form, keep, setup};
use crate::error::{Answer, BROKEN, Fail};
use crate::view::{Body, Cell, Field, Head};
use crate::web::visit::{Guest, Signed, Visit};
use crate::web::{Posted, answer};

use base::Problem;
use zeroize::Zeroizing;

/// `POST /second-factor`: somebody who is signed in starts over.
pub(crate) async fn again(_v: Signed, _form: Posted) -> Answer {
    Ok(answer::see("/second-factor", ""))
}

/// `GET /second-factor`: a new secret as picture and text, waiting for its first code.
pub(crate) async fn show(Guest(visit): Guest) -> Answer {
    draw(&visit, "").await
}

async fn draw(visit: &Visit, wrong: &str) -> Answer {
    let caller = may_enrol(visit)?;
    let enrolment = visit.ctx.access.enrol_totp_begin(caller).await?;
    let d = &visit.look.t.door;
    let fields = vec![
        Field::typed("code", d.code, "text", "one-time-code").hint(d.second_lead).wrong(wrong),
        Field::hidden("next", visit.here.get("next").unwrap_or_default()),
    ];
    let mut body = vec![
        Body::Text(d.totp_scan.to_owned()),
        qr(&enrolment.uri, d.totp_qr)?,
        Body::Text(d.totp_type.to_owned()),
        Body::Cells(vec![Cell::mono(grouped(&enrolment.secret))]),
        Body::Form(form(visit, "/second-factor/confirm", d.next, fields)),
    ];
    if visit.ctx.access.passkey_site(&visit.host).is_some() {
        // A profile is where it leads back to, unless a sign-in waits for its next page.
        let next = visit.here.get("next").unwrap_or_default();
        let passkey = crate::view::url::Query::at("/passkeys/new").with("next", next).href();
        body.push(Body::Cells(vec![Cell::link(passkey, visit.look.t.passkey.instead)]));
    }
    // During the first run this is the wizard's second step.
    let steps = visit.here.get("next").filter(|next| next.starts_with("/setup/")).map(|_| (setup::STEPS, 2));
    answer::door(visit, Head::new(d.second, ""), steps, false, body)
}

/// Somebody whose sign-in waits for exactly this, or who is signed in.
pub(crate) fn may_enrol(visit: &Visit) -> Result<&access::Caller, Fail> {
    let caller = visit.caller.as_ref().ok_or_else(|| Fail::Elsewhere("/sign-in".into()))?;
    match caller.stage() {
        Stage::Full | Stage::EnrolSecondFactor => Ok(caller),
        Stage::SecondFactor => Err(Fail::Elsewhere("/sign-in/code".into())),
        Stage::ChangePassword => Err(Fail::Elsewhere("/new-password".into())),
    }
}

/// `POST /second-factor/confirm`: the recovery codes stand on this answer only.
pub(crate) async fn confirm(Guest(visit): Guest, posted: Posted) -> Answer {
    let caller = may_enrol(&visit)?;
    let enrolled = match visit.ctx.access.enrol_totp_finish(caller, posted.get("code"), &visit.for_access()).await {
        Ok(enrolled) => enrolled,
        Err(error @ (AccessError::BadCode | AccessError::Throttled(_))) => {
            return draw(&visit, &answer::wrong(visit.look.lang(), &error).1).await;
        }
        Err(error) => return Err(error.into()),
    };
    let next = crate::web::posted::local(posted.get("next")).unwrap_or("/");
    let mut response = codes_page(&visit, &enrolled.recovery_codes, next)?;
    keep(&visit, &enrolled.signed_in, &mut response);
    Ok(response)
}

/// The recovery codes, shown once.
pub(crate) fn codes_page(visit: &Visit, codes: &[Zeroizing<String>], next: &str) -> Answer {
    let d = &visit.look.t.door;
    let body = vec![
        Body::Note { tone: "warn", text: d.recovery_keep.to_owned() },
        Body::Codes(codes.iter().map(|code| code.as_str().to_owned()).collect()),
        Body::Cells(vec![Cell::Button { href: next.to_owned(), text: d.recovery_kept.to_owned() }]),
    ];
    answer::door(visit, Head::new(d.recovery_new, ""), None, false, body)
}

/// `GET /new-password`.
pub(crate) async fn new_password(Guest(visit): Guest) -> Answer {
    let caller = visit.caller.clone().ok_or_else(|| Fail::Elsewhere("/sign-in".into()))?;
    show_password(&Signed { visit, caller }, "")
}

/// The password form on a page of the door.
pub(crate) fn show_password(v: &Signed, wrong: &str) -> Answer {
    let t = v.look().t;
    let body = vec![Body::Form(password_form(v, wrong))];
    answer::door(&v.visit, Head::new(t.me.password, t.door.password_rule), None, false, body)
}

/// The picture of an address: one path of unit squares, with the quiet zone the standard asks for (ISO/IEC 18004: 4).
pub(crate) fn qr(text: &str, label: &str) -> Result<Body, Fail> {
    const QUIET: usize = 4;
    let code = QrCode::with_error_correction_level(text, EcLevel::M)
        .map_err(|error| Problem::new(&BROKEN, error.to_string()))?;
    let width = code.width();
    let mut path = String::new();
    for (i, colour) in code.to_colors().into_iter().enumerate() {
        if colour == Color::Dark {
            let (x, y) = (i % width + QUIET, i / width + QUIET);
            path.push_str(&format!("M{x} {y}h1v1h-1z"));
        }
    }
    Ok(Body::Qr { label: label.to_owned(), side: width + 2 * QUIET, path })
}

/// A key in groups of four letters, for typing.
fn grouped(secret: &str) -> String {
    let letters: Vec<char> = secret.chars().collect();
    letters.chunks(4).map(|group| group.iter().collect::<String>()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_picture_has_its_quiet_zone() {
        let Ok(Body::Qr { side, path, .. }) = qr("otpauth://totp/a?secret=b", "x") else { panic!("no picture") };
        assert!(path.starts_with("M4 4h1v1h-1z"), "the first finder pattern begins after the quiet zone");
        assert!(side > 8 + 21);
        assert_eq!(grouped("ABCDEFGHIJ"), "ABCD EFGH IJ");
    }
}
