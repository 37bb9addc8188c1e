//! Blocks and exceptions, and any route of the API by its path.

use std::io::Write;

use lianfang_node::cli::Switch;
use reqwest::Method;
use serde_json::{Value, json};

use crate::cli::{ApiCall, Block, BlockAdd, Remote};
use crate::command::client::Centre;
use crate::command::manage::{show, word};
use crate::exit::Failure;
use crate::output;

/// `lianfang block ...`
pub(crate) async fn run(command: Block) -> Result<(), Failure> {
    match command {
        Block::List { remote, state } => {
            let rows = Centre::of(&remote)?.all("/api/v1/directives", &[("state", &state)], 100_000).await?;
            let columns = [
                ("VALUE", "key"),
                ("INTENT", "intent"),
                ("STATE", "state"),
                ("UNTIL", "expires"),
                ("REASON", "reason"),
                ("ID", "id"),
            ];
            output::rows(remote.json, &rows, &columns);
            Ok(())
        }
        Block::Show { remote, id } => {
            let centre = Centre::of(&remote)?;
            let found = centre.json(centre.request(Method::GET, &format!("/api/v1/directives/{id}"))).await?;
            show(remote.json, &found, |found| format!("{found:#}"));
            Ok(())
        }
        Block::Add(args) => add(args).await,
        Block::Approve { remote, id } => decide(&remote, &id, "approve", &json!({})).await,
        Block::Decline { remote, id } => decide(&remote, &id, "decline", &json!({})).await,
        Block::Withdraw { remote, id, reason } => decide(&remote, &id, "withdraw", &json!({"reason": reason})).await,
        Block::Kill { remote, state, point } => {
            let centre = Centre::of(&remote)?;
            let on = state == Switch::On;
            let path = point.map_or_else(|| "/api/v1/kill".to_owned(), |id| format!("/api/v1/points/{id}/kill"));
            centre.send(centre.request(Method::POST, &path).json(&json!({"on": on}))).await?;
            show(remote.json, &json!({"kill": on}), |_| {
                if on { "nothing is denied any more".to_owned() } else { "denying goes on".to_owned() }
            });
            Ok(())
        }
    }
}

async fn decide(remote: &Remote, id: &str, verb: &str, body: &Value) -> Result<(), Failure> {
    let centre = Centre::of(remote)?;
    let request = centre.request(Method::POST, &format!("/api/v1/directives/{id}/{verb}")).json(body);
    let after = centre.json(request).await?;
    show(remote.json, &after, |after| format!("{}: {}", word(after, "key"), word(after, "state")));
    Ok(())
}

async fn add(args: BlockAdd) -> Result<(), Failure> {
    let centre = Centre::of(&args.remote)?;
    let body = json!({
        "value": args.value,
        "intent": if args.allow { "allow" } else { "deny" },
        "hours": args.hours,
        "reason": args.reason,
        "org": args.org,
        "tlp": args.tlp,
    });
    let made = centre.json(centre.request(Method::POST, "/api/v1/directives").json(&body)).await?;
    show(args.remote.json, &made, |made| {
        let (key, state) = (word(made, "key"), word(made, "state"));
        format!("{key}: {state} until {}, id {}", word(made, "expires"), word(made, "id"))
    });
    Ok(())
}

/// `lianfang api METHOD PATH`
pub(crate) async fn call(args: ApiCall) -> Result<(), Failure> {
    let centre = Centre::of(&args.remote)?;
    let method = Method::from_bytes(args.method.to_ascii_uppercase().as_bytes())
        .map_err(|_not_a_word| Failure::usage(format!("{}: GET, POST, PATCH, PUT or DELETE", args.method)))?;
    if !args.path.starts_with('/') {
        return Err(Failure::usage(format!("{}: a path begins with /, for example /api/v1/findings", args.path)));
    }
    if args.all {
        let url = reqwest::Url::parse(&format!("https://centre.invalid{}", args.path))
            .map_err(|error| Failure::usage(format!("{}: {error}", args.path)))?;
        // The pages are walked here.
        let query: Vec<(String, String)> =
            url.query_pairs().into_owned().filter(|(key, _)| !matches!(key.as_str(), "limit" | "after")).collect();
        let query: Vec<(&str, &str)> = query.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        let rows = centre.all(url.path(), &query, usize::MAX).await?;
        let lines: Vec<String> = rows.iter().map(Value::to_string).collect();
        return put(args.out.as_deref(), lines.join("\n").as_bytes());
    }
    let mut request = centre.request(method, &args.path);
    if let Some(data) = args.data {
        let body = match data.strip_prefix('@') {
            Some(file) => std::fs::read(file).map_err(|error| Failure::usage(format!("--data @{file}: {error}")))?,
            None => data.into_bytes(),
        };
        request = request.header("content-type", "application/json").body(body);
    }
    if let Some(tag) = args.if_match {
        request = request.header("if-match", format!("\"{}\"", tag.trim_matches('"')));
    }
    let body = centre.send(request).await?.bytes().await.map_err(|error| centre.unreachable(&error))?;
    put(args.out.as_deref(), &body)
}

/// Writes an answer into a file, or prints it as it came.
fn put(out: Option<&std::path::Path>, body: &[u8]) -> Result<(), Failure> {
    match out {
        Some(path) => output::private(path)
            .and_then(|mut file| file.write_all(body))
            .map_err(|error| Failure::refused(format!("{}: {error}", path.display()))),
        None => {
            let text = String::from_utf8_lossy(body);
            if !text.is_empty() {
                output::line(text.trim_end_matches('\n'));
            }
            Ok(())
        }
    }
}
