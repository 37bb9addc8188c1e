//! `lianfang audit export` through the API and `lianfang audit verify` without any centre.

use std::fs::File;
use std::io::{BufReader, Write};
use std::path::Path;

use futures::StreamExt;
use reqwest::Method;
use serde_json::json;
use store::audit::Expected;

use crate::cli::Audit;
use crate::command::client::Centre;
use crate::exit::Failure;
use crate::output;

/// Runs the command.
pub(crate) async fn run(command: Audit) -> Result<(), Failure> {
    match command {
        Audit::Export { remote, out } => {
            let centre = Centre::of(&remote)?;
            let response = centre.send(centre.request(Method::GET, "/api/v1/audit/export")).await?;
            let mut sink: Box<dyn Write + Send> = match &out {
                Some(path) => Box::new(
                    output::private(path).map_err(|error| Failure::refused(format!("{}: {error}", path.display())))?,
                ),
                None => Box::new(std::io::stdout()),
            };
            let mut stream = response.bytes_stream();
            while let Some(chunk) = stream.next().await {
                let chunk = chunk.map_err(|error| centre.unreachable(&error))?;
                sink.write_all(&chunk)
                    .map_err(|error| Failure::refused(format!("cannot write the export: {error}")))?;
            }
            sink.flush().map_err(|error| Failure::refused(format!("cannot write the export: {error}")))
        }
        Audit::Search { remote, action, subject, actor, since, limit } => {
            let asked = [("action", action), ("subject", subject), ("actor", actor), ("since", since)];
            let query: Vec<(&str, &str)> =
                asked.iter().filter_map(|(name, value)| Some((*name, value.as_deref()?))).collect();
            let most = usize::try_from(limit).unwrap_or(100);
            let rows = Centre::of(&remote)?.all("/api/v1/audit", &query, most).await?;
            let columns = [
                ("AT", "at"),
                ("WHO", "actor"),
                ("WHAT", "action"),
                ("TO", "subject"),
                ("ENDED", "outcome"),
                ("N", "seq"),
            ];
            output::rows(remote.json, &rows, &columns);
            Ok(())
        }
        Audit::Verify { file, key, earlier, whole, json } => {
            verify(&file, key.as_deref(), earlier.as_deref(), whole, json)
        }
    }
}

fn verify(path: &Path, key: Option<&str>, earlier: Option<&Path>, whole: bool, json: bool) -> Result<(), Failure> {
    let broken = |path: &Path, why: &dyn std::fmt::Display| Failure::data(format!("{}: {why}", path.display()));
    let file = File::open(path).map_err(|error| broken(path, &error))?;
    let earlier =
        earlier.map(|note| std::fs::read_to_string(note).map_err(|error| broken(note, &error))).transpose()?;
    let grown = earlier.is_some();
    let verified = store::audit::verify_with(BufReader::new(file), &Expected { key: None, earlier, whole })
        .map_err(|why| broken(path, &why))?;
    let shown = hex::encode(verified.key);
    if key.is_some_and(|expected| !expected.eq_ignore_ascii_case(&shown)) {
        return Err(broken(path, &format!("signed by {shown}, which is not the key that was expected")));
    }
    let root = hex::encode(verified.root);
    if json {
        let answer = json!({
            "size": verified.size, "withheld": verified.withheld, "root": root, "origin": verified.origin, "key": shown,
            "key_expected": key.is_some(), "grown_from_earlier": grown,
        });
        output::line(&answer.to_string());
        return Ok(());
    }
    output::line(&format!(
        "size {}\nroot {root}\norigin {}\nkey {shown}\nwithheld {}",
        verified.size, verified.origin, verified.withheld
    ));
    if verified.withheld > 0 {
        output::error_line(&format!(
            "{} of {} entries are there as their hash alone: withheld by the centre, or removed by whoever handled the file; --whole refuses that",
            verified.withheld, verified.size
        ));
    }
    if key.is_none() {
        output::error_line("the key is the file's own: compare it with the centre's, or give --key");
    }
    if !grown {
        output::error_line(
            "nothing earlier to compare with: a history written anew would look the same; give --earlier",
        );
    }
    Ok(())
}
