//! Servers that are there and will not write: full, a replica, without its disk.

use std::time::Duration;

use countersign_core::{Recovery, Revision, SessionStore};
use countersign_store_redis::RedisStore;

use super::server::{self, Server};
use super::{LEASE, assert_says, bytes, name, put, text};

#[tokio::test]
async fn a_server_that_is_full_says_so_and_keeps_what_it_has() {
    let Some(server) = Server::start(&["maxmemory-policy noeviction"]) else { return };
    let store = server.store();
    let revision = put(&store, &name(1), Revision::NONE, "before").await;
    let mut lock = store.lock(&name(2), LEASE, LEASE).await.unwrap();
    let _: redis::Value = server.says("CONFIG SET maxmemory 1");
    let error = store.commit(&name(1), revision, None, bytes("after")).await.unwrap_err();
    assert_says(&error, "no_memory", "raise it");
    assert_eq!(error.recovery(), Recovery::Retry);
    let error = store.lock(&name(3), LEASE, Duration::ZERO).await.err().unwrap();
    assert_says(&error, "no_memory", "maxmemory");
    assert_eq!(text(&store, &name(1)).await.as_deref(), Some("before"));
    assert!(lock.renew(LEASE).await, "what takes no room is not refused");
    lock.release().await;
    assert!(!server.dump().contains("token"), "what makes room is not refused");
    assert!(store.remove(&name(1), revision).await.unwrap());
}

#[tokio::test]
async fn a_replica_is_read_and_takes_no_writes() {
    let Some(master) = Server::start(&[]) else { return };
    let options = format!("replicaof 127.0.0.1 {}", master.port);
    let Some(replica) = Server::start(&[&options]) else { return };
    let builder = master.builder().confirmed_by(1).deadline(Duration::from_secs(20));
    let store = builder.answer_within(Duration::from_secs(20)).build().unwrap();
    let revision = put(&store, &name(1), Revision::NONE, "before").await;

    let reader = replica.builder().read_only().build().unwrap();
    assert_eq!(text(&reader, &name(1)).await.as_deref(), Some("before"));
    assert_eq!(reader.list().await.unwrap(), [name(1)]);
    assert_eq!(reader.watch().await, Some(name(1)));
    put(&store, &name(2), Revision::NONE, "heard at the replica").await;
    assert_eq!(reader.watch().await, Some(name(2)));

    let writer = replica.builder().deadline(Duration::from_secs(2)).build().unwrap();
    let error = writer.commit(&name(1), revision, None, bytes("late")).await.unwrap_err();
    assert_says(&error, "replica", "takes no writes");
    assert_eq!(error.recovery(), Recovery::Retry);
}

#[tokio::test]
async fn the_master_is_found_among_several_servers_also_after_a_fail_over() {
    let Some(mut first) = Server::start(&[]) else { return };
    let options = format!("replicaof 127.0.0.1 {}", first.port);
    let Some(second) = Server::start(&[&options]) else { return };
    // The replica first: it says that it is one, and is passed over.
    let builder = RedisStore::builder(&second.address(), server::keys()).unwrap();
    let builder = builder.or(&first.address()).unwrap().confirmed_by(1);
    let builder = builder.deadline(Duration::from_secs(20));
    let store = builder.answer_within(Duration::from_secs(5)).build().unwrap();
    let old = put(&store, &name(1), Revision::NONE, "before").await;
    let lock = store.lock(&name(2), LEASE, LEASE).await.unwrap();
    let builder = RedisStore::builder(&first.address(), server::keys()).unwrap();
    let other = builder.or(&second.address()).unwrap().build().unwrap();
    other.ping().await.unwrap();

    first.kill();
    let _: redis::Value = second.says("REPLICAOF NO ONE");
    let new = put(&other, &name(1), old, "after").await;
    assert!(new > old);
    assert!(lock.held_for(Duration::from_secs(1)));
}

#[tokio::test]
async fn a_write_that_too_few_replicas_confirm_is_an_error_and_stays() {
    let Some(server) = Server::start(&[]) else { return };
    let builder = server.builder().confirmed_by(1).answer_within(Duration::from_millis(200));
    let store = builder.build().unwrap();
    let error = store.commit(&name(1), Revision::NONE, None, bytes("written")).await.unwrap_err();
    assert_says(&error, "not_replicated", "0 replicas of 1");
    assert_eq!(error.recovery(), Recovery::Retry);
    assert_eq!(text(&store, &name(1)).await.as_deref(), Some("written"));
}

#[tokio::test]
async fn who_waits_for_replicas_costs_nobody_else_the_connection() {
    let Some(server) = Server::start(&[]) else { return };
    let builder = server.builder().confirmed_by(1).answer_within(Duration::from_secs(2));
    let store = builder.deadline(Duration::from_secs(30)).build().unwrap();
    put(&server.store(), &name(9), Revision::NONE, "the server has the script").await;
    store.ping().await.unwrap();
    let mut admin = server.admin();
    let mut count = |section: &str, fact: &str| -> u64 {
        let facts: String = redis::cmd("INFO").arg(section).query(&mut admin).unwrap();
        let line = facts.lines().find_map(|line| line.strip_prefix(fact)).unwrap();
        line.split(',').next().unwrap().parse().unwrap()
    };
    let before = count("stats", "total_connections_received:");
    let writing: Vec<_> = (1..5)
        .map(|n| {
            let store = store.clone();
            tokio::spawn(async move {
                store.commit(&name(n), Revision::NONE, None, bytes("written")).await
            })
        })
        .collect();
    while count("clients", "blocked_clients:") == 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(text(&store, &name(1)).await.as_deref(), Some("written"));
    for writing in writing {
        let error = writing.await.unwrap().unwrap_err();
        assert_says(&error, "not_replicated", "0 replicas of 1");
    }
    assert_eq!(count("stats", "total_connections_received:"), before, "a good connection was left");
    let waits = count("commandstats", "cmdstat_wait:calls=");
    assert!(waits <= 2, "four writes at once were waited for {waits} times");
}

#[tokio::test]
async fn a_master_without_enough_replicas_refuses_to_write() {
    let Some(server) = Server::start(&["min-replicas-to-write 1"]) else { return };
    let store = server.builder().deadline(Duration::from_secs(2)).build().unwrap();
    let error = store.commit(&name(1), Revision::NONE, None, bytes("x")).await.unwrap_err();
    assert_says(&error, "no_replicas", "bring them back");
    assert_eq!(text(&store, &name(1)).await, None);
}

#[tokio::test]
async fn a_record_of_absurd_length_is_not_sent() {
    let Some(server) = Server::start(&[]) else { return };
    let long = countersign_core::SecretBytes::new(vec![0; 16 * 1024 * 1024 + 1]);
    let error = server.store().commit(&name(1), Revision::NONE, None, long).await.unwrap_err();
    assert_says(&error, "too_long", "16 MiB");
}

#[tokio::test]
async fn a_store_that_is_open_read_only_writes_nothing() {
    let Some(server) = Server::start(&[]) else { return };
    let revision = put(&server.store(), &name(1), Revision::NONE, "one").await;
    let reader = server.builder().read_only().build().unwrap();
    for error in [
        reader.lock(&name(1), LEASE, LEASE).await.err().unwrap(),
        reader.commit(&name(1), revision, None, bytes("two")).await.unwrap_err(),
        reader.remove(&name(1), revision).await.unwrap_err(),
        reader.set_aside(&name(1), revision).await.unwrap_err(),
    ] {
        assert_says(&error, "read_only", "whoever may write");
        assert_eq!(error.recovery(), Recovery::GiveUp);
    }
    assert_eq!(text(&reader, &name(1)).await.as_deref(), Some("one"));
}
