//! What people do with indicators.

use super::*;
use base::IndicatorId;
use intel::{Edit, IntelError, Refusal};
use store::StoreError;

#[tokio::test]
async fn from_draft_to_published_to_revoked() {
    testkit::each_db(&schema(), |db, env| async move {
        let intel = service(&db, &env, AutoPolicy::clean());
        let (author, other) = (officer(1), officer(2));
        let row = intel.draft(&author, draft(CENTRE, "hxxp://Evil[.]example/bot.sh")).await.unwrap();
        assert_eq!((row.kind, row.value.as_str()), (ValueKind::Url, "http://evil.example/bot.sh"));
        let edit = Edit { confidence: Some(90), tlp: Some(Tlp::Green), ..Edit::default() };
        let row = intel.edit(&author, row.id, row.version, edit).await.unwrap();
        let row = intel.submit(&author, row.id, row.version).await.unwrap();
        let own = intel.publish(&author, row.id, row.version).await;
        assert!(matches!(own, Err(IntelError::Approval(_))), "four eyes: {own:?}");
        let own = intel.accept(&author, row.id, row.version).await;
        assert!(matches!(own, Err(IntelError::Refused(Refusal::OwnWork))));
        let row = intel.send_back(&other, row.id, row.version, "which campaign?").await.unwrap();
        let row = intel.submit(&author, row.id, row.version).await.unwrap();
        let row = intel.accept(&other, row.id, row.version).await.unwrap();
        let row = intel.publish(&other, row.id, row.version).await.unwrap();
        assert_eq!((row.state, row.approver), (IndicatorState::Published, other.person()));
        whole(&intel, &row).await;
        let stale = intel.revoke(&other, row.id, row.version - 1, "shared host").await;
        assert!(matches!(stale, Err(IntelError::Store(StoreError::Conflict(_)))));
        let row = intel.revoke(&other, row.id, row.version, "shared host").await.unwrap();
        whole(&intel, &row).await;
        intel.note(&other, row.id, "told the partner").await.unwrap();
        let dossier = intel.dossier(&testkit::all(), row.id).await.unwrap().unwrap();
        assert_eq!(dossier.notes.len(), 1);
        assert_eq!(dossier.versions.len(), 4, "drafted, edited, published, revoked");
    })
    .await;
}

/// A token of nobody is an author of its own: what it drafted is nobody else's, and the desk's people judge it.
#[tokio::test]
async fn what_the_bootstrap_token_drafts_has_an_author() {
    testkit::each_db(&schema(), |db, env| async move {
        let intel = service(&db, &env, AutoPolicy::clean());
        let scopes = Grant::of_scopes(vec![access::Action::DraftIntel], CENTRE, []);
        let token = |number| {
            let who = Who::Token { id: base::TokenId(Uuid::from_u128(number)) };
            Caller::mint(who, CENTRE, CENTRE, vec![scopes.clone()], Realm::Real, Tlp::Red)
        };
        let row = intel.draft(&token(8), draft(CENTRE, "203.0.113.9")).await.unwrap();
        assert_eq!(row.author, Some(access::BOOTSTRAP));
        // Another token of the same line, or a person who may draft, finishes it; a token never approves.
        let row = intel.submit(&token(9), row.id, row.version).await.unwrap();
        let approved = intel.publish(&token(9), row.id, row.version).await;
        assert!(approved.is_err(), "{approved:?}");
        let row = intel.publish(&officer(1), row.id, row.version).await.unwrap();
        assert_eq!((row.author, row.approver), (Some(access::BOOTSTRAP), officer(1).person()));
    })
    .await;
}

/// A draft of the host's token that a person edits or submits is that person's: four eyes hold.
#[tokio::test]
async fn who_takes_up_what_the_bootstrap_token_drafted_is_its_author() {
    testkit::each_db(&schema(), |db, env| async move {
        let intel = service(&db, &env, AutoPolicy::clean());
        let scopes = Grant::of_scopes(vec![access::Action::DraftIntel], CENTRE, []);
        let who = Who::Token { id: base::TokenId(Uuid::from_u128(8)) };
        let token = Caller::mint(who, CENTRE, CENTRE, vec![scopes], Realm::Real, Tlp::Red);
        for (value, edits) in [("203.0.113.9", true), ("203.0.113.10", false)] {
            let row = intel.draft(&token, draft(CENTRE, value)).await.unwrap();
            let row = if edits {
                let edit = Edit { confidence: Some(90), ..Edit::default() };
                let row = intel.edit(&officer(1), row.id, row.version, edit).await.unwrap();
                let others = intel.submit(&token, row.id, row.version).await;
                assert!(matches!(others, Err(IntelError::Refused(Refusal::NotAuthor))), "{others:?}");
                intel.submit(&officer(1), row.id, row.version).await.unwrap()
            } else {
                intel.submit(&officer(1), row.id, row.version).await.unwrap()
            };
            assert_eq!(row.author, officer(1).person());
            whole(&intel, &row).await;
            let own = intel.publish(&officer(1), row.id, row.version).await;
            assert!(matches!(own, Err(IntelError::Approval(_))), "four eyes: {own:?}");
            let own = intel.accept(&officer(1), row.id, row.version).await;
            assert!(matches!(own, Err(IntelError::Refused(Refusal::OwnWork))), "{own:?}");
            let row = intel.publish(&officer(2), row.id, row.version).await.unwrap();
            assert_eq!((row.author, row.approver), (officer(1).person(), officer(2).person()));
        }
    })
    .await;
}

#[tokio::test]
async fn what_a_token_drafts_is_its_makers_work() {
    testkit::each_db(&schema(), |db, env| async move {
        let intel = service(&db, &env, AutoPolicy::clean());
        let (maker, other) = (officer(1), officer(2));
        let scopes = Grant::of_scopes(vec![access::Action::DraftIntel], CENTRE, []);
        let who = Who::Token { id: base::TokenId(Uuid::from_u128(9)) };
        let token = Caller::mint(who, CENTRE, CENTRE, vec![scopes], Realm::Real, Tlp::Red).made_by(maker.person());
        let row = intel.draft(&token, draft(CENTRE, "203.0.113.9")).await.unwrap();
        let row = intel.submit(&token, row.id, row.version).await.unwrap();
        let own = intel.publish(&maker, row.id, row.version).await;
        assert!(matches!(own, Err(IntelError::Approval(_))), "four eyes: {own:?}");
        let own = intel.accept(&maker, row.id, row.version).await;
        assert!(matches!(own, Err(IntelError::Refused(Refusal::OwnWork))), "{own:?}");
        let row = intel.publish(&other, row.id, row.version).await.unwrap();
        assert_eq!((row.author, row.approver), (maker.person(), other.person()));
    })
    .await;
}

#[tokio::test]
async fn protected_values_and_doubles_are_refused() {
    testkit::each_db(&schema(), |db, env| async move {
        let intel = service(&db, &env, AutoPolicy::clean());
        for value in ["192.0.2.7", "192.0.0.0/16", "www.example.gov"] {
            let refused = intel.draft(&officer(1), draft(CENTRE, value)).await;
            assert!(matches!(refused, Err(IntelError::Protected(_))), "{value}");
        }
        let nothing = intel.draft(&officer(1), draft(CENTRE, "hello")).await;
        assert!(matches!(nothing, Err(IntelError::Value(_))));
        let row = intel.draft(&officer(1), draft(CENTRE, "203.0.113.7")).await.unwrap();
        let double = intel.draft(&officer(2), draft(CENTRE, "203[.]0.113.7")).await;
        assert!(matches!(double, Err(IntelError::Exists)));
        intel.withdraw(&officer(1), row.id, row.version).await.unwrap();
        intel.draft(&officer(2), draft(CENTRE, "203.0.113.7")).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_clearance_hides_and_permits_bind() {
    testkit::each_db(&schema(), |db, env| async move {
        let intel = service(&db, &env, AutoPolicy::clean());
        tree(&db).await;
        let member = person(5, Role::Member, MEMBER);
        let row = intel.draft(&member, draft(MEMBER, "203.0.113.7")).await.unwrap();
        let stranger = person(6, Role::Member, OTHER);
        assert!(intel.get(stranger.clearance(), row.id).await.unwrap().is_none());
        assert!(intel.dossier(stranger.clearance(), row.id).await.unwrap().is_none());
        assert_eq!(intel.totals(stranger.clearance()).await.unwrap().draft, 0);
        let hidden = intel.submit(&stranger, row.id, row.version).await;
        assert!(matches!(hidden, Err(IntelError::Access(access::Refusal::NotThere))));
        let absent = intel.submit(&stranger, IndicatorId(Uuid::from_u128(404)), 1).await;
        assert!(matches!(absent, Err(IntelError::Access(access::Refusal::NotThere))), "answered alike");
        let foreign = intel.draft(&stranger, draft(MEMBER, "203.0.113.8")).await;
        assert!(matches!(foreign, Err(IntelError::Access(_))), "nobody drafts for others");
        let row = intel.submit(&member, row.id, row.version).await.unwrap();
        let refused = intel.publish(&member, row.id, row.version).await;
        assert!(refused.is_err(), "a member does not publish");
        let row = intel.publish(&officer(1), row.id, row.version).await.unwrap();
        assert_eq!(row.state, IndicatorState::Published, "from review in one step by the centre");
    })
    .await;
}
