//! Floods and the timeline's bars: what a session counts as depends on how many sessions without content its source opened
//! at the same sensor in the same minute. Both directions are followed, so that the order of arrival changes nothing.

use base::Timestamp;
use events::sensor::AttackClass;
use std::collections::BTreeMap;
use store::{Db, Expect, Unit, params};
use uuid::Uuid;

use super::load::{by_keys, in64};
use super::session::{Head, Work};
use crate::classify::{as_flood, is_empty_class};
use crate::error::SensorError;
use crate::net::{named_id, sort_key};
use crate::summary::Summary;

/// The bars of the timeline, seconds: minute, hour, day.
pub(crate) const STEPS: [i64; 3] = [60, 3_600, 86_400];

/// Sessions without content of one source at one sensor in one minute.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Count {
    scans: i64,
    scan_events: i64,
    banners: i64,
    banner_events: i64,
}

impl Count {
    const fn sessions(self) -> i64 {
        self.scans + self.banners
    }

    fn add(&mut self, class: AttackClass, events: u64, sign: i64) {
        let events = i64::try_from(events).unwrap_or(i64::MAX) * sign;
        if class == AttackClass::Scan {
            self.scans += sign;
            self.scan_events += events;
        } else {
            self.banners += sign;
            self.banner_events += events;
        }
    }
}

/// One source at one sensor in one minute, as the batch finds and leaves it.
#[derive(Debug)]
struct Minute {
    head: Head,
    start: i64,
    found: Count,
    /// Without the sessions of this batch.
    untouched: Count,
    left: Count,
}

type Bar = (i64, i64, Uuid, String, i64, AttackClass);

/// Bars to change: sessions and events.
#[derive(Debug, Default)]
struct Bars(BTreeMap<Bar, (i64, i64)>);

impl Bars {
    fn add(&mut self, head: &Head, at: Timestamp, class: AttackClass, sessions: i64, events: i64) {
        for step in STEPS {
            let start = at.as_secs().div_euclid(step) * step * 1_000_000;
            let bar = (step, start, head.org.0, head.realm.to_string(), head.tlp.rank(), class);
            let entry = self.0.entry(bar).or_default();
            entry.0 += sessions;
            entry.1 += events;
        }
    }
}

const LOAD: &str =
    concat!("SELECT id, scans, scan_events, banners, banner_events FROM attack_minute WHERE id IN ", in64!());
const WRITE: &str =
    "INSERT INTO attack_minute (id, org_id, realm, tlp, minute, scans, scan_events, banners, banner_events)
    VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9)
    ON CONFLICT (id) DO UPDATE SET scans = excluded.scans, scan_events = excluded.scan_events,
        banners = excluded.banners, banner_events = excluded.banner_events";
const BECOME_FLOOD: &str = "UPDATE attack_session SET class = 'flood' WHERE src_key = $1 AND sensor_id = $2
    AND opened_at >= $3 AND opened_at < $4 AND base_class IN ('scan', 'banner_grab')";
const BECOME_BASE: &str = "UPDATE attack_session SET class = base_class WHERE src_key = $1 AND sensor_id = $2
    AND opened_at >= $3 AND opened_at < $4 AND class = 'flood'";
const WRITE_BAR: &str = "INSERT INTO attack_rollup (step, at, org_id, realm, tlp, class, sessions, events)
    VALUES ($1,$2,$3,$4,$5,$6,$7,$8)
    ON CONFLICT (step, at, org_id, realm, tlp, class) DO UPDATE SET
        sessions = attack_rollup.sessions + excluded.sessions, events = attack_rollup.events + excluded.events";

/// Settles the class of every touched session and the bars of the timeline. The statements go into `unit`; those that
/// change sessions outside the batch must run after the touched ones are written.
pub(crate) async fn settle(db: &Db, work: &mut Work, unit: &mut Unit) -> Result<(), SensorError> {
    let mut minutes = count(work);
    for row in by_keys(db, LOAD, minutes.keys().copied().collect()).await? {
        if let Some(minute) = minutes.get_mut(&row.get::<Uuid>("id")?) {
            let found = Count {
                scans: row.get("scans")?,
                scan_events: row.get("scan_events")?,
                banners: row.get("banners")?,
                banner_events: row.get("banner_events")?,
            };
            minute.found = found;
            minute.untouched = plus(found, minute.untouched);
            minute.left = plus(found, minute.left);
        }
    }
    let mut bars = Bars::default();
    for touched in work.values_mut() {
        let shown = |base: AttackClass, summary: &Summary, after: bool| {
            let minute = minutes.get(&minute_id(&touched.head, summary));
            let neighbours = minute.map_or(0, |m| if after { m.left.sessions() } else { m.found.sessions() });
            as_flood(base, neighbours).map_or(base, |(class, _)| class)
        };
        if let Some(before) = &touched.before {
            let class = shown(before.base, &before.summary, false);
            bars.add(&before.head, before.summary.first_at, class, -1, -events(&before.summary));
        }
        touched.class = shown(touched.base, &touched.summary, true);
        bars.add(&touched.head, touched.summary.first_at, touched.class, 1, events(&touched.summary));
    }
    for (id, minute) in &minutes {
        write(*id, minute, &mut bars, unit);
    }
    for ((step, at, org, realm, tlp, class), (sessions, events)) in bars.0 {
        if (sessions, events) != (0, 0) {
            let row = params![step, at, org, realm, tlp, class.word(), sessions, events];
            unit.push(WRITE_BAR, row, Expect::Rows(1));
        }
    }
    Ok(())
}

/// Takes the touched sessions out of their old minutes and puts them into their new ones; counts are differences still.
fn count(work: &Work) -> BTreeMap<Uuid, Minute> {
    let mut minutes = BTreeMap::new();
    for touched in work.values() {
        let before = touched.before.as_deref().map(|known| (known.base, &known.summary, -1));
        for (base, summary, sign) in before.into_iter().chain([(touched.base, &touched.summary, 1)]) {
            if !is_empty_class(base) {
                continue;
            }
            let minute = minutes.entry(minute_id(&touched.head, summary)).or_insert_with(|| Minute {
                head: touched.head.clone(),
                start: minute_of(summary),
                found: Count::default(),
                untouched: Count::default(),
                left: Count::default(),
            });
            minute.left.add(base, summary.events, sign);
            if sign < 0 {
                minute.untouched.add(base, summary.events, sign);
            }
        }
    }
    minutes
}

fn write(id: Uuid, minute: &Minute, bars: &mut Bars, unit: &mut Unit) {
    let (head, left, untouched) = (&minute.head, minute.left, minute.untouched);
    let row = params![
        id,
        head.org,
        head.realm,
        head.tlp,
        minute.start * 60_000_000,
        left.scans,
        left.scan_events,
        left.banners,
        left.banner_events,
    ];
    unit.push(WRITE, row, Expect::Rows(1));
    let flooded = |count: Count| as_flood(AttackClass::Scan, count.sessions()).is_some();
    let (was, is) = (flooded(minute.found), flooded(left));
    if was == is {
        return;
    }
    let sign = if is { 1 } else { -1 };
    let at = Timestamp::from_micros(minute.start * 60_000_000);
    let events = untouched.scan_events + untouched.banner_events;
    bars.add(head, at, AttackClass::Flood, sign * untouched.sessions(), sign * events);
    bars.add(head, at, AttackClass::Scan, -sign * untouched.scans, -sign * untouched.scan_events);
    bars.add(head, at, AttackClass::BannerGrab, -sign * untouched.banners, -sign * untouched.banner_events);
    let sql = if is { BECOME_FLOOD } else { BECOME_BASE };
    let row = params![&sort_key(head.src_ip)[..], head.sensor, at, at.plus_secs(60)];
    unit.push(sql, row, Expect::Any);
}

const fn plus(a: Count, b: Count) -> Count {
    Count {
        scans: a.scans + b.scans,
        scan_events: a.scan_events + b.scan_events,
        banners: a.banners + b.banners,
        banner_events: a.banner_events + b.banner_events,
    }
}

fn events(summary: &Summary) -> i64 {
    i64::try_from(summary.events).unwrap_or(i64::MAX)
}

const fn minute_of(summary: &Summary) -> i64 {
    summary.first_at.as_secs().div_euclid(60)
}

fn minute_id(head: &Head, summary: &Summary) -> Uuid {
    let parts: [&[u8]; 4] =
        [b"minute", head.sensor.0.as_bytes(), &sort_key(head.src_ip), &minute_of(summary).to_be_bytes()];
    named_id(&parts)
}
