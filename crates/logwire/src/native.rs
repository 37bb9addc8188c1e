//! Our own NDJSON: one [`AttackEvent`] per line.

use base::Problem;
use base::code::excerpt;

use crate::attack::AttackEvent;
use crate::code;

/// Reads one line of a batch or of our own export.
///
/// # Errors
/// `LF-ING-0005` for anything that is not an attack event, the field's code where one is out of bounds.
pub fn parse(line: &str) -> Result<AttackEvent, Problem> {
    serde_json::from_str::<AttackEvent>(line).map_err(|error| refused(&error))?.check()
}

/// JSON that does not parse, or lacks what the format needs, told apart.
pub(crate) fn refused(error: &serde_json::Error) -> Problem {
    let code = match error.classify() {
        serde_json::error::Category::Data => &code::NOT_THIS_FORMAT,
        _ => &code::NOT_JSON,
    };
    Problem::new(code, excerpt(&error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_broken_from_foreign() {
        let good = r#"{"at":"2026-11-21T06:05:09Z","session":"a","src_ip":"203.0.113.7","src_port":1,"dst_port":23,
            "protocol":"telnet","transport":"tcp","kind":"cmd.input","line":"sh"}"#;
        assert_eq!(parse(good).unwrap().what.kind(), "cmd.input");
        assert_eq!(parse("{\"at\":").unwrap_err().code.id, "LF-ING-0005");
        assert_eq!(parse("{}").unwrap_err().code.id, "LF-ING-0006");
        assert_eq!(parse(&good.replace("cmd.input", "no.such")).unwrap_err().code.id, "LF-ING-0006");
    }
}
