//! The shared throw-away PostgreSQL cluster of all test processes.
//!
//! Its folder and socket lie in a short path of the temporary folder (a socket's path has at most 107 bytes, and the
//! cluster's user must be able to reach it); the lock and the note where it is lie in `target/testkit`.
#![allow(clippy::disallowed_methods, reason = "a test room starts programs: initdb, pg_ctl")]

use crate::skip::testkit_folder;
use anyhow::{Context as _, Result, bail};
use sha2::{Digest, Sha256};
use std::fs::{self, File};
use std::io::{Read as _, Seek as _, Write as _};
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use store::{Db, Migration};
use tokio_postgres::NoTls;

/// A running cluster.
pub(crate) struct Cluster {
    home: PathBuf,
}

/// The shared cluster, started if nobody has; none if PostgreSQL is not installed.
pub(crate) fn cluster() -> Result<Option<Cluster>> {
    let Some(programs) = programs() else { return Ok(None) };
    let _lock = lock()?;
    if let Some(home) = running()? {
        return Ok(Some(Cluster { home }));
    }
    let home = start(&programs)?;
    fs::write(note()?, home.as_os_str().as_encoded_bytes())?;
    Ok(Some(Cluster { home }))
}

/// Stops the shared cluster and removes its folder; does nothing if there is none.
///
/// # Errors
/// When it runs and cannot be stopped.
pub fn stop_postgres() -> Result<()> {
    let Some(programs) = programs() else { return Ok(()) };
    let _lock = lock()?;
    let Ok(home) = fs::read_to_string(note()?) else { return Ok(()) };
    let home = PathBuf::from(home);
    if running()?.is_some() {
        run(&programs, "pg_ctl", &["stop", "-m", "immediate", "-w", "-D", &data(&home)])?;
    }
    if home.exists() {
        fs::remove_dir_all(&home)?;
    }
    Ok(fs::remove_file(note()?)?)
}

impl Cluster {
    /// The connection text of one of its databases.
    pub(crate) fn url(&self, database: &str) -> String {
        format!("host={} user=postgres dbname={database}", self.home.display())
    }

    /// A fresh database with this schema, cloned from a template made once.
    pub(crate) async fn fresh(&self, schema: &[&[Migration]]) -> Result<String> {
        let mut digest = Sha256::new();
        for migration in std::iter::once(&store::MIGRATIONS).chain(schema).copied().flatten() {
            digest.update(format!("{}\0{}\0{}\0", migration.number, migration.name, migration.sql));
        }
        // A name has at most 63 bytes.
        let template = format!("template_{:.24}", hex::encode(digest.finalize()));
        let client = self.client().await?;
        {
            // A template cannot be cloned while somebody is making it or another clone of it.
            let _lock = lock()?;
            let known = client.query("SELECT 1 FROM pg_database WHERE datname = $1", &[&template]).await?;
            if known.is_empty() {
                let draft = format!("{template}_draft");
                client.batch_execute(&format!("DROP DATABASE IF EXISTS {draft} WITH (FORCE)")).await?;
                client.batch_execute(&format!("CREATE DATABASE {draft} TEMPLATE template0")).await?;
                let db = Db::open_postgres(&self.url(&draft), base::Env::system()).await?;
                let migrated = db.migrate(schema).await;
                db.close().await;
                migrated?;
                let rename = format!("ALTER DATABASE {draft} RENAME TO {template}");
                // The server may need a moment to notice that the migrating connections are gone.
                self.patiently(&client, &rename).await?;
            }
        }
        let name = format!("test_{}", uuid::Uuid::now_v7().simple());
        self.patiently(&client, &format!("CREATE DATABASE {name} TEMPLATE {template}")).await?;
        Ok(name)
    }

    pub(crate) async fn drop_database(&self, name: &str) -> Result<()> {
        let client = self.client().await?;
        Ok(client.batch_execute(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).await?)
    }

    /// Repeats a statement as long as the server says that the database is in use (55006).
    async fn patiently(&self, client: &tokio_postgres::Client, sql: &str) -> Result<()> {
        for _ in 0..200 {
            match client.batch_execute(sql).await {
                Err(e) if e.code() == Some(&tokio_postgres::error::SqlState::OBJECT_IN_USE) => {
                    tokio::time::sleep(std::time::Duration::from_millis(25)).await;
                }
                other => return Ok(other?),
            }
        }
        bail!("the database stays in use: {sql}")
    }

    async fn client(&self) -> Result<tokio_postgres::Client> {
        let (client, connection) = tokio_postgres::connect(&self.url("postgres"), NoTls).await?;
        tokio::spawn(connection);
        Ok(client)
    }
}

/// The newest `bin` folder of Debian's packages.
fn programs() -> Option<PathBuf> {
    let version = |path: &Path| path.parent()?.file_name()?.to_str()?.parse::<u32>().ok();
    let folders = fs::read_dir("/usr/lib/postgresql").ok()?.flatten().map(|entry| entry.path().join("bin"));
    folders.filter(|bin| bin.join("initdb").exists()).max_by_key(|bin| version(bin))
}

fn note() -> Result<PathBuf> {
    Ok(testkit_folder()?.join("pg"))
}

fn lock() -> Result<File> {
    let file = File::create(testkit_folder()?.join("pg.lock"))?;
    file.lock()?;
    Ok(file)
}

/// The noted cluster's folder, if it answers.
fn running() -> Result<Option<PathBuf>> {
    let Ok(home) = fs::read_to_string(note()?) else { return Ok(None) };
    let home = PathBuf::from(home);
    Ok(UnixStream::connect(home.join(".s.PGSQL.5432")).is_ok().then_some(home))
}

fn data(home: &Path) -> String {
    home.join("data").display().to_string()
}

fn start(programs: &Path) -> Result<PathBuf> {
    let home = tempfile::Builder::new().prefix("lfpg").tempdir_in(ground()?)?.keep();
    fs::set_permissions(&home, fs::Permissions::from_mode(0o755))?;
    if let Some((_, uid, gid)) = other_user()? {
        chown(&home, Some(uid), Some(gid))?;
    }
    let data = data(&home);
    run(programs, "initdb", &["-D", &data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"])?;
    // Nothing here must survive a crash of the machine; everything must be fast.
    let mut settings = format!("unix_socket_directories = '{}'\n", home.display());
    settings.push_str("listen_addresses = ''\nfsync = off\nfull_page_writes = off\nsynchronous_commit = off\n");
    settings.push_str("max_connections = 300\nshared_buffers = 64MB\nautovacuum = off\nwal_level = minimal\n");
    settings.push_str("max_wal_senders = 0\nlog_min_messages = fatal\n");
    File::options().append(true).open(home.join("data/postgresql.conf"))?.write_all(settings.as_bytes())?;
    let log = home.join("log").display().to_string();
    run(programs, "pg_ctl", &["start", "-w", "-t", "60", "-D", &data, "-l", &log])?;
    Ok(home)
}

/// The first folder for short-lived things that the server's user can reach; root's own temporary folder often is
/// closed to others.
fn ground() -> Result<PathBuf> {
    let own = std::env::temp_dir();
    if other_user()?.is_none() {
        return Ok(own);
    }
    let open = |folder: &PathBuf| {
        let enter = |part: &Path| fs::metadata(part).is_ok_and(|meta| meta.permissions().mode() & 0o001 != 0);
        folder.as_os_str().len() < 60 && fs::canonicalize(folder).is_ok_and(|path| path.ancestors().all(enter))
    };
    let places = [own, "/tmp".into(), "/var/tmp".into(), "/run".into(), "/dev/shm".into()];
    places.into_iter().find(open).context("no folder for short-lived things that the server's user can reach")
}

/// Whom the server runs as: it refuses to be root.
fn other_user() -> Result<Option<(&'static str, u32, u32)>> {
    if !rustix::process::geteuid().is_root() {
        return Ok(None);
    }
    let users = fs::read_to_string("/etc/passwd")?;
    for name in ["postgres", "nobody"] {
        let line = users.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        let mut fields = line.into_iter().flat_map(|rest| rest.split(':')).skip(1);
        if let (Some(uid), Some(gid)) = (fields.next(), fields.next()) {
            return Ok(Some((name, uid.parse()?, gid.parse()?)));
        }
    }
    bail!("PostgreSQL does not run as root and there is no user to run it as")
}

fn run(programs: &Path, program: &str, arguments: &[&str]) -> Result<()> {
    let program = programs.join(program);
    let mut command = match other_user()? {
        None => Command::new(&program),
        Some((_, uid, gid)) => {
            let mut command = Command::new("setpriv");
            command.arg(format!("--reuid={uid}")).arg(format!("--regid={gid}")).arg("--clear-groups").arg(&program);
            command
        }
    };
    // The server outlives this test: it must hold no pipe that the test runner waits for, so its words go to a file.
    let mut words = tempfile::tempfile()?;
    let outcome = command
        .args(arguments)
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(words.try_clone()?)
        .stderr(words.try_clone()?)
        .status()
        .with_context(|| format!("{} does not start", program.display()))?;
    if !outcome.success() {
        let mut said = String::new();
        words.rewind()?;
        words.read_to_string(&mut said)?;
        bail!("{} {} ended with {outcome}: {}", program.display(), arguments.join(" "), said.trim());
    }
    Ok(())
}
