//! Hints: what was written, by whomever, is named, also after a connection was lost.

use std::collections::BTreeSet;
use std::time::Duration;

use countersign_core::{RecordName, Revision, SessionStore};
use countersign_store_redis::RedisStore;

use super::proxy::{Proxy, Wire};
use super::server::Server;
use super::{name, put};

/// The next names, as many as are different.
async fn hints(store: &RedisStore, count: usize) -> BTreeSet<RecordName> {
    let mut names = BTreeSet::new();
    while names.len() < count {
        names.insert(store.watch().await.unwrap());
    }
    names
}

fn names(fills: impl IntoIterator<Item = u8>) -> BTreeSet<RecordName> {
    fills.into_iter().map(name).collect()
}

/// Writes `fill` until it is heard of: following has begun then.
async fn begun(writer: &RedisStore, follower: &RedisStore, fill: u8) {
    put(writer, &name(fill), Revision::NONE, "first").await;
    assert_eq!(hints(follower, 1).await, names([fill]));
}

#[tokio::test]
async fn writes_removals_and_settings_aside_are_named_to_every_follower() {
    let Some(server) = Server::start(&[]) else { return };
    let (writer, one) = (server.store(), server.store());
    let two = one.clone();
    begun(&writer, &one, 1).await;
    let removed = put(&writer, &name(2), Revision::NONE, "two").await;
    let aside = put(&one, &name(3), Revision::NONE, "three").await;
    assert_eq!(hints(&one, 2).await, names([2, 3]));
    assert!(writer.remove(&name(2), removed).await.unwrap());
    assert_eq!(hints(&one, 1).await, names([2]));
    assert!(writer.set_aside(&name(3), aside).await.unwrap());
    assert_eq!(hints(&one, 1).await, names([3]));
    assert_eq!(hints(&two, 3).await, names([1, 2, 3]), "a clone follows on its own");
}

#[tokio::test]
async fn a_write_that_lost_is_not_named() {
    let Some(server) = Server::start(&[]) else { return };
    let store = server.store();
    begun(&store, &store, 1).await;
    let lost = store.commit(&name(1), Revision(1), None, super::bytes("late")).await.unwrap();
    assert!(matches!(lost, countersign_core::Committed::Lost(_)));
    put(&store, &name(2), Revision::NONE, "two").await;
    assert_eq!(store.watch().await, Some(name(2)));
}

#[tokio::test]
async fn what_was_written_while_a_follower_was_cut_off_is_named_when_it_is_back() {
    let Some(server) = Server::start(&[]) else { return };
    let proxy = Proxy::to(server.port).await;
    let address = format!("redis://127.0.0.1:{}", proxy.port);
    let follower = RedisStore::builder(&address, super::server::keys()).unwrap().build().unwrap();
    let writer = server.store();
    begun(&writer, &follower, 1).await;
    for (wire, fill) in [(Wire::Cut, 2), (Wire::Silent, 3), (Wire::Deaf, 4)] {
        proxy.set(wire);
        put(&writer, &name(fill), Revision::NONE, "away").await;
        let next = tokio::spawn({
            let follower = follower.clone();
            async move { hints(&follower, usize::from(fill)).await }
        });
        if wire == Wire::Deaf {
            proxy.has_lost_an_answer().await;
        }
        proxy.set(Wire::Whole);
        assert_eq!(hints(&follower, 1).await, names([fill]), "after {wire:?}");
        assert_eq!(next.await.unwrap(), names(1..=fill));
    }
}

#[tokio::test]
async fn f09_whoever_could_not_write_is_told_when_the_server_is_back() {
    let Some(server) = Server::start(&[]) else { return };
    let proxy = Proxy::to(server.port).await;
    let address = format!("redis://127.0.0.1:{}", proxy.port);
    let builder = RedisStore::builder(&address, super::server::keys()).unwrap();
    let store = builder.deadline(Duration::from_millis(200)).build().unwrap();
    begun(&server.store(), &store, 1).await;
    proxy.set(Wire::Cut);
    store.commit(&name(7), Revision::NONE, None, super::bytes("unsaved")).await.unwrap_err();
    proxy.set(Wire::Whole);
    assert_eq!(hints(&store, 1).await, names([7]));
    // Once it has come through nobody is told of it again but by the write itself.
    put(&store, &name(7), Revision::NONE, "saved").await;
    assert_eq!(hints(&store, 1).await, names([7]));
    proxy.set(Wire::Cut);
    put(&server.store(), &name(8), Revision::NONE, "theirs").await;
    proxy.set(Wire::Whole);
    assert_eq!(hints(&store, 1).await, names([8]));
}

#[tokio::test]
async fn a_follower_that_is_dropped_in_mid_wait_misses_nothing() {
    let Some(server) = Server::start(&[]) else { return };
    let store = server.store();
    begun(&store, &store, 1).await;
    for fill in 2..8 {
        tokio::select! {
            biased;
            hint = store.watch() => panic!("{hint:?} was not written"),
            () = tokio::task::yield_now() => {}
        }
        put(&store, &name(fill), Revision::NONE, "next").await;
        assert_eq!(store.watch().await, Some(name(fill)));
    }
}

#[tokio::test]
async fn all_records_are_named_when_more_was_missed_than_is_kept() {
    let Some(server) = Server::start(&[]) else { return };
    let proxy = Proxy::to(server.port).await;
    let address = format!("redis://127.0.0.1:{}", proxy.port);
    let follower = RedisStore::builder(&address, super::server::keys()).unwrap().build().unwrap();
    let writer = server.store();
    begun(&writer, &follower, 1).await;
    proxy.set(Wire::Cut);
    for fill in 2..6 {
        put(&writer, &name(fill), Revision::NONE, "away").await;
    }
    let kept: i64 = server.says("XTRIM {countersign}:changes MAXLEN 1");
    assert_eq!(kept, 4);
    proxy.set(Wire::Whole);
    assert_eq!(hints(&follower, 5).await, names(1..6));
}

#[tokio::test]
async fn all_records_are_named_when_the_stream_lost_its_end() {
    let Some(mut server) = Server::start(&["appendonly yes", "appendfsync always"]) else { return };
    let store = server.store();
    begun(&store, &store, 1).await;
    for fill in 2..4 {
        put(&store, &name(fill), Revision::NONE, "next").await;
    }
    assert_eq!(hints(&store, 2).await, names([2, 3]));
    // As after a fail-over to a replica that had not heard the last writes.
    let _: i64 = server.says("DEL {countersign}:changes");
    server.kill();
    server.again();
    assert_eq!(hints(&store, 3).await, names([1, 2, 3]));
}
