//! A person's programs: one step to sign in, the rules of a browser's session, and never a cookie.

use access::{Action, LoginKind, PasswordProfile, Second, Settings, Stage};
use base::Role;

use crate::world::{OTHER, PASSWORD, code, each_world, visit};

#[tokio::test]
async fn one_step_with_both_factors_and_its_secret_is_no_cookie() {
    each_world(Settings::default(), |world| async move {
        let access = &world.access;
        let (browser, pocket) = world.ready("duty", world.centre, &[Role::DutyOfficer]).await;
        world.clock.advance_secs(30);
        let shown = pocket.code(&world);
        let second = Some(Second::Totp(&shown));
        let signed = access.sign_in_program("duty", PASSWORD, second, &visit()).await.unwrap();
        assert_eq!((signed.stage, signed.device.is_none()), (Stage::Full, true));
        assert!(signed.cookie.starts_with("lfp_"));
        let caller = access.bearer_check(&signed.cookie).await.unwrap();
        assert_eq!((caller.person(), caller.login()), (Some(browser.person), Some(signed.login)));
        caller.require(Action::ApproveIntel).unwrap();
        // Neither is taken for the other, and a token is neither.
        assert_eq!(code(access.session_check(&signed.cookie).await), "LF-ACC-0001");
        assert_eq!(code(access.bearer_check(&browser.cookie).await), "LF-ACC-0001");
        assert_eq!(code(access.token_check(&signed.cookie, visit().address).await), "LF-ACC-0001");
        let swapped = signed.cookie.replacen("lfp_", "lfs_", 1);
        assert_eq!(code(access.session_check(&swapped).await), "LF-ACC-0001");
        assert_eq!(code(access.verify_totp(&signed.cookie, &shown, &visit()).await), "LF-ACC-0001");
        let kinds: Vec<LoginKind> =
            access.sessions(&caller, browser.person).await.unwrap().iter().map(|login| login.kind).collect();
        assert_eq!(kinds, [LoginKind::Program, LoginKind::Browser]);
        // The code was spent here too.
        let again = access.sign_in_program("duty", PASSWORD, second, &visit()).await;
        assert_eq!(code(again), "LF-ACC-0011");
        access.sign_out(&caller).await.unwrap();
        assert_eq!(code(access.bearer_check(&signed.cookie).await), "LF-ACC-0001");
        access.session_check(&browser.cookie).await.unwrap();
        assert_eq!(
            (world.leaves("access.sign_in", "done").await, world.leaves("access.sign_out", "done").await),
            (2, 1)
        );
    })
    .await;
}

#[tokio::test]
async fn what_fails_leaves_no_session_and_counts_like_a_browser() {
    each_world(Settings::default(), |world| async move {
        let access = &world.access;
        let (first, _) = world.ready("duty", world.centre, &[Role::DutyOfficer]).await;
        let boss = access.session_check(&first.cookie).await.unwrap();
        let try_with = |password: &'static str, second: Option<Second<'static>>| async move {
            code(access.sign_in_program("duty", password, second, &visit()).await)
        };
        assert_eq!(try_with("not the password", Some(Second::Totp("000000"))).await, "LF-ACC-0009");
        assert_eq!(try_with(PASSWORD, None).await, "LF-ACC-0007");
        assert_eq!(try_with(PASSWORD, Some(Second::Recovery("0000-0000"))).await, "LF-ACC-0011");
        assert_eq!(access.sessions(&boss, first.person).await.unwrap().len(), 1, "only the browser's");
        assert_eq!(world.leaves("access.second_factor", "refused").await, 1);
        for _ in 0..4 {
            try_with(PASSWORD, Some(Second::Totp("000000"))).await;
        }
        assert_eq!(try_with(PASSWORD, Some(Second::Totp("000000"))).await, "LF-ACC-0010");
        let far = crate::world::from("198.51.100.9");
        for _ in 0..5 {
            assert_eq!(code(access.sign_in_program("duty", "wrong", None, &far).await), "LF-ACC-0009");
        }
        assert_eq!(
            code(access.sign_in_program("duty", PASSWORD, None, &far).await),
            "LF-ACC-0010",
            "the right one waits too"
        );
        assert_eq!(access.sessions(&boss, first.person).await.unwrap().len(), 1);
        // A role that decides needs a second factor, and only a page sets one up; a role that does not may come without.
        world.joined("new", world.centre, &[Role::DutyOfficer]).await;
        let from = crate::world::from("198.51.100.7");
        assert_eq!(code(access.sign_in_program("new", PASSWORD, None, &from).await), "LF-ACC-0007");
        let member = world.joined("wang", world.member, &[Role::Member]).await;
        let plain = access.sign_in_program("wang", PASSWORD, Some(Second::Totp("123456")), &from).await.unwrap();
        assert_eq!((plain.person, plain.stage), (member.person, Stage::Full), "nothing asked for the code");
    })
    .await;
}

#[tokio::test]
async fn it_ends_like_a_browsers_session() {
    each_world(Settings::default(), |world| async move {
        let access = &world.access;
        let browser = world.joined("wang", world.member, &[Role::Member]).await;
        let open = || async { access.sign_in_program("wang", PASSWORD, None, &visit()).await.unwrap().cookie };
        let (idle, whole) = (open().await, open().await);
        for _ in 0..24 {
            world.clock.advance_secs(1_795);
            access.bearer_check(&whole).await.unwrap();
        }
        assert_eq!(code(access.bearer_check(&idle).await), "LF-ACC-0001", "idle");
        world.clock.advance_secs(12 * 3_600 - 24 * 1_795);
        assert_eq!(code(access.bearer_check(&whole).await), "LF-ACC-0001", "twelve hours");
        // A new password, and an administrator.
        let page = access.begin_sign_in("wang", PASSWORD, &visit()).await.unwrap();
        let program = open().await;
        let caller = access.session_check(&page.cookie).await.unwrap();
        access.change_password(&caller, PASSWORD, OTHER, &visit()).await.unwrap();
        assert_eq!(code(access.bearer_check(&program).await), "LF-ACC-0001", "a new password");
        let program = access.sign_in_program("wang", OTHER, None, &visit()).await.unwrap().cookie;
        access.bearer_check(&program).await.unwrap();
        let version = access.person(&world.system, browser.person).await.unwrap().version;
        access.disable(&world.system, browser.person, version).await.unwrap();
        assert_eq!(code(access.bearer_check(&program).await), "LF-ACC-0001", "disabled");
        assert_eq!(code(access.sign_in_program("wang", OTHER, None, &visit()).await), "LF-ACC-0009");
    })
    .await;
}

#[tokio::test]
async fn an_old_password_opens_no_program() {
    let settings = Settings { password_profile: PasswordProfile::TwGov, ..Settings::default() };
    each_world(settings, |world| async move {
        let words = "Turtle piano 1";
        let (person, link) = world.invite("wang", world.member, &[Role::Member]).await;
        world.access.accept_invitation(&link.token, words, &visit()).await.unwrap();
        let signed = world.access.sign_in_program("wang", words, None, &visit()).await.unwrap();
        world.access.bearer_check(&signed.cookie).await.unwrap();
        world.clock.advance_secs(90 * 86_400);
        assert_eq!(code(world.access.sign_in_program("wang", words, None, &visit()).await), "LF-ACC-0008");
        let open = world.access.sessions(&world.system, person).await.unwrap();
        assert!(open.is_empty(), "{open:?}");
    })
    .await;
}
