//! Networks and values as people write them: one address or CIDR, and defanged text made whole again.

use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use crate::code::{Problem, excerpt};

crate::codes! {
    /// Not an address and not a CIDR.
    pub BAD_ADDRESS = "LF-BAS-0007", 400,
        en "This is neither an IP address nor a network in CIDR form.", zh "這不是 IP 位址，也不是 CIDR 網段。",
        act_en "Write 203.0.113.7 or 203.0.113.0/24 or 2001:db8::/32.", act_zh "請寫成 203.0.113.7、203.0.113.0/24 或 2001:db8::/32。";
    /// Host bits are set below the prefix length.
    pub HOST_BITS = "LF-BAS-0008", 400,
        en "The network has host bits set below its prefix length.", zh "網段在前綴長度之後仍有主機位元。",
        act_en "Clear the host bits, for example 203.0.113.0/24 instead of 203.0.113.7/24.", act_zh "請清除主機位元，例如以 203.0.113.0/24 取代 203.0.113.7/24。";
}

/// One address or one network, canonical: no host bits, IPv4-mapped IPv6 folded to IPv4, a full-length prefix is a host.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AddrSpec(IpNet);

impl AddrSpec {
    /// A single address.
    #[must_use]
    pub fn host(addr: IpAddr) -> Self {
        Self(IpNet::from(addr.to_canonical()))
    }

    /// The network; a host is a network of full prefix length.
    #[must_use]
    pub const fn net(self) -> IpNet {
        self.0
    }

    /// Whether it is one single address.
    #[must_use]
    pub fn is_host(self) -> bool {
        self.0.prefix_len() == self.0.max_prefix_len()
    }

    /// Whether it is IPv4.
    #[must_use]
    pub const fn is_v4(self) -> bool {
        matches!(self.0, IpNet::V4(_))
    }

    /// Whether the two share at least one address (equality, subtree or ancestor).
    #[must_use]
    pub fn overlaps(self, other: Self) -> bool {
        self.0.contains(&other.0) || other.0.contains(&self.0)
    }
}

impl fmt::Display for AddrSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_host() { self.0.addr().fmt(f) } else { self.0.fmt(f) }
    }
}

impl fmt::Debug for AddrSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for AddrSpec {
    type Err = Problem;
    fn from_str(text: &str) -> Result<Self, Problem> {
        parse_addr_spec(text)
    }
}

impl TryFrom<String> for AddrSpec {
    type Error = Problem;
    fn try_from(text: String) -> Result<Self, Problem> {
        parse_addr_spec(&text)
    }
}

impl From<AddrSpec> for String {
    fn from(spec: AddrSpec) -> Self {
        spec.to_string()
    }
}

/// Reads one address or CIDR, strictly: no host bits, no leading zeros, no port.
///
/// # Errors
/// `LF-BAS-0007` for anything else, `LF-BAS-0008` for set host bits.
pub fn parse_addr_spec(text: &str) -> Result<AddrSpec, Problem> {
    let text = text.trim();
    if let Ok(addr) = text.parse::<IpAddr>() {
        return Ok(AddrSpec::host(addr));
    }
    let net = parse_cidr(text).ok_or_else(|| Problem::new(&BAD_ADDRESS, excerpt(text)))?;
    if net.trunc() != net {
        return Err(Problem::new(&HOST_BITS, excerpt(text)));
    }
    Ok(AddrSpec(net))
}

/// Address and prefix length, each in the one way it is written: the parser of `ipnet` takes `010.1.2.0/24` and `/08`,
/// which other programs read as octal.
fn parse_cidr(text: &str) -> Option<IpNet> {
    let (addr, prefix) = text.split_once('/')?;
    let (addr, prefix_len) = (addr.parse::<IpAddr>().ok()?, prefix.parse::<u8>().ok()?);
    if prefix_len.to_string() != prefix {
        return None;
    }
    IpNet::new(addr, prefix_len).ok()
}

/// Makes defanged text whole: `hxxp`, `[.]`, `(.)`, `[:]`, and full-width digits, letters and punctuation of Chinese input methods.
#[must_use]
pub fn refang(text: &str) -> String {
    let half: String = text
        .trim()
        .chars()
        .map(|c| match c {
            '\u{ff01}'..='\u{ff5e}' => char::from_u32(c as u32 - 0xfee0).unwrap_or(c),
            '\u{3000}' => ' ',
            '\u{3002}' => '.',
            other => other,
        })
        .collect();
    let mut out = half;
    // Making one place whole can make another: it is repeated until nothing changes.
    loop {
        let next = refang_once(out.clone());
        if next == out {
            return out;
        }
        out = next;
    }
}

/// Each change shortens the text or takes an `x` out of its scheme, so repeating it ends.
fn refang_once(mut out: String) -> String {
    for (from, to) in
        [("[.]", "."), ("(.)", "."), ("{.}", "."), ("[dot]", "."), ("[:]", ":"), ("[://]", "://"), ("[@]", "@")]
    {
        if out.contains(from) {
            out = out.replace(from, to);
        }
    }
    for (from, to) in [("hxxps://", "https://"), ("hxxp://", "http://"), ("fxp://", "ftp://")] {
        if out.get(..from.len()).is_some_and(|head| head.eq_ignore_ascii_case(from)) {
            out = format!("{to}{}", out.get(from.len()..).unwrap_or_default());
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strict_and_canonical() {
        assert_eq!(parse_addr_spec("203.0.113.7/32").unwrap().to_string(), "203.0.113.7");
        assert_eq!(parse_addr_spec(" ::ffff:192.0.2.1 ").unwrap().to_string(), "192.0.2.1");
        assert_eq!(parse_addr_spec("10.0.0.1/8").unwrap_err().code.id, "LF-BAS-0008");
        let zeros =
            ["01.2.3.4", "010.1.2.0/24", "10.01.2.0/24", "10.1.2.00/24", "10.1.2.0/024", "10.1.2.0/00", "::/00"];
        let odd = ["", "/8", "1.2.3", "1.2.3/8", "1.2.3.4:80", "a.b", "1.2.3.4/33", "::1/129", "10.0.0.0/8/8"];
        for bad in zeros.iter().chain(&odd) {
            assert_eq!(parse_addr_spec(bad).unwrap_err().code.id, "LF-BAS-0007", "{bad}");
        }
    }

    #[test]
    fn overlap_is_equality_subtree_and_ancestor() {
        let spec = |t: &str| t.parse::<AddrSpec>().unwrap();
        assert!(spec("10.0.0.0/8").overlaps(spec("10.1.2.3")));
        assert!(spec("10.1.2.3").overlaps(spec("10.0.0.0/8")));
        assert!(spec("10.1.2.3").overlaps(spec("10.1.2.3")));
        assert!(!spec("10.0.0.0/8").overlaps(spec("11.0.0.0/8")));
        assert!(!spec("0.0.0.0/0").overlaps(spec("::/0")));
    }

    #[test]
    fn refangs_what_analysts_paste() {
        assert_eq!(refang("hxxps://evil[.]example/a"), "https://evil.example/a");
        assert_eq!(refang("１９２．０．２．１"), "192.0.2.1");
        assert_eq!(refang("a(.)b[:]80"), "a.b:80");
        for twice in ["http://a.example/[[.]]", "hxxp[]//.]113[.:7/a", "hxxp[:]//a", "hxxps://hxxp://a"] {
            assert_eq!(refang(&refang(twice)), refang(twice), "{twice}");
        }
    }
}
