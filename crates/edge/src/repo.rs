//! Rows and statements. The only place of this room that writes SQL.

pub(crate) mod desired;
pub(crate) mod directive;
pub(crate) mod point;
pub(crate) mod realm;

use base::AddrSpec;
use store::StoreError;

use crate::guard::overlap::bounds;

/// A range's end as bytes that sort like addresses: the family, then the address.
pub(crate) fn range(key: AddrSpec) -> (Vec<u8>, Vec<u8>) {
    let family = if key.is_v4() { 4_u8 } else { 6 };
    let bytes = |address: u128| std::iter::once(family).chain(address.to_be_bytes()).collect();
    let (first, last) = bounds(key);
    (bytes(first), bytes(last))
}

/// A stored word, number or document that does not read.
pub(crate) fn shape(what: &str) -> StoreError {
    StoreError::Shape(format!("edge: {what}"))
}
