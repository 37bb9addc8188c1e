//! The story on the terminal: what happened, when, and where to look.

use std::path::Path;
use std::time::Duration;

use api::context::ApiCtx;
use base::Role;
use edge::DirectiveState;
use edge::service::views::Status;
use events::intel::IndicatorState;
use store::Clearance;
use store::page::Page;
use tokio::time::Instant;

use super::people;
use super::script::{Attack, Deed};
use super::world::{self, Ground};
use crate::centre::Running;
use crate::output;

/// The box at the start.
pub(crate) fn opening(address: &str, data: &Path, ground: Ground, links: &[(Role, String, String)], took: Duration) {
    output::line("Lianfang demo 示範中心   everything here is a demonstration; it never federates");
    output::line(&format!("  data {}   ready in {:.1} s", data.display(), took.as_secs_f64()));
    match ground {
        Ground::Lab => output::line(&format!(
            "  attackers, gateway and sensors are in network namespaces; as root: ip netns exec {}-gw nft list table inet lianfang",
            super::PREFIX
        )),
        Ground::Lists => output::line("  without namespaces: attackers come over loopback and nothing can be blocked"),
    }
    output::line("");
    output::line("  Sign in (each link works once):");
    for (role, name, token) in links {
        output::line(&format!("    {:<22} {name}  {address}/link/{token}", role.word()));
    }
    output::line("");
    output::line("  Stop with Ctrl-C. What happens:");
}

/// An attacker found nobody.
pub(crate) fn blocked(attack: &Attack, at: Duration) {
    let wanted = match attack.deed {
        Deed::Commands(_) => "to run commands",
        Deed::Guess(_) => "to guess passwords",
        Deed::Proxy(_) => "to use a relay",
        Deed::Telnet(_) => "to load its bot",
        Deed::Scan | Deed::BannerGrab => "to look",
    };
    tell(at, &format!("{} wanted {wanted}: no answer, its packets are dropped", attack.source));
}

fn tell(at: Duration, text: &str) {
    output::line(&format!("  {:>6.1} s  {text}", at.as_secs_f64()));
}

/// What has been told already.
#[derive(Debug, Default)]
struct Told {
    session: bool,
    finding: bool,
    indicator: bool,
    directive: bool,
    proved: bool,
}

impl Told {
    const fn all(&self) -> bool {
        self.session && self.finding && self.indicator && self.directive && self.proved
    }
}

/// Watches the centre through its own reads and tells each first.
pub(crate) fn follow(running: &Running, started: Instant) {
    let ctx = world::services(running).ctx.clone();
    let clearance = people::director(world::services(running)).clearance().clone();
    let cancel = running.supervisor.cancel_token();
    running.supervisor.spawn("demo.story", async move {
        let mut told = Told::default();
        while !told.all() {
            tokio::select! {
                () = cancel.cancelled() => return,
                () = tokio::time::sleep(Duration::from_millis(200)) => {}
            }
            look(&ctx, &clearance, &mut told, started).await;
        }
        tell(started.elapsed(), "the loop is closed: seen, understood, decided, blocked, proved. The attacks go on.");
    });
}

async fn look(ctx: &ApiCtx, who: &Clearance, told: &mut Told, started: Instant) {
    let page = Page::first(1);
    if !told.session
        && let Ok(found) = ctx.history.sessions(who, &sensor::model::SessionFilter::default(), &page).await
        && let Some(first) = found.items.first()
    {
        told.session = true;
        tell(started.elapsed(), &format!("{} attacks {} over {}", first.src_ip, first.sensor_name, first.protocol));
    }
    if !told.finding
        && let Ok(found) = ctx.detect.list(who, &detect::model::Filter::default(), &Page::first(1)).await
        && let Some(first) = found.items.first()
    {
        told.finding = true;
        tell(started.elapsed(), &format!("finding {} about {}", first.rule, first.subject.value));
    }
    let published = intel::Filter { state: Some(IndicatorState::Published), ..intel::Filter::default() };
    if !told.indicator
        && let Ok(found) = ctx.intel.list(who, &published, &Page::first(1)).await
        && let Some(first) = found.items.first()
    {
        told.indicator = true;
        let path = if first.automatic { "by the automatic path of its class" } else { "by people" };
        tell(started.elapsed(), &format!("indicator {} published {path}, score {:.2}", first.value, first.score));
    }
    if !told.directive
        && let Ok(found) = ctx.edge.directives(who, DirectiveState::Active, &Page::first(1)).await
        && let Some(first) = found.items.first()
    {
        told.directive = true;
        tell(started.elapsed(), &format!("directive: {} {} until {}", first.intent.word(), first.key, first.expires));
    }
    if told.directive
        && !told.proved
        && let Ok(found) = ctx.edge.points(who, &Page::first(10)).await
        && let Some(point) = found.items.iter().find(|view| matches!(view.status, Status::Proved | Status::ReadBack))
        && let Some(last) = point.point.last.as_ref().filter(|last| last.receipt.elements > 0)
    {
        told.proved = true;
        let how = if point.status == Status::Proved { "proved by packets" } else { "read back" };
        tell(started.elapsed(), &format!("{} enforces {} elements, {how}", point.point.name, last.receipt.elements));
    }
}
