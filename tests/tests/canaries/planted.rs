//! Leaks planted on purpose: one per channel and spelling. A search that misses one proves nothing by
//! finding nothing.

use std::sync::OnceLock;

use countersign::reqwest::Client;
use countersign_simulator::Simulator;
use countersign_tests::canaries::Searcher;

use crate::channels::Channel;
use crate::{encodings, recorder};

/// Every class of character that some spelling treats in its own way, and long enough to be cut off.
const SECRET: &str = "Canary-\"q\"\\s/+=&%41~???>>>-p\u{e4}ssw\u{f6}rd-\u{1f510}-0123456789";

/// A code: six digits.
const CODE: &str = "081804";

/// What became of the planted leaks.
pub(crate) struct Tally {
    pub(crate) encodings: usize,
    pub(crate) planted: usize,
    missed: Vec<String>,
}

impl Tally {
    pub(crate) fn caught(&self) -> usize {
        self.planted - self.missed.len()
    }
}

#[test]
fn every_planted_leak_is_caught() {
    let tally = tally();
    assert!(tally.missed.is_empty(), "missed:\n{}", tally.missed.join("\n"));
}

/// Plants them, once for all who ask.
pub(crate) fn tally() -> &'static Tally {
    static TALLY: OnceLock<Tally> = OnceLock::new();
    TALLY.get_or_init(plant)
}

fn plant() -> Tally {
    recorder::start();
    let mut tally = Tally { encodings: 0, planted: 0, missed: Vec::new() };
    for secret in [SECRET, CODE] {
        let searcher = Searcher::new([secret]);
        let other = Searcher::new(["another-canary-that-is-nowhere"]);
        let all = encodings::all(secret);
        tally.encodings = tally.encodings.max(all.len());
        for channel in Channel::ALL {
            for (name, text) in &all {
                let content = channel.leak(text);
                tally.planted += 1;
                if searcher.search(&content).is_empty() {
                    tally.missed.push(format!("{channel:?}, {name}: {text:.60}"));
                }
                assert!(other.search(&content).is_empty(), "{channel:?}, {name}: found by chance");
            }
        }
    }
    tally
}

/// The negative control of the lives, whose builder is as talkative: reqwest logs every byte of a
/// connection if it is told to, and the client of ours does not let it.
#[tokio::test]
async fn a_plain_client_that_logs_its_bytes_is_caught_and_ours_does_not_log_them() {
    const TOKEN: &str = "canary-token-of-a-plain-client";
    recorder::start();
    let server = Simulator::ibex().build().serve().await.expect("a port of loopback");
    let talkative = || ::reqwest::Client::builder().connection_verbose(true);
    let logged = async |http: &::reqwest::Client, token: &str| {
        let request = http.get(format!("{}/sim/echo", server.url())).bearer_auth(token);
        request.send().await.expect("an answer");
        let found = Searcher::new([token]).search(recorder::logs().as_bytes());
        found.into_iter().any(|find| find.form == "plain")
    };
    assert!(logged(&talkative().build().expect("a client"), TOKEN).await);
    let ours = Client::new(talkative()).expect("a client");
    assert!(!logged(ours.plain(), "canary-token-of-our-own-client").await);
    server.shutdown().await;
}
