//! The TV wall: how bad it is, what is happening, what is late. Big, few, no control; it refreshes by itself.
//!
//! Numbers are counted over the whole centre as leadership sees it; no organisation, address or person is named, so
//! that nothing on the page is above its marking.

use access::{Action, Caller, Grant, Who};
use base::{Role, Timestamp, Tlp};
use detect::{Filter, FindingState};
use edge::DirectiveState;
use edge::service::views::Status;
use events::sensor::AttackClass;
use sensor::model::SensorState;
use store::page::Page;
use text::{names, say};

use crate::error::{Answer, Fail};
use crate::view::wall::{Bar, Late, Level, Tile, WallPage};
use crate::view::{Look, Tone};
use crate::web::answer;
use crate::web::visit::Signed;

/// Rows read of each list.
const MOST: u32 = 200;
/// A finding that nobody took is late after so many seconds, by severity 1 to 4.
const LATE: [i64; 4] = [86_400, 8 * 3_600, 3_600, 900];
/// A block that waits for a second person is late after so many seconds.
const LATE_HELD: i64 = 900;
/// Lines shown of what is late, and of the classes.
const LINES: usize = 4;

/// What the wall is drawn from: totals, and nothing that names anybody.
#[derive(Debug, Default)]
pub(crate) struct Wall {
    /// Sessions of the last hour by class, busiest first.
    pub(crate) classes: Vec<(AttackClass, u64)>,
    /// Sessions of the hour before.
    pub(crate) before: u64,
    /// Findings nobody took: severity, rule, since when.
    pub(crate) waiting: Vec<(u8, String, Timestamp)>,
    /// How many those are in all.
    pub(crate) untaken: u64,
    /// Blocks that wait too long for a second person.
    pub(crate) held: usize,
    /// Night approvals past their time.
    pub(crate) night: usize,
    pub(crate) points: usize,
    pub(crate) points_bad: usize,
    pub(crate) blocks: usize,
    pub(crate) blocks_more: bool,
    pub(crate) killed: bool,
    pub(crate) sensors: usize,
    pub(crate) sensors_bad: usize,
}

/// `GET /wall`.
pub(crate) async fn page(v: Signed) -> Answer {
    v.caller.require(Action::ReadWall)?;
    let wall = load(&v).await?;
    answer::html(&draw(v.look(), &v.ctx().identity, &wall))
}

/// Whose eyes count: a wall of the centre counts the centre, any other only what is shared with it.
fn counting(caller: &Caller) -> Caller {
    let centre = caller.centre();
    let here = caller.grants().iter().any(|grant| grant.org == centre && grant.actions.contains(&Action::ReadWall));
    if !here {
        return caller.clone();
    }
    let grants = vec![Grant::of_role(Role::Leadership, centre, [])];
    Caller::mint(Who::System("portal.wall"), centre, centre, grants, caller.realm(), Tlp::AmberStrict)
}

async fn load(v: &Signed) -> Result<Wall, Fail> {
    let (ctx, now) = (v.ctx(), v.look().now);
    let eyes = counting(&v.caller);
    let who = eyes.clearance();
    let first = Page::first(MOST);
    let mut wall = Wall::default();
    let hour = now.plus_secs(-3_600);
    for bar in ctx.attacks.timeline(who, now.plus_secs(-7_200), now.plus_secs(60)).await? {
        if bar.at < hour {
            wall.before += bar.sessions;
            continue;
        }
        match wall.classes.iter_mut().find(|(class, _)| *class == bar.class) {
            Some((_, count)) => *count += bar.sessions,
            None => wall.classes.push((bar.class, bar.sessions)),
        }
    }
    wall.classes.sort_by_key(|(class, count)| (std::cmp::Reverse(*count), *class));
    // The worst and oldest come first, so that what is late is among those that were read.
    let open = ctx.detect.list(who, &Filter::default(), &first).await?.items;
    let new = open.into_iter().filter(|f| f.state == FindingState::New);
    wall.waiting = new.map(|f| (f.severity, f.rule, f.first_at)).collect();
    wall.untaken = ctx.detect.groups(who).await?.iter().map(|group| group.new).sum();
    let held = ctx.edge.directives(who, DirectiveState::Held, &first).await?.items;
    wall.held = held.iter().filter(|block| now.since(block.issued) > LATE_HELD * 1_000_000).count();
    let owed = ctx.access.retro_open(&eyes, &first).await?.items;
    wall.night = owed.iter().filter(|review| review.due_at < now).count();
    let points = ctx.edge.points(who, &first).await?.items;
    wall.points = points.len();
    wall.points_bad =
        points.iter().filter(|p| matches!(p.status, Status::Silent | Status::Behind | Status::Trouble)).count();
    let blocks = ctx.edge.directives(who, DirectiveState::Active, &first).await?;
    (wall.blocks, wall.blocks_more) = (blocks.items.len(), blocks.next.is_some());
    wall.killed = ctx.edge.config(who.realm()).await?.kill || points.iter().any(|p| p.point.kill);
    let sensors = ctx.fleet.list(who).await?;
    let counted = |s: &&sensor::model::Sensor| s.state != SensorState::Revoked;
    wall.sensors = sensors.iter().filter(counted).count();
    wall.sensors_bad = sensors
        .iter()
        .filter(|s| matches!(s.state, SensorState::Silent | SensorState::Missing | SensorState::Impaired))
        .count();
    Ok(wall)
}

/// The page.
pub(crate) fn draw(look: &Look, identity: &crate::ctx::Identity, wall: &Wall) -> WallPage {
    let t = look.t;
    let late = late(look, wall);
    let (tone, word, reasons) = level(look, wall, !late.is_empty());
    let hour: u64 = wall.classes.iter().map(|(_, count)| count).sum();
    let most = wall.classes.first().map_or(1, |(_, count)| (*count).max(1));
    let bars = wall.classes.iter().take(LINES).map(|(class, count)| Bar {
        class: class.word(),
        name: look.class_name(class.word()),
        count: say::number(*count),
        width: count.saturating_mul(100) / most,
    });
    let state = |bad: usize| if bad == 0 { Tone::Good } else { Tone::High };
    let fraction = |ok: usize, all: usize| {
        if all == 0 { t.wall.none_yet.to_owned() } else { format!("{ok} / {all}") }
    };
    let worst = wall.waiting.iter().map(|(severity, ..)| *severity).max();
    let tiles = vec![
        Tile {
            label: t.wall.findings,
            number: say::number(wall.untaken),
            note: worst.map(|level| names::severity(look.lang(), level).to_owned()).unwrap_or_default(),
            tone: worst.map_or(Tone::Good, look_tone),
        },
        Tile {
            label: t.wall.points,
            number: fraction(wall.points - wall.points_bad, wall.points),
            note: t.wall.points_ok.to_owned(),
            tone: state(wall.points_bad),
        },
        Tile {
            label: t.wall.blocks,
            number: format!("{}{}", wall.blocks, if wall.blocks_more { "+" } else { "" }),
            note: if wall.killed { t.edge.kill.to_owned() } else { String::new() },
            tone: if wall.killed { Tone::Critical } else { Tone::Good },
        },
        Tile {
            label: t.wall.sensors,
            number: fraction(wall.sensors - wall.sensors_bad, wall.sensors),
            note: t.wall.sensors_ok.to_owned(),
            tone: state(wall.sensors_bad),
        },
    ];
    let shown = late.len().min(LINES);
    WallPage {
        t,
        theme: look.theme,
        centre: identity.name.clone(),
        demo: identity.demo,
        zone: look.zone.name().to_owned(),
        now: look.when(look.now),
        tlp: look.tlp(Tlp::Green),
        level: Level { tone, word, reasons },
        hour: say::number(hour),
        before: say::number(wall.before),
        bars: bars.collect(),
        more_late: (late.len() - shown) as u64,
        late: late.into_iter().take(LINES).collect(),
        tiles,
    }
}

const fn look_tone(severity: u8) -> Tone {
    match severity {
        0 | 1 => Tone::Low,
        2 => Tone::Medium,
        3 => Tone::High,
        _ => Tone::Critical,
    }
}

/// How bad it is, and why, in words of the catalogue.
fn level(look: &Look, wall: &Wall, late: bool) -> (Tone, &'static str, Vec<&'static str>) {
    let w = &look.t.wall;
    let worst = wall.waiting.iter().map(|(severity, ..)| *severity).max().unwrap_or(0);
    let mut reasons = Vec::new();
    let mut tone = 0;
    let mut because = |is: bool, level: u8, words: &'static str| {
        if is {
            reasons.push(words);
            tone = tone.max(level);
        }
    };
    because(wall.killed, 3, w.because_kill);
    because(late, if worst == 4 { 3 } else { 2 }, w.because_late);
    because(worst > 0, if worst >= 3 { 2 } else { 1 }, w.because_findings);
    because(wall.points_bad > 0, if wall.points_bad == wall.points { 3 } else { 2 }, w.because_points);
    because(wall.sensors_bad > 0, if wall.sensors_bad == wall.sensors { 2 } else { 1 }, w.because_sensors);
    match tone {
        0 => (Tone::Good, w.calm, vec![w.because_calm]),
        1 => (Tone::Medium, w.watch, reasons),
        2 => (Tone::High, w.serious, reasons),
        _ => (Tone::Critical, w.critical, reasons),
    }
}

/// What is late, the worst and oldest first.
fn late(look: &Look, wall: &Wall) -> Vec<Late> {
    let over = |severity: u8, since: Timestamp| {
        let limit = LATE.get(usize::from(severity.clamp(1, 4)) - 1).copied().unwrap_or(86_400);
        look.now.since(since) / 1_000_000 > limit
    };
    let mut waiting: Vec<_> = wall.waiting.iter().filter(|(severity, _, since)| over(*severity, *since)).collect();
    waiting.sort_by_key(|(severity, _, since)| (std::cmp::Reverse(*severity), *since));
    let several = |count: usize, words: &str| {
        (count > 0).then(|| Late {
            tone: Tone::High,
            word: say::number(count as u64),
            what: words.to_owned(),
            age: None,
        })
    };
    let first =
        several(wall.night, look.t.wall.late_night).into_iter().chain(several(wall.held, look.t.wall.late_blocks));
    first
        .chain(waiting.into_iter().map(|(severity, rule, since)| Late {
            tone: look_tone(*severity),
            word: names::severity(look.lang(), *severity).to_owned(),
            what: super::finding::rule_name(look, rule),
            age: Some(look.when(*since)),
        }))
        .collect()
}
