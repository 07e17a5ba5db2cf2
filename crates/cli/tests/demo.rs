//! The demo as a script sees it: one object a line, the totals last, no secret anywhere.

mod support;

use serde_json::Value;
use support::{Ended, Home};

const PROVIDERS: [&str; 5] = ["cognito", "ibanera", "ibex", "igny8", "wikimedia"];

/// Every crate at its loudest, also those below us.
const LOUDEST: &str = "trace,hyper=trace,hyper_util=trace,reqwest=trace,tokio=trace,mio=trace";

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
    let ended = home.run(&["demo", "--json"]);
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
    // Every password, temporary password and shared secret of the cast has the word; every token but
    // Cognito's refresh token is a JSON Web Token.
    for text in [&ended.out, &ended.err] {
        for line in text.lines() {
            let leaks = line.to_lowercase().contains("canary") || line.contains("eyJ");
            assert!(!leaks, "{line}");
        }
    }
}

#[test]
fn fewer_seconds_than_the_script_takes_are_refused() {
    Home::new("").run(&["demo", "--seconds", "5"]).exits(2).says(&["20..=3600"]);
}
