//! The memory store against the public suite, and what only a store with a clock can show.

use countersign_seal::suite::{Damage, Subject, check};

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
    let damage = |name, how: Damage| {
        let mut state = store.inner.state();
        let record = state.named.get_mut(&name).unwrap().record.as_mut().unwrap();
        let mut bytes = record.bytes.expose_bytes().to_vec();
        how.befall(&mut bytes);
        record.bytes = SecretBytes::new(bytes);
        std::future::ready(())
    };
    let subject = Subject::new(&store)
        .second(&second)
        .naming_the_holder("this process")
        .passing(pass)
        .damaging(damage);
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
async fn f28_who_was_stopped_while_waiting_has_the_lock_if_its_lease_is_over_too() {
    let (store, clock, name) = with_clock();
    let lease = Duration::from_secs(60);
    let first = store.lock(&name, lease, Duration::ZERO).await.unwrap();
    let (waiter, wanted) = (store.clone(), name.clone());
    let waiting = tokio::spawn(async move { waiter.lock(&wanted, lease, lease / 2).await.is_ok() });
    tokio::task::yield_now().await;
    clock.advance(lease);
    assert!(waiting.await.unwrap(), "both ends were met at once");
    drop(first);
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

async fn write(store: &MemoryStore, name: &RecordName) {
    let expected = store.load(name).await.unwrap().map_or(Revision::NONE, |there| there.revision);
    let end = store.commit(name, expected, None, SecretBytes::default()).await.unwrap();
    assert!(matches!(end, Committed::Done(_)));
}

/// What a clone has to name without waiting.
fn named(store: &MemoryStore) -> Vec<RecordName> {
    std::iter::from_fn(|| store.next_change()).collect()
}

#[tokio::test]
async fn f03_every_change_is_named_to_every_clone_however_long_it_does_not_ask() {
    let store = MemoryStore::new().unwrap();
    let [a, b] = [1, 2].map(|n| RecordName::from_hash([n; 16]));
    write(&store, &a).await;
    let (one, other) = (store.clone(), store.clone());
    for name in [&a, &b, &a] {
        write(&store, name).await;
    }
    assert_eq!(one.watch().await.as_ref(), Some(&b), "the newest change stands for those before");
    assert_eq!(named(&one), std::slice::from_ref(&a));
    assert_eq!(named(&other), [b.clone(), a.clone()]);
    let there = store.load(&a).await.unwrap().unwrap().revision;
    assert!(store.remove(&a, there).await.unwrap());
    assert_eq!(named(&one), [a]);
    assert!(named(&one).is_empty());
}

#[tokio::test]
async fn f03_who_is_too_far_behind_is_shown_whatever_has_changed() {
    let store = MemoryStore::new().unwrap();
    let names = [1, 2, 3].map(|n| RecordName::from_hash([n; 16]));
    write(&store, &names[0]).await;
    let behind = store.clone();
    for n in 0..2 * MOST_HINTS {
        write(&store, &names[1 + n % 2]).await;
    }
    assert_eq!(named(&behind), names[1..], "and not what it knows");
    write(&store, &names[0]).await;
    assert_eq!(named(&behind), names[..1]);
}

#[tokio::test]
async fn a_store_that_nobody_else_has_has_no_news_to_tell() {
    let store = MemoryStore::new().unwrap().alone();
    let name = RecordName::from_hash([7; 16]);
    write(&store, &name).await;
    for store in [store.clone(), store] {
        assert_eq!(store.watch().await, None);
    }
}
