//! Campaigns: sessions that belong together, and why.

use access::Shown;
use axum::extract::Path;
use base::CampaignId;
use sensor::model::{Campaign, CampaignDetail, Session, SessionFilter};
use store::page::Page;
use text::{Words, names};

use crate::error::{Answer, Fail};
use crate::query::Val;
use crate::view::look::short_id;
use crate::view::{Body, Cell, Column, Crumb, Empty, Facts, Head, Look, Panel, Row, Table};
use crate::web::answer;
use crate::web::list::{self, CHUNK, Spec};
use crate::web::visit::Signed;

/// Sessions shown on a campaign's page.
const SHOWN: u32 = 25;

/// The name of a campaign: `C-` and the end of its id.
pub(crate) fn name(id: CampaignId) -> String {
    format!("C-{}", short_id(&id.to_string()).to_uppercase())
}

/// `GET /campaigns`.
pub(crate) async fn all(v: Signed) -> Answer {
    let look = v.look();
    let loaded = list::load(look, &CAMPAIGNS, |_, after| fetch(&v, after)).await?;
    if let Some(file) = list::export(&v, &CAMPAIGNS, &loaded).await {
        return file;
    }
    let table = list::table(look, &CAMPAIGNS, &loaded, Vec::new());
    let panel = Panel::new("campaigns", look.t.nav.campaigns, vec![Body::Table(Box::new(table))]);
    let crumbs = vec![Crumb::new("/attacks", look.t.nav.attacks)];
    answer::page(&v, Head::new(look.t.nav.campaigns, look.t.attack.campaign_lead), crumbs, vec![Row::Full(panel)])
}

async fn fetch(v: &Signed, after: Option<String>) -> Result<list::Chunk<Campaign>, Fail> {
    let paged = v.ctx().attacks.campaigns(v.clearance(), &Page { after, limit: CHUNK }).await?;
    Ok((paged.items, paged.next))
}

/// `GET /campaigns/{id}`.
pub(crate) async fn one(v: Signed, Path(id): Path<CampaignId>) -> Answer {
    let look = v.look();
    let detail = v.ctx().attacks.campaign(v.clearance(), id).await?;
    let filter = SessionFilter { campaign: Some(detail.campaign.id), ..SessionFilter::default() };
    let sessions = v.ctx().attacks.sessions(v.clearance(), &filter, &Page { after: None, limit: SHOWN }).await?;
    let crumbs = vec![Crumb::new("/attacks", look.t.nav.attacks), Crumb::new("/campaigns", look.t.nav.campaigns)];
    let (head, rows) = draw(look, &detail, &sessions.items);
    answer::page(&v, head, crumbs, rows)
}

/// The page of a campaign.
pub(crate) fn draw(look: &Look, detail: &CampaignDetail, sessions: &[Session]) -> (Head, Vec<Row>) {
    let (t, c) = (look.t, &detail.campaign);
    let head = Head::new(name(c.id), t.attack.campaign_lead).badges(vec![
        look.class(c.class.word()),
        super::attack::aim(look, c.aim),
        look.tlp(c.tlp),
    ]);
    let facts = Facts::wide(vec![
        (t.attack.sessions, Cell::link(format!("/sessions?campaign={}", c.id), text::say::number(c.sessions))),
        (t.attack.sources, Cell::Num(c.sources)),
        (t.attack.sensors, Cell::Num(c.sensors)),
        (t.orgs.title, Cell::Num(c.orgs)),
        (t.attack.first, look.time(c.first_at)),
        (t.attack.last, look.time(c.last_at)),
    ]);
    let mut keys = Table::new(
        t,
        "join-keys",
        t.attack.reason,
        vec![
            Column::new("kind", t.attack.kind),
            Column::new("value", t.attack.value),
            Column::num("sessions", t.attack.sessions),
        ],
        Empty::new(t.list.none_title, ""),
    );
    for key in &detail.keys {
        let kind = names::link(look.lang(), &key.kind).unwrap_or(&key.kind);
        keys.push(vec![Cell::text(kind), look.value(None, &key.label), Cell::Num(key.sessions)]);
    }
    let mut contacts = Table::new(
        t,
        "contacts",
        t.attack.sources,
        vec![
            Column::new("source", t.attack.source),
            Column::new("org", t.work.org),
            Column::num("sessions", t.attack.sessions),
            Column::new("last", t.attack.last),
        ],
        Empty::new(t.list.none_title, ""),
    );
    for contact in &detail.contacts {
        contacts.push(vec![
            look.value_at(None, &contact.src_ip, super::attack::value_page(&contact.src_ip)),
            look.org(contact.org),
            Cell::Num(contact.sessions),
            look.time(contact.last_at),
        ]);
    }
    let columns = (super::session::SESSIONS.columns)(t);
    let list = Table::new(t, "campaign-sessions", t.attack.sessions, columns, Empty::new(t.attack.none, ""))
        .rows(sessions.iter().map(|row| super::session::cells(look, row)))
        .live("attacks", look.here.href());
    let rows = vec![
        Row::Full(Panel::new("facts", t.admin.details, vec![Body::Facts(facts)])),
        Row::Even(
            vec![Panel::new("why", t.attack.reason, vec![Body::Table(Box::new(keys))])],
            vec![
                Panel::new("aim", t.attack.aim_why, vec![Body::Table(Box::new(super::signs(look, &c.aim_factors)))]),
                Panel::new("who", t.attack.sources, vec![Body::Table(Box::new(contacts))]),
            ],
        ),
        Row::Full(Panel::new("sessions", t.attack.sessions, vec![Body::Table(Box::new(list))])),
    ];
    (head, rows)
}

/// The list of campaigns.
pub(crate) const CAMPAIGNS: Spec<Campaign> = Spec {
    id: "campaigns-list",
    live: "attacks",
    caption: |t| t.nav.campaigns,
    columns,
    fields: &[
        ("name", |t| t.attack.name),
        ("class", |t| t.attack.class),
        ("sessions", |t| t.attack.sessions),
        ("sources", |t| t.attack.sources),
        ("sensors", |t| t.attack.sensors),
        ("aim", |t| t.attack.aim),
        ("first", |t| t.attack.first),
        ("last", |t| t.attack.last),
    ],
    cells,
    values,
    tlp: |row| row.tlp,
    row: |row| Shown::marked(format!("campaign:{}", row.id), row.org),
    personal: false,
    empty: |t| Empty::new(t.attack.no_campaign, t.attack.no_campaign_do),
};

fn columns(t: &Words) -> Vec<Column> {
    vec![
        Column::new("name", t.attack.name),
        Column::new("class", t.attack.class),
        Column::new("reason", t.attack.reason),
        Column::num("sessions", t.attack.sessions),
        Column::num("sources", t.attack.sources),
        Column::num("sensors", t.attack.sensors),
        Column::new("aim", t.attack.aim),
        Column::new("last", t.attack.last),
        Column::new("marking", t.list.marking),
    ]
}

fn cells(look: &Look, row: &Campaign) -> Vec<Cell> {
    let reason = row.joined_by.as_deref().map(|kind| names::link(look.lang(), kind).unwrap_or(kind).to_owned());
    vec![
        Cell::main(format!("/campaigns/{}", row.id), name(row.id)),
        look.class(row.class.word()),
        Cell::text(reason.unwrap_or_default()),
        Cell::Num(row.sessions),
        Cell::Num(row.sources),
        Cell::Num(row.sensors),
        super::attack::aim(look, row.aim),
        look.time(row.last_at),
        look.tlp(row.tlp),
    ]
}

fn values(look: &Look, row: &Campaign) -> Vec<(&'static str, Val)> {
    vec![
        ("name", name(row.id).into()),
        ("class", row.class.word().into()),
        ("class", look.class_name(row.class.word()).into()),
        ("sessions", Val::Number(row.sessions as f64)),
        ("sources", Val::Number(row.sources as f64)),
        ("sensors", Val::Number(row.sensors as f64)),
        ("aim", row.aim.word().into()),
        ("aim", names::aim(look.lang(), row.aim.word()).unwrap_or_default().into()),
        ("first", Val::Time(row.first_at)),
        ("last", Val::Time(row.last_at)),
    ]
}
