//! Attacks: the timeline and the table of sources.

use access::Shown;
use base::Timestamp;
use events::sensor::{Aim, AttackClass, ValueKind};
use sensor::model::{Observable, ObservableFilter, TimelineBar};
use store::page::Page;
use text::{Words, names};

use crate::error::{Answer, Fail};
use crate::query::{Expr, Val};
use crate::view::chart::{Chart, Histogram};
use crate::view::{Badge, Body, Cell, Column, Empty, Head, Look, Panel, Row, Tab, Tone};
use crate::web::list::{self, CHUNK, Spec};
use crate::web::visit::Signed;
use crate::web::{answer, list as lists};

/// Ranges offered above the timeline: word in the address, seconds.
const RANGES: [(&str, i64); 6] =
    [("15m", 900), ("1h", 3_600), ("6h", 21_600), ("24h", 86_400), ("7d", 604_800), ("30d", 2_592_000)];
const DEFAULT: (&str, i64) = ("24h", 86_400);

/// The span of time a page is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Range {
    pub(crate) from: Timestamp,
    pub(crate) to: Timestamp,
    /// The word of the range where it ends now.
    word: Option<&'static str>,
}

impl Range {
    /// The span the address names: `range=6h`, or `from` and `to`; otherwise the last day.
    pub(crate) fn of(look: &Look) -> Self {
        let at = |key: &str| look.here.get(key).and_then(|text| text.parse::<Timestamp>().ok());
        if let (Some(from), Some(to)) = (at("from"), at("to"))
            && from < to
        {
            return Self { from, to, word: None };
        }
        let wanted = look.here.get("range").unwrap_or_default();
        let (word, seconds) = RANGES.into_iter().find(|(word, _)| *word == wanted).unwrap_or(DEFAULT);
        Self { from: look.now.plus_secs(-seconds), to: look.now, word: Some(word) }
    }

    /// The width of a bar: what [`sensor::Reads::timeline`] counts by.
    const fn bar_secs(self) -> i64 {
        match self.to.since(self.from) / 1_000_000 {
            0..=21_600 => 60,
            21_601..=2_592_000 => 3_600,
            _ => 86_400,
        }
    }
}

/// `GET /attacks`.
pub(crate) async fn page(v: Signed) -> Answer {
    let (look, reads) = (v.look(), &v.ctx().attacks);
    let range = Range::of(look);
    let bars = reads.timeline(v.clearance(), range.from, range.to).await?;
    let loaded = list::load(look, &SOURCES, |expr, after| sources(&v, range, expr, after)).await?;
    if let Some(file) = list::export(&v, &SOURCES, &loaded).await {
        return file;
    }
    answer::page_with_chart(&v, Head::new(look.t.attack.title, ""), Vec::new(), draw(look, &bars, &loaded))
}

/// The timeline above the table of sources.
pub(crate) fn draw(look: &Look, bars: &[TimelineBar], loaded: &list::Loaded<Observable>) -> Vec<Row> {
    let range = Range::of(look);
    let chart = Panel::new("timeline", look.t.attack.timeline, vec![timeline(look, range, bars)])
        .lead(look.t.attack.timeline_lead)
        .tools(ranges(look, range))
        .live("attacks", look.here.href());
    let table = list::table(look, &SOURCES, loaded, class_tabs(look));
    vec![
        Row::Full(chart),
        Row::Full(
            Panel::new("sources", look.t.attack.sources, vec![Body::Table(Box::new(table))]).tools(vec![
                Cell::link("/sessions", look.t.nav.sessions),
                Cell::link("/campaigns", look.t.nav.campaigns),
            ]),
        ),
    ]
}

async fn sources(
    v: &Signed,
    range: Range,
    expr: Expr,
    after: Option<String>,
) -> Result<lists::Chunk<Observable>, Fail> {
    let filter = ObservableFilter {
        kind: expr.must_be("kind").and_then(ValueKind::from_word),
        class: chosen_class(v.look(), &expr),
        min_score: None,
        since: Some(range.from),
    };
    let paged = v.ctx().attacks.observables(v.clearance(), &filter, &Page { after, limit: CHUNK }).await?;
    Ok((paged.items, paged.next))
}

/// The class chosen by the legend or named in the query.
pub(crate) fn chosen_class(look: &Look, expr: &Expr) -> Option<AttackClass> {
    look.here.get("class").or_else(|| expr.must_be("class")).and_then(AttackClass::from_word)
}

fn class_tabs(look: &Look) -> Vec<Tab> {
    let Some(class) = look.here.get("class") else { return Vec::new() };
    vec![lists::tab(look, "class", "", look.t.list.all), lists::tab(look, "class", class, look.class_name(class))]
}

fn ranges(look: &Look, range: Range) -> Vec<Cell> {
    let a = &look.t.attack;
    let words = [a.r_15m, a.r_1h, a.r_6h, a.r_24h, a.r_7d, a.r_30d];
    let home = look.here.with("from", "").with("to", "").with("after", "").with("format", "");
    let mut cells: Vec<Cell> = RANGES
        .iter()
        .zip(words)
        .map(|((word, _), label)| match range.word {
            Some(now) if now == *word => Cell::Strong(label.to_owned()),
            _ => Cell::link(home.with("range", word).href(), label),
        })
        .collect();
    let width = range.to.since(range.from);
    let moved = |by: i64| {
        let shift = |at: Timestamp| Timestamp::from_micros(at.as_micros().saturating_add(by)).rfc3339();
        look.here.with("range", "").with("from", &shift(range.from)).with("to", &shift(range.to)).href()
    };
    cells.push(Cell::link(moved(-width), a.earlier));
    if range.to < look.now {
        cells.push(Cell::link(moved(width), a.later));
    }
    cells
}

/// The timeline, or what to do when there is nothing in it.
pub(crate) fn timeline(look: &Look, range: Range, bars: &[TimelineBar]) -> Body {
    if bars.is_empty() {
        return Body::Empty(Empty::new(look.t.attack.none, look.t.attack.none_do));
    }
    let histogram = histogram(range, bars);
    let chosen = look.here.get("class").unwrap_or_default().to_owned();
    let chart = Chart::draw(look, &histogram, |class| {
        let current = chosen == class;
        (look.here.with("after", "").with("class", if current { "" } else { class }).href(), current)
    });
    Body::Chart(Box::new(chart))
}

/// Every bar of the range, also the empty ones, with the classes that occur, most telling first.
fn histogram(range: Range, bars: &[TimelineBar]) -> Histogram {
    let classes: Vec<AttackClass> =
        AttackClass::ALL.into_iter().rev().filter(|class| bars.iter().any(|bar| bar.class == *class)).collect();
    let width = range.bar_secs();
    let first = range.from.as_secs().div_euclid(width) * width;
    let count = usize::try_from((range.to.as_secs() - first).div_euclid(width) + 1).unwrap_or(1).min(2_000);
    let mut bins: Vec<(Timestamp, Vec<u64>)> = (0..count)
        .map(|i| Timestamp::EPOCH.plus_secs(first + i64::try_from(i).unwrap_or(0) * width))
        .map(|at| (at, vec![0; classes.len()]))
        .collect();
    for bar in bars {
        let index = usize::try_from((bar.at.as_secs() - first).div_euclid(width)).ok();
        let class = classes.iter().position(|class| *class == bar.class);
        let cell =
            index.and_then(|i| bins.get_mut(i)).zip(class).and_then(|((_, counts), class)| counts.get_mut(class));
        if let Some(cell) = cell {
            *cell += bar.sessions;
        }
    }
    let classes = classes.iter().map(|class| class.word().to_owned()).collect();
    Histogram { from: Timestamp::EPOCH.plus_secs(first), to: range.to.max(range.from.plus_secs(1)), classes, bins }
}

/// The table of sources.
pub(crate) const SOURCES: Spec<Observable> = Spec {
    id: "sources-list",
    live: "attacks",
    caption: |t| t.attack.sources,
    columns: source_columns,
    fields: &[
        ("source", |t| t.attack.source),
        ("kind", |t| t.attack.kind),
        ("class", |t| t.attack.class),
        ("score", |t| t.attack.score),
        ("sessions", |t| t.attack.sessions),
        ("sensors", |t| t.attack.sensors),
        ("aim", |t| t.attack.aim),
        ("org", |t| t.work.org),
        ("first", |t| t.attack.first),
        ("last", |t| t.attack.last),
    ],
    cells: source_cells,
    values: source_values,
    tlp: |row| row.tlp,
    row: |row| Shown::marked("list:sources".to_owned(), row.org),
    personal: false,
    empty: |t| Empty::new(t.attack.none, t.attack.none_do),
};

fn source_columns(t: &Words) -> Vec<Column> {
    vec![
        Column::new("source", t.attack.source),
        Column::new("class", t.attack.class),
        Column::new("score", t.attack.score),
        Column::num("sessions", t.attack.sessions),
        Column::num("sensors", t.attack.sensors),
        Column::new("aim", t.attack.aim),
        Column::new("first", t.attack.first),
        Column::new("last", t.attack.last),
        Column::new("marking", t.list.marking),
    ]
}

/// The page that tells everything about a value.
pub(crate) fn value_page(value: &str) -> String {
    format!("/search?q={}", crate::view::url::part(&crate::query::quote(value)))
}

fn source_cells(look: &Look, row: &Observable) -> Vec<Cell> {
    let sessions =
        crate::view::url::Query::at("/sessions").with("q", &format!("source:{}", crate::query::quote(&row.value)));
    let known = row.benign.as_ref().map_or_else(|| aim(look, row.aim), |name| Cell::text(name.clone()));
    vec![
        look.value_at(Some("source"), &row.value, value_page(&row.value)),
        look.class(row.class.word()),
        look.score(row.score),
        Cell::link(sessions.href(), text::say::number(row.sessions)),
        Cell::Num(row.sensors),
        known,
        look.time(row.first_at),
        look.time(row.last_at),
        look.tlp(row.tlp),
    ]
}

/// Noise, targeted or undecided.
pub(crate) fn aim(look: &Look, aim: Aim) -> Cell {
    let word = names::aim(look.lang(), aim.word()).unwrap_or(aim.word());
    match aim {
        Aim::Targeted => Cell::Badge(Badge::of(Tone::High, word)),
        Aim::Noise => Cell::Badge(Badge::of(Tone::Low, word)),
        Aim::Undecided => Cell::text(word),
    }
}

fn source_values(look: &Look, row: &Observable) -> Vec<(&'static str, Val)> {
    vec![
        ("source", row.value.as_str().into()),
        ("kind", row.kind.word().into()),
        ("class", row.class.word().into()),
        ("class", look.class_name(row.class.word()).into()),
        ("score", Val::Number(row.score * 100.0)),
        ("sessions", Val::Number(row.sessions as f64)),
        ("sensors", Val::Number(row.sensors as f64)),
        ("aim", row.aim.word().into()),
        ("aim", names::aim(look.lang(), row.aim.word()).unwrap_or_default().into()),
        ("org", row.org.map(|org| look.org_name(org)).unwrap_or_default().into()),
        ("first", Val::Time(row.first_at)),
        ("last", Val::Time(row.last_at)),
    ]
}
