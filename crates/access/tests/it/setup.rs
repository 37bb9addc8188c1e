//! The first person.

use access::{Settings, Stage};
use base::Role;

use crate::world::{code, each_world, visit};

#[tokio::test]
async fn the_setup_link_makes_one_administrator_and_dies() {
    each_world(Settings::default(), |world| async move {
        let access = &world.access;
        let old = access.setup_link().await.unwrap().unwrap();
        let link = access.setup_link().await.unwrap().unwrap();
        assert_eq!(code(access.setup_check(&old.token).await), "LF-ACC-0012", "a restart renews the link");
        access.setup_check(&link.token).await.unwrap();

        let mut weak = world.first("wang");
        weak.password = "password1234".into();
        assert_eq!(code(access.first_person(&link.token, &weak, &visit()).await), "LF-ACC-0013");
        let mut bad = world.first("wang");
        bad.zone = "Mars/Olympus".into();
        assert_eq!(code(access.first_person(&link.token, &bad, &visit()).await), "LF-ACC-0014");
        assert_eq!(code(access.first_person("guess", &world.first("wang"), &visit()).await), "LF-ACC-0012");

        let signed_in = access.first_person(&link.token, &world.first("Wang"), &visit()).await.unwrap();
        assert_eq!(signed_in.stage, Stage::EnrolSecondFactor);
        let caller = access.session_check(&signed_in.cookie).await.unwrap();
        assert_eq!(caller.roles(), [Role::Administrator]);
        assert_eq!(caller.org(), world.centre);

        assert!(!access.setup_open().await.unwrap());
        assert_eq!(access.setup_link().await.unwrap(), None);
        assert_eq!(code(access.setup_check(&link.token).await), "LF-ACC-0012");
        assert_eq!(code(access.first_person(&link.token, &world.first("second"), &visit()).await), "LF-ACC-0012");
        assert_eq!(world.leaves("access.first_person", "done").await, 1);
    })
    .await;
}

#[tokio::test]
async fn of_two_at_the_same_moment_one_becomes_the_first() {
    each_world(Settings::default(), |world| async move {
        let link = world.access.setup_link().await.unwrap().unwrap();
        let (first, second, seat) = (world.first("one"), world.first("two"), visit());
        let (one, two) = tokio::join!(
            world.access.first_person(&link.token, &first, &seat),
            world.access.first_person(&link.token, &second, &seat)
        );
        assert_eq!(u8::from(one.is_ok()) + u8::from(two.is_ok()), 1);
        assert_eq!(code(if one.is_err() { one } else { two }), "LF-ACC-0012");
    })
    .await;
}

#[tokio::test]
async fn the_setup_link_dies_after_a_day_and_with_the_first_invitation() {
    each_world(Settings::default(), |world| async move {
        let link = world.access.setup_link().await.unwrap().unwrap();
        world.clock.advance_secs(86_400 - 1);
        world.access.setup_check(&link.token).await.unwrap();
        world.clock.advance_secs(1);
        assert_eq!(code(world.access.setup_check(&link.token).await), "LF-ACC-0012");
        let link = world.access.setup_link().await.unwrap().unwrap();
        world.invite("li", world.centre, &[Role::Tier1]).await;
        assert_eq!(code(world.access.first_person(&link.token, &world.first("wang"), &visit()).await), "LF-ACC-0012");
    })
    .await;
}
