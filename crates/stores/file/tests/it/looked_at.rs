//! A store that is looked at, and one that can only be read.

use std::fs;

use countersign_core::{Revision, SecretBytes, SessionStore};
use countersign_store_file::{FileStore, LockKind};

use super::child::Process;
use super::machine::{contents, expose};
use super::{Place, assert_says, name, put};

#[tokio::test]
async fn a_look_shows_what_is_there_and_changes_nothing() {
    let place = Place::new();
    let seen = place.store.inspect().await.unwrap();
    assert_eq!((seen.key, seen.records.len(), seen.writable), (None, 0, true));
    assert!(!place.path("key").exists(), "a look made a key");

    let keys = place.store.seal_keys().await.unwrap();
    let sealer = countersign_seal::Sealer::new(keys).unwrap();
    let realm = countersign_core::Realm::new(
        countersign_core::Origin::parse("https://auth.example").unwrap(),
    );
    let acme = countersign_core::ProviderId::new("acme");
    let kim = countersign_core::SessionKey::new(acme, &realm, "kim");
    let sealed = sealer.seal_session(&kim, &countersign_seal::SessionRecord::default()).unwrap();
    place.store.commit(&name(1), Revision::NONE, None, sealed).await.unwrap();
    put(&place.store, &name(2), Revision::NONE, "canary").await;
    fs::write(place.record(&name(2)), "canary").unwrap();
    put(&place.store, &name(3), Revision::NONE, "canary").await;
    let remedy = expose(&place.record(&name(3)));
    fs::write(place.path("tmp/left.1.1.tmp"), "canary").unwrap();
    drop(place.store.lock(&name(4), super::LEASE, super::LEASE).await.unwrap());
    let mut other = Process::start("hold", place.store.folder(), &name(1));
    assert_eq!(other.says().as_deref(), Some("1"));

    let before = contents(place.store.folder());
    let seen = place.store.inspect().await.unwrap();
    assert!(before == contents(place.store.folder()), "a look changed something");
    assert_eq!(seen.folder, place.store.folder());
    assert_eq!((seen.key, &*seen.key_ids), (Some("owner_only"), &[1][..]));
    assert!(seen.problems.is_empty());
    let names: Vec<_> = seen.records.iter().map(|record| record.name.clone()).collect();
    assert_eq!(names, [name(1), name(2), name(3)]);
    let (revision, facts) = seen.records[0].read.clone().unwrap();
    assert_eq!((revision, facts.kind, facts.key, facts.format.number()), (Revision(1), 1, 1, 3));
    assert_says(seen.records[1].read.as_ref().unwrap_err(), "damaged", "signs in again");
    assert_says(seen.records[2].read.as_ref().unwrap_err(), "unsafe_file", remedy);
    let locks: Vec<_> =
        seen.locks.iter().map(|lock| (lock.lock.clone(), lock.held, lock.pid)).collect();
    let ours = Some(std::process::id());
    let expected = [
        (LockKind::Write(name(1)), false, ours),
        (LockKind::Exchange(name(1)), true, Some(other.id())),
        (LockKind::Write(name(2)), false, ours),
        (LockKind::Write(name(3)), false, ours),
        (LockKind::Exchange(name(4)), false, ours),
    ];
    assert_eq!(locks, expected);
    assert_eq!((seen.set_aside.len(), seen.unfinished), (0, 1));
    assert!(other.ends_well());

    let damaged = place.store.load(&name(2)).await.unwrap().unwrap();
    assert!(place.store.set_aside(&name(2), damaged.revision).await.unwrap());
    let seen = place.store.inspect().await.unwrap();
    assert_eq!((seen.set_aside.len(), seen.records.len()), (1, 2));
    assert!(seen.locks.iter().all(|lock| !lock.held));
    #[cfg(unix)]
    {
        super::machine::set_mode(&place.path("key"), 0o644);
        super::machine::set_mode(&place.path("locks"), 0o755);
        let seen = place.store.inspect().await.unwrap();
        let problems: Vec<_> = seen.problems.iter().map(ToString::to_string).collect();
        assert!(problems.iter().any(|said| said.contains("chmod 600")), "{problems:?}");
        assert!(problems.iter().any(|said| said.contains("chmod 700")), "{problems:?}");
    }
}

#[tokio::test]
async fn a_folder_that_was_removed_is_not_an_empty_store() {
    let place = Place::new();
    put(&place.store, &name(1), Revision::NONE, "kept").await;
    let moved = place.path("").with_file_name("moved");
    fs::rename(place.store.folder(), &moved).unwrap();
    let error = place.store.load(&name(1)).await.unwrap_err();
    assert_says(&error, "no_folder", "bring it back");
    let error = place.store.list().await.unwrap_err();
    assert_says(&error, "no_folder", "bring it back");
    let done = place.store.commit(&name(2), Revision::NONE, None, SecretBytes::default()).await;
    assert_says(&done.unwrap_err(), "no_folder", "bring it back");
    let locked = place.store.lock(&name(2), super::LEASE, std::time::Duration::ZERO).await;
    assert_says(&locked.err().unwrap(), "no_folder", "bring it back");
    assert!(place.store.seal_keys().await.is_err());
    assert!(!place.store.folder().exists(), "the folder was made anew, empty");
    fs::rename(&moved, place.store.folder()).unwrap();
    assert_eq!(super::text(&place.store, &name(1)).await.as_deref(), Some("kept"));
    assert!(FileStore::open(place.store.folder()).is_ok());
}
