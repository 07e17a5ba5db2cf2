//! The memory store against the public suite, and what only a store with a clock can show.

use countersign_seal::suite::{Subject, check};

use super::*;
use crate::ManualClock;

#[tokio::test]
async fn the_public_suite_passes() {
    let (store, clock, _) = with_clock();
    let pass = |time| {
        let clock = clock.clone();
        async move {
            clock.advance(time);
            tokio::task::yield_now().await;
        }
    };
    let second = store.clone();
    let subject =
        Subject::new(&store).second(&second).naming_the_holder("this process").passing(pass);
    let report = check(&subject).await;
    assert_eq!(report.failed(), [""; 0], "{report}");
    assert_eq!(report.left_out(), ["a_lock_without_a_lease_stays"], "{report}");
    assert!(store.list().await.unwrap().is_empty());
}

fn with_clock() -> (MemoryStore, ManualClock, RecordName) {
    let clock = ManualClock::default();
    let store = MemoryStore::with_clock(Arc::new(clock.clone())).unwrap();
    (store, clock, RecordName::from_hash([7; 16]))
}

#[tokio::test]
async fn f27_a_lease_that_has_run_out_lets_the_next_in_and_fences_the_first_out() {
    let (store, clock, name) = with_clock();
    let lease = Duration::from_secs(10);
    let mut first = store.lock(&name, lease, Duration::ZERO).await.unwrap();
    assert!(first.held_for(lease) && !first.held_for(lease + Duration::from_millis(1)));
    assert!(store.lock(&name, lease, Duration::ZERO).await.is_err());
    clock.advance(lease);
    let second = store.lock(&name, lease, Duration::ZERO).await.unwrap();
    assert!(second.fence().number() > first.fence().number());
    assert!(!first.held_for(Duration::ZERO) && !first.renew(lease).await);
    let write = |fence| store.commit(&name, Revision::NONE, Some(fence), SecretBytes::default());
    assert!(matches!(write(first.fence()).await.unwrap(), Committed::Lost(None)));
    drop(first);
    assert!(second.held_for(lease), "an old holder lets go of nothing");
    assert!(matches!(write(second.fence()).await.unwrap(), Committed::Done(Revision(1))));
}

#[tokio::test]
async fn f28_waiting_for_a_lock_is_bounded_and_ends_when_it_is_let_go() {
    let (store, clock, name) = with_clock();
    let lease = Duration::from_secs(100);
    let first = store.lock(&name, lease, Duration::ZERO).await.unwrap();
    let wait_for = |bound| {
        let (store, name) = (store.clone(), name.clone());
        tokio::spawn(async move { store.lock(&name, lease, bound).await.map(drop) })
    };
    let (short, long) = (wait_for(Duration::from_secs(5)), wait_for(Duration::from_secs(50)));
    tokio::task::yield_now().await;
    clock.advance(Duration::from_secs(5));
    let error = short.await.unwrap().unwrap_err();
    assert_eq!((error.kind(), error.recovery()), (ErrorKind::Store, Recovery::Retry));
    assert!(!long.is_finished());
    first.release().await;
    long.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_watcher_hears_of_a_write() {
    let (store, _, name) = with_clock();
    let watcher = tokio::spawn({
        let store = store.clone();
        async move { store.watch().await }
    });
    tokio::task::yield_now().await;
    store.commit(&name, Revision::NONE, None, SecretBytes::default()).await.unwrap();
    assert_eq!(watcher.await.unwrap(), Some(name));
}
