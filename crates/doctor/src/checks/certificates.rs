//! When the centre's certificates end.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use x509_parser::pem::Pem;

use crate::Installation;
use crate::checks::{Check, Word};
use crate::say::say;

const DAY: i64 = 86_400;

/// File, days before its end from which somebody should act, and whether a restart makes a new one.
const PAPERS: [(&str, &str, i64, bool); 3] = [
    ("certificate.server", "server.pem", 60, true),
    ("certificate.authority", "ca.pem", 365, false),
    ("certificate.machines", "machine-ca.pem", 365, false),
];

pub(super) fn check(at: &Installation<'_>) -> Vec<Check> {
    if !at.data.is_dir() {
        return Vec::new();
    }
    PAPERS.iter().map(|(id, name, warn, renews)| one(id, &at.data.join("tls").join(name), at, *warn, *renews)).collect()
}

/// End of the first certificate of a PEM file, seconds since 1970; else what to call it, and why.
fn end(path: &Path) -> Result<i64, (Word, String)> {
    let bad = |why: &dyn std::fmt::Display| (Word::Bad, why.to_string());
    let text = fs::read(path).map_err(|error| match error.kind() {
        ErrorKind::PermissionDenied => (Word::Unknown, error.to_string()),
        _ => bad(&error),
    })?;
    let pem = Pem::iter_from_buffer(&text).next().ok_or_else(|| bad(&"no certificate"))?.map_err(|why| bad(&why))?;
    Ok(pem.parse_x509().map_err(|why| bad(&why))?.validity().not_after.timestamp())
}

fn one(id: &'static str, path: &Path, at: &Installation<'_>, warn: i64, renews: bool) -> Check {
    let name = path.file_name().unwrap_or_default().display();
    let act = || {
        if renews {
            say!(
                "請重新啟動中心：剩餘三分之一效期時，啟動會製作新憑證。",
                "Restart the centre: at a start with a third of its life left it makes a new one."
            )
        } else {
            say!(
                "請規劃更換憑證授權：以新的 tls 資料夾啟動，並重新註冊機器。",
                "Plan a new authority: start with a new tls folder, and enrol the machines again."
            )
        }
    };
    let end = match end(path) {
        Ok(end) => end,
        Err((word, error)) => {
            let act = say!("請檢查 tls 資料夾與權限。", "Check the folder tls and its permissions.");
            return Check::of(id, word, say!("{name}：{error}", "{name}: {error}"), act);
        }
    };
    let left = (end - at.now.as_secs()).div_euclid(DAY);
    let seen = say!("{name} 剩餘 {left} 天", "{name} ends in {left} days");
    match left {
        ..0 => Check::of(id, Word::Bad, seen, act()),
        _ if left < warn => Check::of(id, Word::Warn, seen, act()),
        _ => Check::ok(id, seen),
    }
}
