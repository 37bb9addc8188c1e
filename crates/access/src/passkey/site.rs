//! Where passkeys are offered: the addresses of this centre that have a name.
//!
//! A passkey belongs to a name (the relying-party id), never to an IP address (WebAuthn section 5.1.2). Which origins
//! count is configured, never taken from the request: another service on the same host must not collect our assertions.

/// An address at which passkeys are offered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Site {
    /// What the browser calls it: `https://centre.example:8443`.
    pub origin: String,
    /// The relying-party id: `centre.example`.
    pub rp_id: String,
}

impl Site {
    /// The site of an origin; none for anything but `https`, a name and perhaps a port.
    #[must_use]
    pub fn of(origin: &str) -> Option<Self> {
        let authority = origin.strip_prefix("https://")?;
        let (name, port) = match authority.split_once(':') {
            Some((name, port)) => (name, Some(port)),
            None => (authority, None),
        };
        let port_is_right = port.is_none_or(|port| {
            !port.starts_with('0')
                && port != "443"
                && port.bytes().all(|b| b.is_ascii_digit())
                && port.parse::<u16>().is_ok()
        });
        (is_name(name) && port_is_right).then(|| Self { origin: origin.to_owned(), rp_id: name.to_owned() })
    }

    /// The site of one of our names at a port; none for an IP address.
    #[must_use]
    pub fn named(name: &str, port: u16) -> Option<Self> {
        let name = name.to_ascii_lowercase();
        Self::of(&if port == 443 { format!("https://{name}") } else { format!("https://{name}:{port}") })
    }

    /// The site that a visitor reached, by the host their browser named.
    #[must_use]
    pub fn reached(origins: &[String], host: &str) -> Option<Self> {
        let host = host.to_ascii_lowercase();
        let origin = format!("https://{}", host.strip_suffix(":443").unwrap_or(&host));
        origins.contains(&origin).then(|| Self::of(&origin)).flatten()
    }
}

/// A host name as browsers write it: lower case, and not an address (its last part has a letter).
fn is_name(name: &str) -> bool {
    let part = |part: &str| {
        !part.is_empty()
            && part.len() <= 63
            && !part.starts_with('-')
            && !part.ends_with('-')
            && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'_'))
    };
    let letter = |part: &str| part.bytes().any(|b| b.is_ascii_lowercase());
    name.len() <= 253 && name.split('.').all(part) && name.rsplit('.').next().is_some_and(letter)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_sites_and_addresses_are_not() {
        let site = Site::of("https://centre.example:8443").unwrap();
        assert_eq!((site.origin.as_str(), site.rp_id.as_str()), ("https://centre.example:8443", "centre.example"));
        for good in
            ["https://localhost:8443", "https://centre.example", "https://xn--fiq228c.example", "https://duty-1"]
        {
            assert!(Site::of(good).is_some(), "{good}");
        }
        for bad in [
            "https://127.0.0.1:8443",
            "https://[::1]:8443",
            "https://0x7f.1",
            "http://centre.example",
            "https://Centre.example",
            "https://centre.example/",
            "https://centre.example:443",
            "https://centre.example:0",
            "https://centre.example:08443",
            "https://centre.example:99999",
            "https://centre.example:+1",
            "https://user@centre.example",
            "https://centre..example",
            "https://",
            "centre.example",
        ] {
            assert_eq!(Site::of(bad), None, "{bad}");
        }
        assert_eq!(Site::named("Centre.Example", 443).unwrap().origin, "https://centre.example");
        assert_eq!(Site::named("192.0.2.1", 8443), None);
    }

    #[test]
    fn only_configured_origins_are_reached() {
        let origins = ["https://centre.example:8443".to_owned(), "https://centre.example".to_owned()];
        let reached = |host| Site::reached(&origins, host).map(|site| site.origin);
        assert_eq!(reached("Centre.example:8443").as_deref(), Some("https://centre.example:8443"));
        assert_eq!(reached("centre.example:443").as_deref(), Some("https://centre.example"));
        for foreign in ["centre.example:9999", "evil.example", "a.centre.example:8443", "127.0.0.1:8443", ""] {
            assert_eq!(reached(foreign), None, "{foreign}");
        }
    }
}
