//! The acknowledged way in for files and foreign fleets.

use std::collections::HashMap;

use access::{Action, Caller};
use axum::Extension;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use base::limits;
use http::{HeaderMap, StatusCode, header};
use logwire::Format;
use sensor::SensorError;

use crate::context::ApiCtx;
use crate::encoding;
use crate::problem::{Answer, BAD_BODY, BUSY, NOT_FOUND};
use crate::reply::{self, Reply};
use crate::table::{Route, Rule, Table};

/// A body whose lines are `<occurrence>\t<raw line>`: how the command line resumes a file in the middle.
pub const NUMBERED: &str = "application/vnd.lianfang.numbered-lines";

/// Adds the ingest routes.
#[must_use]
pub fn add(table: Table) -> Table {
    table.add(
        Route::post(
            "/api/v1/ingest/{kind}",
            Rule::May(Action::Ingest),
            "ingest",
            "Take lines of a log; durable when answered",
        )
        .gives("LinesAnswer")
        .query(
            "org",
            "code name of the organisation the lines belong to; a token bound to one organisation may leave it out",
        )
        .takes_raw("application/x-ndjson"),
        lines,
    )
}

async fn lines(
    State(ctx): State<ApiCtx>,
    Extension(caller): Extension<Caller>,
    Path(kind): Path<String>,
    Query(query): Query<HashMap<String, String>>,
    headers: HeaderMap,
    body: Bytes,
) -> Reply {
    let format = Format::from_word(&kind).ok_or_else(|| {
        let known: Vec<&str> = Format::ALL.iter().map(|format| format.word()).collect();
        Answer::of(&NOT_FOUND, format!("the kinds are {}", known.join(", ")))
    })?;
    let org = match query.get("org") {
        Some(code) => super::organisation(&ctx, &caller, code).await?,
        None => caller.org(),
    };
    let _unpacked = ctx.room.unpack(&headers).await?;
    let plain = tokio::task::spawn_blocking({
        let headers = headers.clone();
        move || encoding::plain(&headers, body)
    })
    .await
    .map_err(|_| Answer::of(&crate::problem::INTERNAL, ""))??;
    let numbered = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| value.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case(NUMBERED));
    let lines = split(&plain, numbered)?;
    let count = lines.len() as u64;
    ctx.metrics.counter("ingest_lines", "Lines that came in.").inc_by(count);
    let answer = ctx.intake.accept_lines(&caller, org, format, lines.into_iter()).await.map_err(busy_or)?;
    reply::json(StatusCode::OK, &answer)
}

/// Lines with their occurrence: as the sender numbered them, or counted within this body.
fn split(plain: &[u8], numbered: bool) -> Result<Vec<(u32, &[u8])>, Answer> {
    let mut seen: HashMap<&[u8], u32> = HashMap::new();
    let mut out = Vec::new();
    let plain = plain.strip_prefix(b"\xef\xbb\xbf").unwrap_or(plain);
    for (index, line) in plain.split(|byte| *byte == b'\n').enumerate() {
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        if out.len() as u64 >= limits::INGEST_LINES.most {
            return Err(Answer::from(SensorError::TooManyLines));
        }
        if numbered {
            let (number, rest) = number_of(line).ok_or_else(|| {
                Answer::of(&BAD_BODY, format!("line {} has no occurrence number before a tab", index + 1))
            })?;
            out.push((number, rest));
        } else {
            let raw = line.strip_suffix(b"\r").unwrap_or(line);
            let count = seen.entry(raw).or_insert(0);
            out.push((*count, line));
            *count += 1;
        }
    }
    Ok(out)
}

fn number_of(line: &[u8]) -> Option<(u32, &[u8])> {
    let tab = line.iter().position(|byte| *byte == b'\t')?;
    let (head, rest) = line.split_at_checked(tab)?;
    let number = std::str::from_utf8(head).ok()?.parse().ok()?;
    Some((number, rest.get(1..)?))
}

/// The answer of an error that may be worth repeating.
pub(crate) fn busy_or(error: SensorError) -> Answer {
    match error {
        SensorError::Full { retry_after } => Answer::of(&BUSY, "the journal is full").retry_after(retry_after),
        other => Answer::from(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn occurrences_are_counted_or_taken() {
        assert_eq!(split(b"a\nb\na\r\na", false).unwrap(), [(0, &b"a"[..]), (0, b"b"), (1, b"a\r"), (2, b"a")]);
        assert_eq!(split(b"0\ta\n7\tb\tc\n", true).unwrap(), [(0, &b"a"[..]), (7, b"b\tc")]);
        assert!(split(b"a\n", true).is_err());
        assert!(split(b"99999999999\ta\n", true).is_err());
    }
}
