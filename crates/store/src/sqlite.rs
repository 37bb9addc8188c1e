//! SQLite: one writer thread with group commit, a pool of readers.

mod reader;
mod writer;

use base::Env;
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, ErrorCode, OpenFlags, Statement, ffi};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::db::{Committed, Engine, Signals};
use crate::error::StoreError;
use crate::text::{Text, Texts};
use crate::unit::Unit;
use crate::value::{Row, Value};
use reader::Readers;
use writer::Writer;

/// Below this a WAL reset can corrupt the file (sqlite.org/wal.html, fixed in 3.51.3).
const OLDEST: i32 = 3_051_003;

/// Statements kept prepared per connection.
const PREPARED: usize = 512;

/// An open SQLite file.
#[derive(Debug)]
pub(crate) struct Sqlite {
    // First to go: the writer's close is then the last one and leaves no log behind.
    readers: Readers,
    writer: Writer,
    path: PathBuf,
}

impl Sqlite {
    pub(crate) fn open(path: &Path, env: Env, signals: Arc<Signals>) -> Result<Self, StoreError> {
        check_version(rusqlite::version_number())?;
        let unclean = prepare_file(path).map_err(|e| StoreError::Database(format!("the state file: {e}")))?;
        let texts = Arc::new(Texts::new(Engine::Sqlite));
        // The writer comes first: it makes the file and turns it to WAL before a reader looks.
        let connection = connect(path, false)?;
        if unclean {
            quick_check(&connection)?;
        }
        let writer = Writer::start(connection, Arc::clone(&texts), env, signals)?;
        let count = std::thread::available_parallelism().map_or(4, |n| n.get().clamp(4, 16));
        let readers = (0..count).map(|_| connect(path, true)).collect::<Result<Vec<_>, _>>()?;
        Ok(Self { readers: Readers::new(readers, texts), writer, path: path.to_owned() })
    }

    pub(crate) fn texts(&self) -> &Texts {
        self.readers.texts()
    }

    pub(crate) async fn read(&self, text: Arc<Text>, params: Vec<Value>) -> Result<Vec<Row>, StoreError> {
        self.readers.read(text, params).await
    }

    pub(crate) async fn prepare(&self, text: Arc<Text>) -> Result<(), StoreError> {
        self.readers.prepare(text).await
    }

    pub(crate) async fn commit(&self, unit: Unit) -> Result<Committed, StoreError> {
        self.writer.commit(unit).await
    }

    /// Runs schema statements and one recording statement in a transaction of their own.
    pub(crate) async fn apply(
        &self,
        script: String,
        record: &'static str,
        params: Vec<Value>,
    ) -> Result<(), StoreError> {
        self.writer.apply(script, record, params).await
    }

    /// A consistent copy of the file as it is at this moment; writers go on meanwhile.
    pub(crate) async fn copy_to(&self, to: PathBuf) -> Result<(), StoreError> {
        copy_file(self.path.clone(), to).await
    }

    pub(crate) async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }
}

fn check_version(number: i32) -> Result<(), StoreError> {
    if number < OLDEST {
        return Err(StoreError::Schema(format!("SQLite {number} is older than {OLDEST} and may corrupt its file")));
    }
    Ok(())
}

/// The library that is built in: its version as people write it, and whether it is above the floor.
#[must_use]
pub fn library() -> (&'static str, bool) {
    (rusqlite::version(), check_version(rusqlite::version_number()).is_ok())
}

/// Makes the file readable for its owner alone; comes back with whether the last process left its log behind.
fn prepare_file(path: &Path) -> std::io::Result<bool> {
    use std::os::unix::fs::OpenOptionsExt as _;
    std::fs::OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(path)?;
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    Ok(std::fs::metadata(log).is_ok_and(|log| log.len() > 0))
}

/// A consistent copy of a state file as it is at this moment, durable when this returns; whoever has it open goes on.
pub(crate) async fn copy_file(from: PathBuf, to: PathBuf) -> Result<(), StoreError> {
    check_version(rusqlite::version_number())?;
    let work = move || -> Result<(), StoreError> {
        if !from.exists() {
            return Err(StoreError::Refused(format!("there is no state file {}", from.display())));
        }
        let target = to.to_str().ok_or_else(|| StoreError::Refused("the target's name is not UTF-8".into()))?;
        let source = connect(&from, true)?;
        source.execute_batch("PRAGMA query_only=OFF").map_err(|e| error(&e))?;
        source.execute("VACUUM INTO ?1", [target]).map_err(|e| error(&e))?;
        let durable = || {
            std::fs::set_permissions(&to, std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
            std::fs::File::open(&to)?.sync_all()?;
            to.parent().map_or(Ok(()), |folder| std::fs::File::open(folder)?.sync_all())
        };
        durable().map_err(|e: std::io::Error| StoreError::Database(format!("the copy: {e}")))
    };
    tokio::task::spawn_blocking(work).await.map_err(|e| StoreError::Database(format!("the copy: {e}")))?
}

/// SQLite has no checksums of its own: after an unclean stop the structure of the file is looked through once.
fn quick_check(connection: &Connection) -> Result<(), StoreError> {
    let verdict: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0)).map_err(|e| error(&e))?;
    if verdict == "ok" { Ok(()) } else { Err(StoreError::Corrupt(format!("state file: {verdict}"))) }
}

fn connect(path: &Path, reader: bool) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(|e| error(&e))?;
    configure(&connection, reader).map_err(|e| error(&e))?;
    Ok(connection)
}

fn configure(connection: &Connection, reader: bool) -> rusqlite::Result<()> {
    use rusqlite::config::DbConfig;
    connection.busy_timeout(std::time::Duration::from_secs(10))?;
    connection.set_prepared_statement_cache_capacity(PREPARED);
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DML, false)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DDL, false)?;
    // Checkpoints belong to the writer alone: it says when, and no reader's close makes one.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, reader)?;
    connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
    connection.execute_batch(
        "PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON; PRAGMA trusted_schema=OFF; PRAGMA cell_size_check=ON;
         PRAGMA temp_store=MEMORY; PRAGMA cache_size=-16384;",
    )?;
    for (name, value) in [("mmap_size", 0), ("wal_autocheckpoint", 0), ("journal_size_limit", 67_108_864)] {
        connection.pragma_update_and_check(None, name, value, |_| Ok(()))?;
    }
    if reader {
        connection.execute_batch("PRAGMA query_only=ON")?;
    }
    Ok(())
}

/// Binds the parameters; their number must be the statement's.
fn bind(statement: &mut Statement<'_>, params: &[Value]) -> rusqlite::Result<()> {
    let wanted = statement.parameter_count();
    if wanted != params.len() {
        return Err(rusqlite::Error::InvalidParameterCount(params.len(), wanted));
    }
    for (index, value) in params.iter().enumerate() {
        statement.raw_bind_parameter(index + 1, Bind(value))?;
    }
    Ok(())
}

struct Bind<'a>(&'a Value);

impl rusqlite::ToSql for Bind<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self.0 {
            Value::Null => ValueRef::Null,
            Value::Int(number) => ValueRef::Integer(*number),
            Value::Real(number) => ValueRef::Real(*number),
            Value::Text(text) => {
                // PostgreSQL cannot store it; both engines refuse the same things.
                if text.contains('\0') {
                    return Err(rusqlite::Error::ToSqlConversionFailure("text with a NUL character".into()));
                }
                ValueRef::Text(text.as_bytes())
            }
            Value::Bytes(bytes) => ValueRef::Blob(bytes),
            Value::Uuid(id) => ValueRef::Blob(id.as_bytes()),
        }))
    }
}

fn value(cell: ValueRef<'_>) -> Value {
    match cell {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(number) => Value::Int(number),
        ValueRef::Real(number) => Value::Real(number),
        ValueRef::Text(text) => Value::Text(String::from_utf8_lossy(text).into_owned()),
        ValueRef::Blob(bytes) => Value::Bytes(bytes.to_vec()),
    }
}

/// What an SQLite error means to the caller.
fn error(failure: &rusqlite::Error) -> StoreError {
    let rusqlite::Error::SqliteFailure(cause, message) = failure else {
        return match failure {
            rusqlite::Error::SqlInputError { error, msg, .. } => StoreError::Refused(format!("{msg} ({error})")),
            rusqlite::Error::ToSqlConversionFailure(why) => StoreError::Shape(why.to_string()),
            other => StoreError::Refused(other.to_string()),
        };
    };
    let text = message.clone().unwrap_or_else(|| cause.to_string());
    match cause.code {
        ErrorCode::ConstraintViolation => match cause.extended_code {
            ffi::SQLITE_CONSTRAINT_UNIQUE | ffi::SQLITE_CONSTRAINT_PRIMARYKEY | ffi::SQLITE_CONSTRAINT_ROWID => {
                StoreError::Duplicate(text.trim_start_matches("UNIQUE constraint failed: ").to_owned())
            }
            _ => StoreError::Refused(text),
        },
        ErrorCode::DiskFull => StoreError::DiskFull,
        ErrorCode::DatabaseBusy
        | ErrorCode::DatabaseLocked
        | ErrorCode::SystemIoFailure
        | ErrorCode::CannotOpen
        | ErrorCode::OutOfMemory
        | ErrorCode::OperationInterrupted => StoreError::Database(text),
        ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => StoreError::Corrupt(format!("state file: {text}")),
        _ => StoreError::Refused(text),
    }
}

/// Whether the failure is an input or output error of the disk.
fn is_io(failure: &rusqlite::Error) -> bool {
    failure.sqlite_error_code() == Some(ErrorCode::SystemIoFailure)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_a_library_with_the_wal_reset_bug() {
        assert!(check_version(3_051_002).is_err());
        assert!(check_version(3_051_003).is_ok());
        assert!(check_version(rusqlite::version_number()).is_ok());
    }
}
