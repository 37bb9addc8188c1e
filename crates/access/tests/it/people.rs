//! Inviting, roles, disabling.

use access::{Action, NewHolding, PeopleFilter, PersonState, Profile, Settings, Stage};
use base::{Role, Timestamp};
use store::page::Page;

use crate::world::{PASSWORD, code, each_world, visit};

#[tokio::test]
async fn an_invitation_is_good_once_for_its_hours() {
    each_world(Settings::default(), |world| async move {
        let access = &world.access;
        let (id, link) = world.invite("wang", world.member, &[Role::Member]).await;
        assert_eq!(access.person(&world.system, id).await.unwrap().state, PersonState::Invited);
        let card = access.link_card(&link.token).await.unwrap();
        assert_eq!((card.login.as_str(), card.language.as_str()), ("wang", "zh-TW"));
        assert_eq!(code(access.accept_invitation(&link.token, "password1234", &visit()).await), "LF-ACC-0013");
        let newer = access.invite_again(&world.system, id).await.unwrap();
        assert_eq!(code(access.link_card(&link.token).await), "LF-ACC-0012", "the newer link replaced it");
        world.clock.advance_secs(168 * 3_600);
        assert_eq!(code(access.link_card(&newer.token).await), "LF-ACC-0012");
        let last = access.invite_again(&world.system, id).await.unwrap();
        let signed_in = access.accept_invitation(&last.token, PASSWORD, &visit()).await.unwrap();
        assert_eq!(signed_in.stage, Stage::Full);
        assert_eq!(code(access.accept_invitation(&last.token, PASSWORD, &visit()).await), "LF-ACC-0012");
        assert_eq!(code(access.invite_again(&world.system, id).await), "LF-ACC-0014");
        let taken = world.newcomer("Wang", world.member, &[]);
        assert_eq!(code(access.invite(&world.system, &taken).await), "LF-ACC-0015");
    })
    .await;
}

#[tokio::test]
async fn a_lost_link_does_not_open_an_account_that_is_used() {
    each_world(Settings::default(), |world| async move {
        let access = &world.access;
        let (_, lost) = world.invite("wang", world.member, &[Role::Member]).await;
        let recovery = access.recover(&world.system, "wang").await.unwrap();
        access.accept_invitation(&recovery.token, PASSWORD, &visit()).await.unwrap();
        assert_eq!(code(access.link_card(&lost.token).await), "LF-ACC-0012");
        assert_eq!(code(access.accept_invitation(&lost.token, PASSWORD, &visit()).await), "LF-ACC-0012");
    })
    .await;
}

#[tokio::test]
async fn of_two_who_hold_the_link_one_gets_in() {
    each_world(Settings::default(), |world| async move {
        let (_, link) = world.invite("wang", world.member, &[Role::Member]).await;
        let seat = visit();
        let (a, b) = tokio::join!(
            world.access.accept_invitation(&link.token, PASSWORD, &seat),
            world.access.accept_invitation(&link.token, PASSWORD, &seat)
        );
        assert_eq!(u8::from(a.is_ok()) + u8::from(b.is_ok()), 1);
    })
    .await;
}

#[tokio::test]
async fn administrators_of_a_member_manage_their_own_and_no_more() {
    each_world(Settings::default(), |world| async move {
        let access = &world.access;
        let local = world.caller("local", world.member, &[Role::Administrator]).await;
        access.invite(&local, &world.newcomer("own", world.member, &[Role::Tier1])).await.unwrap();
        assert_eq!(code(access.invite(&local, &world.newcomer("x1", world.other, &[])).await), "LF-ACC-0003");
        let mut climber = world.newcomer("x2", world.member, &[]);
        climber.holdings = vec![NewHolding::of(Role::Administrator, world.centre)];
        assert_eq!(code(access.invite(&local, &climber).await), "LF-ACC-0003", "no role beyond one's own branch");
        // A stronger account whose home is the member's: letting it in must not let anybody become it.
        let mut strong = world.newcomer("strong", world.member, &[]);
        strong.holdings = vec![NewHolding::of(Role::DutyOfficer, world.centre)];
        let (strong, _) = access.invite(&world.system, &strong).await.unwrap();
        assert_eq!(code(access.recover(&local, "strong").await), "LF-ACC-0003");
        assert_eq!(code(access.invite_again(&local, strong).await), "LF-ACC-0003");
        assert_eq!(code(access.disable(&local, strong, 1).await), "LF-ACC-0003");
        let (far, _) = world.invite("far", world.other, &[Role::Member]).await;
        assert_eq!(code(access.person(&local, far).await), "LF-ACC-0002", "outside the clearance: absent");
        assert_eq!(code(access.set_roles(&local, far, &[], 1).await), "LF-ACC-0002");
        let page = access.people(&local, &PeopleFilter::default(), &Page::default()).await.unwrap();
        let names: Vec<_> = page.items.iter().map(|person| person.login.as_str()).collect();
        assert_eq!(names, ["local", "own", "strong"]);
        assert_eq!(world.leaves("access.invite", "refused").await, 2);
    })
    .await;
}

#[tokio::test]
async fn roles_take_effect_within_a_second_and_need_the_version() {
    each_world(Settings::default(), |world| async move {
        let access = &world.access;
        let admin = world.caller("admin", world.centre, &[Role::Administrator]).await;
        let signed_in = world.joined("wang", world.member, &[Role::Member]).await;
        let before = access.session_check(&signed_in.cookie).await.unwrap();
        assert!(before.can(Action::ReadIntel) && !before.can(Action::IssueBlock));
        let version = access.person(&admin, signed_in.person).await.unwrap().version;
        let duty = [NewHolding::of(Role::DutyOfficer, world.centre)];
        access.set_roles(&admin, signed_in.person, &duty, version).await.unwrap();
        assert_eq!(code(access.set_roles(&admin, signed_in.person, &duty, version).await), "LF-ACC-0022");
        let after = access.session_check(&signed_in.cookie).await.unwrap();
        assert_eq!(after.stage(), Stage::EnrolSecondFactor, "the new role needs a second factor first");
        assert!(!after.can(Action::ReadIntel));
        let machine = [NewHolding::of(Role::Sensor, world.centre)];
        assert_eq!(code(access.set_roles(&admin, signed_in.person, &machine, version + 1).await), "LF-ACC-0014");
        let own = admin.person().unwrap();
        assert_eq!(code(access.set_roles(&admin, own, &duty, 1).await), "LF-ACC-0017");
        assert_eq!(code(access.disable(&admin, own, 1).await), "LF-ACC-0017");
    })
    .await;
}

#[tokio::test]
async fn the_last_administrator_stays() {
    each_world(Settings::default(), |world| async move {
        let access = &world.access;
        let one = world.caller("one", world.centre, &[Role::Administrator]).await;
        let two = world.caller("two", world.centre, &[Role::Administrator]).await;
        let (a, b) = (one.person().unwrap(), two.person().unwrap());
        let system = &world.system;
        let version = |id| async move { access.person(system, id).await.unwrap().version };
        let (va, vb) = (version(a).await, version(b).await);
        // Each disables the other at the same moment: one of them stays.
        let outcomes = tokio::join!(access.disable(&one, b, vb), access.disable(&two, a, va));
        assert_eq!(u8::from(outcomes.0.is_ok()) + u8::from(outcomes.1.is_ok()), 1);
        let left = if outcomes.0.is_ok() { a } else { b };
        let version = version(left).await;
        assert_eq!(code(access.disable(&world.system, left, version).await), "LF-ACC-0016");
        let duty = [NewHolding::of(Role::DutyOfficer, world.centre)];
        assert_eq!(code(access.set_roles(&world.system, left, &duty, version).await), "LF-ACC-0016");
        // Administrator for a time is none for good.
        let mut short = NewHolding::of(Role::Administrator, world.centre);
        short.to = Some(testkit::START.plus_secs(86_400));
        assert_eq!(code(access.set_roles(&world.system, left, &[short], version).await), "LF-ACC-0016");
        assert_eq!(world.leaves("access.set_roles", "refused").await, 2);
    })
    .await;
}

#[tokio::test]
async fn deputies_hold_a_role_for_a_time() {
    each_world(Settings::default(), |world| async move {
        let access = &world.access;
        let (chief, _) = world.invite("chief", world.member, &[Role::Leadership]).await;
        let deputy = world.joined("deputy", world.member, &[]).await;
        let (from, to) = (testkit::START.plus_secs(600), testkit::START.plus_secs(1_200));
        let stand_in = |role, person| NewHolding {
            deputy_for: Some(person),
            from: Some(from),
            to: Some(to),
            ..NewHolding::of(role, world.member)
        };
        let version = access.person(&world.system, deputy.person).await.unwrap().version;
        let wrong = [stand_in(Role::DutyOfficer, chief)];
        assert_eq!(code(access.set_roles(&world.system, deputy.person, &wrong, version).await), "LF-ACC-0014");
        let right = [stand_in(Role::Leadership, chief)];
        access.set_roles(&world.system, deputy.person, &right, version).await.unwrap();
        for (at, may) in [(599, false), (600, true), (1_199, true), (1_200, false)] {
            world.clock.set(Timestamp::from_micros(testkit::START.as_micros() + at * 1_000_000));
            let caller = access.session_check(&deputy.cookie).await.unwrap();
            assert_eq!(caller.can(Action::ReadFindings), may, "second {at}");
            world.clock.advance_secs(2);
        }
    })
    .await;
}

#[tokio::test]
async fn disabling_ends_sessions_and_enabling_starts_over() {
    each_world(Settings::default(), |world| async move {
        let access = &world.access;
        let admin = world.caller("admin", world.centre, &[Role::Administrator]).await;
        let signed_in = world.joined("wang", world.member, &[Role::Member]).await;
        let id = signed_in.person;
        access.session_check(&signed_in.cookie).await.unwrap();
        let version = access.person(&admin, id).await.unwrap().version;
        assert_eq!(code(access.disable(&admin, id, version + 1).await), "LF-ACC-0022");
        access.disable(&admin, id, version).await.unwrap();
        assert_eq!(code(access.session_check(&signed_in.cookie).await), "LF-ACC-0001");
        assert_eq!(code(access.recover(&admin, "wang").await), "LF-ACC-0014");
        let link = access.enable(&admin, id, version + 1).await.unwrap();
        assert_eq!(code(access.begin_sign_in("wang", PASSWORD, &visit()).await), "LF-ACC-0009");
        access.accept_invitation(&link.token, PASSWORD, &visit()).await.unwrap();
        access.begin_sign_in("wang", PASSWORD, &visit()).await.unwrap();
        for action in ["access.disable", "access.enable", "access.accept_link"] {
            assert!(world.leaves(action, "done").await >= 1, "{action}");
        }
    })
    .await;
}

#[tokio::test]
async fn people_are_paged_and_found_by_name() {
    each_world(Settings::default(), |world| async move {
        let access = &world.access;
        for n in 0..5 {
            world.invite(&format!("pp{n}"), world.member, &[Role::Member, Role::Tier1]).await;
        }
        world.invite("p_x", world.other, &[]).await;
        let mut page = Page::first(2);
        let mut names = Vec::new();
        loop {
            let got = access.people(&world.system, &PeopleFilter::default(), &page).await.unwrap();
            names.extend(got.items.iter().map(|person| person.login.clone()));
            let Some(next) = got.next else { break };
            page.after = Some(next);
        }
        names.sort();
        assert_eq!(names, ["p_x", "pp0", "pp1", "pp2", "pp3", "pp4"]);
        let system = &world.system;
        let only = |filter| async move { access.people(system, &filter, &Page::default()).await.unwrap().items.len() };
        assert_eq!(only(PeopleFilter { starts: Some("p_".into()), ..PeopleFilter::default() }).await, 1);
        assert_eq!(only(PeopleFilter { org: Some(world.member), ..PeopleFilter::default() }).await, 5);
        assert_eq!(only(PeopleFilter { state: Some(PersonState::Active), ..PeopleFilter::default() }).await, 0);
        let foreign = Page { after: Some("AAAA".into()), limit: 2 };
        assert_eq!(code(access.people(&world.system, &PeopleFilter::default(), &foreign).await), "LF-STO-0009");
        let member = world.joined("mm", world.member, &[Role::Member]).await;
        let member = access.session_check(&member.cookie).await.unwrap();
        assert_eq!(code(access.people(&member, &PeopleFilter::default(), &Page::default()).await), "LF-ACC-0003");
        let own = access.person(&member, member.person().unwrap()).await.unwrap();
        assert_eq!(own.holdings.len(), 1, "everybody sees themselves");
    })
    .await;
}

#[tokio::test]
async fn people_change_their_own_profile() {
    each_world(Settings::default(), |world| async move {
        let access = &world.access;
        let signed_in = world.joined("wang", world.member, &[Role::Member]).await;
        let caller = access.session_check(&signed_in.cookie).await.unwrap();
        let version = access.person(&caller, signed_in.person).await.unwrap().version;
        let profile = Profile {
            display: "王小明".into(),
            mail: "wang@example.tw".into(),
            language: "en".into(),
            zone: "UTC".into(),
        };
        access.set_profile(&caller, &profile, version).await.unwrap();
        assert_eq!(code(access.set_profile(&caller, &profile, version).await), "LF-ACC-0022");
        let caller = access.session_check(&signed_in.cookie).await.unwrap();
        assert_eq!(caller.face().unwrap().language, "en");
        assert_eq!(access.name_of(&caller, signed_in.person).await.unwrap().as_deref(), Some("王小明"));
        let far = world.joined("far", world.other, &[Role::Member]).await;
        assert_eq!(access.name_of(&caller, far.person).await.unwrap(), None, "names are personal data");
        assert_eq!(code(access.set_profile(&world.system, &profile, 1).await), "LF-ACC-0001");
    })
    .await;
}

#[tokio::test]
async fn a_deputy_acts_no_longer_than_the_other_holds_the_role() {
    each_world(Settings::default(), |world| async move {
        let access = &world.access;
        let (chief, _) = world.invite("chief", world.member, &[Role::Member]).await;
        let deputy = world.joined("deputy", world.member, &[]).await;
        let id = deputy.person;
        let version = async |of| access.person(&world.system, of).await.unwrap().version;
        let lent = NewHolding {
            deputy_for: Some(chief),
            to: Some(testkit::START.plus_secs(86_400)),
            ..NewHolding::of(Role::Member, world.member)
        };
        access.set_roles(&world.system, id, &[lent], version(id).await).await.unwrap();
        let roles = async || access.session_check(&deputy.cookie).await.unwrap().roles();
        assert_eq!(roles().await, [Role::Member]);
        access.set_roles(&world.system, chief, &[], version(chief).await).await.unwrap();
        assert!(roles().await.is_empty(), "nobody is left to stand in for");
    })
    .await;
}
