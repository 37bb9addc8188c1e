//! Who is in the demo: a sector, six members with networks, one person per role with a single-use sign-in link.

use access::{Caller, NewHolding, NewPerson, PeopleFilter};
use base::{OrgId, Realm, Role};
use registry::{Criticality, NewOrg, OrgKind, RegistryError, Span, Standing};
use store::SystemKey;
use store::page::Page;

use crate::centre::Services;
use crate::exit::Failure;

/// The members: code, zh-TW, English, networks in their own address plan.
const MEMBERS: [(&str, &str, &str, &str); 6] = [
    ("north-power", "北區電力公司", "North Power", "10.10.0.0/16"),
    ("south-power", "南區電力公司", "South Power", "10.20.0.0/16"),
    ("river-hydro", "河川水力發電", "River Hydro", "10.30.0.0/16"),
    ("grid-control", "電網調度中心", "Grid Control", "10.40.0.0/16"),
    ("harbour-gas", "港區天然氣", "Harbour Gas", "10.50.0.0/16"),
    ("solar-east", "東部太陽能", "Solar East", "10.60.0.0/16"),
];

/// One person per role: sign-in name, names, role.
const PEOPLE: [(&str, &str, Role); 9] = [
    ("duty", "王值勤", Role::DutyOfficer),
    ("analyst", "陳一線", Role::Tier1),
    ("hunter", "林二線", Role::Tier2),
    ("intel", "張情資", Role::IntelligenceOfficer),
    ("admin", "李管理", Role::Administrator),
    ("chief", "黃長官", Role::Leadership),
    ("auditor", "吳稽核", Role::Auditor),
    ("member", "周會員", Role::Member),
    ("wall", "電視牆", Role::Wall),
];

/// What was made: the members' ids in order.
pub(crate) struct Cast {
    /// Members, in the order of the list.
    pub(crate) members: Vec<OrgId>,
}

/// The centre's own hand.
pub(crate) fn director(services: &Services) -> Caller {
    Caller::system(SystemKey::of("demo"), services.ctx.access.centre(), Realm::Real)
}

/// Makes sector and members; what is there already stays.
pub(crate) async fn organisations(services: &Services) -> Result<Cast, Failure> {
    let caller = director(services);
    let sector = organisation(
        services,
        &caller,
        "energy",
        "能源領域",
        "Energy sector",
        OrgKind::Sector,
        services.ctx.access.centre(),
    )
    .await?;
    let mut members = Vec::new();
    for (code, zh, en, network) in MEMBERS {
        let id = organisation(services, &caller, code, zh, en, OrgKind::Operator, sector).await?;
        if services.ctx.registry.networks(caller.clearance(), id).await?.is_empty() {
            let scope = base::AddressScope::Org(id);
            services.ctx.registry.network_add(&caller, id, network.parse()?, scope, Span::default()).await?;
        }
        members.push(id);
    }
    Ok(Cast { members })
}

async fn organisation(
    services: &Services,
    caller: &Caller,
    code: &str,
    zh: &str,
    en: &str,
    kind: OrgKind,
    parent: OrgId,
) -> Result<OrgId, Failure> {
    let code = code.parse()?;
    match services.ctx.registry.org_by_code(caller.clearance(), &code).await {
        Ok(org) => return Ok(org.id),
        Err(RegistryError::UnknownOrg) => {}
        Err(error) => return Err(error.into()),
    }
    let standing =
        Standing { kind, sector: Some("energy".to_owned()), criticality: Criticality::Critical, level: None };
    let new = NewOrg { code, name_zh: zh.to_owned(), name_en: en.to_owned(), parent: Some(parent), standing };
    Ok(services.ctx.registry.org_add(caller, new, Span::default()).await?)
}

/// One person per role and a fresh single-use link for each: (role, name, token).
pub(crate) async fn links(services: &Services, cast: &Cast) -> Result<Vec<(Role, String, String)>, Failure> {
    /// The demo is looked at within a day.
    const MINUTES: u32 = 24 * 60;
    let caller = director(services);
    let access = &services.ctx.access;
    let filter = PeopleFilter::default();
    let known = access.people(&caller, &filter, &Page::first(1_000)).await?.items;
    let mut out = Vec::new();
    for (login, display, role) in PEOPLE {
        let org = match (role, cast.members.first()) {
            (Role::Member, Some(member)) => *member,
            _ => access.centre(),
        };
        let person = match known.iter().find(|person| person.login == login) {
            Some(person) => person.id,
            None => {
                let new = NewPerson {
                    login: login.to_owned(),
                    display: display.to_owned(),
                    mail: format!("{login}@example.invalid"),
                    language: "zh-TW".to_owned(),
                    zone: "Asia/Taipei".to_owned(),
                    org,
                    expires_at: None,
                    holdings: vec![NewHolding::of(role, org)],
                };
                access.invite(&caller, &new).await?.0
            }
        };
        let link = access.sign_in_link(&caller, person, MINUTES).await?;
        out.push((role, display.to_owned(), link.token.to_string()));
    }
    Ok(out)
}
