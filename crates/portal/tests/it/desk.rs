//! The rooms: every page answers, acts do what they say, nobody sees what is not theirs.

use base::Role;
use http::{Method, StatusCode};

use crate::world::each_world;

/// Every page that needs no id.
const PAGES: &[&str] = &[
    "/",
    "/attacks",
    "/attacks?range=7d",
    "/attacks?class=download",
    "/sessions",
    "/campaigns",
    "/findings",
    "/findings?state=mine",
    "/findings?state=resolved",
    "/findings?q=%7C%20by%20rule",
    "/silences",
    "/night",
    "/automatic",
    "/quarantine",
    "/jobs",
    "/searches",
    "/searches/new?list=%2Ffindings&q=severity%3A4",
    "/indicators",
    "/indicators?state=published",
    "/review",
    "/points",
    "/sensors",
    "/orgs",
    "/whose",
    "/whose?address=203.0.113.7",
    "/whose?address=evil.example",
    "/people",
    "/tokens",
    "/audit",
    "/me",
    "/search",
    "/search?q=203.0.113.7",
    "/search?q=hxxp%3A%2F%2Fevil%5B.%5Dexample%2Fa",
    "/search?q=member",
    "/search?q=state%3Adraft",
    "/keys",
    "/errors",
];

const STAFF: &[Role] = &[Role::Administrator, Role::DutyOfficer, Role::IntelligenceOfficer, Role::Auditor];

#[tokio::test]
async fn every_page_answers_whole_and_as_a_fragment() {
    each_world(async |world| {
        world.finding(world.member, "203.0.113.7").await;
        let mut browser = world.signed_in("lin", world.centre, STAFF).await;
        for path in PAGES {
            let whole = browser.open(path).await;
            assert!(whole.text.starts_with("<!doctype html>") && whole.text.trim_end().ends_with("</html>"), "{path}");
            assert!(!whole.text.contains(" style=") && !whole.text.contains("javascript:"), "{path}");
            assert!(
                whole.head("content-security-policy").starts_with("default-src 'none'; script-src 'self'"),
                "{path}"
            );
            assert!(whole.head("vary").contains("HX-Request"), "{path}");
            assert_eq!(whole.head("cache-control"), "private, no-store", "{path}");
            let part = browser.send(Method::GET, path, &[("hx-request", "true")], String::new()).await;
            assert!(!part.text.contains("<html") && part.text.contains("<main"), "{path}");
            assert!(
                whole.text.contains(part.text.split("</title>").nth(1).unwrap().trim().get(..200).unwrap()),
                "{path}"
            );
        }
        let css = assets::url("portal.css");
        let seen = browser.open(css).await;
        assert!(seen.head("cache-control").contains("immutable"));
        let seen = browser.send(Method::GET, css, &[("if-none-match", seen.head("etag"))], String::new()).await;
        assert_eq!(seen.status, StatusCode::NOT_MODIFIED);
    })
    .await;
}

#[tokio::test]
async fn what_is_not_there_says_so_with_its_code() {
    each_world(async |world| {
        let mut browser = world.signed_in("lin", world.centre, STAFF).await;
        let nobody = "0199aaaa-0000-7000-8000-000000000009";
        for path in ["/nonsense", "/findings/x", "/assets/none.css"] {
            let seen = browser.get(path).await;
            assert!(seen.status.is_client_error(), "{path}: {}", seen.status);
        }
        for room in ["findings", "indicators", "points", "sensors", "orgs", "people", "sessions", "campaigns"] {
            let seen = browser.get(&format!("/{room}/{nobody}")).await;
            assert_eq!(seen.status, StatusCode::NOT_FOUND, "{room}");
            assert!(seen.text.contains("href=\"/errors#LF-"), "{room}: {}", seen.text);
        }
        let seen = browser.get("/audit/999999").await;
        assert_eq!(seen.status, StatusCode::NOT_FOUND);
        assert_eq!(browser.get("/audit/1").await.status, StatusCode::OK);
        let seen = browser.open("/findings?q=sevreity%3A4").await;
        assert!(seen.text.contains("nearest: severity, ") && seen.text.contains("character 1"), "{}", seen.text);
    })
    .await;
}

/// The finding in the preview.
fn chosen(queue: &str) -> String {
    let before = queue.split("/take\"").next().unwrap();
    before.rsplit("action=\"/findings/").next().unwrap().to_owned()
}

#[tokio::test]
async fn a_finding_is_taken_resolved_and_undone() {
    each_world(async |world| {
        world.finding(world.member, "203.0.113.7").await;
        world.finding(world.other, "203.0.113.8").await;
        let mut browser = world.signed_in("lin", world.centre, &[Role::DutyOfficer]).await;
        let queue = browser.open("/findings").await;
        assert_eq!(queue.text.matches("data-row").count(), 2);
        let resolve = queue.text.split("/resolve\"").nth(1).unwrap().split("</form>").next().unwrap();
        let second = queue.text.split("href=\"/findings?sel=").nth(2).unwrap().split('"').next().unwrap();
        assert!(
            resolve.contains(&format!("value=\"/findings?sel={second}\"")),
            "after resolving, the next row is chosen: {resolve}"
        );
        let id = chosen(&queue.text);
        let to = browser
            .fill("/findings", &format!("/findings/{id}/take"), &[("version", "1"), ("return", "/findings")])
            .await;
        assert!(to.starts_with(&format!("/findings?done=taken&undo={id}.")), "{to}");
        let seen = browser.open(&to).await;
        assert!(seen.text.contains("已認領。") && seen.text.contains(&format!("action=\"/findings/{id}/undo\"")));

        // A stale version is refused; the page says that somebody was faster.
        let seen = browser.post(&format!("/findings/{id}/take"), &seen.token(), &[("version", "1")]).await;
        assert_eq!(seen.status, StatusCode::CONFLICT, "{}", seen.text);
        let version = to.rsplit_once('.').unwrap().1.to_owned();
        let resolve = format!("/findings/{id}/resolve");
        let token = browser.open("/findings").await.token();
        let seen =
            browser.post(&resolve, &token, &[("version", &version), ("outcome", "benign"), ("reason", " ")]).await;
        assert_eq!(seen.status, StatusCode::UNPROCESSABLE_ENTITY, "a reason is needed");
        let fields =
            [("version", version.as_str()), ("outcome", "benign"), ("reason", "自家弱點掃描"), ("return", "/findings")];
        let to = browser.fill("/findings", &resolve, &fields).await;
        assert_eq!(browser.open("/findings").await.text.matches("data-row").count(), 1, "the next one is left");
        let version = to.rsplit_once('.').unwrap().1.to_owned();
        browser.fill("/findings", &format!("/findings/{id}/undo"), &[("version", &version)]).await;
        assert_eq!(browser.open("/findings").await.text.matches("data-row").count(), 2);
        let page = browser.open(&format!("/findings/{id}")).await;
        assert!(page.text.contains("自家弱點掃描"), "the history keeps the reason");
    })
    .await;
}

#[tokio::test]
async fn lists_filter_and_export_what_one_sees() {
    each_world(async |world| {
        for n in 1..=3 {
            world.finding(world.member, &format!("203.0.113.{n}")).await;
        }
        world.finding(world.other, "198.51.100.9").await;
        let mut browser = world.signed_in("lin", world.centre, &[Role::DutyOfficer]).await;
        let path = "/findings?q=subject%3A203.0.113.0%2F24%20-subject%3A203.0.113.2";
        let seen = browser.open(path).await;
        assert_eq!(seen.text.matches("data-row").count(), 2, "{}", seen.text);
        let csv = browser.open(&format!("{path}&format=csv")).await;
        assert!(csv.head("content-type").starts_with("text/csv"));
        assert!(csv.text.contains("# query: subject:203.0.113.0/24 -subject:203.0.113.2\r\n"), "{}", csv.text);
        assert!(csv.text.contains("# zone: Asia/Taipei\r\n") && csv.text.contains("# marking: TLP:AMBER\r\n"));
        assert!(csv.text.contains("203.0.113.3") && !csv.text.contains("203.0.113.2,"), "{}", csv.text);
        let lines = browser.open(&format!("{path}&format=ndjson")).await;
        let rows: Vec<serde_json::Value> = lines.text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(rows.len(), 3);
        assert_eq!((rows[0]["kind"].as_str(), rows[0]["rows"].as_u64()), (Some("head"), Some(2)));
    })
    .await;
}

#[tokio::test]
async fn an_indicator_is_written_submitted_and_not_approved_by_its_author() {
    each_world(async |world| {
        let mut author = world.signed_in("chen", world.centre, &[Role::IntelligenceOfficer]).await;
        let fields = [("value", "203[.]0[.]113[.]７"), ("description", "<b>x</b>"), ("tlp", "amber"), ("days", "2")];
        let to = author.fill("/indicators", "/indicators", &fields).await;
        let path = to.split('?').next().unwrap().to_owned();
        let page = author.open(&to).await;
        assert!(page.text.contains("203.0.113.7") && page.text.contains("&#60;b&#62;x"), "{}", page.text);
        assert!(page.text.contains("已建立草稿。"));
        author.fill(&path, &format!("{path}/submit"), &[("version", "1")]).await;
        let token = author.open(&path).await.token();
        let seen = author.post(&format!("{path}/publish"), &token, &[("version", "2")]).await;
        assert_eq!(seen.status, StatusCode::FORBIDDEN, "{}", seen.text);
        let mut officer = world.signed_in("lin", world.centre, &[Role::DutyOfficer]).await;
        assert!(officer.open("/review").await.text.contains("203.0.113.7"));
        assert!(officer.open("/").await.text.contains("203.0.113.7"), "it waits on the duty page");
        officer.fill(&path, &format!("{path}/publish"), &[("version", "2")]).await;
        let page = officer.open(&path).await;
        assert!(page.text.contains("生效中") && page.text.contains("lin 先生"), "{}", page.text);
        let version =
            page.text.split("name=\"version\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
        officer.fill(&path, &format!("{path}/revoke"), &[("version", &version), ("reason", "誤判")]).await;
        assert!(officer.open(&path).await.text.contains("誤判"));
    })
    .await;
}

#[tokio::test]
async fn organisations_networks_and_codes_are_made_by_forms() {
    each_world(async |world| {
        let mut admin = world.signed_in("admin", world.centre, &[Role::Administrator]).await;
        let centre = world.centre.to_string();
        let fields = [
            ("code", "water"),
            ("name_zh", "水務局"),
            ("parent", centre.as_str()),
            ("kind", "operator"),
            ("criticality", "critical"),
            ("level", "A"),
        ];
        let to = admin.fill("/orgs", "/orgs", &fields).await;
        let path = to.split('?').next().unwrap().to_owned();
        assert!(admin.open("/orgs").await.text.contains("水務局"));
        admin.fill(&path, &format!("{path}/add/network"), &[("network", "198.51.100.0/24")]).await;
        admin.fill(&path, &format!("{path}/add/domain"), &[("domain", "water.example")]).await;
        let contact = [("name", "王小明科長"), ("role", "security"), ("mail", "soc@water.example")];
        admin.fill(&path, &format!("{path}/add/contact"), &contact).await;
        let page = admin.open(&path).await;
        for text in ["198.51.100.0/24", "water.example", "王小明科長"] {
            assert!(page.text.contains(text), "{text}: {}", page.text);
        }
        let seen = admin.open("/whose?address=198.51.100.7").await;
        assert!(seen.text.contains("水務局") && seen.text.contains("受保護"), "{}", seen.text);
        let mut neighbour = world.signed_in("neighbour", world.other, &[Role::Member]).await;
        let seen = neighbour.open("/whose?address=198.51.100.7").await;
        assert!(!seen.text.contains("水務局") && !seen.text.contains("受保護"), "networks are no map for neighbours");
        let seen = admin.post(&format!("{path}/add/network"), &page.token(), &[("network", "10.0.0.1/8")]).await;
        assert_eq!((seen.status, seen.text.contains("LF-BAS-0008")), (StatusCode::BAD_REQUEST, true));
        let seen = admin.post("/enrol/sensor", &page.token(), &[("name", "trap-1"), ("org", &centre)]).await;
        assert!(
            seen.text.contains("lianfang sensor enrol --url https://centre.example:8443 --ca ca.pem --code "),
            "{}",
            seen.text
        );
        assert!(admin.open("/ca.pem").await.text.starts_with("-----BEGIN CERTIFICATE-----"));
    })
    .await;
}

#[tokio::test]
async fn a_member_sees_and_does_only_what_is_theirs() {
    each_world(async |world| {
        world.finding(world.member, "203.0.113.7").await;
        world.finding(world.other, "203.0.113.8").await;
        let mut officer = world.signed_in("lin", world.centre, &[Role::DutyOfficer]).await;
        let theirs = officer.open("/findings?q=subject%3A203.0.113.8").await;
        let id = chosen(&theirs.text);
        let mut member = world.signed_in("ho", world.member, &[Role::Member]).await;
        let queue = member.open("/findings").await;
        assert!(queue.text.contains("203.0.113.7") && !queue.text.contains("203.0.113.8"));
        assert_eq!(member.get(&format!("/findings/{id}")).await.status, StatusCode::NOT_FOUND);
        let seen = member.post(&format!("/findings/{id}/take"), &queue.token(), &[("version", "1")]).await;
        assert_eq!(seen.status, StatusCode::NOT_FOUND, "{}", seen.text);
        for path in ["/people", "/tokens", "/audit"] {
            assert_eq!(member.get(path).await.status, StatusCode::FORBIDDEN, "{path}");
        }
        let home = member.open("/").await;
        assert!(
            !home.text.contains("href=\"/people\"") && !home.text.contains("href=\"/audit\""),
            "not offered either"
        );
        let seen = member.post("/points/kill", &home.token(), &[("on", "1"), ("name", "機關centre")]).await;
        assert_eq!(seen.status, StatusCode::FORBIDDEN, "{}", seen.text);
    })
    .await;
}

#[tokio::test]
async fn the_kill_switch_needs_the_name() {
    each_world(async |world| {
        let mut officer = world.signed_in("lin", world.centre, &[Role::DutyOfficer]).await;
        let token = officer.open("/points").await.token();
        let seen = officer.post("/points/kill", &token, &[("on", "1"), ("name", "wrong")]).await;
        assert_eq!((seen.status, seen.text.contains("LF-POR-0004")), (StatusCode::UNPROCESSABLE_ENTITY, true));
        officer.fill("/points", "/points/kill", &[("on", "1"), ("name", "機關centre")]).await;
        assert!(officer.open("/points").await.text.contains("緊急停止已啟動"));
        officer.fill("/points", "/points/kill", &[]).await;
        assert!(!officer.open("/points").await.text.contains("緊急停止已啟動"));
    })
    .await;
}

#[tokio::test]
async fn language_theme_and_profile_are_kept() {
    each_world(async |world| {
        let mut browser = world.signed_in("lin", world.centre, &[Role::DutyOfficer]).await;
        let to = browser.fill("/findings", "/look", &[("theme", "dark"), ("return", "/findings?state=all")]).await;
        assert_eq!(to, "/findings?state=all");
        browser.fill("/", "/look", &[("lang", "en"), ("return", "//evil.example")]).await;
        let seen = browser.open("/").await;
        assert!(seen.text.contains("<html lang=\"en\" data-theme=\"dark\">") && seen.text.contains("Duty overview"));
        let fields = [("display", "林值勤"), ("language", "zh-TW"), ("zone", "UTC"), ("version", "1")];
        let page = browser.open("/me").await;
        let version =
            page.text.split("name=\"version\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
        let fields = fields.map(|(name, value)| (name, if name == "version" { version.as_str() } else { value }));
        browser.fill("/me", "/me", &fields).await;
        let seen = browser.open("/").await;
        assert!(seen.text.contains("lang=\"zh-Hant-TW\"") && seen.text.contains("+00:00"), "zone on every time");
    })
    .await;
}

#[tokio::test]
async fn a_room_opens_to_whoever_may_read_there_and_shows_no_more() {
    each_world(async |world| {
        world.finding(world.centre, "203.0.113.8").await;
        let mut engineer = world.signed_in("bai", world.centre, &[Role::PlatformEngineer]).await;
        for closed in ["/attacks", "/findings", "/indicators", "/review", "/people", "/tokens", "/audit"] {
            assert_eq!(engineer.get(closed).await.status, StatusCode::FORBIDDEN, "{closed}");
        }
        for open in ["/", "/points", "/sensors", "/orgs", "/me"] {
            engineer.open(open).await;
        }
        let head = engineer.send(Method::HEAD, "/attacks", &[], String::new()).await;
        assert_eq!(head.status, StatusCode::FORBIDDEN);
        // An engineer of the whole centre who is a member somewhere reads findings as that member.
        let access = &world.ctx.access;
        let named = access::PeopleFilter { starts: Some("bai".into()), ..access::PeopleFilter::default() };
        let found = access.people(&world.system, &named, &store::page::Page::default()).await.unwrap();
        let person = found.items.first().unwrap();
        let id = person.id;
        let mut both: Vec<_> = person.holdings.iter().map(|holding| holding.what).collect();
        both.push(access::NewHolding::of(Role::Member, world.member));
        access.set_roles(&world.system, id, &both, person.version).await.unwrap();
        let page = engineer.open("/findings").await;
        assert!(!page.text.contains("203.0.113.8"), "the centre's own finding is not a member's");
        world.finding(world.member, "203.0.113.7").await;
        assert!(engineer.open("/findings").await.text.contains("203.0.113.7"));
    })
    .await;
}
