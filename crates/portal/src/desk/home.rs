//! Home: what needs me, the oldest of each queue, silent sources, drift, approvals. No chart without an act.

use access::Action;
use base::{Role, Timestamp};
use detect::{Filter as FindingFilter, FindingState, Which};
use edge::service::views::{PointView, Status};
use edge::{Directive, DirectiveState};
use sensor::model::{Observable, ObservableFilter, Sensor, SensorState, Totals};
use store::page::Page;
use text::say;

use crate::error::{Answer, Fail};
use crate::view::{Body, Cell, Column, Empty, Head, Look, Panel, Row, Table, Tile};
use crate::web::answer;
use crate::web::visit::Signed;

/// Rows of each short list.
const SHOWN: u32 = 6;

/// One queue: its name, its oldest item, where it is worked on, how many wait at least.
#[derive(Debug)]
pub(crate) struct QueueLine {
    pub(crate) name: &'static str,
    /// The item's words, its page, since when it waits.
    pub(crate) oldest: Option<(String, String, Timestamp)>,
    pub(crate) waiting: String,
    pub(crate) href: &'static str,
}

/// What the home page is drawn from; a room the person may not read is left out.
#[derive(Debug, Default)]
pub(crate) struct Home {
    pub(crate) queues: Vec<QueueLine>,
    /// Sensors that do not report as they should; none when the person may not read sensors.
    pub(crate) silent: Option<Vec<Sensor>>,
    pub(crate) sensors: usize,
    pub(crate) manages_sensors: bool,
    /// Points that do not enforce what they should.
    pub(crate) drift: Option<Vec<PointView>>,
    pub(crate) points: usize,
    pub(crate) blocks: Option<Vec<Directive>>,
    pub(crate) sources: Option<Vec<Observable>>,
    pub(crate) totals: Option<Totals>,
    pub(crate) published: Option<u64>,
    /// The page is about the own organisation rather than the whole.
    pub(crate) member: bool,
}

/// `GET /`.
pub(crate) async fn page(v: Signed) -> Answer {
    // A screen on a wall has no desk.
    if v.caller.roles() == [Role::Wall] {
        return super::wall::page(v).await;
    }
    let look = v.look();
    let home = load(&v).await?;
    let title = match v.caller.roles().first() {
        Some(Role::Leadership) => look.t.duty.state_title,
        _ if home.member => look.t.duty.member_title,
        _ => look.t.duty.title,
    };
    answer::page(&v, Head::new(title, ""), Vec::new(), draw(look, &home))
}

async fn load(v: &Signed) -> Result<Home, Fail> {
    let (ctx, who) = (v.ctx(), v.clearance());
    let can = |action| v.caller.can(action);
    let few = || Page { after: None, limit: SHOWN };
    let mut home = Home {
        manages_sensors: can(Action::ManageSensors),
        member: who.reach() != store::Reach::All,
        ..Home::default()
    };
    if can(Action::ResolveFinding) {
        home.queues.extend(findings(v).await?);
    }
    if can(Action::ReviewIntel) {
        home.queues.push(review(v).await?);
    }
    if can(Action::ApproveBlock) {
        home.queues.push(held(v).await?);
    }
    if super::night::concerns(&v.caller) {
        home.queues.push(second_looks(v).await?);
    }
    if can(Action::ReadSensors) {
        let mut sensors = ctx.fleet.list(who).await?;
        home.sensors = sensors.len();
        sensors.retain(|s| matches!(s.state, SensorState::Silent | SensorState::Missing | SensorState::Impaired));
        home.silent = Some(sensors);
    }
    if can(Action::ReadEnforcement) {
        let mut points = ctx.edge.points(who, &Page { after: None, limit: 200 }).await?.items;
        home.points = points.len();
        points.retain(|p| matches!(p.status, Status::Silent | Status::Behind | Status::Trouble) || p.point.kill);
        home.drift = Some(points);
        home.blocks = Some(ctx.edge.directives(who, DirectiveState::Active, &few()).await?.items);
    }
    if can(Action::ReadAttacks) {
        home.totals = Some(ctx.attacks.totals(who).await?);
        let filter = ObservableFilter { since: Some(v.look().now.plus_secs(-86_400)), ..ObservableFilter::default() };
        home.sources = Some(ctx.attacks.observables(who, &filter, &few()).await?.items);
    }
    if can(Action::ReadIntel) {
        home.published = Some(ctx.intel.totals(who).await?.published);
    }
    Ok(home)
}

/// The findings that nobody took, and those I took.
async fn findings(v: &Signed) -> Result<Vec<QueueLine>, Fail> {
    let (look, t) = (v.look(), v.look().t);
    let page = Page { after: None, limit: 50 };
    let open = FindingFilter { which: Which::Open, ..FindingFilter::default() };
    let open = v.ctx().detect.list(v.clearance(), &open, &page).await?;
    let new: Vec<_> = open.items.iter().filter(|finding| finding.state == FindingState::New).collect();
    let me = v.caller.person();
    let mine = FindingFilter { which: Which::Open, owner: me, ..FindingFilter::default() };
    let mine = v.ctx().detect.list(v.clearance(), &mine, &page).await?;
    let count = |n: usize, more: bool| format!("{}{}", say::number(n as u64), if more { "+" } else { "" });
    let line = |finding: Option<&detect::Finding>| {
        finding
            .inspect(|f| look.seen.row("finding", f.id, f.org, f.tlp))
            .map(|f| (super::finding::sentence(look, f), format!("/findings?sel={}", f.id), f.first_at))
    };
    Ok(vec![
        QueueLine {
            name: t.duty.q_findings,
            oldest: line(new.iter().min_by_key(|f| f.first_at).copied()),
            waiting: count(new.len(), open.next.is_some()),
            href: "/findings",
        },
        QueueLine {
            name: t.duty.q_mine,
            oldest: line(mine.items.iter().min_by_key(|f| f.first_at)),
            waiting: count(mine.items.len(), mine.next.is_some()),
            href: "/findings?state=mine",
        },
    ])
}

/// Indicators that wait for a reviewer or an approver.
async fn review(v: &Signed) -> Result<QueueLine, Fail> {
    let page = Page { after: None, limit: 50 };
    let waiting = v.ctx().intel.waiting(v.clearance(), &page).await?;
    let oldest = waiting.items.iter().min_by_key(|i| i.created);
    if let Some(i) = oldest {
        v.look().seen.row("indicator", i.id, i.org, i.tlp);
    }
    Ok(QueueLine {
        name: v.look().t.duty.q_review,
        oldest: oldest.map(|i| (i.value.clone(), format!("/indicators/{}", i.id), i.created)),
        waiting: format!("{}{}", waiting.items.len(), if waiting.next.is_some() { "+" } else { "" }),
        href: "/review",
    })
}

/// Wide blocks that wait for a second person.
async fn held(v: &Signed) -> Result<QueueLine, Fail> {
    let page = Page { after: None, limit: 50 };
    let held = v.ctx().edge.directives(v.clearance(), DirectiveState::Held, &page).await?;
    let oldest = held.items.iter().min_by_key(|d| d.issued);
    if let Some(d) = oldest {
        v.look().seen.row("directive", d.id, d.org, d.tlp);
    }
    Ok(QueueLine {
        name: v.look().t.edge.held,
        oldest: oldest.map(|d| (d.key.to_string(), "/points#held-panel".to_owned(), d.issued)),
        waiting: held.items.len().to_string(),
        href: "/points",
    })
}

/// What somebody else approved alone at night.
async fn second_looks(v: &Signed) -> Result<QueueLine, Fail> {
    let mut owed = super::night::owed(v).await?;
    owed.retain(|review| Some(review.approved_by) != v.caller.person());
    let oldest = match owed.first() {
        Some(first) => Some((super::night::what(v, &first.subject).await?.0, "/night".to_owned(), first.approved_at)),
        None => None,
    };
    Ok(QueueLine { name: v.look().t.night.queue, oldest, waiting: owed.len().to_string(), href: "/night" })
}

/// The short lists draw no markings: their rows are named here.
fn name_rows(look: &Look, home: &Home) {
    let seen = &look.seen;
    home.silent.iter().flatten().for_each(|s| seen.row("sensor", s.id, s.org, s.tlp));
    home.drift.iter().flatten().for_each(|p| seen.row("point", p.point.id, p.point.org, p.point.tlp));
    home.blocks.iter().flatten().for_each(|d| seen.row("directive", d.id, d.org, d.tlp));
    for source in home.sources.iter().flatten().filter(|source| access::is_restricted(source.tlp)) {
        seen.marked(access::Shown::marked("list:sources".to_owned(), source.org));
    }
}

/// The page.
pub(crate) fn draw(look: &Look, home: &Home) -> Vec<Row> {
    let t = look.t;
    name_rows(look, home);
    let mut rows = Vec::new();
    let mut tiles = Vec::new();
    let mut tile = |number: u64, label: &str, href: &str| {
        tiles.push(Tile { number: say::number(number), label: label.to_owned(), href: href.to_owned() });
    };
    if let Some(totals) = &home.totals {
        tile(totals.sessions_day, t.duty.c_sessions, "/attacks");
        tile(totals.sources_day, t.duty.c_sources, "/attacks#sources");
    }
    if let Some(published) = home.published {
        tile(published, t.duty.c_published, "/indicators?state=published");
    }
    if !home.queues.is_empty() {
        let table = queues(look, &home.queues).live("findings indicators points", "/".to_owned());
        rows.push(Row::Full(Panel::new("queues", t.duty.needs_me, vec![Body::Table(Box::new(table))])));
    }
    let (main, side) = (left(look, home), right(look, home));
    if !main.is_empty() || !side.is_empty() {
        rows.push(Row::Even(main, side));
    }
    if !tiles.is_empty() {
        rows.push(Row::Tiles {
            label: t.duty.counts.to_owned(),
            tiles,
            live: Some(("attacks indicators", "/".to_owned())),
        });
    }
    if rows.is_empty() {
        rows.push(Row::Note { tone: "", text: t.duty.needs_none.to_owned() });
    }
    rows
}

fn queues(look: &Look, lines: &[QueueLine]) -> Table {
    let t = look.t;
    let columns = vec![
        Column::new("queue", t.duty.queue),
        Column::new("oldest", t.duty.first_item),
        Column::new("age", t.duty.oldest_age),
        Column::num("waiting", t.duty.waiting),
        Column::new("act", t.frame.actions),
    ];
    Table::new(t, "queues-table", t.duty.oldest, columns, Empty::good(t.duty.needs_none)).rows(lines.iter().map(
        |line| {
            let (oldest, age, act) = match &line.oldest {
                Some((words, href, since)) => (
                    Cell::main(href.clone(), words.clone()),
                    look.age(*since),
                    Cell::Button { href: href.clone(), text: t.duty.go.to_owned() },
                ),
                None => (Cell::good(t.duty.queue_empty), Cell::None, Cell::None),
            };
            vec![Cell::Strong(line.name.to_owned()), oldest, age, Cell::link(line.href, line.waiting.clone()), act]
        },
    ))
}

/// Silent sources and drift.
fn left(look: &Look, home: &Home) -> Vec<Panel> {
    let t = look.t;
    let mut panels = Vec::new();
    if let Some(silent) = &home.silent {
        let body = if home.sensors == 0 {
            let empty = Empty::new(t.duty.no_sensor, t.duty.no_sensor_do);
            let empty = if home.manages_sensors { empty.link("/sensors", t.sensors.enrol) } else { empty };
            Body::Empty(empty)
        } else {
            let columns = vec![
                Column::new("name", t.sensors.one),
                Column::new("state", t.sensors.state),
                Column::new("heard", t.duty.silent_since),
            ];
            let table = Table::new(t, "silent-table", t.duty.silent, columns, Empty::good(t.duty.silent_none));
            Body::Table(Box::new(table.rows(silent.iter().map(|s| {
                vec![
                    Cell::main(format!("/sensors/{}", s.id), s.name.clone()),
                    Cell::Badge(super::sensor::state_badge(look, s.state)),
                    s.last_heard.map_or(Cell::None, |at| look.age(at)),
                ]
            }))))
        };
        panels.push(Panel::new("silent", t.duty.silent, vec![body]).live("sensors", "/"));
    }
    if let Some(drift) = &home.drift {
        let body = if home.points == 0 {
            Body::Empty(Empty::new(t.duty.no_point, t.duty.no_point_do).link("/points", t.nav.points))
        } else {
            let columns = vec![
                Column::new("name", t.edge.one),
                Column::new("state", t.edge.state),
                Column::new("since", t.edge.since),
            ];
            let table = Table::new(t, "drift-table", t.duty.drift, columns, Empty::good(t.duty.drift_none));
            Body::Table(Box::new(table.rows(drift.iter().map(|p| {
                vec![
                    Cell::main(format!("/points/{}", p.point.id), p.point.name.clone()),
                    Cell::Badge(super::point::status_badge(look, p.status)),
                    p.since.map_or(Cell::None, |at| look.age(at)),
                ]
            }))))
        };
        panels.push(Panel::new("drift", t.duty.drift, vec![body]).live("points", "/"));
    }
    panels
}

/// The latest attacks and blocks.
fn right(look: &Look, home: &Home) -> Vec<Panel> {
    let t = look.t;
    let mut panels = Vec::new();
    if let Some(sources) = &home.sources {
        let columns = vec![
            Column::new("source", t.attack.source),
            Column::new("class", t.attack.class),
            Column::new("score", t.attack.score),
            Column::new("last", t.attack.last),
        ];
        let table =
            Table::new(t, "lately-table", t.duty.lately, columns, Empty::new(t.duty.lately_none, t.attack.none_do));
        let table = table.rows(sources.iter().map(|o| {
            vec![
                look.value_at(None, &o.value, super::attack::value_page(&o.value)),
                look.class(o.class.word()),
                look.score(o.score),
                look.time(o.last_at),
            ]
        }));
        let panel = Panel::new("lately", t.duty.lately, vec![Body::Table(Box::new(table))]).live("attacks", "/");
        panels.push(panel.tools(vec![Cell::link("/attacks", t.list.all)]));
    }
    if let Some(blocks) = &home.blocks {
        let columns = vec![
            Column::new("value", t.edge.value),
            Column::new("since", t.edge.since),
            Column::new("expires", t.edge.expires),
        ];
        let table = Table::new(t, "blocks-table", t.duty.blocks, columns, Empty::new(t.duty.blocks_none, ""));
        let table = table.rows(blocks.iter().map(|d| {
            let value = d.key.to_string();
            let href = d.indicator.map_or_else(|| super::attack::value_page(&value), |id| format!("/indicators/{id}"));
            vec![look.value_at(None, &value, href), look.time(d.issued), look.time(d.expires)]
        }));
        let panel = Panel::new("blocks", t.duty.blocks, vec![Body::Table(Box::new(table))]).live("points", "/");
        panels.push(panel.tools(vec![Cell::link("/points", t.list.all)]));
    }
    panels
}
