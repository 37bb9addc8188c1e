//! Namespaces of a test's own, and a clear word when the machine has none.

use base::{AddrSpec, Timestamp};
use drivers::netns::{self, Available, Place};
use drivers::run::Program;
use drivers::{Element, Nft, NftConfig};
use edge::wire::{Collection, Intent};

pub(crate) const NOW: Timestamp = Timestamp::from_micros(1_795_240_800_000_000);

/// Whether nftables can be driven here; if not, the test counts as skipped, or fails where nothing may be skipped.
pub(crate) fn can_run() -> bool {
    let why = match (netns::available(), Program::Nft.path()) {
        (Available::Root, Ok(_)) => return true,
        (Available::Root, Err(error)) => error.to_string(),
        (Available::UserNamespace, _) => "not root".to_owned(),
        (Available::None(why), _) => why,
    };
    testkit::skip(&format!("nftables as root ({why})"));
    false
}

/// A namespace that is removed with the value.
pub(crate) struct Namespace(pub(crate) String);

impl Namespace {
    pub(crate) fn new(name: &str) -> Self {
        netns::remove(name).unwrap();
        netns::create(&[name]).unwrap();
        Self(name.to_owned())
    }

    pub(crate) fn place(&self) -> Place {
        Place::named(&self.0)
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        netns::remove(&self.0).unwrap();
    }
}

pub(crate) fn driver(place: Place, prefix: &str, prove: bool) -> Nft {
    Nft::open(NftConfig { table: "lianfang".to_owned(), place, prefix: prefix.to_owned(), prove }).unwrap()
}

pub(crate) fn key(text: &str) -> AddrSpec {
    text.parse().unwrap()
}

pub(crate) fn element(text: &str, intent: Intent) -> Element {
    let key = key(text);
    Element { collection: Collection::of(key, intent), key, expires: NOW.plus_secs(3_600) }
}

pub(crate) fn deny(text: &str) -> Element {
    element(text, Intent::Deny)
}

pub(crate) fn place_of(element: &Element) -> (Collection, AddrSpec) {
    (element.collection, element.key)
}

/// `count` different addresses, spread over 16.0.0.0/4.
pub(crate) fn hosts(count: u32) -> Vec<Element> {
    let host = |n: u32| {
        AddrSpec::host(std::net::Ipv4Addr::from(0x1000_0000 + n.wrapping_mul(2_654_435_761) % 0x1000_0000).into())
    };
    (0..count)
        .map(|n| Element { collection: Collection::Ip4Host, key: host(n), expires: NOW.plus_secs(3_600) })
        .collect()
}
