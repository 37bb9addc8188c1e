//! Pages drawn from made-up facts, in both languages, empty and full. The tests of this module look for what no page
//! may hold; with `LIANFANG_GALLERY=DIR` they also write every page there, to be looked at in a browser.

mod acts;
mod admin;
mod attack;
mod checks;
mod frame;
mod rooms;
mod rules;

use std::fmt::Write as _;
use std::path::Path;

use access::{Person, PersonState};
use askama::Template;
use base::time::Zone;
use base::{
    AddressScope, CampaignId, DirectiveId, FindingId, IndicatorId, OrgId, PersonId, PointId, Realm, SensorId,
    SessionId, Timestamp, Tlp,
};
use detect::{Fact, Finding, FindingOutcome, FindingState, Group, Past, Step, StepKind, Subject, Why};
use edge::model::Applied;
use edge::service::views::{Difference, Enforcement, PointView, Status};
use edge::wire::{CanaryResult, Intent, Probe, ReadBack, Receipt, SetDigest};
use edge::{Directive, DirectiveState, Driver, Point, PointState, Standing, StoredReceipt};
use events::intel::IndicatorState;
use events::sensor::{Aim, AttackClass, Factor, ValueKind};
use intel::{Change, Dossier, Evidence, Indicator, ObjectVersion, Origin, Source, What};
use registry::{Contact as Contact2, Org, OrgKind, TreeNode};
use sensor::model::{
    Campaign, CampaignDetail, Contact, JoinKey, Observable, Sensor, SensorKind, SensorState, Session, SessionDetail,
    SessionEvent, TimelineBar, Totals,
};
use sensor::wire::Heartbeat;
use serde_json::json;
use store::audit::Leaf;
use text::{Lang, Words};
use uuid::Uuid;

use crate::desk;
use crate::desk::home::{Home, QueueLine};
use crate::desk::indicator::Story;
use crate::view::frame::{DoorPage, NavItem};
use crate::view::url::Query;
use crate::view::{Act, Body, Crumb, Field, Form, Frame, Head, Look, Page, Panel, Row};
use crate::web::list;

use self::acts::*;
use self::admin::*;
use self::attack::*;
use self::frame::*;
use self::rooms::*;
use self::rules::*;

/// Every page in one language and theme.
pub(crate) fn pages(lang: Lang, theme: &'static str) -> Vec<Drawn> {
    let t = Words::of(lang);
    let mut out = Vec::new();
    let mut add = |name: &str, html: String| out.push(Drawn { name: name.to_owned(), html });
    let at = |path: &str| look(lang, theme, Query::at(path));
    for full in [true, false] {
        let tail = if full { "" } else { "-empty" };
        let l = at("/attacks");
        add(&format!("attacks{tail}"), desk_page(&l, Vec::new(), Head::new(t.attack.title, ""), attacks(&l, full)));
        let l = at("/findings");
        let head = Head::new(t.work.title, t.work.lead);
        add(&format!("findings{tail}"), desk_page(&l, Vec::new(), head, vec![queue(&l, full)]));
    }
    let l = at("/sessions/1");
    for hostile in [false, true] {
        let (head, rows) = desk::session::draw(&l, &session_detail(hostile));
        let crumbs = vec![Crumb::new("/attacks", t.nav.attacks), Crumb::new("/sessions", t.nav.sessions)];
        add(if hostile { "session-hostile" } else { "session" }, desk_page(&l, crumbs, head, rows));
    }
    let (detail, sessions) = campaign();
    let (head, rows) = desk::campaign::draw(&at("/campaigns/1"), &detail, &sessions);
    add("campaign", desk_page(&at("/campaigns/1"), vec![Crumb::new("/attacks", t.nav.attacks)], head, rows));
    let f = finding(1, 3, FindingState::Resolved);
    let people = vec![Some("林值勤".to_owned())];
    let (head, rows) = desk::finding::draw(&at("/findings/1"), &f, Past::default(), Some("林值勤"), &people, Some("t"));
    add("finding", desk_page(&at("/findings/1"), vec![Crumb::new("/findings", t.nav.findings)], head, rows));
    let l = at("/keys");
    let keys = vec![Row::Full(Panel::new("keys-page", t.keys.title, vec![Body::Keys { t }]))];
    add("keys", desk_page(&l, Vec::new(), Head::new(t.keys.title, t.keys.lead), keys));
    more(lang, theme, &mut out);
    acts(lang, theme, &mut out);
    out
}
