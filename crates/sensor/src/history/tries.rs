//! Guessing and spraying across sessions: what one source tried at one organisation, by hour, decides the class of all its
//! sessions that are about credentials. Sets of hashes grow by union, so order and repetition change nothing; when the
//! answer of an hour turns, the sessions of that hour outside the batch come into it.

use base::{OrgId, Realm, SessionId, Timestamp, Tlp};
use events::sensor::AttackClass;
use logwire::attack::What;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use store::{Db, Expect, Unit, params};
use uuid::Uuid;

use super::load::{KEY, by_keys, in64};
use super::session::{self, Head, Touched, Work};
use crate::classify::{credential_class, is_credential_class};
use crate::error::SensorError;
use crate::net::{named_id, sort_key};
use crate::sketch::{Distinct, hash64};

/// The window reaches so many hours back and ahead of a session's own hour.
pub(crate) const REACH_HOURS: i64 = 6;
/// Hours with attempts that are remembered of a source at an organisation, the newest ones.
const KEPT_HOURS: usize = 48;
/// What nobody added to for so long is forgotten.
const FORGET_SECS: i64 = 2 * 86_400;

/// What was tried within an hour.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Hour {
    #[serde(rename = "u")]
    users: Distinct<64>,
    #[serde(rename = "p")]
    passwords: Distinct<64>,
}

impl Hour {
    fn extend(&mut self, other: &Self) {
        self.users.extend(&other.users);
        self.passwords.extend(&other.passwords);
    }
}

type Hours = BTreeMap<i64, Hour>;

/// One source at one organisation, as the batch finds and leaves it.
#[derive(Debug)]
struct Tries {
    org: OrgId,
    realm: Realm,
    tlp: Tlp,
    src_key: [u8; 16],
    found: Hours,
    left: Hours,
}

const LOAD: &str = concat!("SELECT id, tlp, hours FROM attack_tries WHERE id IN ", in64!());
const WRITE: &str = "INSERT INTO attack_tries (id, org_id, realm, tlp, at, hours) VALUES ($1,$2,$3,$4,$5,$6)
    ON CONFLICT (id) DO UPDATE SET tlp = excluded.tlp, at = excluded.at, hours = excluded.hours";
const FORGET: &str = "DELETE FROM attack_tries WHERE at < $1";
const OTHERS: &str = "SELECT id FROM attack_session WHERE src_key = $1 AND opened_at >= $2 AND opened_at < $3
    AND org_id = $4 AND realm = $5 AND base_class IN ('credential_guessing', 'credential_spray') AND base_class <> $6";

/// Gives every session about credentials the class of its window, and brings in those whose window's answer turned.
pub(crate) async fn settle(db: &Db, work: &mut Work, now: Timestamp, unit: &mut Unit) -> Result<(), SensorError> {
    let mut book = collect(work);
    for row in by_keys(db, LOAD, book.keys().copied().collect()).await? {
        if let Some(tries) = book.get_mut(&row.get::<Uuid>("id")?) {
            let text: String = row.get("hours")?;
            tries.tlp = tries.tlp.strictest(row.get("tlp")?);
            tries.found = serde_json::from_str(&text).map_err(|e| store::StoreError::Shape(e.to_string()))?;
            for (hour, found) in &tries.found {
                tries.left.entry(*hour).or_default().extend(found);
            }
        }
    }
    for (id, tries) in &mut book {
        while tries.left.len() > KEPT_HOURS {
            tries.left.pop_first();
        }
        if tries.left == tries.found {
            continue;
        }
        let text = serde_json::to_string(&tries.left).map_err(|e| store::StoreError::Shape(e.to_string()))?;
        unit.push(WRITE, params![*id, tries.org, tries.realm, tries.tlp, now, text], Expect::Rows(1));
        others(db, tries, work).await?;
    }
    unit.push(FORGET, params![now.plus_secs(-FORGET_SECS)], Expect::Any);
    for touched in work.values_mut().filter(|touched| is_credential_class(touched.base)) {
        let hour = hour_of(touched.summary.first_at);
        // An hour that is not remembered any more leaves the class as it was.
        let kept = touched.before.as_deref().map(|known| known.base).filter(|base| is_credential_class(*base));
        let told = book.get(&id_of(&touched.head)).and_then(|tries| answer(&tries.left, hour));
        touched.base = told.or(kept).unwrap_or(touched.base);
        touched.class = touched.base;
    }
    Ok(())
}

/// What the batch adds.
fn collect(work: &Work) -> BTreeMap<Uuid, Tries> {
    let mut book = BTreeMap::new();
    for touched in work.values() {
        let tried = || touched.events().iter().any(|(event, _)| matches!(event.what, What::Auth { .. }));
        if !is_credential_class(touched.base) && !tried() {
            continue;
        }
        let head = &touched.head;
        let tries = book.entry(id_of(head)).or_insert_with(|| Tries {
            org: head.org,
            realm: head.realm,
            tlp: head.tlp,
            src_key: sort_key(head.src_ip),
            found: Hours::new(),
            left: Hours::new(),
        });
        tries.tlp = tries.tlp.strictest(head.tlp);
        for (event, at) in touched.events() {
            if let What::Auth { user, password, .. } = &event.what {
                let hour = tries.left.entry(hour_of(*at)).or_default();
                hour.users.add(hash64(&[user]));
                if !password.is_empty() {
                    hour.passwords.add(hash64(&[password]));
                }
            }
        }
    }
    book
}

/// Brings the sessions of hours whose answer turned into the batch.
async fn others(db: &Db, tries: &Tries, work: &mut Work) -> Result<(), SensorError> {
    let mut moved = BTreeSet::new();
    for hour in tries.left.keys() {
        let Some(class) = answer(&tries.left, *hour) else { continue };
        if answer(&tries.found, *hour).is_none_or(|before| before == class) {
            continue;
        }
        let from = Timestamp::from_micros(hour * 3_600_000_000);
        let row = params![&tries.src_key[..], from, from.plus_secs(3_600), tries.org, tries.realm, class.word()];
        for row in db.system_read(KEY, OTHERS, row).await? {
            moved.insert(row.get::<SessionId>("id")?);
        }
    }
    moved.retain(|id| !work.contains_key(id));
    for (id, known) in session::load(db, moved.into_iter().collect()).await? {
        let mut touched = Touched::again(&Arc::new(known));
        touched.settle(&[]);
        work.insert(id, touched);
    }
    Ok(())
}

/// The class of the sessions of an hour; none when nothing was remembered of that hour's window.
fn answer(hours: &Hours, hour: i64) -> Option<AttackClass> {
    let mut window = Hour::default();
    for near in hours.range(hour - REACH_HOURS..=hour + REACH_HOURS).map(|(_, near)| near) {
        window.extend(near);
    }
    (!window.users.is_empty()).then(|| credential_class(window.users.count(), window.passwords.count()))
}

fn id_of(head: &Head) -> Uuid {
    let realm = head.realm.to_string();
    let parts: [&[u8]; 4] = [b"tries", head.org.0.as_bytes(), realm.as_bytes(), &sort_key(head.src_ip)];
    named_id(&parts)
}

const fn hour_of(at: Timestamp) -> i64 {
    at.as_secs().div_euclid(3_600)
}
