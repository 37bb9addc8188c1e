//! First run: five short steps. Only the first needs the setup link; the others can be skipped and repeated.

use access::setup::FirstPerson;
use access::{AccessError, Action, MachineKind};
use base::{Role, Timestamp};
use registry::OrgCode;
use registry::command::Names;
use text::Lang;

use crate::desk::me::zone_choices;
use crate::door::{enter, form, password_fields};
use crate::error::{Answer, Fail};
use crate::view::{Body, Cell, Choice, Empty, Field, Head};
use crate::web::visit::{Guest, Signed, Visit};
use crate::web::{Posted, answer};

/// Steps of the wizard: administrator, second factor, who we are, place, first source.
pub(crate) const STEPS: usize = 5;

/// `GET /setup?t=`: 404 once a person exists.
pub(crate) async fn show(Guest(visit): Guest) -> Answer {
    if !visit.ctx.access.setup_open().await? {
        return Err(Fail::no_page());
    }
    let token = visit.here.get("t").unwrap_or_default().to_owned();
    if !token.is_empty() {
        visit.ctx.access.setup_check(&token).await?;
    }
    draw_first(&visit, &token, &Typed::default(), "")
}

/// What was typed, to be shown again.
#[derive(Default)]
struct Typed {
    login: String,
    display: String,
}

fn draw_first(visit: &Visit, token: &str, typed: &Typed, wrong: &str) -> Answer {
    let (t, d) = (visit.look.t, &visit.look.t.door);
    let mut fields = Vec::new();
    if token.is_empty() {
        fields.push(Field::line("t", t.setup.link));
    } else {
        fields.push(Field::hidden("t", token));
    }
    fields.push(Field::typed("login", d.login, "text", "username").value(&typed.login));
    fields.push(Field::typed("display", d.display_name, "text", "name").value(&typed.display));
    fields.extend(password_fields(visit, wrong));
    let body = vec![Body::Form(form(visit, "/setup", d.next, fields))];
    answer::door(visit, Head::new(t.setup.admin, t.setup.admin_lead), Some((STEPS, 1)), false, body)
}

/// `POST /setup`: the first administrator.
pub(crate) async fn first(Guest(visit): Guest, posted: Posted) -> Answer {
    let look = &visit.look;
    let token = posted.need("t")?.to_owned();
    let typed = Typed { login: posted.get("login").to_owned(), display: posted.get("display").to_owned() };
    if posted.raw("password") != posted.raw("again") {
        return draw_first(&visit, &token, &typed, look.t.door.password_differs);
    }
    let person = FirstPerson {
        login: typed.login.clone(),
        display: typed.display.clone(),
        mail: String::new(),
        language: look.lang().word().to_owned(),
        zone: look.zone.name().to_owned(),
        password: posted.raw("password").to_owned(),
        // A centre that starts with one person must be able to do its work; roles are given to others later.
        also: vec![Role::DutyOfficer, Role::IntelligenceOfficer],
    };
    match visit.ctx.access.first_person(&token, &person, &visit.for_access()).await {
        Ok(signed) => Ok(enter(&visit, &signed, "/setup/who")),
        Err(error @ (AccessError::WeakPassword(_) | AccessError::BadField(..) | AccessError::NameTaken)) => {
            draw_first(&visit, &token, &typed, &answer::wrong(look.lang(), &error).1)
        }
        Err(error) => Err(error.into()),
    }
}

fn allowed(v: &Signed) -> Result<(), Fail> {
    v.caller.require(Action::ManageSettings).map_err(Fail::from)
}

fn skip(v: &Signed, to: &str) -> Body {
    Body::Cells(vec![Cell::link(to, v.look().t.setup.skip)])
}

/// `GET /setup/who`.
pub(crate) async fn who(v: Signed) -> Answer {
    allowed(&v)?;
    let t = v.look().t;
    let org = v.ctx().registry.org(v.clearance(), v.caller.centre()).await?;
    let fields = vec![
        Field::line("code", t.orgs.code).value(org.code.as_str()),
        Field::line("name_zh", t.setup.org_name).value(&org.name_zh),
        Field::line("name_en", t.setup.org_name_en).value(&org.name_en).optional(),
        Field::hidden("version", org.version.to_string()),
    ];
    let body = vec![Body::Form(form(&v.visit, "/setup/who", t.door.next, fields)), skip(&v, "/setup/place")];
    answer::door(&v.visit, Head::new(t.setup.who, t.setup.who_lead), Some((STEPS, 3)), false, body)
}

/// `POST /setup/who`.
pub(crate) async fn set_who(v: Signed, posted: Posted) -> Answer {
    allowed(&v)?;
    let names = Names {
        code: posted.need("code")?.parse::<OrgCode>()?,
        zh: posted.need("name_zh")?.to_owned(),
        en: crate::desk::org::or_zh(&posted)?,
    };
    v.ctx().registry.org_rename(&v.caller, v.caller.centre(), names, posted.parsed("version")?).await?;
    Ok(answer::see("/setup/place", ""))
}

/// `GET /setup/place`.
pub(crate) async fn place(v: Signed) -> Answer {
    allowed(&v)?;
    let (look, t) = (v.look(), v.look().t);
    let langs = Lang::ALL.map(|lang| Choice::new(lang.word(), lang.name(), lang == look.lang())).to_vec();
    let fields = vec![
        Field::one("language", t.frame.language, langs),
        Field::one("zone", t.setup.zone, zone_choices(look.zone.name())),
    ];
    let body = vec![
        Body::Form(form(&v.visit, "/setup/place", t.door.next, fields)),
        Body::Text(format!("{}: {}", t.setup.base, v.ctx().identity.address)),
        skip(&v, "/setup/source"),
    ];
    answer::door(&v.visit, Head::new(t.setup.place, t.setup.place_lead), Some((STEPS, 4)), false, body)
}

/// `POST /setup/place`.
pub(crate) async fn set_place(v: Signed, posted: Posted) -> Answer {
    let id = v.caller.person().ok_or_else(Fail::no_page)?;
    let person = v.ctx().access.person(&v.caller, id).await?;
    let profile = access::Profile {
        display: person.display,
        mail: person.mail,
        language: posted.need("language")?.to_owned(),
        zone: posted.need("zone")?.to_owned(),
    };
    v.ctx().access.set_profile(&v.caller, &profile, person.version).await?;
    Ok(answer::see("/setup/source", ""))
}

/// `GET /setup/source`: the form that makes an enrolment code, and whether an event has arrived.
pub(crate) async fn source(v: Signed) -> Answer {
    allowed(&v)?;
    let t = v.look().t;
    let sensors = v.ctx().fleet.list(v.clearance()).await?;
    let heard: Option<Timestamp> = sensors.iter().filter_map(|sensor| sensor.last_event).max();
    let light = match heard {
        Some(at) => Body::Note { tone: "good", text: format!("{} · {}", t.setup.received, v.look().zone.long(at)) },
        None => Body::Empty(Empty::new(t.setup.waiting, t.sensors.none_do)),
    };
    let body = vec![
        light,
        Body::Form(crate::desk::enrol::form(&v, MachineKind::Sensor).await?),
        Body::Cells(vec![Cell::Button { href: "/".into(), text: t.setup.finish.to_owned() }]),
    ];
    answer::door(&v.visit, Head::new(t.setup.source, t.setup.source_lead), Some((STEPS, 5)), true, body)
}
