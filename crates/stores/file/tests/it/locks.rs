//! Locks between processes, and locks that were lost.

use std::fs;
use std::time::Duration;

use countersign_core::{Committed, Recovery, Revision, SessionStore};

use super::child::Process;
use super::machine::{assert_private, hold};
use super::{Place, assert_says, bytes, name, put, text};

const LEASE: Duration = Duration::from_secs(30);
const SHORT: Duration = Duration::from_millis(120);
const LONG: Duration = Duration::from_secs(20);

#[tokio::test]
async fn f03_a_lock_excludes_other_processes_and_its_holder_is_named() {
    let place = Place::new();
    let mut other = Process::start("hold", place.store.folder(), &name(1));
    assert_eq!(other.says().as_deref(), Some("1"));
    let error = place.store.lock(&name(1), LEASE, SHORT).await.err().unwrap();
    assert_says(&error, "locked", &format!("process {}", other.id()));
    assert_eq!(error.recovery(), Recovery::Retry);

    assert!(other.ends_well());
    let lock = place.store.lock(&name(1), LEASE, LONG).await.unwrap();
    assert_eq!(lock.fence().number(), 2);
}

#[tokio::test]
async fn f29_a_lock_lies_beside_the_data_in_files_of_its_owner_and_apart_from_them() {
    let place = Place::new();
    put(&place.store, &name(1), Revision::NONE, "canary").await;
    let record = fs::read(place.record(&name(1))).unwrap();
    let lock = place.store.lock(&name(1), LEASE, Duration::ZERO).await.unwrap();
    let file = place.path(&format!("locks/{}.lock", name(1)));
    assert!(file.starts_with(place.store.folder()) && file != place.record(&name(1)));
    assert_private(&file);
    assert_private(file.parent().unwrap());
    drop(lock);
    assert_eq!(fs::read(place.record(&name(1))).unwrap(), record, "a lock writes no data");
}

#[tokio::test]
async fn f28_a_lock_dies_with_its_process() {
    let place = Place::new();
    let mut other = Process::start("hold", place.store.folder(), &name(1));
    assert!(other.says().is_some());
    other.kill();
    let lock = place.store.lock(&name(1), LEASE, Duration::ZERO).await.unwrap();
    assert!(lock.held_for(LEASE));
}

#[tokio::test]
async fn f28_a_wait_ends_when_the_lock_is_let_go() {
    let place = Place::new();
    let mut other = Process::start("hold", place.store.folder(), &name(1));
    assert!(other.says().is_some());
    let store = place.store.clone();
    let waiting = tokio::spawn(async move { store.lock(&name(1), LEASE, LONG).await.is_ok() });
    tokio::task::yield_now().await;
    other.go_on();
    assert!(waiting.await.unwrap());
}

#[tokio::test]
async fn f28_a_lock_excludes_sessions_of_one_process_and_a_bounded_wait_ends() {
    let place = Place::new();
    let lock = place.store.lock(&name(1), LEASE, SHORT).await.unwrap();
    let error = place.store.lock(&name(1), LEASE, SHORT).await.err().unwrap();
    assert_says(&error, "locked", "in this process");
    drop(lock);
    assert!(place.store.lock(&name(1), LEASE, Duration::ZERO).await.is_ok());
}

#[tokio::test]
async fn f29_a_lock_lies_beside_the_data_in_a_file_of_its_own_of_the_owner_alone() {
    let place = Place::new();
    put(&place.store, &name(1), Revision::NONE, "sealed").await;
    let before = fs::read(place.record(&name(1))).unwrap();
    let lock = place.store.lock(&name(1), LEASE, SHORT).await.unwrap();
    let file = place.path(&format!("locks/{}.lock", name(1)));
    assert!(file.starts_with(place.store.folder()), "not in a folder that all users share");
    assert_private(&place.path("locks"));
    assert_private(&file);
    assert_eq!(fs::read(place.record(&name(1))).unwrap(), before, "the data is not touched");
    // Another user's state is another folder, and its lock another lock.
    let other = Place::new();
    drop(other.store.lock(&name(1), LEASE, Duration::ZERO).await.unwrap());
    assert!(lock.held_for(LEASE));
}

#[tokio::test(start_paused = true)]
async fn f28_who_writes_a_record_is_waited_for_and_named() {
    let place = Place::new();
    let store = &place.store;
    let first = put(store, &name(1), Revision::NONE, "first").await;
    let cas = place.path(&format!("locks/{}.cas", name(1)));
    let revision = format!("revision {:020}\n", 7);
    let said = fs::read_to_string(&cas).unwrap();
    assert_eq!(said, format!("revision {:020}\npid {:010}\n", first.0, std::process::id()));

    // Older versions write the first line alone.
    for (pid, named) in
        [("pid 4000000000\n", "process 4000000000, and"), ("", "another process, and")]
    {
        fs::write(&cas, "").unwrap();
        let held = hold(&cas, &format!("{revision}{pid}"));
        let refused = [
            store.commit(&name(1), first, None, bytes("x")).await.unwrap_err(),
            store.remove(&name(1), first).await.unwrap_err(),
            store.set_aside(&name(1), first).await.unwrap_err(),
        ];
        for error in refused {
            assert_says(&error, "locked", named);
            assert_eq!(error.recovery(), Recovery::Retry);
        }
        drop(held);
    }
    assert_eq!(text(store, &name(1)).await.as_deref(), Some("first"));

    let held = hold(&cas, &revision);
    let waiting = tokio::spawn({
        let store = store.clone();
        async move { put(&store, &name(1), first, "second").await }
    });
    tokio::task::yield_now().await;
    drop(held);
    assert_eq!(waiting.await.unwrap(), Revision(8), "a count goes on, whoever has written it");
}

#[tokio::test]
async fn a_lock_file_with_nonsense_is_taken_over() {
    let place = Place::new();
    drop(place.store.lock(&name(1), LEASE, SHORT).await.unwrap());
    fs::write(place.path(&format!("locks/{}.lock", name(1))), b"\xff\xff nonsense").unwrap();
    let lock = place.store.lock(&name(1), LEASE, SHORT).await.unwrap();
    let done = place.store.commit(&name(1), Revision::NONE, Some(lock.fence()), bytes("x")).await;
    assert!(matches!(done.unwrap(), Committed::Done(_)));
}
