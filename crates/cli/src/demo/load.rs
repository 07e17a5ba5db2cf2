//! Steady requests through one session, GET and POST, each checked for the echo of what was sent.

use std::sync::Arc;
use std::time::Duration;

use countersign_core::Clock;
use countersign_reqwest::Client;
use countersign_runtime::SystemClock;
use http::StatusCode;
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::task::{JoinError, JoinSet};

use super::happening::{Teller, What};
use super::ledger::Ended;
use super::meter::MeteredAuthority;
use super::player::Player;
use super::scenario::PACE;

/// What every request of one session needs.
#[derive(Clone)]
pub(super) struct Load {
    pub(super) player: Player,
    pub(super) client: Client,
    pub(super) clock: SystemClock,
    pub(super) teller: Teller,
}

impl Load {
    /// Sends at a steady pace, whatever becomes of earlier requests, until it is told to stop; then
    /// waits for those that are under way.
    pub(super) async fn run(self, mut stop: watch::Receiver<bool>) {
        let begun = self.clock.monotonic();
        let load = Arc::new(self);
        let mut under_way = JoinSet::new();
        let gap = Duration::from_secs(1) / u32::try_from(PACE).unwrap_or(1);
        for number in 0_u32.. {
            let next = begun.after(gap.saturating_mul(number));
            tokio::select! {
                biased;
                _ = stop.wait_for(|stop| *stop) => break,
                () = load.clock.sleep_until(next) => {}
            }
            let sender = Arc::clone(&load);
            under_way.spawn(async move { sender.request(number).await });
            while let Some(done) = under_way.try_join_next() {
                load.settle(&done);
            }
        }
        while let Some(done) = under_way.join_next().await {
            load.settle(&done);
        }
    }

    /// A request that panicked is one that failed.
    fn settle(&self, done: &Result<(), JoinError>) {
        if done.is_err() {
            self.player.ledger.request(Ended::Failed, 0);
            let why = "the client panicked".to_owned();
            self.teller.tell(self.player.name(), What::RequestFailed { why });
        }
    }

    async fn request(&self, number: u32) {
        let Player { actor, session, ledger } = &self.player;
        let metered = MeteredAuthority::new(
            session.clone(),
            actor.name,
            Arc::clone(ledger),
            self.teller.clone(),
        );
        let client = self.client.session(metered.clone());
        let request = if number.is_multiple_of(2) {
            client.get(&actor.resource)
        } else {
            client.post(&actor.resource).json(&json!({ "number": number }))
        };
        let posted = (!number.is_multiple_of(2)).then_some(number);
        let ended = match request.send().await {
            Ok(answer) if answer.status() == StatusCode::OK => match answer.bytes().await {
                Ok(body) => echoes(&body, posted),
                Err(error) => Err(format!("the answer broke off: {}", error.without_url())),
            },
            Ok(answer) => Err(format!("the API answered HTTP {}", answer.status().as_u16())),
            Err(error) => Err(with_causes(&error)),
        };
        let (ended, why) = match ended {
            Ok(()) => (Ended::Served, None),
            Err(why) => (Ended::Failed, Some(why)),
        };
        ledger.request(ended, metered.answers());
        if let Some(why) = why {
            self.teller.tell(actor.name, What::RequestFailed { why });
        }
    }
}

/// Whether the answer is the echo of this request: some providers put it into an envelope.
fn echoes(body: &[u8], posted: Option<u32>) -> Result<(), String> {
    let whole: Value =
        serde_json::from_slice(body).map_err(|_| "the answer is no JSON".to_owned())?;
    let echo = ["details", "data"].iter().find_map(|key| whole.get(key)).unwrap_or(&whole);
    let method = if posted.is_some() { "POST" } else { "GET" };
    let number = echo.get("body").and_then(|body| body.get("number")).and_then(Value::as_u64);
    if echo.get("method").and_then(Value::as_str) == Some(method) && number == posted.map(u64::from)
    {
        Ok(())
    } else {
        Err("the answer is the echo of another request".to_owned())
    }
}

fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(source) = cause {
        text.push_str(": ");
        text.push_str(&source.to_string());
        cause = source.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_echo_is_found_with_and_without_an_envelope_and_another_one_is_refused() {
        let get = br#"{"method":"GET","body":null}"#;
        assert_eq!(echoes(get, None), Ok(()));
        assert!(echoes(get, Some(3)).is_err());
        let post = br#"{"status":"1","details":{"method":"POST","body":{"number":3}}}"#;
        assert_eq!(echoes(post, Some(3)), Ok(()));
        assert!(echoes(post, Some(5)).is_err() && echoes(post, None).is_err());
        assert!(echoes(b"<html>", None).is_err());
    }
}
