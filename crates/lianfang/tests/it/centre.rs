//! A running centre for tests: the real binary on free ports with a folder of its own.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use testkit::Scratch;

/// The two databases a test runs on.
pub(crate) async fn each_store(body: impl AsyncFn(Option<&str>)) {
    body(None).await;
    if let Some(scratch) = Scratch::postgres().await {
        body(Some(scratch.url())).await;
        scratch.remove().await;
    }
}

/// A centre that is killed when it is dropped.
pub(crate) struct Centre {
    folder: tempfile::TempDir,
    settings: Vec<(String, String)>,
    port: u16,
    child: Child,
    /// From the start of the process to /readyz.
    pub(crate) ready: Duration,
}

impl Centre {
    /// Starts a centre with an empty folder.
    pub(crate) async fn start(store: Option<&str>) -> Self {
        Self::start_with(store, &[]).await
    }

    /// The same with settings, as the environment names them.
    pub(crate) async fn start_with(store: Option<&str>, settings: &[(&str, &str)]) -> Self {
        let folder = testkit::folder();
        let port = testkit::free_port();
        let mut settings: Vec<(String, String)> =
            settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        settings.extend(store.map(|url| ("LIANFANG_STORE__URL".to_owned(), url.to_owned())));
        let (child, ready) = launch(folder.path(), &settings, port).await;
        Self { folder, settings, port, child, ready }
    }

    /// A place for one that is not running yet: [`Centre::restart`] starts what its folder holds by then.
    pub(crate) async fn none() -> Self {
        let mut centre = Self::start(None).await;
        centre.crash();
        std::fs::remove_dir_all(centre.path("data")).expect("an empty place");
        centre
    }

    /// Kills it with SIGKILL.
    pub(crate) fn crash(&mut self) {
        self.child.kill().expect("the centre can be killed");
        self.child.wait().expect("the centre ends");
    }

    /// Starts it again after it ended.
    pub(crate) async fn restart(&mut self) {
        (self.child, self.ready) = launch(self.folder.path(), &self.settings, self.port).await;
    }

    /// Asks it to stop and waits.
    pub(crate) fn stop(&mut self) -> std::process::ExitStatus {
        signal(&self.child, "TERM");
        let deadline = Instant::now() + Duration::from_secs(20);
        loop {
            if let Some(status) = self.child.try_wait().expect("the centre can be waited for") {
                return status;
            }
            assert!(Instant::now() < deadline, "the centre did not stop within 20 s");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Address of the portal and API.
    pub(crate) fn url(&self) -> String {
        format!("https://127.0.0.1:{}", self.port)
    }

    /// Address of the machine listener.
    pub(crate) fn machine_url(&self) -> String {
        format!("https://127.0.0.1:{}", self.port + 1)
    }

    /// A path inside the data folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The administrator's token.
    pub(crate) fn token(&self) -> String {
        std::fs::read_to_string(self.path("token")).expect("the bootstrap token").trim().to_owned()
    }

    /// A client that trusts this centre.
    pub(crate) fn client(&self) -> reqwest::Client {
        self.builder().build().expect("a client")
    }

    /// The beginning of such a client.
    pub(crate) fn builder(&self) -> reqwest::ClientBuilder {
        let pem = std::fs::read(self.path("data/tls/ca.pem")).expect("the authority");
        let roots = reqwest::Certificate::from_pem_bundle(&pem).expect("a certificate");
        reqwest::Client::builder().tls_certs_only(roots).no_proxy()
    }

    /// GET with the administrator's token.
    pub(crate) async fn get(&self, path: &str) -> Value {
        let response = self
            .client()
            .get(format!("{}{path}", self.url()))
            .bearer_auth(self.token())
            .send()
            .await
            .expect("an answer");
        let status = response.status();
        let text = response.text().await.expect("a body");
        assert!(status.is_success(), "{path}: {status} {text}");
        serde_json::from_str(&text).unwrap_or(Value::String(text))
    }

    /// POST JSON with the administrator's token.
    pub(crate) async fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        let request = self.client().post(format!("{}{path}", self.url())).bearer_auth(self.token()).json(body);
        let response = request.send().await.expect("an answer");
        let status = response.status().as_u16();
        (status, response.json().await.unwrap_or(Value::Null))
    }

    /// Runs a client command with this centre's address, token and authority.
    pub(crate) fn run(&self, words: &[&str]) -> Output {
        self.run_as("token", words)
    }

    /// The same with the token or session in another file of this folder.
    pub(crate) fn run_as(&self, file: &str, words: &[&str]) -> Output {
        self.command(file).args(words).stdin(Stdio::null()).output().expect("the command runs")
    }

    /// The program with this centre's address and authority and the token in a file of this folder.
    pub(crate) fn command(&self, file: &str) -> Command {
        let mut command = command();
        command
            .env("LIANFANG_URL", self.url())
            .env("LIANFANG_TOKEN_FILE", self.path(file))
            .env("LIANFANG_CA", self.path("data/tls/ca.pem"));
        command
    }

    /// Runs a client command that must succeed and gives the last line of its output as JSON.
    pub(crate) fn json(&self, words: &[&str]) -> Value {
        let output = self.run(words);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{words:?}: {text} {}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_str(text.lines().last().unwrap_or_default())
            .unwrap_or_else(|e| panic!("{words:?}: {e}: {text}"))
    }

    /// Waits until everything acknowledged has become attack history, and says how many events that is.
    pub(crate) async fn settled_events(&self, at_least: u64) -> u64 {
        let mut count = 0;
        let deadline = Instant::now() + Duration::from_secs(60);
        while count < at_least && Instant::now() < deadline {
            count = self.events().await;
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        count
    }

    /// Events in the attack history: the sum over all sessions.
    pub(crate) async fn events(&self) -> u64 {
        let mut sum = 0;
        let mut after = String::new();
        loop {
            let page = self.get(&format!("/api/v1/sessions?limit=1000{after}")).await;
            sum += page["items"]
                .as_array()
                .expect("items")
                .iter()
                .map(|s| s["events"].as_u64().expect("a number"))
                .sum::<u64>();
            match page["next"].as_str() {
                Some(cursor) => after = format!("&after={cursor}"),
                None => return sum,
            }
        }
    }
}

impl Drop for Centre {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _gone = self.child.kill();
        let _reaped = self.child.wait();
    }
}

/// The program.
pub(crate) fn command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lianfang"));
    command.env_remove("LIANFANG_URL").env_remove("LIANFANG_TOKEN_FILE").env_remove("LIANFANG_CA");
    command
}

/// Sends a signal by name.
pub(crate) fn signal(child: &Child, name: &str) {
    let status = Command::new("kill").args([&format!("-{name}"), &child.id().to_string()]).status().expect("kill runs");
    assert!(status.success(), "SIG{name} could not be sent");
}

/// One TLS provider for the test process; a second call changes nothing.
fn provider() {
    let _already = rustls::crypto::ring::default_provider().install_default();
}

async fn launch(folder: &Path, settings: &[(String, String)], port: u16) -> (Child, Duration) {
    let log = std::fs::File::options().create(true).append(true).open(folder.join("log")).expect("a log file");
    let mut command = command();
    command
        .args(["serve", "--data"])
        .arg(folder.join("data"))
        .args(["--listen", &format!("127.0.0.1:{port}")])
        .arg("--bootstrap-token-file")
        .arg(folder.join("token"))
        .stdout(log.try_clone().expect("a second handle"))
        .stderr(log)
        .stdin(Stdio::null());
    command.envs(settings.iter().map(|(name, value)| (name, value)));
    provider();
    let started = Instant::now();
    let mut child = command.spawn().expect("the centre starts");
    let probe = reqwest::Client::builder().danger_accept_invalid_certs(true).no_proxy().build().expect("a client");
    loop {
        let answer = probe.get(format!("https://127.0.0.1:{port}/readyz")).send().await;
        if answer.is_ok_and(|response| response.status().is_success()) {
            return (child, started.elapsed());
        }
        let ended = child.try_wait().expect("the centre can be asked");
        let log = || std::fs::read_to_string(folder.join("log")).unwrap_or_default();
        assert!(ended.is_none(), "the centre ended: {}", log());
        assert!(started.elapsed() < Duration::from_secs(30), "the centre is not ready: {}", log());
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
