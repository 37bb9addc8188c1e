//! Signing in: uniform answers, throttling, second factor, recovery.

use access::{PasswordProfile, Settings, Stage};
use base::{Role, Timestamp};

use crate::world::{OTHER, PASSWORD, code, each_world, from, visit, with_device};

#[tokio::test]
async fn every_wrong_way_in_gets_the_same_answer() {
    each_world(Settings::default(), |world| async move {
        let access = &world.access;
        world.joined("active", world.member, &[Role::Member]).await;
        world.invite("invited", world.member, &[Role::Member]).await;
        let gone = world.joined("gone", world.member, &[Role::Member]).await;
        let version = access.person(&world.system, gone.person).await.unwrap().version;
        access.disable(&world.system, gone.person, version).await.unwrap();
        let tries = [
            ("active", "wrong password here"),
            ("nobody", PASSWORD),
            ("invited", PASSWORD),
            ("gone", PASSWORD),
            ("", ""),
            ("' OR 1=1 --", PASSWORD),
            ("active", ""),
        ];
        for (login, password) in tries {
            assert_eq!(code(access.begin_sign_in(login, password, &visit()).await), "LF-ACC-0009", "{login}");
        }
        let long = "x".repeat(100_000);
        assert_eq!(code(access.begin_sign_in("active", &long, &from("192.0.2.99")).await), "LF-ACC-0009");
        let signed_in = access.begin_sign_in(" Active ", PASSWORD, &visit()).await.unwrap();
        assert_eq!(signed_in.stage, Stage::Full);
        assert_eq!(signed_in.device, None, "a device is known by its second factor only");
        assert_eq!(world.leaves("access.sign_in", "done").await, 1);
        // Failures against accounts are a leaf each; those against nobody are one a minute.
        assert_eq!(world.leaves("access.sign_in", "refused").await, 5);
        assert_eq!(access.strangers().flush(true).await.unwrap(), 1);
        assert_eq!(world.leaves("access.sign_in", "refused").await, 6);
    })
    .await;
}

#[tokio::test]
async fn five_failures_hold_the_account_for_fifteen_minutes() {
    each_world(Settings::default(), |world| async move {
        let access = &world.access;
        world.joined("wang", world.member, &[Role::Member]).await;
        for n in 0..5 {
            let seat = from(&format!("198.51.100.{n}"));
            assert_eq!(code(access.begin_sign_in("wang", "wrong password", &seat).await), "LF-ACC-0009", "{n}");
        }
        let seat = from("203.0.113.1");
        let error = access.begin_sign_in("wang", PASSWORD, &seat).await.unwrap_err();
        assert_eq!(error.retry_after(), Some(901), "{error}");
        // What is refused does not lengthen the hold.
        world.clock.advance_secs(899);
        assert_eq!(code(access.begin_sign_in("wang", PASSWORD, &seat).await), "LF-ACC-0010");
        world.clock.advance_secs(1);
        access.begin_sign_in("wang", PASSWORD, &seat).await.unwrap();
        // Success starts the count anew.
        for _ in 0..4 {
            assert_eq!(code(access.begin_sign_in("wang", "wrong password", &seat).await), "LF-ACC-0009");
        }
        access.begin_sign_in("wang", PASSWORD, &seat).await.unwrap();
        // A name nobody has is held in the same way: the hold tells nothing.
        for n in 0..5 {
            let seat = from(&format!("198.51.100.{}", 100 + n));
            assert_eq!(code(access.begin_sign_in("nobody", "wrong password", &seat).await), "LF-ACC-0009");
        }
        assert_eq!(code(access.begin_sign_in("nobody", PASSWORD, &seat).await), "LF-ACC-0010");
    })
    .await;
}

#[tokio::test]
async fn many_at_once_are_no_more_than_five() {
    each_world(Settings::default(), |world| async move {
        world.joined("wang", world.member, &[Role::Member]).await;
        let tries = (0..20).map(|n| {
            let (access, seat) = (world.access.clone(), from(&format!("198.51.100.{n}")));
            tokio::spawn(async move { code(access.begin_sign_in("wang", "wrong password", &seat).await) })
        });
        let mut checked = 0;
        for attempt in tries.collect::<Vec<_>>() {
            checked += usize::from(attempt.await.unwrap() == "LF-ACC-0009");
        }
        assert_eq!(checked, 5);
    })
    .await;
}

#[tokio::test]
async fn an_address_waits_twice_as_long_each_time() {
    each_world(Settings::default(), |world| async move {
        let access = &world.access;
        world.joined("wang", world.member, &[Role::Member]).await;
        let seat = from("198.51.100.7");
        for n in 0..10 {
            assert_eq!(code(access.begin_sign_in(&format!("user{n}"), "wrong", &seat).await), "LF-ACC-0009", "{n}");
        }
        let mut waits = Vec::new();
        for n in 10..16 {
            let error = access.begin_sign_in("wang", PASSWORD, &seat).await.unwrap_err();
            let wait = error.retry_after().unwrap();
            waits.push(wait - 1);
            world.clock.advance_secs(i64::from(wait));
            assert_eq!(code(access.begin_sign_in(&format!("user{n}"), "wrong", &seat).await), "LF-ACC-0009", "{n}");
        }
        assert_eq!(waits, [1, 2, 4, 8, 16, 32]);
        // Others are not touched, and the right password works after the wait.
        access.begin_sign_in("wang", PASSWORD, &from("198.51.100.8")).await.unwrap();
        world.clock.advance_secs(301);
        access.begin_sign_in("wang", PASSWORD, &seat).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn strangers_cannot_hold_the_duty_officer_at_the_usual_desk() {
    each_world(Settings::default(), |world| async move {
        let access = &world.access;
        let (desk, pocket) = world.ready("duty", world.centre, &[Role::DutyOfficer]).await;
        let (other, _) = world.ready("other", world.centre, &[Role::DutyOfficer]).await;
        for n in 0..8 {
            let _outcome = access.begin_sign_in("duty", "wrong", &from(&format!("198.51.100.{n}"))).await;
        }
        assert_eq!(code(access.begin_sign_in("duty", PASSWORD, &visit()).await), "LF-ACC-0010", "held for strangers");
        let seat = with_device("203.0.113.9", &desk);
        let pending = access.begin_sign_in("duty", PASSWORD, &seat).await.unwrap();
        assert_eq!(pending.stage, Stage::SecondFactor);
        world.clock.advance_secs(30);
        let full = access.verify_totp(&pending.cookie, &pocket.code(&world), &seat).await.unwrap();
        assert_eq!(full.stage, Stage::Full);
        // Somebody else's device is a stranger's.
        let theirs = with_device("203.0.113.10", &other);
        assert_eq!(code(access.begin_sign_in("duty", PASSWORD, &theirs).await), "LF-ACC-0010");
        // The device has its own five.
        for _ in 0..5 {
            assert_eq!(code(access.begin_sign_in("duty", "wrong", &seat).await), "LF-ACC-0009");
        }
        assert_eq!(code(access.begin_sign_in("duty", PASSWORD, &seat).await), "LF-ACC-0010");
    })
    .await;
}

#[tokio::test]
async fn a_code_works_once_and_failures_are_held() {
    each_world(Settings::default(), |world| async move {
        let access = &world.access;
        let (_, pocket) = world.ready("duty", world.centre, &[Role::DutyOfficer]).await;
        let seat = from("198.51.100.1");
        let used = pocket.code(&world);
        let pending = access.begin_sign_in("duty", PASSWORD, &seat).await.unwrap();
        assert_eq!(code(access.verify_totp(&pending.cookie, &used, &seat).await), "LF-ACC-0011", "spent at enrolment");
        world.clock.advance_secs(30);
        let fresh = pocket.code(&world);
        let full = access.verify_totp(&pending.cookie, &fresh, &seat).await.unwrap();
        assert_ne!(full.cookie, pending.cookie, "a new session at each step");
        assert_eq!(code(access.session_check(&pending.cookie).await), "LF-ACC-0001", "the old one is gone");
        let again = access.begin_sign_in("duty", PASSWORD, &seat).await.unwrap();
        assert_eq!(code(access.verify_totp(&again.cookie, &fresh, &seat).await), "LF-ACC-0011", "each code once");
        for _ in 0..4 {
            assert_eq!(code(access.verify_totp(&again.cookie, "000000", &seat).await), "LF-ACC-0011");
        }
        world.clock.advance_secs(30);
        assert_eq!(code(access.verify_totp(&again.cookie, &pocket.code(&world), &seat).await), "LF-ACC-0010");
        assert_eq!(code(access.verify_totp("lfs_guess", &fresh, &seat).await), "LF-ACC-0001");
    })
    .await;
}

#[tokio::test]
async fn two_sessions_cannot_share_one_code() {
    each_world(Settings::default(), |world| async move {
        let access = &world.access;
        let (_, pocket) = world.ready("duty", world.centre, &[Role::DutyOfficer]).await;
        world.clock.advance_secs(30);
        let one = access.begin_sign_in("duty", PASSWORD, &visit()).await.unwrap();
        let two = access.begin_sign_in("duty", PASSWORD, &visit()).await.unwrap();
        let (fresh, seat) = (pocket.code(&world), visit());
        let (a, b) = tokio::join!(
            access.verify_totp(&one.cookie, &fresh, &seat),
            access.verify_totp(&two.cookie, &fresh, &seat)
        );
        assert_eq!(u8::from(a.is_ok()) + u8::from(b.is_ok()), 1);
    })
    .await;
}

#[tokio::test]
async fn recovery_codes_work_once_each_and_renewing_kills_the_old() {
    each_world(Settings::default(), |world| async move {
        let access = &world.access;
        let first = world.joined("duty", world.centre, &[Role::DutyOfficer]).await;
        let caller = access.session_check(&first.cookie).await.unwrap();
        let enrolment = access.enrol_totp_begin(&caller).await.unwrap();
        let pocket = crate::world::Pocket::new(&enrolment.uri);
        let done = access.enrol_totp_finish(&caller, &pocket.code(&world), &visit()).await.unwrap();
        assert_eq!(done.recovery_codes.len(), 10);
        let spare = done.recovery_codes[3].to_lowercase().replace('-', "");
        let pending = access.begin_sign_in("duty", PASSWORD, &visit()).await.unwrap();
        let full = access.verify_recovery_code(&pending.cookie, &spare, &visit()).await.unwrap();
        assert_eq!(full.stage, Stage::Full);
        let caller = access.session_check(&full.cookie).await.unwrap();
        assert_eq!(access.recovery_codes_left(&caller).await.unwrap(), 9);
        let pending = access.begin_sign_in("duty", PASSWORD, &visit()).await.unwrap();
        assert_eq!(code(access.verify_recovery_code(&pending.cookie, &spare, &visit()).await), "LF-ACC-0011");
        let pending_caller = access.session_check(&pending.cookie).await.unwrap();
        assert_eq!(code(access.renew_recovery_codes(&pending_caller).await), "LF-ACC-0007");
        access.renew_recovery_codes(&caller).await.unwrap();
        let old = &done.recovery_codes[4];
        assert_eq!(code(access.verify_recovery_code(&pending.cookie, old, &visit()).await), "LF-ACC-0011");
    })
    .await;
}

#[tokio::test]
async fn a_password_alone_never_replaces_the_second_factor() {
    each_world(Settings::default(), |world| async move {
        let access = &world.access;
        let (full, pocket) = world.ready("duty", world.centre, &[Role::DutyOfficer]).await;
        let thief = access.begin_sign_in("duty", PASSWORD, &from("198.51.100.66")).await.unwrap();
        let caller = access.session_check(&thief.cookie).await.unwrap();
        assert_eq!(caller.stage(), Stage::SecondFactor);
        assert_eq!(code(access.enrol_totp_begin(&caller).await), "LF-ACC-0023");
        assert_eq!(code(access.change_password(&caller, PASSWORD, OTHER, &visit()).await), "LF-ACC-0007");
        assert!(access::Action::ALL.iter().all(|action| !caller.can(*action)));
        // The owner may, and the old authenticator works until the new one is confirmed.
        let owner = access.session_check(&full.cookie).await.unwrap();
        let next = access.enrol_totp_begin(&owner).await.unwrap();
        world.clock.advance_secs(30);
        let pending = access.begin_sign_in("duty", PASSWORD, &visit()).await.unwrap();
        access.verify_totp(&pending.cookie, &pocket.code(&world), &visit()).await.unwrap();
        world.clock.advance_secs(30);
        let fresh = crate::world::Pocket::new(&next.uri);
        access.enrol_totp_finish(&owner, &fresh.code(&world), &visit()).await.unwrap();
        assert_eq!(code(access.session_check(&thief.cookie).await), "LF-ACC-0001", "opened with the old one");
        world.clock.advance_secs(30);
        let pending = access.begin_sign_in("duty", PASSWORD, &visit()).await.unwrap();
        assert_eq!(code(access.verify_totp(&pending.cookie, &pocket.code(&world), &visit()).await), "LF-ACC-0011");
        access.verify_totp(&pending.cookie, &fresh.code(&world), &visit()).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn recovery_on_the_host_starts_the_account_over() {
    each_world(Settings::default(), |world| async move {
        let access = &world.access;
        let (full, _) = world.ready("duty", world.centre, &[Role::DutyOfficer]).await;
        for n in 0..6 {
            let _outcome = access.begin_sign_in("duty", "wrong", &from(&format!("198.51.100.{n}"))).await;
        }
        let link = access.recover(&world.system, "Duty").await.unwrap();
        assert_eq!(code(access.recover(&world.system, "nobody").await), "LF-ACC-0002");
        access.session_check(&full.cookie).await.unwrap();
        let over = access.accept_invitation(&link.token, OTHER, &visit()).await.unwrap();
        assert_eq!(over.stage, Stage::EnrolSecondFactor, "the lost authenticator is forgotten");
        assert_eq!(code(access.session_check(&full.cookie).await), "LF-ACC-0001");
        assert_eq!(code(access.accept_invitation(&link.token, OTHER, &visit()).await), "LF-ACC-0012");
        // The stolen device is no known one any more.
        let thief = with_device("203.0.113.5", &full);
        assert_eq!(code(access.begin_sign_in("duty", OTHER, &thief).await), "LF-ACC-0010");
        assert_eq!(world.leaves("access.recover", "done").await, 1);
        assert_eq!(world.leaves("access.recover", "refused").await, 1);
    })
    .await;
}

#[tokio::test]
async fn tw_gov_remembers_three_passwords_and_their_age() {
    let settings = Settings { password_profile: PasswordProfile::TwGov, ..Settings::default() };
    each_world(settings, |world| async move {
        let access = &world.access;
        let (_, link) = world.invite("wang", world.member, &[Role::Member]).await;
        let words = ["Turtle piano 1", "Granite lamp 2", "Copper river 3", "Velvet storm 4"];
        let mut now = access.accept_invitation(&link.token, words[0], &visit()).await.unwrap();
        for (old, new) in words.iter().zip(words.iter().skip(1)) {
            world.clock.advance_secs(1);
            let caller = access.session_check(&now.cookie).await.unwrap();
            assert_eq!(code(access.change_password(&caller, old, old, &visit()).await), "LF-ACC-0013");
            now = access.change_password(&caller, old, new, &visit()).await.unwrap();
        }
        world.clock.advance_secs(1);
        let caller = access.session_check(&now.cookie).await.unwrap();
        for used in &words {
            assert_eq!(code(access.change_password(&caller, words[3], used, &visit()).await), "LF-ACC-0013", "{used}");
        }
        let fifth = "Marble cloud 5";
        now = access.change_password(&caller, words[3], fifth, &visit()).await.unwrap();
        assert_eq!(now.stage, Stage::Full);
        world.clock.advance_secs(90 * 86_400);
        let old = access.begin_sign_in("wang", fifth, &visit()).await.unwrap();
        assert_eq!(old.stage, Stage::ChangePassword);
        let caller = access.session_check(&old.cookie).await.unwrap();
        assert_eq!(caller.require(access::Action::ReadIntel), Err(access::Refusal::PasswordDue));
        let renewed = access.change_password(&caller, fifth, words[1], &visit()).await;
        assert_eq!(code(renewed), "LF-ACC-0013", "the third before");
        let renewed = access.change_password(&caller, fifth, words[0], &visit()).await.unwrap();
        assert_eq!(renewed.stage, Stage::Full, "the fourth before is free again");
    })
    .await;
}

#[tokio::test]
async fn one_time_sign_in_links_exist_in_the_demo_only() {
    each_world(Settings::default(), |world| async move {
        let (person, _) = world.invite("duty", world.centre, &[Role::DutyOfficer]).await;
        assert_eq!(code(world.access.sign_in_link(&world.system, person, 60).await), "LF-ACC-0021");
        assert_eq!(code(world.access.take_sign_in_link("guess", &visit()).await), "LF-ACC-0021");
    })
    .await;
    each_world(Settings { sign_in_links: true, ..Settings::default() }, |world| async move {
        let access = &world.access;
        let (person, invitation) = world.invite("duty", world.centre, &[Role::DutyOfficer]).await;
        let link = access.sign_in_link(&world.system, person, 60).await.unwrap();
        assert_eq!(code(access.take_sign_in_link(&invitation.token, &visit()).await), "LF-ACC-0012", "another purpose");
        let signed_in = access.take_sign_in_link(&link.token, &visit()).await.unwrap();
        assert_eq!(signed_in.stage, Stage::Full);
        let caller = access.session_check(&signed_in.cookie).await.unwrap();
        assert!(caller.can(access::Action::ApproveIntel));
        assert_eq!(code(access.take_sign_in_link(&link.token, &visit()).await), "LF-ACC-0012");
        let late = access.sign_in_link(&world.system, person, 1).await.unwrap();
        world.clock.advance_secs(60);
        assert_eq!(code(access.take_sign_in_link(&late.token, &visit()).await), "LF-ACC-0012");
    })
    .await;
}

#[tokio::test]
async fn a_clock_that_goes_back_opens_nothing() {
    each_world(Settings::default(), |world| async move {
        let access = &world.access;
        let (full, pocket) = world.ready("duty", world.centre, &[Role::DutyOfficer]).await;
        let code_then = pocket.code(&world);
        access.session_check(&full.cookie).await.unwrap();
        let caller = access.session_check(&full.cookie).await.unwrap();
        access.sign_out(&caller).await.unwrap();
        world.clock.set(Timestamp::from_micros(testkit::START.as_micros() - 3_600_000_000));
        assert_eq!(code(access.session_check(&full.cookie).await), "LF-ACC-0001");
        world.clock.set(testkit::START);
        let pending = access.begin_sign_in("duty", PASSWORD, &visit()).await.unwrap();
        assert_eq!(code(access.verify_totp(&pending.cookie, &code_then, &visit()).await), "LF-ACC-0011");
    })
    .await;
}
