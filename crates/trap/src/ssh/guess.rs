//! What a client's bytes are taken for: the request inside a forward, a command that waits for its input. Pure.

use logwire::attack::What;

/// The first bytes of a forwarded connection that are written down.
const FIRST: usize = 64;

/// A request line where the bytes are HTTP, the bytes in hex where they are not.
pub(super) fn first_bytes(data: &[u8]) -> What {
    let text = String::from_utf8_lossy(data.get(..data.len().min(4096)).unwrap_or_default()).into_owned();
    let mut lines = text.lines();
    let mut words = lines.next().unwrap_or_default().split(' ');
    if let (Some(verb), Some(target), Some(version)) = (words.next(), words.next(), words.next())
        && version.starts_with("HTTP/")
    {
        let agent = lines
            .find_map(|l| l.split_once(": ").filter(|(n, _)| n.eq_ignore_ascii_case("user-agent")).map(|(_, v)| v));
        let short = |t: &str| t.chars().take(512).collect::<String>();
        return What::Request { verb: short(verb), target: short(target), agent: agent.map(short) };
    }
    let start = data.get(..data.len().min(FIRST)).unwrap_or_default();
    What::Request { verb: "DATA".to_owned(), target: hex::encode(start), agent: None }
}

/// Whether a command waits for its standard input: it would write it to a file or run it.
pub(super) fn reads_input(command: &str) -> bool {
    let first = command.split(['|', ';', '&']).next().unwrap_or_default();
    let words: Vec<&str> = first.split_whitespace().collect();
    let last = command.rsplit([';', '&']).next().unwrap_or_default().trim_start();
    let lone = |text: &str| {
        let mut words = text.split_whitespace();
        let program = words.next().and_then(|w| w.rsplit('/').next()).unwrap_or_default();
        let rest = words.next();
        match program {
            "cat" | "tee" => rest.is_none_or(|r| r.starts_with('>') || program == "tee"),
            "sh" | "bash" | "ash" => rest.is_none_or(|r| r == "-s" || r.starts_with('>')),
            "dd" => !text.contains("if="),
            "tar" => text.contains("x") && !text.contains(".tar") && !text.contains(".tgz"),
            _ => false,
        }
    };
    lone(last) || (!words.is_empty() && lone(first))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_that_wait_for_input_are_known() {
        for text in [
            "cat > /tmp/x",
            "cat >/tmp/x; chmod +x /tmp/x",
            "cd /tmp; cat > .x",
            "tee /tmp/a",
            "sh",
            "bash -s",
            "dd of=/tmp/x",
        ] {
            assert!(reads_input(text), "{text}");
        }
        for text in
            ["uname -a", "cat /etc/passwd", "echo a | sh", "ls; id", "sh -c id", "dd if=/bin/ls bs=1 count=1", ""]
        {
            assert!(!reads_input(text), "{text}");
        }
    }

    #[test]
    fn first_bytes_are_named_or_shown_in_hex() {
        let http = first_bytes(b"GET http://a.example/ HTTP/1.1\r\nHost: a\r\nUser-Agent: x/1\r\n\r\n");
        assert_eq!(
            http,
            What::Request { verb: "GET".into(), target: "http://a.example/".into(), agent: Some("x/1".into()) }
        );
        assert_eq!(
            first_bytes(&[0x16, 3, 1]),
            What::Request { verb: "DATA".into(), target: "160301".into(), agent: None }
        );
    }
}
