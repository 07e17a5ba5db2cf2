//! The file with the seal keys.

use std::fs;
use std::time::Duration;

use countersign_core::{ErrorKind, Revision, SessionStore};
use countersign_store_file::FileStore;

use super::child::Process;
use super::machine::{assert_private, make_private};
use super::{Place, assert_says, listing, name, put};

#[tokio::test]
async fn a_key_is_made_once() {
    let place = Place::new();
    let first = place.store.seal_keys().await.unwrap();
    let again = FileStore::open(place.store.folder()).unwrap().seal_keys().await.unwrap();
    assert_eq!(first.sealing().unwrap().0, 1);
    assert_eq!(first.sealing().unwrap().1.len(), 32);
    assert!(first.sealing().unwrap().1.matches(again.sealing().unwrap().1));
    assert_eq!(listing(&place.path("tmp")), [""; 0]);
    let other = Place::new().store.seal_keys().await.unwrap();
    assert!(!first.sealing().unwrap().1.matches(other.sealing().unwrap().1));
}

#[tokio::test]
async fn processes_that_race_for_the_key_get_the_same() {
    let place = Place::new();
    let mut others: Vec<_> =
        (0..6).map(|_| Process::start("key", place.store.folder(), &name(1))).collect();
    for other in &mut others {
        assert_eq!(other.says().as_deref(), Some("ready"));
    }
    others.iter_mut().for_each(Process::go_on);
    let salts: Vec<_> = others.iter_mut().map(|other| other.says().unwrap()).collect();
    assert!(salts.iter().all(|salt| salt.len() == 64 && *salt == salts[0]), "{salts:?}");
    assert!(others.iter_mut().all(Process::ends_well));
}

/// What holds of F31 without a keyring: the key that protects the records is a file of the owner alone,
/// made before the first record, and where it cannot be made nothing is kept in the clear instead.
#[tokio::test]
async fn f31_the_key_is_the_owners_alone_and_without_it_nothing_is_written() {
    let place = Place::new();
    place.store.seal_keys().await.unwrap();
    assert_private(&place.path("key"));

    let place = Place::new();
    // A folder in the place of the key: the probe fails before any secret is there to be kept.
    fs::create_dir(place.path("key")).unwrap();
    let error = place.store.seal_keys().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Store);
    let kept = ["records", "tmp", "damaged"].map(|folder| place.path(folder));
    for folder in kept.iter().filter(|folder| folder.exists()) {
        assert_eq!(listing(folder), [""; 0], "{}", folder.display());
    }
}

#[tokio::test]
async fn a_second_key_opens_and_the_first_seals() {
    let place = Place::new();
    let (new, old) = ("cd".repeat(32), "ab".repeat(32));
    let file = format!("countersign seal keys, version 1\n2 {new}\n1 {old}\n");
    fs::write(place.path("key"), file).unwrap();
    make_private(&place.path("key"));
    let keys = place.store.seal_keys().await.unwrap();
    assert_eq!(keys.sealing().unwrap().0, 2);
    assert_eq!(keys.sealing().unwrap().1.expose_bytes(), [0xcd; 32]);
    assert_eq!(keys.opening(1).unwrap().expose_bytes(), [0xab; 32]);
}

#[tokio::test]
async fn a_key_file_that_is_damaged_or_newer_is_refused() {
    let place = Place::new();
    place.store.seal_keys().await.unwrap();
    let key = "ab".repeat(32);
    for text in [
        String::new(),
        "canary".into(),
        "countersign seal keys, version 1\n".into(),
        "countersign seal keys, version 1\n1 canary\n".into(),
        format!("countersign seal keys, version 1\n1 {}\n", &key[2..]),
        format!("countersign seal keys, version 1\n1 {key}\n1 {key}\n"),
        "x".repeat(20_000),
    ] {
        fs::write(place.path("key"), &text).unwrap();
        let error = place.store.seal_keys().await.unwrap_err();
        assert_says(&error, "bad_key", "bring the right one back");
        assert!(!format!("{error} {error:?}").contains("canary"));
        assert_eq!(fs::read_to_string(place.path("key")).unwrap(), text);
    }
    fs::write(place.path("key"), "countersign seal keys, version 3\n").unwrap();
    let error = place.store.seal_keys().await.unwrap_err();
    assert_says(&error, "newer_version", "upgrade this program");
}

#[tokio::test]
async fn a_lost_key_is_not_replaced_while_records_need_it() {
    let place = Place::new();
    place.store.seal_keys().await.unwrap();
    put(&place.store, &name(1), Revision::NONE, "sealed").await;
    drop(place.store.lock(&name(1), Duration::ZERO, Duration::ZERO).await.unwrap());
    fs::remove_file(place.path("key")).unwrap();
    let error = place.store.seal_keys().await.unwrap_err();
    assert_says(&error, "bad_key", "bring it back");
    assert!(!place.path("key").exists());
    assert!(place.store.remove(&name(1), Revision(1)).await.unwrap());
    assert!(place.store.seal_keys().await.is_ok());
}
