//! The certificates of a machine as its centre knows them: the present one, the next one that was given but not shown
//! yet, and the one before for a short overlap. Pure.
//!
//! The next certificate becomes the present one when the machine shows it for the first time. Until then the old one is
//! as good as ever: an answer that was lost on the way, or a machine that died in the middle, costs nothing.

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// How long the certificate before is still taken after the next one was shown: connections that are open end by then.
pub const OVERLAP_SECS: i64 = 3_600;
/// Days a machine certificate is valid.
pub const MACHINE_DAYS: i64 = 90;
/// No second certificate within so many seconds after the last one was given.
pub const PAUSE_SECS: i64 = 60;

/// One certificate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Paper {
    /// Serial number, lower-case hex.
    pub serial: String,
    /// Until when it is taken.
    pub until: Timestamp,
}

/// What is known beside the present certificate.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct More {
    /// Given, not shown yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<Paper>,
    /// The one before, in its overlap.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Paper>,
}

/// A machine's certificates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Papers {
    /// The present one.
    pub present: Paper,
    /// The others.
    pub more: More,
}

/// What a serial number that is shown means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shown {
    /// The present one, or the one before within its overlap.
    Good,
    /// The next one for the first time: this is how the papers stand from now on.
    First(Papers),
    /// None of this machine.
    Refused,
}

/// Why there is no new certificate now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotNow {
    /// More than a third of the life is left.
    Early,
    /// One was given moments ago.
    Again,
    /// Only the present certificate asks for the next one.
    Superseded,
}

impl Papers {
    /// What it means that this serial number is shown.
    #[must_use]
    pub fn show(&self, serial: &str, now: Timestamp) -> Shown {
        let is = |paper: &Paper| paper.serial.eq_ignore_ascii_case(serial);
        if is(&self.present) || self.more.before.as_ref().is_some_and(|before| is(before) && now < before.until) {
            return Shown::Good;
        }
        match &self.more.next {
            Some(next) if is(next) => {
                let until = now.plus_secs(OVERLAP_SECS).min(self.present.until);
                let before = Some(Paper { serial: self.present.serial.clone(), until });
                Shown::First(Self { present: next.clone(), more: More { next: None, before } })
            }
            _ => Shown::Refused,
        }
    }

    /// Whether two thirds of the present certificate's life are over.
    #[must_use]
    pub fn due(&self, now: Timestamp) -> bool {
        now >= self.present.until.plus_secs(-MACHINE_DAYS * 86_400 / 3)
    }

    /// Whether the machine that shows `serial` may have its next certificate now.
    ///
    /// # Errors
    /// [`NotNow`].
    pub fn may_renew(&self, serial: &str, now: Timestamp) -> Result<(), NotNow> {
        if !self.present.serial.eq_ignore_ascii_case(serial) {
            return Err(NotNow::Superseded);
        }
        if !self.due(now) {
            return Err(NotNow::Early);
        }
        let fresh = |next: &Paper| now < next.until.plus_secs(PAUSE_SECS - MACHINE_DAYS * 86_400);
        if self.more.next.as_ref().is_some_and(fresh) { Err(NotNow::Again) } else { Ok(()) }
    }

    /// The papers with another certificate that was given; one that was given before and never shown is void.
    #[must_use]
    pub fn given(mut self, next: Paper) -> Self {
        self.more.next = Some(next);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: i64 = 86_400;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::EPOCH.plus_secs(seconds)
    }

    fn papers() -> Papers {
        let present = Paper { serial: "aa".into(), until: at(MACHINE_DAYS * DAY) };
        Papers { present, more: More::default() }
    }

    #[test]
    fn it_is_due_at_two_thirds_and_for_the_present_certificate_only() {
        let (papers, due) = (papers(), at(60 * DAY));
        assert_eq!(papers.may_renew("aa", due.plus_secs(-1)), Err(NotNow::Early));
        assert_eq!(papers.may_renew("AA", due), Ok(()));
        assert_eq!(papers.may_renew("bb", due), Err(NotNow::Superseded));
        let given = papers.given(Paper { serial: "bb".into(), until: due.plus_secs(MACHINE_DAYS * DAY) });
        assert_eq!(given.may_renew("aa", due.plus_secs(PAUSE_SECS - 1)), Err(NotNow::Again));
        assert_eq!(given.may_renew("aa", due.plus_secs(PAUSE_SECS)), Ok(()), "the answer was lost: it asks again");
    }

    #[test]
    fn the_old_one_is_good_until_the_new_one_was_shown_and_a_while_longer() {
        let due = at(60 * DAY);
        let given = papers().given(Paper { serial: "bb".into(), until: due.plus_secs(MACHINE_DAYS * DAY) });
        assert_eq!(given.show("aa", at(89 * DAY)), Shown::Good, "a lost answer costs nothing");
        assert_eq!(given.show("cc", due), Shown::Refused);
        let Shown::First(after) = given.show("BB", due) else { panic!("not the first time") };
        assert_eq!(after.show("bb", due), Shown::Good);
        assert_eq!(after.show("aa", due.plus_secs(OVERLAP_SECS - 1)), Shown::Good);
        assert_eq!(after.show("aa", due.plus_secs(OVERLAP_SECS)), Shown::Refused);
        // A certificate that was given and never shown is void once another one is given.
        let again = given.given(Paper { serial: "dd".into(), until: due });
        assert_eq!(again.show("bb", due), Shown::Refused);
        // The overlap never outlives the certificate.
        let Shown::First(late) =
            papers().given(Paper { serial: "bb".into(), until: at(180 * DAY) }).show("bb", at(MACHINE_DAYS * DAY - 60))
        else {
            panic!("not the first time")
        };
        assert_eq!(late.more.before.unwrap().until, at(MACHINE_DAYS * DAY));
    }
}
