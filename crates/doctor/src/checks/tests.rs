//! What is seen in folders made for it.

use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;

use base::Timestamp;
use text::Lang;

use super::*;

const NOW: i64 = 1_900_000_000;

/// Files of an installation: `(name, text, mode)`.
fn lay(folder: &Path, files: &[(&str, &[u8], u32)]) {
    fs::set_permissions(folder, Permissions::from_mode(0o700)).unwrap();
    for (name, text, mode) in files {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(*mode)).unwrap();
    }
}

fn certificate(days: i64) -> String {
    let key = rcgen::KeyPair::generate().unwrap();
    let mut params = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    let at = |seconds| time::OffsetDateTime::from_unix_timestamp(seconds).unwrap();
    (params.not_before, params.not_after) = (at(NOW - 86_400), at(NOW + days * 86_400));
    params.self_signed(&key).unwrap().pem()
}

fn sound(folder: &Path) {
    let mut head = b"SQLite format 3\0".to_vec();
    head.extend(4096_u16.to_be_bytes());
    head.resize(4096, 0);
    let (server, authority) = (certificate(397), certificate(3_650));
    lay(
        folder,
        &[
            ("state.db", &head, 0o600),
            ("lock", b"", 0o600),
            ("keys/audit.key", b"00", 0o600),
            ("tls/server.key", b"k", 0o600),
            ("tls/server.pem", server.as_bytes(), 0o644),
            ("tls/ca.pem", authority.as_bytes(), 0o644),
            ("tls/machine-ca.pem", authority.as_bytes(), 0o644),
            ("journal/0000000000000000-00000001.segment", b"", 0o600),
        ],
    );
}

fn look<'a>(data: &'a Path, change: impl FnOnce(&mut Installation<'a>)) -> BTreeMap<&'static str, Check> {
    let mut at = Installation {
        data,
        config: None,
        listen: "127.0.0.1:8443",
        listen_machines: "127.0.0.1:8444",
        store: "",
        journal_most: 0,
        keep_free: 0,
        access: Box::leak(Box::default()),
        sensor: Box::leak(Box::default()),
        now: Timestamp::EPOCH.plus_secs(NOW),
    };
    change(&mut at);
    let checks = examine(&at);
    let count = checks.len();
    let found: BTreeMap<_, _> = checks.into_iter().map(|check| (check.id, check)).collect();
    assert_eq!(found.len(), count, "no check stands twice");
    for check in found.values() {
        assert_eq!(check.word == Word::Ok, check.act.is_none(), "{}: what to do", check.id);
        let acts = check.act.iter().chain([&check.evidence]);
        for text in acts.map(|say| say.pick(Lang::ZhTw)) {
            assert_eq!(text::lint::mainland(text), [], "{}", check.id);
        }
    }
    found
}

fn words(found: &BTreeMap<&'static str, Check>, word: Word) -> Vec<&'static str> {
    found.values().filter(|check| check.word == word).map(|check| check.id).collect()
}

#[test]
fn a_sound_folder_has_nothing_bad_and_is_left_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    sound(dir.path());
    let state = || {
        let mut seen = BTreeMap::new();
        let mut folders = vec![dir.path().to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
                let meta = entry.metadata().unwrap();
                if meta.is_dir() {
                    folders.push(entry.path());
                }
                seen.insert(entry.path(), (meta.len(), meta.mode(), meta.mtime_nsec(), meta.ctime_nsec()));
            }
        }
        seen
    };
    let before = state();
    let found = look(dir.path(), |_| {});
    assert_eq!(words(&found, Word::Bad), Vec::<&str>::new(), "{found:?}");
    assert_eq!(words(&found, Word::Warn), Vec::<&str>::new(), "{found:?}");
    assert_eq!(state(), before);
    assert_eq!(found["files.secret"].evidence.pick(Lang::En), "5 files, for their owner alone");
    assert_eq!(found["certificate.server"].evidence.pick(Lang::En), "server.pem ends in 397 days");
    // Nobody holds the folder: what is seen is this process.
    assert_eq!(found["centre.confined"].word, Word::Unknown);
    assert!(found["centre.confined"].evidence.pick(Lang::En).contains("CapEff"));
}

#[test]
fn no_folder_is_bad_and_the_rest_is_still_looked_at() {
    let dir = tempfile::tempdir().unwrap();
    let found = look(&dir.path().join("none"), |_| {});
    assert_eq!(words(&found, Word::Bad), ["data.folder"]);
    assert!(found.contains_key("sqlite.library") && !found.contains_key("state.database"));
    let found = look(&dir.path().join("none"), |at| at.data = Path::new("/proc/self/status"));
    assert_eq!(found["data.folder"].word, Word::Bad);
}

#[test]
fn each_fault_is_named() {
    let dir = tempfile::tempdir().unwrap();
    sound(dir.path());
    let at = dir.path();
    let open = |name: &str, mode| fs::set_permissions(at.join(name), Permissions::from_mode(mode)).unwrap();
    open("keys/audit.key", 0o640);
    open("state.db", 0o604);
    open("", 0o750);
    let (late, over) = (certificate(30), certificate(-1));
    lay_more(at, &[("tls/server.pem", late.as_bytes()), ("tls/ca.pem", over.as_bytes()), ("tls/machine-ca.pem", b"x")]);
    let config = tempfile::NamedTempFile::new().unwrap();
    fs::set_permissions(config.path(), Permissions::from_mode(0o644)).unwrap();
    let found = look(at, |at| {
        (at.config, at.store) = (Some(config.path()), "postgres://u:secret@db.example/x");
        (at.listen, at.listen_machines) = ("0.0.0.0:8443", "centre:8444");
        at.keep_free = u64::MAX;
    });
    let bad =
        ["certificate.authority", "certificate.machines", "data.folder", "disk.free", "files.config", "files.secret"];
    assert_eq!(words(&found, Word::Bad), bad);
    let evidence = found["files.secret"].evidence.pick(Lang::En);
    assert!(evidence.contains("keys/audit.key 0640") && evidence.contains("state.db 0604"), "{evidence}");
    assert_eq!(words(&found, Word::Warn), ["certificate.server", "door.portal"]);
    assert_eq!(found["door.machines"].word, Word::Unknown);
    assert_eq!(found["state.database"].word, Word::Unknown, "PostgreSQL is not asked");
    assert!(!format!("{found:?}").contains("secret@"), "a password is never shown");
}

fn lay_more(folder: &Path, files: &[(&str, &[u8])]) {
    files.iter().for_each(|(name, text)| fs::write(folder.join(name), text).unwrap());
}

#[test]
fn a_broken_database_and_journal_are_seen() {
    let dir = tempfile::tempdir().unwrap();
    sound(dir.path());
    lay(dir.path(), &[("state.db", b"junk", 0o600), ("journal/0000000000000fff-00000002.segment", b"half", 0o600)]);
    let found = look(dir.path(), |_| {});
    assert_eq!(words(&found, Word::Bad), ["state.database"]);
    assert_eq!(found["state.journal"].word, Word::Warn, "the first segment ends before the second begins");
    fs::remove_dir_all(dir.path().join("journal")).unwrap();
    fs::remove_file(dir.path().join("state.db")).unwrap();
    assert_eq!(words(&look(dir.path(), |_| {}), Word::Bad), ["state.database", "state.journal"]);
}
