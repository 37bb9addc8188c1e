//! Addresses of pages with their state in the query string.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// Everything but what RFC 3986 calls unreserved.
const PART: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Escapes one part of an address.
pub(crate) fn part(text: &str) -> String {
    utf8_percent_encode(text, PART).to_string()
}

/// The state of a list as it stands in the address: ordered pairs, empty ones left out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Query {
    pub(crate) path: String,
    pub(crate) pairs: Vec<(String, String)>,
}

impl Query {
    /// The page itself.
    pub(crate) fn at(path: impl Into<String>) -> Self {
        Self { path: path.into(), pairs: Vec::new() }
    }

    /// The value of a key.
    pub(crate) fn get(&self, key: &str) -> Option<&str> {
        self.pairs.iter().find(|(k, _)| k == key).map(|(_, v)| v.as_str())
    }

    /// The same address with the key set; an empty value takes it out.
    pub(crate) fn with(&self, key: &str, value: &str) -> Self {
        let mut next = self.clone();
        next.pairs.retain(|(k, _)| k != key);
        if !value.is_empty() {
            next.pairs.push((key.to_owned(), value.to_owned()));
        }
        next
    }

    /// The address.
    pub(crate) fn href(&self) -> String {
        let mut out = self.path.clone();
        for (i, (key, value)) in self.pairs.iter().filter(|(_, v)| !v.is_empty()).enumerate() {
            out.push(if i == 0 { '?' } else { '&' });
            out.push_str(&part(key));
            out.push('=');
            out.push_str(&part(value));
        }
        out
    }

    /// The address with one more condition in its query `q`.
    pub(crate) fn narrowed(&self, condition: &str) -> String {
        // What is counted is narrowed before it is counted.
        let old = before_pipe(self.get("q").unwrap_or_default());
        let q = if old.is_empty() { condition.to_owned() } else { format!("({old}) {condition}") };
        self.with("q", &q).with("after", "").href()
    }
}

/// A query without what is done with its rows (`| by FIELD`).
pub(crate) fn before_pipe(query: &str) -> &str {
    let cut = query.rfind(['|', '｜']).filter(|at| {
        let after = query.get(*at..).unwrap_or_default().trim_start_matches(['|', '｜']).trim_start();
        after.get(..2).is_some_and(|word| word.eq_ignore_ascii_case("by"))
    });
    cut.map_or(query, |at| query.get(..at).unwrap_or_default()).trim()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn state_is_escaped_and_replaced() {
        let here = Query::at("/findings").with("q", "a:\"b c\"&x").with("after", "zz");
        assert_eq!(here.href(), "/findings?q=a%3A%22b%20c%22%26x&after=zz");
        assert_eq!(here.with("after", "").href(), "/findings?q=a%3A%22b%20c%22%26x");
        assert_eq!(here.with("q", "誘捕").get("q"), Some("誘捕"));
        assert_eq!(Query::at("/x").with("q", "a or b").narrowed("-c:d"), "/x?q=%28a%20or%20b%29%20-c%3Ad");
        assert_eq!(Query::at("/x").with("q", "a | by b").narrowed("c:d"), "/x?q=%28a%29%20c%3Ad");
        assert_eq!(before_pipe("\"a|b\""), "\"a|b\"");
    }
}
