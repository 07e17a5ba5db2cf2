//! `password` off a terminal, each command a process of its own.

use crate::support::accounts::{CHOSEN, home, pool_keys, read, url};
use crate::support::{Home, Simulated};

/// A change to a given password, then one to a generated one; after each the session signs in anew.
fn changes(server: &Simulated, keys: &str) {
    let home = home(server, keys);
    let first = read(&home, "pw");
    let change = ["password", "change", "--answer", "new_password=env:CHOSEN"];
    home.run(&change).exits(0).keeps_secrets().says(&["the password is changed", "pw holds"]);
    assert_eq!(read(&home, "pw"), format!("{CHOSEN}\n"));
    home.run(&["login"]).exits(0);

    home.run(&change).exits(2).says(&["the new password is the old one; nothing was sent"]);
    let done = home.run(&["password", "change", "--generate", "--json"]).exits(0).keeps_secrets();
    assert_eq!(done.json()["operation"], "change_password");
    let generated = read(&home, "pw");
    assert!(generated.trim_end().len() == 24 && generated.trim_end() != CHOSEN);
    assert!(!done.out.contains(generated.trim_end()) && !done.err.contains(generated.trim_end()));
    assert!(!home.path("pw.new").exists());
    home.run(&["login"]).exits(0);
    home.run(&["request", "GET", &server.resource()]).exits(0).says(&["HTTP 200"]);

    home.write("pw", &first, 0o600);
    home.run(&["login"]).exits(1);
}

#[test]
fn ibex_changes_its_password() {
    let hub = Simulated::start(&["ibex"]);
    changes(&hub, &url(&hub));
}

#[test]
fn igny8_changes_its_password() {
    let api = Simulated::start(&["igny8"]);
    let path = api.value("change_password_path");
    let path = path.strip_prefix(api.value("base_path")).unwrap_or(path);
    changes(&api, &format!("{}change_password_path = \"{path}\"\n", url(&api)));
}

#[test]
fn p18_wikimedia_changes_its_password() {
    let api = Simulated::start(&["wikimedia"]);
    changes(&api, &url(&api));
}

#[test]
fn cognito_changes_its_password() {
    let pool = Simulated::start(&["cognito", "--allow", "password"]);
    let keys = pool_keys(&pool);
    let secret = pool.value("client_secret").to_owned();
    let home = home(&pool, &keys);
    home.write("secret", &secret, 0o600);
    home.run(&["password", "change", "--generate"]).exits(0).keeps_secrets();
    home.run(&["login"]).exits(0);
}

/// A forgotten password is replaced by a code from the mail.
fn recovers(server: &mut Simulated, home: &Home) {
    home.write("pw", "canary-forgotten", 0o600);
    home.run(&["password", "forgot"]).exits(0).keeps_secrets().says(&["is on its way"]);
    let (to, code) = server.mail();
    assert_eq!(to, server.value("identity"));

    home.run(&["password", "confirm", "--generate"]).exits(2).says(&["--answer code=SOURCE"]);
    let confirm = ["password", "confirm", "--generate", "--answer", "code=-"];
    home.run_with_input(&confirm, "000000\n").exits(1).keeps_secrets();
    assert_eq!(read(home, "pw"), "canary-forgotten");
    assert!(!home.path("pw.new").exists());
    let done = home.run_with_input(&confirm, &format!("{code}\n")).exits(0).keeps_secrets();
    done.says(&["the new password is set", "pw holds"]);
    home.run(&["login"]).exits(0);
}

#[test]
fn p06_ibex_recovers_by_a_temporary_password() {
    let mut hub = Simulated::start(&["ibex"]);
    let home = home(&hub, &url(&hub));
    recovers(&mut hub, &home);
}

#[test]
fn wikimedia_recovers_by_a_code() {
    let mut api = Simulated::start(&["wikimedia"]);
    let home = home(&api, &url(&api));
    recovers(&mut api, &home);
}

#[test]
fn cognito_recovers_by_a_code() {
    let mut pool = Simulated::start(&["cognito", "--allow", "password"]);
    let home = home(&pool, &pool_keys(&pool));
    home.write("secret", pool.value("client_secret"), 0o600);
    recovers(&mut pool, &home);
}

#[test]
fn a_password_that_is_forgotten_need_not_be_known_to_its_source() {
    let mut hub = Simulated::start(&["ibex"]);
    let mut home = Home::ibex(&hub).with("CHOSEN", CHOSEN);
    home.unset("HUB_PASSWORD");
    home.run(&["login"]).exits(2);
    home.run(&["password", "forgot"]).exits(0);
    let (_, temporary) = hub.mail();
    let confirm =
        ["password", "confirm", "--answer", "code=-", "--answer", "new_password=env:CHOSEN"];
    home.run_with_input(&confirm, &temporary)
        .exits(0)
        .keeps_secrets()
        .says(&["set the environment variable HUB_PASSWORD to it"]);
    home.set("HUB_PASSWORD", CHOSEN);
    home.run(&["login"]).exits(0);
}

#[test]
fn a_source_that_is_read_only_is_named_and_its_old_password_not_sent_again() {
    let hub = Simulated::start(&["ibex"]);
    let mut home = Home::ibex(&hub).with("CHOSEN", CHOSEN);
    home.run(&["login"]).exits(0);
    home.run(&["password", "change", "--generate"])
        .exits(2)
        .says(&["nobody would know", "--write-to file:PATH, or --print"]);
    let target = format!("file:{}", home.path("new").display());
    home.run(&["password", "change", "--generate", "--write-to", &target])
        .exits(0)
        .says(&["new holds the new password", "set the environment variable HUB_PASSWORD"]);
    let new = read(&home, "new");
    home.run(&["password", "change", "--generate", "--write-to", &target])
        .exits(2)
        .says(&["it is not overwritten"]);
    home.run(&["login"]).exits(1);
    home.set("HUB_PASSWORD", new.trim_end());
    home.run(&["login"]).exits(0);

    let printed = home.run(&["password", "change", "--generate", "--print"]).exits(0).out;
    assert_eq!(printed.trim_end().len(), 24, "{printed}");
    home.set("HUB_PASSWORD", printed.trim_end());
    home.run(&["login"]).exits(0);
}

#[test]
fn f48_a_change_whose_answer_is_lost_is_settled_by_the_next_sign_in() {
    let hub = Simulated::start(&["ibex", "--fault", "change_password=lose_answer"]);
    let home = home(&hub, &url(&hub));
    home.run(&["login"]).exits(0);
    let first = read(&home, "pw");
    home.run(&["password", "change", "--generate"]).exits(3).keeps_secrets().says(&[
        "outcome unknown",
        "the next sign-in finds out",
        "pw.new keeps the new password",
    ]);
    assert_eq!(read(&home, "pw"), first);
    let new = read(&home, "pw.new");

    // Neither another change nor a refused recovery makes the program forget it.
    let change = ["password", "change", "--generate"];
    home.run(&change).exits(3).says(&["an earlier new password", "sign in first"]);
    assert_eq!(read(&home, "pw.new"), new);
    home.run(&["password", "forgot"]).exits(0);
    let confirm = ["password", "confirm", "--generate", "--answer", "code=-"];
    home.run_with_input(&confirm, "000000\n").exits(1);

    home.run(&["login"]).exits(0).keeps_secrets().says(&["signed in", "pw holds"]);
    assert_eq!(read(&home, "pw"), new);
    assert!(!home.path("pw.new").exists());
}

#[test]
fn the_rules_are_checked_before_anything_is_sent() {
    let hub = Simulated::start(&["ibex", "--fault", "change_password=status_503"]);
    let home = home(&hub, &url(&hub));
    home.run(&["login"]).exits(0);
    let change = ["password", "change", "--answer", "new_password=-"];
    home.run_with_input(&change, "canary\n")
        .exits(1)
        .keeps_secrets()
        .says(&["at least 8 characters, an upper-case letter", "nothing was sent"]);
    let change = ["password", "change", "--answer", "new_pasword=-"];
    home.run_with_input(&change, "canary\n").exits(2).says(&["did you mean `new_password`?"]);
    // Had anything been sent, the fault would be used up.
    home.run(&["password", "change", "--generate"]).exits(3).says(&["HTTP 503"]);
}
