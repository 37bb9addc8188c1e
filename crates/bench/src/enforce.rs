//! T16 and T18: from a directive to the packet that proves it, and a large change of nftables.

use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use base::{AddrSpec, Timestamp};
use drivers::netns::{self, Available, Lab, Place};
use drivers::run::{Program, Run};
use drivers::{Change, Driver, Element, Nft, NftConfig};
use edge::wire::Collection;
use serde_json::{Value, json};

use crate::Bench;
use crate::centre::Centre;
use crate::machine::own_cpu;
use crate::report::{Row, Times};

const PREFIX: &str = "lfbench";

/// Why nftables cannot be driven here.
fn obstacle() -> Option<String> {
    match (netns::available(), Program::Nft.path()) {
        (Available::Root, Ok(_)) => None,
        (Available::Root, Err(error)) => Some(error.to_string()),
        (Available::UserNamespace, _) => Some("not run here: not root".to_owned()),
        (Available::None(why), _) => Some(format!("not run here: {why}")),
    }
}

/// The only point: its applied and desired number, its elements, and whether packets proved them.
async fn point(centre: &Centre, id: &str) -> Result<(u64, u64, u64, bool)> {
    let view = centre.get(&format!("/api/v1/points/{id}")).await?;
    let number = |field: &str| view.get(field).and_then(Value::as_u64).unwrap_or(0);
    let probed = view.get("probed").and_then(Value::as_bool).unwrap_or(false);
    Ok((number("applied_sequence"), number("desired_sequence"), number("elements"), probed))
}

/// T16: a directive is issued; the receipt of the generation that holds it, proved by packet, is seen in the API.
pub(crate) async fn directive_to_proof(bench: &Bench) -> Result<Row> {
    if let Some(why) = obstacle() {
        return Ok(Row::not_run("T16", &why));
    }
    let rounds = bench.pick(100, 50);
    let lab = Lab::build(PREFIX, false)?;
    let centre = Centre::start(bench).await?;
    let settings = format!("[engine]\nkind = \"nft\"\nprefix = \"{PREFIX}\"\nnamespace = \"{PREFIX}-gw\"\n");
    let agent = centre.machine("edge", ("agent.toml", &settings), &[])?;
    let points = centre.get("/api/v1/points").await?;
    let id = points.pointer("/items/0/id").and_then(Value::as_str).context("the point")?.to_owned();
    let deadline = Instant::now() + Duration::from_secs(20);
    while !point(&centre, &id).await?.3 {
        let log = || std::fs::read_to_string(centre.path("edge.log")).unwrap_or_default();
        ensure!(Instant::now() < deadline, "the point never proved its first state: {}", log());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let mut times = Times::default();
    for round in 0..rounds {
        let address = Ipv4Addr::from(0x1000_0000 + u32::try_from(round)? * 7_919);
        let before = point(&centre, &id).await?.0;
        let body = json!({"value": address, "intent": "deny", "hours": 2, "reason": "measured"});
        let start = Instant::now();
        centre.post("/api/v1/directives", &body).await?;
        loop {
            let (applied, desired, elements, probed) = point(&centre, &id).await?;
            if applied > before && applied >= desired && probed {
                ensure!(elements == round as u64 + 1, "{elements} elements after round {round}");
                break;
            }
            ensure!(start.elapsed() < Duration::from_secs(10), "{address} was not proved within 10 s");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        times.push(start.elapsed());
    }
    let listed = Run::new(Program::Nft).args(["list", "ruleset"]).within(&lab.gateway()).output()?.stdout;
    ensure!(listed.contains("16.0.0.0"), "nft itself does not list the first address");
    drop(agent);
    Ok(Row::new("T16", times.at(99) < 500.0, times.words())
        .note("From `POST /api/v1/directives` being sent until `GET /api/v1/points/{id}` shows the generation applied, read back and proved by packet; asked every 2 ms.")
        .note("The real `lianfang edge` (nft) in a gateway namespace, the real centre on SQLite, both on this machine. The peer pulls: CrowdSec's blocklist arrives at the next pull (published: hours), so there is nothing to time in the same run.")
        .note("The half of the target with 5,000 points is not measured here."))
}

fn hosts(count: u32, end: Timestamp) -> Vec<Element> {
    let host = |n: u32| Ipv4Addr::from(0x1000_0000 + n.wrapping_mul(2_654_435_761) % 0x1000_0000);
    (0..count)
        .map(|n| Element { collection: Collection::Ip4Host, key: AddrSpec::host(host(n).into()), expires: end })
        .collect()
}

/// A namespace that goes away with the value.
struct Namespace(String);

impl Drop for Namespace {
    fn drop(&mut self) {
        if let Err(error) = netns::remove(&self.0) {
            println!("the namespace {} was left behind: {error}", self.0);
        }
    }
}

/// T18: 100,000 elements in one change through the driver, and the same through the command `nft`, in turns.
pub(crate) fn large_delta(bench: &Bench) -> Result<Row> {
    if let Some(why) = obstacle() {
        return Ok(Row::not_run("T18", &why));
    }
    let rounds = bench.pick(5, 3);
    let now = base::Env::system().now();
    let name = format!("{PREFIX}18");
    netns::remove(&name)?;
    let namespace = Namespace(name.clone());
    netns::create(&[&name])?;
    let place = Place::named(&namespace.0);
    let config = NftConfig { table: "lianfang".to_owned(), place: place.clone(), prefix: name, prove: false };
    let mut driver = Nft::open(config)?;
    driver.install(now)?;
    let all = hosts(100_000, now.plus_secs(3_600));
    let keys: Vec<_> = all.iter().map(|element| (element.collection, element.key)).collect();
    let list: Vec<String> = all.iter().map(|element| element.key.to_string()).collect();
    let script = format!("add element inet lianfang deny4_host {{ {} }}\n", list.join(", "));
    let (mut ours, mut theirs, mut cpu) = (Times::default(), Times::default(), (0.0, 0.0));
    for _ in 0..rounds {
        driver.replace(&[], now)?;
        let (start, used) = (Instant::now(), own_cpu()?);
        driver.apply(&Change { put: all.clone(), ..Change::default() }, now)?;
        ours.push(start.elapsed());
        cpu.0 += own_cpu()? - used;
        ensure!(driver.read(&keys)?.into_iter().all(|held| held), "the driver's change reads back differently");
        driver.replace(&[], now)?;
        let (start, used) = (Instant::now(), own_cpu()?);
        let run = Run::new(Program::Nft).args(["-f", "-"]).input(script.clone()).within(&place);
        run.limit(Duration::from_secs(60)).output()?;
        theirs.push(start.elapsed());
        cpu.1 += own_cpu()? - used;
        ensure!(driver.read(&keys)?.into_iter().all(|held| held), "the command's change reads back differently");
    }
    let each = |total: f64| total / f64::from(u32::try_from(rounds).unwrap_or(1));
    let mut row = Row::new("T18", ours.at(50) < 1_000.0, format!("median {:.0} ms, most {:.0} ms of {rounds}", ours.at(50), ours.at(100)))
        .note("A change of 100,000 single addresses into the empty set of a fresh namespace; after each round every element is read back one by one. Rounds of driver and command take turns.")
        .note("The command writes the elements without ends; the driver gives each its own end.");
    row.peer = format!("`nft -f`: median {:.0} ms, most {:.0} ms", theirs.at(50), theirs.at(100));
    row.cpu = format!("{:.2} s a change; nft {:.2} s", each(cpu.0), each(cpu.1));
    Ok(row)
}
