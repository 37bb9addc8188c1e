//! The desk of enforcement points.

use base::papers::{More, Paper, Papers, Shown};
use base::{OrgId, PointId, Realm, Timestamp, Tlp};

use crate::error::Refusal;
use crate::model::{Applied, Driver, Point, PointState, Standing};
use crate::wire::{Receipt, SetDigest};

/// The longest name of a point, in characters.
pub const MAX_NAME: usize = 100;
/// A person may accept changes beyond the limits for so long at most.
pub const MAX_THAW_SECS: i64 = 3_600;

/// A point that joins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewPoint {
    /// Its id, as in the certificate.
    pub id: PointId,
    /// Whose point.
    pub org: OrgId,
    /// The realm whose directives it enforces.
    pub realm: Realm,
    /// Its marking.
    pub tlp: Tlp,
    /// Its name.
    pub name: String,
    /// What it drives.
    pub driver: Driver,
    /// Serial number of its certificate, lower-case hex.
    pub serial: String,
    /// When the certificate ends.
    pub cert_expires: Timestamp,
}

/// A command to the desk.
#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// It joins.
    Enrol(Box<NewPoint>),
    /// It gets its next certificate.
    Certify(Paper),
    /// It shows a certificate.
    Show {
        /// The serial number.
        serial: String,
    },
    /// Its certificate is refused from now on.
    Revoke,
    /// The kill switch.
    Kill(bool),
    /// A person accepts a change beyond the limits.
    Thaw {
        /// Until when.
        until: Timestamp,
    },
    /// It said what it applied.
    Receipt {
        /// What it said.
        receipt: Box<Receipt>,
        /// The digest the centre has for that sequence.
        expected: Option<SetDigest>,
    },
}

/// What became true.
#[derive(Debug, Clone, PartialEq)]
pub enum Fact {
    /// It joined.
    Enrolled(Box<Point>),
    /// It was given its next certificate; the present one stays good until that one is shown.
    Certified(Paper),
    /// It showed its next certificate for the first time: its certificates from now on.
    Shown(Papers),
    /// It is out.
    Revoked,
    /// The kill switch is on or off.
    KillSet(bool),
    /// Changes beyond the limits are accepted.
    Thawed {
        /// Until when.
        until: Timestamp,
    },
    /// A receipt is known.
    Receipted {
        /// What it made known.
        applied: Box<Applied>,
        /// Whether sequence or standing are new: worth an event.
        news: bool,
        /// Whether it reports drift that the last one did not: worth an event.
        drift: bool,
    },
}

/// Decides.
///
/// # Errors
/// Why the command cannot be.
pub fn decide(state: Option<&Point>, command: Command, now: Timestamp) -> Result<Vec<Fact>, Refusal> {
    let point = match (state, command) {
        (None, Command::Enrol(new)) => return enrol(*new, now),
        (None, _) => return Err(Refusal::WrongState("not enrolled")),
        (Some(point), Command::Enrol(_)) => return Err(Refusal::WrongState(point.state.word())),
        (Some(point), Command::Revoke) if point.state == PointState::Revoked => return Ok(Vec::new()),
        (Some(point), _) if point.state == PointState::Revoked => {
            return Err(Refusal::WrongState(point.state.word()));
        }
        (Some(point), command) => (point, command),
    };
    Ok(match point {
        (_, Command::Enrol(_)) => Vec::new(),
        (_, Command::Certify(next)) => vec![Fact::Certified(next)],
        (point, Command::Show { serial }) => match point.papers().show(&serial, now) {
            Shown::Good => Vec::new(),
            Shown::First(papers) => vec![Fact::Shown(papers)],
            Shown::Refused => return Err(Refusal::WrongState("another certificate")),
        },
        (_, Command::Revoke) => vec![Fact::Revoked],
        (point, Command::Kill(on)) if point.kill == on => Vec::new(),
        (_, Command::Kill(on)) => vec![Fact::KillSet(on)],
        (_, Command::Thaw { until }) => vec![Fact::Thawed { until: until.min(now.plus_secs(MAX_THAW_SECS)) }],
        (point, Command::Receipt { receipt, expected }) => vec![receipted(point, *receipt, expected, now)],
    })
}

/// The point after a fact.
#[must_use]
pub fn apply(state: Option<Point>, fact: &Fact) -> Option<Point> {
    if let Fact::Enrolled(point) = fact {
        return Some((**point).clone());
    }
    let mut point = state?;
    match fact {
        Fact::Enrolled(_) => {}
        Fact::Certified(next) => point.more.next = Some(next.clone()),
        Fact::Shown(papers) => {
            point.serial.clone_from(&papers.present.serial);
            point.cert_expires = papers.present.until;
            point.more.clone_from(&papers.more);
        }
        Fact::Revoked => point.state = PointState::Revoked,
        Fact::KillSet(on) => {
            point.kill = *on;
            point.revision += 1;
        }
        Fact::Thawed { until } => {
            point.thaw_until = Some(*until);
            point.revision += 1;
        }
        Fact::Receipted { applied, .. } => point.last = Some((**applied).clone()),
    }
    point.version += 1;
    Some(point)
}

fn enrol(new: NewPoint, now: Timestamp) -> Result<Vec<Fact>, Refusal> {
    let name = new.name.trim();
    if name.is_empty() || name.chars().count() > MAX_NAME || name.chars().any(char::is_control) {
        return Err(Refusal::BadField("name", "must have 1 to 100 visible characters"));
    }
    Ok(vec![Fact::Enrolled(Box::new(Point {
        id: new.id,
        org: new.org,
        realm: new.realm,
        tlp: new.tlp,
        name: name.to_owned(),
        driver: new.driver,
        state: PointState::Enrolled,
        serial: new.serial,
        cert_expires: new.cert_expires,
        more: More::default(),
        enrolled_at: now,
        kill: false,
        thaw_until: None,
        revision: 1,
        last: None,
        version: 1,
    }))])
}

fn receipted(point: &Point, receipt: Receipt, expected: Option<SetDigest>, now: Timestamp) -> Fact {
    let standing = Standing::of(&receipt, expected);
    let before = point.last.as_ref();
    let since = before.filter(|last| last.standing == standing).map_or(now, |last| last.since);
    let news = before.is_none_or(|last| last.standing != standing || last.receipt.sequence != receipt.sequence);
    let found = receipt.drift.filter(|drift| drift.missing > 0 || drift.extra > 0);
    // A drift that cannot be repaired is told with every receipt; one event for it is enough.
    let drift =
        found.is_some_and(|drift| drift.repaired || before.is_none_or(|last| last.receipt.drift != Some(drift)));
    Fact::Receipted { applied: Box::new(Applied { receipt, at: now, expected, since, standing }), news, drift }
}
