//! The store of the command line: which one is meant, and what it must be to be believed.

use crate::support::{BINARY, Ended, Home, Simulated};

/// A store whose keys are under the passphrase in `STORE`, with a session in it.
fn under_a_passphrase(hub: &Simulated) -> Home {
    let home = Home::ibex(hub).with("STORE", "canary-store-passphrase");
    let plain = std::fs::read_to_string(home.path("config.toml")).unwrap();
    let table = "[store]\nkey = \"passphrase\"\npassphrase = \"env:STORE\"\n";
    home.write("config.toml", &format!("{plain}{table}"), 0o644);
    home.run(&["login"]).exits(0).keeps_secrets();
    home
}

#[test]
fn f31_a_profile_file_that_is_not_found_takes_no_protection_away() {
    let hub = Simulated::start(&["ibex"]);
    let home = under_a_passphrase(&hub);
    let sealed = std::fs::read(home.path("state/key")).unwrap();
    let protect = ["sessions", "protect", "--answer", "old_passphrase=env:STORE"];
    std::fs::rename(home.path("config.toml"), home.path("moved.toml")).unwrap();

    home.run(&protect).exits(2).says(&["there is no profile file", "config.toml"]);
    home.run(&["sessions", "list"]).exits(2).says(&["there is no profile file"]);
    let looked = home.run(&["doctor"]).exits(6);
    assert!(looked.out.contains("there is no profile file"), "{}", looked.out);
    // Where nobody has named it either.
    let mut command = home.command(BINARY);
    let unnamed = command.env_remove("COUNTERSIGN_CONFIG").args(protect).output().unwrap();
    Ended::of(unnamed)
        .exits(2)
        .says(&["there is no profile file, which says", "COUNTERSIGN_CONFIG"]);
    assert_eq!(std::fs::read(home.path("state/key")).unwrap(), sealed);

    std::fs::rename(home.path("moved.toml"), home.path("config.toml")).unwrap();
    home.run(&["status"]).exits(0);
}

#[test]
fn a_profile_file_that_may_not_be_looked_at_is_not_one_that_is_missing() {
    let home = Home::new("");
    // Below a plain file there is nothing to look at, for root neither.
    let mut command = home.command(BINARY);
    let below = home.path("config.toml");
    command.env_remove("COUNTERSIGN_CONFIG").env("XDG_CONFIG_HOME", &below);
    let ended = Ended::of(command.args(["sessions", "list"]).output().unwrap());
    ended.exits(2).says(&["config.toml/countersign/config.toml", "cannot be read"]);
}

#[test]
fn f41_a_store_that_may_not_be_looked_at_is_not_one_in_which_nothing_is() {
    let mut home = Home::new("");
    // Below a plain file there is nothing to look at, for root neither.
    let below = home.path("config.toml").join("state");
    home.set("COUNTERSIGN_STATE", below.to_str().unwrap());
    for command in [&["sessions", "revoke", "--all"][..], &["sessions", "list"]] {
        home.run(command)
            .exits(6)
            .says(&["config.toml/state cannot be looked at", "the user whose"]);
    }
    let looked = home.run(&["doctor"]).exits(6).out;
    assert!(looked.contains("config.toml/state cannot be looked at"), "{looked}");
}

#[test]
fn f41_where_the_store_that_was_named_is_not_nobody_is_told_that_all_has_ended() {
    let hub = Simulated::start(&["ibex"]);
    let mut home = Home::ibex(&hub);
    home.run(&["login"]).exits(0);
    let there = home.path("state").to_str().unwrap().to_owned();
    home.set("COUNTERSIGN_STATE", &there.replace("state", "sttae"));
    home.run(&["sessions", "revoke", "--all"]).exits(6).says(&["sttae: no session was ended"]);
    home.set("COUNTERSIGN_STATE", &there);
    home.run(&["sessions", "revoke", "--all"]).exits(0);
}
