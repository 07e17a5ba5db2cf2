//! Writes: what they leave behind, and what they do not overwrite.

use countersign_core::{Committed, Recovery, Revision, SessionStore};
use countersign_store_redis::RedisStore;

use super::server::Server;
use super::{LEASE, assert_says, bytes, name, put, text};

#[tokio::test]
async fn f32_neither_keys_nor_errors_nor_debug_tell_who_it_is_about() {
    let Some(server) = Server::start(&["requirepass canary-password"]) else { return };
    let address = format!("redis://:canary-password@127.0.0.1:{}", server.port);
    let builder = RedisStore::builder(&address, super::server::keys()).unwrap();
    assert!(!format!("{builder:?}").contains("canary"));
    let store = builder.build().unwrap();
    put(&store, &name(1), Revision::NONE, "sealed").await;
    assert!(!format!("{store:?} {}", store.place()).contains("canary"));

    let address = format!("redis://:canary-wrong@127.0.0.1:{}", server.port);
    let builder = RedisStore::builder(&address, super::server::keys()).unwrap();
    let error = builder.build().unwrap().load(&name(1)).await.unwrap_err();
    assert_says(&error, "not_authenticated", &format!("127.0.0.1:{}", server.port));
    assert_eq!(error.recovery(), Recovery::GiveUp);
    assert!(!format!("{error} {error:?}").contains("canary"));
    assert!(std::error::Error::source(&error).is_none(), "the server's text is not passed on");

    let without = RedisStore::builder(&server.address(), super::server::keys()).unwrap();
    let error = without.build().unwrap().load(&name(1)).await.unwrap_err();
    assert_says(&error, "not_authenticated", "check both");
}

#[tokio::test]
async fn plain_tcp_to_another_machine_is_refused_unless_its_network_is_trusted() {
    let keys = super::server::keys;
    let builder = || RedisStore::builder("redis://cache.example:6379", keys()).unwrap();
    let error = builder().build().unwrap_err();
    assert_eq!(error.kind(), countersign_core::ErrorKind::Configuration);
    assert!(error.to_string().contains("rediss://"), "{error}");
    assert!(builder().trust_network().build().is_ok());
    let error = RedisStore::builder("redis://localhost", keys()).unwrap();
    let error = error.or("redis://cache.example").unwrap().build().unwrap_err();
    assert!(error.to_string().contains("cache.example:6379"), "{error}");
}

#[tokio::test]
async fn a_record_that_is_set_aside_is_kept_under_its_revision() {
    let Some(server) = Server::start(&[]) else { return };
    let store = server.store();
    let revision = put(&store, &name(1), Revision::NONE, "broken").await;
    assert!(store.set_aside(&name(1), revision).await.unwrap());
    let key = format!("{{countersign}}:aside:{}:{}", name(1), revision.0);
    let kept: String = server.says(&format!("HGET {key} bytes"));
    assert_eq!(kept, "broken");
    let lifetime: i64 = server.says(&format!("TTL {key}"));
    assert_eq!(lifetime, -1, "it does not vanish by itself");
}

#[tokio::test]
async fn records_have_no_time_to_live_and_only_locks_have() {
    let Some(server) = Server::start(&[]) else { return };
    let store = server.store();
    let lock = store.lock(&name(2), LEASE, LEASE).await.unwrap();
    store.commit(&name(1), Revision::NONE, Some(lock.fence()), bytes("one")).await.unwrap();
    lock.release().await;
    let mut keys: Vec<String> = server.says("KEYS *");
    keys.sort();
    let expected = [
        "changes".to_owned(),
        format!("lock:{}", name(2)),
        format!("record:{}", name(1)),
        "revision".into(),
    ];
    assert_eq!(keys, expected.map(|key| format!("{{countersign}}:{key}")));
    for key in keys {
        let lifetime: i64 = server.says(&format!("TTL {key}"));
        assert_eq!(lifetime > 0, key.contains(":lock:"), "{key} lives for {lifetime} s");
    }
}

#[tokio::test]
async fn what_another_program_keeps_under_our_names_is_an_error_and_stays() {
    let Some(server) = Server::start(&[]) else { return };
    let store = server.store();
    for command in ["SET", "RPUSH"] {
        let key = format!("{{countersign}}:record:{}", name(1));
        let _: redis::Value = server.says(&format!("{command} {key} theirs"));
        let before = server.dump();
        for error in [
            store.load(&name(1)).await.unwrap_err(),
            store.load_many(&[name(2), name(1)]).await.unwrap_err(),
            store.commit(&name(1), Revision::NONE, None, bytes("ours")).await.unwrap_err(),
            store.remove(&name(1), Revision(1)).await.unwrap_err(),
            store.set_aside(&name(1), Revision(1)).await.unwrap_err(),
        ] {
            assert_says(&error, "foreign", "another prefix");
            assert_eq!(error.recovery(), Recovery::GiveUp);
        }
        assert_eq!(server.dump(), before);
        let _: i64 = server.says(&format!("DEL {key}"));
    }
    let _: i64 = server.says(&format!("HSET {{countersign}}:record:{} their field", name(3)));
    let error = store.commit(&name(3), Revision::NONE, None, bytes("ours")).await.unwrap_err();
    assert_says(&error, "foreign", "another prefix");
    for key in ["revision", "changes"] {
        let _: redis::Value = server.says("FLUSHALL");
        let _: i64 = server.says(&format!("SADD {{countersign}}:{key} theirs"));
        let error = store.commit(&name(4), Revision::NONE, None, bytes("ours")).await.unwrap_err();
        assert_says(&error, "foreign", "another prefix");
        assert_eq!(text(&store, &name(4)).await, None, "half of a write");
    }
}

#[tokio::test]
async fn stores_with_two_prefixes_know_nothing_of_each_other() {
    let Some(server) = Server::start(&[]) else { return };
    let (one, two) = (server.store(), server.builder().prefix("other").build().unwrap());
    put(&one, &name(1), Revision::NONE, "one").await;
    let _held = one.lock(&name(1), LEASE, LEASE).await.unwrap();
    assert_eq!(two.load(&name(1)).await.unwrap().map(drop), None);
    assert!(two.list().await.unwrap().is_empty());
    two.lock(&name(1), LEASE, std::time::Duration::ZERO).await.unwrap().release().await;
}

#[tokio::test]
async fn a_revision_does_not_come_back_when_the_server_has_forgotten_all() {
    let Some(server) = Server::start(&[]) else { return };
    let store = server.store();
    let old = put(&store, &name(1), Revision::NONE, "old").await;
    let _: redis::Value = server.says("FLUSHALL");
    let new = put(&store, &name(1), Revision::NONE, "new").await;
    assert!(new > old, "{new:?} is not above {old:?}");
    let late = store.commit(&name(1), old, None, bytes("late")).await.unwrap();
    assert!(matches!(late, Committed::Lost(Some(winner)) if winner.revision == new));
}

#[tokio::test]
async fn thousands_of_records_are_listed_and_read() {
    let Some(server) = Server::start(&[]) else { return };
    let store = server.store();
    let mut names = Vec::new();
    for n in 0..1500_u32 {
        let mut hash = [9; 16];
        hash[..4].copy_from_slice(&n.to_be_bytes());
        let name = countersign_core::RecordName::from_hash(hash);
        put(&store, &name, Revision::NONE, &n.to_string()).await;
        names.push(name);
    }
    assert_eq!(store.list().await.unwrap(), names);
    names.reverse();
    let records = store.load_many(&names).await.unwrap();
    let wrong = records.iter().enumerate().find(|(n, record)| {
        let text = (1499 - n).to_string();
        !record.as_ref().is_some_and(|record| record.bytes.matches(&bytes(&text)))
    });
    assert!(wrong.is_none(), "{wrong:?}");
}
