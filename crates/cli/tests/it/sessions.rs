//! `sessions`: what the store holds, seen and ended by processes of their own.

use crate::support::accounts::pool_keys;
use crate::support::pair::{both, objects, of, sign_in, two};
use crate::support::{Home, Simulated};

#[test]
fn what_is_stored_is_listed_shown_and_forgotten() {
    let (hub, studio) = (Simulated::start(&["ibex"]), Simulated::start(&["igny8"]));
    let home = two(&hub, &studio);
    home.run(&["sessions", "list"]).exits(0).says(&["nothing is stored"]);
    assert!(!home.path("state").exists(), "to look makes nothing");
    sign_in(&home);
    let list = home.run(&["sessions", "list"]).exits(0).keeps_secrets();
    assert_eq!(list.out.lines().count(), 3, "{}", list.out);
    assert!(list.out.starts_with("ID        PROVIDER  ACCOUNT"), "{}", list.out);
    let listed = home.run(&["sessions", "list", "--json"]).exits(0).keeps_secrets();
    let told = of(&listed, "ibex");
    assert_eq!((&told["state"], &told["account"]), (&"good".into(), &hub.value("identity").into()));
    assert_eq!(told["profiles"], serde_json::json!(["hub"]));

    let shown =
        home.run(&["sessions", "show", "-p", "hub", "--json"]).exits(0).keeps_secrets().json();
    assert_eq!((&shown["has_refresh_token"], &shown["renewable"]), (&true.into(), &true.into()));
    assert_eq!(shown["id"], told["id"]);
    let id = &told["id"].as_str().unwrap()[..6];
    home.run(&["sessions", "show", id]).exits(0).keeps_secrets();
    home.run(&["sessions", "show", "zzzz"]).exits(2).says(&["no stored session is called zzzz"]);
    home.run(&["sessions", "show"]).exits(2).says(&["several stored sessions are meant"]);

    let token = home.run(&["headers", "-p", "hub"]).exits(0).out;
    let done = home.run(&["sessions", "forget", id, "--json"]).exits(0).keeps_secrets().json();
    assert_eq!((&done["end"], &done["renewable"]), (&"forgotten".into(), &true.into()));
    assert!(done["valid_until"].is_string() && done["refresh_valid_until"].is_string());
    assert_eq!(objects(&home.run(&["sessions", "list", "--json"]).exits(0)).len(), 1);
    home.run(&["status", "-p", "hub"]).exits(3);
    home.run(&["sessions", "show", "-p", "hub"])
        .exits(3)
        .says(&["nothing is stored of the profile"]);
    // Nobody was asked: what was handed out before is still good there.
    assert!(token.starts_with("authorization: "));
}

#[test]
fn an_id_that_is_empty_names_no_session_also_where_there_is_only_one() {
    let hub = Simulated::start(&["ibex"]);
    let home = Home::ibex(&hub);
    home.run(&["login"]).exits(0);
    let listed = home.run(&["sessions", "list", "--json"]).exits(0);
    let id = of(&listed, "ibex")["id"].as_str().unwrap().to_owned();
    for short in ["", &id[..3]] {
        for command in ["forget", "show", "explain"] {
            home.run(&["sessions", command, short]).exits(2).says(&["is too short for the id"]);
        }
        home.run(&["sessions", "forget", "--guards", short]).exits(2);
    }
    home.run(&["status"]).exits(0);
    home.run(&["sessions", "forget", &id[..4]]).exits(0);
}

#[test]
fn a_store_without_its_profiles_says_whose_its_sessions_are() {
    let (hub, studio) = (Simulated::start(&["ibex"]), Simulated::start(&["igny8"]));
    let home = two(&hub, &studio);
    sign_in(&home);
    home.write("config.toml", "", 0o644);
    let listed = home.run(&["sessions", "list", "--json"]).exits(0);
    let told = of(&listed, "igny8");
    assert_eq!(told["account"], studio.value("identity"));
    assert_eq!(told["profiles"], serde_json::json!([]));
}

#[test]
fn f41_a_compromise_ends_every_session_and_says_what_lives_on() {
    let (hub, studio) = (Simulated::start(&["ibex"]), Simulated::start(&["igny8"]));
    let home = two(&hub, &studio);
    sign_in(&home);
    home.run(&["sessions", "revoke"]).exits(2);
    home.run(&["sessions", "revoke", "--provider", "ibx"]).exits(2).says(&["no stored session"]);
    let ended = home.run(&["sessions", "revoke", "--provider", "ibex", "--json"]).exits(0);
    let told = of(&ended.keeps_secrets(), "ibex");
    assert_eq!((&told["end"], &told["access"]["usable"]), (&"revoked".into(), &"no".into()));
    home.run(&["status", "-p", "studio"]).exits(0);
    // No process that shares the store comes back by itself.
    home.run(&["token", "-p", "hub"]).exits(3);

    // This one revokes nothing: what lives on is told, and the exit code says that it does.
    let ended = home.run(&["sessions", "revoke", "--all", "--json"]).exits(8).keeps_secrets();
    let told = of(&ended, "igny8");
    assert_eq!((&told["end"], &told["refresh"]["usable"]), (&"local_only".into(), &"yes".into()));
    assert!(told["access"]["until"].is_string() && told["refresh"]["until"].is_string(), "{told}");
    assert_eq!(of(&ended, "ibex")["end"], "already_ended");
    home.run(&["token", "-p", "studio"]).exits(3);
    let again = home.run(&["sessions", "revoke", "--all", "--json"]).exits(0);
    assert!(objects(&again).iter().all(|told| told["end"] == "already_ended"), "{}", again.out);
}

#[test]
fn f41_a_session_that_no_profile_describes_is_marked_as_ended_all_the_same() {
    let (hub, studio) = (Simulated::start(&["ibex"]), Simulated::start(&["igny8"]));
    let home = two(&hub, &studio);
    sign_in(&home);
    home.write("config.toml", "", 0o644);
    let identity = hub.value("identity");
    let ended = home.run(&["sessions", "revoke", "--account", identity]).exits(8).keeps_secrets();
    assert!(ended.out.contains(": local only; "), "{}", ended.out);
    assert!(ended.out.contains("a copy of its refresh token may be used until"), "{}", ended.out);
    assert_eq!(ended.out.lines().filter(|line| !line.starts_with(' ')).count(), 1);
    home.write("config.toml", &both(&hub, &studio), 0o644);
    home.run(&["token", "-p", "hub"]).exits(3);
    home.run(&["status", "-p", "studio"]).exits(0);
    home.run(&["login", "-p", "hub"]).exits(0);
    home.run(&["request", "GET", &hub.resource(), "-p", "hub"]).exits(0);
}

#[test]
fn a_provider_that_is_down_leaves_a_revocation_unconfirmed() {
    let hub = Simulated::start(&["ibex", "--fault", "revoke=cut*9"]);
    let home = Home::ibex(&hub);
    home.run(&["login"]).exits(0);
    let ended = home.run(&["sessions", "revoke", "--all", "--json"]).exits(8).keeps_secrets();
    let told = ended.json();
    assert_eq!((&told["end"], &told["refresh"]["usable"]), (&"unconfirmed".into(), &"yes".into()));
    assert!(told["access"]["until"].is_string() && told["refresh"]["until"].is_string(), "{told}");
    home.run(&["token"]).exits(3);
}

#[test]
fn records_are_sealed_anew_with_a_new_key_and_stay_what_they_are() {
    let (hub, studio) = (Simulated::start(&["ibex"]), Simulated::start(&["igny8"]));
    let home = two(&hub, &studio);
    sign_in(&home);
    let before = home.run(&["sessions", "list", "--json"]).exits(0).out;
    let done = home.run(&["sessions", "reseal", "--json"]).exits(0).json();
    assert_eq!((&done["resealed"], &done["failed"]), (&0.into(), &0.into()));
    let n_records = done["kept"].as_u64().unwrap();
    assert!(n_records >= 2);

    let done = home.run(&["sessions", "reseal", "--new-key", "--json"]).exits(0).json();
    assert_eq!((&done["resealed"], &done["kept"]), (&n_records.into(), &0.into()));
    assert_eq!(done["new_key"], 2);
    let done = home.run(&["sessions", "reseal", "--json"]).exits(0).json();
    assert_eq!((&done["resealed"], &done["kept"]), (&0.into(), &n_records.into()));
    assert_eq!(home.run(&["sessions", "list", "--json"]).exits(0).out, before);
    home.run(&["request", "GET", &hub.resource(), "-p", "hub"]).exits(0);
}

#[test]
fn an_old_key_goes_when_nothing_needs_it_and_says_by_what_it_is_needed() {
    let (hub, studio) = (Simulated::start(&["ibex"]), Simulated::start(&["igny8"]));
    let home = two(&hub, &studio);
    home.run(&["sessions", "drop-key", "1"]).exits(3).says(&["nothing is stored"]);
    sign_in(&home);
    let old = std::fs::read(home.path("state/key")).unwrap();
    for key in [2, 3] {
        let done = home.run(&["sessions", "reseal", "--new-key", "--json"]).exits(0).json();
        assert_eq!(done["new_key"], key);
    }
    home.run(&["sessions", "drop-key", "3"]).exits(6).says(&["seals what is written"]);
    home.run(&["sessions", "drop-key", "1"]).exits(6).says(&["names the records"]);
    // What cannot be read may need any of them.
    let record = std::fs::read_dir(home.path("state/records")).unwrap().next().unwrap().unwrap();
    let whole = std::fs::read(record.path()).unwrap();
    std::fs::write(record.path(), &whole[..whole.len() - 1]).unwrap();
    let name = record.path().file_stem().unwrap().to_str().unwrap().to_owned();
    home.run(&["sessions", "drop-key", "2"]).exits(6).says(&[
        "key 2 is still needed",
        &format!("{name} (damaged)"),
        "reseal first",
    ]);
    std::fs::write(record.path(), &whole).unwrap();
    let done = home.run(&["sessions", "drop-key", "2", "--json"]).exits(0).json();
    assert_eq!(done["dropped"], 2);
    home.run(&["sessions", "drop-key", "2"]).exits(6).says(&["is not among the keys"]);
    let key = std::fs::read_to_string(home.path("state/key")).unwrap();
    assert_eq!(key.lines().count(), 3, "a title and two keys");
    assert_ne!(key.as_bytes(), old);
    for (profile, server) in [("hub", &hub), ("studio", &studio)] {
        home.run(&["request", "GET", &server.resource(), "-p", profile]).exits(0);
    }
}

/// Whether this build of the tool has a keyring.
const BUILT_IN: bool =
    cfg!(any(all(target_os = "linux", feature = "keyring"), target_os = "macos", windows));

#[test]
fn f31_a_keyring_that_is_asked_for_and_not_there_is_told_with_the_remedy() {
    let hub = Simulated::start(&["ibex"]);
    let home = Home::ibex(&hub)
        .with("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nowhere/countersign-has-no-bus");
    let plain = std::fs::read_to_string(home.path("config.toml")).unwrap();
    home.write("config.toml", &format!("{plain}[store]\nkey = \"keyring\"\n"), 0o644);
    let looked = home.run(&["doctor"]).exits(if BUILT_IN { 0 } else { 2 }).out;
    if BUILT_IN {
        assert!(looked.contains("this build can keep the key in"), "{looked}");
        let told = home.run(&["login"]).exits(6).keeps_secrets();
        told.says(&["no_keyring", "DBUS_SESSION_BUS_ADDRESS", "key = \"passphrase\""]);
        home.run(&["doctor"]).exits(0).keeps_secrets();
    } else {
        home.run(&["login"]).exits(2).says(&["this build cannot use", "--features keyring"]);
    }
    assert!(!home.path("state/key").exists(), "no key is made in the clear instead");
}

#[test]
fn f46_why_a_session_is_as_it_is_can_be_asked() {
    let pool = Simulated::start(&["cognito", "--allow", "password"]);
    let home = Home::new(&format!(
        "[profiles.pool]\nprovider = \"cognito\"\nidentity = \"{}\"\npassword = \"env:PW\"\n\
         flow = \"password\"\nreauthentication = \"manual\"\n{}",
        pool.value("totp_identity"),
        pool_keys(&pool)
    ))
    .with("PW", pool.value("totp_password"));
    home.write("secret", pool.value("client_secret"), 0o600);
    home.run(&["sessions", "explain"]).exits(3);
    home.run(&["login"]).exits(4);
    home.run(&["sessions", "show"]).exits(4);
    let told = home.run(&["sessions", "explain", "--json"]).exits(4).keeps_secrets().json();
    assert_eq!(
        (&told["reason"], &told["help"]),
        (&"challenged".into(), &"answer the challenge".into())
    );

    let hub = Simulated::start(&["ibex"]);
    let home = Home::ibex(&hub);
    home.run(&["login"]).exits(0);
    assert_eq!(home.run(&["sessions", "explain", "--json"]).exits(0).json()["reason"], "signed_in");
    home.run(&["logout"]).exits(0);
    home.run(&["status"]).exits(3);
    home.run(&["sessions", "show"]).exits(3);
    let told = home.run(&["sessions", "explain", "--json"]).exits(3).keeps_secrets().json();
    assert_eq!(told["reason"], "revoked");
    assert!(told["facts"]["at"].is_string() && told["help"].is_string(), "{told}");
    let text = home.run(&["sessions", "explain"]).exits(3).out;
    assert!(text.starts_with("hub: revoked\n") && text.contains("\n  help"), "{text}");
}

#[test]
fn a_damaged_record_is_neither_in_the_way_nor_destroyed() {
    let (hub, studio) = (Simulated::start(&["ibex"]), Simulated::start(&["igny8"]));
    let home = two(&hub, &studio);
    sign_in(&home);
    let listed = home.run(&["sessions", "list", "--json"]).exits(0);
    let id = of(&listed, "ibex")["id"].as_str().unwrap().to_owned();
    let path = home.path(&format!("state/records/{id}.rec"));
    let mut bytes = std::fs::read(&path).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(&path, &bytes).unwrap();
    // To look moves nothing.
    for _ in 0..2 {
        let listed = home.run(&["sessions", "list", "--json"]).exits(0);
        let damaged = objects(&listed).into_iter().find(|object| object["id"] == *id).unwrap();
        assert_eq!(damaged["state"], "damaged");
        home.run(&["sessions", "show", &id]).exits(6);
    }
    let done = home.run(&["sessions", "forget", &id, "--json"]).exits(0).json();
    assert_eq!(done["end"], "set_aside");
    let aside = home.path(&format!("state/damaged/{id}.1.rec"));
    assert_eq!(std::fs::read(aside).unwrap(), bytes);
    home.run(&["login", "-p", "hub"]).exits(0);
}

#[test]
fn f31_the_keys_of_the_store_are_under_what_the_profile_file_says_or_nothing_is_opened() {
    let hub = Simulated::start(&["ibex"]);
    let home =
        Home::ibex(&hub).with("STORE", "canary-store-passphrase").with("OTHER", "canary-other");
    let plain = std::fs::read_to_string(home.path("config.toml")).unwrap();
    let under =
        |name: &str| format!("{plain}[store]\nkey = \"passphrase\"\npassphrase = \"env:{name}\"\n");
    let key = || std::fs::read_to_string(home.path("state/key")).unwrap();

    home.write("config.toml", &under("NOT_SET"), 0o644);
    home.run(&["login"]).exits(2).says(&["`store.passphrase`", "NOT_SET is not set"]);
    assert!(!home.path("state/key").exists(), "no key is made in the clear instead");
    home.write("config.toml", &under("STORE"), 0o644);
    home.run(&["login"]).exits(0).keeps_secrets();
    let sealed = key();
    assert!(!sealed.contains("canary"), "{sealed}");
    home.run(&["request", "GET", &hub.resource()]).exits(0);
    home.run(&["sessions", "list"]).exits(0).keeps_secrets();
    home.run(&["doctor"]).exits(0).keeps_secrets();

    // Neither another passphrase nor none opens it, and nothing is written.
    home.write("config.toml", &under("OTHER"), 0o644);
    home.run(&["status"]).exits(6).keeps_secrets().says(&["the passphrase does not open"]);
    home.write("config.toml", &plain, 0o644);
    home.run(&["login"]).exits(6).says(&["is under", "name it in the settings"]);
    assert_eq!(key(), sealed);

    // From a passphrase to a file, and to another passphrase; the session stays.
    let protect = ["sessions", "protect", "--answer", "old_passphrase=env:STORE"];
    home.run(&protect).exits(2).keeps_secrets().says(&["in the clear", "key = \"file\""]);
    assert_eq!(key(), sealed, "nobody has said that nothing is to protect it");
    home.write("config.toml", &format!("{plain}[store]\nkey = \"file\"\n"), 0o644);
    home.run(&["sessions", "protect", "--answer", "old_passphrase=env:OTHER"])
        .exits(6)
        .keeps_secrets();
    home.run(&protect).exits(0).keeps_secrets().says(&["under a file of yours alone"]);
    home.run(&["request", "GET", &hub.resource()]).exits(0);
    home.write("config.toml", &under("OTHER"), 0o644);
    home.run(&["status"]).exits(6).says(&["is protected by its mode alone"]);
    home.run(&["sessions", "protect"]).exits(0).says(&["under a passphrase"]);
    home.run(&["request", "GET", &hub.resource()]).exits(0);
    assert_ne!(key(), sealed);
}
