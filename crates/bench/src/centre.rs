//! A centre under measurement: the release build on free ports with a folder of its own, and machines made by hand.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use rcgen::{CertificateParams, KeyPair};
use serde_json::{Value, json};

use crate::Bench;
use crate::person::Person;

/// A process of ours; asked to stop and waited for when dropped.
#[derive(Debug)]
pub(crate) struct Process(Child);

impl Process {
    /// Starts it; what it says goes into `log`.
    pub(crate) fn start(command: &mut Command, log: &Path) -> Result<Self> {
        let log = std::fs::File::options().create(true).append(true).open(log)?;
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        Ok(Self(command.spawn().context("starting a process")?))
    }

    /// Its id.
    pub(crate) fn id(&self) -> u32 {
        self.0.id()
    }

    /// Whether it ended by itself.
    fn ended(&mut self) -> bool {
        !matches!(self.0.try_wait(), Ok(None))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let pid = i32::try_from(self.0.id()).ok().and_then(rustix::process::Pid::from_raw);
        if let Some(pid) = pid.filter(|_| !self.ended()) {
            let _gone = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        }
        let deadline = Instant::now() + Duration::from_secs(15);
        while !self.ended() && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(10));
        }
        // What does not stop when asked is ended; it may have stopped meanwhile.
        let _gone = self.0.kill();
        let _reaped = self.0.wait();
    }
}

/// A running centre.
#[derive(Debug)]
pub(crate) struct Centre {
    program: PathBuf,
    port: u16,
    process: Process,
    client: reqwest::Client,
    token: String,
    /// From the start of the process to /readyz.
    pub(crate) ready: Duration,
    folder: tempfile::TempDir,
}

impl Centre {
    /// Starts a centre with an empty folder and one member organisation, `north-power`.
    pub(crate) async fn start(bench: &Bench) -> Result<Self> {
        let folder = bench.folder()?;
        let port = std::net::TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
        let machines = std::net::TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
        let mut command = Command::new(&bench.program);
        command.arg("serve").arg("--data").arg(folder.path().join("data"));
        command.args(["--listen", &format!("127.0.0.1:{port}"), "--listen-machines", &format!("127.0.0.1:{machines}")]);
        command.arg("--bootstrap-token-file").arg(folder.path().join("token"));
        let started = Instant::now();
        let mut process = Process::start(&mut command, &folder.path().join("log"))?;
        let probe = reqwest::Client::builder().danger_accept_invalid_certs(true).no_proxy().build()?;
        let url = format!("https://127.0.0.1:{port}/readyz");
        while !probe.get(&url).send().await.is_ok_and(|answer| answer.status().is_success()) {
            let late = process.ended() || started.elapsed() > Duration::from_secs(30);
            ensure!(!late, "no centre: {}", std::fs::read_to_string(folder.path().join("log")).unwrap_or_default());
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        let ready = started.elapsed();
        let roots = reqwest::Certificate::from_pem_bundle(&std::fs::read(folder.path().join("data/tls/ca.pem"))?)?;
        let client = reqwest::Client::builder().tls_certs_only(roots).no_proxy().build()?;
        let token = std::fs::read_to_string(folder.path().join("token"))?.trim().to_owned();
        let centre = Self { program: bench.program.clone(), port, process, client, token, ready, folder };
        centre.cli(&["org", "add", "north-power", "--json"])?;
        Ok(centre)
    }

    /// The process.
    pub(crate) fn pid(&self) -> u32 {
        self.process.id()
    }

    /// A path in the row's folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Address of the portal and the API.
    pub(crate) fn url(&self) -> String {
        format!("https://127.0.0.1:{}", self.port)
    }

    /// The first administrator, signed in through the printed setup link.
    pub(crate) async fn person(&self) -> Result<Person> {
        let log = std::fs::read_to_string(self.path("log"))?;
        let link = log.split_whitespace().find(|word| word.contains("/setup?t=")).context("a setup link in the log")?;
        let path = link.get(link.find("/setup").unwrap_or(0)..).unwrap_or_default();
        Person::first(self.person_client()?, self.url(), path).await
    }

    /// A client that follows no redirect by itself.
    fn person_client(&self) -> Result<reqwest::Client> {
        let roots = reqwest::Certificate::from_pem_bundle(&std::fs::read(self.path("data/tls/ca.pem"))?)?;
        let plain = reqwest::Client::builder().tls_certs_only(roots).no_proxy();
        Ok(plain.redirect(reqwest::redirect::Policy::none()).build()?)
    }

    /// GET with the administrator's token.
    pub(crate) async fn get(&self, path: &str) -> Result<Value> {
        let answer = self.client.get(format!("{}{path}", self.url())).bearer_auth(&self.token).send().await?;
        let status = answer.status();
        let text = answer.text().await?;
        ensure!(status.is_success(), "{path}: {status} {text}");
        Ok(serde_json::from_str(&text).unwrap_or(Value::String(text)))
    }

    /// POST with the administrator's token.
    pub(crate) async fn post(&self, path: &str, body: &Value) -> Result<Value> {
        let request = self.client.post(format!("{}{path}", self.url())).bearer_auth(&self.token).json(body);
        let answer = request.send().await?;
        let status = answer.status();
        let text = answer.text().await?;
        ensure!(status.is_success(), "{path}: {status} {text}");
        Ok(serde_json::from_str(&text).unwrap_or(Value::Null))
    }

    /// A command of the program against this centre; the last line of what it says, as JSON where it is JSON.
    pub(crate) fn cli(&self, words: &[&str]) -> Result<Value> {
        let mut command = Command::new(&self.program);
        command.args(words).env("LIANFANG_URL", self.url()).env("LIANFANG_CA", self.path("data/tls/ca.pem"));
        let output = command.env("LIANFANG_TOKEN_FILE", self.path("token")).output()?;
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        ensure!(output.status.success(), "{words:?}: {said} {}", String::from_utf8_lossy(&output.stderr));
        let last = said.lines().last().unwrap_or_default();
        Ok(serde_json::from_str(last).unwrap_or_else(|_| Value::String(last.to_owned())))
    }

    /// A one-time code for a sensor or an enforcement point.
    fn code(&self, kind: &str, name: &str) -> Result<String> {
        let made = self.cli(&[kind, "enrol", "--org", "north-power", "--name", name, "--json"])?;
        Ok(made.get("code").and_then(Value::as_str).context("a code")?.to_owned())
    }

    /// Enrols a machine with the program itself and starts it; `wrap` stands before it (taskset and the like).
    pub(crate) fn machine(&self, kind: &str, settings: (&str, &str), wrap: &[&str]) -> Result<Process> {
        let data = self.path(kind);
        std::fs::create_dir_all(&data)?;
        let file = data.join(settings.0);
        std::fs::write(&file, settings.1)?;
        let words = data.to_str().context("a path in UTF-8")?;
        self.cli(&[kind, "enrol", "--code", &self.code(kind, kind)?, "--data", words])?;
        let mut command = match wrap.split_first() {
            Some((first, rest)) => {
                let mut command = Command::new(first);
                command.args(rest).arg(&self.program);
                command
            }
            None => Command::new(&self.program),
        };
        command.args([kind, "--data", words, "--config"]).arg(&file);
        Process::start(&mut command, &self.path(&format!("{kind}.log")))
    }

    /// Enrols a sensor made by hand: a key, a certificate, a client.
    pub(crate) async fn sensor(&self, name: &str) -> Result<Sensor> {
        let key = KeyPair::generate()?;
        let csr = CertificateParams::default().serialize_request(&key)?.pem()?;
        let body = json!({"code": self.code("sensor", name)?, "csr_pem": csr});
        let answer = self.post("/api/v1/enrol/sensor", &body).await?;
        let text = |field: &str| answer.get(field).and_then(Value::as_str).with_context(|| field.to_owned());
        let pem = format!("{}{}", text("certificate_pem")?, key.serialize_pem());
        let client = reqwest::Client::builder()
            .tls_certs_only(reqwest::Certificate::from_pem_bundle(text("ca_pem")?.as_bytes())?)
            .identity(reqwest::Identity::from_pem(pem.as_bytes())?)
            .no_proxy()
            .build()?;
        let url = text("machine_url")?.to_owned();
        Ok(Sensor { client, url, next: 1 })
    }

    /// Waits until the process has nothing to do: less than a twentieth of a core for a second.
    pub(crate) async fn settle(&self, most: Duration) -> Result<Duration> {
        let start = Instant::now();
        loop {
            let before = crate::machine::cpu(self.pid())?;
            tokio::time::sleep(Duration::from_secs(1)).await;
            if crate::machine::cpu(self.pid())? - before < 0.05 {
                return Ok(start.elapsed().saturating_sub(Duration::from_secs(1)));
            }
            if start.elapsed() > most {
                bail!("the centre still works after {most:?}");
            }
        }
    }

    /// Events in the attack history: the sum over all sessions.
    pub(crate) async fn events(&self) -> Result<u64> {
        let (mut sum, mut after) = (0, String::new());
        loop {
            let page = self.get(&format!("/api/v1/sessions?limit=1000{after}")).await?;
            let items = page.get("items").and_then(Value::as_array).context("items")?;
            sum += items.iter().filter_map(|session| session.get("events")?.as_u64()).sum::<u64>();
            match page.get("next").and_then(Value::as_str) {
                Some(cursor) => after = format!("&after={cursor}"),
                None => return Ok(sum),
            }
        }
    }
}

/// A sensor that sends what it is given.
#[derive(Debug)]
pub(crate) struct Sensor {
    client: reqwest::Client,
    url: String,
    next: u64,
}

impl Sensor {
    /// Sends a batch of so many events (compressed lines) and waits for its acknowledgement.
    pub(crate) async fn send(&mut self, events: u64, body: Vec<u8>) -> Result<reqwest::Version> {
        loop {
            let answer = self
                .client
                .post(format!("{}/sensor/v1/batch", self.url))
                .header("lianfang-epoch", "1")
                .header("lianfang-seq", self.next.to_string())
                .header("content-encoding", "zstd")
                .body(body.clone())
                .send()
                .await?;
            if answer.status().as_u16() == 429 {
                tokio::time::sleep(Duration::from_millis(200)).await;
                continue;
            }
            let (status, version) = (answer.status(), answer.version());
            let text = answer.text().await?;
            ensure!(status.is_success(), "batch: {status} {text}");
            let said: Value = serde_json::from_str(&text)?;
            let accepted = said.get("accepted").and_then(Value::as_u64);
            ensure!(accepted == Some(events), "not all of {events} events were accepted: {text}");
            self.next += events;
            ensure!(said.get("ack").and_then(Value::as_u64) == Some(self.next - 1), "not acknowledged: {text}");
            return Ok(version);
        }
    }
}
