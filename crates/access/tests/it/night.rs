//! Four eyes, and the night shift with its obligation.

use access::{Caller, Facts, NightShift, RetroOutcome, Settings, act};
use base::{Realm, Role, Timestamp, Tlp};
use store::Unit;
use store::page::Page;

use crate::world::{World, code, each_world};

fn settings() -> Settings {
    Settings { night_shift: NightShift { enabled: true, ..NightShift::default() }, ..Settings::default() }
}

fn facts(world: &World, author: &Caller) -> Facts {
    Facts::new(world.member, Tlp::Amber, Realm::Real).by(author.person())
}

const NIGHT: &str = "2026-11-21T23:00:00+08:00";

#[tokio::test]
async fn by_day_and_without_the_policy_the_author_never_approves() {
    each_world(Settings::default(), |world| async move {
        let duty = world.caller("duty", world.centre, &[Role::DutyOfficer]).await;
        world.clock.set(NIGHT.parse::<Timestamp>().unwrap());
        let own = world.access.permit_approval::<act::ApproveIntel, _>(&duty, 1, &facts(&world, &duty), "indicator:1");
        assert_eq!(code(own), "LF-ACC-0005", "the policy is off");
    })
    .await;
    each_world(settings(), |world| async move {
        let duty = world.caller("duty", world.centre, &[Role::DutyOfficer]).await;
        let try_own = |caller: &Caller| {
            world.access.permit_approval::<act::ApproveIntel, _>(caller, 1, &facts(&world, caller), "indicator:1")
        };
        // The clock stands at 14:00 in Taipei.
        assert_eq!(code(try_own(&duty)), "LF-ACC-0005");
        let officer = world.caller("officer", world.centre, &[Role::IntelligenceOfficer]).await;
        world.clock.set(NIGHT.parse::<Timestamp>().unwrap());
        assert_eq!(code(try_own(&officer)), "LF-ACC-0005", "only the duty officer is alone at night");
        assert!(try_own(&duty).unwrap().owed.is_some());
        let others = facts(&world, &officer);
        let fair = world.access.permit_approval::<act::ApproveIntel, _>(&duty, 1, &others, "indicator:1").unwrap();
        assert!(fair.owed.is_none(), "two people: nothing is owed");
        let red = Facts { tlp: Tlp::Red, realm: Realm::Drill(uuid::Uuid::nil()), ..facts(&world, &duty) };
        let drill = world.access.permit_approval::<act::ApproveIntel, _>(&duty, 1, &red, "indicator:1");
        assert_eq!(code(drill), "LF-ACC-0002", "the night opens nothing else");
    })
    .await;
}

#[tokio::test]
async fn what_was_approved_alone_is_looked_at_by_somebody_else() {
    each_world(settings(), |world| async move {
        let access = &world.access;
        let duty = world.caller("duty", world.centre, &[Role::DutyOfficer]).await;
        let second = world.caller("second", world.centre, &[Role::DutyOfficer]).await;
        let tier1 = world.joined("tier1", world.centre, &[Role::Tier1]).await;
        let tier1 = access.session_check(&tier1.cookie).await.unwrap();
        let night = NIGHT.parse::<Timestamp>().unwrap();
        world.clock.set(night);
        let approval =
            access.permit_approval::<act::ApproveIntel, _>(&duty, 1, &facts(&world, &duty), "indicator:1").unwrap();
        assert!(
            access.retro_open(&second, &Page::default()).await.unwrap().items.is_empty(),
            "nothing is committed yet"
        );
        world.db.commit(approval.record(Unit::new(duty.actor(), night))).await.unwrap();
        let open = access.retro_open(&second, &Page::default()).await.unwrap().items;
        assert_eq!(open.len(), 1);
        assert_eq!(open[0].subject, "indicator:1");
        assert_eq!(open[0].due_at, night.plus_secs(12 * 3_600));
        assert_eq!(Some(open[0].approved_by), duty.person());
        let close = |caller: &Caller, outcome, note: &'static str| {
            let caller = caller.clone();
            let (id, version) = (open[0].id, open[0].version);
            async move { access.retro_close(&caller, id, outcome, note, version).await }
        };
        assert_eq!(code(close(&duty, RetroOutcome::Confirmed, "").await), "LF-ACC-0005", "not by the same person");
        assert_eq!(code(close(&tier1, RetroOutcome::Confirmed, "").await), "LF-ACC-0003");
        assert_eq!(code(close(&second, RetroOutcome::Objected, " ").await), "LF-ACC-0014", "a reason is needed");
        close(&second, RetroOutcome::Confirmed, "").await.unwrap();
        assert_eq!(code(close(&second, RetroOutcome::Confirmed, "").await), "LF-ACC-0022");
        assert!(access.retro_open(&second, &Page::default()).await.unwrap().items.is_empty());
        assert_eq!(world.leaves("access.self_approval", "done").await, 1);
        assert_eq!(world.leaves("access.retro_review", "done").await, 1);
        assert_eq!(world.leaves("access.retro_review", "refused").await, 2);
    })
    .await;
}
