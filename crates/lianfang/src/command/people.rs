//! Commands about people: listing, inviting, roles, disabling and enabling, browser sessions.

use reqwest::Method;
use serde_json::{Value, json};

use crate::cli::{Invite, User};
use crate::command::client::Centre;
use crate::command::manage::{show, word};
use crate::command::recover;
use crate::exit::Failure;
use crate::output;

/// `lianfang user ...`
pub(crate) async fn user(command: User) -> Result<(), Failure> {
    match command {
        User::Roles => {
            base::Role::ALL.iter().filter(|role| role.is_human()).for_each(|role| output::line(role.word()));
            Ok(())
        }
        User::Recover { name, data, config } => recover::run(&name, &data, config.as_deref()).await,
        User::List { remote, state } => {
            let query: Vec<(&str, &str)> = state.iter().map(|state| ("state", state.as_str())).collect();
            let rows = Centre::of(&remote)?.all("/api/v1/people", &query, 100_000).await?;
            let columns =
                [("NAME", "name"), ("DISPLAY", "display"), ("STATE", "state"), ("SEEN", "last_sign_in"), ("ID", "id")];
            output::rows(remote.json, &rows, &columns);
            Ok(())
        }
        User::Invite(args) => invite(args).await,
        User::SetRoles { remote, name, roles } => {
            let centre = Centre::of(&remote)?;
            let person = by_name(&centre, &name).await?;
            let body = json!({"roles": roles_of(&roles)});
            let request = changing(&centre, Method::PATCH, &person, "").json(&body);
            let after = centre.json(request).await?;
            show(remote.json, &after, |after| format!("{}: roles set", word(after, "name")));
            Ok(())
        }
        User::Disable { remote, name } => {
            let centre = Centre::of(&remote)?;
            let person = by_name(&centre, &name).await?;
            let after = centre.json(changing(&centre, Method::POST, &person, "/disable")).await?;
            show(remote.json, &after, |after| format!("{} is disabled", word(after, "name")));
            Ok(())
        }
        User::Enable { remote, name } => {
            let centre = Centre::of(&remote)?;
            let person = by_name(&centre, &name).await?;
            let made = centre.json(changing(&centre, Method::POST, &person, "/enable")).await?;
            linked(&centre, remote.json, made);
            Ok(())
        }
        User::Sessions { remote, name, end } => {
            let centre = Centre::of(&remote)?;
            let person = by_name(&centre, &name).await?;
            let path = format!("/api/v1/people/{}/sessions", word(&person, "id"));
            let open = centre.all(&path, &[], 10_000).await?;
            if end {
                for session in &open {
                    let request = centre.request(Method::DELETE, &format!("{path}/{}", word(session, "id")));
                    centre.send(request).await?;
                }
            }
            let columns = [("OPENED", "created_at"), ("SEEN", "last_seen"), ("FROM", "address"), ("ID", "id")];
            output::rows(remote.json, &open, &columns);
            Ok(())
        }
    }
}

async fn invite(args: Invite) -> Result<(), Failure> {
    let centre = Centre::of(&args.remote)?;
    let body = json!({
        "name": args.name, "display": args.display, "mail": args.mail, "org": args.org, "roles": roles_of(&args.roles),
    });
    let made = centre.json(centre.request(Method::POST, "/api/v1/people").json(&body)).await?;
    linked(&centre, args.remote.json, made);
    Ok(())
}

/// Shows a link with the centre's address in front of it.
fn linked(centre: &Centre, json: bool, mut made: Value) {
    let link = format!("{}{}", centre.url(), word(&made, "link"));
    if let Some(object) = made.as_object_mut() {
        object.insert("link".into(), json!(link));
    }
    show(json, &made, |made| format!("{}\nuntil {}, shown once", word(made, "link"), word(made, "ends_at")));
}

/// `ROLE@ORG` as the API takes it.
fn roles_of(words: &[String]) -> Vec<Value> {
    words
        .iter()
        .map(|word| match word.split_once('@') {
            Some((role, org)) => json!({"role": role, "org": org}),
            None => json!({"role": word}),
        })
        .collect()
}

async fn by_name(centre: &Centre, name: &str) -> Result<Value, Failure> {
    let found = centre.all("/api/v1/people", &[("starts", name)], 10_000).await?;
    found
        .into_iter()
        .find(|person| word(person, "name") == name)
        .ok_or_else(|| Failure::refused(format!("there is no person {name} that you can see")))
}

/// A change of a person against the version that was just read.
fn changing(centre: &Centre, method: Method, person: &Value, tail: &str) -> reqwest::RequestBuilder {
    let version = person.get("version").and_then(Value::as_u64).unwrap_or(0);
    centre
        .request(method, &format!("/api/v1/people/{}{tail}", word(person, "id")))
        .header("if-match", format!("\"v{version}\""))
}

#[cfg(test)]
mod tests {
    #[test]
    fn roles_may_name_their_organisation() {
        let roles = super::roles_of(&["auditor".into(), "member@north-power".into()]);
        assert_eq!(
            roles,
            [serde_json::json!({"role": "auditor"}), serde_json::json!({"role": "member", "org": "north-power"})]
        );
    }
}
