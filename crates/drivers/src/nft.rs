//! The driver `nft`: nftables, driven by our own netlink messages.
//!
//! The command `nft` installs table, chains and rules once; elements never go through it, because reading or
//! deleting one element of a large set takes it many seconds while a netlink message takes a tenth of a millisecond.
//! One batch of messages is one atomic generation of the kernel. The agent owns every element's end; the kernel's
//! timeout lies a day and some minutes behind it and only matters when no agent comes back.

use base::{AddrSpec, Timestamp};
use edge::wire::{Collection, Probe};
use ipnet::IpNet;
use rustix::io::Errno;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::net::IpAddr;

use crate::driver::{Applied, Capabilities, Change, Difference, Driver, Element, Packets};
use crate::error::Error;
use crate::netns::Place;
use crate::probe::{self, Counts, Prober};
use crate::run::{Program, Run};

pub(crate) mod codec;
mod cover;
mod kernel;
mod message;
mod plan;
mod ruleset;
mod socket;

use cover::Cover;
use kernel::{Kernel, Rules};
pub(crate) use plan::end_of;
use plan::{Plan, kernel_element};

/// Which table, where.
#[derive(Debug, Clone)]
pub struct NftConfig {
    /// The table's name in the family `inet`: letters, digits, `_`.
    pub table: String,
    /// The network namespace whose packets are filtered.
    pub place: Place,
    /// Begins the names of the namespaces and interfaces of the proof by packet.
    pub prefix: String,
    /// Whether to prove generations by packet; needs the right to make namespaces.
    pub prove: bool,
}

impl Default for NftConfig {
    fn default() -> Self {
        Self { table: "lianfang".to_owned(), place: Place::Here, prefix: "lianfang".to_owned(), prove: true }
    }
}

/// The driver.
#[derive(Debug)]
pub struct Nft {
    config: NftConfig,
    kernel: Kernel,
    covers: BTreeMap<Collection, Cover>,
    installed: Option<Rules>,
    killed: bool,
    prober: Option<Prober>,
    /// The present round of canaries.
    round: u64,
    /// The kernel's generation when this driver last knew all of it; every change by anybody makes a new one.
    seen: u64,
}

impl Nft {
    /// A driver for a table that need not exist yet.
    ///
    /// # Errors
    /// The names do not fit, or the kernel has no nf_tables.
    pub fn open(config: NftConfig) -> Result<Self, Error> {
        crate::netns::check_prefix(&config.prefix)?;
        let fits = !config.table.is_empty() && config.table.len() < 32;
        if !fits || !config.table.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
            return Err(Error::NotCapable(format!("{:?} is no name of a table", base::code::excerpt(&config.table))));
        }
        let kernel = Kernel::open(&config.place, &config.table)?;
        Ok(Self {
            config,
            kernel,
            covers: BTreeMap::new(),
            installed: None,
            killed: false,
            prober: None,
            round: 0,
            seen: 0,
        })
    }

    /// The ways canary packets go (`input`, `forward`, ...); empty when nothing is proved by packet.
    #[must_use]
    pub fn ways(&self) -> Vec<&'static str> {
        self.prober.as_ref().map(Prober::ways).unwrap_or_default()
    }

    fn nft(&self, script: String) -> Result<(), Error> {
        Run::new(Program::Nft).args(["-f", "-"]).input(script).within(&self.config.place).output().map(|_| ())
    }

    fn prove(&mut self) {
        if !self.config.prove || self.prober.is_some() || self.killed {
            return;
        }
        let kernel = &mut self.kernel;
        match Prober::build(&self.config.prefix, &self.config.place, &mut || counts(kernel)) {
            Ok(prober) => self.prober = Some(prober),
            Err(error) => tracing::warn!(%error, "generations are read back only, not proved by packet"),
        }
    }

    fn canaries(&self, round: u64, expires: Timestamp) -> Vec<Element> {
        let canaries = self.prober.as_ref().map(|_| probe::canaries(round)).unwrap_or_default();
        canaries.into_iter().map(|c| Element { collection: c.collection, key: c.key, expires }).collect()
    }

    /// Sends a plan; when the engine differs from what is known of it, sends a form that cannot fail on that.
    fn send(&mut self, plan: &Plan) -> Result<bool, Error> {
        match self.kernel.transact_any(&plan.steps()) {
            Ok(()) => return Ok(false),
            Err(error) if differs(&error) => {}
            Err(error) => return Err(error),
        }
        let rebuilt = plan.tolerant(&self.covers);
        self.kernel.transact_any(&rebuilt.steps())?;
        Ok(true)
    }

    /// Notes the generation a change of ours has made. If somebody had changed anything before it, that is kept in
    /// mind; after a replacement of everything (`before` 0) only the rules could differ, which a comparison finds.
    fn applied(&mut self, before: u64, retried: bool) -> Result<Applied, Error> {
        let generation = self.kernel.generation()?;
        if before == 0 || before == self.seen {
            self.seen = generation;
        }
        Ok(Applied { generation, retried })
    }

    /// What a whole state looks like in the kernel; sets the covers.
    fn whole(&mut self, all: &[Element], now: Timestamp) -> Plan {
        let canaries = self.canaries(self.round, now);
        let mut nets: BTreeMap<Collection, Vec<(IpNet, Timestamp)>> = BTreeMap::new();
        let mut plan = Plan::new(now);
        for element in all.iter().chain(&canaries) {
            if ruleset::is_interval(element.collection) {
                nets.entry(element.collection).or_default().push((element.key.net(), element.expires));
            } else {
                plan.put_host(element);
            }
        }
        self.covers = nets.into_iter().map(|(collection, nets)| (collection, Cover::of(nets))).collect();
        for (collection, cover) in &self.covers {
            plan.put_nets(*collection, cover.outer().iter().map(|(net, expires)| (*net, *expires)));
        }
        plan.flush = Collection::ALL.into_iter().collect();
        plan
    }

    /// Changes the covers and says what that means for the kernel; the second plan undoes the change of the covers.
    fn step(&mut self, change: &Change, now: Timestamp) -> (Plan, BTreeMap<Collection, NetChange>) {
        let mut plan = Plan::new(now);
        let mut nets: BTreeMap<Collection, NetChange> = BTreeMap::new();
        for (collection, key) in &change.del {
            if ruleset::is_interval(*collection) {
                nets.entry(*collection).or_default().1.push(key.net());
            } else {
                plan.del_host(*collection, *key);
            }
        }
        for (elements, renewed) in [(&change.put, false), (&change.renew, true)] {
            for element in elements {
                if ruleset::is_interval(element.collection) {
                    nets.entry(element.collection).or_default().0.push((element.key.net(), element.expires));
                } else {
                    if renewed {
                        plan.del_host(element.collection, element.key);
                    }
                    plan.put_host(element);
                }
            }
        }
        let mut undo = BTreeMap::new();
        for (collection, (put, del)) in nets {
            let cover = self.covers.entry(collection).or_default();
            undo.insert(collection, cover.undo(put.iter().map(|(net, _)| net).chain(&del)));
            let steps = cover.change(&put, &del);
            plan.del_nets(collection, &steps.del);
            plan.put_nets(collection, steps.put.into_iter());
        }
        (plan, undo)
    }
}

/// Networks that come, with their ends, and networks that go.
type NetChange = (Vec<(IpNet, Timestamp)>, Vec<IpNet>);

impl Driver for Nft {
    fn name(&self) -> &'static str {
        "nft"
    }

    fn capabilities(&self) -> Capabilities {
        let packets = if self.prober.is_some() { Packets::Yes } else { Packets::NotHere };
        Capabilities { collections: &Collection::ALL, packets }
    }

    fn install(&mut self, _now: Timestamp) -> Result<(), Error> {
        let table = &self.config.table;
        let script = ruleset::install(table, &probe::interface(&self.config.prefix), self.killed);
        if self.nft(script.clone()).is_err() {
            // A table of another form stands there under our name; its elements come again with the next replace.
            self.nft(format!("table inet {table} {{ }}\ndelete table inet {table}\n{script}"))?;
        }
        self.installed = Some(self.kernel.rules()?);
        self.prove();
        self.seen = self.kernel.generation()?;
        Ok(())
    }

    fn replace(&mut self, all: &[Element], now: Timestamp) -> Result<Applied, Error> {
        self.round += 1;
        let plan = self.whole(all, now);
        self.kernel.transact_any(&plan.steps())?;
        self.applied(0, false)
    }

    fn apply(&mut self, change: &Change, now: Timestamp) -> Result<Applied, Error> {
        let mut with_canaries = change.clone();
        with_canaries.del.extend(self.canaries(self.round, now).iter().map(|canary| (canary.collection, canary.key)));
        with_canaries.put.extend(self.canaries(self.round + 1, now));
        let (plan, undo) = self.step(&with_canaries, now);
        let before = self.kernel.generation()?;
        match self.send(&plan) {
            Ok(retried) => {
                self.round += 1;
                self.applied(before, retried)
            }
            Err(error) => {
                for (collection, (put, del)) in undo {
                    self.covers.entry(collection).or_default().change(&put, &del);
                }
                Err(error)
            }
        }
    }

    fn read(&mut self, keys: &[(Collection, AddrSpec)]) -> Result<Vec<bool>, Error> {
        let questions: Vec<Vec<Question>> = keys
            .iter()
            .map(|(collection, key)| {
                if !ruleset::is_interval(*collection) {
                    return vec![Question::element(key.net().addr())];
                }
                let outer = self.covers.get(collection).and_then(|cover| cover.standing_for(key.net()));
                outer.map(Question::interval).unwrap_or_default()
            })
            .collect();
        let asked: Vec<_> = keys
            .iter()
            .zip(&questions)
            .flat_map(|((collection, _), of_key)| of_key.iter().map(|q| (ruleset::set_name(*collection), q.ask)))
            .collect();
        let mut answers = self.kernel.get(&asked)?.into_iter();
        Ok(questions
            .iter()
            .map(|of_key| {
                let good = of_key.iter().zip(answers.by_ref()).filter(|(q, got)| q.is_answered_by(*got)).count();
                good == of_key.len() && good > 0
            })
            .collect())
    }

    fn disturbed(&mut self) -> Result<bool, Error> {
        Ok(self.kernel.generation()? != self.seen)
    }

    fn compare(&mut self, all: &[Element], cap: usize) -> Result<Difference, Error> {
        self.seen = self.kernel.generation()?;
        let rules = match self.kernel.rules() {
            Ok(rules) => rules,
            Err(error) if error.errno() == Some(Errno::NOENT.raw_os_error()) => Rules { digest: [0; 32], jumps: 0 },
            Err(error) => return Err(error),
        };
        let jumps = if self.killed { 0 } else { ruleset::JUMPS.len() };
        let structure = rules.jumps != jumps || self.installed.as_ref().is_none_or(|i| i.digest != rules.digest);
        let mut difference = Difference { structure, ..Difference::default() };
        for collection in Collection::ALL {
            let set = ruleset::set_name(collection);
            let mut held = match self.kernel.dump(set, cap) {
                Err(error) if error.errno() == Some(Errno::NOENT.raw_os_error()) => {
                    difference.structure = true;
                    Vec::new()
                }
                held => held?,
            };
            // Canaries of this and earlier runs are judged by packets.
            held.retain(|element| !probe::is_canary(element.key));
            let wanted = all.iter().filter(|element| element.collection == collection);
            if ruleset::is_interval(collection) {
                compare_intervals(collection, wanted, &held, &mut difference);
            } else {
                compare_hosts(collection, wanted, &held, &mut difference);
            }
        }
        // A dump of a hash that is just being made larger passes over elements; asking for each does not.
        let missing = std::mem::take(&mut difference.missing);
        let places: Vec<_> = missing.iter().map(|element| (element.collection, element.key)).collect();
        let held = if difference.structure { vec![false; places.len()] } else { self.read(&places)? };
        difference.missing =
            missing.into_iter().zip(held).filter(|(_, held)| !held).map(|(element, _)| element).collect();
        Ok(difference)
    }

    fn repair(&mut self, difference: &Difference, all: &[Element], now: Timestamp) -> Result<Applied, Error> {
        if difference.structure {
            // The proof may be what is broken: its namespaces removed, or another firewall now in its way.
            self.prober = None;
            self.install(now)?;
        }
        let nets = difference.missing.iter().map(|element| element.collection);
        let touched: BTreeSet<Collection> =
            nets.chain(difference.extra.iter().map(|(collection, _)| *collection)).collect();
        if difference.structure || touched.into_iter().any(ruleset::is_interval) {
            return self.replace(all, now);
        }
        self.apply(&Change { put: difference.missing.clone(), renew: Vec::new(), del: difference.extra.clone() }, now)
    }

    fn kill(&mut self, on: bool) -> Result<(), Error> {
        self.kernel.jumps(!on)?;
        self.killed = on;
        // A driver that began while enforcement was stopped has no proof yet.
        if self.installed.is_some() {
            self.prove();
        }
        self.seen = self.kernel.generation()?;
        Ok(())
    }

    fn killed(&mut self) -> Result<bool, Error> {
        Ok(self.kernel.rules()?.jumps == 0)
    }

    fn probe(&mut self) -> Probe {
        let (kernel, killed) = (&mut self.kernel, self.killed);
        let Some(prober) = self.prober.as_ref().filter(|_| !killed) else {
            return Probe::ReadBackOnly;
        };
        prober.probe(self.round, &mut || counts(kernel))
    }

    fn dropped(&mut self) -> Result<Option<u64>, Error> {
        let both: Result<Vec<u64>, Error> = ruleset::DROPPED.iter().map(|name| self.kernel.packets(name)).collect();
        both.map(|counts| Some(counts.iter().sum()))
    }

    fn uninstall(&mut self) -> Result<(), Error> {
        self.prober = None;
        self.installed = None;
        let table = &self.config.table;
        self.nft(format!("table inet {table} {{ }}\ndelete table inet {table}\n"))
    }
}

/// What is asked of the kernel about an element, and which answer means that it is there.
struct Question {
    ask: message::KernelElement,
    expect: message::KernelElement,
}

impl Question {
    fn element(address: IpAddr) -> Self {
        let element = kernel_element(address, None);
        Self { ask: element, expect: element }
    }

    /// An interval is there if its start is, and if the first end behind its last address is its own. Asked for the
    /// end's own key, the kernel would go astray where the next interval starts at that very address.
    fn interval(net: IpNet) -> Vec<Self> {
        let end = end_of(net).map(|end| {
            let mark = |key| message::KernelElement { key, end: true, timeout_ms: None };
            Self { ask: mark(net.broadcast()), expect: mark(end) }
        });
        std::iter::once(Self::element(net.network())).chain(end).collect()
    }

    /// Some kernels name the start of an interval of one address when asked for its end: it begins at its last address.
    fn is_answered_by(&self, got: Option<message::KernelElement>) -> bool {
        got.is_some_and(|got| {
            let expected = (got.key, got.end) == (self.expect.key, self.expect.end);
            expected || (self.expect.end && (got.key, got.end) == (self.ask.key, false))
        })
    }
}

fn counts(kernel: &mut Kernel) -> Result<Counts, Error> {
    // Passed is read first: a packet that comes in between may be seen and not passed, never the other way round.
    let passed = kernel.packets(ruleset::CANARY_PASSED)?;
    Ok(Counts { seen: kernel.packets(ruleset::CANARY_SEEN)?, passed })
}

/// Errors that mean: the engine holds something else than it should, or the answer was lost.
fn differs(error: &Error) -> bool {
    [Errno::NOENT, Errno::EXIST, Errno::NOTEMPTY, Errno::BUSY, Errno::NOBUFS]
        .iter()
        .any(|errno| error.errno() == Some(errno.raw_os_error()))
}

fn compare_hosts<'a>(
    collection: Collection,
    wanted: impl Iterator<Item = &'a Element>,
    held: &[message::KernelElement],
    difference: &mut Difference,
) {
    let mut held: HashSet<IpAddr> = held.iter().map(|element| element.key).collect();
    difference.missing.extend(wanted.filter(|element| !held.remove(&element.key.net().addr())));
    difference.extra.extend(held.into_iter().map(|key| (collection, AddrSpec::host(key))));
}

fn compare_intervals<'a>(
    collection: Collection,
    wanted: impl Iterator<Item = &'a Element>,
    held: &[message::KernelElement],
    difference: &mut Difference,
) {
    let mut held: HashSet<(IpAddr, bool)> = held.iter().map(|element| (element.key, element.end)).collect();
    let by_net: BTreeMap<IpNet, &Element> = wanted.map(|element| (element.key.net(), element)).collect();
    let cover = Cover::of(by_net.iter().map(|(net, element)| (*net, element.expires)));
    for net in cover.outer().keys() {
        let start = held.remove(&(net.network(), false));
        let end = end_of(*net).is_none_or(|end| held.remove(&(end, true)));
        if !(start && end) {
            difference.missing.extend(by_net.get(net).map(|element| **element));
        }
    }
    difference.extra.extend(held.into_iter().map(|(key, _)| (collection, AddrSpec::host(key))));
}
