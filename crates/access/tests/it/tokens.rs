//! API tokens.

use access::tokens::BOOTSTRAP_DAYS;
use access::{Action, BOOTSTRAP, Caller, Facts, NewHolding, NewToken, PersonState, Settings, act};
use base::{Role, Tlp};
use store::page::Page;

use crate::world::{World, code, each_world};

fn token(world: &World, scopes: &[Action]) -> NewToken {
    NewToken {
        name: "collector".into(),
        scopes: scopes.to_vec(),
        org: world.member,
        ceiling: Tlp::AmberStrict,
        bound_to: None,
        expires_at: None,
    }
}

#[tokio::test]
async fn a_token_does_what_its_scopes_say_where_it_belongs() {
    each_world(Settings::default(), |world| async move {
        let access = &world.access;
        let here = "192.0.2.1".parse().unwrap();
        let made = access.token_create(&world.system, &token(&world, &[Action::Ingest])).await.unwrap();
        assert!(made.secret.starts_with("lft_"));
        let caller = access.token_check(&made.secret, here).await.unwrap();
        assert!(caller.can(Action::Ingest) && !caller.can(Action::ReadIntel));
        caller.permit_in::<act::Ingest>(world.member).unwrap();
        let elsewhere = caller.permit_in::<act::Ingest>(world.other).unwrap_err();
        assert_eq!(elsewhere, access::Refusal::Forbidden(Action::Ingest));
        for wrong in ["", "lft_", "lft_AAAA", "lfs_AAAA", &made.secret[..46]] {
            assert_eq!(code(access.token_check(wrong, here).await), "LF-ACC-0001", "{wrong}");
        }
        access.token_revoke(&world.system, made.id).await.unwrap();
        assert_eq!(code(access.token_check(&made.secret, here).await), "LF-ACC-0001");
        let list = access.tokens(&world.system, &Page::default()).await.unwrap().items;
        assert_eq!(list.len(), 1);
        assert!(list[0].revoked_at.is_some() && list[0].last_used.is_some());
    })
    .await;
}

#[tokio::test]
async fn a_token_is_never_stronger_than_its_maker() {
    each_world(Settings::default(), |world| async move {
        let access = &world.access;
        let admin = world.caller("admin", world.member, &[Role::Administrator]).await;
        access.token_create(&admin, &token(&world, &[Action::Ingest, Action::ReadFeeds])).await.unwrap();
        let refused = [
            token(&world, &[Action::IssueBlock]),
            NewToken { org: world.other, ..token(&world, &[Action::Ingest]) },
            NewToken { org: world.centre, ..token(&world, &[Action::Ingest]) },
            NewToken { ceiling: Tlp::Red, ..token(&world, &[Action::Ingest]) },
        ];
        for token in refused {
            assert_eq!(code(access.token_create(&admin, &token).await), "LF-ACC-0003", "{token:?}");
        }
        for bad in [vec![], vec![Action::SyncEdge]] {
            assert_eq!(code(access.token_create(&world.system, &token(&world, &bad)).await), "LF-ACC-0014");
        }
        let judge = token(&world, &[Action::ApproveIntel]);
        assert_eq!(code(access.token_create(&world.system, &judge).await), "LF-ACC-0006");
        let past = NewToken { expires_at: Some(testkit::START), ..token(&world, &[Action::Ingest]) };
        assert_eq!(code(access.token_create(&world.system, &past).await), "LF-ACC-0014");
        assert_eq!(world.leaves("access.token_create", "refused").await, 5);
        // Others' tokens are not there.
        let foreign = NewToken { org: world.other, ..token(&world, &[Action::Ingest]) };
        let foreign = access.token_create(&world.system, &foreign).await.unwrap();
        assert_eq!(code(access.token_revoke(&admin, foreign.id).await), "LF-ACC-0002");
        assert_eq!(access.tokens(&admin, &Page::default()).await.unwrap().items.len(), 1);
    })
    .await;
}

#[tokio::test]
async fn a_token_may_end_and_be_bound_to_addresses() {
    each_world(Settings::default(), |world| async move {
        let access = &world.access;
        let wall = NewToken {
            scopes: vec![Action::ReadWall],
            bound_to: Some("198.51.100.0/24".parse().unwrap()),
            expires_at: Some(testkit::START.plus_secs(60)),
            ..token(&world, &[])
        };
        let made = access.token_create(&world.system, &wall).await.unwrap();
        let inside = "198.51.100.20".parse().unwrap();
        let caller = access.token_check(&made.secret, inside).await.unwrap();
        assert_eq!(caller.clearance().within(), Tlp::Green);
        access.token_check(&made.secret, "::ffff:198.51.100.20".parse().unwrap()).await.unwrap();
        assert_eq!(code(access.token_check(&made.secret, "203.0.113.1".parse().unwrap()).await), "LF-ACC-0001");
        world.clock.advance_secs(60);
        assert_eq!(code(access.token_check(&made.secret, inside).await), "LF-ACC-0001");
    })
    .await;
}

#[tokio::test]
async fn a_token_made_by_a_token_keeps_its_limits() {
    each_world(Settings::default(), |world| async move {
        let access = &world.access;
        let net = |text: &str| Some(text.parse::<base::AddrSpec>().unwrap());
        let end = testkit::START.plus_secs(600);
        let maker = NewToken {
            bound_to: net("198.51.100.0/24"),
            expires_at: Some(end),
            ..token(&world, &[Action::ManageTokens, Action::Ingest])
        };
        let first = access.token_create(&world.system, &maker).await.unwrap();
        let caller = access.token_check(&first.secret, "198.51.100.20".parse().unwrap()).await.unwrap();
        let soon = testkit::START.plus_secs(60);
        for (asked, wanted, until, ends) in [
            (None, "198.51.100.0/24", None, end),
            (net("198.51.0.0/16"), "198.51.100.0/24", Some(end.plus_secs(1)), end),
            (net("198.51.100.20"), "198.51.100.20", Some(soon), soon),
        ] {
            let wish = NewToken { bound_to: asked, expires_at: until, ..token(&world, &[Action::Ingest]) };
            let made = access.token_create(&caller, &wish).await.unwrap();
            let list = access.tokens(&world.system, &Page::default()).await.unwrap().items;
            let held = list.iter().find(|token| token.id == made.id).unwrap();
            assert_eq!((held.bound_to, held.expires_at), (net(wanted), Some(ends)), "{asked:?} {until:?}");
        }
        let elsewhere = NewToken { bound_to: net("203.0.113.0/24"), ..token(&world, &[Action::Ingest]) };
        assert_eq!(code(access.token_create(&caller, &elsewhere).await), "LF-ACC-0014");
        access.token_revoke(&world.system, first.id).await.unwrap();
        assert_eq!(code(access.token_create(&caller, &token(&world, &[Action::Ingest])).await), "LF-ACC-0001");
    })
    .await;
}

/// What the tokens of a person do while the account stands still, and after it came back.
#[tokio::test]
async fn the_tokens_of_a_disabled_person_stop_at_once() {
    each_world(Settings::default(), |world| async move {
        let (access, here) = (&world.access, "198.51.100.20".parse().unwrap());
        let admin = world.caller("admin", world.member, &[Role::Administrator]).await;
        let id = admin.person().unwrap();
        let net = |text: &str| Some(text.parse::<base::AddrSpec>().unwrap());
        let wish = |bound_to| NewToken { bound_to, ..token(&world, &[Action::ManageTokens, Action::Ingest]) };
        let bound = access.token_create(&admin, &wish(net("198.51.100.0/24"))).await.unwrap();
        let free = access.token_create(&admin, &wish(None)).await.unwrap();
        let wide = access.token_create(&admin, &wish(net("0.0.0.0/0"))).await.unwrap();
        // What a token makes belongs to the person behind it.
        let caller = access.token_check(&free.secret, here).await.unwrap();
        let child = access.token_create(&caller, &wish(None)).await.unwrap();
        // The host's own token stands behind nobody.
        let host = access.token_create(&world.system, &wish(None)).await.unwrap();
        let all = [&bound, &free, &wide, &child];
        for one in all {
            access.token_check(&one.secret, here).await.unwrap();
        }
        let version = access.person(&world.system, id).await.unwrap().version;
        access.disable(&world.system, id, version).await.unwrap();
        for one in all {
            assert_eq!(
                code(access.token_check(&one.secret, here).await),
                "LF-ACC-0001",
                "with the clock standing still"
            );
        }
        access.token_check(&host.secret, here).await.unwrap();
        let version = access.person(&world.system, id).await.unwrap().version;
        let link = access.enable(&world.system, id, version).await.unwrap();
        // Not before the person has started over.
        assert_eq!(code(access.token_check(&bound.secret, here).await), "LF-ACC-0001");
        access.accept_invitation(&link.token, crate::world::OTHER, &crate::world::visit()).await.unwrap();
        access.token_check(&bound.secret, here).await.unwrap();
        for one in [&free, &wide, &child] {
            assert_eq!(code(access.token_check(&one.secret, here).await), "LF-ACC-0001", "works from anywhere");
        }
        let list = access.tokens(&world.system, &Page::default()).await.unwrap().items;
        assert_eq!(list.iter().filter(|token| token.revoked_at.is_some()).count(), 3);
        assert!(list.iter().filter(|token| token.id != host.id).all(|token| token.created_by == Some(id)));
    })
    .await;
}

#[tokio::test]
async fn the_tokens_of_an_account_end_with_it() {
    each_world(Settings::default(), |world| async move {
        let (access, here) = (&world.access, "198.51.100.20".parse().unwrap());
        let mut temp = world.newcomer("temp", world.member, &[Role::Administrator]);
        temp.expires_at = Some(testkit::START.plus_secs(3_600));
        let (id, link) = access.invite(&world.system, &temp).await.unwrap();
        let first =
            access.accept_invitation(&link.token, crate::world::PASSWORD, &crate::world::visit()).await.unwrap();
        let caller = access.session_check(&first.cookie).await.unwrap();
        let enrolment = access.enrol_totp_begin(&caller).await.unwrap();
        let code_now = crate::world::Pocket::new(&enrolment.uri).code(&world);
        let ready = access.enrol_totp_finish(&caller, &code_now, &crate::world::visit()).await.unwrap().signed_in;
        let caller = access.session_check(&ready.cookie).await.unwrap();
        let made = access.token_create(&caller, &token(&world, &[Action::Ingest])).await.unwrap();
        access.token_check(&made.secret, here).await.unwrap();
        world.clock.advance_secs(3_600);
        assert_eq!(code(access.token_check(&made.secret, here).await), "LF-ACC-0001");
        assert_eq!(access.person(&world.system, id).await.unwrap().state, PersonState::Active, "nobody swept yet");
    })
    .await;
}

#[tokio::test]
async fn a_lost_role_takes_its_scopes_along() {
    each_world(Settings::default(), |world| async move {
        let (access, here) = (&world.access, "198.51.100.20".parse().unwrap());
        let admin = world.caller("admin", world.member, &[Role::Administrator, Role::Auditor]).await;
        let id = admin.person().unwrap();
        let scopes = [Action::Ingest, Action::ReadAudit, Action::ManageTokens];
        let made = access.token_create(&admin, &token(&world, &scopes)).await.unwrap();
        let give = async |roles: &[(Role, base::OrgId)]| {
            let version = access.person(&world.system, id).await.unwrap().version;
            let holdings: Vec<_> = roles.iter().map(|(role, at)| NewHolding::of(*role, *at)).collect();
            access.set_roles(&world.system, id, &holdings, version).await.unwrap();
        };
        let can = async || {
            let caller = access.token_check(&made.secret, here).await.unwrap();
            let can = scopes.map(|scope| caller.can(scope));
            (can, caller.clearance().within())
        };
        assert_eq!(can().await, ([true, true, true], Tlp::AmberStrict));
        give(&[(Role::Auditor, world.member)]).await;
        assert_eq!(can().await, ([false, true, false], Tlp::AmberStrict));
        // The same role in another organisation is no role here, and shows nothing here but what is shared.
        give(&[(Role::Administrator, world.other)]).await;
        assert_eq!(can().await, ([false, false, false], Tlp::Green));
        // Given back by an administrator, they work again.
        give(&[(Role::Administrator, world.member)]).await;
        assert_eq!(can().await, ([true, true, true], Tlp::AmberStrict));
        // A role for a time takes them along at its end.
        let version = access.person(&world.system, id).await.unwrap().version;
        let until = testkit::START.plus_secs(60);
        let short = NewHolding { to: Some(until), ..NewHolding::of(Role::Administrator, world.member) };
        access.set_roles(&world.system, id, &[short], version).await.unwrap();
        assert_eq!(can().await.0, [true, true, true]);
        world.clock.advance_secs(60);
        assert_eq!(can().await.0, [false, false, false]);
    })
    .await;
}

#[tokio::test]
async fn the_bootstrap_token_is_one() {
    each_world(Settings::default(), |world| async move {
        let access = &world.access;
        let here = "127.0.0.1".parse().unwrap();
        let old = access.bootstrap_token(&world.system).await.unwrap();
        access.token_check(&old.secret, here).await.unwrap();
        let old_caller = access.token_check(&old.secret, here).await.unwrap();
        let child = access.token_create(&old_caller, &token(&world, &[Action::Ingest])).await.unwrap();
        let new = access.bootstrap_token(&world.system).await.unwrap();
        // Until the new one is in its place nothing ends.
        access.token_check(&old.secret, here).await.unwrap();
        access.bootstrap_only(&world.system, new.id, None).await.unwrap();
        for gone in [&old, &child] {
            assert_eq!(code(access.token_check(&gone.secret, here).await), "LF-ACC-0001");
        }
        assert_eq!(world.leaves("access.token_revoke", "done").await, 1);
        access.bootstrap_only(&world.system, new.id, None).await.unwrap();
        assert_eq!(world.leaves("access.token_revoke", "done").await, 1, "once");
        assert_eq!(access.bootstrap_of(&old.secret).await.unwrap(), None);
        let caller = access.token_check(&new.secret, here).await.unwrap();
        assert!(caller.can(Action::ManageOrganisations) && caller.can(Action::Ingest));
        assert!(!caller.can(Action::ApproveIntel));
        let second = NewToken { org: world.centre, ..token(&world, &[Action::ReadFeeds]) };
        let second = access.token_create(&caller, &second).await.unwrap();
        assert_eq!(access.bootstrap_of(&second.secret).await.unwrap(), None);

        // A start that finds the token in its file takes its line over: programs go on, and end with the one in force.
        let found = access.bootstrap_of(&new.secret).await.unwrap();
        assert_eq!(found, Some(new.id));
        let dead = access.token_create(&caller, &token(&world, &[Action::Ingest])).await.unwrap();
        access.token_revoke(&world.system, dead.id).await.unwrap();
        let third = access.bootstrap_token(&world.system).await.unwrap();
        access.bootstrap_only(&world.system, third.id, found).await.unwrap();
        for gone in [&new, &child, &dead] {
            assert_eq!(code(access.token_check(&gone.secret, here).await), "LF-ACC-0001");
        }
        access.token_check(&second.secret, here).await.unwrap();
        access.token_revoke(&world.system, third.id).await.unwrap();
        assert_eq!(code(access.token_check(&second.secret, here).await), "LF-ACC-0001");
    })
    .await;
}

#[tokio::test]
async fn the_bootstrap_token_ends_and_is_one_author_with_all_it_makes() {
    each_world(Settings::default(), |world| async move {
        let access = &world.access;
        let here = "127.0.0.1".parse().unwrap();
        let first = access.bootstrap_token(&world.system).await.unwrap();
        let end = testkit::START.plus_secs(BOOTSTRAP_DAYS * 86_400);
        assert_eq!(first.expires_at, Some(end));
        let caller = access.token_check(&first.secret, here).await.unwrap();
        let scopes = [Action::DraftIntel, Action::ManageTokens];
        let wish = NewToken { org: world.centre, expires_at: Some(end.plus_secs(1)), ..token(&world, &scopes) };
        let child = access.token_create(&caller, &wish).await.unwrap();
        assert_eq!(child.expires_at, Some(end), "no token outlives the one that made it");
        let child_caller = access.token_check(&child.secret, here).await.unwrap();
        let made_last = access.token_create(&child_caller, &wish).await.unwrap();
        let grandchild = access.token_check(&made_last.secret, here).await.unwrap();
        assert_eq!([caller.author(), child_caller.author(), grandchild.author()], [Some(BOOTSTRAP); 3]);
        // What one of them drafted none of them approves, whatever a later release lets tokens do.
        let facts = Facts::new(world.centre, Tlp::Amber, caller.realm()).by(child_caller.author());
        let approver = |by: &Caller| by.permit::<act::ApproveIntel, _>(1, &facts).map(drop);
        assert!([&caller, &child_caller, &grandchild].into_iter().all(|by| approver(by).is_err()));
        // A person is a person of their own, also one whose account the token made.
        let invited = access.invite(&caller, &world.newcomer("lin", world.centre, &[Role::DutyOfficer])).await.unwrap();
        assert_ne!(invited.0, BOOTSTRAP);
        let officer = world.caller("duty", world.centre, &[Role::DutyOfficer]).await;
        assert!(approver(&officer).is_ok());

        let list = access.tokens(&world.system, &Page::default()).await.unwrap().items;
        let alive: Vec<_> = list.iter().filter(|token| token.is_bootstrap() && token.lives(testkit::START)).collect();
        assert_eq!((alive.len(), alive[0].id), (1, first.id));
        assert!(!alive[0].lives(end));
        let line = |list: &[access::tokens::Token]| {
            list.iter().filter(|token| token.is_of_bootstrap() && token.lives(testkit::START)).count()
        };
        assert_eq!(line(&list), 3);
        // With it ends all that was made with it; the list says so, too.
        access.token_revoke(&world.system, first.id).await.unwrap();
        for gone in [&first, &child, &made_last] {
            assert_eq!(code(access.token_check(&gone.secret, here).await), "LF-ACC-0001");
        }
        assert_eq!(line(&access.tokens(&world.system, &Page::default()).await.unwrap().items), 0);
        // The next start gives another one, and brings nothing of the first back.
        access.bootstrap_token(&world.system).await.unwrap();
        assert_eq!(code(access.token_check(&child.secret, here).await), "LF-ACC-0001");
    })
    .await;
}

/// A token that is being made while its maker is revoked is none either.
#[tokio::test]
async fn a_token_ends_with_each_of_its_makers() {
    each_world(Settings::default(), |world| async move {
        let (access, here) = (&world.access, "127.0.0.1".parse().unwrap());
        let admin = world.caller("admin", world.member, &[Role::Administrator]).await;
        let wish = token(&world, &[Action::ManageTokens, Action::Ingest]);
        let (mut line, mut caller) = (Vec::new(), admin.clone());
        for _ in 0..4 {
            let made = access.token_create(&caller, &wish).await.unwrap();
            caller = access.token_check(&made.secret, here).await.unwrap();
            line.push(made);
        }
        let beside = access.token_create(&admin, &wish).await.unwrap();
        access.token_revoke(&admin, line[2].id).await.unwrap();
        for (n, made) in line.iter().enumerate() {
            assert_eq!(access.token_check(&made.secret, here).await.is_ok(), n < 2, "{n}");
        }
        // As a row that was written behind the revocation: alive by itself, dead by its maker's maker.
        let unit = store::Unit::new(store::Actor::System("test".into()), testkit::START)
            .exec_one("UPDATE access_token SET revoked_at = NULL WHERE id = $1", store::params![line[3].id]);
        world.db.commit(unit).await.unwrap();
        assert_eq!(code(access.token_check(&line[3].secret, here).await), "LF-ACC-0001");
        access.token_check(&beside.secret, here).await.unwrap();
    })
    .await;
}
