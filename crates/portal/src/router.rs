//! Every route of the portal, in one table.

use axum::extract::DefaultBodyLimit;
use axum::response::{IntoResponse, Redirect};
use axum::routing::{get, post};
use axum::{Router, middleware};
use base::limits;
use http::header::CONTENT_TYPE;

use crate::ctx::Ctx;
use crate::desk::{
    attack, audit, automatic, bulk, campaign, directive, enrol, finding, help, home, indicator, job, me, night, org,
    people, point, quarantine, saved, search, sensor, session, silence, wall,
};
use crate::door::{invite, passkey, second, setup, sign_in};
use crate::web::visit::Guest;
use crate::web::{answer, files, live, visit};

/// The pages, to be mounted at `/`.
///
/// The listener puts a [`crate::Client`] into each request's extensions. Nothing here answers under `/api`, `/feeds`,
/// `/taxii2`, `/healthz`, `/readyz` or `/metrics`.
pub fn router(ctx: Ctx) -> Router {
    let most = usize::try_from(limits::REQUEST_BODY.most).unwrap_or(usize::MAX);
    let pages = door()
        .merge(rooms())
        .merge(administration())
        .fallback(answer::nothing)
        .layer(DefaultBodyLimit::max(most))
        .layer(middleware::from_fn_with_state(ctx.clone(), visit::enter));
    Router::new().route("/assets/{name}", get(files::file)).merge(pages).with_state(ctx)
}

fn door() -> Router<Ctx> {
    Router::new()
        .route("/sign-in", get(sign_in::show).post(sign_in::begin))
        .route("/sign-in/code", get(sign_in::code).post(sign_in::verify))
        .route("/sign-in/recovery", get(sign_in::code).post(sign_in::verify))
        .route("/sign-in/passkey", post(passkey::show_begin))
        .route("/sign-in/passkey/confirm", post(passkey::show_finish))
        .route("/passkeys/new", get(passkey::ask_name).post(passkey::begin))
        .route("/passkeys/confirm", post(passkey::confirm))
        .route("/sign-out", post(sign_in::out))
        .route("/second-factor", get(second::show).post(second::again))
        .route("/second-factor/confirm", post(second::confirm))
        .route("/new-password", get(second::new_password))
        .route("/invite/{token}", get(invite::show).post(invite::accept))
        .route("/link/{token}", get(invite::show_link).post(invite::take_link))
        .route("/setup", get(setup::show).post(setup::first))
        .route("/setup/who", get(setup::who).post(setup::set_who))
        .route("/setup/place", get(setup::place).post(setup::set_place))
        .route("/setup/source", get(setup::source))
        .route("/look", post(me::choose))
        .route("/errors", get(help::errors))
        .route("/ca.pem", get(authority))
}

fn rooms() -> Router<Ctx> {
    Router::new()
        .route("/", get(home::page))
        .route("/wall", get(wall::page))
        .route("/live", get(live::live))
        .route("/search", get(search::page))
        .route("/attacks", get(attack::page))
        .route("/sessions", get(session::all))
        .route("/sessions/{id}", get(session::one))
        .route("/campaigns", get(campaign::all))
        .route("/campaigns/{id}", get(campaign::one))
        .route("/findings", get(finding::queue))
        .route("/findings/bulk", post(bulk::findings))
        .route("/review/bulk", post(bulk::review))
        .route("/searches", get(saved::all).post(saved::save))
        .route("/searches/new", get(saved::new))
        .route("/searches/{id}/forget", post(saved::forget))
        .route("/findings/{id}", get(finding::one))
        .route("/findings/{id}/take", post(finding::take))
        .route("/findings/{id}/resolve", post(finding::resolve))
        .route("/findings/{id}/undo", post(finding::undo))
        .route("/findings/{id}/silence", get(silence::plan).post(silence::save))
        .route("/silences", get(silence::all))
        .route("/silences/{id}/end", post(silence::end))
        .route("/indicators", get(indicator::all).post(indicator::draft))
        .route("/indicators/{id}", get(indicator::one))
        .route("/indicators/{id}/{verb}", post(indicator::act))
        .route("/review", get(indicator::review))
        .route("/night", get(night::all))
        .route("/night/{id}/{verb}", post(night::act))
        .route("/automatic", get(automatic::page))
        .route("/automatic/{class}", post(automatic::set))
        .route("/points", get(point::all))
        .route("/points/kill", post(point::kill_all))
        .route("/points/{id}", get(point::one))
        .route("/points/{id}/kill", post(point::kill))
        .route("/points/{id}/revoke", post(point::revoke))
        .route("/directives/{id}", get(directive::one))
        .route("/directives/{id}/{verb}", post(directive::decide))
        .route("/keys", get(help::keys))
        .route("/me", get(me::page).post(me::save))
        .route("/me/password", post(me::password))
        .route("/me/recovery", post(me::recovery))
        .route("/me/sessions/{id}/end", post(me::end))
        .route("/me/passkeys/{id}/remove", post(me::remove_passkey))
}

fn administration() -> Router<Ctx> {
    Router::new()
        .route("/quarantine", get(quarantine::all))
        .route("/jobs", get(job::all))
        .route("/jobs/{id}/stop", post(job::stop))
        .route("/sensors", get(sensor::all))
        .route("/sensors/{id}", get(sensor::one))
        .route("/sensors/{id}/revoke", post(sensor::revoke))
        .route("/enrol/{kind}", post(enrol::make))
        .route("/orgs", get(org::all).post(org::create))
        .route("/orgs/{id}", get(org::one).post(org::update))
        .route("/orgs/{id}/add/{kind}", post(org::add_part))
        .route("/orgs/{id}/end/{kind}", post(org::end_part))
        .route("/whose", get(org::whose).post(org::ask))
        .route("/people", get(people::all).post(people::invite))
        .route("/people/{id}", get(people::one))
        .route("/people/{id}/{verb}", post(people::act))
        .route("/invitations", get(|| async { Redirect::to("/people?state=invited") }))
        .route("/tokens", get(people::tokens).post(people::create_token))
        .route("/tokens/{id}/revoke", post(people::revoke_token))
        .route("/audit", get(audit::all))
        .route("/audit/export", get(audit::export))
        .route("/audit/{seq}", get(audit::one))
}

/// `GET /ca.pem`: the certificate authority that machines trust; public by nature.
async fn authority(Guest(visit): Guest) -> impl IntoResponse {
    ([(CONTENT_TYPE, "application/x-pem-file")], visit.ctx.identity.ca_pem.clone())
}
