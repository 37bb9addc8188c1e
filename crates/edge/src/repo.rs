//! Rows and statements. The only place of this room that writes SQL.

pub(crate) mod desired;
pub(crate) mod directive;
pub(crate) mod point;
pub(crate) mod realm;

use base::{AddrSpec, Realm};
use store::{StoreError, Value};

use crate::guard::overlap::bounds;

/// A range's end as bytes that sort like addresses: the family, then the address.
pub(crate) fn range(key: AddrSpec) -> (Vec<u8>, Vec<u8>) {
    let family = if key.is_v4() { 4_u8 } else { 6 };
    let bytes = |address: u128| std::iter::once(family).chain(address.to_be_bytes()).collect();
    let (first, last) = bounds(key);
    (bytes(first), bytes(last))
}

/// Keys that one statement asks for.
pub(crate) const BATCH: usize = 16;

/// A question about one key (`$1` is the realm, the key stands between the two texts), asked for sixteen at once.
/// Sixteen equalities, not one list: a planner without statistics takes a list for dearer than reading the realm.
macro_rules! sixteen {
    ($head:literal, $tail:literal) => {
        sixteen!($head, $tail, "$2", "$3" "$4" "$5" "$6" "$7" "$8" "$9" "$10" "$11" "$12" "$13" "$14" "$15" "$16" "$17")
    };
    ($head:literal, $tail:literal, $first:literal, $($next:literal)*) => {
        concat!($head, $first, $tail $(, " UNION ALL ", $head, $next, $tail)*)
    };
}
pub(crate) use sixteen;

/// The parameters of such a statement: the realm and the keys, then values that no row has.
pub(crate) fn sixteen_params(realm: Realm, keys: &[AddrSpec]) -> Vec<Value> {
    let nobody = std::iter::repeat_n(Value::from(""), BATCH.saturating_sub(keys.len()));
    std::iter::once(realm.into()).chain(keys.iter().map(|key| key.to_string().into())).chain(nobody).collect()
}

/// A stored word, number or document that does not read.
pub(crate) fn shape(what: &str) -> StoreError {
    StoreError::Shape(format!("edge: {what}"))
}
