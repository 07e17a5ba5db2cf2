//! Files and folders: who may read them, and what is refused.

use std::fs;
use std::time::Duration;

use countersign_core::{Revision, SessionStore};
use countersign_store_file::FileStore;

use super::machine::assert_private;
use super::{Place, assert_says, listing, name, put};

#[tokio::test]
async fn f30_all_that_is_made_is_readable_by_its_owner_only() {
    let place = Place::new();
    place.store.seal_keys().await.unwrap();
    put(&place.store, &name(1), Revision::NONE, "canary").await;
    put(&place.store, &name(1), Revision(1), "canary").await;
    assert_private(&place.record(&name(1)));
    drop(place.store.lock(&name(1), Duration::ZERO, Duration::ZERO).await.unwrap());
    fs::write(place.record(&name(1)), "damage").unwrap();
    let damaged = place.store.load(&name(1)).await.unwrap().unwrap();
    put(&place.store, &name(1), damaged.revision, "canary").await;
    for folder in ["", "records", "locks", "tmp", "damaged"] {
        assert_private(&place.path(folder));
    }
    for folder in ["locks", "damaged"] {
        let files = listing(&place.path(folder));
        assert!(!files.is_empty());
        for file in files {
            assert_private(&place.path(folder).join(&file));
        }
    }
    assert_private(&place.path("key"));
    // The folder above was made with it.
    assert_private(place.path("").parent().unwrap());
}

#[tokio::test]
async fn a_load_makes_nothing_and_locks_nothing() {
    let place = Place::new();
    assert!(place.store.load(&name(1)).await.unwrap().is_none());
    assert!(place.store.load_many(&[name(1), name(2)]).await.unwrap().iter().all(Option::is_none));
    assert!(place.store.list().await.unwrap().is_empty());
    for folder in ["records", "locks", "tmp"] {
        assert_eq!(listing(&place.path(folder)), [""; 0]);
    }
    assert_eq!(listing(&place.path("")), ["locks", "records", "tmp"]);
    assert!(place.store.watch().await.is_none());
}

#[tokio::test]
async fn a_record_with_two_names_and_one_that_is_no_file_are_refused() {
    let place = Place::new();
    put(&place.store, &name(1), Revision::NONE, "canary").await;
    fs::hard_link(place.record(&name(1)), place.path("second")).unwrap();
    let error = place.store.load(&name(1)).await.unwrap_err();
    assert_says(&error, "unsafe_file", "hard links");
    fs::remove_file(place.path("second")).unwrap();
    assert!(place.store.load(&name(1)).await.unwrap().is_some());

    fs::create_dir(place.record(&name(2))).unwrap();
    let error = place.store.load(&name(2)).await.unwrap_err();
    assert_says(&error, "unsafe_file", "not a plain file");
}

#[test]
fn a_file_in_the_place_of_the_folder_is_refused() {
    let home = tempfile::tempdir().unwrap();
    fs::write(home.path().join("file"), "").unwrap();
    let error = FileStore::open(home.path().join("file")).unwrap_err();
    assert_says(&error, "unsafe_file", "is not a folder");
}
