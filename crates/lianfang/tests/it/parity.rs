//! Nothing that the portal does is missing in the API.

use std::collections::{BTreeMap, BTreeSet};

use crate::centre::Centre;

/// What each form of the portal does, and the route of the API that does the same; or why there is none.
const PARITY: &[(&str, &str)] = &[
    ("/sign-in", "post /api/v1/session"),
    ("/sign-in/code", "post /api/v1/session"),
    ("/sign-in/recovery", "post /api/v1/session"),
    ("/sign-out", "delete /api/v1/session"),
    ("/second-factor", "no: a person's own credential is changed on a page, where it is shown once"),
    ("/second-factor/confirm", "no: a person's own credential is changed on a page, where it is shown once"),
    ("/invite/{token}", "no: a person chooses a password"),
    ("/link/{token}", "no: signs a person in, in the demo only"),
    ("/setup", "no: the first person; automation begins with --bootstrap-token-file"),
    ("/setup/who", "no: the first person; automation begins with --bootstrap-token-file"),
    ("/setup/place", "patch /api/v1/orgs/{name}"),
    ("/look", "no: how one browser looks"),
    ("/findings/{id}/take", "post /api/v1/findings/{id}/take"),
    ("/findings/{id}/resolve", "post /api/v1/findings/{id}/resolve"),
    ("/findings/{id}/undo", "post /api/v1/findings/{id}/undo"),
    ("/findings/{id}/silence", "post /api/v1/findings/{id}/silence"),
    ("/indicators", "post /api/v1/indicators"),
    ("/indicators/{id}/{verb}", "post /api/v1/indicators/{id}/submit"),
    ("/indicators/{id}/{verb}", "post /api/v1/indicators/{id}/accept"),
    ("/indicators/{id}/{verb}", "post /api/v1/indicators/{id}/publish"),
    ("/indicators/{id}/{verb}", "post /api/v1/indicators/{id}/send-back"),
    ("/indicators/{id}/{verb}", "post /api/v1/indicators/{id}/reject"),
    ("/indicators/{id}/{verb}", "post /api/v1/indicators/{id}/revoke"),
    ("/points/kill", "post /api/v1/kill"),
    ("/points/{id}/kill", "post /api/v1/points/{id}/kill"),
    ("/points/{id}/revoke", "delete /api/v1/points/{id}"),
    ("/directives/{id}/{verb}", "post /api/v1/directives/{id}/approve"),
    ("/directives/{id}/{verb}", "post /api/v1/directives/{id}/decline"),
    ("/directives/{id}/{verb}", "post /api/v1/directives/{id}/withdraw"),
    ("/me", "no: how pages look to one person"),
    ("/me/password", "no: a person's own credential is changed on a page, where it is shown once"),
    ("/me/recovery", "no: a person's own credential is changed on a page, where it is shown once"),
    ("/me/sessions/{id}/end", "delete /api/v1/people/{id}/sessions/{session}"),
    ("/sensors/{id}/revoke", "delete /api/v1/sensors/{id}"),
    ("/enrol/{kind}", "post /api/v1/sensors/codes"),
    ("/enrol/{kind}", "post /api/v1/points/codes"),
    ("/orgs", "post /api/v1/orgs"),
    ("/orgs/{id}", "patch /api/v1/orgs/{name}"),
    ("/orgs/{id}/add/{kind}", "post /api/v1/orgs/{name}/belongings"),
    ("/orgs/{id}/add/{kind}", "post /api/v1/orgs/{name}/contacts"),
    ("/orgs/{id}/end/{kind}", "delete /api/v1/orgs/{name}/parts/{kind}/{id}"),
    ("/orgs/{id}/end/{kind}", "delete /api/v1/orgs/{name}/contacts/{id}"),
    ("/whose", "get /api/v1/whose"),
    ("/people", "post /api/v1/people"),
    ("/people/{id}/{verb}", "patch /api/v1/people/{id}"),
    ("/people/{id}/{verb}", "post /api/v1/people/{id}/disable"),
    ("/people/{id}/{verb}", "post /api/v1/people/{id}/enable"),
    ("/people/{id}/{verb}", "post /api/v1/people/{id}/invitation"),
    ("/tokens", "post /api/v1/tokens"),
    ("/tokens/{id}/revoke", "delete /api/v1/tokens/{id}"),
    ("/sign-in/passkey", "no: a passkey answers a browser's origin only"),
    ("/sign-in/passkey/confirm", "no: a passkey answers a browser's origin only"),
    ("/passkeys/new", "no: a person's own credential is changed on a page, where it is shown once"),
    ("/passkeys/confirm", "no: a person's own credential is changed on a page, where it is shown once"),
    ("/me/passkeys/{id}/remove", "no: a person's own credential is changed on a page, where it is shown once"),
    ("/findings/bulk", "post /api/v1/findings/resolve"),
    ("/jobs/{id}/stop", "delete /api/v1/jobs/{id}"),
    ("/silences/{id}/end", "delete /api/v1/silences/{id}"),
    ("/night/{id}/{verb}", "post /api/v1/night-reviews/{id}/close"),
    ("/review/bulk", "post /api/v1/indicators/{id}/publish"),
    ("/searches", "no: a list of pages, of one person"),
    ("/searches/{id}/forget", "no: a list of pages, of one person"),
    ("/automatic/{class}", "patch /api/v1/automatic/{class}"),
];

/// The paths of the portal's route table that take a form.
fn forms() -> BTreeSet<String> {
    let source = include_str!("../../../portal/src/router.rs");
    let mut found = BTreeSet::new();
    for call in source.split(".route(").skip(1) {
        let call = call.split(".route(").next().unwrap_or_default();
        let path = call.split('"').nth(1).expect("a path").to_owned();
        // A handler named `post` or a chained `.post(`, up to the end of this call's line.
        let handlers = call.split_once(',').map_or("", |(_, rest)| rest.lines().next().unwrap_or_default());
        if handlers.contains("post(") {
            found.insert(path);
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_the_portal_does_is_in_the_api() {
    let centre = Centre::start(None).await;
    let document = centre.get("/api/v1/openapi.json").await;
    let listed: BTreeMap<&str, &str> = PARITY.iter().copied().collect();
    let forms = forms();
    assert!(forms.len() > 30, "{forms:?}");
    for form in &forms {
        assert!(listed.contains_key(form.as_str()), "the form {form} has no route in the API and no reason why");
    }
    for (form, route) in PARITY {
        assert!(forms.contains(*form), "the portal has no form {form} any more");
        if route.starts_with("no: ") {
            continue;
        }
        let (method, path) = route.split_once(' ').expect("method and path");
        assert!(!document["paths"][path][method].is_null(), "{form}: the API has no {route}");
    }
}
