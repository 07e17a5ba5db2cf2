//! The Redis store against real servers, which each test starts and ends.

#![expect(clippy::unwrap_used, reason = "what a test cannot set up stops it")]

mod access;
mod changes;
mod flipped;
mod limits;
mod locks;
mod losses;
mod proxy;
mod rotation;
mod server;
#[cfg(feature = "rustls")]
mod tls;
mod writes;

use std::time::Duration;

use countersign_core::{Committed, Error, RecordName, Revision, SecretBytes, SessionStore};
use countersign_seal::suite::{Outcome, Subject, check};
use countersign_store_redis::RedisStore;
use server::Server;

const LEASE: Duration = Duration::from_secs(30);

fn name(fill: u8) -> RecordName {
    RecordName::from_hash([fill; 16])
}

fn bytes(text: &str) -> SecretBytes {
    SecretBytes::copy_from(text.as_bytes())
}

async fn put(store: &RedisStore, name: &RecordName, expected: Revision, text: &str) -> Revision {
    match store.commit(name, expected, None, bytes(text)).await.unwrap() {
        Committed::Done(revision) => revision,
        Committed::Lost(_) => panic!("a write to the right revision lost"),
    }
}

async fn text(store: &RedisStore, name: &RecordName) -> Option<String> {
    let record = store.load(name).await.unwrap()?;
    Some(String::from_utf8(record.bytes.expose_bytes().to_vec()).unwrap())
}

#[track_caller]
fn assert_says(error: &Error, code: &str, remedy: &str) {
    assert_eq!(error.kind(), countersign_core::ErrorKind::Store, "{error}");
    assert_eq!(error.code(), Some(code), "{error}");
    assert!(error.to_string().contains(remedy), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_public_suite_passes() {
    let Some(server) = Server::start(&[]) else { return };
    let (store, second) = (server.store(), server.store());
    let subject = Subject::new(&store).second(&second).damaging(|name, how| {
        let (mut admin, key) = (server.admin(), format!("{{countersign}}:record:{name}"));
        let bytes = redis::cmd("HGET").arg(&key).arg("bytes").query(&mut admin);
        let mut bytes: Vec<u8> = bytes.unwrap();
        how.befall(&mut bytes);
        redis::cmd("HSET").arg(&key).arg("bytes").arg(bytes).exec(&mut admin).unwrap();
        std::future::ready(())
    });
    let report = check(&subject).await;
    assert_eq!(report.failed(), [""; 0], "{report}");
    // What needs time is left out here; the tests of locks and losses let it pass.
    let damaged = report.cases().find(|(name, _)| name.starts_with("what_is_damaged"));
    assert_eq!(damaged.map(|(_, end)| end), Some(&Outcome::Passed), "{report}");
    assert!(store.list().await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_public_suite_passes_over_a_socket_in_another_database_with_another_prefix() {
    let Some(server) = Server::start(&[]) else { return };
    let address = format!("unix://{}/redis.sock?db=3", server.folder.path().display());
    let builder = RedisStore::builder(&address, server::keys()).unwrap();
    let store = builder.prefix("tenant:9").build().unwrap();
    countersign_seal::suite::run(&store).await.unwrap();
    let keys: i64 = server.says("DBSIZE");
    assert_eq!(keys, 0, "nothing is written into another database");
}
