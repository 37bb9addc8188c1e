//! Style sheet, scripts and pictures of the portal, embedded in the program; a leaf.
//!
//! Our own files are in `files/`. htmx and uPlot are installed from npm by lock file (`npm ci` in `npm/`) and embedded
//! when they are there; the portal works without them, because every page works without script.
//!
//! **Enters:** a name or an address. **Leaves:** bytes with their media type and entity tag.

include!(concat!(env!("OUT_DIR"), "/table.rs"));

/// An embedded file.
#[derive(Debug, Clone, Copy)]
pub struct Asset {
    /// Its name: `portal.css`.
    pub name: &'static str,
    /// Its address, with a hash of the content: `/assets/portal.0123456789ab.css`; may be cached for ever.
    pub url: &'static str,
    /// The entity tag, quoted.
    pub etag: &'static str,
    /// The media type.
    pub media: &'static str,
    /// The content.
    pub bytes: &'static [u8],
}

/// The file of a name, where this build has it.
#[must_use]
pub fn named(name: &str) -> Option<&'static Asset> {
    ALL.iter().find(|asset| asset.name == name)
}

/// The file at an address (`/assets/...`), as [`Asset::url`] gives it.
#[must_use]
pub fn at(url: &str) -> Option<&'static Asset> {
    ALL.iter().find(|asset| asset.url == url)
}

/// The address of a file of our own; empty for a foreign one that this build was made without.
#[must_use]
pub fn url(name: &str) -> &'static str {
    named(name).map_or("", |asset| asset.url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_files_are_there_and_found_by_address() {
        for name in ["portal.css", "portal.js", "chart.js", "icons.svg", "favicon.svg"] {
            let asset = named(name).unwrap();
            assert!(!asset.bytes.is_empty());
            assert_eq!(at(asset.url).unwrap().name, name);
        }
        assert_eq!(url("nonsense"), "");
        assert!(at("/assets/portal.css").is_none(), "only the hashed address is answered");
    }

    #[test]
    fn nothing_points_to_another_origin() {
        for name in ["portal.css", "portal.js", "chart.js"] {
            let text = std::str::from_utf8(named(name).unwrap().bytes).unwrap();
            for foreign in ["http://", "https://", "//cdn", "@import", "eval(", "new Function", "innerHTML"] {
                assert!(!text.contains(foreign), "{name} holds {foreign}");
            }
        }
    }

    #[test]
    fn the_lock_file_names_no_registry() {
        let lock = include_str!("../npm/package-lock.json");
        assert!(!lock.contains("\"resolved\""));
        assert_eq!(lock.matches("\"integrity\"").count(), 2);
    }

    /// Every colour pair that carries text reaches WCAG AA (4.5:1) in both themes.
    #[test]
    fn text_colours_reach_aa() {
        let css = std::str::from_utf8(named("portal.css").unwrap().bytes).unwrap();
        let pairs = [
            ("--ink", "--ground"),
            ("--ink", "--surface"),
            ("--muted", "--ground"),
            ("--muted", "--surface"),
            ("--muted", "--sunken"),
            ("--accent", "--surface"),
            ("--accent", "--ground"),
            ("--accent", "--sunken"),
            ("--on-accent", "--accent-fill"),
            ("--on-danger", "--danger-fill"),
            ("--critical", "--critical-bg"),
            ("--high", "--high-bg"),
            ("--medium", "--medium-bg"),
            ("--low", "--low-bg"),
            ("--good", "--good-bg"),
            ("--critical", "--surface"),
            ("--high", "--surface"),
            ("--good", "--surface"),
        ];
        for theme in ["/* light */", "/* dark */"] {
            let block = css.split(theme).nth(1).unwrap().split('}').next().unwrap();
            for (front, back) in pairs {
                let ratio = contrast(colour(block, front), colour(block, back));
                assert!(ratio >= 4.5, "{theme} {front} on {back}: {ratio:.2}");
            }
        }
    }

    fn colour(block: &str, name: &str) -> [f64; 3] {
        let hex = block.split(&format!("{name}: #")).nth(1).unwrap_or_else(|| panic!("no {name}")).get(..6).unwrap();
        let part = |i: usize| f64::from(u8::from_str_radix(hex.get(i..i + 2).unwrap(), 16).unwrap()) / 255.0;
        [part(0), part(2), part(4)]
    }

    fn contrast(a: [f64; 3], b: [f64; 3]) -> f64 {
        let light = |c: [f64; 3]| {
            let linear = c.map(|v| if v <= 0.039_28 { v / 12.92 } else { ((v + 0.055) / 1.055).powf(2.4) });
            0.2126f64.mul_add(linear[0], 0.7152f64.mul_add(linear[1], 0.0722 * linear[2]))
        };
        let (a, b) = (light(a), light(b));
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }
}
