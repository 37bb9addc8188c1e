//! What a page shows that is restricted: collected while the page is drawn, noted before it goes out.

use std::fmt::Display;
use std::sync::{Mutex, PoisonError};

use access::Shown;
use base::{OrgId, Tlp};

/// Restricted rows of one answer. A restricted marking that was drawn without its row being named counts as the page's.
#[derive(Debug, Default)]
pub(crate) struct Seen(Mutex<Collected>);

#[derive(Debug, Default)]
struct Collected {
    rows: Vec<Shown>,
    /// A restricted marking was drawn.
    marked: bool,
    /// A row with a restricted marking was named.
    named: bool,
}

impl Seen {
    /// A row is shown; it is kept when its marking is restricted.
    pub(crate) fn row(&self, noun: &str, id: impl Display, org: OrgId, tlp: Tlp) {
        if access::is_restricted(tlp) {
            self.marked(Shown::of(noun, id, org));
        }
    }

    /// A row with a restricted marking is shown.
    pub(crate) fn marked(&self, row: Shown) {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        seen.named = true;
        seen.rows.push(row);
    }

    /// Somebody's details are shown.
    pub(crate) fn personal(&self, row: Shown) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).rows.push(row.personal());
    }

    /// A marking is drawn.
    pub(crate) fn marking(&self, tlp: Tlp) {
        if access::is_restricted(tlp) {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).marked = true;
        }
    }

    /// What was collected, and whether something restricted was drawn that has no name.
    pub(crate) fn take(&self) -> (Vec<Shown>, bool) {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = std::mem::take(&mut *seen);
        (taken.rows, taken.marked && !taken.named)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_marking_without_a_named_row_is_the_pages() {
        let (seen, org) = (Seen::default(), OrgId(uuid::Uuid::nil()));
        for tlp in [Tlp::Clear, Tlp::Green, Tlp::Amber, Tlp::AmberStrict] {
            seen.marking(tlp);
            seen.row("finding", 1, org, tlp);
        }
        assert_eq!(seen.take(), (vec![], false));
        seen.marking(Tlp::Red);
        seen.personal(Shown::of("person", 7, org));
        assert_eq!(seen.take(), (vec![Shown::of("person", 7, org).personal()], true));
        seen.marking(Tlp::Red);
        seen.row("finding", 1, org, Tlp::Red);
        assert_eq!(seen.take(), (vec![Shown::of("finding", 1, org)], false));
    }
}
