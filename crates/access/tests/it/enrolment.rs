//! Enrolment codes.

use access::{AccessError, MachineKind, Settings};
use base::Role;
use store::{Actor, StoreError, Unit};

use crate::world::{code, each_world};

#[tokio::test]
async fn a_code_is_good_once_for_its_kind_and_a_day() {
    each_world(Settings::default(), |world| async move {
        let access = &world.access;
        let make = |kind| access.enrol_code_create(&world.system, kind, world.member, "trap-1");
        let made = make(MachineKind::Sensor).await.unwrap();
        assert_eq!(code(access.enrol_code_take(MachineKind::Edge, &made.code).await), "LF-ACC-0019");
        let typed = made.code.to_lowercase();
        let ticket = access.enrol_code_take(MachineKind::Sensor, &typed).await.unwrap();
        assert_eq!((ticket.org, ticket.name.as_str()), (world.member, "trap-1"));
        assert_eq!(code(access.enrol_code_take(MachineKind::Sensor, &made.code).await), "LF-ACC-0019");
        let late = make(MachineKind::Edge).await.unwrap();
        world.clock.advance_secs(86_400);
        assert_eq!(code(access.enrol_code_check(MachineKind::Edge, &late.code).await), "LF-ACC-0019");
        assert_eq!(world.leaves("access.enrol_code_take", "done").await, 1);
    })
    .await;
}

#[tokio::test]
async fn a_code_is_spent_with_the_machine_or_not_at_all() {
    each_world(Settings::default(), |world| async move {
        let access = &world.access;
        let made = access.enrol_code_create(&world.system, MachineKind::Edge, world.member, "fw").await.unwrap();
        let ticket = access.enrol_code_check(MachineKind::Edge, &made.code).await.unwrap();
        let unit = |ticket: &access::EnrolTicket| ticket.spend(Unit::new(Actor::System("test".into()), testkit::START));
        // The machine's own row fails: the code is still good.
        let failing = unit(&ticket).exec_one("UPDATE login SET agent = '' WHERE 1 = 0", vec![]);
        assert!(matches!(world.db.commit(failing).await, Err(StoreError::Conflict(_))));
        let again = access.enrol_code_check(MachineKind::Edge, &made.code).await.unwrap();
        world.db.commit(unit(&again)).await.unwrap();
        assert!(matches!(world.db.commit(unit(&again)).await, Err(StoreError::Conflict(_))));
        let gone = access.enrol_code_check(MachineKind::Edge, &made.code).await;
        assert!(matches!(gone, Err(AccessError::EnrolSpent)));
    })
    .await;
}

#[tokio::test]
async fn only_who_manages_machines_there_makes_codes() {
    each_world(Settings::default(), |world| async move {
        let access = &world.access;
        let engineer = world.caller("eng", world.member, &[Role::PlatformEngineer]).await;
        let make = |org, name| access.enrol_code_create(&engineer, MachineKind::Sensor, org, name);
        make(world.member, "trap").await.unwrap();
        assert_eq!(code(make(world.other, "trap").await), "LF-ACC-0003");
        assert_eq!(code(make(world.member, " ").await), "LF-ACC-0014");
        let member = world.joined("wang", world.member, &[Role::Member]).await;
        let member = access.session_check(&member.cookie).await.unwrap();
        let refused = access.enrol_code_create(&member, MachineKind::Sensor, world.member, "trap").await;
        assert_eq!(code(refused), "LF-ACC-0003");
        assert_eq!(world.leaves("access.enrol_code_create", "refused").await, 2);
    })
    .await;
}
