//! A centre with two members and some people, for tests.

use access::{
    Access, AccessError, Caller, FirstPerson, KeyFile, NewHolding, NewPerson, SecretLink, Settings, SignedIn, Visit,
};
use base::{Env, ManualClock, OrgId, PersonId, Realm, Role};
use registry::{Criticality, NewOrg, OrgKind, Registry, Span, Standing};
use std::future::Future;
use std::sync::Arc;
use store::{Db, SystemKey};

pub(crate) const PASSWORD: &str = "turtle piano cloud seven";
pub(crate) const OTHER: &str = "granite lamp over the river";

/// Everything a test needs.
pub(crate) struct World {
    pub(crate) db: Db,
    pub(crate) access: Access,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) centre: OrgId,
    pub(crate) member: OrgId,
    pub(crate) other: OrgId,
    pub(crate) system: Caller,
}

/// An authenticator in a pocket.
#[derive(Clone)]
pub(crate) struct Pocket(totp_rs::Totp);

impl Pocket {
    pub(crate) fn new(uri: &str) -> Self {
        Self(totp_rs::Totp::from_url(uri).unwrap())
    }

    pub(crate) fn code(&self, world: &World) -> String {
        use base::Clock as _;
        self.0.generate(u64::try_from(world.clock.now().as_secs()).unwrap()).to_string()
    }
}

pub(crate) fn org(code: &str, parent: Option<OrgId>) -> NewOrg {
    NewOrg {
        code: code.parse().unwrap(),
        name_zh: format!("機關{code}"),
        name_en: format!("Organisation {code}"),
        parent,
        standing: Standing { kind: OrgKind::Operator, sector: None, criticality: Criticality::None, level: None },
    }
}

/// Runs the body on both databases, each with a fresh world.
pub(crate) async fn each_world<F, Fut>(settings: Settings, body: F)
where
    F: Fn(World) -> Fut,
    Fut: Future<Output = ()>,
{
    testkit::each_db_at(&[access::MIGRATIONS, registry::MIGRATIONS], |db, env, clock| {
        let (settings, body) = (settings.clone(), &body);
        async move { body(World::make(db, env, clock, settings).await).await }
    })
    .await;
}

pub(crate) fn visit() -> Visit {
    from("192.0.2.10")
}

pub(crate) fn from(address: &str) -> Visit {
    Visit { address: address.parse().unwrap(), agent: "test/1".into(), device: None }
}

pub(crate) fn with_device(address: &str, signed_in: &SignedIn) -> Visit {
    Visit { device: Some(signed_in.device.as_deref().unwrap().clone()), ..from(address) }
}

impl World {
    async fn make(db: Db, env: Env, clock: Arc<ManualClock>, settings: Settings) -> Self {
        let registry = Registry::open(db.clone(), env.clone(), Realm::Real).await.unwrap();
        let centre = registry.ensure_centre(&org("centre", None)).await.unwrap();
        let system = Caller::system(SystemKey::of("test"), centre, Realm::Real);
        let member = registry.org_add(&system, org("member", Some(centre)), Span::default()).await.unwrap();
        let other = registry.org_add(&system, org("other", Some(centre)), Span::default()).await.unwrap();
        let keys = KeyFile::of(&[42; 32]).unwrap();
        let access = Access::new(db.clone(), env, keys, settings, centre);
        Self { db, access, clock, centre, member, other, system }
    }

    pub(crate) fn newcomer(&self, login: &str, org: OrgId, roles: &[Role]) -> NewPerson {
        NewPerson {
            login: login.into(),
            display: format!("{login} 先生"),
            mail: String::new(),
            language: "zh-TW".into(),
            zone: "Asia/Taipei".into(),
            org,
            expires_at: None,
            holdings: roles.iter().map(|role| NewHolding::of(*role, org)).collect(),
        }
    }

    pub(crate) async fn invite(&self, login: &str, org: OrgId, roles: &[Role]) -> (PersonId, SecretLink) {
        self.access.invite(&self.system, &self.newcomer(login, org, roles)).await.unwrap()
    }

    /// An active person and their first session, still without a second factor.
    pub(crate) async fn joined(&self, login: &str, org: OrgId, roles: &[Role]) -> SignedIn {
        let (_, link) = self.invite(login, org, roles).await;
        self.access.accept_invitation(&link.token, PASSWORD, &visit()).await.unwrap()
    }

    /// An active person with a second factor and a session that showed it.
    pub(crate) async fn ready(&self, login: &str, org: OrgId, roles: &[Role]) -> (SignedIn, Pocket) {
        let first = self.joined(login, org, roles).await;
        let caller = self.access.session_check(&first.cookie).await.unwrap();
        let enrolment = self.access.enrol_totp_begin(&caller).await.unwrap();
        let pocket = Pocket::new(&enrolment.uri);
        let done = self.access.enrol_totp_finish(&caller, &pocket.code(self), &visit()).await.unwrap();
        (done.signed_in, pocket)
    }

    /// The caller of a person who is ready.
    pub(crate) async fn caller(&self, login: &str, org: OrgId, roles: &[Role]) -> Caller {
        let (signed_in, _) = self.ready(login, org, roles).await;
        self.access.session_check(&signed_in.cookie).await.unwrap()
    }

    pub(crate) fn first(&self, login: &str) -> FirstPerson {
        FirstPerson {
            login: login.into(),
            display: "王小明科長".into(),
            mail: "wang@example.tw".into(),
            language: "zh-TW".into(),
            zone: "Asia/Taipei".into(),
            password: PASSWORD.into(),
            also: vec![],
        }
    }

    /// How many audit leaves have this action and outcome.
    pub(crate) async fn leaves(&self, action: &'static str, outcome: &'static str) -> i64 {
        let sql = "SELECT COUNT(*) AS leaves FROM audit_leaf WHERE action = $1 AND outcome = $2";
        let rows = self.db.system_read(SystemKey::of("test"), sql, store::params![action, outcome]).await.unwrap();
        rows[0].get("leaves").unwrap()
    }
}

/// The name of an error's variant, for comparisons of whole answers.
pub(crate) fn code<T: std::fmt::Debug>(outcome: Result<T, AccessError>) -> &'static str {
    base::Coded::problem(&outcome.unwrap_err()).code.id
}
