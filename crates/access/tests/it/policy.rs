//! The pure policy: the table, what follows for second factors, and permits under every combination.

use access::{
    Action, Caller, Facts, Grant, MachineKind, Refusal, Stage, Who, act, actions_of, can, needs_second_factor,
};
use base::{OrgId, PersonId, Realm, Role, Tlp, TokenId};
use proptest::prelude::*;
use proptest::sample::select;
use store::{Area, Reach, SystemKey};
use uuid::Uuid;

fn org(n: u128) -> OrgId {
    OrgId(Uuid::from_u128(n))
}

/// 1 is the centre, 2 stands below it, 3 below 2, 4 below the centre.
fn under(top: OrgId) -> Vec<OrgId> {
    let all: &[u128] = match top.0.as_u128() {
        1 => &[1, 2, 3, 4],
        2 => &[2, 3],
        3 => &[3],
        _ => &[4],
    };
    all.iter().map(|n| org(*n)).collect()
}

fn person(n: u128, grants: &[(Role, OrgId)]) -> Caller {
    let who = Who::Person { id: PersonId(Uuid::from_u128(n)), login: access::LoginId(Uuid::from_u128(n)) };
    let grants: Vec<Grant> = grants.iter().map(|(role, at)| Grant::of_role(*role, *at, under(*at))).collect();
    let home = grants.first().map_or(org(4), |grant| grant.org);
    Caller::mint(who, home, org(1), grants, Realm::Real, Tlp::Red)
}

fn any_org() -> impl Strategy<Value = OrgId> {
    (1_u128..=4).prop_map(org)
}

fn any_tlp() -> impl Strategy<Value = Tlp> {
    select(Tlp::ALL.to_vec())
}

fn any_grants() -> impl Strategy<Value = Vec<(Role, OrgId)>> {
    proptest::collection::vec((select(Role::ALL.to_vec()), any_org()), 0..4)
}

/// The table as people read it; a change shows in review.
#[test]
fn the_table() {
    let mut table = String::new();
    for role in Role::ALL {
        let words: Vec<_> = Action::ALL.iter().filter(|a| can(&[*role], **a)).map(|a| a.word()).collect();
        let factor = if needs_second_factor(*role) { " (second factor)" } else { "" };
        table.push_str(&format!("{role}{factor}: {}\n", words.join(" ")));
    }
    let kept = include_str!("policy.txt");
    assert_eq!(table, kept, "the table changed; if it should, write this to tests/it/policy.txt:\n{table}");
}

#[test]
fn who_may_publish_block_and_administer() {
    let holders = |action| Role::ALL.iter().copied().filter(|role| can(&[*role], action)).collect::<Vec<_>>();
    assert_eq!(holders(Action::ApproveIntel), [Role::DutyOfficer, Role::IntelligenceOfficer]);
    assert_eq!(holders(Action::ApproveBlock), [Role::DutyOfficer]);
    assert_eq!(holders(Action::KillSwitch), [Role::DutyOfficer]);
    for action in [Action::ManagePeople, Action::ManageTokens, Action::ManageOrganisations] {
        assert_eq!(holders(action), [Role::Administrator], "{action}");
    }
    assert_eq!(holders(Action::ReadAudit), [Role::Administrator, Role::Auditor]);
    // Whoever gives roles cannot use the strongest ones themselves.
    assert!(!can(&[Role::Administrator], Action::ApproveIntel) && !can(&[Role::Administrator], Action::IssueBlock));
    let second: Vec<_> = Role::ALL.iter().copied().filter(|role| needs_second_factor(*role)).collect();
    assert_eq!(
        second,
        [Role::Administrator, Role::DutyOfficer, Role::Tier2, Role::IntelligenceOfficer, Role::PlatformEngineer]
    );
    for role in Role::ALL {
        let mut actions = actions_of(*role).to_vec();
        actions.sort_unstable();
        actions.dedup();
        assert_eq!(actions.len(), actions_of(*role).len(), "{role} lists an action twice");
    }
}

#[test]
fn words_are_scopes() {
    for action in Action::ALL {
        assert_eq!(action.word().parse::<Action>().unwrap(), *action);
        assert_eq!(serde_json::to_value(action).unwrap(), action.word());
    }
    assert_eq!("everything".parse::<Action>().unwrap_err().code.id, "LF-ACC-0020");
}

#[test]
fn clearances_by_role() {
    let of = |role, at| {
        let clearance = person(1, &[(role, org(at))]).clearance().clone();
        (clearance.reach(), clearance.within(), clearance.shared())
    };
    assert_eq!(of(Role::DutyOfficer, 1), (Reach::All, Tlp::Red, Tlp::Red));
    assert_eq!(of(Role::Tier1, 1), (Reach::All, Tlp::AmberStrict, Tlp::AmberStrict));
    assert_eq!(of(Role::PublicEditor, 1), (Reach::All, Tlp::Green, Tlp::Green));
    assert_eq!(of(Role::Wall, 1), (Reach::Shared, Tlp::Green, Tlp::Green));
    assert_eq!(of(Role::Member, 2), (Reach::Areas, Tlp::AmberStrict, Tlp::Green));
    assert_eq!(of(Role::DutyOfficer, 2), (Reach::Areas, Tlp::AmberStrict, Tlp::Green));
    assert_eq!(of(Role::PublicEditor, 2), (Reach::Areas, Tlp::Green, Tlp::Green));
    assert_eq!(person(1, &[]).clearance().reach(), Reach::Shared);
    let areas = |grants: &[(Role, OrgId)]| person(1, grants).clearance().areas().to_vec();
    let area = |top, within| Area { top: org(top), within };
    // Of several organisations each to its own marking; what lies within another is no area of its own.
    let both = [(Role::Member, org(4)), (Role::Member, org(2)), (Role::Member, org(3)), (Role::Tier1, org(4))];
    assert_eq!(areas(&both), [area(2, Tlp::AmberStrict), area(4, Tlp::AmberStrict)]);
    let mixed = [(Role::PublicEditor, org(2)), (Role::Member, org(3))];
    assert_eq!(areas(&mixed), [area(2, Tlp::Green), area(3, Tlp::AmberStrict)]);
    let editor = [(Role::PublicEditor, org(1)), (Role::Member, org(3))];
    assert_eq!(areas(&editor), [area(3, Tlp::AmberStrict)], "the whole centre to green, one's own further");
    assert_eq!(areas(&[(Role::Tier1, org(1)), (Role::Member, org(3))]), []);
}

#[test]
fn machines_and_tokens_see_their_own() {
    let sensor = Caller::machine(MachineKind::Sensor, Uuid::from_u128(9), org(2), org(1), Realm::Real);
    assert_eq!((sensor.clearance().reach(), sensor.clearance().shared()), (Reach::Shared, Tlp::Clear));
    // A machine's row is its own business: what it sends is permitted by the action on its organisation.
    assert!(sensor.can(Action::Ingest) && !sensor.can(Action::ReadIntel));
    assert!(sensor.permit_in::<act::Ingest>(org(2)).is_ok());
    assert_eq!(sensor.permit_in::<act::Ingest>(org(4)), Err(Refusal::NotThere));
    let edge = Caller::machine(MachineKind::Edge, Uuid::from_u128(9), org(1), org(1), Realm::Real);
    assert_eq!(edge.clearance().reach(), Reach::Areas, "an agent of the centre is no staff");
    let token = |scopes: Vec<Action>, at, ceiling| {
        let grant = Grant::of_scopes(scopes, org(at), under(org(at)));
        Caller::mint(Who::Token { id: TokenId(Uuid::nil()) }, org(at), org(1), vec![grant], Realm::Real, ceiling)
    };
    let feeds = token(vec![Action::ReadFeeds], 2, Tlp::Green);
    assert_eq!((feeds.clearance().reach(), feeds.clearance().within()), (Reach::Areas, Tlp::Green));
    assert_eq!(feeds.require(Action::Ingest), Err(Refusal::Scope(Action::Ingest)));
    let wall = token(vec![Action::ReadWall], 1, Tlp::AmberStrict);
    assert_eq!((wall.clearance().reach(), wall.clearance().within()), (Reach::Shared, Tlp::Green));
    let strong = token(Action::ALL.to_vec(), 1, Tlp::AmberStrict);
    assert_eq!(strong.clearance().within(), Tlp::AmberStrict);
    for action in Action::ALL.iter().filter(|action| action.needs_person()) {
        assert_eq!(strong.require(*action), Err(Refusal::NeedsPerson(*action)));
    }
}

#[test]
fn inside_the_clearance_is_refused_and_outside_is_absent() {
    let tier1 = person(1, &[(Role::Tier1, org(2))]);
    let facts = |at, tlp| Facts::new(org(at), tlp, Realm::Real);
    let resolve = |facts: &Facts| tier1.permit::<act::ResolveFinding, _>(7_u8, facts).map(|permit| permit.id());
    assert_eq!(resolve(&facts(3, Tlp::AmberStrict)), Ok(7), "below the own organisation");
    assert_eq!(resolve(&facts(4, Tlp::Green)), Err(Refusal::Forbidden(Action::ResolveFinding)), "seen, not theirs");
    assert_eq!(resolve(&facts(4, Tlp::Amber)), Err(Refusal::NotThere));
    assert_eq!(resolve(&facts(2, Tlp::Red)), Err(Refusal::NotThere));
    let drill = Facts::new(org(2), Tlp::Clear, Realm::Drill(Uuid::from_u128(1)));
    assert_eq!(resolve(&drill), Err(Refusal::NotThere), "another realm does not exist");
    assert_eq!(
        tier1.permit::<act::ApproveIntel, _>(7_u8, &facts(2, Tlp::Green)),
        Err(Refusal::Forbidden(Action::ApproveIntel))
    );
}

#[test]
fn the_host_may_everything_but_judge() {
    let system = Caller::system(SystemKey::of("test"), org(1), Realm::Real);
    for action in Action::ALL {
        assert_eq!(system.can(*action), !action.needs_person(), "{action}");
    }
}

proptest! {
    #[test]
    fn a_permit_needs_sight_a_grant_there_and_four_eyes(
        grants in any_grants(), at in any_org(), tlp in any_tlp(), author in proptest::option::of(1_u128..3),
    ) {
        let caller = person(1, &grants);
        let facts = Facts::new(at, tlp, Realm::Real).by(author.map(|n| PersonId(Uuid::from_u128(n))));
        let outcome = caller.permit::<act::ApproveIntel, _>((), &facts);
        let granted = grants.iter().any(|(role, top)| {
            can(&[*role], Action::ApproveIntel) && (*top == org(1) || under(*top).contains(&at))
        });
        let own = author == Some(1);
        prop_assert_eq!(outcome.is_ok(), caller.sees(&facts) && granted && !own);
        if !caller.sees(&facts) {
            prop_assert_eq!(outcome, Err(Refusal::NotThere));
        }
        if own && outcome.is_err() && caller.sees(&facts) && granted {
            prop_assert_eq!(outcome, Err(Refusal::FourEyes(Action::ApproveIntel)));
        }
    }

    #[test]
    fn nobody_does_anything_before_the_stage_is_full(
        grants in any_grants(), at in any_org(), action in select(Action::ALL.to_vec()),
        stage in select(vec![Stage::SecondFactor, Stage::EnrolSecondFactor, Stage::ChangePassword]),
    ) {
        let caller = person(1, &grants).at_stage(stage);
        prop_assert!(!caller.can(action));
        let facts = Facts::new(at, Tlp::Clear, Realm::Real);
        prop_assert!(caller.permit::<act::ReadWall, _>((), &facts).is_err());
        prop_assert!(caller.permit::<act::Ingest, _>((), &facts).is_err());
    }

    #[test]
    fn nobody_sees_beyond_their_branch_but_what_is_shared(
        grants in any_grants(), at in any_org(), tlp in any_tlp(),
    ) {
        let caller = person(1, &grants);
        let facts = Facts::new(at, tlp, Realm::Real);
        let near = grants.iter().any(|(_, top)| *top == org(1) || under(*top).contains(&at));
        if caller.sees(&facts) {
            prop_assert!(near || tlp <= Tlp::Green);
        }
        if tlp == Tlp::Red && caller.sees(&facts) {
            let red = [Role::DutyOfficer, Role::IntelligenceOfficer];
            prop_assert!(grants.iter().any(|(role, top)| *top == org(1) && red.contains(role)));
        }
    }

    #[test]
    fn a_person_sees_the_union_of_what_each_role_alone_would_see(
        grants in any_grants(), at in any_org(), tlp in any_tlp(), action in select(Action::ALL.to_vec()),
    ) {
        let facts = Facts::new(at, tlp, Realm::Real);
        let alone = |grant: &(Role, OrgId)| person(1, &[*grant]).sees(&facts);
        let nobody = person(1, &[]).sees(&facts);
        let caller = person(1, &grants);
        prop_assert_eq!(caller.sees(&facts), nobody || grants.iter().any(alone));
        // The same for the grants that allow one action.
        let may = |grant: &&(Role, OrgId)| can(&[grant.0], action);
        let union = nobody || grants.iter().filter(may).any(alone);
        prop_assert_eq!(caller.narrowed(action).sees(&facts), union);
    }

    #[test]
    fn more_grants_never_permit_less_where_they_reach(grants in any_grants(), extra in select(Role::ALL.to_vec()), top in any_org(), at in any_org(), tlp in any_tlp()) {
        let before = person(1, &grants);
        let mut more = grants;
        more.push((extra, top));
        let after = person(1, &more);
        for action in Action::ALL {
            prop_assert!(!before.can(*action) || after.can(*action));
        }
        let facts = Facts::new(at, tlp, Realm::Real);
        prop_assert!(!before.sees(&facts) || after.sees(&facts));
    }
}

/// Doors run on many threads: every answer can move between them.
#[test]
fn futures_can_move_between_threads() {
    fn moves<F: Send>(_future: fn(access::Access, Caller) -> F) {}
    moves(|access, caller| async move { access.record_refusal(&caller, "a", "b", &Refusal::NotThere).await });
    moves(|access, caller| async move { access.disable(&caller, PersonId(Uuid::nil()), 1).await });
    moves(|access, caller| async move { access.retro_open(&caller, &store::page::Page::default()).await });
}
