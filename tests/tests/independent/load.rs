//! A session under steady use while its tokens end again and again.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use countersign_core::Clock;
use countersign_runtime::{Session, SessionEventKind, SystemClock};
use serde_json::Value;
use tokio::task::JoinSet;

use crate::support::{client, pause};

/// What a run came to.
pub(crate) struct Load {
    /// Requests that were answered with success.
    requests: usize,
    /// Different tokens that the server saw, by their `jti`.
    pub(crate) tokens: usize,
    /// Tokens that the session published meanwhile.
    pub(crate) published: usize,
}

impl fmt::Display for Load {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { requests, tokens, published } = self;
        write!(
            f,
            "{requests} requests of 8 callers, 0 failed; {published} tokens bought, {tokens} seen by the server"
        )
    }
}

/// Eight callers, each a `GET` or a `POST` to `url` every few milliseconds for `span`. `jti` finds
/// the token's identifier in an answer. Any failed request fails the test.
pub(crate) async fn run(
    session: &Session,
    url: &str,
    span: Duration,
    jti: fn(&Value) -> &Value,
) -> Load {
    let clock = Arc::new(SystemClock::new());
    let until = clock.monotonic().after(span);
    let api = client().session(session.clone());
    let mut events = session.events();
    let requests = Arc::new(AtomicUsize::new(0));
    let mut callers = JoinSet::new();
    for caller in 0..8 {
        let (api, clock, requests) = (api.clone(), Arc::clone(&clock), Arc::clone(&requests));
        let url = url.to_owned();
        callers.spawn(async move {
            let mut tokens = BTreeSet::new();
            while clock.monotonic() < until {
                let sent = requests.fetch_add(1, Ordering::Relaxed);
                let request = match (caller + sent) % 2 {
                    0 => api.get(&url),
                    _ => api.post(&url).json(&serde_json::json!({ "n": sent })),
                };
                let reply = request.send().await.expect("an answer");
                assert!(reply.status().is_success(), "{} to a signed-in call", reply.status());
                let body: Value = reply.json().await.unwrap();
                tokens.insert(jti(&body).as_str().expect("a jti").to_owned());
                pause(Duration::from_millis(40)).await;
            }
            tokens
        });
    }
    let mut tokens = BTreeSet::new();
    while let Some(seen) = callers.join_next().await {
        tokens.extend(seen.unwrap());
    }
    let mut published = 0;
    while let Some(event) = events.try_recv() {
        published += usize::from(matches!(event.kind, SessionEventKind::Published { .. }));
    }
    assert_eq!(events.dropped(), 0);
    Load { requests: requests.load(Ordering::Relaxed), tokens: tokens.len(), published }
}
