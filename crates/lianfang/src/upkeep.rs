//! The small tasks that keep a centre true: expiries, silences, other nodes' changes, retention.

use std::future::Future;
use std::time::Duration;

use api::context::ApiCtx;
use runtime::{CancellationToken, Supervisor};
use sensor::retention;

use crate::config::Tree;

/// Days an outbox event is kept after every consumer has handled it.
const OUTBOX_DAYS: i64 = 30;

/// Starts every task.
pub(crate) fn start(ctx: &ApiCtx, supervisor: &Supervisor, tree: &Tree) {
    every(supervisor, "upkeep.sensors", Duration::from_secs(5), ctx, |ctx| async move {
        report("sensors", ctx.fleet.watch().await.map(drop));
    });
    every(supervisor, "upkeep.registry", Duration::from_secs(1), ctx, |ctx| async move {
        report("registry", ctx.registry.refresh().await.map(drop));
    });
    let keep = tree.sensor.retention;
    every(supervisor, "upkeep.attack_history", Duration::from_secs(30), ctx, move |ctx| async move {
        let realm = base::Realm::Real;
        report("the attack history's plan", retention::plan(&ctx.db, ctx.access.centre(), realm).await);
        match retention::work(&ctx.db, &keep).await {
            Ok(Some(removed)) => tracing::info!(removed, "attack history past its retention was removed"),
            other => report("the attack history", other.map(drop)),
        }
    });
    every(supervisor, "upkeep.retention", Duration::from_secs(3_600), ctx, |ctx| async move {
        let before = ctx.env.now().plus_secs(-OUTBOX_DAYS * 86_400);
        report("retention", store::outbox::prune(&ctx.db, before).await.map(drop));
        report("jobs", store::jobs::prune(&ctx.db, before).await.map(drop));
        report("accounts", ctx.access.housekeeping().await.map(drop));
        report("idempotency keys", ctx.replays.sweep().await);
    });
}

fn report<E: std::fmt::Display>(what: &str, outcome: Result<(), E>) {
    if let Err(error) = outcome {
        tracing::warn!(%error, "upkeep of {what} failed; it is tried again");
    }
}

/// Runs `work` at once and then after every pause, until the stop.
fn every<F, Make>(supervisor: &Supervisor, name: &'static str, pause: Duration, ctx: &ApiCtx, work: Make)
where
    F: Future<Output = ()> + Send + 'static,
    Make: Fn(ApiCtx) -> F + Send + Sync + Clone + 'static,
{
    let (cancel, ctx): (CancellationToken, ApiCtx) = (supervisor.cancel_token(), ctx.clone());
    supervisor.spawn_restarting(name, move || {
        let (cancel, ctx, work) = (cancel.clone(), ctx.clone(), work.clone());
        async move {
            loop {
                work(ctx.clone()).await;
                tokio::select! {
                    () = cancel.cancelled() => return,
                    () = tokio::time::sleep(pause) => {}
                }
            }
        }
    });
}
