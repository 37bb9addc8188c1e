//! What commands print: data to standard output, everything else to standard error.

use std::fs::{File, OpenOptions, Permissions};
use std::io::IsTerminal;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

pub(crate) use lianfang_node::output::{error_line, line};
use serde_json::Value;

/// The file that an answer of the centre goes into, empty: only its owner reads it, also one that was there before with
/// another mode. What is no file (a pipe, `/dev/stdout`) is left as it is.
pub(crate) fn private(path: &Path) -> std::io::Result<File> {
    let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    if file.metadata()?.is_file() {
        file.set_permissions(Permissions::from_mode(0o600))?;
    }
    Ok(file)
}

/// Whether a person watches standard error.
pub(crate) fn watched() -> bool {
    std::io::stderr().is_terminal() && std::env::var_os("NO_PROGRESS").is_none()
}

/// Rows as JSON lines or as a table with the given columns (heading, key).
pub(crate) fn rows(json: bool, rows: &[Value], columns: &[(&str, &str)]) {
    if json {
        rows.iter().for_each(|row| line(&row.to_string()));
        return;
    }
    let cells: Vec<Vec<String>> =
        rows.iter().map(|row| columns.iter().map(|(_, key)| cell(row.get(*key))).collect()).collect();
    let widths: Vec<usize> = columns
        .iter()
        .enumerate()
        .map(|(i, (heading, _))| {
            cells.iter().filter_map(|row| row.get(i)).map(|text| width(text)).chain([width(heading)]).max().unwrap_or(0)
        })
        .collect();
    let print = |values: Vec<&str>| {
        let padded: Vec<String> = values
            .iter()
            .zip(&widths)
            .map(|(text, most)| format!("{text}{}", " ".repeat(most.saturating_sub(width(text)))))
            .collect();
        line(padded.join("  ").trim_end());
    };
    print(columns.iter().map(|(heading, _)| *heading).collect());
    for row in &cells {
        print(row.iter().map(String::as_str).collect());
    }
    if rows.is_empty() {
        error_line("(nothing)");
    }
}

fn cell(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => "-".to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(items)) => items.iter().map(|item| cell(Some(item))).collect::<Vec<_>>().join(","),
        Some(other) => other.to_string(),
    }
}

/// Columns a text takes on a terminal: CJK characters take two.
fn width(text: &str) -> usize {
    text.chars().map(|c| if matches!(c as u32, 0x1100..=0x115f | 0x2e80..=0xa4cf | 0xac00..=0xd7a3 | 0xf900..=0xfaff | 0xfe30..=0xfe6f | 0xff00..=0xff60 | 0xffe0..=0xffe6) { 2 } else { 1 }).sum()
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn what_the_centre_answered_is_its_owners() {
        let dir = tempfile::tempdir().unwrap();
        let (fresh, old) = (dir.path().join("fresh"), dir.path().join("old"));
        std::fs::write(&old, "longer than what comes").unwrap();
        std::fs::set_permissions(&old, PermissionsExt::from_mode(0o644)).unwrap();
        for path in [&fresh, &old] {
            super::private(path).unwrap().write_all(b"secret").unwrap();
            assert_eq!(std::fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600);
            assert_eq!(std::fs::read_to_string(path).unwrap(), "secret");
        }
        let before = std::fs::metadata("/dev/null").unwrap().permissions();
        super::private("/dev/null".as_ref()).unwrap();
        assert_eq!(std::fs::metadata("/dev/null").unwrap().permissions(), before);
    }

    #[test]
    fn chinese_takes_two_columns() {
        assert_eq!(super::width("電力ab"), 6);
    }
}
