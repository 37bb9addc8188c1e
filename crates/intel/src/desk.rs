//! The desk of indicators: draft, review, approve, publish, renew, revoke, expire. Pure decisions, and the fold that
//! makes rows of them.
//!
//! A person's draft: `draft -> in_review -> approved -> published`, reviewed and approved by others than its author.
//! What sensors prove starts in review; where the automatic path is open it is published at once.

use base::{IndicatorId, PersonId, Timestamp, Tlp};
use events::intel::IndicatorState;
use serde::{Deserialize, Serialize};

mod fold;

pub use fold::apply;

use crate::error::Refusal;
use crate::model::{Edit, Evidence, Indicator, Origin};
use crate::policy;

/// Longest name, characters.
const NAME: usize = 200;
/// Longest reason and description, characters.
const TEXT: usize = 1_000;

/// What somebody wants of an indicator.
#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// A person or a program states one.
    Draft(Box<Stated>),
    /// Sensors prove one; `publish` is the validity the automatic path gives it, in seconds.
    Propose {
        /// Its id.
        id: IndicatorId,
        /// The proof, its value canonical.
        evidence: Box<Evidence>,
        /// Published at once for so long.
        publish: Option<i64>,
    },
    /// Its author changes the draft.
    Edit {
        /// Who; none for a token.
        by: Option<PersonId>,
        /// What changes.
        edit: Edit,
    },
    /// Its author hands it to review.
    Submit {
        /// Who; none for a token.
        by: Option<PersonId>,
    },
    /// Its author takes it off the desk.
    Withdraw {
        /// Who; none for a token.
        by: Option<PersonId>,
    },
    /// A reviewer finds it right.
    Accept {
        /// Who.
        by: PersonId,
    },
    /// A reviewer sends it back to be changed.
    Return {
        /// Who.
        by: PersonId,
        /// What is missing.
        reason: String,
    },
    /// A reviewer finds it wrong.
    Reject {
        /// Who.
        by: PersonId,
        /// Why.
        reason: String,
    },
    /// An approver puts it in force; from `in_review` this is the review as well.
    Publish {
        /// Who.
        by: PersonId,
        /// The night shift lets the author approve alone.
        night: bool,
    },
    /// Sensors prove it again.
    Renew {
        /// The proof.
        evidence: Box<Evidence>,
        /// The automatic path is open for it, for so many seconds.
        publish: Option<i64>,
    },
    /// It is taken back for good.
    Revoke {
        /// Who; none for a token.
        by: Option<PersonId>,
        /// Why.
        reason: String,
    },
    /// Its time is over.
    Expire,
}

/// A statement, its value canonical and guarded.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Stated {
    /// Its id.
    pub id: IndicatorId,
    /// Whose it is.
    pub org: base::OrgId,
    /// Real life or an exercise.
    pub realm: base::Realm,
    /// Its marking.
    pub tlp: Tlp,
    /// Whose address plan the value belongs to.
    pub scope: base::AddressScope,
    /// Kind of the value.
    pub kind: events::sensor::ValueKind,
    /// The value, canonical.
    pub value: String,
    /// A short name.
    pub name: String,
    /// What it is about.
    pub description: String,
    /// 0 to 100.
    pub confidence: u8,
    /// How long it counts, seconds.
    pub lasts: i64,
    /// Who begins it.
    pub origin: Origin,
    /// The person, where it is one.
    pub author: Option<PersonId>,
}

/// What became true of an indicator, when and by whom: one line of its history.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// When; strictly increasing within one indicator.
    pub at: Timestamp,
    /// The person; none for a token or the centre itself.
    pub by: Option<PersonId>,
    /// What.
    #[serde(flatten)]
    pub what: What,
}

/// What became true.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum What {
    /// Stated by a person or a program.
    Drafted {
        /// What was stated.
        stated: Box<Stated>,
    },
    /// Proposed by sensors.
    Proposed {
        /// Its id.
        id: IndicatorId,
        /// The proof.
        evidence: Box<Evidence>,
        /// How long it counts, seconds.
        lasts: i64,
    },
    /// The draft was changed.
    Edited {
        /// What changed.
        edit: Edit,
    },
    /// Handed to review.
    Submitted,
    /// Taken off the desk by its author.
    Withdrawn,
    /// Found right.
    Accepted,
    /// Sent back.
    Returned {
        /// What is missing.
        reason: String,
    },
    /// Found wrong.
    Rejected {
        /// Why.
        reason: String,
    },
    /// Put in force.
    Published {
        /// By the automatic path.
        automatic: bool,
        /// By one officer at night.
        night: bool,
        /// For so long, seconds.
        lasts: i64,
    },
    /// Proved again.
    Renewed {
        /// The proof.
        evidence: Box<Evidence>,
    },
    /// Taken back.
    Revoked {
        /// Why.
        reason: String,
    },
    /// Ended.
    Expired,
}

impl What {
    /// The stable name, for histories and the audit tree.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Drafted { .. } => "drafted",
            Self::Proposed { .. } => "proposed",
            Self::Edited { .. } => "edited",
            Self::Submitted => "submitted",
            Self::Withdrawn => "withdrawn",
            Self::Accepted => "accepted",
            Self::Returned { .. } => "returned",
            Self::Rejected { .. } => "rejected",
            Self::Published { .. } => "published",
            Self::Renewed { .. } => "renewed",
            Self::Revoked { .. } => "revoked",
            Self::Expired => "expired",
        }
    }

    /// Sessions that this change attaches as proof.
    #[must_use]
    pub fn sessions(&self) -> &[base::SessionId] {
        match self {
            Self::Proposed { evidence, .. } | Self::Renewed { evidence } => &evidence.sessions,
            _ => &[],
        }
    }

    /// Whether the STIX object says something else afterwards, so that a new version of it is written.
    #[must_use]
    pub const fn rewrites(&self) -> bool {
        matches!(
            self,
            Self::Drafted { .. }
                | Self::Proposed { .. }
                | Self::Edited { .. }
                | Self::Published { .. }
                | Self::Renewed { .. }
                | Self::Revoked { .. }
        )
    }
}

/// Decides.
///
/// # Errors
/// [`Refusal`] when the state or the command does not allow it.
pub fn decide(state: Option<&Indicator>, command: Command, now: Timestamp) -> Result<Vec<Change>, Refusal> {
    use IndicatorState::{Approved, Draft, InReview, Published};
    let whats: Vec<(Option<PersonId>, What)> = match (state, command) {
        (None, Command::Draft(stated)) => {
            check_stated(&stated)?;
            vec![(stated.author, What::Drafted { stated })]
        }
        (None, Command::Propose { id, evidence, publish }) => propose(id, evidence, publish)?,
        (None, _) => return Err(Refusal::WrongState(Draft)),
        (Some(row), Command::Edit { by, edit }) => {
            authored(row, by, &[Draft])?;
            check_edit(&edit)?;
            vec![(by, What::Edited { edit })]
        }
        (Some(row), Command::Submit { by }) => {
            authored(row, by, &[Draft])?;
            vec![(by, What::Submitted)]
        }
        (Some(row), Command::Withdraw { by }) => {
            authored(row, by, &[Draft, InReview, Approved])?;
            vec![(by, What::Withdrawn)]
        }
        (Some(row), Command::Accept { by }) => {
            judged(row, by, false, &[InReview])?;
            vec![(Some(by), What::Accepted)]
        }
        (Some(row), Command::Return { by, reason }) => {
            judged(row, by, false, &[InReview, Approved])?;
            vec![(Some(by), What::Returned { reason: checked(&reason)? })]
        }
        (Some(row), Command::Reject { by, reason }) => {
            judged(row, by, false, &[InReview, Approved])?;
            vec![(Some(by), What::Rejected { reason: checked(&reason)? })]
        }
        (Some(row), Command::Publish { by, night }) => {
            judged(row, by, night, &[InReview, Approved])?;
            let night = night && row.author == Some(by);
            let published = What::Published { automatic: false, night, lasts: row.lasts };
            let review = (row.state == InReview).then_some((Some(by), What::Accepted));
            review.into_iter().chain([(Some(by), published)]).collect()
        }
        (Some(row), Command::Renew { evidence, publish }) => renew(row, evidence, publish)?,
        (Some(row), Command::Revoke { by, reason }) => {
            in_state(row, &[Published])?;
            vec![(by, What::Revoked { reason: checked(&reason)? })]
        }
        (Some(row), Command::Expire) => {
            // What sensors proposed and nobody took ends too; a person's draft waits for the person.
            let waiting = row.origin == Origin::Sensors && matches!(row.state, Draft | InReview | Approved);
            if row.state != Published && !waiting {
                return Err(Refusal::WrongState(row.state));
            }
            if now < row.valid_until {
                return Err(Refusal::NotDue);
            }
            vec![(None, What::Expired)]
        }
        (Some(row), Command::Draft(_) | Command::Propose { .. }) => return Err(Refusal::WrongState(row.state)),
    };
    Ok(stamped(state, whats, now))
}

/// Gives each change its time: now, but later than the one before (STIX 2.1 section 3.6: versions are ordered).
fn stamped(state: Option<&Indicator>, whats: Vec<(Option<PersonId>, What)>, now: Timestamp) -> Vec<Change> {
    let mut last = state.map(|row| row.modified);
    whats
        .into_iter()
        .map(|(by, what)| {
            let at = last.map_or(now, |before| now.max(Timestamp::from_micros(before.as_micros() + 1)));
            last = Some(at);
            Change { at, by, what }
        })
        .collect()
}

type Whats = Vec<(Option<PersonId>, What)>;

fn propose(id: IndicatorId, evidence: Box<Evidence>, publish: Option<i64>) -> Result<Whats, Refusal> {
    check_evidence(&evidence)?;
    let lasts = publish.unwrap_or_else(|| policy::default_lasts(evidence.kind));
    let proposed = (None, What::Proposed { id, evidence, lasts: validity(lasts)? });
    let published = publish.map(|lasts| (None, What::Published { automatic: true, night: false, lasts }));
    Ok([proposed].into_iter().chain(published).collect())
}

fn renew(row: &Indicator, evidence: Box<Evidence>, publish: Option<i64>) -> Result<Whats, Refusal> {
    use IndicatorState::{Approved, Draft, InReview, Published};
    in_state(row, &[Draft, InReview, Approved, Published])?;
    check_evidence(&evidence)?;
    let open = row.origin == Origin::Sensors && matches!(row.state, InReview | Approved);
    let published = match publish.filter(|_| open) {
        None => None,
        Some(lasts) => Some((None, What::Published { automatic: true, night: false, lasts: validity(lasts)? })),
    };
    Ok([(None, What::Renewed { evidence })].into_iter().chain(published).collect())
}

fn in_state(row: &Indicator, states: &[IndicatorState]) -> Result<(), Refusal> {
    if states.contains(&row.state) { Ok(()) } else { Err(Refusal::WrongState(row.state)) }
}

/// The author's own steps. What a token of nobody drafted may be taken up by anyone who may draft; a person who does is
/// its author from then on.
fn authored(row: &Indicator, by: Option<PersonId>, states: &[IndicatorState]) -> Result<(), Refusal> {
    in_state(row, states)?;
    let author = row.author.filter(|author| *author != access::BOOTSTRAP);
    if author.is_some() && author != by { Err(Refusal::NotAuthor) } else { Ok(()) }
}

/// The steps of others: whoever wrote it cannot judge it, except alone at night.
fn judged(row: &Indicator, by: PersonId, night: bool, states: &[IndicatorState]) -> Result<(), Refusal> {
    in_state(row, states)?;
    if row.author == Some(by) && !night { Err(Refusal::OwnWork) } else { Ok(()) }
}

fn checked(reason: &str) -> Result<String, Refusal> {
    let trimmed = reason.trim();
    if trimmed.is_empty() || trimmed.chars().count() > TEXT || trimmed.contains('\0') {
        Err(Refusal::Reason)
    } else {
        Ok(trimmed.to_owned())
    }
}

fn validity(lasts: i64) -> Result<i64, Refusal> {
    if (policy::SHORTEST..=policy::LONGEST).contains(&lasts) { Ok(lasts) } else { Err(Refusal::Validity) }
}

fn check_stated(stated: &Stated) -> Result<(), Refusal> {
    validity(stated.lasts)?;
    check_texts(Some(&stated.name), Some(&stated.description), Some(stated.confidence))
}

fn check_edit(edit: &Edit) -> Result<(), Refusal> {
    edit.lasts.map_or(Ok(0), validity)?;
    check_texts(edit.name.as_deref(), edit.description.as_deref(), edit.confidence)
}

fn check_texts(name: Option<&str>, description: Option<&str>, confidence: Option<u8>) -> Result<(), Refusal> {
    if name.is_some_and(|name| name.trim().is_empty() || name.chars().count() > NAME || name.contains('\0')) {
        return Err(Refusal::Field("name"));
    }
    if description.is_some_and(|text| text.chars().count() > TEXT || text.contains('\0')) {
        return Err(Refusal::Field("description"));
    }
    if confidence.is_some_and(|confidence| confidence > 100) {
        return Err(Refusal::Field("confidence"));
    }
    Ok(())
}

fn check_evidence(evidence: &Evidence) -> Result<(), Refusal> {
    if !policy::provable(evidence.class) {
        return Err(Refusal::Forgeable);
    }
    if !(0.0..=1.0).contains(&evidence.score) {
        return Err(Refusal::Field("score"));
    }
    Ok(())
}

#[cfg(test)]
#[path = "desk/tests.rs"]
mod tests;
