//! First run, signing in, invitations, forms that come from elsewhere.

use base::Role;
use http::{Method, StatusCode};

use crate::browser::{Browser, encode};
use crate::world::{PASSWORD, each_world};

#[tokio::test]
async fn first_run_from_the_printed_link_to_the_desk() {
    each_world(async |world| {
        let mut browser = Browser::new(&world.router);
        assert_eq!(browser.get("/").await.head("location"), "/sign-in?next=%2F");
        assert_eq!(browser.get("/sign-in").await.head("location"), "/setup");
        assert_eq!(browser.get("/setup?t=wrong").await.status, StatusCode::GONE);

        let link = format!("/setup?t={}", world.setup_token().await);
        let token = browser.open(&link).await.token();
        let secret = link.split_once('=').unwrap().1.to_owned();
        let fields = |again: &'static str| {
            [
                ("t", secret.clone()),
                ("login", "wang".into()),
                ("display", "王小明".into()),
                ("password", PASSWORD.into()),
                ("again", again.to_owned()),
            ]
        };
        let wrong = fields("something else");
        let wrong: Vec<(&str, &str)> = wrong.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let seen = browser.post("/setup", &token, &wrong).await;
        assert!(seen.text.contains("兩次輸入的密碼不同"), "{}", seen.text);
        assert!(seen.text.contains("value=\"wang\""), "what was typed stays");

        let right = fields(PASSWORD);
        let right: Vec<(&str, &str)> = right.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let to = browser.fill(&link, "/setup", &right).await;
        assert_eq!(to, "/second-factor?next=%2Fsetup%2Fwho");
        // Nothing opens before the second factor.
        assert_eq!(browser.get("/findings").await.head("location"), "/second-factor");

        let page = browser.open(&to).await;
        assert!(page.text.contains("class=\"qr\" role=\"img\""));
        assert!(page.text.contains("第 2 步，共 5 步"));
        let caller = world.ctx.access.session_check(&browser.cookies["__Host-lianfang"]).await.unwrap();
        let uri = world.ctx.access.enrol_totp_begin(&caller).await.unwrap().uri;
        let seen = browser.post("/second-factor/confirm", &page.token(), &[("code", "000000")]).await;
        assert!(seen.text.contains("驗證碼不正確"), "{}", seen.text);
        let uri = {
            // The page that was shown again began a new secret.
            drop(uri);
            world.ctx.access.enrol_totp_begin(&caller).await.unwrap().uri
        };
        let seen = browser
            .post("/second-factor/confirm", &page.token(), &[("code", &world.code(&uri)), ("next", "/setup/who")])
            .await;
        assert_eq!(seen.status, StatusCode::OK, "{}", seen.text);
        assert_eq!(seen.text.matches("<ul class=\"codes\">").count(), 1);

        let to = browser
            .fill("/setup/who", "/setup/who", &[("code", "nccst"), ("name_zh", "聯防中心"), ("version", "1")])
            .await;
        assert_eq!(to, "/setup/place");
        let to = browser.fill(&to, "/setup/place", &[("language", "en"), ("zone", "UTC")]).await;
        assert!(browser.open(&to).await.text.contains("First source"));
        assert!(browser.open("/").await.text.contains("Duty overview"));
        assert_eq!(browser.get("/setup").await.status, StatusCode::NOT_FOUND, "the door of the first run is closed");
    })
    .await;
}

#[tokio::test]
async fn signing_in_out_and_by_link() {
    each_world(async |world| {
        world.set_up().await;
        let mut other = world.signed_in("lin", world.centre, &[Role::DutyOfficer]).await;
        assert!(other.open("/").await.text.contains("lin 先生"));

        let mut browser = Browser::new(&world.router);
        let token = browser.open("/sign-in?next=%2Ffindings").await.token();
        let seen = browser.post("/sign-in", &token, &[("login", "lin"), ("password", "wrong")]).await;
        assert_eq!(seen.status, StatusCode::UNAUTHORIZED);
        assert!(seen.text.contains("value=\"lin\"") && seen.text.contains("aria-invalid=\"true\""));
        let fields = [("login", "lin"), ("password", PASSWORD), ("next", "/findings")];
        let to = browser.fill("/sign-in", "/sign-in", &fields).await;
        assert_eq!(to, "/sign-in/code?next=%2Ffindings");
        let seen = browser.open(&to).await;
        let seen = browser.post("/sign-in/code", &seen.token(), &[("code", "12")]).await;
        assert_eq!(seen.status, StatusCode::UNAUTHORIZED, "{}", seen.text);

        let token = other.open("/").await.token();
        let seen = other.post("/sign-out", &token, &[]).await;
        assert_eq!(seen.head("location"), "/sign-in");
        assert!(!other.cookies.contains_key("__Host-lianfang"));

        // The demonstration's link: looking does not spend it, using it does.
        let people = world
            .ctx
            .access
            .people(&world.system, &access::PeopleFilter::default(), &store::page::Page::default())
            .await
            .unwrap();
        let lin = people.items.iter().find(|person| person.login == "lin").unwrap().id;
        let link = world.ctx.access.sign_in_link(&world.system, lin, 60).await.unwrap();
        let path = format!("/link/{}", link.token.as_str());
        let mut guest = Browser::new(&world.router);
        guest.open(&path).await;
        assert_eq!(guest.fill(&path, &path, &[]).await, "/");
        assert!(guest.open("/").await.text.contains("lin 先生"));
        let mut second = Browser::new(&world.router);
        let token = second.open(&path).await.token();
        assert_eq!(second.post(&path, &token, &[]).await.status, StatusCode::GONE);
    })
    .await;
}

#[tokio::test]
async fn an_invited_person_chooses_a_password() {
    each_world(async |world| {
        world.set_up().await;
        let mut admin = world.signed_in("admin", world.centre, &[Role::Administrator]).await;
        let token = admin.open("/people").await.token();
        let org = world.member.to_string();
        let fields = [("login", "chen"), ("display", "陳小姐"), ("org", org.as_str()), ("roles", "member")];
        let seen = admin.post("/people", &token, &fields).await;
        assert_eq!(seen.status, StatusCode::OK, "{}", seen.text);
        let path = format!(
            "/invite/{}",
            seen.text.split("https://centre.example:8443/invite/").nth(1).unwrap().split('<').next().unwrap()
        );
        let mut guest = Browser::new(&world.router);
        let page = guest.open(&path).await;
        assert!(page.text.contains("陳小姐"));
        let seen = guest.post(&path, &page.token(), &[("password", "short"), ("again", "short")]).await;
        assert!(seen.text.contains("密碼不符合密碼原則"), "{}", seen.text);
        guest.fill(&path, &path, &[("password", PASSWORD), ("again", PASSWORD)]).await;
        assert_eq!(Browser::new(&world.router).get(&path).await.status, StatusCode::GONE);
    })
    .await;
}

#[tokio::test]
async fn the_boxes_of_roles_leave_alone_what_they_do_not_stand_for() {
    each_world(async |world| {
        world.set_up().await;
        let access = &world.ctx.access;
        let until = world.ctx.env.now().plus_secs(86_400);
        let lent = access::NewHolding { to: Some(until), ..access::NewHolding::of(Role::DutyOfficer, world.centre) };
        let elsewhere = access::NewHolding::of(Role::Member, world.member);
        let new = access::NewPerson {
            login: "ho".into(),
            display: "何先生".into(),
            mail: String::new(),
            language: "zh-TW".into(),
            zone: "Asia/Taipei".into(),
            org: world.centre,
            expires_at: None,
            holdings: vec![access::NewHolding::of(Role::Tier2, world.centre), lent, elsewhere],
        };
        let (id, _) = access.invite(&world.system, &new).await.unwrap();
        let mut admin = world.signed_in("admin", world.centre, &[Role::Administrator]).await;
        let page = format!("/people/{id}");
        let version = access.person(&world.system, id).await.unwrap().version.to_string();
        let fields = [("version", version.as_str()), ("roles", "tier1")];
        admin.fill(&page, &format!("{page}/roles"), &fields).await;
        let mut held: Vec<_> =
            access.person(&world.system, id).await.unwrap().holdings.into_iter().map(|holding| holding.what).collect();
        held.sort_by_key(|holding| (holding.role.word(), holding.org));
        let tier1 = access::NewHolding::of(Role::Tier1, world.centre);
        assert_eq!(held, [lent, elsewhere, tier1], "the lent role keeps its end, the one elsewhere its place");
    })
    .await;
}

#[tokio::test]
async fn forms_without_their_token_or_from_elsewhere_are_refused() {
    each_world(async |world| {
        world.set_up().await;
        let mut browser = world.signed_in("lin", world.centre, &[Role::DutyOfficer, Role::Administrator]).await;
        let token = browser.open("/").await.token();
        let mut stranger = Browser::new(&world.router);
        let foreign = stranger.open("/sign-in").await.token();
        let type_of = ("content-type", "application/x-www-form-urlencoded");
        let paths = [
            "/sign-in",
            "/sign-out",
            "/look",
            "/me",
            "/me/password",
            "/me/recovery",
            "/indicators",
            "/points/kill",
            "/orgs",
            "/people",
            "/tokens",
            "/whose",
            "/enrol/sensor",
            "/second-factor/confirm",
            "/passkeys/new",
            "/passkeys/confirm",
            "/sign-in/passkey",
            "/sign-in/passkey/confirm",
            "/setup/who",
        ];
        for path in paths {
            for body in [String::new(), encode("00", &[]), encode(&foreign, &[])] {
                let seen = browser.send(Method::POST, path, &[type_of], body).await;
                assert_eq!(seen.status, StatusCode::FORBIDDEN, "{path}");
                assert!(seen.text.contains("LF-POR-0001"), "{path}: {}", seen.text);
            }
            let heads = [type_of, ("origin", "https://evil.example")];
            let seen = browser.send(Method::POST, path, &heads, encode(&token, &[])).await;
            assert_eq!(seen.status, StatusCode::FORBIDDEN, "{path} from elsewhere");
        }
        assert!(browser.open("/").await.text.contains("lin 先生"), "nobody was signed out");
    })
    .await;
}
