//! A centre with every room, for the portal's tests.

use std::future::Future;
use std::sync::Arc;

use access::{Access, Caller, FirstPerson, KeyFile, NewHolding, NewPerson, NightShift, Settings, Visit};
use base::{Clock as _, Env, ManualClock, OrgId, Realm, Role, Tlp};
use detect::Detect;
use ed25519_dalek::SigningKey;
use edge::Edge;
use intel::{AutoPolicy, Intel, value};
use portal::{Ctx, Identity};
use registry::{Criticality, NewOrg, OrgKind, Registry, Span, Standing};
use sensor::{Fleet, Reads};
use store::audit::Signer;
use store::{Db, SystemKey};

use crate::browser::Browser;

pub(crate) const PASSWORD: &str = "turtle piano cloud seven";

static CODES: &[&[&[&base::Code]]] = &[access::ALL_CODES, portal::ALL_CODES];

/// Everything a test needs.
pub(crate) struct World {
    pub(crate) ctx: Ctx,
    pub(crate) router: axum::Router,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) centre: OrgId,
    pub(crate) member: OrgId,
    pub(crate) other: OrgId,
    pub(crate) system: Caller,
}

/// Nothing is protected.
struct Open;

impl value::ValueGuard for Open {
    fn protected<'a>(&'a self, _realm: Realm, _kind: events::sensor::ValueKind, _value: &'a str) -> value::Verdict<'a> {
        Box::pin(async { Ok(None) })
    }
}

/// Runs the body on both databases.
pub(crate) async fn each_world<F, Fut>(body: F)
where
    F: Fn(World) -> Fut,
    Fut: Future<Output = ()>,
{
    let rooms = [
        access::MIGRATIONS,
        registry::MIGRATIONS,
        sensor::schema::MIGRATIONS,
        detect::MIGRATIONS,
        intel::MIGRATIONS,
        edge::MIGRATIONS,
    ];
    testkit::each_db_at(&rooms, |db, env, clock| {
        let body = &body;
        async move { body(World::make(db, env, clock).await).await }
    })
    .await;
}

fn org(code: &str, parent: Option<OrgId>) -> NewOrg {
    NewOrg {
        code: code.parse().unwrap(),
        name_zh: format!("機關{code}"),
        name_en: format!("Organisation {code}"),
        parent,
        standing: Standing { kind: OrgKind::Operator, sector: None, criticality: Criticality::None, level: None },
    }
}

impl World {
    async fn make(db: Db, env: Env, clock: Arc<ManualClock>) -> Self {
        let registry = Registry::open(db.clone(), env.clone(), Realm::Real).await.unwrap();
        let centre = registry.ensure_centre(&org("centre", None)).await.unwrap();
        let system = Caller::system(SystemKey::of("test"), centre, Realm::Real);
        let member = registry.org_add(&system, org("member", Some(centre)), Span::default()).await.unwrap();
        let other = registry.org_add(&system, org("other", Some(centre)), Span::default()).await.unwrap();
        let passkey_origins = vec!["https://centre.example".to_owned()];
        let settings = Settings { sign_in_links: true, passkey_origins, ..Settings::default() };
        let access = Access::new(db.clone(), env.clone(), KeyFile::of(&[42; 32]).unwrap(), settings, centre);
        let identity = edge::Identity { centre, key: SigningKey::from_bytes(&[7; 32]), demo: false };
        let ctx = Ctx {
            identity: Arc::new(Identity {
                name: "測試中心".into(),
                demo: true,
                address: "https://centre.example:8443".into(),
                ca_pem: "-----BEGIN CERTIFICATE-----\n".into(),
            }),
            intel: Intel::new(db.clone(), env.clone(), access.clone(), Arc::new(Open), AutoPolicy::clean()),
            edge: Edge::new(db.clone(), env.clone(), identity, edge::Settings::default()),
            detect: Detect::new(db.clone(), env.clone()),
            fleet: Fleet::new(db.clone(), env.clone()),
            attacks: Reads::new(db.clone(), env.clone()),
            signer: Signer::new("centre.example", SigningKey::from_bytes(&[8; 32])).unwrap(),
            form_key: Arc::new([9; 32]),
            codes: CODES,
            access,
            registry,
            db,
            env,
        };
        Self { router: portal::router(ctx.clone()), ctx, clock, centre, member, other, system }
    }

    /// The same centre with a night shift.
    pub(crate) fn with_night(mut self, night_shift: NightShift) -> Self {
        let settings = Settings { sign_in_links: true, night_shift, ..Settings::default() };
        let keys = KeyFile::of(&[42; 32]).unwrap();
        let access = Access::new(self.ctx.db.clone(), self.ctx.env.clone(), keys, settings, self.centre);
        let (db, env) = (self.ctx.db.clone(), self.ctx.env.clone());
        self.ctx.intel = Intel::new(db, env, access.clone(), Arc::new(Open), AutoPolicy::clean());
        self.ctx.access = access;
        self.router = portal::router(self.ctx.clone());
        self
    }

    fn visit() -> Visit {
        Visit { address: "192.0.2.10".parse().unwrap(), agent: "test/1".into(), device: None }
    }

    /// The code an authenticator shows now.
    pub(crate) fn code(&self, uri: &str) -> String {
        let totp = totp_rs::Totp::from_url(uri).unwrap();
        totp.generate(u64::try_from(self.clock.now().as_secs()).unwrap()).to_string()
    }

    /// A browser in which somebody with these roles is fully signed in.
    pub(crate) async fn signed_in(&self, login: &str, org: OrgId, roles: &[Role]) -> Browser {
        let access = &self.ctx.access;
        let person = NewPerson {
            login: login.into(),
            display: format!("{login} 先生"),
            mail: String::new(),
            language: "zh-TW".into(),
            zone: "Asia/Taipei".into(),
            org,
            expires_at: None,
            holdings: roles.iter().map(|role| NewHolding::of(*role, org)).collect(),
        };
        let (_, link) = access.invite(&self.system, &person).await.unwrap();
        let first = access.accept_invitation(&link.token, PASSWORD, &Self::visit()).await.unwrap();
        let caller = access.session_check(&first.cookie).await.unwrap();
        let enrolment = access.enrol_totp_begin(&caller).await.unwrap();
        let done = access.enrol_totp_finish(&caller, &self.code(&enrolment.uri), &Self::visit()).await.unwrap();
        let mut browser = Browser::new(&self.router);
        browser.cookies.insert("__Host-lianfang".into(), done.signed_in.cookie.as_str().to_owned());
        browser
    }

    /// The setup link's secret.
    pub(crate) async fn setup_token(&self) -> String {
        self.ctx.access.setup_link().await.unwrap().unwrap().token.as_str().to_owned()
    }

    /// A first person, so that the centre counts as set up.
    pub(crate) async fn set_up(&self) {
        let token = self.setup_token().await;
        let person = FirstPerson {
            login: "first".into(),
            display: "王小明科長".into(),
            mail: String::new(),
            language: "zh-TW".into(),
            zone: "Asia/Taipei".into(),
            password: PASSWORD.into(),
            also: Vec::new(),
        };
        self.ctx.access.first_person(&token, &person, &Self::visit()).await.unwrap();
    }

    /// A finding about an address at an organisation.
    pub(crate) async fn finding(&self, org: OrgId, value: &str) {
        let now = self.clock.now();
        let raise = detect::Raise {
            org,
            realm: Realm::Real,
            tlp: Tlp::Amber,
            scope: base::AddressScope::Global,
            rule: "sensor.download".into(),
            severity: 4,
            subject: detect::Subject { kind: "ipv4".into(), value: value.into() },
            params: serde_json::json!({}),
            why: detect::Why { score: Some(0.9), ..detect::Why::default() },
            first_at: now,
            last_at: now,
            campaign: None,
        };
        self.ctx.detect.raise(raise, store::Actor::System("test".into())).await.unwrap();
    }
}
