//! Every future of the service may be spawned: doors and procedures run them on any thread.

use access::night::Approval;
use access::{Caller, act};
use base::{DirectiveId, EventId, IndicatorId, OrgId, PointId, Realm, Timestamp};
use edge::desk::directive::Ask;
use edge::desk::point::NewPoint;
use edge::service::stream::FrameCursor;
use edge::wire::{EdgeHeartbeat, Receipt};
use edge::{DirectiveState, Edge, RealmConfig};
use events::Envelope;
use runtime::CancellationToken;
use store::{Actor, Clearance, Page, Unit};

fn sendable<F: Future + Send>(_: F) {}

/// Never called: it compiles or it does not.
#[allow(dead_code, clippy::too_many_arguments, reason = "a check of types")]
fn all_futures(
    edge: &Edge,
    caller: &Caller,
    who: &Clearance,
    cursor: &mut FrameCursor,
    approval: &Approval<act::ApproveBlock, DirectiveId>,
    envelope: &Envelope,
    made: (Ask, NewPoint, Receipt, EdgeHeartbeat, RealmConfig),
    ids: (DirectiveId, PointId, IndicatorId, OrgId, EventId),
    now: Timestamp,
    actor: Actor,
    page: &Page,
) {
    let (ask, new, receipt, heartbeat, config) = made;
    let (directive, point, indicator, org, _) = ids;
    sendable(edge.issue(caller, ask.clone()));
    sendable(edge.issue_list(caller, vec![ask.clone()]));
    sendable(edge.issue_automatic(ask.clone()));
    sendable(edge.preview(&ask));
    sendable(edge.approve(caller, directive));
    sendable(edge.approve_list(caller, &[directive]));
    sendable(edge.approve_with(caller, approval));
    sendable(edge.decline(caller, directive));
    sendable(edge.withdraw(caller, directive));
    sendable(edge.renew(caller, directive, now));
    sendable(edge.revoke_indicator(&actor, indicator));
    sendable(edge.react(envelope));
    sendable(edge.react_now(envelope));
    sendable(edge.enrol_point(actor.clone(), new, |unit: Unit| unit));
    sendable(edge.certify_point(actor.clone(), point, base::papers::Paper { serial: String::new(), until: now }));
    sendable(edge.revoke_point(caller, point));
    sendable(edge.kill_point(caller, point, true));
    sendable(edge.thaw_point(caller, point, now));
    sendable(edge.kill_all(caller, true));
    sendable(edge.thaw_all(caller, now));
    sendable(edge.set_config(caller, config.clone()));
    sendable(edge.set_config_as(actor.clone(), Realm::Real, config));
    sendable(edge.set_protected_as(actor, Realm::Real, |present| present.to_vec()));
    sendable(edge.config(Realm::Real));
    sendable(edge.guards(Realm::Real));
    sendable(edge.receipt(point, receipt));
    sendable(edge.heartbeat(point, heartbeat));
    sendable(edge.admit_point(point, ""));
    sendable(edge.next_frames(cursor));
    sendable(edge.frames_since(point, 0));
    sendable(edge.block_list(who, org));
    sendable(edge.clone().run(CancellationToken::new()));
    sendable(edge.expire_due(now));
    sendable(edge.forget_old(now));
    sendable(edge.check_desired(Realm::Real));
    sendable(edge.directive(who, directive));
    sendable(edge.directives_of(who, indicator));
    sendable(edge.directives(who, DirectiveState::Held, page));
    sendable(edge.directives_about(who, ask.key, page));
    sendable(edge.points(who, page));
    sendable(edge.point(who, point));
    sendable(edge.receipts(who, point, page));
    sendable(edge.enforcement(who, directive));
    sendable(edge.directive_facts(caller, directive));
}
