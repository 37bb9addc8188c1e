//! One table of nf_tables: transactions, reading single elements, dumps, counters, the rules' digest.

use rustix::io::Errno;
use sha2::{Digest as _, Sha256};

use crate::error::Error;
use crate::netns::Place;
use crate::nft::message::{self, KernelElement, Reply, Step};
use crate::nft::ruleset;
use crate::nft::socket::Socket;

/// Requests for single elements that are under way at once: their answers must fit the receive buffer.
const PIPELINE: usize = 256;
/// Elements of one piece where a transaction must be divided; even, so that an interval's two ends stay together.
const PIECE: usize = 3_000;
/// A dump that a change disturbs is begun again so many times.
const DUMP_TRIES: usize = 8;

/// The table.
#[derive(Debug)]
pub(crate) struct Kernel {
    socket: Socket,
    table: String,
}

impl Kernel {
    pub(crate) fn open(place: &Place, table: &str) -> Result<Self, Error> {
        Ok(Self { socket: Socket::open(place)?, table: table.to_owned() })
    }

    /// Applies all steps or none. The error is the first one the kernel met; lost answers are `ENOBUFS`.
    pub(crate) fn transact(&mut self, steps: &[Step<'_>]) -> Result<(), Error> {
        const OPERATION: &str = "a transaction";
        let room = steps.iter().map(|step| match step {
            Step::Put(_, e) | Step::Del(_, e) => e.len().div_ceil(message::ELEMENTS_PER_MESSAGE),
            _ => 1,
        });
        let count = u32::try_from(room.sum::<usize>() + 2).unwrap_or(u32::MAX / 4);
        let batch = message::batch(&self.table, self.socket.sequences(count), steps);
        if batch.acks == 0 {
            return Ok(());
        }
        let (mut good, mut failed) = (0_u32, None);
        self.socket.ask(OPERATION, &batch.bytes, |_, reply| {
            match reply {
                Reply::Status(0) => good += 1,
                Reply::Status(errno) => failed = failed.or(Some(errno)),
                _ => {}
            }
            Ok(())
        })?;
        match failed {
            Some(errno) => Err(Error::kernel(OPERATION, Errno::from_raw_os_error(errno))),
            None if good == batch.acks => Ok(()),
            None => Err(Error::kernel(OPERATION, Errno::NOBUFS)),
        }
    }

    /// The same, in pieces where the send buffer is too small for the whole: without the capability CAP_NET_ADMIN in
    /// the first user namespace it cannot be made large. Pieces are atomic one by one.
    pub(crate) fn transact_any(&mut self, steps: &[Step<'_>]) -> Result<(), Error> {
        match self.transact(steps) {
            Err(error) if error.errno() == Some(Errno::MSGSIZE.raw_os_error()) => {}
            other => return other,
        }
        for step in steps {
            match *step {
                Step::Put(set, e) => e.chunks(PIECE).try_for_each(|piece| self.transact(&[Step::Put(set, piece)]))?,
                Step::Del(set, e) => e.chunks(PIECE).try_for_each(|piece| self.transact(&[Step::Del(set, piece)]))?,
                single => self.transact(&[single])?,
            }
        }
        Ok(())
    }

    /// Reads elements one by one: for each key, the element the kernel finds there.
    pub(crate) fn get(&mut self, keys: &[(&str, KernelElement)]) -> Result<Vec<Option<KernelElement>>, Error> {
        const OPERATION: &str = "reading elements";
        let mut found = vec![None; keys.len()];
        let mut answered = vec![false; keys.len()];
        for (chunk, part) in keys.chunks(PIPELINE).enumerate() {
            let base = chunk * PIPELINE;
            let first = self.socket.sequences(u32::try_from(part.len()).unwrap_or(u32::MAX));
            let request = message::get_elements(&self.table, first, part);
            self.socket.ask(OPERATION, &request, |sequence, reply| {
                let Some(at) = sequence.checked_sub(first).map(|offset| base + offset as usize) else {
                    return Ok(());
                };
                match reply {
                    Reply::Elements(elements) => {
                        if let Some(slot) = found.get_mut(at) {
                            *slot = elements.first().copied();
                        }
                    }
                    Reply::Status(errno) if errno != 0 && errno != Errno::NOENT.raw_os_error() => {
                        return Err(Error::kernel(OPERATION, Errno::from_raw_os_error(errno)));
                    }
                    _ => {}
                }
                if let Some(slot) = answered.get_mut(at) {
                    *slot = true;
                }
                Ok(())
            })?;
        }
        if answered.contains(&false) {
            return Err(Error::kernel(OPERATION, Errno::NOBUFS));
        }
        Ok(found)
    }

    /// Every element of a set, at most `cap`.
    pub(crate) fn dump(&mut self, set: &str, cap: usize) -> Result<Vec<KernelElement>, Error> {
        self.repeat(
            "dumping a set",
            |table, sequence| message::dump_elements(table, sequence, set),
            |out, reply| {
                if let Reply::Elements(mut elements) = reply {
                    out.append(&mut elements);
                }
                if out.len() > cap { Err(Error::TooMany { cap }) } else { Ok(()) }
            },
        )
    }

    /// A digest of the rules, and which base chains have how many.
    pub(crate) fn rules(&mut self) -> Result<Rules, Error> {
        let rules = self.repeat("reading rules", message::dump_rules, |out: &mut Vec<(String, Vec<u8>)>, reply| {
            if let Reply::Rule { chain, expressions } = reply {
                out.push((chain, expressions));
            }
            Ok(())
        })?;
        let mut digest = Sha256::new();
        let mut jumps = 0;
        for (chain, expressions) in &rules {
            if ruleset::BASE.contains(&chain.as_str()) {
                jumps += 1;
                continue;
            }
            digest.update((chain.len() as u64).to_be_bytes());
            digest.update(chain);
            digest.update((expressions.len() as u64).to_be_bytes());
            digest.update(expressions);
        }
        Ok(Rules { digest: digest.finalize().into(), jumps })
    }

    /// Packets a named counter has seen.
    pub(crate) fn packets(&mut self, counter: &str) -> Result<u64, Error> {
        let request = message::get_counter(&self.table, self.socket.sequences(1), counter);
        self.one("reading a counter", &request, |reply| if let Reply::Packets(n) = reply { Some(n) } else { None })
    }

    /// The number of the rules' generation: it grows with every change anybody makes.
    pub(crate) fn generation(&mut self) -> Result<u64, Error> {
        let request = message::get_generation(self.socket.sequences(1));
        self.one("reading the generation", &request, |reply| {
            if let Reply::Generation(id) = reply { Some(u64::from(id)) } else { None }
        })
    }

    /// Takes the jumps out of the base chains, or puts them in, in one step.
    pub(crate) fn jumps(&mut self, on: bool) -> Result<(), Error> {
        let mut steps: Vec<Step<'_>> = ruleset::BASE.iter().map(|chain| Step::Empty(chain)).collect();
        if on {
            steps.extend(ruleset::JUMPS.iter().map(|(from, to)| Step::Jump { from, to }));
        }
        self.transact(&steps)
    }

    fn one<T>(
        &mut self,
        operation: &'static str,
        request: &[u8],
        take: impl Fn(Reply) -> Option<T>,
    ) -> Result<T, Error> {
        let mut found = None;
        self.socket.ask(operation, request, |_, reply| match reply {
            Reply::Status(errno) if errno != 0 => Err(Error::kernel(operation, Errno::from_raw_os_error(errno))),
            reply => {
                found = found.take().or_else(|| take(reply));
                Ok(())
            }
        })?;
        found.ok_or_else(|| Error::Shape { operation, detail: "no answer".to_owned() })
    }

    fn repeat<T>(
        &mut self,
        operation: &'static str,
        request: impl Fn(&str, u32) -> Vec<u8>,
        mut take: impl FnMut(&mut Vec<T>, Reply) -> Result<(), Error>,
    ) -> Result<Vec<T>, Error> {
        for _ in 0..DUMP_TRIES {
            let request = request(&self.table, self.socket.sequences(1));
            let (mut out, mut done, mut disturbed) = (Vec::new(), false, false);
            self.socket.ask(operation, &request, |_, reply| {
                match reply {
                    Reply::Done => done = true,
                    Reply::Interrupted => disturbed = true,
                    Reply::Status(errno) if errno == Errno::INTR.raw_os_error() => disturbed = true,
                    Reply::Status(errno) if errno != 0 => {
                        return Err(Error::kernel(operation, Errno::from_raw_os_error(errno)));
                    }
                    reply => take(&mut out, reply)?,
                }
                Ok(())
            })?;
            if done && !disturbed {
                return Ok(out);
            }
        }
        Err(Error::Shape { operation, detail: "the set kept changing while it was read".to_owned() })
    }
}

/// What the rules are, elements aside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rules {
    /// Of all rules but the jumps.
    pub(crate) digest: [u8; 32],
    /// Rules in the base chains.
    pub(crate) jumps: usize,
}
