//! Whether the journal has room: said once when it has none any more, and once when it has again.

use base::{Coded as _, Problem};
use journal::JournalError;
use std::sync::{Mutex, PoisonError};

/// What the log was told last.
#[derive(Debug, Default)]
pub(super) struct Room(Mutex<Option<&'static str>>);

/// What is news for the log.
#[derive(Debug)]
enum News {
    /// Nothing more can be taken; the journal's own problem tells its limit from the disk that others have filled.
    Full(Problem),
    /// Lines are taken again.
    Again,
}

impl Room {
    /// Tells the log what an attempt to write has shown, if that is news.
    pub(super) fn note(&self, outcome: Result<(), &JournalError>) {
        match self.news(outcome) {
            Some(News::Full(problem)) => {
                tracing::error!(%problem, "events are not taken: senders are told to keep them")
            }
            Some(News::Again) => tracing::info!("the journal has room again; events are taken"),
            None => {}
        }
    }

    fn news(&self, outcome: Result<(), &JournalError>) -> Option<News> {
        let mut said = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match outcome {
            Ok(()) => said.take().map(|_| News::Again),
            Err(full @ (JournalError::Full | JournalError::DiskFull)) => {
                let problem = full.problem();
                let before = said.replace(problem.code.id);
                (before != Some(problem.code.id)).then_some(News::Full(problem))
            }
            // Another failure says nothing about room.
            Err(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_journal_is_said_once_with_its_cause_and_once_when_it_ends() {
        let room = Room::default();
        let said = |outcome: Result<(), JournalError>| match room.news(outcome.as_ref().copied())? {
            News::Full(problem) => Some(problem.code.id),
            News::Again => Some("again"),
        };
        assert_eq!(said(Ok(())), None);
        assert_eq!(said(Err(JournalError::DiskFull)), Some("LF-JRN-0006"));
        assert_eq!(said(Err(JournalError::DiskFull)), None);
        assert_eq!(said(Err(JournalError::Full)), Some("LF-JRN-0001"), "another cause is news");
        assert_eq!(said(Err(JournalError::Poisoned("EIO".to_owned()))), None);
        assert_eq!(said(Err(JournalError::Full)), None);
        assert_eq!((said(Ok(())), said(Ok(()))), (Some("again"), None));
        assert_eq!(said(Err(JournalError::DiskFull)), Some("LF-JRN-0006"), "the next time is said again");
    }
}
