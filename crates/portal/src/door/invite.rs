//! Invitations, recovery links, and the demonstration's one-time sign-in links.

use access::AccessError;
use access::links::Purpose;
use axum::extract::Path;

use crate::door::{enter, form, password_fields};
use crate::error::{Answer, Fail};
use crate::view::{Body, Cell, Facts, Head};
use crate::web::visit::{Guest, Visit};
use crate::web::{Posted, answer};

/// `GET /invite/{token}`: looking does not spend the link.
pub(crate) async fn show(Guest(visit): Guest, Path(token): Path<String>) -> Answer {
    draw(&visit, &token, "").await
}

async fn draw(visit: &Visit, token: &str, wrong: &str) -> Answer {
    let card = visit.ctx.access.link_card(token).await?;
    if card.purpose == Purpose::SignIn {
        return Err(Fail::Elsewhere(format!("/link/{token}")));
    }
    let (t, d) = (visit.look.t, &visit.look.t.door);
    let facts = Facts::tall(vec![
        (d.login, Cell::mono(card.login)),
        (d.display_name, Cell::text(card.display)),
        (t.people.until, visit.look.age(card.ends_at)),
    ]);
    let fields = password_fields(visit, wrong);
    let body = vec![Body::Facts(facts), Body::Form(form(visit, &format!("/invite/{token}"), d.next, fields))];
    answer::door(visit, Head::new(d.invite, d.invite_lead), None, false, body)
}

/// `POST /invite/{token}`.
pub(crate) async fn accept(Guest(visit): Guest, Path(token): Path<String>, posted: Posted) -> Answer {
    if posted.raw("password") != posted.raw("again") {
        return draw(&visit, &token, visit.look.t.door.password_differs).await;
    }
    match visit.ctx.access.accept_invitation(&token, posted.raw("password"), &visit.for_access()).await {
        Ok(signed) => Ok(enter(&visit, &signed, "/")),
        Err(error @ AccessError::WeakPassword(_)) => {
            draw(&visit, &token, &answer::wrong(visit.look.lang(), &error).1).await
        }
        Err(error) => Err(error.into()),
    }
}

/// `GET /link/{token}`: a page with a button, so that a preview of the link does not spend it.
pub(crate) async fn show_link(Guest(visit): Guest, Path(token): Path<String>) -> Answer {
    // Whom it signs in is said only once it is used: whoever holds the link need not learn it by looking.
    let d = &visit.look.t.door;
    let body = vec![Body::Form(form(&visit, &format!("/link/{token}"), d.link_use, Vec::new()))];
    answer::door(&visit, Head::new(d.link, d.link_lead), None, false, body)
}

/// `POST /link/{token}`.
pub(crate) async fn take_link(Guest(visit): Guest, Path(token): Path<String>, _form: Posted) -> Answer {
    let signed = visit.ctx.access.take_sign_in_link(&token, &visit.for_access()).await?;
    Ok(enter(&visit, &signed, "/"))
}
