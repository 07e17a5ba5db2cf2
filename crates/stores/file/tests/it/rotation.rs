//! Other seal keys for a store that is in use.

use countersign_core::{
    Committed, Origin, ProviderId, Realm, RecordName, Revision, SecretBytes, SessionKey,
    SessionStore,
};
use countersign_seal::{KeySource as _, SealedFacts, Sealer, SessionRecord};
use countersign_store_file::FileStore;

use super::child::Process;
use super::machine::{assert_private, hold};
use super::{Place, assert_says, bytes};

fn key(identity: &str) -> SessionKey {
    let realm = Realm::new(Origin::parse("https://auth.example").unwrap());
    SessionKey::new(ProviderId::new("acme"), &realm, identity)
}

async fn sealer(store: &FileStore) -> Sealer {
    Sealer::new(store.seal_keys().await.unwrap()).unwrap()
}

/// Writes the session of `identity` with `sealer` and answers its name.
async fn write(store: &FileStore, sealer: &Sealer, identity: &str, counter: u64) -> RecordName {
    let name = sealer.name(&key(identity).digest());
    let record = SessionRecord { counter, ..SessionRecord::default() };
    let sealed = sealer.seal_session(&key(identity), &record).unwrap();
    let revision = store.load(&name).await.unwrap().map_or(Revision::NONE, |r| r.revision);
    let done = store.commit(&name, revision, None, sealed).await.unwrap();
    assert!(matches!(done, Committed::Done(_)));
    name
}

async fn opened(store: &FileStore, identity: &str) -> (u32, u64) {
    let sealer = sealer(store).await;
    let stored = store.load(&sealer.name(&key(identity).digest())).await.unwrap().unwrap();
    let facts = SealedFacts::of(stored.bytes.expose_bytes()).unwrap();
    let record = sealer.open_session(&key(identity), stored.bytes.expose_bytes()).unwrap();
    (facts.key, record.counter)
}

#[tokio::test]
async fn a_key_is_added_the_records_follow_and_an_old_one_goes_when_nothing_needs_it() {
    let place = Place::new();
    let store = &place.store;
    let first = sealer(store).await;
    for identity in ["kim", "robin"] {
        write(store, &first, identity, 1).await;
    }
    assert_eq!(store.add_key().await.unwrap(), 2);
    assert_private(&place.path("key"));
    // A crash here is harmless: both keys are in the file.
    assert_eq!(opened(store, "kim").await, (1, 1));
    let done = store.reseal().await.unwrap();
    assert_eq!((done.anew, done.already, done.is_complete()), (2, 0, true));
    assert_eq!(opened(store, "kim").await, (2, 1));
    assert_eq!(sealer(store).await.salt(), first.salt());
    assert_says(&store.drop_key(1).await.unwrap_err(), "key_needed", "names the records");

    // A program that was started before goes on with the key that it knows.
    write(store, &first, "late", 7).await;
    assert_eq!(opened(store, "late").await, (1, 7));

    assert_eq!(store.add_key().await.unwrap(), 3);
    assert_says(&store.drop_key(3).await.unwrap_err(), "key_needed", "seals what is written");
    assert_says(&store.drop_key(9).await.unwrap_err(), "key_needed", "is not among the keys");
    let error = store.drop_key(2).await.unwrap_err();
    assert_says(&error, "key_needed", "reseal first");
    assert_eq!(error.to_string().matches("(sealed with it)").count(), 2, "{error}");
    assert!(store.seal_keys().await.unwrap().opening(2).is_some());
    assert_eq!(store.reseal().await.unwrap().anew, 3);
    store.drop_key(2).await.unwrap();
    let ids: Vec<u32> = store.seal_keys().await.unwrap().ids().collect();
    assert_eq!(ids, [3, 1]);
    for (identity, counter) in [("kim", 1), ("robin", 1), ("late", 7)] {
        assert_eq!(opened(store, identity).await, (3, counter));
    }
    assert!(store.inspect().await.unwrap().problems.is_empty());
}

#[tokio::test]
async fn a_key_stays_while_a_record_cannot_be_read_that_may_need_it() {
    let place = Place::new();
    let store = &place.store;
    store.add_key().await.unwrap();
    store.add_key().await.unwrap();
    let name = RecordName::from_hash([5; 16]);
    let done = store.commit(&name, Revision::NONE, None, bytes("no sealed record")).await;
    assert!(matches!(done.unwrap(), Committed::Done(_)));
    let error = store.drop_key(2).await.unwrap_err();
    assert_says(&error, "key_needed", "cannot be read");
    let done = store.reseal().await.unwrap();
    assert_eq!(done.left.len(), 1);
    std::fs::write(place.record(&name), "damaged").unwrap();
    let error = store.drop_key(2).await.unwrap_err();
    assert_says(&error, "key_needed", "damaged");
    let damaged = store.load(&name).await.unwrap().unwrap();
    assert!(store.set_aside(&name, damaged.revision).await.unwrap());
    store.drop_key(2).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn f28_who_changes_the_keys_is_waited_for_and_named() {
    let place = Place::new();
    let store = &place.store;
    store.add_key().await.unwrap();
    let other = format!("pid {:010} fence {:020}\n", 4_000_000_000_u32, 0);
    let held = hold(&place.path("locks/key.lock"), &other);
    let refused = [
        store.add_key().await.unwrap_err(),
        store.drop_key(1).await.unwrap_err(),
        store.protect(countersign_store_file::KeyProtection::OwnerOnly).await.unwrap_err(),
    ];
    for error in refused {
        assert_says(&error, "locked", "by process 4000000000");
    }
    // Who is done in time is waited for.
    let waiting = tokio::spawn({
        let store = store.clone();
        async move { store.add_key().await }
    });
    tokio::task::yield_now().await;
    drop(held);
    assert_eq!(waiting.await.unwrap().unwrap(), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn records_that_are_written_meanwhile_are_not_lost() {
    let place = Place::new();
    let first = sealer(&place.store).await;
    write(&place.store, &first, "kim", 0).await;
    place.store.add_key().await.unwrap();
    let (store, writer) = (place.store.clone(), sealer(&place.store).await);
    let writing = tokio::spawn(async move {
        let name = writer.name(&key("kim").digest());
        let mut written = 0;
        while written < 30 {
            let stored = store.load(&name).await.unwrap().unwrap();
            let mut record = writer.open_session(&key("kim"), stored.bytes.expose_bytes()).unwrap();
            record.counter += 1;
            // A program of before seals with the old key, each second time.
            let sealer = if written % 2 == 0 { &first } else { &writer };
            let sealed: SecretBytes = sealer.seal_session(&key("kim"), &record).unwrap();
            let end = store.commit(&name, stored.revision, None, sealed).await.unwrap();
            written += u32::from(matches!(end, Committed::Done(_)));
        }
    });
    while !writing.is_finished() {
        assert!(place.store.reseal().await.unwrap().left.is_empty());
    }
    writing.await.unwrap();
    place.store.reseal().await.unwrap();
    assert_eq!(opened(&place.store, "kim").await, (2, 30));
}

#[tokio::test]
async fn a_process_that_dies_while_it_replaces_keys_loses_no_record() {
    let place = Place::new();
    let store = &place.store;
    let first = sealer(store).await;
    let people: Vec<String> = (0..12).map(|n| format!("kim-{n}")).collect();
    for (counter, identity) in (0..).zip(&people) {
        write(store, &first, identity, counter).await;
    }
    let mut midway = 0;
    for round in 0..18 {
        let mut other = Process::start("rotate", store.folder(), &RecordName::from_hash([9; 16]));
        let rounds = ["add", "reseal", "drop"].iter().cycle().take(1 + round % 9);
        let last = rounds.map(|step| assert_eq!(other.says().as_deref(), Some(*step))).count();
        // It dies somewhere in the step that it has just announced; in a reseal after some of the records.
        while last % 3 == 2 && under_the_newest(store).await < 1 + round % 10 {}
        other.kill();
        for (counter, identity) in (0..).zip(&people) {
            assert_eq!(opened(store, identity).await.1, counter, "{identity}");
        }
        midway += usize::from((1..people.len()).contains(&under_the_newest(store).await));
    }
    assert!(midway > 0, "no kill fell between two records");
    assert!(store.reseal().await.unwrap().is_complete());
    assert_eq!(sealer(store).await.salt(), first.salt());
    assert!(!place.path("damaged").exists(), "a record was set aside");
}

/// How many records the key in front seals.
/// A key of its own on each machine would be a store of its own on each.
#[tokio::test]
async fn the_key_file_as_the_source_of_another_store_is_never_made_and_is_read_anew() {
    let place = Place::new();
    let keys = place.store.key_file();
    let error = keys.seal_keys().await.unwrap_err();
    assert_says(&error, "bad_key", "copy it");
    assert!(!place.path("key").exists());
    place.store.seal_keys().await.unwrap();
    let ids = async || keys.seal_keys().await.unwrap().ids().collect::<Vec<_>>();
    assert_eq!(ids().await, [1]);
    place.store.add_key().await.unwrap();
    assert_eq!(ids().await, [2, 1]);
}

async fn under_the_newest(store: &FileStore) -> usize {
    let sealing = store.seal_keys().await.unwrap().sealing().unwrap().0;
    let mut records = 0;
    for name in store.list().await.unwrap() {
        let stored = store.load(&name).await.unwrap();
        let facts = stored.map(|stored| SealedFacts::of(stored.bytes.expose_bytes()).unwrap());
        records += usize::from(facts.is_some_and(|facts| facts.key == sealing));
    }
    records
}
