//! `doctor`: everything that can be wrong with files, each with its remedy and exit code.

use std::fs::{File, Permissions, set_permissions};
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, SystemTime};

use crate::support::{Home, Simulated};
use serde_json::Value;

fn signed_in(hub: &Simulated) -> Home {
    let home = Home::ibex(hub);
    home.run(&["login"]).exits(0);
    home
}

#[test]
fn a_healthy_store_has_no_problem_and_every_finding_is_an_object() {
    let hub = Simulated::start(&["ibex"]);
    let home = Home::ibex(&hub);
    let fresh = home.run(&["doctor"]).exits(0).keeps_secrets();
    assert!(fresh.out.contains("nothing is stored yet"), "{}", fresh.out);
    assert!(!home.path("state").exists(), "to look makes nothing");
    home.run(&["login"]).exits(0);
    let looked = home.run(&["doctor", "--json"]).exits(0).keeps_secrets();
    let findings: Vec<Value> =
        looked.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    for topic in ["profiles", "store", "locks", "room", "clock"] {
        let is_well = |finding: &Value| finding["topic"] == topic && finding["level"] == "ok";
        assert!(findings.iter().any(is_well), "{topic}: {}", looked.out);
    }
    assert!(findings.iter().all(|finding| finding["level"] != "problem"));
}

/// Breaks something, and has it found with its remedy; then the same without.
#[track_caller]
fn finds(home: &Home, code: i32, says: &[&str]) {
    let looked = home.run(&["doctor"]).exits(code).keeps_secrets();
    for part in says {
        assert!(looked.out.contains(part), "{part:?} is not in: {}", looked.out);
    }
}

#[test]
fn f30_what_is_open_to_others_or_not_ours_is_told_with_chmod() {
    let hub = Simulated::start(&["ibex"]);
    let home = signed_in(&hub);
    let mode =
        |path: &str, mode| set_permissions(home.path(path), Permissions::from_mode(mode)).unwrap();
    mode("state", 0o755);
    finds(&home, 6, &["is open to others (mode 755)", "run: chmod 700 "]);
    mode("state", 0o700);
    mode("state/key", 0o644);
    finds(&home, 6, &["key is open to others (mode 644)", "run: chmod 600 "]);
    mode("state/key", 0o600);
    let record = std::fs::read_dir(home.path("state/records")).unwrap().next().unwrap().unwrap();
    std::fs::hard_link(record.path(), home.path("copy")).unwrap();
    finds(&home, 6, &["has 2 names (hard links)", "remove the others"]);
    std::fs::remove_file(home.path("copy")).unwrap();
    finds(&home, 0, &["is yours alone"]);
}

#[test]
fn f31_a_missing_key_and_damaged_records_are_told_with_what_they_need() {
    let hub = Simulated::start(&["ibex"]);
    let home = signed_in(&hub);
    std::fs::rename(home.path("state/key"), home.path("key")).unwrap();
    finds(&home, 6, &["key is missing", "bring it back"]);
    std::fs::rename(home.path("key"), home.path("state/key")).unwrap();
    finds(&home, 0, &["records can be opened"]);

    let record = std::fs::read_dir(home.path("state/records")).unwrap().next().unwrap().unwrap();
    let whole = std::fs::read(record.path()).unwrap();
    std::fs::write(record.path(), &whole[..whole.len() - 1]).unwrap();
    finds(&home, 6, &["cannot be opened (damaged)"]);
    assert!(record.path().exists(), "to look moves nothing");
    std::fs::write(record.path(), &whole).unwrap();

    std::fs::create_dir(home.path("state/damaged")).unwrap();
    set_permissions(home.path("state/damaged"), Permissions::from_mode(0o700)).unwrap();
    home.write("state/damaged/x.1.rec", "", 0o600);
    finds(&home, 0, &["x.1.rec was damaged, and set aside", "keep the file if"]);
}

#[test]
fn f28_who_holds_a_lock_is_named() {
    let hub = Simulated::start(&["ibex"]);
    let home = signed_in(&hub);
    finds(&home, 0, &["nobody holds one"]);
    let locks = std::fs::read_dir(home.path("state/locks")).unwrap().flatten();
    let locks: Vec<_> = locks.map(|entry| entry.path()).collect();
    let ending = |end: &str| locks.iter().find(|path| path.to_str().unwrap().ends_with(end));
    let me = format!("pid {:010}", std::process::id());
    let exchange = (ending(".lock").unwrap(), format!("{me} fence {:020}\n", 7), "an exchange");
    let write =
        (ending(".cas").unwrap(), format!("revision {:020}\n{me}\n", 7), "is being written");
    for (path, text, meaning) in [exchange, write] {
        std::fs::write(path, text).unwrap();
        let held = File::open(path).unwrap();
        held.lock().unwrap();
        let named = format!("{} is held by process {}", path.display(), std::process::id());
        finds(&home, 0, &[&named, meaning]);
        // Said, and not left to the end of the file: a program that another test starts just now has it too for a moment.
        held.unlock().unwrap();
        finds(&home, 0, &["nobody holds one"]);
    }
}

#[test]
fn f17_a_clock_that_was_set_back_is_found_by_what_was_stored() {
    let hub = Simulated::start(&["ibex"]);
    let home = signed_in(&hub);
    let record = std::fs::read_dir(home.path("state/records")).unwrap().next().unwrap().unwrap();
    let file = File::options().write(true).open(record.path()).unwrap();
    let written = file.metadata().unwrap().modified().unwrap();
    let times = |at: SystemTime| std::fs::FileTimes::new().set_modified(at);
    file.set_times(times(written + Duration::from_secs(3600))).unwrap();
    finds(&home, 2, &["it was set back", "set it right"]);
    file.set_times(times(written)).unwrap();
    finds(&home, 0, &["no record is of later"]);
}

#[test]
fn profiles_and_their_sources_are_looked_at_and_no_program_is_started() {
    let mut home = Home::new(
        "[profiles.hub]\nprovider = \"ibex\"\nbase_url = \"http://127.0.0.1:9\"\nidentity = \"kim\"\n\
         password = \"env:HUB_PASSWORD\"\n\
         [profiles.file]\nprovider = \"ibex\"\nbase_url = \"http://127.0.0.1:9\"\nidentity = \"kim\"\n\
         password = \"file:pw\"\n\
         [profiles.told]\nprovider = \"ibex\"\nbase_url = \"http://127.0.0.1:9\"\nidentity = \"kim\"\n\
         password = \"command:touch ran\"\n\
         [profiles.odd]\nprovider = \"ibex\"\npasword = \"env:X\"\n",
    );
    home.write("pw", "canary-password", 0o644);
    home.write("pw.new", "canary-new", 0o600);
    finds(
        &home,
        2,
        &[
            "HUB_PASSWORD is not set",
            "run: chmod 600 ",
            "pw.new keeps a new password whose end is not known",
            "did you mean `password`?",
        ],
    );
    assert!(!home.path("ran").exists());
    home.set("HUB_PASSWORD", "canary-password");
    let config = std::fs::read_to_string(home.path("config.toml")).unwrap();
    home.write("config.toml", config.split("[profiles.odd]").next().unwrap(), 0o644);
    home.write("pw", "canary-password", 0o600);
    finds(&home, 0, &["config.toml has file, hub, told"]);
}

#[test]
fn f30_folders_that_are_missing_are_told_and_not_made() {
    let hub = Simulated::start(&["ibex"]);
    let home = signed_in(&hub);
    std::fs::remove_dir_all(home.path("state/tmp")).unwrap();
    finds(&home, 0, &["state/tmp is missing"]);
    std::fs::rename(home.path("state/records"), home.path("records")).unwrap();
    std::fs::remove_dir_all(home.path("state/locks")).unwrap();
    finds(&home, 6, &["state/records is missing, and the key", "bring it back"]);
    for name in ["records", "locks", "tmp"] {
        assert!(!home.path("state").join(name).exists(), "{name} was made by who looked");
    }
    std::fs::rename(home.path("records"), home.path("state/records")).unwrap();
    home.run(&["status"]).exits(0);
    finds(&home, 0, &["2 records can be opened"]);
}
