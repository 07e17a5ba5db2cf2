//! Users with no more rights than docs/REDIS.md gives them.

use std::time::Duration;

use countersign_core::{Recovery, Revision, SecretString, SessionStore};
use countersign_store_redis::RedisStore;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::server::{self, Server};
use super::{LEASE, assert_says, bytes, name, put, text};

const RULES: &str = include_str!("../../../../../docs/REDIS.md");

/// The `user` lines of the document, as they stand there, with the passwords of this test.
fn users() -> Vec<String> {
    let lines: Vec<String> = RULES
        .lines()
        .filter(|line| line.starts_with("user "))
        .map(|line| line.replace(">WRITER", ">canary-writer").replace(">READER", ">canary-reader"))
        .collect();
    assert_eq!(lines.len(), 3, "the document has a writer, a reader and the default user");
    // Over its socket the test looks at everything.
    lines.into_iter().filter(|line| !line.starts_with("user default")).collect()
}

fn server() -> Option<Server> {
    let users = users();
    Server::start(&users.iter().map(String::as_str).collect::<Vec<_>>())
}

fn store(server: &Server, user: &str) -> RedisStore {
    let password = SecretString::new(format!("canary-{user}"));
    server.builder().user(format!("countersign-{user}"), password).build().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_documented_writer_passes_the_suite_and_follows_changes() {
    let Some(server) = server() else { return };
    let store = store(&server, "writer");
    countersign_seal::suite::run(&store).await.unwrap();
    put(&store, &name(1), Revision::NONE, "one").await;
    while store.watch().await != Some(name(1)) {}
    let _: redis::Value = server.says("SCRIPT FLUSH");
    store.lock(&name(1), LEASE, LEASE).await.unwrap().release().await;
    let log: Vec<redis::Value> = server.says("ACL LOG");
    assert!(log.is_empty(), "{log:?}");
}

#[tokio::test]
async fn the_documented_reader_reads_lists_and_follows_and_can_do_no_more() {
    let Some(server) = server() else { return };
    let (writer, reader) = (store(&server, "writer"), store(&server, "reader"));
    let revision = put(&writer, &name(1), Revision::NONE, "one").await;
    assert_eq!(text(&reader, &name(1)).await.as_deref(), Some("one"));
    assert_eq!(reader.list().await.unwrap(), [name(1)]);
    assert_eq!(reader.watch().await, Some(name(1)));
    put(&writer, &name(2), Revision::NONE, "two").await;
    assert_eq!(reader.watch().await, Some(name(2)));
    let log: Vec<redis::Value> = server.says("ACL LOG");
    assert!(log.is_empty(), "{log:?}");

    for error in [
        reader.commit(&name(1), revision, None, bytes("theirs")).await.unwrap_err(),
        reader.remove(&name(1), revision).await.unwrap_err(),
        reader.lock(&name(1), LEASE, LEASE).await.err().unwrap(),
    ] {
        assert_says(&error, "no_permission", "docs/REDIS.md");
        assert_eq!(error.recovery(), Recovery::GiveUp);
    }
    assert_eq!(text(&writer, &name(1)).await.as_deref(), Some("one"));
}

/// How often a script was asked for, refused or not.
fn scripts(server: &Server) -> u64 {
    let stats: String = server.says("INFO commandstats");
    let lines = stats.lines().filter(|line| line.starts_with("cmdstat_eval"));
    let counts = lines.flat_map(|line| line.split([':', ',']));
    let counts = counts.filter_map(|fact| {
        fact.strip_prefix("calls=").or_else(|| fact.strip_prefix("rejected_calls="))
    });
    counts.map(|count| count.parse::<u64>().unwrap()).sum()
}

#[tokio::test]
async fn f14_a_lock_that_the_server_refuses_is_not_let_go_again_and_again() {
    let Some(server) = server() else { return };
    let (reader, writer) = (store(&server, "reader"), store(&server, "writer"));
    let _: redis::Value = server.says(&format!("SET {{countersign}}:lock:{} theirs", name(2)));
    for (store, name, code, remedy) in [
        (reader, name(1), "no_permission", "docs/REDIS.md"),
        (writer, name(2), "foreign", "another program"),
    ] {
        let _: redis::Value = server.says("CONFIG RESETSTAT");
        let error = store.lock(&name, LEASE, LEASE).await.err().unwrap();
        assert_says(&error, code, remedy);
        // Whatever else runs gets its turn with each of these.
        for _ in 0..200 {
            store.ping().await.unwrap();
        }
        // The taking and one letting go, by hash and whole.
        let asked = scripts(&server);
        assert!((2..=4).contains(&asked), "{code}: scripts were asked for {asked} times");
    }
}

/// A server that says why it takes nobody in, and closes; redis-server does so before it has read anything, and what
/// it says can be lost on the way then.
async fn that_says(what: &'static str) -> u16 {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            if client.read(&mut [0; 1024]).await.is_ok() {
                let _ = client.write_all(what.as_bytes()).await;
            }
        }
    });
    port
}

#[tokio::test]
async fn f42_a_server_with_too_many_clients_refuses_no_password_and_may_take_us_later() {
    let full = that_says("-ERR max number of clients reached\r\n").await;
    let unknown =
        that_says("-WRONGPASS invalid username-password pair or user is disabled.\r\n").await;
    let open = that_says("-ERR AUTH <password> called without any password configured\r\n").await;
    let at = |port: u16, user: &str| {
        let address = format!("redis://{user}127.0.0.1:{port}");
        let builder = RedisStore::builder(&address, server::keys()).unwrap();
        builder.deadline(Duration::from_millis(300)).build().unwrap()
    };
    for user in ["", "kim:canary@", ":canary@"] {
        let error = at(full, user).load(&name(1)).await.unwrap_err();
        assert_says(&error, "too_many_clients", "maxclients");
        assert_eq!(error.recovery(), Recovery::Retry, "{user}");
    }
    for port in [unknown, open] {
        let error = at(port, "kim:canary@").load(&name(1)).await.unwrap_err();
        assert_says(&error, "not_authenticated", "check both");
        assert_eq!(error.recovery(), Recovery::GiveUp);
    }
}

#[tokio::test]
async fn f42_a_server_that_is_full_of_clients_is_tried_until_there_is_a_place() {
    let mut lines = users();
    lines.push("maxclients 2".into());
    let lines: Vec<_> = lines.iter().map(String::as_str).collect();
    let Some(server) = Server::start(&lines) else { return };
    let held: Vec<_> = (0..2).map(|_| server.admin()).collect();
    let password = || SecretString::new("canary-writer");
    let builder = server.builder().user("countersign-writer", password());
    let impatient = builder.deadline(Duration::from_millis(300)).build().unwrap();
    let error = impatient.load(&name(1)).await.unwrap_err();
    assert!(["too_many_clients", "not_reached"].contains(&error.code().unwrap()), "{error}");
    assert_eq!(error.recovery(), Recovery::Retry);
    drop(held);
    let builder = server.builder().user("countersign-writer", password());
    let store = builder.deadline(Duration::from_secs(30)).build().unwrap();
    put(&store, &name(1), Revision::NONE, "one").await;
}

#[tokio::test]
async fn neither_user_may_look_or_write_beside_the_store() {
    let Some(server) = server() else { return };
    let _: redis::Value = server.says("SET other canary");
    for user in ["writer", "reader"] {
        let url = format!("redis://countersign-{user}:canary-{user}@127.0.0.1:{}", server.port);
        let mut connection = redis::Client::open(url).unwrap().get_connection().unwrap();
        for command in [
            "GET other",
            "HGET {other}:record:x bytes",
            "SET {countersignature}:revision 1",
            "CONFIG GET maxmemory",
            "KEYS *",
            "FLUSHALL",
            "ACL LIST",
            "MONITOR",
            "SHUTDOWN",
        ] {
            let mut words = command.split(' ');
            let mut asked = redis::cmd(words.next().unwrap());
            words.for_each(|word| {
                asked.arg(word);
            });
            let error = asked.query::<redis::Value>(&mut connection).unwrap_err();
            assert_eq!(error.code(), Some("NOPERM"), "{user} {command}: {error}");
        }
    }
    let mine = "redis.call('SET', KEYS[1], 'x')";
    let url = format!("redis://countersign-writer:canary-writer@127.0.0.1:{}", server.port);
    let mut connection = redis::Client::open(url).unwrap().get_connection().unwrap();
    let wrote =
        redis::cmd("EVAL").arg(mine).arg(1).arg("other").query::<redis::Value>(&mut connection);
    assert!(wrote.is_err(), "a script reached a key of others");
    assert_eq!(server.says::<String>("GET other"), "canary");
}

#[tokio::test]
async fn a_password_that_changes_is_asked_for_with_the_next_connection() {
    let Some(server) = server() else { return };
    let password = std::sync::Arc::new(std::sync::Mutex::new("canary-writer".to_owned()));
    let source = std::sync::Arc::clone(&password);
    let builder = RedisStore::builder(&server.address(), server::keys()).unwrap();
    let store = builder
        .user_with("countersign-writer", move || {
            Ok(SecretString::new(source.lock().unwrap().clone()))
        })
        .build()
        .unwrap();
    put(&store, &name(1), Revision::NONE, "one").await;
    let _: redis::Value = server.says("ACL SETUSER countersign-writer resetpass >canary-next");
    let _: i64 = server.says("CLIENT KILL USER countersign-writer");
    *password.lock().unwrap() = "canary-next".into();
    assert_eq!(text(&store, &name(1)).await.as_deref(), Some("one"));
}
