//! Keyset paging: a list goes on after the last key seen, never by counting rows.

use base::Problem;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::error::BAD_CURSOR;
use crate::value::Value;

/// The most items of one page.
pub const MOST: u32 = 1000;

/// Which page is wanted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page {
    /// The cursor of the page before ([`Paged::next`]); none for the first page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// How many items, 1 to 1000.
    #[serde(default = "default_limit")]
    pub limit: u32,
}

const fn default_limit() -> u32 {
    50
}

impl Default for Page {
    fn default() -> Self {
        Self { after: None, limit: default_limit() }
    }
}

impl Page {
    /// The first page of so many items.
    #[must_use]
    pub const fn first(limit: u32) -> Self {
        Self { after: None, limit }
    }

    /// How many items the page holds: what was asked for, within 1 to 1000.
    #[must_use]
    pub fn size(&self) -> usize {
        self.limit.clamp(1, MOST) as usize
    }

    /// The `LIMIT` to query with: one more than the page holds, which tells whether there is a next one.
    #[must_use]
    pub fn fetch(&self) -> i64 {
        i64::from(self.limit.clamp(1, MOST)) + 1
    }

    /// The key values to go on after; none on the first page. `list` names the list and its order.
    ///
    /// # Errors
    /// `LF-STO-0009` when the cursor belongs to another list or was altered.
    pub fn keys(&self, list: &str) -> Result<Option<Vec<Value>>, Problem> {
        self.after.as_deref().map(|text| Cursor::decode(list, text)).transpose()
    }
}

/// A page of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Paged<T> {
    /// The items.
    pub items: Vec<T>,
    /// The cursor of the next page; none on the last one.
    pub next: Option<String>,
}

impl<T> Paged<T> {
    /// Cuts what was fetched with [`Page::fetch`] to the page; `keys` are the ordering values of an item.
    pub fn cut(mut items: Vec<T>, page: &Page, list: &str, keys: impl FnOnce(&T) -> Vec<Value>) -> Self {
        let more = items.len() > page.size();
        items.truncate(page.size());
        let next = items.last().filter(|_| more).map(|last| Cursor::encode(list, &keys(last)));
        Self { items, next }
    }

    /// The same page with other items.
    pub fn map<U>(self, change: impl FnMut(T) -> U) -> Paged<U> {
        Paged { items: self.items.into_iter().map(change).collect(), next: self.next }
    }
}

/// The opaque text form of key values. Its check keeps a cursor from being used on another list; it is no secret and
/// grants nothing: the clearance decides what a page holds.
#[derive(Debug, Clone, Copy)]
pub struct Cursor;

const CHECK: usize = 6;

impl Cursor {
    /// The cursor after these key values of the list.
    #[must_use]
    pub fn encode(list: &str, keys: &[Value]) -> String {
        let keys: Vec<_> = keys
            .iter()
            .map(|key| match key {
                Value::Null => json!(null),
                Value::Int(number) => json!(number),
                Value::Text(text) => json!(text),
                Value::Real(number) => json!({"r": number.to_bits()}),
                Value::Bytes(bytes) => json!({"b": hex::encode(bytes)}),
                Value::Uuid(id) => json!({"u": id}),
            })
            .collect();
        let text = serde_json::Value::from(keys).to_string();
        let mut bytes = check(list, text.as_bytes()).to_vec();
        bytes.extend_from_slice(text.as_bytes());
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// The key values of a cursor.
    ///
    /// # Errors
    /// `LF-STO-0009` when it belongs to another list or was altered.
    pub fn decode(list: &str, text: &str) -> Result<Vec<Value>, Problem> {
        decode(list, text).ok_or_else(|| Problem::new(&BAD_CURSOR, ""))
    }
}

fn decode(list: &str, text: &str) -> Option<Vec<Value>> {
    let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
    let (sum, text) = bytes.split_at_checked(CHECK)?;
    if *sum != check(list, text) {
        return None;
    }
    let keys: Vec<serde_json::Value> = serde_json::from_slice(text).ok()?;
    keys.iter().map(key).collect()
}

fn key(value: &serde_json::Value) -> Option<Value> {
    if value.is_null() {
        return Some(Value::Null);
    }
    if let Some(number) = value.as_i64() {
        return Some(Value::Int(number));
    }
    if let Some(text) = value.as_str() {
        return Some(Value::Text(text.to_owned()));
    }
    let (name, value) = value.as_object()?.iter().next()?;
    match name.as_str() {
        "r" => value.as_u64().map(|bits| Value::Real(f64::from_bits(bits))),
        "b" => hex::decode(value.as_str()?).ok().map(Value::Bytes),
        "u" => value.as_str()?.parse().ok().map(Value::Uuid),
        _ => None,
    }
}

fn check(list: &str, text: &[u8]) -> [u8; CHECK] {
    let digest = Sha256::new().chain_update(list).chain_update([0]).chain_update(text).finalize();
    let mut out = [0; CHECK];
    out.iter_mut().zip(digest).for_each(|(to, from)| *to = from);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn any_value() -> impl Strategy<Value = Value> {
        prop_oneof![
            Just(Value::Null),
            any::<i64>().prop_map(Value::Int),
            (-1e300..1e300).prop_map(Value::Real),
            ".*".prop_map(Value::Text),
            any::<Vec<u8>>().prop_map(Value::Bytes),
            any::<u128>().prop_map(|n| Value::Uuid(uuid::Uuid::from_u128(n))),
        ]
    }

    proptest! {
        #[test]
        fn a_cursor_comes_back(keys in proptest::collection::vec(any_value(), 0..4)) {
            let text = Cursor::encode("list", &keys);
            prop_assert_eq!(Cursor::decode("list", &text).unwrap(), keys);
            prop_assert_eq!(Cursor::decode("other", &text).unwrap_err().code.id, "LF-STO-0009");
        }

        #[test]
        fn foreign_text_is_refused_without_panic(text in ".*") {
            prop_assert!(Cursor::decode("list", &text).is_err());
        }
    }

    #[test]
    fn a_page_knows_whether_there_is_another() {
        let keys = |n: &i64| vec![Value::Int(*n)];
        let page = Page::first(2);
        assert_eq!(page.fetch(), 3);
        let full = Paged::cut(vec![1, 2, 3], &page, "l", keys);
        assert_eq!(full.items, [1, 2]);
        let next = Page { after: full.next, limit: 2 };
        assert_eq!(next.keys("l").unwrap(), Some(vec![Value::Int(2)]));
        assert_eq!(Paged::cut(vec![3, 4], &next, "l", keys).next, None);
        assert_eq!((Page::first(0).size(), Page::first(9999).size()), (1, 1000));
        assert_eq!(serde_json::from_str::<Page>("{}").unwrap(), Page::default());
    }
}
