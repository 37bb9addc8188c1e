//! My profile: how things look, where I am signed in, second factor, password; and the choice of language and theme.

use access::login::Login;
use access::{Passkey, Profile, Stage};
use axum::extract::Path;
use axum::response::{IntoResponse as _, Redirect, Response};
use http::header::SET_COOKIE;
use text::{Lang, names};

use crate::door::{self, second};
use crate::error::{Answer, Fail};
use crate::view::{
    Act, Badge, Body, Cell, Choice, Column, Empty, Facts, Field, Form, Head, Look, Panel, Row, Table, Tone,
};
use crate::web::posted::local;
use crate::web::visit::{Guest, Signed};
use crate::web::{Posted, answer, cookie};

/// A year: language and theme of a device.
const YEAR: i64 = 31_536_000;
/// Zones offered; any other IANA name is kept when the person has it.
const ZONES: [&str; 8] = [
    "Asia/Taipei",
    "UTC",
    "Asia/Tokyo",
    "Asia/Singapore",
    "Europe/London",
    "Europe/Paris",
    "America/New_York",
    "America/Los_Angeles",
];

/// `GET /me`.
pub(crate) async fn page(v: Signed) -> Answer {
    let (look, access) = (v.look(), &v.ctx().access);
    let id = v.caller.person().ok_or_else(Fail::no_page)?;
    let person = access.person(&v.caller, id).await?;
    let sessions = access.sessions(&v.caller, id).await?;
    let left = access.recovery_codes_left(&v.caller).await?;
    let keys = access.passkeys(&v.caller).await?;
    let proof = access.passkey_proof_due(&v.caller).await?;
    let factors = access.second_factors(v.visit.cookie.as_deref().unwrap_or_default(), &v.visit.host).await?;
    let t = look.t;
    let roles: Vec<Cell> = person
        .holdings
        .iter()
        .map(|h| Cell::Many(vec![Cell::Strong(names::role(look.lang(), h.what.role).to_owned()), look.org(h.what.org)]))
        .collect();
    let profile = Form {
        id: "profile".into(),
        action: "/me".into(),
        fields: vec![
            Field::line("display", t.people.name).value(&person.display),
            Field::typed("mail", t.orgs.mail, "email", "email").value(&person.mail).optional(),
            Field::one(
                "language",
                t.frame.language,
                Lang::ALL.map(|l| Choice::new(l.word(), l.name(), l.word() == person.language)).to_vec(),
            ),
            Field::one("zone", t.me.zone, zone_choices(&person.zone)),
            Field::hidden("version", person.version.to_string()),
        ],
        submit: t.frame.save.to_owned(),
        style: "primary",
        ..super::blank(&v)
    };
    let table = logins(look, &sessions, v.caller.login(), Some(&v.visit.token()));
    let rows = vec![
        Row::Even(
            vec![
                Panel::new("look", t.me.look, vec![Body::Form(profile)]).lead(t.me.lead),
                Panel::new("roles", t.me.roles, vec![Body::Cells(vec![Cell::Below(roles)])]),
            ],
            vec![
                Panel::new("second", t.me.second, second_panel(&v, person.second_factor, factors.totp, left)),
                Panel::new(
                    "password",
                    t.me.password,
                    vec![Body::Acts(vec![Act::ask(t.me.password, t.door.password_rule, "", password_form(&v, ""))])],
                ),
            ],
        ),
        Row::Full(passkey_panel(&v, &keys, proof)),
        Row::Full(Panel::new("sessions", t.me.sessions, vec![Body::Table(Box::new(table))]).lead(t.me.sessions_lead)),
    ];
    answer::page(&v, Head::new(t.me.title, ""), Vec::new(), rows)
}

pub(crate) fn zone_choices(current: &str) -> Vec<Choice> {
    let mut zones = ZONES.to_vec();
    if !zones.contains(&current) {
        zones.push(current);
    }
    zones.into_iter().map(|zone| Choice::new(zone, zone, zone == current)).collect()
}

fn second_panel(v: &Signed, on: bool, totp: bool, left: u32) -> Vec<Body> {
    let t = v.look().t;
    // An account without any factor calls for attention; one that lacks codes beside a passkey does not.
    let badge = match (totp, on) {
        (true, _) => Badge::of(Tone::Good, t.me.second_on),
        (false, true) => Badge::of(Tone::Low, t.me.totp_off),
        (false, false) => Badge::of(Tone::High, t.me.second_off),
    };
    let form = |id: &str, action: &str, submit: &str| Form {
        id: id.to_owned(),
        action: action.to_owned(),
        submit: submit.to_owned(),
        ..super::blank(v)
    };
    let mut acts =
        vec![Act::now(form("authenticator", "/second-factor", if totp { t.me.second_new } else { t.me.second_set }))];
    if on {
        acts.push(Act::now(form("recovery", "/me/recovery", t.me.recovery_new)));
    }
    vec![
        Body::Facts(Facts::tall(vec![
            (t.me.totp, Cell::Badge(badge)),
            (t.me.recovery_left, Cell::Num(u64::from(left))),
        ])),
        Body::Acts(acts),
    ]
}

/// The own passkeys, where they work, and what adds and removes them.
fn passkey_panel(v: &Signed, keys: &[Passkey], proof: bool) -> Panel {
    let (look, t) = (v.look(), v.look().t);
    let columns = vec![
        Column::new("name", t.passkey.name),
        Column::new("site", t.passkey.site),
        Column::new("kept", t.passkey.kept),
        Column::new("created", t.passkey.created),
        Column::new("used", t.passkey.used),
        Column::new("act", t.frame.actions),
    ];
    let empty = Empty::new(t.passkey.none, t.passkey.none_do);
    let table = Table::new(t, "passkeys-table", t.passkey.title, columns, empty).rows(keys.iter().map(|key| {
        let kept = match key.cloned_at {
            Some(_) => Cell::Badge(Badge::of(Tone::Critical, t.passkey.cloned)),
            None => Cell::text(if key.synced { t.passkey.synced } else { t.passkey.bound }),
        };
        vec![
            Cell::Strong(key.name.clone()),
            Cell::mono(key.site.clone()),
            kept,
            look.time(key.created_at),
            key.last_used.map_or(Cell::text(t.passkey.unused), |at| look.time(at)),
            Cell::Acts(vec![remove_act(v, key, proof)]),
        ]
    }));
    let mut body = vec![Body::Table(Box::new(table)), Body::Text(t.passkey.help.to_owned())];
    if v.ctx().access.passkey_site(&v.visit.host).is_some() {
        let add = Cell::Button { href: "/passkeys/new".into(), text: t.passkey.add.to_owned() };
        body.push(Body::Cells(vec![add]));
    } else {
        body.extend(door::passkey::elsewhere(&v.visit, t.passkey.not_here));
    }
    Panel::new("passkeys", t.passkey.title, body).lead(t.passkey.lead)
}

/// Removing asks first, and for the password where the second factor was shown long ago.
fn remove_act(v: &Signed, key: &Passkey, proof: bool) -> Act {
    let t = v.look().t;
    let mut form = Form {
        id: format!("remove-{}", crate::view::look::short_id(&key.id.to_string())),
        action: format!("/me/passkeys/{}/remove", key.id),
        submit: t.passkey.remove.to_owned(),
        style: "danger",
        ..super::blank(v)
    };
    if proof {
        let field = Field::typed("password", t.passkey.proof, "password", "current-password");
        form.fields.push(field.hint(t.passkey.proof_why));
    }
    Act::ask(t.passkey.remove, t.passkey.remove_lead, "", form)
}

/// `POST /me/passkeys/{id}/remove`.
pub(crate) async fn remove_passkey(v: Signed, Path(id): Path<access::PasskeyId>, form: Posted) -> Answer {
    v.ctx().access.remove_passkey(&v.caller, id, form.raw("password"), &v.visit.for_access()).await?;
    Ok(answer::see("/me", "saved"))
}

/// The form that changes the own password.
pub(crate) fn password_form(v: &Signed, wrong: &str) -> Form {
    let t = v.look().t;
    Form {
        id: "password-form".into(),
        action: "/me/password".into(),
        fields: vec![
            Field::typed("current", t.me.password_old, "password", "current-password").wrong(wrong),
            Field::typed("password", t.door.password_new, "password", "new-password").hint(t.door.password_rule),
            Field::typed("again", t.door.password_again, "password", "new-password"),
        ],
        submit: t.frame.save.to_owned(),
        style: "primary",
        ..super::blank(v)
    }
}

/// Where somebody is signed in; with a token each other session has the form that ends it.
pub(crate) fn logins(look: &Look, sessions: &[Login], this: Option<access::LoginId>, token: Option<&str>) -> Table {
    let t = look.t;
    let columns = vec![
        Column::new("seen", t.me.session_seen),
        Column::new("since", t.me.session_since),
        Column::new("from", t.me.session_from),
        Column::new("agent", t.me.session_agent),
        Column::new("act", t.frame.actions),
    ];
    Table::new(t, "logins", t.me.sessions, columns, Empty::new(t.list.none_title, "")).rows(sessions.iter().map(
        |login| {
            let act = match token {
                _ if this == Some(login.id) => Cell::Badge(Badge::of(Tone::Accent, t.me.session_this)),
                Some(token) => crate::view::table::form_cell(end_form(look, login, token)),
                None => Cell::None,
            };
            vec![
                look.time(login.last_seen),
                look.time(login.created_at),
                Cell::mono(login.address.clone()),
                Cell::mono(login.agent.chars().take(80).collect::<String>()),
                act,
            ]
        },
    ))
}

fn end_form(look: &Look, login: &Login, token: &str) -> Form {
    Form {
        t: look.t,
        id: format!("end-{}", crate::view::look::short_id(&login.id.to_string())),
        action: format!("/me/sessions/{}/end", login.id),
        csrf: token.to_owned(),
        fields: Vec::new(),
        submit: look.t.me.session_end.to_owned(),
        style: "quiet",
        across: true,
        key: "",
    }
}

/// `POST /me`.
pub(crate) async fn save(v: Signed, form: Posted) -> Answer {
    let profile = Profile {
        display: form.need("display")?.to_owned(),
        mail: form.get("mail").to_owned(),
        language: form.need("language")?.to_owned(),
        zone: form.need("zone")?.to_owned(),
    };
    v.ctx().access.set_profile(&v.caller, &profile, form.parsed("version")?).await?;
    let mut response = answer::see("/me", "saved");
    // The profile's language counts from now on, not an older choice of this device.
    response.headers_mut().extend(cookie::clear(cookie::LANG).map(|value| (SET_COOKIE, value)));
    Ok(response)
}

/// `POST /me/sessions/{id}/end`.
pub(crate) async fn end(v: Signed, Path(id): Path<access::LoginId>, _form: Posted) -> Answer {
    v.ctx().access.revoke_session(&v.caller, id).await?;
    Ok(answer::see("/me", "saved"))
}

/// `POST /me/recovery`: ten new codes, shown once.
pub(crate) async fn recovery(v: Signed, _form: Posted) -> Answer {
    let codes = v.ctx().access.renew_recovery_codes(&v.caller).await?;
    let t = v.look().t;
    let rows = vec![Row::Full(
        Panel::new(
            "codes",
            t.door.recovery_new,
            vec![Body::Codes(codes.iter().map(|code| code.as_str().to_owned()).collect())],
        )
        .lead(t.door.recovery_keep),
    )];
    answer::page(&v, Head::new(t.door.recovery_new, t.door.recovery_keep), Vec::new(), rows)
}

/// `POST /me/password`, also for a password that is too old.
pub(crate) async fn password(Guest(visit): Guest, form: Posted) -> Answer {
    let caller = visit.caller.clone().ok_or_else(|| Fail::Elsewhere("/sign-in".into()))?;
    if !matches!(caller.stage(), Stage::Full | Stage::ChangePassword) {
        return Err(Fail::Elsewhere("/sign-in".into()));
    }
    let v = Signed { visit, caller };
    let again = form.raw("password") == form.raw("again");
    let changed = if again {
        let (current, new) = (form.raw("current"), form.raw("password"));
        v.ctx().access.change_password(&v.caller, current, new, &v.visit.for_access()).await
    } else {
        return second::show_password(&v, v.look().t.door.password_differs);
    };
    match changed {
        Ok(signed) => Ok(door::enter(&v.visit, &signed, "/me")),
        Err(error) => second::show_password(&v, &answer::wrong(v.look().lang(), &error).1),
    }
}

/// `POST /look`: language and theme of this device, for anybody.
pub(crate) async fn choose(Guest(_visit): Guest, form: Posted) -> Answer {
    let back = local(form.get("return")).unwrap_or("/");
    let mut response: Response = Redirect::to(back).into_response();
    let lang = form.get("lang").parse::<Lang>().ok().map(|lang| (cookie::LANG, lang.word()));
    let theme =
        ["auto", "light", "dark"].into_iter().find(|word| *word == form.get("theme")).map(|word| (cookie::THEME, word));
    for (name, value) in lang.into_iter().chain(theme) {
        response.headers_mut().extend(cookie::set(name, value, Some(YEAR)).map(|value| (SET_COOKIE, value)));
    }
    Ok(response)
}
