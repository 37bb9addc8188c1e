//! `lianfang audit export` through the API and `lianfang audit verify` without any centre.

use std::fs::File;
use std::io::{BufReader, Write};

use futures::StreamExt;
use reqwest::Method;
use serde_json::json;

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
                    File::create(path).map_err(|error| Failure::refused(format!("{}: {error}", path.display())))?,
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
        Audit::Verify { file, key, json } => verify(&file, key.as_deref(), json),
    }
}

fn verify(path: &std::path::Path, key: Option<&str>, json: bool) -> Result<(), Failure> {
    let file = File::open(path).map_err(|error| Failure::data(format!("{}: {error}", path.display())))?;
    let verified = store::audit::verify(BufReader::new(file))
        .map_err(|broken| Failure::data(format!("{}: {broken}", path.display())))?;
    let shown = hex::encode(verified.key);
    if key.is_some_and(|expected| !expected.eq_ignore_ascii_case(&shown)) {
        return Err(Failure::data(format!(
            "{}: signed by {shown}, which is not the key that was expected",
            path.display()
        )));
    }
    let root = hex::encode(verified.root);
    if json {
        output::line(
            &json!({"size": verified.size, "root": root, "origin": verified.origin, "key": shown}).to_string(),
        );
    } else {
        output::line(&format!("size {}\nroot {root}\norigin {}\nkey {shown}", verified.size, verified.origin));
    }
    Ok(())
}
