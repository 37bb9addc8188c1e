//! Sessions end when they should, on every node within a second.

use access::{Access, KeyFile, Settings};
use base::Role;

use crate::world::{OTHER, PASSWORD, code, each_world, from, visit};

#[tokio::test]
async fn idle_and_absolute_limits() {
    each_world(Settings::default(), |world| async move {
        let access = &world.access;
        let signed_in = world.joined("wang", world.member, &[Role::Member]).await;
        for _ in 0..23 {
            world.clock.advance_secs(29 * 60);
            access.session_check(&signed_in.cookie).await.unwrap();
        }
        world.clock.advance_secs(31 * 60);
        assert_eq!(code(access.session_check(&signed_in.cookie).await), "LF-ACC-0001", "idle, or twelve hours");
        let again = access.begin_sign_in("wang", PASSWORD, &visit()).await.unwrap();
        for _ in 0..24 {
            world.clock.advance_secs(1_795);
            access.session_check(&again.cookie).await.unwrap();
        }
        world.clock.advance_secs(12 * 3_600 - 24 * 1_795);
        assert_eq!(code(access.session_check(&again.cookie).await), "LF-ACC-0001", "twelve hours");
        let idle = access.begin_sign_in("wang", PASSWORD, &visit()).await.unwrap();
        world.clock.advance_secs(30 * 60);
        assert_eq!(code(access.session_check(&idle.cookie).await), "LF-ACC-0001", "idle");
    })
    .await;
}

#[tokio::test]
async fn a_session_that_waits_for_its_second_factor_is_short() {
    each_world(Settings::default(), |world| async move {
        world.ready("duty", world.centre, &[Role::DutyOfficer]).await;
        let pending = world.access.begin_sign_in("duty", PASSWORD, &visit()).await.unwrap();
        world.clock.advance_secs(15 * 60);
        assert_eq!(code(world.access.session_check(&pending.cookie).await), "LF-ACC-0001");
    })
    .await;
}

#[tokio::test]
async fn sessions_are_listed_and_revoked_and_every_node_sees_it_within_a_second() {
    each_world(Settings::default(), |world| async move {
        let access = &world.access;
        // A second node of the same centre, with its own cache.
        let env = world.db.env().clone();
        let keys = KeyFile::of(&[42; 32]).unwrap();
        let node = Access::new(world.db.clone(), env, keys, Settings::default(), world.centre);
        let one = world.joined("wang", world.member, &[Role::Member]).await;
        let two = access.begin_sign_in("wang", PASSWORD, &from("198.51.100.3")).await.unwrap();
        let caller = access.session_check(&one.cookie).await.unwrap();
        let list = access.sessions(&caller, one.person).await.unwrap();
        assert_eq!(list.len(), 2);
        assert!(list.iter().any(|login| login.address == "198.51.100.3" && login.agent == "test/1"));
        node.session_check(&two.cookie).await.unwrap();
        let other = world.joined("li", world.other, &[Role::Member]).await;
        let stranger = access.session_check(&other.cookie).await.unwrap();
        assert_eq!(code(access.sessions(&stranger, one.person).await), "LF-ACC-0002");
        assert_eq!(code(access.revoke_session(&stranger, two.login).await), "LF-ACC-0002");
        access.revoke_session(&caller, two.login).await.unwrap();
        assert_eq!(code(access.session_check(&two.cookie).await), "LF-ACC-0001", "at once here");
        world.clock.advance_secs(1);
        assert_eq!(code(node.session_check(&two.cookie).await), "LF-ACC-0001", "within a second there");
        access.session_check(&one.cookie).await.unwrap();
        // An administrator may end others' sessions.
        let admin = world.caller("admin", world.centre, &[Role::Administrator]).await;
        access.revoke_session(&admin, one.login).await.unwrap();
        assert_eq!(code(access.session_check(&one.cookie).await), "LF-ACC-0001");
    })
    .await;
}

#[tokio::test]
async fn a_new_password_ends_the_other_sessions() {
    each_world(Settings::default(), |world| async move {
        let access = &world.access;
        let one = world.joined("wang", world.member, &[Role::Member]).await;
        let two = access.begin_sign_in("wang", PASSWORD, &visit()).await.unwrap();
        let caller = access.session_check(&one.cookie).await.unwrap();
        assert_eq!(code(access.change_password(&caller, "wrong password", OTHER, &visit()).await), "LF-ACC-0009");
        let renewed = access.change_password(&caller, PASSWORD, OTHER, &visit()).await.unwrap();
        for gone in [&one.cookie, &two.cookie] {
            assert_eq!(code(access.session_check(gone).await), "LF-ACC-0001");
        }
        access.session_check(&renewed.cookie).await.unwrap();
        assert_eq!(code(access.begin_sign_in("wang", PASSWORD, &visit()).await), "LF-ACC-0009");
        access.begin_sign_in("wang", OTHER, &visit()).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn an_ended_account_is_out() {
    each_world(Settings::default(), |world| async move {
        let access = &world.access;
        let mut person = world.newcomer("temp", world.member, &[Role::Member]);
        person.expires_at = Some(testkit::START.plus_secs(600));
        let (id, link) = access.invite(&world.system, &person).await.unwrap();
        let signed_in = access.accept_invitation(&link.token, PASSWORD, &visit()).await.unwrap();
        access.session_check(&signed_in.cookie).await.unwrap();
        world.clock.advance_secs(600);
        assert_eq!(code(access.session_check(&signed_in.cookie).await), "LF-ACC-0001");
        assert_eq!(code(access.begin_sign_in("temp", PASSWORD, &visit()).await), "LF-ACC-0009");
        let swept = access.housekeeping().await.unwrap();
        assert_eq!((swept.expired, swept.idle), (1, 0));
        let person = access.person(&world.system, id).await.unwrap();
        assert_eq!(person.state, access::PersonState::Disabled);
        assert_eq!(access.housekeeping().await.unwrap().expired, 0);
    })
    .await;
}

#[tokio::test]
async fn an_unused_account_is_disabled_but_never_the_last_administrator() {
    each_world(Settings::default(), |world| async move {
        let access = &world.access;
        let (boss, _) = world.ready("boss", world.centre, &[Role::Administrator]).await;
        let idle = world.joined("idle", world.member, &[Role::Member]).await;
        world.clock.advance_secs(90 * 86_400);
        let swept = access.housekeeping().await.unwrap();
        assert_eq!((swept.expired, swept.idle), (0, 1));
        let system = &world.system;
        let state = |person| async move { access.person(system, person).await.unwrap().state };
        assert_eq!(state(boss.person).await, access::PersonState::Active);
        assert_eq!(state(idle.person).await, access::PersonState::Disabled);
    })
    .await;
}
