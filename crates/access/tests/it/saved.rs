//! Saved searches: one's own, and what the organisation shares.

use access::{NewSearch, Settings};
use base::Role;

use crate::world::{code, each_world};

fn new(name: &str, shared: bool) -> NewSearch {
    NewSearch { list: "/findings".into(), name: name.into(), query: "severity:>=3 | by rule".into(), shared }
}

#[tokio::test]
async fn a_search_is_found_by_its_owner_and_where_it_is_shared() {
    each_world(Settings::default(), |world| async move {
        let access = &world.access;
        let lin = world.caller("lin", world.member, &[Role::Member]).await;
        let ho = world.caller("ho", world.member, &[Role::Member]).await;
        let duty = world.caller("duty", world.centre, &[Role::DutyOfficer]).await;
        let own = access.save_search(&lin, &new("只有我", false)).await.unwrap();
        let shared = access.save_search(&lin, &new("大家", true)).await.unwrap();
        let ids = async |caller| -> Vec<_> {
            access.searches(caller).await.unwrap().into_iter().map(|search| search.id).collect()
        };
        let mine = ids(&lin).await;
        assert!(mine.contains(&own) && mine.contains(&shared) && mine.len() == 2);
        assert_eq!(ids(&ho).await, [shared], "the same organisation finds what is shared");
        assert!(ids(&duty).await.is_empty(), "another organisation does not");
        let seen = access.searches(&ho).await.unwrap().remove(0);
        assert_eq!((seen.name.as_str(), seen.query.as_str()), ("大家", "severity:>=3 | by rule"));
        assert_eq!(code(access.forget_search(&ho, shared).await), "LF-ACC-0002", "only its owner deletes it");
        access.forget_search(&lin, shared).await.unwrap();
        assert!(ids(&ho).await.is_empty());
        for bad in [
            new(" ", false),
            NewSearch { query: "\0".into(), ..new("x", false) },
            NewSearch { list: "x".into(), ..new("x", false) },
        ] {
            assert_eq!(code(access.save_search(&lin, &bad).await), "LF-ACC-0014", "{bad:?}");
        }
    })
    .await;
}
