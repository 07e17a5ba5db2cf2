//! `sessions schedule`: the dry run, by processes of their own.

use std::collections::BTreeSet;

use countersign_core::{Clock as _, Timestamp};
use countersign_runtime::SystemClock;
use serde_json::Value;

use crate::support::pair::{both, objects, of, sign_in, two};
use crate::support::{Ended, Home, Simulated};

fn schedule(home: &Home, more: &[&str]) -> Ended {
    let all: Vec<&str> = ["sessions", "schedule"].iter().chain(more).copied().collect();
    home.run(&all).exits(0).keeps_secrets()
}

/// What two calls within one second have said: the words for people name the time that is left.
fn twice(home: &Home, more: &[&str]) -> (String, String) {
    let clock = SystemClock::new();
    let mut pairs = (0..20).map(|_| {
        let began = clock.now().as_seconds();
        let said = (schedule(home, more).out, schedule(home, more).out);
        (said, began == clock.now().as_seconds())
    });
    let within = pairs.find(|(_, within)| *within);
    within.unwrap_or_else(|| panic!("two calls take longer than a second, twenty times")).0
}

fn instant(told: &Value, name: &str) -> Timestamp {
    let at = told["next"][name].as_str().and_then(Timestamp::parse_rfc3339);
    at.unwrap_or_else(|| panic!("{name} in {told}"))
}

fn profiles(ended: &Ended) -> Vec<String> {
    let name = |told: Value| told["profile"].as_str().unwrap().to_owned();
    objects(ended).into_iter().map(name).collect()
}

#[test]
fn the_schedule_is_told_and_nothing_is_sent() {
    let (hub, studio) = (Simulated::start(&["ibex"]), Simulated::start(&["igny8"]));
    let home = two(&hub, &studio);
    sign_in(&home);
    let plan = schedule(&home, &["--json"]);
    let told = of(&plan, "ibex");
    assert_eq!((&told["next"]["purpose"], &told["state"]), (&"renew".into(), &"active".into()));
    let end = told["expires_at"].as_str().and_then(Timestamp::parse_rfc3339).unwrap();
    assert!(instant(&told, "at") < end, "{told}");
    // A quarter of an hour, less what the sign-in has taken.
    assert!((890_000..=900_000).contains(&told["survives_ms"].as_u64().unwrap()), "{told}");
    assert_eq!((told["over_at"].is_string(), &told["error"]), (true, &Value::Null));
    let text = schedule(&home, &["-p", "studio"]).out;
    assert!(
        text.starts_with("studio: renew by ") && text.contains("survives an outage of"),
        "{text}"
    );
    assert_eq!(text.lines().count(), 1);
}

#[test]
fn f02_whoever_asks_twice_is_told_the_same_and_every_replica_is_within_it() {
    let hub = Simulated::start(&["ibex"]);
    let home = Home::ibex(&hub);
    home.run(&["login"]).exits(0);
    for more in [&["--json"][..], &[], &["--replica-seed", "7"]] {
        let (first, second) = twice(&home, more);
        assert_eq!(first, second);
    }
    let all = schedule(&home, &["--json"]).json();
    let (earliest, latest) = (instant(&all, "earliest"), instant(&all, "latest"));
    assert!(earliest < latest, "{all}");
    assert_eq!(instant(&all, "at"), latest, "the worst that can be");
    let mut instants = BTreeSet::new();
    for seed in ["0", "1", "2", "18446744073709551615"] {
        let one = schedule(&home, &["--json", "--replica-seed", seed]).json();
        assert_eq!((instant(&one, "earliest"), instant(&one, "latest")), (earliest, latest));
        assert!((earliest..=latest).contains(&instant(&one, "at")), "{one}");
        assert!(one["survives_ms"].as_u64() >= all["survives_ms"].as_u64(), "{one}");
        instants.insert(instant(&one, "at"));
    }
    assert_eq!(instants.len(), 4, "{instants:?}");
    home.run(&["sessions", "schedule", "--replica-seed", "x"]).exits(2);
}

#[expect(clippy::disallowed_methods, reason = "the token of another process ends in real time")]
#[test]
fn a_renewal_that_is_overdue_is_due_now_and_the_same_for_whoever_asks_twice() {
    let hub = Simulated::start(&["ibex", "--lifetime", "1s"]);
    let home = Home::ibex(&hub);
    home.run(&["login"]).exits(0);
    std::thread::sleep(std::time::Duration::from_millis(1100));
    let (first, second) = twice(&home, &["--json"]);
    assert_eq!(first, second);
    let text = schedule(&home, &[]).out;
    assert!(text.starts_with("hub: renew now; survives an outage of 0s"), "{text}");
}

#[test]
fn the_soonest_is_told_first_and_who_waits_for_a_caller_last() {
    let (hub, studio) =
        (Simulated::start(&["ibex"]), Simulated::start(&["igny8", "--lifetime", "10m"]));
    let home = two(&hub, &studio);
    sign_in(&home);
    let waiting = "[profiles.apart]\nprovider = \"ibex\"\nidentity = \"nobody@example.com\"\n\
                   password = \"env:HUB_PASSWORD\"\n";
    let config = format!("{}{waiting}base_url = \"{}\"\n", both(&hub, &studio), hub.value("url"));
    home.write("config.toml", &config, 0o644);
    let plan = schedule(&home, &["--json"]);
    assert_eq!(profiles(&plan), ["studio", "hub", "apart"], "{}", plan.out);
    let apart = &objects(&plan)[2];
    assert_eq!((&apart["next"], &apart["reason"]), (&Value::Null, &"never_signed_in".into()));
    let text = schedule(&home, &[]).out;
    let last = text.lines().last().unwrap();
    assert_eq!(last, "apart: signed out (never signed in); nothing is due by itself");
}

#[test]
fn what_cannot_be_opened_is_told_one_by_one_and_not_in_the_way_of_the_others() {
    let (hub, studio) = (Simulated::start(&["ibex"]), Simulated::start(&["igny8"]));
    let home = two(&hub, &studio);
    sign_in(&home);
    let broken = "[profiles.broken]\nprovider = \"ibex\"\nno_such_key = 1\n";
    home.write("config.toml", &format!("{broken}{}", both(&hub, &studio)), 0o644);
    let id = of(&home.run(&["sessions", "list", "--json"]).exits(0), "ibex")["id"].clone();
    let path = home.path(&format!("state/records/{}.rec", id.as_str().unwrap()));
    let whole = std::fs::read(&path).unwrap();
    let mut newer = whole.clone();
    newer[4] = 9;
    std::fs::write(&path, &newer).unwrap();

    let plan = schedule(&home, &["--json"]);
    assert_eq!(profiles(&plan), ["studio", "broken", "hub"], "{}", plan.out);
    let told = objects(&plan);
    assert_eq!((&told[0]["error"], told[0]["next"].is_object()), (&Value::Null, true));
    for (told, provider, what) in
        [(&told[1], Value::Null, "no_such_key"), (&told[2], "ibex".into(), "newer_version")]
    {
        let error = &told["error"];
        assert!(error["message"].as_str().unwrap().contains(what), "{told}");
        assert!(!error["help"].as_str().unwrap().is_empty(), "{told}");
        assert_eq!((&told["provider"], &told["next"]), (&provider, &Value::Null));
    }
    let text = schedule(&home, &[]).out;
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[0].starts_with("studio: renew by "), "{text}");
    assert!(lines[1].starts_with("broken: cannot be opened: "), "{text}");
    assert!(lines[2].starts_with("hub: cannot be opened: ") && lines.len() == 3, "{text}");

    // Who asks for one of them has asked for nothing else.
    home.run(&["sessions", "schedule", "-p", "broken"]).exits(2).says(&["no_such_key"]);
    home.run(&["sessions", "schedule", "-p", "hub"]).exits(6).says(&["newer_version"]);
    // One that the next sign-in replaces can be opened, and nothing is due.
    let mut damaged = whole;
    *damaged.last_mut().unwrap() ^= 1;
    std::fs::write(&path, &damaged).unwrap();
    let told = schedule(&home, &["--json", "-p", "hub"]).json();
    assert_eq!((&told["reason"], &told["next"]), (&"damaged".into(), &Value::Null), "{told}");
    // What ails the store as a whole is no matter of one session, for `list` neither.
    home.write("state/key", "no key\n", 0o600);
    for command in ["list", "schedule"] {
        home.run(&["sessions", command]).exits(6).says(&["key"]);
    }
}
