//! The portal's cookies. The prefix `__Host-` binds them to this origin, over TLS (RFC 6265bis section 4.1.3).

use http::HeaderMap;
use http::header::{COOKIE, HeaderValue};

/// The session.
pub(crate) const SESSION: &str = "__Host-lianfang";
/// A visitor before signing in: only binds form tokens to one browser.
pub(crate) const VISIT: &str = "__Host-lianfang-visit";
/// A device that has shown a second factor.
pub(crate) const DEVICE: &str = "__Host-lianfang-device";
/// Language chosen on this device.
pub(crate) const LANG: &str = "__Host-lianfang-lang";
/// Theme chosen on this device.
pub(crate) const THEME: &str = "__Host-lianfang-theme";

/// The value of a cookie.
pub(crate) fn read(headers: &HeaderMap, name: &str) -> Option<String> {
    headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find_map(|(key, value)| (key == name && !value.is_empty()).then(|| value.to_owned()))
}

/// A cookie that scripts cannot read; without an age it ends with the browser.
pub(crate) fn set(name: &str, value: &str, seconds: Option<i64>) -> Option<HeaderValue> {
    let age = seconds.map_or_else(String::new, |s| format!("; Max-Age={s}"));
    HeaderValue::from_str(&format!("{name}={value}; Path=/; Secure; HttpOnly; SameSite=Lax{age}")).ok()
}

/// Takes a cookie back.
pub(crate) fn clear(name: &str) -> Option<HeaderValue> {
    set(name, "", Some(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_one_of_many() {
        let mut headers = HeaderMap::new();
        headers.append(COOKIE, HeaderValue::from_static("a=1; __Host-lianfang=x.y"));
        headers.append(COOKIE, HeaderValue::from_static("b=2"));
        assert_eq!(read(&headers, SESSION).as_deref(), Some("x.y"));
        assert_eq!(read(&headers, "b").as_deref(), Some("2"));
        assert_eq!(read(&headers, "c"), None);
    }

    #[test]
    fn a_value_cannot_break_out() {
        assert!(set("a", "x\r\nSet-Cookie: b=1", None).is_none());
    }
}
