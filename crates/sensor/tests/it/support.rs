//! A centre with intake and history, and attackers for it.

use access::{Action, Caller, Grant, Who};
use base::{Env, OrgId, Realm, SensorId, Timestamp, Tlp, TokenId};
use journal::{Journal, Options};
use logwire::attack::{AttackEvent, AuthMethod, Transport, What};
use sensor::fleet::{Admitted, Enrolment};
use sensor::landscape::{Flat, Landscape};
use sensor::{Fleet, History, Intake, Reads};
use std::path::Path;
use std::sync::Arc;
use store::{Actor, Db, Migration};
use tempfile::TempDir;
use uuid::Uuid;

/// The closure of organisations belongs to another room; the clause of scoped reads needs its table.
const CLOSURE: &[Migration] = &[Migration {
    number: 999,
    name: "org_closure",
    sql: "
CREATE TABLE org_closure (ancestor_id @id NOT NULL, descendant_id @id NOT NULL, PRIMARY KEY (ancestor_id, descendant_id)) @strict;
",
}];

pub(crate) const SCHEMA: &[&[Migration]] = &[sensor::schema::MIGRATIONS, CLOSURE];

pub(crate) struct Centre {
    pub(crate) db: Db,
    pub(crate) env: Env,
    pub(crate) intake: Intake,
    pub(crate) history: History,
    pub(crate) fleet: Fleet,
    pub(crate) reads: Reads,
    pub(crate) folder: TempDir,
}

pub(crate) fn org(number: u128) -> OrgId {
    OrgId(Uuid::from_u128(0x0a00 + number))
}

pub(crate) async fn open_journal(folder: &Path, env: &Env) -> Journal {
    let options = Options { free_floor: 0, ..Options::default() };
    Journal::open(folder, options, env).await.unwrap().0
}

impl Centre {
    pub(crate) async fn open(db: Db, env: Env) -> Self {
        Self::open_in(db, env, Arc::new(Flat)).await
    }

    pub(crate) async fn open_in(db: Db, env: Env, landscape: Arc<dyn Landscape>) -> Self {
        let folder = testkit::folder();
        let journal = open_journal(folder.path(), &env).await;
        let intake = Intake::open(db.clone(), env.clone(), journal).await.unwrap();
        let history = History::open(&intake, landscape).await.unwrap();
        let fleet = Fleet::new(db.clone(), env.clone());
        let reads = Reads::new(db.clone(), env.clone());
        Self { db, env, intake, history, fleet, reads, folder }
    }

    /// The same centre after its process ended: memory is gone, journal and database stay.
    pub(crate) async fn restart(&mut self) {
        let spare = testkit::folder();
        let idle = open_journal(spare.path(), &self.env).await;
        self.intake = Intake::open(self.db.clone(), self.env.clone(), idle).await.unwrap();
        self.history = History::open(&self.intake, Arc::new(Flat)).await.unwrap();
        // Only now nobody holds the journal, so that its lock is free.
        let journal = testkit_open(self.folder.path(), &self.env).await;
        self.intake = Intake::open(self.db.clone(), self.env.clone(), journal).await.unwrap();
        self.history = History::open(&self.intake, Arc::new(Flat)).await.unwrap();
    }

    pub(crate) async fn sensor(&self, number: u128, of: OrgId) -> Admitted {
        let id = SensorId(Uuid::from_u128(0x5e00 + number));
        let enrolment = Enrolment {
            id,
            org: of,
            realm: Realm::Real,
            tlp: Tlp::Amber,
            name: format!("trap-{number}"),
            cert_serial: format!("{number:x}"),
            cert_expires: self.env.now().plus_secs(86_400),
        };
        self.fleet.enrol(Actor::System("test".into()), enrolment, |unit| unit).await.unwrap();
        self.fleet.admit(id, &format!("{number:X}")).await.unwrap()
    }

    pub(crate) fn sender(&self, of: OrgId) -> Caller {
        let grant = Grant::of_scopes(vec![Action::Ingest], of, []);
        let token = TokenId(Uuid::from_u128(7));
        Caller::mint(Who::Token { id: token }, of, org(0), vec![grant], Realm::Real, Tlp::Red)
    }

    /// Sends events as one batch and folds them.
    pub(crate) async fn send(&mut self, from: &Admitted, epoch: u64, first: u64, events: &[AttackEvent]) {
        let answer = self.intake.accept_batch(from, epoch, first, &body(events)).await.unwrap();
        assert_eq!(answer.rejected, []);
        self.history.catch_up().await.unwrap();
    }
}

/// Waits until the writer of the journal before has let go of its lock.
async fn testkit_open(folder: &Path, env: &Env) -> Journal {
    let options = Options { free_floor: 0, ..Options::default() };
    for _ in 0..1_000 {
        match Journal::open(folder, options, env).await {
            Ok((journal, _)) => return journal,
            Err(journal::JournalError::Locked) => tokio::task::yield_now().await,
            Err(other) => panic!("{other}"),
        }
    }
    panic!("the journal stays locked");
}

pub(crate) fn body(events: &[AttackEvent]) -> Vec<u8> {
    let mut out = Vec::new();
    for event in events {
        serde_json::to_writer(&mut out, event).unwrap();
        out.push(b'\n');
    }
    out
}

/// A session being written down.
pub(crate) struct Attack {
    session: String,
    source: String,
    at: Timestamp,
    pub(crate) events: Vec<AttackEvent>,
}

impl Attack {
    pub(crate) fn new(session: &str, source: &str, at: Timestamp) -> Self {
        let attack = Self { session: session.into(), source: source.into(), at, events: Vec::new() };
        attack.then(What::ConnOpen)
    }

    pub(crate) fn then(mut self, what: What) -> Self {
        self.events.push(AttackEvent {
            at: self.at,
            session: self.session.clone(),
            src_ip: self.source.parse().unwrap(),
            src_port: 40_000,
            dst_ip: None,
            dst_port: 22,
            protocol: "ssh".into(),
            transport: Transport::Tcp,
            what,
        });
        self.at = Timestamp::from_micros(self.at.as_micros() + 100_000);
        self
    }

    pub(crate) fn tries(self, pairs: &[(&str, &str)]) -> Self {
        pairs.iter().fold(self, |attack, (user, password)| {
            attack.then(What::Auth {
                user: (*user).into(),
                password: (*password).into(),
                method: AuthMethod::Password,
                key: None,
                success: false,
            })
        })
    }

    pub(crate) fn types(self, lines: &[&str]) -> Self {
        lines.iter().fold(self, |attack, line| attack.then(What::Command { line: (*line).into() }))
    }

    pub(crate) fn closes(self) -> Vec<AttackEvent> {
        self.then(What::ConnClose { duration_ms: 1_000 }).events
    }
}
