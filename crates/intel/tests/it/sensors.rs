//! What sensors prove: proposals, the automatic path, renewal, a person's no, expiry.

use super::*;
use intel::{ClassPolicy, IntelError, Quiet, Refusal};
use store::StoreError;

#[tokio::test]
async fn a_clean_centre_waits_for_people() {
    testkit::each_db_at(&schema(), |db, env, clock| async move {
        let intel = service(&db, &env, AutoPolicy::clean());
        assert_eq!(propose(&intel, &db, evidence(MEMBER, "203.0.113.7", 0.59, 9)).await, Proposal::Quiet(Quiet::Weak));
        let row = moved(&intel, &db, evidence(MEMBER, "203.0.113.7", 0.95, 9)).await;
        assert_eq!(row.state, IndicatorState::InReview);
        whole(&intel, &row).await;
        let dossier = intel.dossier(&testkit::all(), row.id).await.unwrap().unwrap();
        assert_eq!(dossier.sources.len(), 3, "provenance to the sessions");
        clock.advance_secs(60);
        let again = moved(&intel, &db, evidence(MEMBER, "203.0.113.7", 0.97, 10)).await;
        assert_eq!((again.id, again.score, again.sensors_total), (row.id, 0.97, 10), "the live one is renewed");
        whole(&intel, &again).await;
        let rejected = intel.reject(&officer(1), again.id, again.version, "our partner's scanner").await.unwrap();
        let no = propose(&intel, &db, evidence(MEMBER, "203.0.113.7", 0.99, 12)).await;
        assert_eq!(no, Proposal::Quiet(Quiet::PersonSaidNo(rejected.id)));
        clock.advance_secs(31 * 86_400);
        let later = moved(&intel, &db, evidence(MEMBER, "203.0.113.7", 0.99, 12)).await;
        assert_ne!(later.id, row.id, "a month later the evidence is heard again");
    })
    .await;
}

#[tokio::test]
async fn the_automatic_path_publishes_and_renews() {
    testkit::each_db_at(&schema(), |db, env, clock| async move {
        let intel = service(&db, &env, AutoPolicy::demo());
        let row = moved(&intel, &db, evidence(MEMBER, "203.0.113.7", 0.7, 2)).await;
        assert_eq!((row.state, row.automatic, row.author), (IndicatorState::Published, true, None));
        clock.advance_secs(3_600);
        let longer = moved(&intel, &db, evidence(OTHER, "203.0.113.7", 0.9, 2)).await;
        assert_eq!(longer.id, row.id, "evidence of another organisation renews what sensors proved");
        assert_eq!(longer.valid_until.since(row.valid_until), 3_600_000_000 - 1);
        whole(&intel, &longer).await;
        let mut forged = evidence(MEMBER, "203.0.113.8", 1.0, 9);
        forged.class = AttackClass::UdpProbe;
        assert_eq!(propose(&intel, &db, forged).await, Proposal::Quiet(Quiet::Forgeable));
        let own = propose(&intel, &db, evidence(MEMBER, "192.0.2.7", 1.0, 9)).await;
        assert!(matches!(own, Proposal::Quiet(Quiet::Protected(_))));
        // Both are ended in time, the published one and the one nobody took.
        let mut scan = evidence(MEMBER, "203.0.113.9", 0.9, 1);
        scan.class = AttackClass::Scan;
        let waiting = moved(&intel, &db, scan).await;
        assert_eq!(waiting.state, IndicatorState::InReview, "this class waits for people");
        assert_eq!(intel.expire_due().await.unwrap(), 0);
        clock.set(waiting.valid_until);
        assert_eq!(intel.expire_due().await.unwrap(), 2);
        assert_eq!(intel.totals(&testkit::all()).await.unwrap().expired, 2);
        let new = moved(&intel, &db, evidence(MEMBER, "203.0.113.7", 0.7, 1)).await;
        assert_ne!(new.id, row.id, "after its end fresh evidence makes a new one");
    })
    .await;
}

#[tokio::test]
async fn the_policy_is_kept_and_guarded() {
    testkit::each_db(&schema(), |db, env| async move {
        let intel = service(&db, &env, AutoPolicy::clean());
        let rule = ClassPolicy { enabled: true, min_score: 0.9, min_sensors: 3, ttl: 7_200 };
        let admin = person(1, Role::Administrator, CENTRE);
        let refused = intel.set_policy(&officer(2), AttackClass::Download, rule).await;
        assert!(matches!(refused, Err(IntelError::Access(_))));
        let forged = intel.set_policy(&admin, AttackClass::UdpProbe, rule).await;
        assert!(matches!(forged, Err(IntelError::Refused(Refusal::Forgeable))), "never for datagrams");
        for rule in [
            ClassPolicy { min_score: 0.1, ..rule },
            ClassPolicy { ttl: 1, ..rule },
            ClassPolicy { min_sensors: 0, ..rule },
        ] {
            assert!(intel.set_policy(&admin, AttackClass::Download, rule).await.is_err());
        }
        for _ in 0..2 {
            intel.set_policy(&admin, AttackClass::Download, rule).await.unwrap();
        }
        assert_eq!(intel.policy().await.unwrap().class(AttackClass::Download), Some(rule));
        // Against the version that was read, from none on.
        let version =
            async |class| intel.policies().await.unwrap().into_iter().find(|row| row.class == class).unwrap().version;
        assert_eq!((version(AttackClass::Download).await, version(AttackClass::Scan).await), (2, 0));
        for (class, read, stale) in [(AttackClass::Download, 2, 1), (AttackClass::Scan, 0, 7)] {
            for wrong in [stale, 99] {
                let conflict = intel.set_policy_at(&admin, class, rule, wrong).await;
                assert!(matches!(conflict, Err(IntelError::Store(StoreError::Conflict(_)))), "{class:?} {wrong}");
            }
            intel.set_policy_at(&admin, class, rule, read).await.unwrap();
            assert!(intel.set_policy_at(&admin, class, rule, read).await.is_err(), "spent");
        }
        assert_eq!((version(AttackClass::Download).await, version(AttackClass::Scan).await), (3, 1));
        // A token closes the path and raises its proof; a person opens it, lowers the proof, or lets it last longer.
        let scopes = Grant::of_scopes(vec![access::Action::ManageSettings], CENTRE, []);
        let who = Who::Token { id: base::TokenId(Uuid::from_u128(9)) };
        let token = Caller::mint(who, CENTRE, CENTRE, vec![scopes], Realm::Real, Tlp::AmberStrict);
        let class = AttackClass::Scan;
        for looser in [
            ClassPolicy { min_score: 0.8, ..rule },
            ClassPolicy { min_sensors: 2, ..rule },
            ClassPolicy { ttl: 7_201, ..rule },
            ClassPolicy { enabled: false, min_score: 0.8, ..rule },
        ] {
            let refused = intel.set_policy_at(&token, class, looser, 1).await;
            assert!(
                matches!(refused, Err(IntelError::Access(access::Refusal::NeedsPerson(_)))),
                "{looser:?} {refused:?}"
            );
        }
        let closed = ClassPolicy { enabled: false, min_score: 1.0, min_sensors: 4, ttl: 3_600 };
        assert!(matches!(
            intel.set_policy_at(&token, class, closed, 7).await,
            Err(IntelError::Store(StoreError::Conflict(_)))
        ));
        intel.set_policy_at(&token, class, closed, 1).await.unwrap();
        intel.set_policy(&token, class, closed).await.unwrap();
        let reopened = intel.set_policy(&token, class, ClassPolicy { enabled: true, ..closed }).await;
        assert!(matches!(reopened, Err(IntelError::Access(access::Refusal::NeedsPerson(_)))), "{reopened:?}");
        assert_eq!(intel.policy().await.unwrap().class(class), Some(closed));
        let few = moved(&intel, &db, evidence(MEMBER, "203.0.113.7", 0.95, 2)).await;
        assert_eq!(few.state, IndicatorState::InReview);
        let enough = moved(&intel, &db, evidence(MEMBER, "203.0.113.7", 0.95, 3)).await;
        assert_eq!((enough.id, enough.state), (few.id, IndicatorState::Published));
        assert_eq!(enough.valid_until, enough.valid_from.plus_secs(7_200));
    })
    .await;
}
