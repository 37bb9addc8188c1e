//! Signing in and out as oneself.

use std::io::{BufRead, IsTerminal, Write};
use std::path::Path;

use access::LoginKind;
use reqwest::Method;
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use serde_json::{Value, json};

use crate::cli::{Remote, SignIn};
use crate::command::client::{Centre, read_token};
use crate::command::manage::{show, word};
use crate::exit::Failure;

/// `lianfang sign-in`
pub(crate) async fn sign_in(args: SignIn) -> Result<(), Failure> {
    // What is there already is looked at before anything is asked: a token's only copy is never written over.
    if args.out.exists() && !LoginKind::Program.owns(&read_token(&args.out)?) {
        return Err(Failure::usage(format!("--out {}: this file holds something else", args.out.display())));
    }
    let centre = Centre::new(&args.url, args.ca.as_deref(), None)?;
    let password = match &args.password_file {
        Some(path) => first_line(path)?,
        None => ask("Password: ", false)?
            .ok_or_else(|| Failure::usage("--password-file is needed where no terminal can be asked"))?,
    };
    let code = match args.code {
        Some(code) if code == "-" => Some(typed()?),
        Some(code) => Some(code),
        None => ask(if args.recovery { "Recovery code: " } else { "Code (empty if there is none): " }, true)?,
    };
    let code = code.filter(|code| !code.is_empty());
    let field = if args.recovery { "recovery_code" } else { "code" };
    let body = json!({"name": args.name, "password": password, field: code});
    let mut made = centre.json(centre.request(Method::POST, "/api/v1/session").json(&body)).await?;
    api::pki::write_secret(&args.out, word(&made, "secret"))?;
    if let Some(object) = made.as_object_mut() {
        object.remove("secret");
        object.insert("file".into(), json!(args.out));
    }
    show(args.json, &made, |made| {
        format!("signed in until {} at the latest; --token-file {}", word(made, "ends_at"), args.out.display())
    });
    Ok(())
}

/// `lianfang sign-out`: the file goes also when the session had ended by itself.
pub(crate) async fn sign_out(remote: &Remote) -> Result<(), Failure> {
    let path = remote.token_file.as_deref().ok_or_else(|| Failure::usage("--token-file is needed"))?;
    if !LoginKind::Program.owns(&read_token(path)?) {
        return Err(Failure::usage(format!(
            "--token-file {}: this is no session; a token is revoked with `lianfang token revoke`",
            path.display()
        )));
    }
    let centre = Centre::of(remote)?;
    let request = centre.request(Method::DELETE, "/api/v1/session");
    let answer = request.send().await.map_err(|error| centre.unreachable(&error))?;
    let over = answer.status() == reqwest::StatusCode::UNAUTHORIZED;
    if !over && !answer.status().is_success() {
        return Err(crate::command::client::problem(answer).await);
    }
    std::fs::remove_file(path).map_err(|error| Failure::refused(format!("{}: {error}", path.display())))?;
    show(remote.json, &json!({"signed_out": true}), |_| {
        if over { "the session had ended already".to_owned() } else { "signed out".to_owned() }
    });
    Ok(())
}

/// `lianfang whoami`
pub(crate) async fn whoami(remote: &Remote) -> Result<(), Failure> {
    let me = Centre::of(remote)?.get("/api/v1/me").await?;
    show(remote.json, &me, |me| {
        let actions = me.get("actions").and_then(Value::as_array).into_iter().flatten();
        let actions: Vec<&str> = actions.filter_map(Value::as_str).collect();
        format!("{}\nmay {}", word(me, "who"), actions.join(", "))
    });
    Ok(())
}

/// The line on standard input.
fn typed() -> Result<String, Failure> {
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line).map_err(|error| Failure::refused(format!("--code -: {error}")))?;
    match line.trim() {
        "" => Err(Failure::usage("--code -: standard input is empty")),
        code => Ok(code.to_owned()),
    }
}

fn first_line(path: &Path) -> Result<String, Failure> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| Failure::usage(format!("--password-file {}: {error}", path.display())))?;
    Ok(text.lines().next().unwrap_or_default().to_owned())
}

/// A line typed on the terminal, shown or not; none where there is no terminal.
fn ask(prompt: &str, shown: bool) -> Result<Option<String>, Failure> {
    let stdin = std::io::stdin();
    if !stdin.is_terminal() {
        return Ok(None);
    }
    let broken = |error: std::io::Error| Failure::refused(format!("the terminal cannot be read: {error}"));
    let _quiet = if shown { None } else { Some(Quiet::begin().map_err(broken)?) };
    let mut error = std::io::stderr().lock();
    error.write_all(prompt.as_bytes()).and_then(|()| error.flush()).map_err(broken)?;
    let mut line = String::new();
    stdin.lock().read_line(&mut line).map_err(broken)?;
    if !shown {
        error.write_all(b"\n").map_err(broken)?;
    }
    Ok(Some(line.trim_end_matches(['\r', '\n']).to_owned()))
}

/// The terminal without echo, until it is dropped.
struct Quiet(Termios);

impl Quiet {
    fn begin() -> std::io::Result<Self> {
        let stdin = std::io::stdin();
        let before = tcgetattr(&stdin)?;
        let mut quiet = before.clone();
        quiet.local_modes.remove(LocalModes::ECHO);
        tcsetattr(&stdin, OptionalActions::Now, &quiet)?;
        Ok(Self(before))
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        // A terminal that is gone has no echo to bring back.
        let _gone = tcsetattr(std::io::stdin(), OptionalActions::Now, &self.0);
    }
}
