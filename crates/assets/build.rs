//! Embeds the files of the portal: our own from `files/`, and htmx and uPlot from `npm/node_modules` where
//! `npm ci` has put them. Without them the portal still works; only live updates and the interactive chart are missing.

use sha2::{Digest, Sha256};
use std::error::Error;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

/// Our own files: name, media type.
const OWN: &[(&str, &str)] = &[
    ("portal.css", "text/css; charset=utf-8"),
    ("portal.js", "text/javascript; charset=utf-8"),
    ("chart.js", "text/javascript; charset=utf-8"),
    ("icons.svg", "image/svg+xml"),
    ("favicon.svg", "image/svg+xml"),
];

/// Other people's files: name, where `npm ci` puts it, media type.
const FOREIGN: &[(&str, &str, &str)] = &[
    ("htmx.js", "htmx.org/dist/htmx.min.js", "text/javascript; charset=utf-8"),
    ("uplot.js", "uplot/dist/uPlot.iife.min.js", "text/javascript; charset=utf-8"),
    ("uplot.css", "uplot/dist/uPlot.min.css", "text/css; charset=utf-8"),
];

fn main() -> Result<(), Box<dyn Error>> {
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?);
    let mut table = String::from("/// Every embedded file.\npub static ALL: &[Asset] = &[\n");
    for (name, media) in OWN {
        add(&mut table, name, &root.join("files").join(name), media)?;
    }
    let modules = root.join("npm/node_modules");
    println!("cargo::rerun-if-changed={}", modules.display());
    for (name, inside, media) in FOREIGN {
        let path = modules.join(inside);
        println!("cargo::rerun-if-changed={}", path.display());
        if path.is_file() {
            add(&mut table, name, &path, media)?;
        }
    }
    table.push_str("];\n");
    fs::write(PathBuf::from(env::var("OUT_DIR")?).join("table.rs"), table)?;
    Ok(())
}

/// One row of the table: the file's address holds a hash of its content, so that it can be cached for ever.
fn add(table: &mut String, name: &str, path: &Path, media: &str) -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed={}", path.display());
    let bytes = fs::read(path).map_err(|e| format!("{}: {e}", path.display()))?;
    let hash = hex::encode(Sha256::digest(&bytes));
    let short = hash.get(..12).ok_or("a hash has 64 digits")?;
    let (stem, extension) = name.rsplit_once('.').ok_or("an asset has an extension")?;
    writeln!(
        table,
        "    Asset {{ name: {name:?}, url: \"/assets/{stem}.{short}.{extension}\", etag: \"\\\"{short}\\\"\", media: {media:?}, bytes: include_bytes!({path:?}) }},"
    )?;
    Ok(())
}
