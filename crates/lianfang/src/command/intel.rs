//! `lianfang intel ...`

use reqwest::Method;
use serde_json::{Value, json};

use crate::cli::{Intel, Remote};
use crate::command::client::Centre;
use crate::command::manage::{show, word};
use crate::exit::Failure;
use crate::output;

const COLUMNS: &[(&str, &str)] = &[
    ("VALUE", "value"),
    ("KIND", "value_kind"),
    ("STATE", "state"),
    ("SCORE", "score"),
    ("UNTIL", "valid_until"),
    ("ID", "id"),
];

/// `lianfang intel ...`
pub(crate) async fn intel(command: Intel) -> Result<(), Failure> {
    match command {
        Intel::Search { remote, query, limit } => search(&remote, &query.join(" "), limit).await,
        Intel::Draft { remote, value, org, tlp, description, hours } => {
            let centre = Centre::of(&remote)?;
            let body = json!({"value": value, "org": org, "tlp": tlp, "description": description, "hours": hours});
            let made = centre.json(centre.request(Method::POST, "/api/v1/indicators").json(&body)).await?;
            show(remote.json, &made, |made| format!("{} drafted, id {}", word(made, "value"), word(made, "id")));
            Ok(())
        }
        Intel::Submit { remote, id } => step(&remote, &id, "submit", None).await,
        Intel::Withdraw { remote, id } => step(&remote, &id, "withdraw", None).await,
        Intel::Accept { remote, id } => step(&remote, &id, "accept", None).await,
        Intel::Publish { remote, id } => step(&remote, &id, "publish", None).await,
        Intel::SendBack { remote, id, reason } => step(&remote, &id, "send-back", Some(reason)).await,
        Intel::Reject { remote, id, reason } => step(&remote, &id, "reject", Some(reason)).await,
        Intel::Revoke { remote, id, reason } => step(&remote, &id, "revoke", Some(reason)).await,
        Intel::Show { remote, id } => {
            let found = Centre::of(&remote)?.get(&format!("/api/v1/indicators/{id}")).await?;
            show(remote.json, &found, |found| format!("{found:#}"));
            Ok(())
        }
        Intel::Waiting { remote } => {
            let rows = Centre::of(&remote)?.all("/api/v1/indicators/waiting", &[], 100_000).await?;
            output::rows(remote.json, &rows, COLUMNS);
            Ok(())
        }
        Intel::Note { remote, id, text } => {
            let centre = Centre::of(&remote)?;
            let request = centre.request(Method::POST, &format!("/api/v1/indicators/{id}/notes"));
            centre.send(request.json(&json!({"text": text}))).await?;
            show(remote.json, &json!({"id": id, "noted": true}), |_| "noted".to_owned());
            Ok(())
        }
    }
}

/// A step of an indicator against the version that was just read.
async fn step(remote: &Remote, id: &str, verb: &str, reason: Option<String>) -> Result<(), Failure> {
    let centre = Centre::of(remote)?;
    let path = format!("/api/v1/indicators/{id}");
    let before = centre.get(&path).await?;
    let row = before.get("indicator").unwrap_or(&Value::Null);
    let body = reason.map_or_else(|| json!({}), |reason| json!({"reason": reason}));
    let after = centre.change(Method::POST, &format!("{path}/{verb}"), row, Some(&body)).await?;
    show(remote.json, &after, |after| format!("{}: {}", word(after, "value"), word(after, "state")));
    Ok(())
}

async fn search(remote: &Remote, text: &str, limit: u32) -> Result<(), Failure> {
    let most = usize::try_from(limit).unwrap_or(100);
    let rows = Centre::of(remote)?.all("/api/v1/indicators", &[("q", text)], most).await?;
    output::rows(remote.json, &rows, COLUMNS);
    if remote.json {
        output::line(&json!({"kind": "summary", "indicators": rows.len()}).to_string());
    }
    Ok(())
}
