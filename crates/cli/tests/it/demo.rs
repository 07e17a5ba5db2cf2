//! The demo as a script sees it: one object a line, the totals last, no secret anywhere.

use crate::searcher::Searcher;
use crate::support::{Ended, Home};
use countersign_core::Clock;
use countersign_runtime::SystemClock;
use countersign_simulator::totp::{Totp, base32_key};
use serde_json::Value;

const PROVIDERS: [&str; 5] = ["cognito", "ibanera", "ibex", "igny8", "wikimedia"];

/// Every crate at its loudest, also those below us.
const LOUDEST: &str = "trace,hyper=trace,hyper_util=trace,reqwest=trace,tokio=trace,mio=trace";

/// How every access token of the cast begins, and the word that is in every password, temporary password
/// and shared secret of it.
const CANARIES: [&str; 2] = ["eyJhbGciOi", "canary"];

/// The shared secrets of the cast, and the time step of its codes.
const SHARED: [&str; 2] = ["CANARYIBANERACANARYIBANERACANARY", "CANARYCOGNITODEMOCANARYCOGNITODE"];
const CODE_PERIOD_MS: i64 = 2000;

fn now_ms() -> i64 {
    SystemClock::new().now().as_millis()
}

/// Every code that the cast can have computed between two instants.
#[expect(clippy::unwrap_used, reason = "the secrets are base32")]
fn codes(from_ms: i64, to_ms: i64) -> Vec<String> {
    let totp = Totp { period_ms: CODE_PERIOD_MS, ..Totp::default() };
    let steps = totp.step(from_ms) - 1..=totp.step(to_ms) + 1;
    let keys = SHARED.map(|secret| base32_key(secret).unwrap());
    steps.flat_map(|step| keys.each_ref().map(|key| totp.code(key, step))).collect()
}

fn events(ended: &Ended) -> Vec<Value> {
    let object =
        |line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
    ended.out.lines().map(object).collect()
}

fn named<'a>(events: &'a [Value], name: &str) -> Vec<&'a Value> {
    events.iter().filter(|event| event["event"] == name).collect()
}

/// The demo takes its twenty seconds: one run shows it all.
#[test]
fn the_demo_meets_every_fault_without_a_failed_request_and_tells_no_secret() {
    let home = Home::new("").with("COUNTERSIGN_LOG", LOUDEST);
    let began_ms = now_ms();
    let ended = home.run(&["demo", "--json"]);
    let codes = codes(began_ms, now_ms());
    let events = events(&ended);
    let totals = events.last().unwrap();
    assert_eq!(totals["event"], "totals", "{}", ended.out);
    assert_eq!(totals["problems"], Value::Array(Vec::new()));
    assert_eq!((ended.code, &totals["ok"]), (Some(0), &Value::Bool(true)));

    let help = home.run(&["demo", "--help"]).exits(0).out;
    for event in &events {
        let name = event["event"].as_str().unwrap();
        assert!(help.contains(&format!("\n  {name}")), "{name} is not documented");
    }

    for name in PROVIDERS {
        let tally = &totals["providers"][name];
        assert!(tally["renewals"].as_u64().unwrap() >= 3, "{name}: {tally}");
        for row in ["requests", "failed", "replays", "refused", "exchanges", "lost", "tokens"] {
            assert_eq!(tally[row]["client"], tally[row]["simulator"], "{name}: {row}: {tally}");
        }
        assert_eq!(tally["failed"]["client"], 0, "{name}: {tally}");
        assert!(tally["requests"]["client"].as_u64().unwrap() > 300, "{name}: {tally}");
        assert!(tally["refused"]["client"].as_u64().unwrap() > 0, "{name}: {tally}");
    }
    let providers = &totals["providers"];
    assert_eq!(providers["cognito"]["challenges"], 1);
    assert_eq!(providers["wikimedia"]["challenges"], 1);
    assert_eq!(providers["cognito"]["lost"]["simulator"], 1);
    assert!(named(&events, "outage_ends")[0]["refused"].as_u64().unwrap() >= 5);
    let throttled =
        |event: &&Value| event["who"] == "igny8" && event["http_status"].as_u64() == Some(429);
    assert!(events.iter().any(|event| throttled(&event)));
    assert_eq!(named(&events, "revoked").len(), 5);
    let truths: Vec<_> = named(&events, "signed_out")
        .iter()
        .map(|event| (event["who"].clone(), event["end"].clone()))
        .collect();
    for (name, end) in [("ibex", "revoked"), ("cognito", "revoked"), ("ibanera", "local_only")] {
        assert!(truths.contains(&(name.into(), end.into())), "{truths:?}");
    }

    assert!(ended.err.contains("countersign"), "there is no log to search");
    let searcher = Searcher::new(CANARIES.into_iter().map(str::to_owned).chain(codes));
    for text in [&ended.out, &ended.err] {
        let found = searcher.search(text.as_bytes());
        assert!(found.is_empty(), "{found:#?}");
    }
    println!(
        "canaries: {} secrets in {} bytes of report and {} of logs: 0 found",
        searcher.n_secrets(),
        ended.out.len(),
        ended.err.len(),
    );
}

#[test]
fn fewer_seconds_than_the_script_takes_are_refused() {
    Home::new("").run(&["demo", "--seconds", "5"]).exits(2).says(&["20..=3600"]);
}
