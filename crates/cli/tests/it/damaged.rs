//! What an account must be spared is not forgotten because its file cannot be read: by processes of their own.

use std::path::PathBuf;

use crate::support::{Home, Simulated};
use serde_json::Value;

/// What may befall the bytes of a file.
type Fate = fn(&mut Vec<u8>);

const FATES: [(&str, Fate); 4] = [
    ("torn", |bytes| bytes.truncate(bytes.len() / 2)),
    ("flipped", |bytes| *bytes.last_mut().unwrap() ^= 1),
    ("emptied", Vec::clear),
    ("newer", |bytes| bytes[4] = 9),
];

fn records(home: &Home) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(home.path("state/records")).unwrap();
    let mut found: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    found.sort();
    found
}

/// The account's record: the one that is no session, or the only one.
fn guards(home: &Home) -> PathBuf {
    let listed = home.run(&["sessions", "list", "--json"]).exits(0);
    let sessions: Vec<String> = listed
        .out
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["id"].as_str().unwrap().into())
        .collect();
    let name = |path: &PathBuf| path.file_stem().unwrap().to_str().unwrap().to_owned();
    let mut found: Vec<PathBuf> =
        records(home).into_iter().filter(|path| !sessions.contains(&name(path))).collect();
    assert_eq!(found.len(), 1);
    found.remove(0)
}

fn spoil(path: &PathBuf, befall: Fate) -> Vec<u8> {
    let mut bytes = std::fs::read(path).unwrap();
    befall(&mut bytes);
    std::fs::write(path, &bytes).unwrap();
    bytes
}

#[test]
fn f36_a_password_that_was_refused_waits_while_its_memory_cannot_be_read() {
    for (fate, befall) in FATES {
        let hub = Simulated::start(&["ibex"]);
        let mut home = Home::ibex(&hub).with("HUB_PASSWORD", "canary-wrong");
        home.run(&["login"]).exits(1).keeps_secrets();
        let path = guards(&home);
        let bytes = spoil(&path, befall);
        let id = path.file_stem().unwrap().to_str().unwrap()[..8].to_owned();
        let command = format!("countersign sessions forget {id} --guards");

        // With another password too: nothing is sent.
        home.set("HUB_PASSWORD", hub.value("password"));
        let remedy = if fate == "newer" { "upgrade this program" } else { &command };
        for asked in [&["login"][..], &["token"], &["request", "GET", &hub.resource()]] {
            home.run(asked).exits(6).keeps_secrets().says(&[
                "guards_unreadable",
                path.to_str().unwrap(),
                remedy,
            ]);
        }
        assert_eq!(std::fs::read(&path).unwrap(), bytes, "{fate}: it stays as it is");

        // It is told, and whoever forgets it says so.
        let looked = home.run(&["doctor"]).exits(6).keeps_secrets();
        let told = home.run(&["sessions", "explain", "--json"]).exits(6).json();
        assert_eq!(told["reason"], "guards_unreadable", "{fate}: {told}");
        let list = home.run(&["sessions", "list"]).exits(0).out;
        assert!(list.contains(&id) && list.contains("guards unreadable"), "{fate}: {list}");
        home.run(&["sessions", "forget", &id]).exits(2).says(&["must be spared", &command]);
        if fate == "newer" {
            assert!(looked.out.contains("upgrade this program"), "{}", looked.out);
            home.run(&["sessions", "forget", &id, "--guards"]).exits(6).says(&["upgrade"]);
            continue;
        }
        assert!(looked.out.contains(&command), "{fate}: {}", looked.out);
        assert!(looked.out.contains("nobody signs in"), "{fate}: {}", looked.out);
        home.run(&["sessions", "forget", &id, "--guards"]).exits(0).says(&["is set aside"]);
        let aside = home.path("state/damaged").join(path.file_name().unwrap());
        assert_eq!(std::fs::read(aside.with_extension("1.rec")).unwrap(), bytes);
        home.run(&["login"]).exits(0).keeps_secrets();
    }
}

#[test]
fn f30_a_session_is_served_while_the_record_of_its_account_cannot_be_read() {
    for (fate, befall) in FATES {
        let hub = Simulated::start(&["ibex"]);
        let home = Home::ibex(&hub);
        home.run(&["login"]).exits(0);
        let path = guards(&home);
        spoil(&path, befall);
        home.run(&["request", "GET", &hub.resource()]).exits(0);
        home.run(&["refresh"]).exits(0);
        home.run(&["request", "GET", &hub.resource()]).exits(0);
        let told = home.run(&["sessions", "explain", "--json"]).exits(0).keeps_secrets().json();
        assert_eq!(told["reason"], "signed_in", "{fate}");
        let error = told["guards_error"].as_str().unwrap();
        assert!(error.contains(path.to_str().unwrap()), "{fate}: {error}");
        let text = home.run(&["sessions", "explain"]).exits(0).out;
        assert!(text.contains("\n  guards     "), "{fate}: {text}");
        home.run(&["login"]).exits(6).says(&["guards_unreadable"]);
        home.run(&["status"]).exits(0);
    }
}

#[test]
fn f30_a_session_with_its_guards_is_forgotten_where_both_are_damaged() {
    let hub = Simulated::start(&["ibex"]);
    let home = Home::ibex(&hub);
    home.run(&["login"]).exits(0);
    for path in records(&home) {
        spoil(&path, Vec::clear);
    }
    home.run(&["request", "GET", &hub.resource()]).exits(6).says(&["guards_unreadable"]);
    home.run(&["sessions", "forget", "-p", "hub", "--guards"]).exits(0);
    assert_eq!(records(&home).len(), 1, "what the account must be spared is empty now");
    assert_eq!(std::fs::read_dir(home.path("state/damaged")).unwrap().count(), 2);
    home.run(&["request", "GET", &hub.resource()]).exits(0);
}

#[test]
fn f36_guards_that_are_gone_hold_every_sign_in_until_a_person_has_them_begun_anew() {
    let hub = Simulated::start(&["ibex"]);
    let home = Home::ibex(&hub);
    home.run(&["login"]).exits(0);
    let path = guards(&home);
    let id = path.file_stem().unwrap().to_str().unwrap()[..8].to_owned();
    let command = format!("countersign sessions forget {id} --guards");
    std::fs::remove_file(&path).unwrap();

    // What is there is used and renewed.
    home.run(&["request", "GET", &hub.resource()]).exits(0);
    home.run(&["refresh"]).exits(0);
    let told = home.run(&["sessions", "explain", "--json"]).exits(0).keeps_secrets().json();
    assert!(told["guards_error"].as_str().unwrap().contains(&command), "{told}");
    home.run(&["login"]).exits(6).keeps_secrets().says(&[
        "guards_missing",
        path.to_str().unwrap(),
        "bring it back",
        &command,
    ]);
    assert!(!path.exists(), "nobody writes another one by himself");

    // It is told, and whoever forgets it says so.
    let looked = home.run(&["doctor"]).exits(6).keeps_secrets().out;
    assert!(looked.contains(&command) && looked.contains("is gone: nobody signs in"), "{looked}");
    let list = home.run(&["sessions", "list"]).exits(0).out;
    assert!(list.contains(&id) && list.contains("guards missing"), "{list}");
    home.run(&["sessions", "forget", &id]).exits(2).says(&["is gone", &command]);
    home.run(&["sessions", "forget", &id, "--guards"]).exits(0).says(&["is begun anew"]);
    home.run(&["doctor"]).exits(0);
    home.run(&["login"]).exits(0).keeps_secrets();
    assert_eq!(records(&home).len(), 2);
}

/// A session is forgotten, with its guards or without, and nothing is missed afterwards.
#[test]
fn f36_a_session_that_is_forgotten_on_purpose_leaves_nothing_to_miss() {
    let hub = Simulated::start(&["ibex"]);
    let home = Home::ibex(&hub);
    for forget in
        [&["sessions", "forget", "-p", "hub"][..], &["sessions", "forget", "-p", "hub", "--guards"]]
    {
        home.run(&["login"]).exits(0);
        home.run(forget).exits(0);
        home.run(&["doctor"]).exits(0);
        home.run(&["login"]).exits(0).keeps_secrets();
        home.run(&["logout"]).exits(0);
        home.run(forget).exits(0);
    }
}
