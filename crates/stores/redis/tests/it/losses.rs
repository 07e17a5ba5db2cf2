//! Servers that go away and come back, answers that are lost, and wires that are cut.

use std::time::Duration;

use countersign_core::{Committed, Recovery, Revision, SessionStore};
use countersign_store_redis::RedisStore;

use super::proxy::{Proxy, Wire};
use super::server::{self, Server};
use super::{LEASE, assert_says, bytes, name, put, text};

const DURABLE: &[&str] = &["appendonly yes", "appendfsync always"];

fn through(proxy: &Proxy) -> countersign_store_redis::RedisBuilder {
    RedisStore::builder(&format!("redis://127.0.0.1:{}", proxy.port), server::keys()).unwrap()
}

#[tokio::test]
async fn a_server_that_writes_every_command_to_its_disk_loses_nothing_in_a_crash() {
    let Some(mut server) = Server::start(DURABLE) else { return };
    let store = server.store();
    let revision = put(&store, &name(1), Revision::NONE, "before").await;
    let lock = store.lock(&name(2), LEASE, LEASE).await.unwrap();
    server.kill();
    server.again();
    assert_eq!(text(&store, &name(1)).await.as_deref(), Some("before"));
    let error = server.store().lock(&name(2), LEASE, Duration::ZERO).await.err().unwrap();
    assert_says(&error, "locked", "in use by process");
    let end = store.commit(&name(1), revision, Some(lock.fence()), bytes("after")).await.unwrap();
    assert!(matches!(end, Committed::Done(_)));
}

#[tokio::test]
async fn a_server_without_a_disk_forgets_all_and_who_held_a_lock_writes_nothing() {
    let Some(mut server) = Server::start(&[]) else { return };
    let store = server.store();
    let revision = put(&store, &name(1), Revision::NONE, "before").await;
    let mut lock = store.lock(&name(2), LEASE, LEASE).await.unwrap();
    server.kill();
    server.again();
    assert_eq!(text(&store, &name(1)).await, None);
    assert!(!lock.renew(LEASE).await, "nobody remembers this lock");
    let end = store.commit(&name(1), revision, Some(lock.fence()), bytes("late")).await.unwrap();
    assert!(matches!(end, Committed::Lost(None)));
    assert!(store.list().await.unwrap().is_empty());
}

#[tokio::test]
async fn an_orderly_restart_keeps_what_a_snapshot_holds() {
    let Some(mut server) = Server::start(&["save 3600 1"]) else { return };
    let store = server.store();
    put(&store, &name(1), Revision::NONE, "before").await;
    server.shut_down();
    server.again();
    assert_eq!(text(&store, &name(1)).await.as_deref(), Some("before"));
}

#[tokio::test]
async fn a_call_waits_for_a_server_that_is_restarted_and_no_longer_than_its_deadline() {
    let Some(mut server) = Server::start(DURABLE) else { return };
    let store = server.builder().deadline(Duration::from_secs(30)).build().unwrap();
    put(&store, &name(1), Revision::NONE, "before").await;
    server.kill();
    let reading = tokio::spawn({
        let store = store.clone();
        async move { text(&store, &name(1)).await }
    });
    let impatient = server.builder().deadline(Duration::from_millis(200)).build().unwrap();
    let error = impatient.load(&name(1)).await.unwrap_err();
    assert_says(&error, "not_reached", &format!("127.0.0.1:{}", server.port));
    assert_eq!(error.recovery(), Recovery::Retry);
    assert!(!reading.is_finished());
    server.again();
    assert_eq!(reading.await.unwrap().as_deref(), Some("before"));
}

#[tokio::test]
async fn scripts_that_the_server_has_forgotten_are_sent_again() {
    let Some(server) = Server::start(&[]) else { return };
    let store = server.store();
    let mut last = Revision::NONE;
    for text in ["one", "two", "three"] {
        last = put(&store, &name(1), last, text).await;
        let _: redis::Value = server.says("SCRIPT FLUSH");
    }
    let mut lock = store.lock(&name(1), LEASE, LEASE).await.unwrap();
    let _: redis::Value = server.says("SCRIPT FLUSH");
    assert!(lock.renew(LEASE).await);
    lock.release().await;
    assert!(store.remove(&name(1), last).await.unwrap());
}

#[tokio::test]
async fn a_server_that_is_slow_is_waited_for_within_the_deadline() {
    let Some(server) = Server::start(&[]) else { return };
    let store = server.builder().answer_within(Duration::from_millis(200)).build().unwrap();
    let revision = put(&store, &name(1), Revision::NONE, "before").await;
    let _: redis::Value = server.says("CLIENT PAUSE 700 ALL");
    let end = store.commit(&name(1), revision, None, bytes("after")).await.unwrap();
    assert!(matches!(end, Committed::Done(_)), "a write of ours lost to ourselves: {end:?}");
    assert_eq!(text(&store, &name(1)).await.as_deref(), Some("after"));

    let _: redis::Value = server.says("CLIENT PAUSE 5000 ALL");
    let impatient = server.builder().deadline(Duration::from_millis(300)).build().unwrap();
    let error = impatient.load(&name(1)).await.unwrap_err();
    assert_says(&error, "no_answer", "check its load");
}

#[tokio::test]
async fn a_write_whose_answer_is_lost_is_recognised_as_ours() {
    let Some(server) = Server::start(&[]) else { return };
    let proxy = Proxy::to(server.port).await;
    let store = through(&proxy).answer_within(Duration::from_millis(200)).build().unwrap();
    let first = put(&store, &name(1), Revision::NONE, "first").await;
    let direct = server.store();
    // The server has both scripts from here on.
    assert!(!direct.remove(&name(9), Revision(1)).await.unwrap());

    proxy.set(Wire::Deaf);
    let writing = tokio::spawn({
        let store = store.clone();
        async move { store.commit(&name(1), first, None, bytes("second")).await }
    });
    proxy.has_lost_an_answer().await;
    assert_eq!(text(&direct, &name(1)).await.as_deref(), Some("second"));
    proxy.set(Wire::Whole);
    let Committed::Done(second) = writing.await.unwrap().unwrap() else {
        panic!("a write of ours lost to ourselves");
    };
    assert_eq!(direct.load(&name(1)).await.unwrap().unwrap().revision, second);

    proxy.set(Wire::Deaf);
    let removing = tokio::spawn({
        let store = store.clone();
        async move { store.remove(&name(1), second).await }
    });
    proxy.has_lost_an_answer().await;
    assert!(direct.load(&name(1)).await.unwrap().is_none());
    proxy.set(Wire::Whole);
    assert!(removing.await.unwrap().unwrap(), "a removal of ours was somebody else's");
}

#[tokio::test]
async fn a_lock_whose_answer_is_lost_is_ours_with_one_number() {
    let Some(server) = Server::start(&[]) else { return };
    let proxy = Proxy::to(server.port).await;
    let store = through(&proxy).answer_within(Duration::from_millis(200)).build().unwrap();
    // The server has the script from here on.
    store.lock(&name(2), LEASE, LEASE).await.unwrap().release().await;
    proxy.set(Wire::Deaf);
    let taking = tokio::spawn({
        let store = store.clone();
        async move { store.lock(&name(1), LEASE, LEASE).await }
    });
    let key = format!("{{countersign}}:lock:{}", name(1));
    proxy.has_lost_an_answer().await;
    let number: u64 = server.says(&format!("HGET {key} fence"));
    proxy.set(Wire::Whole);
    let lock = taking.await.unwrap().unwrap();
    assert_eq!(lock.fence().number(), number);
}

#[tokio::test]
async fn a_partition_is_an_error_with_the_remedy_and_its_end_needs_no_new_store() {
    let Some(server) = Server::start(&[]) else { return };
    let proxy = Proxy::to(server.port).await;
    let builder = through(&proxy).answer_within(Duration::from_millis(100));
    let store = builder.deadline(Duration::from_millis(400)).build().unwrap();
    // What a wire holds back may arrive when it is whole again, so this one writes nothing in any case.
    let old = put(&store, &name(1), Revision::NONE, "first").await;
    put(&store, &name(1), old, "before").await;
    for wire in [Wire::Cut, Wire::Silent] {
        proxy.set(wire);
        let error = store.load(&name(1)).await.unwrap_err();
        assert!(["not_reached", "no_answer"].contains(&error.code().unwrap()), "{error}");
        assert_eq!(error.recovery(), Recovery::Retry);
        assert!(store.commit(&name(1), old, None, bytes("lost")).await.is_err());
        assert!(store.lock(&name(1), LEASE, Duration::ZERO).await.is_err());
        proxy.set(Wire::Whole);
        assert_eq!(text(&store, &name(1)).await.as_deref(), Some("before"), "after {wire:?}");
        store.lock(&name(1), LEASE, LEASE / 3).await.unwrap().release().await;
    }
}

#[tokio::test]
async fn a_store_outlives_the_runtime_that_its_connection_was_made_on() {
    let Some(server) = Server::start(&[]) else { return };
    let store = server.store();
    let other = store.clone();
    let first = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(put(&other, &name(1), Revision::NONE, "first"))
    });
    let first = first.join().unwrap();
    assert_eq!(text(&store, &name(1)).await.as_deref(), Some("first"));
    put(&store, &name(1), first, "second").await;
}

#[tokio::test]
async fn f28_a_lock_that_could_not_be_let_go_is_its_own_process_at_once_and_others_after_a_head_start()
 {
    let Some(server) = Server::start(&[]) else { return };
    let proxy = Proxy::to(server.port).await;
    let store = through(&proxy).answer_within(Duration::from_millis(100)).build().unwrap();
    let other = server.store();
    let lock = store.lock(&name(1), LEASE, LEASE).await.unwrap();
    proxy.set(Wire::Cut);
    lock.release().await;
    let error = other.lock(&name(1), LEASE, Duration::ZERO).await.err().unwrap();
    assert_says(&error, "locked", "in use by process");
    proxy.set(Wire::Whole);
    let again = store.lock(&name(1), LEASE, Duration::ZERO).await.unwrap();
    drop(again);
    other.lock(&name(1), LEASE, LEASE / 3).await.unwrap().release().await;

    let lock = store.lock(&name(2), LEASE, LEASE).await.unwrap();
    proxy.set(Wire::Silent);
    drop(lock);
    proxy.set(Wire::Whole);
    other.lock(&name(2), LEASE, LEASE / 3).await.unwrap().release().await;
}

#[tokio::test]
async fn f34_after_an_answer_that_is_another_commands_the_connection_is_used_no_more() {
    let Some(server) = Server::start(&[]) else { return };
    let proxy = Proxy::to(server.port).await;
    let store = through(&proxy).build().unwrap();
    for n in 1..4 {
        put(&store, &name(n), Revision::NONE, &format!("record {n}")).await;
    }
    proxy.set(Wire::Strayed);
    let error = store.load(&name(1)).await.unwrap_err();
    assert_says(&error, "unexpected", "not expected");
    proxy.set(Wire::Whole);
    for n in 1..4 {
        assert_eq!(text(&store, &name(n)).await, Some(format!("record {n}")));
    }
}
