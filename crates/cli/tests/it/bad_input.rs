//! Bad input: a clear error with the remedy, the documented exit code, nothing shown, nothing lost.

use crate::support::{Home, Simulated};

const HUB: &str = "[profiles.hub]\nprovider = \"ibex\"\nidentity = \"kim\"\n";

fn profile(keys: &str) -> Home {
    Home::new(&format!("{HUB}{keys}")).with("HUB_PASSWORD", "canary-password")
}

#[test]
fn a_profile_that_is_wrong_is_refused_before_anything_is_sent() {
    let url = "base_url = \"http://127.0.0.1:9\"\n";
    for (keys, says) in [
        (format!("{url}pasword = \"env:HUB_PASSWORD\""), "did you mean `password`?"),
        (format!("{url}password = \"canary-literal\""), "names no source"),
        (format!("{url}password = \"env:NOT_SET\""), "NOT_SET is not set"),
        (url.to_owned(), "`password` is missing"),
        (format!("{url}password = \"file:none\""), "cannot be read"),
        (format!("{url}password = \"command:false\""), "failed (exit status: 1)"),
        (format!("{url}password = \"prompt\""), "asked for on a terminal"),
        ("base_url = \"http://hub.example\"\npassword = \"env:HUB_PASSWORD\"".into(), "use https"),
        ("base_url = \"hub.example\"\npassword = \"env:HUB_PASSWORD\"".into(), "https://"),
        ("base_url = ".into(), "this is not TOML"),
    ] {
        profile(&keys).run(&["login"]).exits(2).keeps_secrets().says(&["error: ", "help: ", says]);
    }
}

#[test]
fn files_of_wrong_modes_are_refused_with_chmod() {
    let home = profile("base_url = \"http://127.0.0.1:9\"\npassword = \"file:secret\"");
    home.write("secret", "canary", 0o644);
    home.run(&["login"]).exits(2).keeps_secrets().says(&["chmod 600", "config.toml", "`password`"]);
    home.write("config.toml", HUB, 0o666);
    home.run(&["login"]).exits(2).says(&["chmod go-w"]);
}

#[test]
fn no_secret_is_taken_from_the_command_line() {
    let home = profile("base_url = \"http://127.0.0.1:9\"\npassword = \"env:HUB_PASSWORD\"");
    home.run(&["login", "--answer", "code=canary"]).exits(2).keeps_secrets().says(&["env:NAME"]);
    home.run(&["login", "--nonsense"]).exits(2);
    home.run(&["request", "POST", "http://127.0.0.1:9/", "-d", "{}"]).exits(2).says(&["-d @FILE"]);
}

#[test]
fn a_server_that_is_not_there_may_come_back() {
    let home = profile("base_url = \"http://127.0.0.1:9\"\npassword = \"env:HUB_PASSWORD\"");
    home.run(&["login", "--wait", "2s"])
        .exits(5)
        .keeps_secrets()
        .says(&["network failed", "help: "]);
}

#[test]
fn a_refused_password_is_refused_and_nothing_is_signed_in() {
    let hub = Simulated::start(&["ibex"]);
    let mut home = Home::ibex(&hub);
    home.set("HUB_PASSWORD", "wrong-canary");
    for command in ["login", "token"] {
        home.run(&[command]).exits(1).keeps_secrets().says(&["grant refused", "help: "]);
    }
    home.run(&["status"]).exits(3);
    home.set("HUB_PASSWORD", hub.value("password"));
    home.run(&["login"]).exits(0);
}

#[test]
fn p10_a_wrong_totp_secret_is_refused() {
    let api = Simulated::start(&["ibanera", "--totp-period", "1s"]);
    let home = Home::new(&format!(
        "[profiles.api]\nprovider = \"ibanera\"\nbase_url = \"{}\"\nidentity = \"{}\"\n\
         password = \"env:P\"\ntotp_secret = \"env:T\"\ntotp_period = \"1s\"\n",
        api.value("url"),
        api.value("identity"),
    ))
    .with("P", api.value("password"))
    .with("T", "AAAAAAAAAAAAAAAA");
    home.run(&["login"]).exits(1).keeps_secrets().says(&["error: ibanera", "help: "]);
    let home = home.with("T", "not base 32 canary!");
    home.run(&["login"]).exits(2).keeps_secrets().says(&["help: "]);
}

#[test]
fn f49_answers_that_are_no_answers_end_with_an_error_and_lose_nothing() {
    for fault in ["broken_json", "flood:1073741824", "endless", "gzip_bomb:1073741824", "deep_json"]
    {
        let hub = Simulated::start(&["ibex", "--fault", &format!("refresh={fault}*9")]);
        let home = Home::ibex(&hub);
        home.run(&["login"]).exits(0);
        let token = home.run(&["token"]).exits(0).out;
        let ended =
            home.run(&["refresh", "--wait", "2s"]).keeps_secrets().says(&["error: ", "help: "]);
        assert!(matches!(ended.code, Some(1 | 5)), "{fault}: {ended:?}");
        assert_eq!(home.run(&["token"]).exits(0).out, token, "{fault}");
    }
}

#[test]
fn a_store_that_cannot_be_used_is_named() {
    let hub = Simulated::start(&["ibex"]);
    let home = Home::ibex(&hub);
    home.write("state", "a file where the folder should be", 0o600);
    home.run(&["login"]).exits(6).keeps_secrets().says(&["store failed", "help: "]);
}

#[test]
fn f09_a_session_survives_a_store_that_could_not_be_written_for_a_while() {
    let hub = Simulated::start(&["ibex"]);
    let home = Home::ibex(&hub);
    home.run(&["login"]).exits(0);
    let token = home.run(&["token"]).exits(0).out;
    // New records are written beside the old ones first: a file in place of that folder stops it.
    std::fs::remove_dir_all(home.path("state/tmp")).unwrap();
    home.write("state/tmp", "", 0o600);
    home.run(&["refresh"]).exits(6).keeps_secrets().says(&["help: "]);
    std::fs::remove_file(home.path("state/tmp")).unwrap();
    assert_eq!(home.run(&["token"]).exits(0).out, token);
    home.run(&["refresh"]).exits(0);
}
