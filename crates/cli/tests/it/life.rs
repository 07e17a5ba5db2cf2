//! The life of a session, each command a process of its own.

use crate::support::{Home, Simulated};

#[test]
fn login_status_token_request_refresh_and_logout_work_across_processes() {
    let hub = Simulated::start(&["ibex"]);
    let home = Home::ibex(&hub);

    home.run(&["status"]).exits(3);
    home.run(&["login"]).exits(0).says(&["signed in"]);
    let status = home.run(&["status", "--json"]).exits(0).keeps_secrets().json();
    assert_eq!((&status["state"], &status["good"]), (&"active".into(), &true.into()));

    let token = home.run(&["token"]).exits(0).out;
    assert_eq!(token.trim_end().split('.').count(), 3, "{token}");
    let headers = home.run(&["headers", "--profile", "hub"]).exits(0).out;
    assert_eq!(headers, format!("authorization: {token}"));

    let get = home.run(&["request", "GET", &hub.resource()]).exits(0).says(&["HTTP 200"]);
    assert_eq!(get.json()["generation"], 1, "{}", get.out);
    let post = home.run_with_input(&["request", "POST", &hub.resource(), "-d", "-"], "{\"n\":1}");
    assert_eq!(post.exits(0).json()["generation"], 1);

    home.run(&["refresh"]).exits(0).says(&["token"]);
    let renewed = home.run(&["token"]).exits(0).out;
    assert_ne!(renewed, token);
    let get = home.run(&["request", "GET", &hub.resource(), "--json"]).exits(0).json();
    assert_eq!((&get["status"], &get["body"]["generation"]), (&200.into(), &2.into()));

    home.run(&["logout"]).exits(0).says(&["revoked"]);
    home.run(&["token"]).exits(3).says(&["help: "]);
    home.run(&["status"]).exits(3);
    home.run(&["login"]).exits(0);
    home.run(&["token"]).exits(0);
}

#[expect(clippy::disallowed_methods, reason = "the token of another process ends in real time")]
#[test]
fn f37_a_token_that_is_over_is_renewed_by_the_next_command_that_needs_it() {
    let hub = Simulated::start(&["ibex", "--lifetime", "2s"]);
    let home = Home::ibex(&hub);
    home.run(&["login"]).exits(0);
    let first = home.run(&["token"]).exits(0).out;
    std::thread::sleep(std::time::Duration::from_millis(2500));
    let second = home.run(&["token"]).exits(0).out;
    assert_ne!(first, second);
    let echo = home.run(&["request", "GET", &hub.resource()]).exits(0).json();
    assert!(echo["generation"].as_u64().unwrap() >= 2, "{echo}");
}

#[test]
fn p08_ibanera_shows_a_code_beside_the_token() {
    let api = Simulated::start(&["ibanera", "--totp-period", "2s"]);
    let home = Home::new(&format!(
        "[profiles.api]\nprovider = \"ibanera\"\nbase_url = \"{}\"\nidentity = \"{}\"\n\
         password = \"file:password\"\ntotp_secret = \"file:totp\"\ntotp_period = \"2s\"\n",
        api.value("url"),
        api.value("identity"),
    ));
    home.write("password", &format!("{}\n", api.value("password")), 0o600);
    home.write("totp", api.value("totp_secret"), 0o600);
    home.run(&["login"]).exits(0).keeps_secrets();
    let headers = home.run(&["headers", "--json"]).exits(0).json();
    assert_eq!(headers["headers"]["otp"].as_str().unwrap().len(), 6);
    home.run(&["request", "GET", &api.resource()]).exits(0).says(&["HTTP 200"]);
}

#[test]
fn a_request_goes_to_the_sessions_origins_only_and_its_status_is_the_exit_code() {
    let (hub, other) = (Simulated::start(&["ibex"]), Simulated::start(&["ibex"]));
    let home = Home::ibex(&hub);
    home.run(&["login"]).exits(0);
    home.run(&["request", "GET", &other.resource()])
        .exits(2)
        .says(&["credentials are not sent to this address", "api_origins"]);
    home.run(&["request", "GET", &format!("{}/nowhere", hub.value("url"))])
        .exits(7)
        .says(&["HTTP 404"]);
    home.run(&["request", "GET", &hub.resource(), "-H", "Authorization: x"]).exits(2);
}
