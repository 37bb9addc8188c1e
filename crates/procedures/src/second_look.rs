//! The second look at what one officer approved alone at night: agree, or object and undo it in the same step.
//!
//! It undoes before it closes: when the undoing fails, the look is still owed; when only the closing fails, the next
//! try finds nothing left to undo and closes.

use access::{Access, Caller, RetroOutcome, RetroReview};
use base::{DirectiveId, IndicatorId};
use edge::{DirectiveState, Edge};
use events::intel::IndicatorState;
use intel::Intel;

use crate::error::ProcedureError;

/// Gives the second look. An objection takes back what was approved: the indicator is revoked, the block withdrawn.
///
/// # Errors
/// Those of [`Access::retro_close`], [`Intel::revoke`] and [`Edge::take_back`].
pub async fn look(
    access: &Access,
    (intel, edge): (&Intel, &Edge),
    caller: &Caller,
    review: &RetroReview,
    outcome: RetroOutcome,
    note: &str,
) -> Result<(), ProcedureError> {
    // Whoever approved it, and an objection without its reason, are refused before anything is undone.
    let may = caller.person() != Some(review.approved_by) && !note.trim().is_empty();
    if outcome == RetroOutcome::Objected && may {
        undo(intel, edge, caller, &review.subject, note).await?;
    }
    Ok(access.retro_close(caller, review.id, outcome, note, review.version).await?)
}

/// Takes back what the subject names; what is over already needs no undoing.
async fn undo(intel: &Intel, edge: &Edge, caller: &Caller, subject: &str, note: &str) -> Result<(), ProcedureError> {
    match subject.split_once(':') {
        Some(("indicator", id)) => {
            let id: IndicatorId = parsed(id)?;
            if let Some(row) = intel.get(caller.clearance(), id).await?
                && row.state == IndicatorState::Published
            {
                intel.revoke(caller, id, row.version, note).await?;
            }
        }
        Some(("directive", id)) => {
            let id: DirectiveId = parsed(id)?;
            if edge.directive(caller.clearance(), id).await?.state != DirectiveState::Ended {
                edge.take_back(caller, id, note).await?;
            }
        }
        _ => {}
    }
    Ok(())
}

fn parsed<T: std::str::FromStr<Err = base::Problem>>(text: &str) -> Result<T, ProcedureError> {
    text.parse().map_err(|problem: base::Problem| store::StoreError::Shape(problem.to_string()).into())
}
