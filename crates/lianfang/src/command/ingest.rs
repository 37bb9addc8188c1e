//! `lianfang ingest`: files to the centre in parts; each part is acknowledged, each line has its occurrence in the file.
//!
//! Lines that stand more than once in a file are told apart by their occurrence, so that sending a file again, or going
//! on after a crash, never makes a line twice and never loses one.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::time::Duration;

use base::limits;
use indicatif::{ProgressBar, ProgressStyle};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::cli::Ingest;
use crate::command::client::{Centre, problem};
use crate::exit::Failure;
use crate::output;

/// Plain bytes of one part.
const PART_BYTES: usize = 4 << 20;
/// Lines of one part.
const PART_LINES: usize = 20_000;

/// What all parts said.
#[derive(Debug, Default)]
struct Sum {
    accepted: u64,
    duplicate: u64,
    rejected: u64,
    events: u64,
}

/// Sends every file and prints the sum.
pub(crate) async fn run(args: Ingest) -> Result<(), Failure> {
    let centre = Centre::of(&args.remote)?;
    let mut sum = Sum::default();
    let mut failed = None;
    for path in &args.files {
        if let Err(failure) = file(&centre, &args, path, &mut sum).await {
            failed = Some(failure);
            break;
        }
    }
    let summary =
        json!({"accepted": sum.accepted, "duplicate": sum.duplicate, "rejected": sum.rejected, "events": sum.events});
    if args.remote.json {
        output::line(&summary.to_string());
    } else {
        output::line(&format!(
            "{} lines accepted, {} known already, {} rejected; {} events",
            sum.accepted, sum.duplicate, sum.rejected, sum.events
        ));
    }
    failed.map_or(Ok(()), Err)
}

async fn file(centre: &Centre, args: &Ingest, path: &Path, sum: &mut Sum) -> Result<(), Failure> {
    let (mut reader, size) = open(path)?;
    let bar = progress(path, size);
    let mut seen: HashMap<[u8; 16], u32> = HashMap::new();
    let (mut part, mut lines, mut number, mut first) = (Vec::with_capacity(PART_BYTES), 0_usize, 0_u64, 1_u64);
    loop {
        let line = next_line(&mut reader).map_err(|error| Failure::data(format!("{}: {error}", path.display())))?;
        let ended = line.is_none();
        if let Some(line) = line {
            number += 1;
            bar.inc(line.len() as u64 + 1);
            if !blank(&line) {
                let count = seen.entry(short_hash(&line)).or_insert(0);
                part.extend_from_slice(count.to_string().as_bytes());
                part.push(b'\t');
                part.extend_from_slice(&line);
                part.push(b'\n');
                *count += 1;
                lines += 1;
            }
        }
        if lines > 0 && (ended || lines >= PART_LINES || part.len() >= PART_BYTES) {
            let answer = send(centre, args, &part).await?;
            add(sum, &answer, path, first);
            part.clear();
            lines = 0;
            first = number + 1;
        }
        if ended {
            bar.finish_and_clear();
            return Ok(());
        }
    }
}

/// Sends a part until it is taken; a full centre is waited for.
async fn send(centre: &Centre, args: &Ingest, part: &[u8]) -> Result<Value, Failure> {
    let squeezed =
        zstd::bulk::compress(part, 3).map_err(|error| Failure::refused(format!("cannot compress: {error}")))?;
    let mut wait = Duration::from_millis(250);
    let mut tries = 0_u32;
    loop {
        let mut request = centre
            .request(Method::POST, &format!("/api/v1/ingest/{}", args.format))
            .header("content-type", api::routes::ingest::NUMBERED)
            .header("content-encoding", "zstd")
            .body(squeezed.clone());
        if let Some(org) = &args.org {
            request = request.query(&[("org", org)]);
        }
        let outcome = request.send().await;
        tries += 1;
        match outcome {
            Ok(response) if response.status().is_success() => {
                return response
                    .json()
                    .await
                    .map_err(|error| Failure::refused(format!("the answer is not JSON: {error}")));
            }
            Ok(response)
                if matches!(response.status(), StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE)
                    && tries < 120 =>
            {
                let asked =
                    response.headers().get("retry-after").and_then(|v| v.to_str().ok()).and_then(|v| v.parse().ok());
                tokio::time::sleep(asked.map_or(wait, Duration::from_secs)).await;
            }
            Ok(response) => return Err(problem(response).await),
            // The centre may be starting again; the part is safe to repeat.
            Err(error) if tries < 5 && !error.is_builder() => {
                output::error_line(&format!("waiting for the centre: {error}"));
                tokio::time::sleep(wait).await;
            }
            Err(error) => return Err(centre.unreachable(&error)),
        }
        wait = (wait * 2).min(Duration::from_secs(10));
    }
}

fn add(sum: &mut Sum, answer: &Value, path: &Path, first: u64) {
    let number = |key: &str| answer.get(key).and_then(Value::as_u64).unwrap_or(0);
    sum.accepted += number("accepted");
    sum.duplicate += number("duplicate");
    sum.rejected += number("rejected");
    sum.events += number("events");
    for reason in answer.get("reasons").and_then(Value::as_array).into_iter().flatten() {
        let word = |key: &str| reason.get(key).and_then(Value::as_str).unwrap_or_default();
        let line = reason.get("line").and_then(Value::as_u64).unwrap_or(0);
        // Blank lines are not sent, so the number is that of the non-empty line within the part.
        output::error_line(&format!(
            "{}: rejected, non-empty line {line} from line {first}: {} {}",
            path.display(),
            word("code"),
            word("detail")
        ));
    }
}

fn open(path: &Path) -> Result<(Box<dyn BufRead + Send>, u64), Failure> {
    if path == Path::new("-") {
        return Ok((Box::new(BufReader::new(std::io::stdin())), 0));
    }
    let failed = |error: std::io::Error| Failure::data(format!("{}: {error}", path.display()));
    let file = File::open(path).map_err(failed)?;
    let size = file.metadata().map_err(failed)?.len();
    let buffered = BufReader::with_capacity(1 << 16, file);
    Ok(match path.extension().and_then(|extension| extension.to_str()) {
        Some("gz") => (Box::new(BufReader::new(flate2::bufread::MultiGzDecoder::new(buffered))), 0),
        Some("zst") => (Box::new(BufReader::new(zstd::Decoder::with_buffer(buffered).map_err(failed)?)), 0),
        _ => (Box::new(buffered), size),
    })
}

/// The next line without its line feed. A line longer than the door's limit is cut one byte above it: the centre then
/// refuses it by its own rule, and memory stays bounded.
fn next_line(reader: &mut (dyn BufRead + Send)) -> std::io::Result<Option<Vec<u8>>> {
    let most = usize::try_from(limits::INGEST_LINE.most).unwrap_or(65_536) + 1;
    let mut line = Vec::new();
    let got = Read::take(&mut *reader, most as u64).read_until(b'\n', &mut line)?;
    if got == 0 {
        return Ok(None);
    }
    if line.last() == Some(&b'\n') {
        line.pop();
    } else if got == most {
        skip_line(reader)?;
    }
    Ok(Some(line))
}

fn skip_line(reader: &mut (dyn BufRead + Send)) -> std::io::Result<()> {
    loop {
        let buffer = reader.fill_buf()?;
        if buffer.is_empty() {
            return Ok(());
        }
        let end = buffer.iter().position(|byte| *byte == b'\n');
        let used = end.map_or(buffer.len(), |at| at + 1);
        reader.consume(used);
        if end.is_some() {
            return Ok(());
        }
    }
}

fn blank(line: &[u8]) -> bool {
    line.iter().all(u8::is_ascii_whitespace)
}

/// Half a SHA-256: told apart within one file, that is enough.
fn short_hash(line: &[u8]) -> [u8; 16] {
    let full: [u8; 32] = Sha256::digest(line.strip_suffix(b"\r").unwrap_or(line)).into();
    let mut short = [0; 16];
    short.iter_mut().zip(full).for_each(|(to, from)| *to = from);
    short
}

fn progress(path: &Path, size: u64) -> ProgressBar {
    if !output::watched() {
        return ProgressBar::hidden();
    }
    let bar = if size > 0 { ProgressBar::new(size) } else { ProgressBar::new_spinner() };
    let style = ProgressStyle::with_template("{msg} [{bar:30}] {bytes}/{total_bytes} {bytes_per_sec} {eta}");
    bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar())).with_message(path.display().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lines_are_cut_and_the_next_one_is_whole() {
        let mut text = vec![b'x'; 200_000];
        text.extend_from_slice(b"\nshort\nlast");
        let mut reader: Box<dyn BufRead + Send> = Box::new(BufReader::new(std::io::Cursor::new(text)));
        assert_eq!(next_line(&mut *reader).unwrap().unwrap().len(), 65_537);
        assert_eq!(next_line(&mut *reader).unwrap().unwrap(), b"short");
        assert_eq!(next_line(&mut *reader).unwrap().unwrap(), b"last");
        assert!(next_line(&mut *reader).unwrap().is_none());
    }
}
