//! What a backup refuses; a backup of a centre under load is in the tests from outside.

use super::*;

fn listed(folder: &Path, text: &str) -> String {
    fs::write(folder.join(LIST), text).unwrap();
    read_list(folder).map_err(|error| format!("{error:?}")).unwrap_err()
}

#[test]
fn a_list_never_leads_out_of_its_folder() {
    let dir = tempfile::tempdir().unwrap();
    assert!(read_list(dir.path()).map_err(|error| format!("{error:?}")).unwrap_err().contains("has no list"));
    let list = |format: &str, name: &str| {
        format!(
            r#"{{"format":"{format}","version":"1","made_at":"x","size":0,"root":"","export_sha256":"","files":{{"{name}":{{"sha256":"","bytes":0}}}}}}"#
        )
    };
    for name in ["../evil", "/etc/passwd", "keys/../../evil", ".", ""] {
        assert!(listed(dir.path(), &list(FORMAT, name)).contains("leads elsewhere"), "{name}");
    }
    assert!(listed(dir.path(), &list("lianfang-backup-9", "a")).contains("not a form"));
    assert!(listed(dir.path(), "{").contains(LIST));
    fs::write(dir.path().join(LIST), list(FORMAT, "keys/audit.key")).unwrap();
    assert_eq!(read_list(dir.path()).unwrap().sum(), (1, 0));
}

#[test]
fn what_is_there_already_stays_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let target = dir.path().join("b");
    fs::create_dir(&target).unwrap();
    drop(Staged::begin(&target).unwrap());
    fs::create_dir(&target).unwrap();
    fs::write(target.join("mine"), "x").unwrap();
    assert!(Staged::begin(&target).is_err());
    assert_eq!(fs::read(target.join("mine")).unwrap(), b"x");
}

#[test]
fn postgresql_is_told_its_own_tools() {
    let mut tree = Tree::default();
    on_sqlite(&tree).unwrap();
    tree.store.url = "postgres://x/y".to_owned();
    assert!(on_sqlite(&tree).map_err(|error| format!("{error:?}")).unwrap_err().contains("pg_basebackup"));
}
