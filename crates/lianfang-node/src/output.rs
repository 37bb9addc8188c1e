//! Where commands print: data to standard output, everything else to standard error.

use std::io::Write;

/// Writes a line to standard output; a closed pipe ends quietly.
pub fn line(text: &str) {
    // A reader that went away (`| head`) is not an error of ours.
    let _closed = writeln!(std::io::stdout().lock(), "{text}");
}

/// Writes a line to standard error.
pub fn error_line(text: &str) {
    let _closed = writeln!(std::io::stderr().lock(), "{text}");
}
