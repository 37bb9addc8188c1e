//! The nf_tables messages this driver speaks (include/uapi/linux/netfilter/nf_tables.h): pure encoding and decoding.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::nft::codec::{Attributes, Encoder, Malformed, Message, head_i32};

const SUBSYSTEM: u16 = 10 << 8;
const BATCH_BEGIN: u16 = 0x10;
const BATCH_END: u16 = 0x11;
const NEWRULE: u16 = SUBSYSTEM | 6;
const GETRULE: u16 = SUBSYSTEM | 7;
const DELRULE: u16 = SUBSYSTEM | 8;
const NEWSETELEM: u16 = SUBSYSTEM | 12;
const GETSETELEM: u16 = SUBSYSTEM | 13;
const DELSETELEM: u16 = SUBSYSTEM | 14;
const NEWGEN: u16 = SUBSYSTEM | 15;
const GETGEN: u16 = SUBSYSTEM | 16;
const NEWOBJ: u16 = SUBSYSTEM | 18;
const GETOBJ: u16 = SUBSYSTEM | 19;
const NLMSG_ERROR: u16 = 2;
const NLMSG_DONE: u16 = 3;

const REQUEST: u16 = 0x1;
const ACK: u16 = 0x4;
const DUMP: u16 = 0x300;
const CREATE: u16 = 0x400;
const APPEND: u16 = 0x800;
const DUMP_INTERRUPTED: u16 = 0x10;

/// The family header: inet, version 0, resource 0; a batch's resource is the subsystem.
const FAMILY: [u8; 4] = [1, 0, 0, 0];
const BATCH_FAMILY: [u8; 4] = [0, 0, 0, 10];

const LIST_ELEM: u16 = 1;
const INTERVAL_END: u32 = 1;
const OBJECT_COUNTER: u32 = 1;
const VERDICT_JUMP: i32 = -3;

/// Elements of one message: 40 bytes each at most, and the list that holds them must stay below 64 KiB.
pub(crate) const ELEMENTS_PER_MESSAGE: usize = 1_000;

/// An element of a set as the kernel knows it: a key, whether it ends an interval, a timeout.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct KernelElement {
    pub(crate) key: IpAddr,
    pub(crate) end: bool,
    pub(crate) timeout_ms: Option<u64>,
}

/// One step of a transaction.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Step<'a> {
    /// Adds elements; those that are there stay.
    Put(&'a str, &'a [KernelElement]),
    /// Removes elements; one that is not there fails the transaction.
    Del(&'a str, &'a [KernelElement]),
    /// Empties a set.
    Flush(&'a str),
    /// Removes every rule of a chain.
    Empty(&'a str),
    /// Appends a jump to a chain.
    Jump { from: &'a str, to: &'a str },
}

/// An encoded transaction.
#[derive(Debug)]
pub(crate) struct Batch {
    pub(crate) bytes: Vec<u8>,
    /// How many acknowledgements a success brings.
    pub(crate) acks: u32,
}

/// Encodes steps as one transaction: the kernel applies all or none.
pub(crate) fn batch(table: &str, first_sequence: u32, steps: &[Step<'_>]) -> Batch {
    let elements: usize =
        steps.iter().map(|step| if let Step::Put(_, e) | Step::Del(_, e) = step { e.len() } else { 1 }).sum();
    let mut out = Encoder::with_capacity(256 + elements * 44);
    out.message(BATCH_BEGIN, REQUEST, first_sequence, |m| m.raw(&BATCH_FAMILY));
    let mut sequence = first_sequence;
    for step in steps {
        match *step {
            Step::Put(set, elements) => {
                for chunk in elements.chunks(ELEMENTS_PER_MESSAGE) {
                    sequence += 1;
                    out.message(NEWSETELEM, REQUEST | ACK | CREATE, sequence, |m| set_body(m, table, set, Some(chunk)));
                }
            }
            Step::Del(set, elements) => {
                for chunk in elements.chunks(ELEMENTS_PER_MESSAGE) {
                    sequence += 1;
                    out.message(DELSETELEM, REQUEST | ACK, sequence, |m| set_body(m, table, set, Some(chunk)));
                }
            }
            Step::Flush(set) => {
                sequence += 1;
                out.message(DELSETELEM, REQUEST | ACK, sequence, |m| set_body(m, table, set, None));
            }
            Step::Empty(chain) => {
                sequence += 1;
                out.message(DELRULE, REQUEST | ACK, sequence, |m| chain_body(m, table, Some(chain)));
            }
            Step::Jump { from, to } => {
                sequence += 1;
                out.message(NEWRULE, REQUEST | ACK | CREATE | APPEND, sequence, |m| jump_body(m, table, from, to));
            }
        }
    }
    let acks = sequence - first_sequence;
    out.message(BATCH_END, REQUEST, sequence + 1, |m| m.raw(&BATCH_FAMILY));
    Batch { bytes: out.into_bytes(), acks }
}

fn set_body(m: &mut Encoder, table: &str, set: &str, elements: Option<&[KernelElement]>) {
    m.raw(&FAMILY);
    m.text(1, table);
    m.text(2, set);
    if let Some(elements) = elements {
        m.nested(3, |list| elements.iter().for_each(|element| encode_element(list, element)));
    }
}

fn encode_element(list: &mut Encoder, element: &KernelElement) {
    list.nested(LIST_ELEM, |e| {
        e.nested(1, |key| match element.key {
            IpAddr::V4(v4) => key.attribute(1, &v4.octets()),
            IpAddr::V6(v6) => key.attribute(1, &v6.octets()),
        });
        if element.end {
            e.attribute(3, &INTERVAL_END.to_be_bytes());
        }
        if let Some(timeout) = element.timeout_ms {
            e.attribute(4, &timeout.to_be_bytes());
        }
    });
}

fn chain_body(m: &mut Encoder, table: &str, chain: Option<&str>) {
    m.raw(&FAMILY);
    m.text(1, table);
    if let Some(chain) = chain {
        m.text(2, chain);
    }
}

/// A rule of one expression: immediate verdict `jump`.
fn jump_body(m: &mut Encoder, table: &str, from: &str, to: &str) {
    chain_body(m, table, Some(from));
    m.nested(4, |expressions| {
        expressions.nested(LIST_ELEM, |expression| {
            expression.text(1, "immediate");
            expression.nested(2, |data| {
                data.attribute(1, &0_u32.to_be_bytes());
                data.nested(2, |value| {
                    value.nested(2, |verdict| {
                        verdict.attribute(1, &VERDICT_JUMP.to_be_bytes());
                        verdict.text(2, to);
                    });
                });
            });
        });
    });
}

/// Asks for single elements, one message each, answered one by one.
pub(crate) fn get_elements(table: &str, first_sequence: u32, keys: &[(&str, KernelElement)]) -> Vec<u8> {
    let mut out = Encoder::with_capacity(keys.len() * 96);
    for (sequence, (set, element)) in (first_sequence..).zip(keys) {
        out.message(GETSETELEM, REQUEST, sequence, |m| set_body(m, table, set, Some(&[*element])));
    }
    out.into_bytes()
}

/// Asks for every element of a set.
pub(crate) fn dump_elements(table: &str, sequence: u32, set: &str) -> Vec<u8> {
    let mut out = Encoder::default();
    out.message(GETSETELEM, REQUEST | DUMP, sequence, |m| set_body(m, table, set, None));
    out.into_bytes()
}

/// Asks for every rule of the table.
pub(crate) fn dump_rules(table: &str, sequence: u32) -> Vec<u8> {
    let mut out = Encoder::default();
    out.message(GETRULE, REQUEST | DUMP, sequence, |m| chain_body(m, table, None));
    out.into_bytes()
}

/// Asks for the number of the present generation of rules.
pub(crate) fn get_generation(sequence: u32) -> Vec<u8> {
    let mut out = Encoder::default();
    out.message(GETGEN, REQUEST, sequence, |m| m.raw(&[0; 4]));
    out.into_bytes()
}

/// Asks for a named counter.
pub(crate) fn get_counter(table: &str, sequence: u32, name: &str) -> Vec<u8> {
    let mut out = Encoder::default();
    out.message(GETOBJ, REQUEST, sequence, |m| {
        m.raw(&FAMILY);
        m.text(1, table);
        m.text(2, name);
        m.attribute(3, &OBJECT_COUNTER.to_be_bytes());
    });
    out.into_bytes()
}

/// What the kernel answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Reply {
    /// The request of this sequence number succeeded (0) or failed (an error number).
    Status(i32),
    /// The dump is complete.
    Done,
    /// Elements of a set.
    Elements(Vec<KernelElement>),
    /// A rule: its chain and its expressions, as the kernel wrote them.
    Rule { chain: String, expressions: Vec<u8> },
    /// The generation of the rules.
    Generation(u32),
    /// Packets counted by a named counter.
    Packets(u64),
    /// The dump was disturbed by a change and must be repeated.
    Interrupted,
    /// Something this driver did not ask for.
    Other,
}

/// Reads one message.
pub(crate) fn reply(message: &Message<'_>) -> Result<Reply, Malformed> {
    if message.flags & DUMP_INTERRUPTED != 0 && message.kind != NLMSG_ERROR {
        return Ok(Reply::Interrupted);
    }
    match message.kind {
        NLMSG_ERROR => {
            let status = head_i32(message.body).ok_or(Malformed("an error without a number"))?;
            Ok(Reply::Status(status.saturating_neg()))
        }
        NLMSG_DONE => match head_i32(message.body) {
            None | Some(0) => Ok(Reply::Done),
            Some(error) => Ok(Reply::Status(error.saturating_neg())),
        },
        NEWSETELEM => match Attributes::after(message.body, 4).find(3)? {
            None => Ok(Reply::Elements(Vec::new())),
            Some(list) => Attributes(list)
                .map(|item| item.and_then(|(_, element)| decode_element(element)))
                .collect::<Result<_, _>>()
                .map(Reply::Elements),
        },
        NEWRULE => {
            let chain = Attributes::after(message.body, 4).find(2)?.ok_or(Malformed("a rule without a chain"))?;
            let expressions = Attributes::after(message.body, 4).find(4)?.unwrap_or_default();
            Ok(Reply::Rule { chain: text(chain), expressions: expressions.to_vec() })
        }
        NEWGEN => {
            let id = Attributes::after(message.body, 4).find(1)?.and_then(be_u32);
            id.map(Reply::Generation).ok_or(Malformed("a generation without a number"))
        }
        NEWOBJ => {
            let data = Attributes::after(message.body, 4).find(4)?.ok_or(Malformed("a counter without data"))?;
            let packets = Attributes(data).find(2)?.and_then(be_u64);
            packets.map(Reply::Packets).ok_or(Malformed("a counter without packets"))
        }
        _ => Ok(Reply::Other),
    }
}

fn decode_element(bytes: &[u8]) -> Result<KernelElement, Malformed> {
    let (mut key, mut flags, mut timeout_ms) = (None, 0, None);
    for attribute in Attributes(bytes) {
        match attribute? {
            (1, value) => key = Attributes(value).find(1)?.and_then(address),
            (3, value) => flags = be_u32(value).ok_or(Malformed("element flags of another length"))?,
            (4, value) => timeout_ms = be_u64(value),
            _ => {}
        }
    }
    let key = key.ok_or(Malformed("an element that is no address"))?;
    Ok(KernelElement { key, end: flags & INTERVAL_END != 0, timeout_ms })
}

fn address(bytes: &[u8]) -> Option<IpAddr> {
    if let Ok(v4) = <[u8; 4]>::try_from(bytes) {
        return Some(Ipv4Addr::from(v4).into());
    }
    <[u8; 16]>::try_from(bytes).ok().map(|v6| Ipv6Addr::from(v6).into())
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes.split(|byte| *byte == 0).next().unwrap_or_default()).into_owned()
}

fn be_u32(bytes: &[u8]) -> Option<u32> {
    bytes.try_into().ok().map(u32::from_be_bytes)
}

fn be_u64(bytes: &[u8]) -> Option<u64> {
    bytes.try_into().ok().map(u64::from_be_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nft::codec::Messages;
    use proptest::prelude::*;

    fn element() -> impl Strategy<Value = KernelElement> {
        let key = prop_oneof![any::<[u8; 4]>().prop_map(IpAddr::from), any::<[u8; 16]>().prop_map(IpAddr::from)];
        (key, any::<bool>(), proptest::option::of(any::<u64>())).prop_map(|(key, end, timeout_ms)| KernelElement {
            key,
            end,
            timeout_ms,
        })
    }

    /// Written down from `nft --debug=netlink,mnl add element` of nftables 1.0.6, then checked by hand with nf_tables.h.
    #[test]
    #[cfg(target_endian = "little")]
    fn one_element_has_these_bytes() {
        let one = KernelElement { key: "203.0.113.7".parse().unwrap(), end: false, timeout_ms: Some(60_000) };
        let batch = batch("lf", 1, &[Step::Put("s", &[one])]);
        assert_eq!(batch.acks, 1);
        let expected = concat!(
            "14000000",
            "1000",
            "0100",
            "01000000",
            "00000000",
            "0000000a",
            "48000000",
            "0c0a",
            "0504",
            "02000000",
            "00000000",
            "01000000",
            "07000100",
            "6c660000",
            "06000200",
            "73000000",
            "2c000380",
            "20000180",
            "0c000180",
            "08000100",
            "cb007107",
            "0c000400",
            "000000000000ea60",
            "14000000",
            "1100",
            "0100",
            "03000000",
            "00000000",
            "0000000a",
        );
        let bytes: String = batch.bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        // The list is 4 + 4 + 12 + 12 bytes, the message 16 + 4 + 8 + 8 + 32.
        assert_eq!(
            bytes,
            expected.replace("48000000", "44000000").replace("2c000380", "20000380").replace("20000180", "1c000180")
        );
    }

    #[test]
    fn chunks_stay_below_the_length_of_an_attribute() {
        let widest = KernelElement { key: "2001:db8::1".parse().unwrap(), end: true, timeout_ms: Some(u64::MAX) };
        let many = vec![widest; ELEMENTS_PER_MESSAGE * 2 + 1];
        let batch = batch("lianfang", 7, &[Step::Put("deny6_net", &many)]);
        assert_eq!(batch.acks, 3);
        let back: usize = Messages(&batch.bytes)
            .map(|m| match reply(&m.unwrap()).unwrap() {
                Reply::Elements(elements) => elements.iter().filter(|e| **e == widest).count(),
                _ => 0,
            })
            .sum();
        assert_eq!(back, many.len());
    }

    proptest! {
        #[test]
        fn elements_survive(elements in proptest::collection::vec(element(), 1..50), first in 1_u32..1_000_000) {
            let batch = batch("t", first, &[Step::Put("s", &elements)]);
            let messages: Vec<_> = Messages(&batch.bytes).map(Result::unwrap).collect();
            prop_assert_eq!(messages.len(), 3);
            prop_assert_eq!(messages[1].sequence, first + 1);
            prop_assert_eq!(reply(&messages[1]).unwrap(), Reply::Elements(elements));
        }

        #[test]
        fn any_reply_ends_without_panic(kind in any::<u16>(), flags in any::<u16>(), body in proptest::collection::vec(any::<u8>(), 0..120)) {
            for kind in [kind, NEWSETELEM, NEWRULE, NEWGEN, NEWOBJ, NLMSG_ERROR, NLMSG_DONE] {
                let _any_outcome = reply(&Message { kind, flags, sequence: 0, body: &body });
            }
        }
    }
}
