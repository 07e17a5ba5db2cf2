//! What is logged: once per transition, and never a secret.
//!
//! A program of its own, in which every thread listens: tracing remembers for all threads whether the one that comes by a
//! place first listens there, and one that registers at that moment is forgotten.

#![allow(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

#[path = "it/common/mod.rs"]
mod common;

use std::io::Write;
use std::sync::{Arc, Mutex};

use crate::common::{Act, World, seconds, settle};
use countersign_core::{Answers, Operation, SecretString};
use countersign_runtime::SessionEventKind;
use serde_json::json;

#[derive(Clone, Default)]
struct Book(Arc<Mutex<Vec<u8>>>);

impl Write for Book {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Book {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

/// Everything that is logged on this thread while the guard lives.
fn listen() -> (Book, tracing::subscriber::DefaultGuard) {
    let book = Book::default();
    let writer = book.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    let guard = tracing::subscriber::set_default(subscriber);
    (book, guard)
}

#[tokio::test]
async fn f46_a_failure_is_logged_and_told_once_however_many_ask_until_the_state_changes() {
    let (book, _guard) = listen();
    let world = World::new();
    let session = world.manual_session().await;
    let mut events = session.events();
    let mut ask = async |n: usize| {
        for _ in 0..n {
            assert!(session.authorization().await.is_err());
        }
        let lines = book.text().lines().filter(|line| line.contains("WARN")).count();
        let told = std::iter::from_fn(|| events.try_recv())
            .filter(|event| matches!(event.kind, SessionEventKind::Failed(_)))
            .count();
        (lines, told)
    };
    assert_eq!(ask(20).await, (1, 1));
    assert_eq!(ask(20).await, (1, 0));
    // Another attempt is another transition, although it ends as before.
    world.server.refuse_next("sign_in");
    session.sign_in().await.unwrap_err();
    let (after, told) = ask(20).await;
    assert_eq!(told, 1);
    assert_eq!(ask(20).await, (after, 0));
    let warned = book.text();
    let warned = warned.lines().rfind(|line| line.contains("WARN")).unwrap();
    assert!(warned.contains(&session.digest().to_string()), "{warned}");
}

#[tokio::test]
async fn f32_f46_failures_are_logged_once_by_class_and_digest_and_no_secret_is() {
    let (book, _guard) = listen();
    let world = World::new();
    let session = world.session().await;
    world.server.next("sign_in", Act::Say(503, json!({ "error": "canary-text" })));
    let callers: Vec<_> = (0..100)
        .map(|_| {
            let session = session.clone();
            tokio::spawn(async move { drop(session.authorization_within(seconds(0)).await) })
        })
        .collect();
    for caller in callers {
        caller.await.unwrap();
    }
    settle().await;
    let digest = session.digest().to_string();
    let failed: Vec<String> = book
        .text()
        .lines()
        .filter(|line| line.contains("exchange failed"))
        .map(str::to_owned)
        .collect();
    assert_eq!(failed.len(), 1, "{failed:?}");
    for word in [&digest, "plain", "sign_in", "provider unavailable", "503"] {
        assert!(failed[0].contains(word), "{word} in {}", failed[0]);
    }

    world.pass(seconds(5)).await;
    session.refresh().await.unwrap();
    let change = SecretString::new("canary-next");
    session.perform(Operation::ChangePassword { new_password: change }).await.unwrap();
    world.server.next("sign_in", Act::Say(200, json!({ "challenge": "canary-handle" })));
    drop(session.sign_in().await);
    drop(session.answer(Answers::code("canary-code".to_owned())).await);
    session.sign_out(seconds(1)).await;
    let text = book.text();
    assert!(text.contains("signed out") && text.contains("token published"), "{text}");
    assert!(!text.contains("canary") && !text.contains("kim"), "{text}");
}
