//! Findings on both databases: raising, acts of people, silences, lists and what a clearance hides.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test says by panicking what went wrong"
)]

use access::{Caller, Grant, LoginId, Who};
use base::{AddressScope, Env, FindingId, OrgId, PersonId, Realm, Role, Timestamp, Tlp};
use detect::{
    Detect, DetectError, Fact, Filter, FindingOutcome, FindingState, Raise, Refusal, SilenceScope, Subject, Which, Why,
};
use events::Event;
use std::sync::{Arc, Mutex};
use store::outbox::Consumer;
use store::page::Page;
use store::{Actor, Db, Migration, StoreError, Unit, params};
use uuid::Uuid;

/// The organisation tree belongs to another room; reads need its closure.
const CLOSURE: &[Migration] = &[Migration {
    number: 499,
    name: "test_closure",
    sql: "CREATE TABLE org_closure (ancestor_id @id NOT NULL, descendant_id @id NOT NULL) @strict;",
}];
const CENTRE: OrgId = OrgId(Uuid::from_u128(1));
const MEMBER: OrgId = OrgId(Uuid::from_u128(2));
const OTHER: OrgId = OrgId(Uuid::from_u128(3));

fn schema() -> [&'static [Migration]; 2] {
    [detect::MIGRATIONS, CLOSURE]
}

fn person(n: u128, role: Role, org: OrgId) -> Caller {
    let who = Who::Person { id: PersonId(Uuid::from_u128(n)), login: LoginId(Uuid::from_u128(n)) };
    Caller::mint(who, org, CENTRE, vec![Grant::of_role(role, org, [])], Realm::Real, Tlp::Red)
}

fn raise(org: OrgId, value: &str, severity: u8, at: Timestamp) -> Raise {
    Raise {
        org,
        realm: Realm::Real,
        tlp: Tlp::Amber,
        scope: AddressScope::Global,
        rule: "sensor.download".into(),
        severity,
        subject: Subject { kind: "ipv4".into(), value: value.into() },
        params: serde_json::json!({ "value": value }),
        why: Why { facts: vec![Fact { name: "sessions".into(), value: "3".into() }], ..Why::default() },
        first_at: at,
        last_at: at,
        campaign: None,
    }
}

fn system() -> Actor {
    Actor::System("test".into())
}

async fn one(detect: &Detect) -> detect::Finding {
    let all = detect.list(&testkit::all(), &Filter { which: Which::All, ..Filter::default() }, &Page::first(10)).await;
    let mut items = all.unwrap().items;
    assert_eq!(items.len(), 1);
    items.remove(0)
}

/// What the outbox holds so far, in order.
async fn heard(db: &Db, env: &Env, consumer: &'static str) -> Vec<Event> {
    let seen: Arc<Mutex<Vec<Event>>> = Arc::default();
    let (out, now) = (Arc::clone(&seen), env.now());
    let handler = move |stored: store::outbox::Stored| {
        out.lock().unwrap().push(stored.event.event);
        async move { Ok::<_, StoreError>(Unit::new(Actor::System("test".into()), now)) }
    };
    Consumer::new(consumer).drain(db, handler).await.unwrap();
    let seen = seen.lock().unwrap();
    seen.clone()
}

#[tokio::test]
async fn one_row_counts_what_comes_again() {
    testkit::each_db_at(&schema(), |db, env, clock| async move {
        let detect = Detect::new(db.clone(), env.clone());
        for severity in [2, 2, 3] {
            detect.raise(raise(MEMBER, "203.0.113.7", severity, env.now()), system()).await.unwrap();
            clock.advance_secs(60);
        }
        let row = one(&detect).await;
        assert_eq!((row.count, row.severity, row.state), (3, 3, FindingState::New));
        assert_eq!(row.why.facts[0].value, "3");
        let events = heard(&db, &env, "test").await;
        let severities: Vec<u8> = events
            .iter()
            .filter_map(|e| if let Event::FindingRaised(f) = e { Some(f.severity) } else { None })
            .collect();
        assert_eq!(severities, [2, 3], "heard when it appears and when it rises");
    })
    .await;
}

#[tokio::test]
async fn people_take_resolve_and_undo() {
    testkit::each_db(&schema(), |db, env| async move {
        let detect = Detect::new(db.clone(), env.clone());
        detect.raise(raise(MEMBER, "203.0.113.7", 2, env.now()), system()).await.unwrap();
        let row = one(&detect).await;
        let officer = person(10, Role::Tier1, CENTRE);
        let taken = detect.take(&officer, row.id, row.version).await.unwrap();
        assert_eq!((taken.state, taken.owner), (FindingState::Taken, officer.person()));
        let late = detect.take(&person(11, Role::Tier1, CENTRE), row.id, row.version).await;
        assert!(matches!(late, Err(DetectError::Store(StoreError::Conflict(_)))), "the row moved meanwhile");
        let empty = detect.resolve(&officer, row.id, taken.version, FindingOutcome::Benign, " ").await;
        assert!(matches!(empty, Err(DetectError::Refused(Refusal::Reason))));
        let done =
            detect.resolve(&officer, row.id, taken.version, FindingOutcome::Benign, "our scanner").await.unwrap();
        assert_eq!(detect.get(&testkit::all(), row.id).await.unwrap().unwrap(), done, "what was returned is the row");
        let back = detect.undo(&officer, row.id, done.version).await.unwrap();
        assert_eq!((back.state, back.outcome), (FindingState::Taken, None));
        let again = detect.resolve(&officer, row.id, back.version, FindingOutcome::TruePositive, "bot").await.unwrap();
        // The same subject fires again: a new finding, which has been seen before.
        detect.raise(raise(MEMBER, "203.0.113.7", 2, env.now()), system()).await.unwrap();
        let open = detect.list(&testkit::all(), &Filter::default(), &Page::first(10)).await.unwrap().items;
        assert_eq!(open.len(), 1);
        let past = detect.past(&testkit::all(), &open[0]).await.unwrap();
        assert_eq!((past.times, past.last_outcome), (1, Some(FindingOutcome::TruePositive)));
        let blocked = detect.undo(&officer, row.id, again.version).await;
        assert!(matches!(blocked, Err(DetectError::NewerOpen)), "two open ones about the same subject never exist");
        let kinds: Vec<&str> = heard(&db, &env, "test").await.iter().map(Event::kind).collect();
        let (raised, resolved) = ("detect.finding_raised", "detect.finding_resolved");
        assert_eq!(kinds, [raised, resolved, raised, resolved, raised]);
    })
    .await;
}

#[tokio::test]
async fn a_clearance_hides_and_permits_bind() {
    testkit::each_db(&schema(), |db, env| async move {
        let detect = Detect::new(db.clone(), env.clone());
        detect.raise(raise(MEMBER, "203.0.113.7", 2, env.now()), system()).await.unwrap();
        let row = one(&detect).await;
        const PUT: &str = "INSERT INTO org_closure (ancestor_id, descendant_id) VALUES ($1, $1)";
        let unit = Unit::new(system(), env.now()).exec(PUT, params![MEMBER]).exec(PUT, params![OTHER]);
        db.commit(unit).await.unwrap();
        let own = person(22, Role::Member, MEMBER);
        assert!(detect.get(own.clearance(), row.id).await.unwrap().is_some());
        let stranger = person(20, Role::Member, OTHER);
        assert!(detect.get(stranger.clearance(), row.id).await.unwrap().is_none());
        assert!(detect.groups(stranger.clearance()).await.unwrap().is_empty());
        let hidden = detect.take(&stranger, row.id, row.version).await;
        assert!(matches!(hidden, Err(DetectError::Access(access::Refusal::NotThere))), "answered as absent");
        let reader = person(21, Role::Leadership, CENTRE);
        assert!(detect.get(reader.clearance(), row.id).await.unwrap().is_some());
        let refused = detect.take(&reader, row.id, row.version).await;
        assert!(matches!(refused, Err(DetectError::Access(access::Refusal::Forbidden(_)))));
        let absent = detect.take(&reader, FindingId(Uuid::from_u128(404)), 1).await;
        assert!(matches!(absent, Err(DetectError::Access(access::Refusal::NotThere))));
    })
    .await;
}

#[tokio::test]
async fn a_silence_hides_as_its_preview_says() {
    testkit::each_db_at(&schema(), |db, env, clock| async move {
        let detect = Detect::new(db.clone(), env.clone());
        for n in 1..=4 {
            detect.raise(raise(MEMBER, &format!("203.0.113.{n}"), 2, env.now()), system()).await.unwrap();
        }
        detect.raise(raise(OTHER, "203.0.113.1", 2, env.now()), system()).await.unwrap();
        let officer = person(10, Role::DutyOfficer, CENTRE);
        let scope = SilenceScope { org: MEMBER, rule: "sensor.download".into(), subject: None };
        let preview = detect.preview(&officer, &scope).await.unwrap();
        assert_eq!((preview.findings, preview.firings, preview.open, preview.days), (4, 4, 4, 7));
        let rows = detect.preview_rows(&officer, &scope, 3).await.unwrap();
        assert_eq!(rows.len(), 3, "as many as asked for");
        assert!(rows.iter().all(|row| row.org == MEMBER), "of the scope alone");
        assert!(detect.hidden(&testkit::all()).await.unwrap().is_empty());
        for end in [env.now(), env.now().plus_secs(91 * 86_400)] {
            let bad = detect.silence(&officer, scope.clone(), end, "noise").await;
            assert!(matches!(bad, Err(DetectError::Refused(Refusal::SilenceEnd))));
        }
        let silence = detect.silence(&officer, scope, env.now().plus_secs(3_600), "known noise").await.unwrap();
        let open = |detect: Detect| async move {
            detect.list(&testkit::all(), &Filter::default(), &Page::first(50)).await.unwrap().items.len()
        };
        assert_eq!(open(detect.clone()).await, 1, "exactly what the preview said is hidden");
        assert_eq!(detect.hidden(&testkit::all()).await.unwrap(), [(silence.id, 4)]);
        let before = heard(&db, &env, "test").await.len();
        detect.raise(raise(MEMBER, "203.0.113.9", 4, env.now()), system()).await.unwrap();
        assert_eq!(open(detect.clone()).await, 1, "what comes is counted and hidden");
        assert_eq!((before, heard(&db, &env, "test").await.len()), (5, 0), "and not heard");
        detect.end_silence(&officer, silence.id, silence.version).await.unwrap();
        assert_eq!(open(detect.clone()).await, 6, "ending it early brings all back");
        assert!(detect.silences(&testkit::all()).await.unwrap().is_empty());
        // One subject until the end: the firing after the end is seen.
        let subject = Subject { kind: "ipv4".into(), value: "203.0.113.1".into() };
        let scope = SilenceScope { org: MEMBER, rule: "sensor.download".into(), subject: Some(subject) };
        detect.silence(&officer, scope, env.now().plus_secs(60), "one address").await.unwrap();
        assert_eq!(open(detect.clone()).await, 5);
        clock.advance_secs(61);
        detect.raise(raise(MEMBER, "203.0.113.1", 2, env.now()), system()).await.unwrap();
        assert_eq!(open(detect.clone()).await, 6);
    })
    .await;
}

#[tokio::test]
async fn lists_page_by_key_in_their_order() {
    testkit::each_db_at(&schema(), |db, env, clock| async move {
        let detect = Detect::new(db, env.clone());
        for n in 0..30_u32 {
            let severity = u8::try_from(n % 4 + 1).unwrap();
            let org = if n % 3 == 0 { OTHER } else { MEMBER };
            detect.raise(raise(org, &format!("198.51.100.{n}"), severity, env.now()), system()).await.unwrap();
            clock.advance_secs(i64::from(n % 2));
        }
        let all = |filter: Filter| {
            let detect = detect.clone();
            async move {
                let (mut page, mut rows) = (Page::first(7), Vec::new());
                loop {
                    let part = detect.list(&testkit::all(), &filter, &page).await.unwrap();
                    rows.extend(part.items);
                    page.after = part.next;
                    if page.after.is_none() {
                        return rows;
                    }
                }
            }
        };
        let queue = all(Filter::default()).await;
        let order: Vec<_> = queue.iter().map(|f| (-i16::from(f.severity), f.first_at, f.id)).collect();
        assert!(order.len() == 30 && order.is_sorted(), "most severe, then oldest, each once");
        let recent = all(Filter { which: Which::All, ..Filter::default() }).await;
        assert!(recent.len() == 30 && recent.is_sorted_by_key(|f| std::cmp::Reverse((f.last_at, f.id))));
        assert_eq!(all(Filter { org: Some(OTHER), ..Filter::default() }).await.len(), 10);
        assert_eq!(all(Filter { min_severity: 4, ..Filter::default() }).await.len(), 7);
        assert_eq!(all(Filter { rule: Some("other".into()), ..Filter::default() }).await.len(), 0);
        assert_eq!(all(Filter { which: Which::State(FindingState::Taken), ..Filter::default() }).await.len(), 0);
        assert_eq!(all(Filter { value: Some("198[.]51[.]100[.]7".into()), ..Filter::default() }).await.len(), 1);
        let groups = detect.groups(&testkit::all()).await.unwrap();
        assert_eq!(groups.iter().map(|g| g.open).sum::<u64>(), 30);
        assert!(groups.len() == 2 && groups[0].severity == 4 && groups[0].new == groups[0].open);
        let foreign = Page { after: Some("x".into()), limit: 7 };
        assert!(matches!(
            detect.list(&testkit::all(), &Filter::default(), &foreign).await,
            Err(DetectError::Cursor(_))
        ));
    })
    .await;
}
