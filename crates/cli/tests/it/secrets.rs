//! Nothing secret is said beside the commands whose purpose it is, however loud the logs are.

use std::fs::OpenOptions;

use crate::support::{BINARY, Home, Simulated};

const LOUD: &str =
    "trace,hyper=trace,hyper_util=trace,reqwest=trace,rustls=trace,tokio=trace,mio=trace";

#[test]
fn f32_logs_of_every_crate_at_trace_level_hold_no_secret() {
    let api = Simulated::start(&["ibanera", "--totp-period", "1s"]);
    let mut home = Home::new(&format!(
        "[profiles.api]\nprovider = \"ibanera\"\nbase_url = \"{}\"\nidentity = \"{}\"\n\
         password = \"env:P\"\ntotp_secret = \"env:T\"\ntotp_period = \"1s\"\n",
        api.value("url"),
        api.value("identity"),
    ))
    .with("P", api.value("password"))
    .with("T", api.value("totp_secret"))
    .with("COUNTERSIGN_LOG", LOUD);
    let mut said = Vec::new();
    said.push(home.run(&["login", "-v"]).exits(0).err);
    let headers = home.run(&["headers", "--json"]).exits(0);
    let fresh = headers.json();
    said.push(headers.err);
    said.push(home.run(&["request", "GET", &api.resource(), "-v"]).exits(0).err);
    said.push(home.run(&["refresh", "-v"]).exits(0).err);
    said.push(home.run(&["status", "-v"]).exits(0).err);
    home.set("P", "canary-wrong-password");
    said.push(home.run(&["logout", "-v"]).exits(0).err);
    said.push(home.run(&["login", "-v"]).exits(1).err);

    let said = said.concat();
    // reqwest speaks through the `log` crate, the others through `tracing`.
    for target in ["countersign_runtime", "reqwest::connect", "hyper_util"] {
        assert!(said.contains(target), "the logs of {target} are not on: {said}");
    }
    let token = fresh["headers"]["authorization"].as_str().unwrap().trim_start_matches("Bearer ");
    for secret in [api.value("password"), api.value("totp_secret"), token, "wrong-password"] {
        assert!(!said.contains(secret), "{secret} is in: {said}");
    }
}

#[test]
fn a_program_that_is_asked_for_one_secret_is_not_given_the_others() {
    let hub = Simulated::start(&["ibex"]);
    let config = |name: &str| {
        format!(
            "[profiles.hub]\nprovider = \"ibex\"\nbase_url = \"{}\"\nidentity = \"{}\"\n\
             password = \"command:printenv {name}\"\n\
             [profiles.other]\nprovider = \"ibex\"\npassword = \"env:OF_ANOTHER_PROFILE\"\n",
            hub.value("url"),
            hub.value("identity"),
        )
    };
    let home = Home::new(&config("FOR_ALL"))
        .with("FOR_ALL", hub.value("password"))
        .with("OF_ANOTHER_PROFILE", hub.value("password"));
    home.run(&["login", "--profile", "hub"]).exits(0);
    home.write("config.toml", &config("OF_ANOTHER_PROFILE"), 0o644);
    let login = ["login", "--profile", "hub"];
    home.run(&login).exits(2).says(&["the command printenv failed"]);
    home.write("config.toml", &config("FOR_ALL"), 0o644);
    let answered = ["login", "--profile", "hub", "--answer", "code=env:FOR_ALL"];
    home.run(&answered).exits(2).says(&["the command printenv failed"]);
}

#[test]
fn a_program_that_tells_the_passphrase_of_the_store_is_not_given_the_others() {
    let hub = Simulated::start(&["ibex"]);
    let home = Home::ibex(&hub).with("GIVEN", "canary-given");
    let plain = std::fs::read_to_string(home.path("config.toml")).unwrap();
    let seen = home.path("seen");
    let table = format!(
        "[store]\nkey = \"passphrase\"\npassphrase = \"command:sh -c 'env > {}; echo secret'\"\n",
        seen.display()
    );
    home.write("config.toml", &format!("{plain}{table}"), 0o644);
    for (command, key) in [
        (&["login"][..], "code"),
        (&["password", "change"], "new_password"),
        (&["sessions", "protect"], "old_passphrase"),
    ] {
        home.run(&[command, &["--answer", &format!("{key}=env:GIVEN")]].concat());
        let told = std::fs::read_to_string(&seen).unwrap();
        assert!(told.contains("COUNTERSIGN_CONFIG="), "it has the rest: {told}");
        assert!(!told.contains("canary"), "{command:?}: {told}");
        std::fs::remove_file(&seen).unwrap();
    }
}

#[test]
fn a_disk_that_is_full_is_an_error_and_not_half_a_token() {
    let hub = Simulated::start(&["ibex"]);
    let home = Home::ibex(&hub);
    home.run(&["login"]).exits(0);
    let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
    let output = home.command(BINARY).arg("token").stdout(full).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("error: standard output cannot be written"), "{said}");
}

#[test]
fn help_tells_the_exit_codes_and_the_keys() {
    let home = Home::new("");
    let help = home.run(&["--help"]).exits(0).out;
    for part in ["Exit codes:", "  4  a challenge waits", "Keys of cognito:", "command:ARGV"] {
        assert!(help.contains(part), "{part:?} is not in {help}");
    }
    home.run(&["--version"]).exits(0);
    home.run(&["nonsense"]).exits(2);
}
