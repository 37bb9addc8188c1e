//! Blobs: names are hashes, damage is seen, drafts go away.

use base::Env;
use bytes::Bytes;
use std::fs;
use store::StoreError;
use store::blobs::{BlobId, Blobs};

#[tokio::test]
async fn keeps_checks_and_removes() {
    let (db, folder) = testkit::sqlite(&[], Env::system()).await;
    let home = folder.path().join("blobs");
    let blobs = Blobs::open(&home, db.clone()).await.unwrap();
    let id = blobs.put(Bytes::from_static(b"abc")).await.unwrap();
    assert_eq!(id.to_string(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_eq!(blobs.put(Bytes::from_static(b"abc")).await.unwrap(), id);
    assert_eq!(blobs.get(id).await.unwrap().unwrap(), Bytes::from_static(b"abc"));
    assert_eq!(blobs.get(BlobId::of(b"x")).await.unwrap(), None);
    assert_eq!(fs::read_dir(home.join("draft")).unwrap().count(), 0);

    let place = home.join("ba").join(id.to_string());
    fs::write(&place, b"abd").unwrap();
    assert!(matches!(blobs.get(id).await, Err(StoreError::Corrupt(name)) if name == id.to_string()));
    assert!(blobs.remove(id).await.unwrap());
    assert!(!blobs.remove(id).await.unwrap());

    fs::write(home.join("draft/left"), b"half").unwrap();
    Blobs::open(&home, db).await.unwrap();
    assert_eq!(fs::read_dir(home.join("draft")).unwrap().count(), 0);
}

#[test]
fn a_name_never_becomes_a_path() {
    for bad in ["", "../../etc/passwd", "ab", &"0".repeat(63), &"/".repeat(64), &"g".repeat(64)] {
        assert!(bad.parse::<BlobId>().is_err(), "{bad}");
    }
    let id = BlobId::of(b"abc");
    assert_eq!(id.to_string().parse::<BlobId>().unwrap(), id);
}
