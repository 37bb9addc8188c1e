//! What the pages leave in the audit tree: restricted reading, files taken away, questions for what is outside; and the
//! tree itself for readers who may not see all of it.

use base::{OrgId, Realm, Role, Tlp};
use http::StatusCode;
use serde_json::Value;
use store::audit::{Sequencer, verify};
use store::{SystemKey, params};

use crate::browser::Browser;
use crate::world::{World, each_world};

/// Leaves of an action, oldest first, as their entries say.
async fn leaves(world: &World, action: &'static str) -> Vec<Value> {
    let sql = "SELECT entry FROM audit_leaf WHERE action = $1 ORDER BY seq";
    let rows = world.ctx.db.system_read(SystemKey::of("test"), sql, params![action]).await.unwrap();
    rows.iter().map(|row| serde_json::from_str(&row.get::<String>("entry").unwrap()).unwrap()).collect()
}

/// A finding of a marking; its id.
async fn finding(world: &World, org: OrgId, value: &str, tlp: Tlp) -> String {
    let now = world.ctx.env.now();
    let raise = detect::Raise {
        org,
        realm: Realm::Real,
        tlp,
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
    world.ctx.detect.raise(raise, store::Actor::System("test".into())).await.unwrap();
    let sql = "SELECT id FROM finding WHERE subject = $1";
    let rows = world.ctx.db.system_read(SystemKey::of("test"), sql, params![value]).await.unwrap();
    rows[0].get::<uuid::Uuid>("id").unwrap().to_string()
}

#[tokio::test]
async fn a_red_row_leaves_its_leaf_before_the_page_and_an_amber_one_none() {
    each_world(async |world| {
        let red = finding(&world, world.member, "203.0.113.7", Tlp::Red).await;
        world.clock.advance_secs(1);
        let amber = finding(&world, world.member, "203.0.113.8", Tlp::AmberStrict).await;
        let mut duty = world.signed_in("duty", world.centre, &[Role::DutyOfficer]).await;
        duty.open(&format!("/findings/{amber}")).await;
        assert!(leaves(&world, "data.read").await.is_empty());
        duty.open(&format!("/findings/{red}")).await;
        let found = leaves(&world, "data.read").await;
        assert_eq!(found.len(), 1);
        assert_eq!((&found[0]["subject"], &found[0]["outcome"]), (&format!("finding:{red}").into(), &"read".into()));
        // RED is not the organisation's to see, so neither is who saw it.
        assert_eq!((&found[0]["org"], &found[0]["realm"]), (&world.centre.to_string().into(), &"real".into()));
        assert!(!found[0].to_string().contains("203.0.113.7"), "by reference only");

        // Pages that refresh themselves, lists, home, search: the same row by the same reader is one leaf.
        for path in ["/findings", "/findings?state=all", "/", "/search?q=203.0.113.7"] {
            for _ in 0..3 {
                duty.open(path).await;
            }
        }
        assert_eq!(leaves(&world, "data.read").await.len(), 1);
        world.clock.advance_secs(900);
        duty.open("/").await;
        assert_eq!(leaves(&world, "data.read").await.len(), 2, "home names it too");
        world.clock.advance_secs(900);
        duty.open("/search?q=203.0.113.7").await;
        assert_eq!(leaves(&world, "data.read").await.len(), 3, "and so does search");

        // A list of many: one leaf, the first rows by id and the number of the rest.
        for n in 0..30 {
            finding(&world, world.other, &format!("198.51.100.{n}"), Tlp::Red).await;
        }
        duty.open("/findings").await;
        let found = leaves(&world, "data.read").await;
        let detail = &found[3]["detail"];
        assert_eq!(found.len(), 4);
        assert_eq!((detail["rows"].as_array().unwrap().len(), &detail["more"]), (20, &10.into()));

        // Who does not see them reads nothing restricted.
        let before = found.len();
        let mut tier1 = world.signed_in("tier1", world.centre, &[Role::Tier1]).await;
        tier1.open("/findings").await;
        tier1.open("/").await;
        assert_eq!(leaves(&world, "data.read").await.len(), before);
    })
    .await;
}

#[tokio::test]
async fn peoples_details_leave_a_leaf_and_ones_own_do_not() {
    each_world(async |world| {
        let mut admin = world.signed_in("admin", world.centre, &[Role::Administrator]).await;
        admin.open("/people").await;
        admin.open("/me").await;
        assert!(leaves(&world, "data.read").await.is_empty(), "nobody else is there");
        world.signed_in("lin", world.member, &[Role::Member]).await;
        admin.open("/people").await;
        let found = leaves(&world, "data.read").await;
        assert_eq!((found.len(), &found[0]["org"]), (1, &world.member.to_string().into()));
        assert!(!found[0].to_string().contains("lin"), "by reference only: {}", found[0]);
        let person = found[0]["subject"].as_str().unwrap().strip_prefix("person:").unwrap();
        admin.open(&format!("/people/{person}")).await;
        assert_eq!(leaves(&world, "data.read").await.len(), 1, "a moment later");

        let new = registry::NewContact {
            name: "陳大文".into(),
            role: "security".into(),
            mail: "soc@power.example".into(),
            telephone: String::new(),
        };
        world.ctx.registry.contact_add(&world.system, world.other, &new).await.unwrap();
        admin.open(&format!("/orgs/{}", world.other)).await;
        let found = leaves(&world, "data.read").await;
        assert!(found.len() == 2 && found[1]["subject"].as_str().unwrap().starts_with("contact:"), "{found:?}");
    })
    .await;
}

#[tokio::test]
async fn every_file_leaves_who_what_and_how_many() {
    each_world(async |world| {
        finding(&world, world.member, "203.0.113.7", Tlp::Red).await;
        finding(&world, world.member, "203.0.113.8", Tlp::Amber).await;
        let mut duty = world.signed_in("duty", world.centre, &[Role::DutyOfficer, Role::Administrator]).await;
        for format in ["csv", "ndjson"] {
            let seen = duty.open(&format!("/findings?q=severity%3A4&format={format}")).await;
            assert!(seen.text.contains("203.0.113.7"));
        }
        let found = leaves(&world, "portal.export").await;
        assert_eq!(found.len(), 2, "each file, however soon");
        let detail = &found[0]["detail"];
        assert_eq!((&found[0]["subject"], &found[0]["outcome"]), (&"list:findings".into(), &"read".into()));
        assert_eq!(
            (&detail["rows"], &detail["restricted"], &detail["query"]),
            (&2.into(), &1.into(), &"severity:4".into())
        );
        assert!(found[0]["actor"].as_str().unwrap().starts_with("person:"));

        // A question about people may hold their names.
        duty.open("/people?q=login%3Aduty&format=csv").await;
        let found = leaves(&world, "portal.export").await;
        assert_eq!((&found[2]["subject"], &found[2]["detail"]["query"]), (&"list:people-list".into(), &"?".into()));
        assert!(!found[2].to_string().contains("duty"), "{}", found[2]);
        let bad = duty.get("/findings?format=pdf").await;
        assert_eq!((bad.status, leaves(&world, "portal.export").await.len()), (StatusCode::NOT_FOUND, 3));
    })
    .await;
}

async fn exported(browser: &mut Browser) -> String {
    let seen = browser.open("/audit/export").await;
    assert_eq!(seen.head("content-type"), "application/x-ndjson");
    seen.text
}

#[tokio::test]
async fn the_tree_is_whole_for_everybody_and_shows_what_each_may_see() {
    each_world(async |world| {
        let mut centre = world.signed_in("auditor", world.centre, &[Role::Auditor]).await;
        let mut member = world.signed_in("member", world.member, &[Role::Auditor]).await;
        let mut duty = world.signed_in("duty", world.centre, &[Role::DutyOfficer]).await;
        let mut tier1 = world.signed_in("tier1", world.centre, &[Role::Tier1]).await;
        // A leaf of another organisation, and one that is RED: an act about a RED finding.
        let red = finding(&world, world.member, "203.0.113.7", Tlp::Red).await;
        let page = duty.open(&format!("/findings/{red}")).await;
        let taken = duty.post(&format!("/findings/{red}/take"), &page.token(), &[("version", "1")]).await;
        assert_eq!(taken.status, StatusCode::SEE_OTHER, "{}", taken.text);
        world.finding(world.other, "198.51.100.1").await;
        Sequencer::new(world.ctx.db.clone(), world.ctx.signer.clone()).step().await.unwrap();

        let red_leaf = format!("\\\"subject\\\":\\\"finding:{red}\\\"");
        let all = exported(&mut centre).await;
        let own = exported(&mut member).await;
        let (all_told, own_told) = (verify(all.as_bytes()).unwrap(), verify(own.as_bytes()).unwrap());
        assert_eq!((all_told.size, all_told.root), (own_told.size, own_told.root), "one tree");
        // The auditor of the centre sees up to amber+strict: the RED ones are withheld, the note of the reading is not.
        let sql = "SELECT COUNT(*) AS n FROM audit_leaf WHERE tlp = 4";
        let reds = world.ctx.db.system_read(SystemKey::of("test"), sql, vec![]).await.unwrap();
        let reds: i64 = reds[0].get("n").unwrap();
        assert_eq!(reds, 1, "it was taken");
        assert_eq!(all_told.withheld, reds.unsigned_abs());
        assert!(all.contains("data.read") && all.contains(&red_leaf) && !all.contains("detect.take"), "{all}");
        assert!(own_told.withheld > all_told.withheld);
        assert!(!own.contains(&world.other.to_string()) && own.contains(&world.member.to_string()));
        assert!(!own.contains(&red), "a RED row of its own organisation is hidden from it, and who read it: {own}");
        let search = member.open("/audit?q=action%3Adata.read").await;
        assert!(!search.text.contains(&red), "{}", search.text);

        // Leaf by leaf the same: what is withheld has no page.
        for line in own.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok()) {
            let Some(seq) = line["seq"].as_u64() else { continue };
            let page = member.get(&format!("/audit/{seq}")).await;
            let wanted = if line.get("entry").is_some() { StatusCode::OK } else { StatusCode::NOT_FOUND };
            assert_eq!(page.status, wanted, "{line}");
        }
        assert_eq!(tier1.get("/audit/export").await.status, StatusCode::FORBIDDEN);
        let found = leaves(&world, "audit.export").await;
        assert_eq!(found.len(), 2);
        assert_eq!(
            (&found[0]["detail"]["size"], &found[0]["detail"]["seen"]),
            (&all_told.size.into(), &"all amber+strict".into())
        );
        assert_eq!(found[1]["detail"]["seen"], "1 areas amber+strict");
    })
    .await;
}

/// The text of a page without what differs between any two: the id that was asked for and the form token.
fn told(text: &str, id: &str) -> String {
    text.replace(id, "ID")
}

#[tokio::test]
async fn probing_for_ids_is_answered_like_nothing_and_noted() {
    each_world(async |world| {
        let theirs = finding(&world, world.other, "198.51.100.7", Tlp::AmberStrict).await;
        let red = finding(&world, world.member, "203.0.113.7", Tlp::Red).await;
        let mut member = world.signed_in("member", world.member, &[Role::Member, Role::Auditor]).await;
        let outside = world.ctx.access.outside();
        let nobody = "0199aaaa-0000-7000-8000-000000000009";
        let absent = member.get(&format!("/findings/{nobody}")).await;
        assert_eq!(outside.flush(true).await.unwrap(), 0, "nothing is there");
        // With encoded characters the same row is asked for, the same answer given, and the same leaf left.
        let third = finding(&world, world.other, "198.51.100.8", Tlp::AmberStrict).await;
        let encoded = third.replacen('-', "%2D", 1);
        let seen = member.get(&format!("/findings/{encoded}")).await;
        let text = seen.text.replace(&encoded, &third);
        assert_eq!((seen.status, told(&text, &third)), (absent.status, told(&absent.text, nobody)));
        for hidden in [&theirs, &red] {
            let seen = member.get(&format!("/findings/{hidden}")).await;
            assert_eq!((seen.status, told(&seen.text, hidden)), (absent.status, told(&absent.text, nobody)));
        }
        // Acts, other rooms, a batch: the same.
        let form = member.open("/me").await.token();
        let act = member.post(&format!("/findings/{theirs}/take"), &form, &[("version", "1")]).await;
        let none = member.post(&format!("/findings/{nobody}/take"), &form, &[("version", "1")]).await;
        assert_eq!((act.status, told(&act.text, &theirs)), (none.status, told(&none.text, nobody)));
        let pick = format!("{theirs}.1");
        member.post("/findings/bulk", &form, &[("verb", "take"), ("pick", &pick), ("reason", "")]).await;
        for _ in 0..100 {
            member.get(&format!("/findings/{theirs}")).await;
            member.get(&format!("/findings/{nobody}")).await;
        }
        assert!(leaves(&world, "access.outside").await.is_empty(), "no answer waits for its leaf");
        assert_eq!(outside.flush(false).await.unwrap(), 1);
        let found = leaves(&world, "access.outside").await;
        let detail = &found[0]["detail"];
        assert_eq!((&found[0]["outcome"], &found[0]["realm"]), (&"refused".into(), &"real".into()));
        assert_eq!((&found[0]["org"], &detail["times"]), (&world.centre.to_string().into(), &105.into()));
        let rows: Vec<&str> = detail["rows"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
        let mut wanted = [&theirs, &red, &third].map(|id| format!("finding:{id}"));
        wanted.sort();
        assert_eq!(rows, wanted);
        assert!(!member.open("/audit?q=action%3Aaccess.outside").await.text.contains(&theirs), "not for the prober");
    })
    .await;
}

#[tokio::test]
async fn tokens_end_by_themselves_and_the_bootstrap_token_is_warned_of() {
    each_world(async |world| {
        let access = &world.ctx.access;
        let host = access.bootstrap_token(&world.system).await.unwrap();
        let caller = access.token_check(&host.secret, "127.0.0.1".parse().unwrap()).await.unwrap();
        let child = access::NewToken {
            name: "collector".into(),
            scopes: vec![access::Action::Ingest],
            org: world.centre,
            ceiling: Tlp::Amber,
            bound_to: None,
            expires_at: None,
        };
        let child = access.token_create(&caller, &child).await.unwrap();
        let mut admin = world.signed_in("admin", world.centre, &[Role::Administrator]).await;
        let page = admin.open("/tokens").await;
        let words = &text::Words::of(text::Lang::ZhTw).people;
        assert!(page.text.contains(words.bootstrap_lives) && page.text.contains(words.token_days), "{}", page.text);
        let centre = world.centre.to_string();
        let fields = [("name", "feed"), ("org", centre.as_str()), ("scopes", "read_feeds"), ("days", "")];
        let made = admin.post("/tokens", &page.token(), &fields).await;
        assert_eq!(made.status, StatusCode::OK);
        let list = world.ctx.access.tokens(&world.system, &store::Page::default()).await.unwrap().items;
        let feed = list.iter().find(|token| token.name == "feed").unwrap();
        assert_eq!(feed.expires_at, Some(world.ctx.env.now().plus_secs(365 * 86_400)));
        assert!(made.text.contains("2027-11-2"), "the page says when: {}", made.text);
        let token = admin.open("/tokens").await.token();
        assert!(admin.open("/tokens").await.text.contains(&format!("{}: collector", words.bootstrap)));
        admin.post(&format!("/tokens/{}/revoke", host.id), &token, &[]).await;
        let gone = access.token_check(&child.secret, "127.0.0.1".parse().unwrap()).await;
        assert!(gone.is_err(), "it ends with the token that made it");
        assert!(!admin.open("/tokens").await.text.contains(words.bootstrap_lives));
    })
    .await;
}
