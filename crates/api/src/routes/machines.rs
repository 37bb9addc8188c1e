//! What sensors and enforcement points say and hear, and how they join.

use std::time::Duration;

use access::MachineKind;
use axum::Extension;
use axum::body::{Body, Bytes};
use axum::extract::{Query, State};
use axum::response::IntoResponse;
use base::papers::{NotNow, Paper, Papers};
use base::{PointId, SensorId, Tlp};
use edge::desk::point::NewPoint;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use sensor::fleet::{Admitted, Enrolment};
use sensor::wire::Heartbeat;
use serde::{Deserialize, Serialize};
use store::Actor;

use crate::context::{ApiCtx, Machine};
use crate::encoding;
use crate::listen::{LongLived, Peer};
use crate::pki::NOT_DUE;
use crate::problem::{Answer, BAD_BODY, BUSY, FORBIDDEN, INTERNAL};
use crate::reply::{self, Reply};
use crate::table::{Route, Rule, Table};

/// A machine asks for its certificate.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EnrolRequest {
    /// The one-time code.
    pub code: String,
    /// Its certificate signing request, PEM.
    pub csr_pem: String,
    /// Its engine, for enforcement points: `nft` or `file`.
    #[serde(default)]
    pub driver: Option<String>,
}

/// What a machine gets.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Enrolled {
    /// Its id.
    pub id: String,
    /// Its name, as the code's maker gave it.
    pub name: String,
    /// Its certificate, PEM.
    pub certificate_pem: String,
    /// The authority of the centre's servers, PEM.
    pub ca_pem: String,
    /// Where it reports.
    pub machine_url: String,
    /// The centre's Ed25519 key that signs collections, hex.
    pub signing_key: String,
}

/// A machine asks for its next certificate.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RenewRequest {
    /// Its certificate signing request, PEM; only the key is taken from it.
    pub csr_pem: String,
}

/// A machine's next certificate.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Renewed {
    /// The certificate, PEM.
    pub certificate_pem: String,
    /// Its end.
    pub valid_until: String,
}

/// How the centre sees the certificate that was shown.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct CertificateStanding {
    /// Its end.
    pub valid_until: String,
    /// Whether the machine should ask for the next one.
    pub renew: bool,
    /// The centre's clock.
    pub now: String,
}

/// Adds enrolment to the public table.
#[must_use]
pub fn add_enrolment(table: Table) -> Table {
    table
        .add(
            Route::post("/api/v1/enrol/sensor", Rule::Public, "machines", "A sensor joins with a one-time code")
                .takes::<EnrolRequest>()
                .answers::<Enrolled>()
                .status(201),
            enrol_sensor,
        )
        .add(
            Route::post(
                "/api/v1/enrol/edge",
                Rule::Public,
                "machines",
                "An enforcement point joins with a one-time code",
            )
            .takes::<EnrolRequest>()
            .answers::<Enrolled>()
            .status(201),
            enrol_edge,
        )
}

/// The table of the machine listener.
#[must_use]
pub fn add_machine_routes(table: Table) -> Table {
    let sensor = Rule::Machine(MachineKind::Sensor);
    let edge = Rule::Machine(MachineKind::Edge);
    let table = [("/sensor/v1/certificate", sensor), ("/edge/v1/certificate", edge)].into_iter().fold(
        table,
        |table, (path, rule)| {
            table
                .add(
                    Route::get(path, rule, "machines", "How the shown certificate stands")
                        .answers::<CertificateStanding>(),
                    certificate,
                )
                .add(
                    Route::post(path, rule, "machines", "The next certificate, when the present one is due")
                        .takes::<RenewRequest>()
                        .answers::<Renewed>()
                        .status(201),
                    renew,
                )
        },
    );
    table
        .add(
            Route::post("/sensor/v1/batch", sensor, "machines", "A numbered batch of events")
                .gives("BatchAnswer")
                .takes_raw("application/x-ndjson"),
            batch,
        )
        .add(
            Route::post("/sensor/v1/heartbeat", sensor, "machines", "A sensor's health").gives_nothing(),
            sensor_heartbeat,
        )
        .add(
            Route::get("/edge/v1/frames", edge, "machines", "The signed frames after a sequence number, as they come")
                .gives_text("application/x-ndjson")
                .query("since", "the last sequence number in force"),
            frames,
        )
        .add(
            Route::post("/edge/v1/receipt", edge, "machines", "What was applied and verified").gives_nothing(),
            receipt,
        )
        .add(
            Route::post("/edge/v1/heartbeat", edge, "machines", "An enforcement point's health").gives_nothing(),
            edge_heartbeat,
        )
}

async fn enrol_sensor(State(ctx): State<ApiCtx>, body: Bytes) -> Reply {
    let request: EnrolRequest = reply::body(&body)?;
    let ticket = ctx.access.enrol_code_check(MachineKind::Sensor, &request.code).await?;
    let id: SensorId = ctx.env.id();
    let issued = ctx.pki.issue_machine(&request.csr_pem, &format!("sensor:{id}"), &ctx.env)?;
    let enrolment = Enrolment {
        id,
        org: ticket.org,
        realm: ticket.realm,
        tlp: Tlp::Amber,
        name: ticket.name.clone(),
        cert_serial: issued.serial,
        cert_expires: issued.expires,
    };
    // The code is spent and the sensor made in one unit: no code makes two machines, none is lost to a taken name.
    ctx.fleet.enrol(Actor::Machine(format!("sensor:{id}")), enrolment, |unit| ticket.spend(unit)).await?;
    reply::created(&enrolled(&ctx, id.to_string(), ticket.name, issued.pem))
}

async fn enrol_edge(State(ctx): State<ApiCtx>, body: Bytes) -> Reply {
    let request: EnrolRequest = reply::body(&body)?;
    let driver = request.driver.as_deref().unwrap_or("nft");
    let driver = edge::Driver::from_word(driver).ok_or_else(|| Answer::of(&BAD_BODY, "driver is nft or file"))?;
    let ticket = ctx.access.enrol_code_check(MachineKind::Edge, &request.code).await?;
    let id: PointId = ctx.env.id();
    let issued = ctx.pki.issue_machine(&request.csr_pem, &format!("edge:{id}"), &ctx.env)?;
    let point = NewPoint {
        id,
        org: ticket.org,
        realm: ticket.realm,
        tlp: Tlp::Amber,
        name: ticket.name.clone(),
        driver,
        serial: issued.serial,
        cert_expires: issued.expires,
    };
    // The code is spent and the point made in one unit: a code can never make two machines.
    ctx.edge.enrol_point(Actor::Machine(format!("edge:{id}")), point, |unit| ticket.spend(unit)).await?;
    reply::created(&enrolled(&ctx, id.to_string(), ticket.name, issued.pem))
}

fn enrolled(ctx: &ApiCtx, id: String, name: String, certificate_pem: String) -> Enrolled {
    Enrolled {
        id,
        name,
        certificate_pem,
        ca_pem: ctx.pki.ca_pem().to_owned(),
        machine_url: ctx.identity.machine_url.clone(),
        signing_key: ctx.identity.signing_key.clone(),
    }
}

async fn papers(ctx: &ApiCtx, machine: &Machine) -> Result<Papers, Answer> {
    Ok(match machine {
        Machine::Sensor(admitted) => ctx.fleet.certificates(admitted).await?,
        Machine::Edge(point) => ctx.edge.certificates(*point).await?,
    })
}

async fn certificate(
    State(ctx): State<ApiCtx>,
    Extension(machine): Extension<Machine>,
    Extension(peer): Extension<Peer>,
) -> Reply {
    let (papers, now) = (papers(&ctx, &machine).await?, ctx.env.now());
    let shown = peer.machine.map(|(_, serial)| serial).unwrap_or_default();
    let present = papers.present.serial.eq_ignore_ascii_case(&shown);
    reply::ok(&CertificateStanding {
        valid_until: papers.present.until.to_string(),
        renew: present && papers.due(now),
        now: now.to_string(),
    })
}

/// The next certificate of the machine that asks, over its present one. The name is the one it was admitted with: what
/// the request says about names is not read.
async fn renew(
    State(ctx): State<ApiCtx>,
    Extension(machine): Extension<Machine>,
    Extension(peer): Extension<Peer>,
    body: Bytes,
) -> Reply {
    let request: RenewRequest = reply::body(&body)?;
    let (papers, now) = (papers(&ctx, &machine).await?, ctx.env.now());
    let shown = peer.machine.map(|(_, serial)| serial).unwrap_or_default();
    papers.may_renew(&shown, now).map_err(|why| match why {
        NotNow::Early => Answer::of(&NOT_DUE, format!("valid until {}", papers.present.until)),
        NotNow::Again => Answer::of(&BUSY, "one was given moments ago").retry_after(60),
        NotNow::Superseded => Answer::of(&FORBIDDEN, "only the present certificate asks for the next one"),
    })?;
    let name = match &machine {
        Machine::Sensor(admitted) => format!("sensor:{}", admitted.sensor),
        Machine::Edge(point) => format!("edge:{point}"),
    };
    let issued = ctx.pki.issue_machine(&request.csr_pem, &name, &ctx.env)?;
    let next = Paper { serial: issued.serial, until: issued.expires };
    match &machine {
        Machine::Sensor(admitted) => ctx.fleet.certify(admitted, next).await?,
        Machine::Edge(point) => drop(ctx.edge.certify_point(Actor::Machine(name), *point, next).await?),
    }
    ctx.metrics.counter("machine_certificates_renewed", "Certificates given to machines that had one.").inc();
    reply::created(&Renewed { certificate_pem: issued.pem, valid_until: issued.expires.to_string() })
}

fn sensor_of(machine: Machine) -> Result<Admitted, Answer> {
    if let Machine::Sensor(admitted) = machine { Ok(admitted) } else { Err(Answer::of(&FORBIDDEN, "")) }
}

fn point_of(machine: &Machine) -> Result<PointId, Answer> {
    if let Machine::Edge(point) = machine { Ok(*point) } else { Err(Answer::of(&FORBIDDEN, "")) }
}

async fn batch(
    State(ctx): State<ApiCtx>,
    Extension(machine): Extension<Machine>,
    headers: HeaderMap,
    body: Bytes,
) -> Reply {
    let admitted = sensor_of(machine)?;
    let number = |name: &str| {
        headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .and_then(|text| text.trim().parse::<u64>().ok())
            .ok_or_else(|| Answer::of(&BAD_BODY, format!("the header {name} is not a number")))
    };
    let (epoch, first) = (number("lianfang-epoch")?, number("lianfang-seq")?);
    // Sensors of earlier versions do not say it.
    let acked = if headers.contains_key("lianfang-acked") { number("lianfang-acked")? } else { 0 };
    let _unpacked = ctx.room.unpack(&headers).await?;
    let plain = tokio::task::spawn_blocking(move || encoding::plain(&headers, body))
        .await
        .map_err(|_| Answer::of(&INTERNAL, ""))??;
    let answer =
        ctx.intake.accept_batch_after(&admitted, acked, epoch, first, &plain).await.map_err(super::ingest::busy_or)?;
    ctx.metrics.counter("sensor_events", "Events of own sensors that were acknowledged.").inc_by(answer.accepted);
    reply::ok(&answer)
}

async fn sensor_heartbeat(State(ctx): State<ApiCtx>, Extension(machine): Extension<Machine>, body: Bytes) -> Reply {
    let admitted = sensor_of(machine)?;
    let beat: Heartbeat = reply::body(&body)?;
    ctx.fleet.heartbeat(&admitted, beat).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

async fn edge_heartbeat(State(ctx): State<ApiCtx>, Extension(machine): Extension<Machine>, body: Bytes) -> Reply {
    let point = point_of(&machine)?;
    let beat: edge::wire::EdgeHeartbeat = reply::body(&body)?;
    ctx.edge.heartbeat(point, beat).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

async fn receipt(State(ctx): State<ApiCtx>, Extension(machine): Extension<Machine>, body: Bytes) -> Reply {
    let point = point_of(&machine)?;
    let receipt: edge::wire::Receipt = reply::body(&body)?;
    ctx.edge.receipt(point, receipt).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// How the stream of frames is asked for.
#[derive(Debug, Deserialize)]
struct Since {
    #[serde(default)]
    since: u64,
}

/// Frames as lines, as they come; a quiet stream affirms now and then that nothing is newer. It ends after some
/// minutes, when the point is revoked, or when the centre stops; the agent asks again.
async fn frames(
    State(ctx): State<ApiCtx>,
    Extension(machine): Extension<Machine>,
    Query(query): Query<Since>,
) -> Reply {
    const LIFE: Duration = Duration::from_secs(600);
    let point = point_of(&machine)?;
    let end = tokio::time::Instant::now() + LIFE;
    let cursor = ctx.edge.open_stream(point, query.since);
    let stream = futures::stream::unfold((ctx.edge.clone(), cursor), move |(edge, mut cursor)| async move {
        if tokio::time::Instant::now() >= end {
            return None;
        }
        match edge.next_frames(&mut cursor).await {
            Ok(frames) => Some((Ok::<_, std::convert::Infallible>(lines_of(&frames)), (edge, cursor))),
            Err(error) => {
                tracing::warn!(%error, %point, "a stream of frames ended");
                None
            }
        }
    });
    let mut response = Body::from_stream(stream).into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/x-ndjson"));
    response.extensions_mut().insert(LongLived);
    Ok(response)
}

fn lines_of(frames: &[edge::wire::Frame]) -> Bytes {
    let mut out = Vec::new();
    for frame in frames {
        // A frame is made of strings and numbers; it always serialises.
        if serde_json::to_writer(&mut out, frame).is_ok() {
            out.push(b'\n');
        }
    }
    out.into()
}
