//! People, roles, invitations, API tokens.

use access::tokens::DEFAULT_DAYS;
use access::{Action, NewHolding, NewPerson, PeopleFilter, Person, PersonState, Shown, actions_of};
use axum::extract::Path;
use base::{OrgId, PersonId, Role, Tlp};
use store::page::Page;
use text::{Words, names};

use crate::error::{Answer, Fail};
use crate::query::Val;
use crate::view::{
    Act, Badge, Body, Cell, Choice, Column, Crumb, Empty, Facts, Field, Form, Head, Look, Panel, Row, Table, Tone,
};
use crate::web::list::{self, CHUNK, Spec};
use crate::web::visit::Signed;
use crate::web::{Posted, answer};

/// `GET /people`.
pub(crate) async fn all(v: Signed) -> Answer {
    let look = v.look();
    let state = look.here.get("state").and_then(PersonState::from_word);
    let loaded = list::load(look, &PEOPLE, |_, after| async {
        let filter = PeopleFilter { state, ..PeopleFilter::default() };
        let paged = v.ctx().access.people(&v.caller, &filter, &Page { after, limit: CHUNK }).await?;
        Ok::<_, Fail>((paged.items, paged.next))
    })
    .await?;
    if let Some(file) = list::export(&v, &PEOPLE, &loaded).await {
        return file;
    }
    let mut rows = Vec::new();
    let mut acts = Vec::new();
    if v.caller.can(Action::ManagePeople) {
        acts.push(Act::ask(look.t.people.invite, look.t.people.invite_lead, "primary", invite_form(&v).await?));
    }
    if !acts.is_empty() {
        rows.push(Row::Acts(acts));
    }
    let tabs = std::iter::once(list::tab(look, "state", "", look.t.list.all))
        .chain([PersonState::Active, PersonState::Invited, PersonState::Disabled].map(|state| {
            list::tab(look, "state", state.word(), names::person_state(look.lang(), state.word()).unwrap_or_default())
        }))
        .collect();
    let table = list::table(look, &PEOPLE, &loaded, tabs);
    let mut panel = Panel::new("people", look.t.people.title, vec![Body::Table(Box::new(table))]);
    if v.caller.can(Action::ManageTokens) {
        panel = panel.tools(vec![Cell::link("/tokens", look.t.nav.tokens)]);
    }
    rows.push(Row::Full(panel));
    answer::page(&v, Head::new(look.t.people.title, ""), Vec::new(), rows)
}

fn role_choices(look: &Look, chosen: &[Role]) -> Vec<Choice> {
    answer::human_roles()
        .map(|role| Choice::new(role.word(), names::role(look.lang(), role), chosen.contains(&role)))
        .collect()
}

async fn invite_form(v: &Signed) -> Result<Form, Fail> {
    let t = v.look().t;
    Ok(Form {
        id: "invite".into(),
        action: "/people".into(),
        fields: vec![
            Field::line("login", t.people.login),
            Field::line("display", t.people.name),
            Field::typed("mail", t.orgs.mail, "email", "off").optional(),
            Field::one("org", t.people.org, super::enrol::org_choices(v, Some(v.caller.org())).await?),
            Field::many("roles", t.people.roles, role_choices(v.look(), &[])),
        ],
        submit: t.people.invite.to_owned(),
        style: "primary",
        ..super::blank(v)
    })
}

fn roles(form: &Posted, org: OrgId) -> Result<Vec<NewHolding>, Fail> {
    let mut holdings = Vec::new();
    for word in form.all("roles") {
        holdings.push(NewHolding::of(word.parse::<Role>()?, org));
    }
    Ok(holdings)
}

/// What the boxes of the form stand for: a role at home, for good and not for somebody else.
fn is_plain(holding: &NewHolding, home: OrgId) -> bool {
    *holding == NewHolding::of(holding.role, home)
}

/// `POST /people`: invites; the link stands on this answer only.
pub(crate) async fn invite(v: Signed, form: Posted) -> Answer {
    let look = v.look();
    let org: OrgId = form.parsed("org")?;
    let person = NewPerson {
        login: form.need("login")?.to_owned(),
        display: form.need("display")?.to_owned(),
        mail: form.get("mail").to_owned(),
        language: look.lang().word().to_owned(),
        zone: look.zone.name().to_owned(),
        org,
        expires_at: None,
        holdings: roles(&form, org)?,
    };
    let (_, link) = v.ctx().access.invite(&v.caller, &person).await?;
    shown_once(
        &v,
        look.t.people.invite,
        look.t.people.invite_link,
        &format!("/invite/{}", link.token.as_str()),
        link.ends_at,
    )
}

/// A page with something that is shown once.
fn shown_once(v: &Signed, title: &str, label: &str, path: &str, until: base::Timestamp) -> Answer {
    let (look, t) = (v.look(), v.look().t);
    let body = vec![
        Body::Note { tone: "warn", text: t.people.invite_once.to_owned() },
        Body::Text(label.to_owned()),
        Body::Command { t, text: format!("{}{path}", v.ctx().identity.address) },
        Body::Facts(Facts::tall(vec![(t.people.until, look.age(until))])),
    ];
    let rows = vec![Row::Full(Panel::new("once", title, body))];
    answer::page(v, Head::new(title, ""), vec![Crumb::new("/people", t.nav.people)], rows)
}

/// `GET /people/{id}`.
pub(crate) async fn one(v: Signed, Path(id): Path<PersonId>) -> Answer {
    let look = v.look();
    let person = v.ctx().access.person(&v.caller, id).await?;
    look.seen.personal(Shown::of("person", id, person.org));
    let mut acts = Vec::new();
    if v.caller.can(Action::ManagePeople) && v.caller.person() != Some(id) {
        acts = manage(&v, &person);
    }
    let sessions = v.ctx().access.sessions(&v.caller, id).await.unwrap_or_default();
    let (head, rows) = draw(look, &person, &sessions, acts);
    answer::page(&v, head, vec![Crumb::new("/people", look.t.nav.people)], rows)
}

fn manage(v: &Signed, person: &Person) -> Vec<Act> {
    let (look, t) = (v.look(), v.look().t);
    let plain = person.holdings.iter().filter(|holding| is_plain(&holding.what, person.org));
    let held: Vec<Role> = plain.map(|holding| holding.what.role).collect();
    let form = |verb: &str, submit: &str, style, fields: Vec<Field>| Form {
        id: verb.to_owned(),
        action: format!("/people/{}/{verb}", person.id),
        fields: std::iter::once(Field::hidden("version", person.version.to_string())).chain(fields).collect(),
        submit: submit.to_owned(),
        style,
        ..super::blank(v)
    };
    let choices = vec![Field::many("roles", t.people.roles, role_choices(look, &held))];
    let mut acts = vec![Act::ask(t.people.grant, "", "", form("roles", t.frame.save, "primary", choices))];
    acts.push(match person.state {
        PersonState::Active => Act::ask(t.people.lock, "", "", form("disable", t.people.lock, "danger", Vec::new())),
        PersonState::Disabled => Act::now(form("enable", t.people.unlock, "", Vec::new())),
        PersonState::Invited => Act::now(form("again", t.people.invite_link, "", Vec::new())),
    });
    acts
}

/// The page of a person.
pub(crate) fn draw(
    look: &Look,
    person: &Person,
    sessions: &[access::login::Login],
    acts: Vec<Act>,
) -> (Head, Vec<Row>) {
    let t = look.t;
    let head = Head::new(person.display.clone(), "").badges(vec![Cell::Badge(state_badge(look, person.state))]);
    let second = if person.second_factor {
        Cell::Badge(Badge::of(Tone::Good, t.me.second_on))
    } else {
        Cell::Badge(Badge::of(Tone::High, t.people.second_none))
    };
    let facts = Facts::wide(vec![
        (t.people.login, Cell::mono(person.login.clone())),
        (t.orgs.mail, Cell::text(person.mail.clone())),
        (t.people.org, look.org(person.org)),
        (t.people.second, second),
        (t.people.seen, person.last_sign_in.map_or(Cell::text(t.people.never), |at| look.time(at))),
        (t.people.created, look.time(person.created_at)),
    ]);
    let columns = vec![
        Column::new("role", t.people.role),
        Column::new("org", t.people.role_at),
        Column::new("from", t.orgs.from),
        Column::new("until", t.orgs.until),
    ];
    let roles = Table::new(t, "roles-table", t.people.roles, columns, Empty::new(t.orgs.none_part, "")).rows(
        person.holdings.iter().map(|holding| {
            vec![
                Cell::text(names::role(look.lang(), holding.what.role)),
                look.org(holding.what.org),
                look.time_or_none(holding.what.from),
                look.time_or_none(holding.what.to),
            ]
        }),
    );
    let logins = super::me::logins(look, sessions, None, None);
    let mut rows = Vec::new();
    if !acts.is_empty() {
        rows.push(Row::Acts(acts));
    }
    rows.push(Row::Full(Panel::new("facts", t.admin.details, vec![Body::Facts(facts)])));
    rows.push(Row::Even(
        vec![Panel::new("roles-panel", t.people.roles, vec![Body::Table(Box::new(roles))])],
        vec![Panel::new("logins-panel", t.me.sessions, vec![Body::Table(Box::new(logins))])],
    ));
    (head, rows)
}

fn state_badge(look: &Look, state: PersonState) -> Badge {
    let word = names::person_state(look.lang(), state.word()).unwrap_or(state.word());
    match state {
        PersonState::Active => Badge::of(Tone::Good, word),
        PersonState::Invited => Badge::with(Tone::Medium, "wait", word),
        PersonState::Disabled => Badge::with(Tone::Low, "lock", word),
    }
}

/// `POST /people/{id}/{verb}`.
pub(crate) async fn act(v: Signed, Path((id, verb)): Path<(PersonId, String)>, form: Posted) -> Answer {
    let (access, by, version) = (&v.ctx().access, &v.caller, form.parsed("version")?);
    let t = v.look().t;
    let link = match verb.as_str() {
        "roles" => {
            let person = access.person(by, id).await?;
            let mut holdings = roles(&form, person.org)?;
            // A deputy's role, one with an end and one elsewhere are none of the boxes: they stay as they are.
            let others = person.holdings.into_iter().map(|holding| holding.what);
            holdings.extend(others.filter(|holding| !is_plain(holding, person.org)));
            access.set_roles(by, id, &holdings, version).await?;
            None
        }
        "disable" => {
            access.disable(by, id, version).await?;
            None
        }
        "enable" => Some(access.enable(by, id, version).await?),
        "again" => Some(access.invite_again(by, id).await?),
        _ => return Err(Fail::no_page()),
    };
    match link {
        Some(link) => shown_once(
            &v,
            t.people.invite_link,
            t.people.invite_lead,
            &format!("/invite/{}", link.token.as_str()),
            link.ends_at,
        ),
        None => Ok(answer::see(&format!("/people/{id}"), "saved")),
    }
}

/// `GET /tokens`.
pub(crate) async fn tokens(v: Signed) -> Answer {
    let look = v.look();
    let page = Page { after: look.here.get("after").map(str::to_owned), limit: CHUNK };
    let tokens = v.ctx().access.tokens(&v.caller, &page).await?;
    let rows = draw_tokens(
        look,
        &tokens.items,
        Some(&v.visit.token()),
        vec![Act::ask(look.t.people.token_make, look.t.people.token_lead, "primary", token_form(&v).await?)],
    );
    let crumbs = vec![Crumb::new("/people", look.t.nav.people)];
    answer::page(&v, Head::new(look.t.people.tokens, look.t.people.token_lead), crumbs, rows)
}

/// The page of tokens.
pub(crate) fn draw_tokens(
    look: &Look,
    tokens: &[access::tokens::Token],
    csrf: Option<&str>,
    acts: Vec<Act>,
) -> Vec<Row> {
    let t = look.t;
    let columns = vec![
        Column::new("name", t.people.token),
        Column::new("scopes", t.people.scopes),
        Column::new("org", t.people.org),
        Column::new("created", t.people.created),
        Column::new("used", t.people.used),
        Column::new("until", t.people.until),
        Column::new("act", t.frame.actions),
    ];
    let table =
        Table::new(t, "tokens-table", t.people.tokens, columns, Empty::new(t.people.none_tokens, t.people.token_lead))
            .rows(tokens.iter().map(|token| {
                let scopes: Vec<&str> = token.scopes.iter().map(|scope| scope.word()).collect();
                let end = match (token.revoked_at, csrf) {
                    (Some(at), _) => look.time(at),
                    (None, Some(csrf)) => crate::view::table::form_cell(revoke_form(look, token, csrf)),
                    (None, None) => Cell::None,
                };
                vec![
                    if token.is_bootstrap() && token.lives(look.now) {
                        Cell::Badge(Badge::of(Tone::High, t.people.bootstrap))
                    } else if token.is_of_bootstrap() && token.lives(look.now) {
                        Cell::Badge(Badge::of(Tone::High, format!("{}: {}", t.people.bootstrap, token.name)))
                    } else {
                        Cell::Strong(token.name.clone())
                    },
                    Cell::mono(scopes.join(" ")),
                    look.org(token.org),
                    look.time(token.created_at),
                    token.last_used.map_or(Cell::text(t.people.never), |at| look.time(at)),
                    look.time_or_none(token.expires_at),
                    end,
                ]
            }));
    let mut rows = vec![Row::Acts(acts)];
    if tokens.iter().any(|token| token.is_of_bootstrap() && token.lives(look.now)) {
        rows.insert(0, Row::Note { tone: "warn", text: t.people.bootstrap_lives.to_owned() });
    }
    rows.push(Row::Full(Panel::new("tokens", t.people.tokens, vec![Body::Table(Box::new(table))])));
    rows
}

fn revoke_form(look: &Look, token: &access::tokens::Token, csrf: &str) -> Form {
    Form {
        t: look.t,
        id: format!("revoke-{}", crate::view::look::short_id(&token.id.to_string())),
        action: format!("/tokens/{}/revoke", token.id),
        csrf: csrf.to_owned(),
        fields: Vec::new(),
        submit: look.t.people.revoke.to_owned(),
        style: "quiet",
        across: true,
        key: "",
    }
}

async fn token_form(v: &Signed) -> Result<Form, Fail> {
    let t = v.look().t;
    // A token never holds more than its maker, so only what the maker can do is offered.
    let mut offered: Vec<Action> = v.caller.roles().iter().flat_map(|role| actions_of(*role)).copied().collect();
    offered.retain(|action| !action.needs_person());
    offered.sort_unstable();
    offered.dedup();
    let scopes = offered.iter().map(|action| Choice::new(action.word(), action.word(), false)).collect();
    Ok(Form {
        id: "token".into(),
        action: "/tokens".into(),
        fields: vec![
            Field::line("name", t.people.token),
            Field::one("org", t.people.org, super::enrol::org_choices(v, Some(v.caller.org())).await?),
            Field::many("scopes", t.people.scopes, scopes),
            Field::typed("days", t.people.token_days, "number", "off").optional(),
        ],
        submit: t.people.token_make.to_owned(),
        style: "primary",
        ..super::blank(v)
    })
}

/// `POST /tokens`: the secret stands on this answer only.
pub(crate) async fn create_token(v: Signed, form: Posted) -> Answer {
    let (look, t) = (v.look(), v.look().t);
    let mut scopes = Vec::new();
    for word in form.all("scopes") {
        scopes.push(word.parse::<Action>()?);
    }
    let days: Option<i64> = form.optional("days")?;
    let org = form.parsed("org")?;
    let new = access::tokens::NewToken {
        name: form.need("name")?.to_owned(),
        scopes,
        org,
        ceiling: Tlp::Amber.min(v.caller.most_in(org)),
        bound_to: None,
        expires_at: Some(look.now.plus_secs(days.unwrap_or(DEFAULT_DAYS).clamp(0, 3_660).saturating_mul(86_400))),
    };
    let made = v.ctx().access.token_create(&v.caller, &new).await?;
    let body = vec![
        Body::Note { tone: "warn", text: t.admin.once.to_owned() },
        Body::Text(t.people.token_secret.to_owned()),
        Body::Command { t, text: made.secret.as_str().to_owned() },
        Body::Facts(Facts::tall(vec![(t.people.until, look.time_or_none(made.expires_at))])),
    ];
    let rows = vec![Row::Full(Panel::new("once", t.people.token_secret, body))];
    let crumbs = vec![Crumb::new("/people", t.nav.people), Crumb::new("/tokens", t.nav.tokens)];
    answer::page(&v, Head::new(t.people.token_make, ""), crumbs, rows)
}

/// `POST /tokens/{id}/revoke`.
pub(crate) async fn revoke_token(v: Signed, Path(id): Path<base::TokenId>, _form: Posted) -> Answer {
    v.ctx().access.token_revoke(&v.caller, id).await?;
    Ok(answer::see("/tokens", "saved"))
}

/// The list of people: personal data.
pub(crate) const PEOPLE: Spec<Person> = Spec {
    id: "people-list",
    live: "people",
    caption: |t| t.people.title,
    columns,
    fields: &[
        ("login", |t| t.people.login),
        ("name", |t| t.people.name),
        ("role", |t| t.people.role),
        ("org", |t| t.people.org),
        ("state", |t| t.people.state),
        ("seen", |t| t.people.seen),
    ],
    cells,
    values,
    tlp: |_| Tlp::AmberStrict,
    row: |row| Shown::of("person", row.id, row.org),
    personal: true,
    empty: |t| Empty::new(t.people.none, t.people.none_do),
};

fn columns(t: &Words) -> Vec<Column> {
    vec![
        Column::new("name", t.people.name),
        Column::new("login", t.people.login),
        Column::new("roles", t.people.roles),
        Column::new("org", t.people.org),
        Column::new("state", t.people.state),
        Column::new("second_factor", t.people.second),
        Column::new("seen", t.people.seen),
    ]
}

fn cells(look: &Look, row: &Person) -> Vec<Cell> {
    let roles: Vec<&str> = row.holdings.iter().map(|holding| names::role(look.lang(), holding.what.role)).collect();
    vec![
        Cell::main(format!("/people/{}", row.id), row.display.clone()),
        look.value(Some("login"), &row.login),
        Cell::text(roles.join(look.lang().pick("、", ", "))),
        look.org(row.org),
        Cell::Badge(state_badge(look, row.state)),
        look.yes(row.second_factor),
        row.last_sign_in.map_or(Cell::text(look.t.people.never), |at| look.time(at)),
    ]
}

fn values(look: &Look, row: &Person) -> Vec<(&'static str, Val)> {
    let mut values: Vec<(&'static str, Val)> = vec![
        ("login", row.login.as_str().into()),
        ("name", row.display.as_str().into()),
        ("org", look.org_name(row.org).into()),
        ("state", row.state.word().into()),
    ];
    values.extend(row.holdings.iter().map(|holding| ("role", holding.what.role.word().into())));
    values.extend(row.last_sign_in.map(|at| ("seen", Val::Time(at))));
    values
}
