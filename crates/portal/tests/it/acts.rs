//! Acts with a page of their own: silences, several rows at once, saved searches, counts, second looks, the automatic
//! path, taking a block back; and the wall. All of it without script.

use access::NightShift;
use base::{AddressScope, Realm, Role, Timestamp, Tlp};
use edge::desk::directive::Ask;
use edge::wire::Intent;
use http::{Method, StatusCode};

use crate::browser::encode;
use crate::world::{World, each_world};

/// The text between the two marks, the first time.
fn between<'a>(text: &'a str, from: &str, to: &str) -> &'a str {
    let after = text.split(from).nth(1).unwrap_or_else(|| panic!("{from} is not in {text}"));
    after.split(to).next().unwrap()
}

fn picks(text: &str) -> Vec<String> {
    text.split("name=\"pick\"").skip(1).map(|part| between(part, "value=\"", "\"").to_owned()).collect()
}

#[tokio::test]
async fn the_wall_names_nobody_and_refreshes_itself() {
    each_world(async |world| {
        world.finding(world.member, "203.0.113.7").await;
        let mut wall = world.signed_in("wall", world.centre, &[Role::Wall]).await;
        for path in ["/", "/wall"] {
            let page = wall.open(path).await.text;
            assert!(page.contains("<noscript><meta http-equiv=\"refresh\" content=\"30\"></noscript>"), "{page}");
            assert!(page.contains("TLP:GREEN") && page.contains("+08:00") && page.contains("未認領的告警"), "{page}");
            for never in ["203.0.113.7", "機關member", "wall 先生", "<form", "<button", "<nav"] {
                assert!(!page.contains(never), "{path} holds {never}: {page}");
            }
            assert!(
                between(&page, "class=\"level", "</section>").contains("嚴重"),
                "an untaken critical finding: {page}"
            );
        }
        // Nobody took a critical finding for a quarter of an hour: it is late, and the state is critical.
        world.clock.advance_secs(901);
        let mut wall = world.signed_in("wall-2", world.centre, &[Role::Wall]).await;
        let page = wall.open("/").await.text;
        assert!(between(&page, "class=\"level", "</section>").contains("危急"), "{page}");
        assert!(page.contains("class=\"late\""), "{page}");
        // A wall elsewhere counts only what is shared with it.
        let mut theirs = world.signed_in("wall-3", world.other, &[Role::Wall]).await;
        let page = theirs.open("/").await.text;
        assert!(between(&page, "class=\"level", "</section>").contains("平靜"), "{page}");
        let mut member = world.signed_in("ho", world.member, &[Role::Member]).await;
        assert_eq!(member.get("/wall").await.status, StatusCode::FORBIDDEN);
    })
    .await;
}

#[tokio::test]
async fn a_silence_is_previewed_saved_and_ended() {
    each_world(async |world| {
        for value in ["203.0.113.7", "203.0.113.8"] {
            world.finding(world.member, value).await;
        }
        let mut browser = world.signed_in("lin", world.centre, &[Role::DutyOfficer]).await;
        let queue = browser.open("/findings").await.text;
        let before = queue.split("/silence?").next().unwrap();
        let path = format!("/findings/{}/silence", before.rsplit("/findings/").next().unwrap());
        let plan = browser.open(&path).await.text;
        assert!(plan.contains("過去 7 天內會因此隱藏 1 則"), "{plan}");
        let whole = browser.open(&format!("{path}?whole=1")).await.text;
        assert!(whole.contains("過去 7 天內會因此隱藏 2 則"), "{whole}");
        assert_eq!(browser.open("/findings").await.text.matches("data-row").count(), 2, "a preview hides nothing");
        let to = browser
            .fill(&format!("{path}?whole=1"), &path, &[("hours", "8"), ("reason", "維護"), ("whole", "1")])
            .await;
        assert!(to.starts_with("/silences?done=silenced"), "{to}");
        assert_eq!(browser.open("/findings").await.text.matches("data-row").count(), 0);
        let list = browser.open(&to).await.text;
        assert!(list.contains("維護") && list.contains("lin 先生") && list.contains("此規則的所有對象"), "{list}");
        let end = between(&list, "action=\"/silences/", "\"").to_owned();
        let version = between(&list, "name=\"version\" value=\"", "\"").to_owned();
        browser.fill("/silences", &format!("/silences/{end}"), &[("version", &version)]).await;
        assert_eq!(browser.open("/findings").await.text.matches("data-row").count(), 2, "all is back");
        let mut member = world.signed_in("leader", world.centre, &[Role::Leadership]).await;
        assert_eq!(member.get(&path).await.status, StatusCode::FORBIDDEN);
    })
    .await;
}

#[tokio::test]
async fn several_findings_are_closed_at_once_and_told_row_by_row() {
    each_world(async |world| {
        for n in 1..=3 {
            world.finding(world.member, &format!("203.0.113.{n}")).await;
        }
        let mut browser = world.signed_in("lin", world.centre, &[Role::DutyOfficer]).await;
        let queue = browser.open("/findings").await;
        let boxes = picks(&queue.text);
        assert_eq!(boxes.len(), 3);
        let (id, version) = boxes[2].split_once('.').unwrap();
        browser.fill("/findings", &format!("/findings/{id}/take"), &[("version", version)]).await;
        let mut fields = vec![("verb", "benign"), ("reason", "自家掃描")];
        fields.extend(boxes.iter().map(|pick| ("pick", pick.as_str())));
        let seen = browser.post("/findings/bulk", &queue.token(), &fields).await;
        assert_eq!(seen.status, StatusCode::OK, "{}", seen.text);
        assert!(seen.text.contains("完成 2 項，共 3 項。"), "{}", seen.text);
        assert_eq!(seen.text.matches("未執行").count(), 1, "the one that moved meanwhile says so: {}", seen.text);
        let seen = browser.post("/findings/bulk", &queue.token(), &[("verb", "take")]).await;
        assert!(seen.text.contains("沒有選取任何一列。"), "{}", seen.text);
        for (verb, pick) in [("nonsense", boxes[0].as_str()), ("take", "x")] {
            let seen = browser.post("/findings/bulk", &queue.token(), &[("verb", verb), ("pick", pick)]).await;
            assert_eq!(seen.status, StatusCode::BAD_REQUEST, "{verb}");
        }
    })
    .await;
}

#[tokio::test]
async fn four_eyes_hold_for_each_row_of_the_review_queue() {
    each_world(async |world| {
        let roles = [Role::IntelligenceOfficer];
        let mut first = world.signed_in("chen", world.centre, &roles).await;
        let mut second = world.signed_in("wang", world.centre, &roles).await;
        for (browser, value) in [(&mut first, "203.0.113.7"), (&mut second, "203.0.113.8")] {
            let fields = [("value", value), ("description", ""), ("tlp", "amber"), ("days", "2")];
            let to = browser.fill("/indicators", "/indicators", &fields).await;
            let path = to.split('?').next().unwrap().to_owned();
            browser.fill(&path, &format!("{path}/submit"), &[("version", "1")]).await;
        }
        let queue = second.open("/review").await;
        let boxes = picks(&queue.text);
        assert_eq!(boxes.len(), 2);
        let mut fields = vec![("verb", "publish"), ("reason", "")];
        fields.extend(boxes.iter().map(|pick| ("pick", pick.as_str())));
        let seen = second.post("/review/bulk", &queue.token(), &fields).await;
        assert!(seen.text.contains("完成 1 項，共 2 項。") && seen.text.contains("LF-ACC-0005"), "{}", seen.text);
        let left = second.open("/review").await.text;
        assert!(left.contains("203.0.113.8") && !left.contains("203.0.113.7"), "one's own is left: {left}");
    })
    .await;
}

#[tokio::test]
async fn counts_and_saved_searches() {
    each_world(async |world| {
        for n in 1..=3 {
            world.finding(world.member, &format!("203.0.113.{n}")).await;
        }
        world.finding(world.other, "198.51.100.9").await;
        let mut browser = world.signed_in("lin", world.centre, &[Role::DutyOfficer]).await;
        let counted = browser.open("/findings?q=severity%3A4%20%7C%20by%20org").await.text;
        assert!(counted.contains("機關member") && counted.contains("75 %") && counted.contains("25 %"), "{counted}");
        assert!(counted.contains("q=%28severity%3A4%29%20org%3A"), "each value narrows: {counted}");
        let csv = browser.open("/findings?q=%7C%20by%20org&format=csv").await.text;
        assert!(csv.contains("value,rows,percent\r\n機關member,3,75\r\n機關other,1,25\r\n"), "{csv}");
        let wrong = browser.open("/findings?q=%7C%20by%20nothing").await.text;
        assert!(wrong.contains("nearest:"), "{wrong}");
        let save = "/searches/new?list=%2Ffindings&q=severity%3A4";
        assert!(browser.open("/findings?q=severity%3A4").await.text.contains("/searches/new?list=%2Ffindings"));
        let fields = [("list", "/findings"), ("name", "嚴重的"), ("query", "severity:4"), ("shared", "yes")];
        let to = browser.fill(save, "/searches", &fields).await;
        let list = browser.open(&to).await.text;
        assert!(list.contains("嚴重的") && list.contains("href=\"/findings?q=severity%3A4\""), "{list}");
        let mut other = world.signed_in("wang", world.centre, &[Role::Tier1]).await;
        let shared = other.open("/searches").await.text;
        assert!(shared.contains("嚴重的") && !shared.contains("/forget"), "{shared}");
        let forget = format!("/searches/{}", between(&list, "action=\"/searches/", "\""));
        let token = other.open("/searches").await.token();
        assert_eq!(other.post(&forget, &token, &[]).await.status, StatusCode::NOT_FOUND);
        browser.fill("/searches", &forget, &[]).await;
        assert!(!other.open("/searches").await.text.contains("嚴重的"));
    })
    .await;
}

#[tokio::test]
async fn the_automatic_path_is_changed_by_an_administrator_alone() {
    each_world(async |world| {
        let mut admin = world.signed_in("admin", world.centre, &[Role::Administrator]).await;
        let mut officer = world.signed_in("lin", world.centre, &[Role::DutyOfficer]).await;
        let fields = [("enabled", "on"), ("min_score", "85"), ("min_sensors", "3"), ("hours", "12")];
        let seen = officer.open("/automatic").await;
        assert!(!seen.text.contains("action=\"/automatic/"), "nothing to press: {}", seen.text);
        let seen = officer.post("/automatic/download", &seen.token(), &fields).await;
        assert_eq!(seen.status, StatusCode::FORBIDDEN);
        admin.fill("/automatic", "/automatic/download", &fields).await;
        let page = officer.open("/automatic").await.text;
        assert!(page.contains("admin 先生") && page.contains("分數 ≥ 85、感測器 ≥ 3、效期 12 小時"), "{page}");
        let token = admin.open("/automatic").await.token();
        let seen = admin.post("/automatic/udp_probe", &token, &fields).await;
        assert_eq!(seen.status, StatusCode::UNPROCESSABLE_ENTITY, "a forgeable class: {}", seen.text);
        assert_eq!(admin.post("/automatic/nonsense", &token, &fields).await.status, StatusCode::NOT_FOUND);
    })
    .await;
}

fn ask(world: &World, value: &str) -> Ask {
    Ask {
        org: world.centre,
        realm: Realm::Real,
        tlp: Tlp::Amber,
        scope: AddressScope::Global,
        key: value.parse().unwrap(),
        intent: Intent::Deny,
        expires: world.ctx.env.now().plus_secs(3_600),
        reason: "scan".into(),
        indicator: None,
        provenance: serde_json::json!({}),
    }
}

#[tokio::test]
async fn a_block_is_taken_back_with_reason_and_confirmation() {
    each_world(async |world| {
        let block = world.ctx.edge.issue(&world.system, ask(&world, "45.33.32.156")).await.unwrap();
        let mut officer = world.signed_in("lin", world.centre, &[Role::DutyOfficer]).await;
        let path = format!("/directives/{}", block.id);
        assert!(officer.open("/points").await.text.contains(&format!("href=\"{path}\"")), "found from the points");
        let page = officer.open(&path).await;
        assert!(page.text.contains("我確認要收回此指令: 45.33.32.156"), "{}", page.text);
        let act = format!("{path}/withdraw");
        let seen = officer.post(&act, &page.token(), &[("reason", "誤判")]).await;
        assert_eq!((seen.status, seen.text.contains("LF-POR-0006")), (StatusCode::UNPROCESSABLE_ENTITY, true));
        let seen = officer.post(&act, &page.token(), &[("confirm", "yes"), ("reason", " ")]).await;
        assert_eq!((seen.status, seen.text.contains("LF-EDG-0108")), (StatusCode::UNPROCESSABLE_ENTITY, true));
        officer.fill(&path, &act, &[("confirm", "yes"), ("reason", "誤判的位址")]).await;
        let page = officer.open(&path).await.text;
        assert!(page.contains("由人員收回") && page.contains("誤判的位址") && !page.contains(&act), "{page}");
        let seen = officer.open("/points").await;
        assert!(!seen.text.contains("45.33.32.156"), "nothing is in force");
        let mut member = world.signed_in("ho", world.member, &[Role::Member]).await;
        assert_ne!(member.get(&path).await.status, StatusCode::INTERNAL_SERVER_ERROR);
    })
    .await;
}

#[tokio::test]
async fn what_was_approved_alone_at_night_is_undone_by_another() {
    each_world(async |world| {
        let night = NightShift { enabled: true, ..NightShift::default() };
        let world = world.with_night(night);
        world.clock.set("2026-11-21T23:00:00+08:00".parse::<Timestamp>().unwrap());
        let mut alone = world.signed_in("lin", world.centre, &[Role::DutyOfficer]).await;
        let mut paths = Vec::new();
        for value in ["45.33.32.156", "45.33.32.157"] {
            let fields = [("value", value), ("description", ""), ("tlp", "amber"), ("days", "2")];
            let to = alone.fill("/indicators", "/indicators", &fields).await;
            let path = to.split('?').next().unwrap().to_owned();
            alone.fill(&path, &format!("{path}/submit"), &[("version", "1")]).await;
            alone.fill(&path, &format!("{path}/publish"), &[("version", "2")]).await;
            paths.push(path);
        }
        let own = alone.open("/night").await.text;
        assert!(own.contains("45.33.32.156") && own.contains("由您核准，須由他人覆核"), "{own}");
        assert!(!own.contains("/agree\""), "nobody confirms their own: {own}");
        let mut second = world.signed_in("wang", world.centre, &[Role::DutyOfficer]).await;
        assert!(second.open("/").await.text.contains("href=\"/night\""), "it waits in the home");
        let page = second.open("/night").await;
        let ids: Vec<&str> =
            page.text.split("action=\"/night/").skip(1).map(|p| p.split('/').next().unwrap()).collect();
        let (first, last) = (ids[0].to_owned(), ids[ids.len() - 1].to_owned());
        let body = encode(&alone.open("/night").await.token(), &[("note", "x")]);
        let heads = [("content-type", "application/x-www-form-urlencoded"), ("origin", "https://centre.example")];
        let seen = alone.send(Method::POST, &format!("/night/{first}/agree"), &heads, body).await;
        assert_eq!(seen.status, StatusCode::FORBIDDEN, "{}", seen.text);
        second.fill("/night", &format!("/night/{first}/agree"), &[]).await;
        let seen = second.post(&format!("/night/{last}/undo"), &page.token(), &[("note", "")]).await;
        assert_eq!(seen.status, StatusCode::UNPROCESSABLE_ENTITY, "an objection needs its reason: {}", seen.text);
        second.fill("/night", &format!("/night/{last}/undo"), &[("note", "證據不足")]).await;
        assert!(second.open("/night").await.text.contains("沒有待覆核的夜間核准。"));
        let states = [second.open(&paths[0]).await.text, second.open(&paths[1]).await.text];
        assert_eq!(states.iter().filter(|page| page.contains("證據不足")).count(), 1, "one is revoked with the reason");
    })
    .await;
}

#[tokio::test]
async fn long_work_is_seen_and_stopped_by_those_who_may() {
    each_world(async |world| {
        sensor::retention::plan(&world.ctx.db, world.centre, Realm::Real).await.unwrap();
        let mut reader = world.signed_in("wang", world.centre, &[Role::Auditor]).await;
        let mut keeper = world.signed_in("lin", world.centre, &[Role::PlatformEngineer]).await;
        let seen = keeper.open("/jobs").await;
        assert!(seen.text.contains("依保留期限清除攻擊紀錄") && seen.text.contains("等待中"), "{}", seen.text);
        let act =
            seen.text.split("action=\"").find_map(|part| part.split('"').next().filter(|to| to.ends_with("/stop")));
        let act = act.expect("a button").to_owned();
        let token = reader.open("/me").await.token();
        let refused = reader.post(&act, &token, &[]).await;
        assert!(matches!(refused.status, StatusCode::FORBIDDEN | StatusCode::NOT_FOUND), "{}", refused.status);
        assert!(keeper.open("/jobs").await.text.contains("等待中"));
        let to = keeper.fill("/jobs", &act, &[]).await;
        let after = keeper.open(&to).await.text;
        assert!(after.contains("已停止") && after.contains("已要求停止") && !after.contains("/stop\""), "{after}");
    })
    .await;
}
