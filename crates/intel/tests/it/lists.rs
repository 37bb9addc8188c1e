//! Lists, search and exports.

use super::*;
use intel::Filter;
use std::cmp::Reverse;
use store::page::{Page, Paged};

async fn all(intel: &Intel, filter: &Filter) -> Vec<Indicator> {
    let (mut page, mut rows) = (Page::first(4), Vec::new());
    loop {
        let Paged { items, next } = intel.list(&testkit::all(), filter, &page).await.unwrap();
        rows.extend(items);
        page.after = next;
        if page.after.is_none() {
            return rows;
        }
    }
}

async fn found(intel: &Intel, text: &str) -> Vec<String> {
    let rows = all(intel, &Filter { text: text.into(), ..Filter::default() }).await;
    let mut values: Vec<String> = rows.into_iter().map(|row| row.value).collect();
    values.sort();
    values
}

#[tokio::test]
async fn search_finds_by_value_range_and_word() {
    testkit::each_db(&schema(), |db, env| async move {
        let intel = service(&db, &env, AutoPolicy::clean());
        let hash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        for value in [
            "203.0.113.7",
            "203.0.113.0/24",
            "203.0.114.1",
            "2001:db8::/32",
            "evil.example",
            "www.evil.example",
            "notevil.example",
            "http://203.0.113.7/bot.sh",
            "http://cdn.evil.example/a%b",
            hash,
        ] {
            let mut draft = draft(CENTRE, value);
            if value == hash {
                draft.name = "Mirai 機器人 100%".into();
            }
            intel.draft(&officer(1), draft).await.unwrap();
        }
        assert_eq!(
            found(&intel, "203[.]0[.]113[.]7").await,
            ["203.0.113.0/24", "203.0.113.7", "http://203.0.113.7/bot.sh"],
            "itself, the network around it, URLs on it"
        );
        assert_eq!(found(&intel, "203.0.112.0/22").await, ["203.0.113.0/24", "203.0.113.7", "203.0.114.1"]);
        assert_eq!(found(&intel, "2001:db8::5").await, ["2001:db8::/32"]);
        assert_eq!(
            found(&intel, "evil.example").await,
            ["evil.example", "http://cdn.evil.example/a%b", "www.evil.example"]
        );
        assert_eq!(found(&intel, "E3B0C442").await, [hash]);
        assert_eq!(found(&intel, "mirai").await, [hash]);
        assert_eq!(found(&intel, "機器人").await, [hash]);
        assert_eq!(found(&intel, "100%").await, [hash], "a percent sign is a percent sign");
        assert!(found(&intel, "0_0").await.is_empty() && found(&intel, "a\0b").await.is_empty());
        assert_eq!(intel.by_value(&testkit::all(), ValueKind::Ipv4, "203.0.113.7").await.unwrap().len(), 1);
    })
    .await;
}

#[tokio::test]
async fn lists_page_by_key_in_their_order() {
    testkit::each_db_at(&schema(), |db, env, clock| async move {
        let intel = service(&db, &env, AutoPolicy::clean());
        for n in 0..11_u32 {
            let score = 0.6 + f64::from(n % 4) / 10.0;
            moved(&intel, &db, evidence(MEMBER, &format!("198.51.100.{n}"), score, 1)).await;
            clock.advance_secs(i64::from(n % 2));
        }
        let rows = all(&intel, &Filter::default()).await;
        assert!(rows.len() == 11 && rows.is_sorted_by_key(|row| Reverse((row.modified, row.id))));
        let strong = Filter { min_score: 0.75, class: Some(AttackClass::Download), ..Filter::default() };
        assert_eq!(all(&intel, &strong).await.len(), 5);
        let none = Filter { kind: Some(ValueKind::Url), ..Filter::default() };
        assert!(all(&intel, &none).await.is_empty());
        let (mut page, mut queue) = (Page::first(3), Vec::new());
        loop {
            let part = intel.waiting(&testkit::all(), &page).await.unwrap();
            queue.extend(part.items);
            page.after = part.next;
            if page.after.is_none() {
                break;
            }
        }
        let order: Vec<_> = queue.iter().map(|row| (-(row.score * 1e6) as i64, row.created, row.id)).collect();
        assert!(queue.len() == 11 && order.is_sorted(), "highest score, then oldest, each once");
        for row in queue.iter().take(5) {
            intel.publish(&officer(1), row.id, row.version).await.unwrap();
        }
        let published = Filter { state: Some(IndicatorState::Published), ..Filter::default() };
        assert_eq!(all(&intel, &published).await.len(), 5);
        let totals = intel.totals(&testkit::all()).await.unwrap();
        assert_eq!((totals.in_review, totals.published), (6, 5));
        let objects = intel.objects(&testkit::all(), &Page::first(100)).await.unwrap();
        let mut bundle = stix::Bundle::new(uuid::Builder::from_random_bytes(env.bytes()).into_uuid());
        objects.items.iter().for_each(|object| bundle.push(object));
        let back: Vec<stix::Stored> = stix::split(&bundle.finish()).unwrap().into_iter().map(Result::unwrap).collect();
        assert_eq!(back, objects.items, "byte for byte");
    })
    .await;
}
