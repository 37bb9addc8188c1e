//! What changed: a stream that names topics, never data; pages then ask for their marked parts again.

use std::convert::Infallible;
use std::time::Duration;

use axum::response::IntoResponse;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures::Stream;
use sensor::model::Totals;
use store::{Clearance, ScopedSql, params};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use crate::ctx::Ctx;
use crate::error::Answer;
use crate::web::visit::Signed;

/// Kinds of the events a reader may see that came after a number.
const NEWS: ScopedSql =
    ScopedSql::new("SELECT o.seq, o.kind FROM outbox o WHERE {visible:o} AND o.seq > $1 ORDER BY o.seq LIMIT 200");
/// The dot's beat; also how often bulk data (attacks, which pass by the outbox) is compared.
const BEAT: Duration = Duration::from_secs(3);
/// A stream ends after so long; the browser opens it again and shows its session anew.
const LONGEST: Duration = Duration::from_secs(600);

/// `GET /live`: events `beat` and `changed` (`{"topics": [..]}`).
pub(crate) async fn live(v: Signed) -> Answer {
    let (send, receive) = mpsc::channel(8);
    let (ctx, who) = (v.ctx().clone(), v.clearance().clone());
    // The task ends when the browser is gone (the channel closes) or the time is over.
    tokio::spawn(async move {
        let _over = tokio::time::timeout(LONGEST, follow(&ctx, &who, send)).await;
    });
    let stream: ReceiverStream<Result<Event, Infallible>> = ReceiverStream::new(receive);
    Ok(answer(stream))
}

fn answer(stream: impl Stream<Item = Result<Event, Infallible>> + Send + 'static) -> axum::response::Response {
    Sse::new(stream).keep_alive(KeepAlive::default()).into_response()
}

async fn follow(ctx: &Ctx, who: &Clearance, send: mpsc::Sender<Result<Event, Infallible>>) {
    let mut head = ctx.db.outbox_head();
    let mut seen = *head.borrow_and_update();
    let mut totals = ctx.attacks.totals(who).await.ok();
    loop {
        let quiet = tokio::time::timeout(BEAT, head.changed()).await;
        if matches!(quiet, Ok(Err(_))) {
            return;
        }
        let newest = *head.borrow_and_update();
        let mut topics = if newest > seen { news(ctx, who, seen).await } else { Vec::new() };
        seen = newest.max(seen);
        if quiet.is_err() {
            let now = ctx.attacks.totals(who).await.ok();
            if attacks_changed(totals.as_ref(), now.as_ref()) {
                topics.push("attacks");
            }
            totals = now;
            if send.send(Ok(Event::default().event("beat").data("{}"))).await.is_err() {
                return;
            }
        }
        topics.sort_unstable();
        topics.dedup();
        if !topics.is_empty() {
            let data = serde_json::json!({ "topics": topics }).to_string();
            if send.send(Ok(Event::default().event("changed").data(data))).await.is_err() {
                return;
            }
        }
    }
}

fn attacks_changed(before: Option<&Totals>, now: Option<&Totals>) -> bool {
    now.is_some() && before != now
}

async fn news(ctx: &Ctx, who: &Clearance, after: u64) -> Vec<&'static str> {
    let Ok(rows) = ctx.db.read(NEWS, who, params![after]).await else {
        return Vec::new();
    };
    rows.iter().filter_map(|row| row.get::<String>("kind").ok()).filter_map(|kind| topic(&kind)).collect()
}

/// The topic that a kind of event belongs to; pages mark their parts with it.
fn topic(kind: &str) -> Option<&'static str> {
    match kind.split_once('.')? {
        ("sensor", "observable_assessed") => Some("attacks"),
        ("sensor", _) => Some("sensors"),
        ("detect", _) => Some("findings"),
        ("intel", _) => Some("indicators"),
        ("edge", _) => Some("points"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_room_has_a_topic() {
        for (kind, want) in [
            ("sensor.observable_assessed", Some("attacks")),
            ("sensor.went_silent", Some("sensors")),
            ("detect.finding_raised", Some("findings")),
            ("intel.indicator_moved", Some("indicators")),
            ("edge.receipt_arrived", Some("points")),
            ("other.thing", None),
            ("nonsense", None),
        ] {
            assert_eq!(topic(kind), want, "{kind}");
        }
    }
}
