//! What people at the desk decide: findings, silences, the automatic path, second looks.
//!
//! Where two people are asked for, the centre takes a person's session (`lianfang sign-in`) and refuses every token.

use reqwest::Method;
use serde_json::{Value, json};

use crate::cli::{Automatic, AutomaticSet, Finding, Night, Remote, Silence, SilenceAdd};
use crate::command::client::Centre;
use crate::command::manage::{show, word};
use crate::exit::Failure;
use crate::output;

/// `lianfang finding ...`
pub(crate) async fn finding(command: Finding) -> Result<(), Failure> {
    match command {
        Finding::List { remote, all, rule, limit } => {
            let mut query = vec![("which", if all { "all" } else { "open" })];
            query.extend(rule.as_deref().map(|rule| ("rule", rule)));
            let most = usize::try_from(limit).unwrap_or(100);
            let rows = Centre::of(&remote)?.all("/api/v1/findings", &query, most).await?;
            let columns = [
                ("RULE", "rule"),
                ("SEVERITY", "severity"),
                ("STATE", "state"),
                ("COUNT", "count"),
                ("LAST", "last_at"),
                ("ID", "id"),
            ];
            output::rows(remote.json, &rows, &columns);
            Ok(())
        }
        Finding::Show { remote, id } => whole(&remote, &format!("/api/v1/findings/{id}")).await,
        Finding::Take { remote, id } => step(&remote, &id, "take", &json!({})).await,
        Finding::Resolve { remote, id, outcome, reason } => {
            step(&remote, &id, "resolve", &json!({"outcome": outcome, "reason": reason})).await
        }
        Finding::Undo { remote, id } => step(&remote, &id, "undo", &json!({})).await,
        Finding::Silence { remote, id, hours, reason } => {
            let body = json!({"hours": hours, "reason": reason});
            silenced(&remote, &format!("/api/v1/findings/{id}/silence"), &body).await
        }
    }
}

/// A step of a finding against the version that was just read.
async fn step(remote: &Remote, id: &str, verb: &str, body: &Value) -> Result<(), Failure> {
    let centre = Centre::of(remote)?;
    let path = format!("/api/v1/findings/{id}");
    let before = centre.get(&path).await?;
    let row = before.get("finding").unwrap_or(&Value::Null);
    let after = centre.change(Method::POST, &format!("{path}/{verb}"), row, Some(body)).await?;
    show(remote.json, &after, |after| format!("{}: {}", word(after, "rule"), word(after, "state")));
    Ok(())
}

/// `lianfang silence ...`
pub(crate) async fn silence(command: Silence) -> Result<(), Failure> {
    match command {
        Silence::List { remote } => {
            let rows = Centre::of(&remote)?.all("/api/v1/silences", &[], 100_000).await?;
            let columns = [("SCOPE", "scope"), ("REASON", "reason"), ("UNTIL", "until"), ("ID", "id")];
            output::rows(remote.json, &rows, &columns);
            Ok(())
        }
        Silence::Add(args) => silence_add(args).await,
        Silence::End { remote, id } => {
            let centre = Centre::of(&remote)?;
            let row = centre.row("/api/v1/silences", &id).await?;
            centre.change(Method::DELETE, &format!("/api/v1/silences/{id}"), &row, None).await?;
            show(remote.json, &json!({"id": id, "ended": true}), |_| format!("silence {id} ended"));
            Ok(())
        }
    }
}

async fn silence_add(args: SilenceAdd) -> Result<(), Failure> {
    let mut scope = json!({"org": args.org, "rule": args.rule});
    if let (Some(kind), Some(subject), Some(object)) = (args.kind, args.subject, scope.as_object_mut()) {
        object.insert("subject_kind".into(), json!(kind));
        object.insert("subject".into(), json!(subject));
    }
    if args.preview {
        let centre = Centre::of(&args.remote)?;
        let asked = centre.request(Method::POST, "/api/v1/silences/preview").json(&scope);
        let would = centre.json(asked).await?;
        show(args.remote.json, &would, |would| {
            let count = |key| would.get(key).and_then(Value::as_u64).unwrap_or(0);
            format!(
                "would have hidden {} findings in {} days, {} open now",
                count("findings"),
                count("days"),
                count("open")
            )
        });
        return Ok(());
    }
    let body = json!({"scope": scope, "hours": args.hours, "reason": args.reason});
    silenced(&args.remote, "/api/v1/silences", &body).await
}

async fn silenced(remote: &Remote, path: &str, body: &Value) -> Result<(), Failure> {
    let centre = Centre::of(remote)?;
    let made = centre.json(centre.request(Method::POST, path).json(body)).await?;
    show(remote.json, &made, |made| format!("silent until {}, id {}", word(made, "until"), word(made, "id")));
    Ok(())
}

/// `lianfang automatic ...`
pub(crate) async fn automatic(command: Automatic) -> Result<(), Failure> {
    match command {
        Automatic::List { remote } => {
            let rows = Centre::of(&remote)?.all("/api/v1/automatic", &[], 1_000).await?;
            let columns = [
                ("CLASS", "class"),
                ("OPEN", "enabled"),
                ("SCORE", "min_score"),
                ("SENSORS", "min_sensors"),
                ("HOURS", "hours"),
            ];
            output::rows(remote.json, &rows, &columns);
            Ok(())
        }
        Automatic::Set(args) => automatic_set(args).await,
    }
}

async fn automatic_set(args: AutomaticSet) -> Result<(), Failure> {
    let centre = Centre::of(&args.remote)?;
    let path = format!("/api/v1/automatic/{}", args.class);
    let before = centre.get(&path).await?;
    let enabled = (args.open || args.close).then_some(args.open);
    let wanted = json!({
        "enabled": enabled, "min_score": args.min_score, "min_sensors": args.min_sensors, "hours": args.hours,
    });
    let after = centre.change(Method::PATCH, &path, &before, Some(&wanted)).await?;
    show(args.remote.json, &after, |after| {
        let open = after.get("enabled").and_then(Value::as_bool) == Some(true);
        format!("{}: {}", word(after, "class"), if open { "open" } else { "closed" })
    });
    Ok(())
}

/// `lianfang night ...`
pub(crate) async fn night(command: Night) -> Result<(), Failure> {
    match command {
        Night::List { remote } => {
            let rows = Centre::of(&remote)?.all("/api/v1/night-reviews", &[], 100_000).await?;
            let columns =
                [("ACTION", "action"), ("SUBJECT", "subject"), ("BY", "approved_by"), ("DUE", "due_at"), ("ID", "id")];
            output::rows(remote.json, &rows, &columns);
            Ok(())
        }
        Night::Close { remote, id, outcome, note } => {
            let centre = Centre::of(&remote)?;
            let row = centre.row("/api/v1/night-reviews", &id).await?;
            let body = json!({"outcome": outcome, "note": note});
            centre.change(Method::POST, &format!("/api/v1/night-reviews/{id}/close"), &row, Some(&body)).await?;
            show(remote.json, &json!({"id": id, "outcome": outcome}), |_| outcome.clone());
            Ok(())
        }
    }
}

/// Everything about one thing.
async fn whole(remote: &Remote, path: &str) -> Result<(), Failure> {
    let found = Centre::of(remote)?.get(path).await?;
    show(remote.json, &found, |found| format!("{found:#}"));
    Ok(())
}
