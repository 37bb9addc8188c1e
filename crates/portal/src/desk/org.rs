//! Organisations: the tree, one organisation with what belongs to it, and "whose is this address?".

use std::net::IpAddr;

use access::{Action, Shown, act};
use axum::extract::Path;
use base::{AddrSpec, AddressScope, OrgId, Problem, Timestamp, refang};
use registry::command::Span;
use registry::{
    AsNumber, Contact, Criticality, DomainName, Level, NewContact, NewOrg, Org, OrgCode, OrgKind, RegistryError,
    Standing, TreeNode,
};
use text::{Lang, names};

use crate::error::{Answer, BAD_FORM, Fail};
use crate::view::{
    Act, Badge, Body, Cell, Choice, Column, Crumb, Empty, Facts, Field, Form, Head, Look, Panel, Row, Table, Tone, Tree,
};
use crate::web::visit::{self, Signed};
use crate::web::{Posted, answer};

/// `GET /orgs`.
pub(crate) async fn all(v: Signed) -> Answer {
    let look = v.look();
    let nodes = v.ctx().registry.tree(v.clearance()).await?;
    let mut acts = vec![Act::ask(look.t.orgs.whose, look.t.orgs.whose_lead, "", whose_form(&v, ""))];
    if v.caller.can(Action::ManageOrganisations) {
        acts.push(Act::ask(look.t.orgs.add, "", "primary", add_form(&v).await?));
    }
    answer::page(&v, Head::new(look.t.orgs.title, ""), Vec::new(), draw_all(look, &nodes, acts))
}

/// The page of the tree.
pub(crate) fn draw_all(look: &Look, nodes: &[TreeNode], acts: Vec<Act>) -> Vec<Row> {
    let t = look.t;
    let body = if nodes.is_empty() {
        Body::Empty(Empty::new(t.orgs.none, t.orgs.none_do))
    } else {
        let mut rest = nodes;
        Body::Tree(branch(look, &mut rest, 0))
    };
    vec![Row::Acts(acts), Row::Full(Panel::new("tree", t.orgs.tree, vec![body]))]
}

/// The nodes at this depth with everything below them; the slice is in order, parents before their children.
fn branch(look: &Look, rest: &mut &[TreeNode], depth: usize) -> Vec<Tree> {
    let mut out = Vec::new();
    while let Some((node, after)) = rest.split_first() {
        if node.depth < depth {
            break;
        }
        *rest = after;
        let below = branch(look, rest, node.depth + 1);
        out.push(Tree {
            href: format!("/orgs/{}", node.org.id),
            name: name(look, &node.org),
            note: note(look, &node.org),
            below,
        });
    }
    out
}

fn name(look: &Look, org: &Org) -> String {
    match look.lang() {
        Lang::En if !org.name_en.is_empty() => org.name_en.clone(),
        _ => org.name_zh.clone(),
    }
}

fn note(look: &Look, org: &Org) -> Vec<Cell> {
    let kind = names::org_kind(look.lang(), org.standing.kind.word()).unwrap_or_default();
    let mut cells = vec![Cell::Badge(Badge::with(Tone::Low, "org", kind))];
    if org.standing.criticality == Criticality::Critical {
        let word = names::criticality(look.lang(), Criticality::Critical.word()).unwrap_or_default();
        cells.push(Cell::Badge(Badge::with(Tone::Accent, "lock", word)));
    }
    if let Some(level) = org.standing.level {
        cells.push(Cell::text(format!("{} {}", look.t.orgs.level, level.word())));
    }
    cells
}

/// What belongs to an organisation, as far as the reader sees it.
#[derive(Debug)]
pub(crate) struct Dossier {
    pub(crate) org: Org,
    pub(crate) networks: Vec<registry::Network>,
    pub(crate) domains: Vec<registry::Domain>,
    pub(crate) asns: Vec<registry::Asn>,
    pub(crate) circuits: Vec<registry::Circuit>,
    pub(crate) contacts: Vec<Contact>,
    pub(crate) below: Vec<Org>,
}

/// `GET /orgs/{id}`.
pub(crate) async fn one(v: Signed, Path(id): Path<OrgId>) -> Answer {
    let (look, registry, who) = (v.look(), &v.ctx().registry, v.clearance());
    let org = registry.org(who, id).await?;
    let tree = registry.tree(who).await?;
    let dossier = Dossier {
        networks: registry.networks(who, id).await?,
        domains: registry.domains(who, id).await?,
        asns: registry.asns(who, id).await?,
        circuits: registry.circuits(who, id).await?,
        contacts: registry.contacts(who, id).await?,
        below: tree.into_iter().map(|node| node.org).filter(|below| below.parent == Some(id)).collect(),
        org,
    };
    for contact in dossier.contacts.iter().filter(|contact| contact.to.is_none_or(|to| to > look.now)) {
        look.seen.personal(Shown::of("contact", contact.id, id));
    }
    let manage = v.caller.can(Action::ManageOrganisations);
    let contacts = v.caller.permit_in::<act::ManageContacts>(id).is_ok();
    let mut acts = Vec::new();
    if manage {
        acts.push(Act::ask(
            look.t.orgs.add_network,
            "",
            "",
            add(&v, id, "network", &[("network", look.t.orgs.network)]),
        ));
        acts.push(Act::ask(look.t.orgs.add_domain, "", "", add(&v, id, "domain", &[("domain", look.t.orgs.domain)])));
        acts.push(Act::ask(look.t.orgs.add_asn, "", "", add(&v, id, "asn", &[("asn", look.t.orgs.asn)])));
    }
    if contacts {
        acts.push(Act::ask(look.t.orgs.add_contact, "", "", contact_form(&v, id)));
    }
    if manage {
        acts.push(Act::ask(look.t.frame.edit, "", "", edit_form(&v, &dossier.org)));
    }
    let token = manage.then(|| v.visit.token());
    let contact_token = contacts.then(|| v.visit.token());
    let (head, rows) = draw(look, &dossier, acts, token.as_deref(), contact_token.as_deref());
    answer::page(&v, head, vec![Crumb::new("/orgs", look.t.nav.orgs)], rows)
}

/// The page of an organisation; with a token each belonging has the form that ends it.
pub(crate) fn draw(
    look: &Look,
    dossier: &Dossier,
    acts: Vec<Act>,
    token: Option<&str>,
    contact_token: Option<&str>,
) -> (Head, Vec<Row>) {
    let (t, org) = (look.t, &dossier.org);
    let head = Head::new(name(look, org), "").badges(note(look, org));
    let facts = Facts::wide(vec![
        (t.orgs.code, Cell::mono(org.code.as_str())),
        (t.orgs.parent, org.parent.map_or(Cell::text(t.orgs.top), |id| look.org(id))),
        (t.orgs.sector, Cell::text(org.standing.sector.clone().unwrap_or_default())),
        (t.orgs.from, look.time(org.from)),
    ]);
    let end = |id: &str, version: u64, kind: &str, token: Option<&str>| match token {
        Some(token) => crate::view::table::form_cell(end_form(look, org.id, kind, id, version, token)),
        None => Cell::None,
    };
    let span = |from: Timestamp, to: Option<Timestamp>| {
        to.map_or_else(|| look.time(from), |to| Cell::Below(vec![look.time(from), look.time(to)]))
    };
    let table = |id: &'static str, caption: &str, label: &'static str| {
        let columns = vec![
            Column::new("value", label),
            Column::new("note", t.frame.note),
            Column::new("from", t.orgs.from),
            Column::new("end", t.frame.actions),
        ];
        Table::new(t, id, caption, columns, Empty::new(t.orgs.none_part, ""))
    };
    let live = |to: Option<Timestamp>| to.is_none_or(|to| to > look.now);
    let networks = table("networks", t.orgs.networks, t.orgs.network).rows(dossier.networks.iter().map(|n| {
        let value = n.net.to_string();
        let scope = if n.scope == AddressScope::Global { t.intel.scope_global } else { t.orgs.scope };
        vec![
            look.value_at(None, &value, super::attack::value_page(&value)),
            Cell::text(scope),
            span(n.from, n.to),
            if live(n.to) { end(&n.id.to_string(), n.version, "network", token) } else { Cell::text(t.orgs.ended) },
        ]
    }));
    let domains = table("domains", t.orgs.domains, t.orgs.domain).rows(dossier.domains.iter().map(|d| {
        vec![
            look.value(None, d.name.as_str()),
            Cell::None,
            span(d.from, d.to),
            if live(d.to) { end(&d.id.to_string(), d.version, "domain", token) } else { Cell::text(t.orgs.ended) },
        ]
    }));
    let asns = table("asns", t.orgs.asns, t.orgs.asn).rows(dossier.asns.iter().map(|a| {
        vec![
            look.value(None, &a.number.to_string()),
            Cell::None,
            span(a.from, a.to),
            if live(a.to) { end(&a.id.to_string(), a.version, "asn", token) } else { Cell::text(t.orgs.ended) },
        ]
    }));
    let circuits = table("circuits", t.orgs.circuits, t.orgs.circuit).rows(dossier.circuits.iter().map(|c| {
        let speed = c.mbps.map(|mbps| format!("{} · {mbps} Mbit/s", c.provider)).unwrap_or_else(|| c.provider.clone());
        vec![Cell::mono(c.number.clone()), Cell::text(speed), span(c.from, c.to), Cell::None]
    }));
    let contacts = table("contacts", t.orgs.contacts, t.orgs.contact).rows(
        dossier.contacts.iter().filter(|c| live(c.to)).map(|c| {
            let role = names::contact_role(look.lang(), &c.role).unwrap_or(&c.role);
            vec![
                Cell::Below(vec![Cell::Strong(c.name.clone()), Cell::text(role)]),
                Cell::Below(vec![Cell::text(c.mail.clone()), Cell::text(c.telephone.clone())]),
                look.time(c.from),
                end(&c.id.to_string(), c.version, "contact", contact_token),
            ]
        }),
    );
    let below = Table::new(
        t,
        "below",
        t.orgs.members,
        vec![Column::new("name", t.orgs.name), Column::new("kind", t.orgs.tier)],
        Empty::new(t.orgs.none_part, ""),
    )
    .rows(
        dossier
            .below
            .iter()
            .map(|org| vec![Cell::main(format!("/orgs/{}", org.id), name(look, org)), Cell::Many(note(look, org))]),
    );
    let panel = |id, title: &str, table: Table| Panel::new(id, title, vec![Body::Table(Box::new(table))]);
    let mut rows = vec![Row::Full(Panel::new("facts", t.admin.details, vec![Body::Facts(facts)]))];
    if !acts.is_empty() {
        rows.push(Row::Acts(acts));
    }
    let mut side =
        vec![panel("contacts-panel", t.orgs.contacts, contacts), panel("below-panel", t.orgs.members, below)];
    if !dossier.circuits.is_empty() {
        side.push(panel("circuits-panel", t.orgs.circuits, circuits));
    }
    rows.push(Row::Even(
        vec![
            panel("networks-panel", t.orgs.networks, networks),
            panel("domains-panel", t.orgs.domains, domains),
            panel("asns-panel", t.orgs.asns, asns),
        ],
        side,
    ));
    (head, rows)
}

fn end_form(look: &Look, org: OrgId, kind: &str, id: &str, version: u64, token: &str) -> Form {
    Form {
        t: look.t,
        id: format!("end-{kind}-{}", crate::view::look::short_id(id)),
        action: format!("/orgs/{org}/end/{kind}"),
        csrf: token.to_owned(),
        fields: vec![Field::hidden("id", id), Field::hidden("version", version.to_string())],
        submit: look.t.orgs.end.to_owned(),
        style: "quiet",
        across: true,
        key: "",
    }
}

fn add(v: &Signed, org: OrgId, kind: &str, fields: &[(&'static str, &str)]) -> Form {
    Form {
        id: format!("add-{kind}"),
        action: format!("/orgs/{org}/add/{kind}"),
        fields: fields.iter().map(|(name, label)| Field::line(name, label)).collect(),
        submit: v.look().t.frame.add.to_owned(),
        style: "primary",
        ..super::blank(v)
    }
}

fn contact_form(v: &Signed, org: OrgId) -> Form {
    let t = v.look().t;
    let roles = ["security", "network", "duty", "management"]
        .map(|word| Choice::new(word, names::contact_role(t.lang, word).unwrap_or(word), word == "security"));
    let mut form = add(v, org, "contact", &[("name", t.people.name)]);
    form.fields.push(Field::one("role", t.orgs.duty, roles.to_vec()));
    form.fields.push(Field::typed("mail", t.orgs.mail, "email", "off").optional());
    form.fields.push(Field::typed("telephone", t.orgs.phone, "tel", "off").optional());
    form
}

fn standing_fields(look: &Look, standing: Option<&Standing>) -> Vec<Field> {
    let (t, lang) = (look.t, look.lang());
    let kinds = OrgKind::ALL.iter().map(|kind| {
        let chosen = standing.map_or(*kind == OrgKind::Operator, |s| s.kind == *kind);
        Choice::new(kind.word(), names::org_kind(lang, kind.word()).unwrap_or(kind.word()), chosen)
    });
    let critical = Criticality::ALL.iter().map(|one| {
        let chosen = standing.is_some_and(|s| s.criticality == *one);
        Choice::new(one.word(), names::criticality(lang, one.word()).unwrap_or(one.word()), chosen)
    });
    let levels = std::iter::once(Choice::new("", t.frame.empty, standing.is_none_or(|s| s.level.is_none()))).chain(
        Level::ALL
            .iter()
            .map(|level| Choice::new(level.word(), level.word(), standing.is_some_and(|s| s.level == Some(*level)))),
    );
    let sector = standing.and_then(|s| s.sector.clone()).unwrap_or_default();
    vec![
        Field::one("kind", t.orgs.tier, kinds.collect()),
        Field::one("criticality", t.orgs.critical, critical.collect()),
        Field { required: false, ..Field::one("level", t.orgs.level, levels.collect()) },
        Field::line("sector", t.orgs.sector).value(sector).optional(),
    ]
}

async fn add_form(v: &Signed) -> Result<Form, Fail> {
    let t = v.look().t;
    let mut parents = super::enrol::org_choices(v, Some(v.caller.centre())).await?;
    parents.insert(0, Choice::new("", t.orgs.top, false));
    let mut fields = vec![
        Field::line("code", t.orgs.code),
        Field::line(
            "name_zh",
            &format!("{}（中文）", t.orgs.name).replace("（中文）", t.lang.pick("（中文）", " (Chinese)")),
        ),
        Field::line("name_en", &format!("{} {}", t.orgs.name, "(English)")).optional(),
        Field { required: false, ..Field::one("parent", t.orgs.parent, parents) },
    ];
    fields.extend(standing_fields(v.look(), None));
    Ok(Form {
        id: "add-org".into(),
        action: "/orgs".into(),
        fields,
        submit: t.frame.add.to_owned(),
        style: "primary",
        ..super::blank(v)
    })
}

fn edit_form(v: &Signed, org: &Org) -> Form {
    let mut fields = standing_fields(v.look(), Some(&org.standing));
    fields.push(Field::hidden("version", org.version.to_string()));
    Form {
        id: "edit-org".into(),
        action: format!("/orgs/{}", org.id),
        fields,
        submit: v.look().t.frame.save.to_owned(),
        style: "primary",
        ..super::blank(v)
    }
}

fn standing(form: &Posted) -> Result<Standing, Fail> {
    let bad = |name: &'static str| Problem::new(&BAD_FORM, "unknown").at(name);
    let sector = form.get("sector");
    Ok(Standing {
        kind: OrgKind::from_word(form.need("kind")?).ok_or_else(|| bad("kind"))?,
        sector: (!sector.is_empty()).then(|| sector.to_owned()),
        criticality: Criticality::from_word(form.need("criticality")?).ok_or_else(|| bad("criticality"))?,
        level: match form.get("level") {
            "" => None,
            word => Some(Level::from_word(word).ok_or_else(|| bad("level"))?),
        },
    })
}

/// The English name; the Chinese one where none was given.
pub(crate) fn or_zh(form: &Posted) -> Result<String, Fail> {
    let (zh, en) = (form.need("name_zh")?, form.get("name_en"));
    Ok(if en.is_empty() { zh } else { en }.to_owned())
}

/// `POST /orgs`.
pub(crate) async fn create(v: Signed, form: Posted) -> Answer {
    let new = NewOrg {
        code: form.need("code")?.parse::<OrgCode>()?,
        name_zh: form.need("name_zh")?.to_owned(),
        name_en: or_zh(&form)?,
        parent: form.optional("parent")?,
        standing: standing(&form)?,
    };
    let id = v.ctx().registry.org_add(&v.caller, new, Span::default()).await?;
    Ok(answer::see(&format!("/orgs/{id}"), "saved"))
}

/// `POST /orgs/{id}`: kind, sector, criticality, level.
pub(crate) async fn update(v: Signed, Path(id): Path<OrgId>, form: Posted) -> Answer {
    v.ctx().registry.org_set_standing(&v.caller, id, standing(&form)?, form.parsed("version")?).await?;
    Ok(answer::see(&format!("/orgs/{id}"), "saved"))
}

/// `POST /orgs/{id}/add/{kind}`.
pub(crate) async fn add_part(v: Signed, Path((id, kind)): Path<(OrgId, String)>, form: Posted) -> Answer {
    let (registry, by, now) = (&v.ctx().registry, &v.caller, Span::default());
    match kind.as_str() {
        "network" => {
            let net = refang(form.need("network")?).parse::<AddrSpec>()?;
            registry.network_add(by, id, net, AddressScope::Global, now).await.map(drop)?;
        }
        "domain" => {
            let name = refang(form.need("domain")?).parse::<DomainName>()?;
            registry.domain_add(by, id, name, now).await.map(drop)?;
        }
        "asn" => {
            let number = form.need("asn")?.parse::<AsNumber>()?;
            registry.asn_add(by, id, number, now).await.map(drop)?;
        }
        "contact" => {
            let text = |name: &str| form.get(name).to_owned();
            let new =
                NewContact { name: text("name"), role: text("role"), mail: text("mail"), telephone: text("telephone") };
            registry.contact_add(by, id, &new).await.map(drop)?;
        }
        _ => return Err(Fail::no_page()),
    }
    Ok(answer::see(&format!("/orgs/{id}"), "saved"))
}

/// `POST /orgs/{id}/end/{kind}`.
pub(crate) async fn end_part(v: Signed, Path((id, kind)): Path<(OrgId, String)>, form: Posted) -> Answer {
    let (registry, by, version) = (&v.ctx().registry, &v.caller, form.parsed("version")?);
    let done = match kind.as_str() {
        "network" => registry.network_end(by, form.parsed("id")?, None, version).await,
        "domain" => registry.domain_end(by, form.parsed("id")?, None, version).await,
        "asn" => registry.asn_end(by, form.parsed("id")?, None, version).await,
        "contact" => registry.contact_end(by, form.parsed("id")?, version).await,
        _ => return Err(Fail::no_page()),
    };
    if matches!(done, Err(RegistryError::UnknownItem)) {
        // The address names the organisation only.
        visit::outside(&v.visit, by, &format!("/{kind}/{}", form.get("id"))).await?;
    }
    done?;
    Ok(answer::see(&format!("/orgs/{id}"), "saved"))
}

fn whose_form(v: &Signed, text: &str) -> Form {
    let t = v.look().t;
    Form {
        id: "whose".into(),
        action: "/whose".into(),
        fields: vec![Field::line("address", t.intel.value).value(text).hint(t.orgs.whose_lead)],
        submit: t.orgs.whose.to_owned(),
        style: "primary",
        ..super::blank(v)
    }
}

/// `POST /whose`: to the page with the answer in its address.
pub(crate) async fn ask(_v: Signed, form: Posted) -> Answer {
    Ok(answer::see(&format!("/whose?address={}", crate::view::url::part(form.need("address")?)), ""))
}

/// `GET /whose?address=`.
pub(crate) async fn whose(v: Signed) -> Answer {
    let look = v.look();
    let text = refang(look.here.get("address").unwrap_or_default());
    let mut rows = vec![Row::Full(Panel::new("ask", look.t.orgs.whose, vec![Body::Form(whose_form(&v, &text))]))];
    if !text.is_empty() {
        rows.push(Row::Full(Panel::new("answer", text.clone(), vec![owner(&v, &text)])));
    }
    let crumbs = vec![Crumb::new("/orgs", look.t.nav.orgs)];
    answer::page(&v, Head::new(look.t.orgs.whose, look.t.orgs.whose_lead), crumbs, rows)
}

/// Who registered the value.
pub(crate) fn owner(v: &Signed, text: &str) -> Body {
    let (look, whose) = (v.look(), v.ctx().registry.whose());
    let t = look.t;
    let none = || Body::Empty(Empty::new(t.orgs.whose_none, t.orgs.whose_none_do));
    // Who may not see an organisation's networks may not find them out address by address either.
    let seen = |org: OrgId| v.caller.sees(&registry::command::belonging_facts(org, v.caller.realm()));
    if let Ok(spec) = text.parse::<AddrSpec>() {
        let found = match text.parse::<IpAddr>() {
            Ok(addr) => whose.whose(addr, AddressScope::Global, look.now),
            Err(_) => whose.whose_net(spec, AddressScope::Global, look.now),
        };
        let Some(owner) = found.filter(|owner| seen(owner.org)) else { return none() };
        let mut rows =
            vec![(t.orgs.one, look.org(owner.org)), (t.orgs.match_by, look.value(None, &owner.network.to_string()))];
        if owner.own || owner.criticality == Criticality::Critical {
            rows.push((t.orgs.critical, Cell::Badge(Badge::with(Tone::Accent, "lock", t.orgs.protected))));
        }
        return Body::Facts(Facts::tall(rows));
    }
    let domain = text.parse::<DomainName>().ok().and_then(|name| whose.whose_domain(&name, look.now));
    match domain.filter(|(org, _)| seen(*org)) {
        Some((org, name)) => {
            Body::Facts(Facts::tall(vec![(t.orgs.one, look.org(org)), (t.orgs.match_by, Cell::mono(name.as_str()))]))
        }
        None => none(),
    }
}
