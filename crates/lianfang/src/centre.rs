//! The composition of a centre: opens every room's service, starts its tasks, listens. The one place that knows all.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use access::passkey::Site;
use access::{Access, KeyFile};
use api::context::{ApiCtx, CentreKind, Identity, Refusals};
use api::listen::{Listener, Peer};
use api::pki::Pki;
use api::replay::Replays;
use base::{Env, Realm};
use detect::Detect;
use edge::Edge;
use intel::{AutoPolicy, Intel};
use journal::Journal;
use procedures::CentreGuard;
use registry::{Criticality, NewOrg, OrgKind, Registry, Standing};
use runtime::{Metrics, StopReport, Supervisor};
use sensor::{Fleet, History, Intake, Reads};
use store::Db;
use store::audit::{Sequencer, Signer};
use tokio::net::TcpListener;

use crate::config::Tree;
use crate::exit::Failure;
use crate::folder::Folder;
use crate::keys::signing_key;
use crate::landscape::Register;
use crate::schema::ROOMS;
use crate::upkeep;

/// The services of a centre, without listeners or tasks.
pub(crate) struct Services {
    /// What handlers have at hand.
    pub(crate) ctx: ApiCtx,
    journal: Journal,
    form_key: [u8; 32],
}

impl Services {
    /// Opens state, journal, keys and every room's service.
    pub(crate) async fn open(folder: &Folder, tree: &Tree, kind: CentreKind, env: &Env) -> Result<Self, Failure> {
        let data = folder.path();
        let db = open_store(data, tree, env).await?;
        db.migrate(ROOMS).await?;
        let registry = Registry::open(db.clone(), env.clone(), Realm::Real).await?;
        let centre = registry.ensure_centre(&own_organisation(kind)?).await?;
        let keys = data.join("keys");
        let audit_key = signing_key(&keys.join("audit.key"), env)?;
        let edge_key = signing_key(&keys.join("edge.key"), env)?;
        let mut settings = tree.access.clone();
        settings.sign_in_links = kind == CentreKind::Demo;
        if settings.passkey_origins.is_empty() {
            settings.passkey_origins = passkey_origins(tree);
        }
        settings.check()?;
        let access =
            Access::new(db.clone(), env.clone(), KeyFile::open(&keys.join("seal.key"), env)?, settings, centre);
        let demo = kind == CentreKind::Demo;
        let signing = hex::encode(edge_key.verifying_key().as_bytes());
        let edge =
            Edge::new(db.clone(), env.clone(), edge::Identity { centre, key: edge_key, demo }, tree.edge.clone());
        let guard = Arc::new(CentreGuard::new(edge.clone(), registry.clone(), env.clone()));
        let policy = if demo { AutoPolicy::demo() } else { AutoPolicy::clean() };
        let intel = Intel::new(db.clone(), env.clone(), access.clone(), guard, policy);
        let read = sensor::history_cursor(&db).await?;
        let (journal, recovery) = Journal::open_behind(&data.join("journal"), journal_options(tree), read, env).await?;
        if recovery.cut > 0 || !recovery.damaged.is_empty() {
            tracing::warn!(?recovery, "the journal was not closed cleanly; what was acknowledged is there");
        }
        let intake = Intake::open(db.clone(), env.clone(), journal.clone()).await?;
        let pki = Pki::open(&data.join("tls"), &certificate_names(tree), env)?;
        let ctx = ApiCtx {
            identity: Arc::new(Identity {
                kind,
                machine_url: machine_url(tree),
                signing_key: signing,
                version: env!("CARGO_PKG_VERSION"),
            }),
            metrics: Metrics::default(),
            pki: Arc::new(pki),
            access,
            registry,
            fleet: Fleet::new(db.clone(), env.clone()),
            intake,
            history: Reads::new(db.clone(), env.clone()),
            detect: Detect::new(db.clone(), env.clone()),
            intel,
            edge,
            signer: Signer::new(&format!("lianfang/{}", centre), audit_key)?,
            room: Arc::default(),
            refusals: Refusals::default(),
            replays: Replays::new(db.clone(), env.clone()),
            env: env.clone(),
            db,
        };
        let form_key = signing_key(&keys.join("form.key"), env)?.to_bytes();
        Ok(Self { ctx, journal, form_key })
    }

    /// Closes what was opened, for commands that never listened.
    pub(crate) async fn close(self) {
        self.journal.close().await;
        self.ctx.db.close().await;
    }
}

/// A centre that listens.
pub(crate) struct Running {
    /// Its services.
    pub(crate) services: Services,
    /// Its tasks.
    pub(crate) supervisor: Supervisor,
    /// Where the portal listens.
    pub(crate) portal: SocketAddr,
}

impl Running {
    /// Binds both listeners and starts every task.
    pub(crate) async fn start(
        services: Services,
        tree: &Tree,
        portal_socket: TcpListener,
        machine_socket: TcpListener,
    ) -> Result<Self, Failure> {
        let supervisor = Supervisor::new(services.ctx.metrics.clone());
        let address = |socket: &TcpListener| socket.local_addr().map_err(|error| Failure::refused(error.to_string()));
        let portal = address(&portal_socket)?;
        start_tasks(&services, &supervisor, tree).await?;
        let grace = Duration::from_secs(tree.stop_seconds);
        let pages = pages(&services, portal)?;
        let public = Listener {
            name: "portal",
            tls: services.ctx.pki.portal_tls(&services.ctx.env)?,
            router: api::public_router(services.ctx.clone(), pages),
            grace,
            metrics: services.ctx.metrics.clone(),
        };
        let machine = Listener {
            name: "machines",
            tls: services.ctx.pki.machine_tls(&services.ctx.env)?,
            router: api::machine_router(services.ctx.clone()),
            grace,
            metrics: services.ctx.metrics.clone(),
        };
        supervisor.spawn_vital("listener.portal", public.run(portal_socket, supervisor.cancel_token()));
        supervisor.spawn_vital("listener.machines", machine.run(machine_socket, supervisor.cancel_token()));
        Ok(Self { services, supervisor, portal })
    }

    /// Waits until something makes going on impossible, and says what: a write that could not be made durable, or a task
    /// that ended.
    pub(crate) async fn broken(&self) -> String {
        let mut store = self.services.ctx.db.poison();
        let mut journal = self.services.journal.poison();
        let mut lost = self.supervisor.lost();
        tokio::select! {
            // The senders live as long as the services: an error here is the same end.
            _ = store.wait_for(Option::is_some) => "LF-STO-0005: a write of the store could not be made durable".to_owned(),
            _ = journal.wait_for(Option::is_some) => "a write of the journal could not be made durable".to_owned(),
            name = lost.wait_for(Option::is_some) => {
                let name = name.ok().and_then(|name| name.clone()).unwrap_or_default();
                format!("the task {name} ended")
            }
        }
    }

    /// Stops listening, drains, flushes, reports.
    pub(crate) async fn stop(self, tree: &Tree) -> StopReport {
        let report = self.supervisor.stop(Duration::from_secs(tree.stop_seconds + 2)).await;
        self.services.close().await;
        report
    }
}

async fn open_store(data: &Path, tree: &Tree, env: &Env) -> Result<Db, Failure> {
    let url = tree.store.url.trim();
    if url.is_empty() || url == "sqlite" {
        return Ok(Db::open_sqlite(&data.join("state.db"), env.clone()).await?);
    }
    let db = Db::open_postgres(url, env.clone()).await?;
    db.claim().await?;
    Ok(db)
}

fn own_organisation(kind: CentreKind) -> Result<NewOrg, Failure> {
    let (code, zh, en) = match kind {
        CentreKind::Real => ("centre", "本中心", "This centre"),
        CentreKind::Demo => ("demo-centre", "示範聯防中心", "Demo joint defence centre"),
    };
    Ok(NewOrg {
        code: code.parse()?,
        name_zh: zh.to_owned(),
        name_en: en.to_owned(),
        parent: None,
        standing: Standing { kind: OrgKind::Centre, sector: None, criticality: Criticality::None, level: None },
    })
}

pub(crate) fn journal_options(tree: &Tree) -> journal::Options {
    journal::Options {
        max_bytes: tree.journal.max_megabytes << 20,
        free_floor: tree.journal.keep_free_megabytes << 20,
        ..journal::Options::default()
    }
}

/// localhost, loopback, the host's name, what the settings add.
fn certificate_names(tree: &Tree) -> Vec<String> {
    let mut names = vec!["localhost".to_owned(), "127.0.0.1".to_owned(), "::1".to_owned()];
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    for name in std::iter::once(host).chain(tree.names.iter().cloned()) {
        if !name.is_empty() && !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

/// Where passkeys are offered: the names of the certificate, at the port the portal listens on.
fn passkey_origins(tree: &Tree) -> Vec<String> {
    let port = tree.listen.parse::<SocketAddr>().map_or(8443, |address| address.port());
    // Pages list them in this order: what was chosen first, localhost last.
    let names = certificate_names(tree).into_iter().rev();
    names.filter_map(|name| Site::named(&name, port)).map(|site| site.origin).collect()
}

fn machine_url(tree: &Tree) -> String {
    if !tree.machine_url.is_empty() {
        return tree.machine_url.clone();
    }
    match tree.listen_machines.parse::<SocketAddr>() {
        Ok(address) if address.ip().is_unspecified() => {
            format!("https://{}:{}", rustix::system::uname().nodename().to_string_lossy(), address.port())
        }
        _ => format!("https://{}", tree.listen_machines),
    }
}

/// The pages over the same services.
fn pages(services: &Services, address: SocketAddr) -> Result<axum::Router, Failure> {
    let ctx = &services.ctx;
    let name = ctx.registry.whose().card(ctx.access.centre()).map_or_else(String::new, |card| card.name_zh);
    let pages = portal::router(portal::Ctx {
        identity: Arc::new(portal::Identity {
            name,
            demo: ctx.identity.kind == CentreKind::Demo,
            address: format!("https://{address}"),
            ca_pem: ctx.pki.ca_pem().to_owned(),
        }),
        access: ctx.access.clone(),
        registry: ctx.registry.clone(),
        fleet: ctx.fleet.clone(),
        attacks: ctx.history.clone(),
        detect: ctx.detect.clone(),
        intel: ctx.intel.clone(),
        edge: ctx.edge.clone(),
        signer: ctx.signer.clone(),
        db: ctx.db.clone(),
        env: ctx.env.clone(),
        form_key: Arc::new(services.form_key),
        codes: crate::codes::CODES,
    });
    Ok(pages.layer(axum::middleware::map_request(name_client)))
}

/// Tells the pages whose address it is.
async fn name_client<B>(mut request: axum::http::Request<B>) -> axum::http::Request<B> {
    if let Some(address) = request.extensions().get::<Peer>().map(|peer| peer.address.ip()) {
        request.extensions_mut().insert(portal::Client(address));
    }
    request
}

/// Starts everything that works in the background.
async fn start_tasks(services: &Services, supervisor: &Supervisor, tree: &Tree) -> Result<(), Failure> {
    let ctx = &services.ctx;
    let (db, signer, cancel) = (ctx.db.clone(), ctx.signer.clone(), supervisor.cancel_token());
    supervisor.spawn_vital("audit.sequencer", async move {
        if let Err(error) = Sequencer::new(db, signer).run(cancel.clone()).await {
            // The tree was tampered with: it is not signed any more and the auditor sees no new checkpoint. Defence
            // goes on: one altered row must not be a switch that turns the centre off.
            tracing::error!(%error, "the audit tree is not signed any more");
            cancel.cancelled().await;
        }
    });
    supervisor.spawn_vital("edge.upkeep", ctx.edge.clone().run(supervisor.cancel_token()));
    let (access, cancel) = (ctx.access.clone(), supervisor.cancel_token());
    supervisor.spawn_vital("access.strangers", async move {
        if let Err(error) = access.strangers().run(cancel).await {
            tracing::error!(%error, "refusals of strangers are not counted any more");
        }
    });
    let (access, cancel) = (ctx.access.clone(), supervisor.cancel_token());
    supervisor.spawn_vital("access.outside", async move {
        if let Err(error) = access.outside().run(cancel).await {
            tracing::error!(%error, "questions for rows outside a clearance are not noted any more");
        }
    });
    supervisor.spawn_vital("intel.upkeep", ctx.intel.clone().run(supervisor.cancel_token()));
    let landscape = Arc::new(Register::new(ctx.registry.whose().clone(), tree.sensor.clone(), ctx.env.clone()));
    let history = History::open(&ctx.intake, landscape).await?;
    supervisor.spawn_vital("sensor.history", history.run(supervisor.cancel_token()));
    let joints = procedures::Context {
        db: ctx.db.clone(),
        env: ctx.env.clone(),
        registry: ctx.registry.clone(),
        detect: ctx.detect.clone(),
        intel: ctx.intel.clone(),
        edge: ctx.edge.clone(),
    };
    procedures::start(&joints, supervisor);
    upkeep::start(ctx, supervisor, tree);
    Ok(())
}

#[cfg(test)]
mod tests;
