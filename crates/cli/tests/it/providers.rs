//! Every provider through the same commands, each a process of its own.

use crate::support::{Home, Simulated};

/// Signs in, calls, renews, calls again, signs out; ends with what is true about the token.
fn lives(server: &Simulated, keys: &str, end: &str) {
    let home = Home::new(&format!(
        "[profiles.it]\nprovider = \"{}\"\nidentity = \"{}\"\npassword = \"env:IT_PASSWORD\"\n{keys}",
        server.value("provider"),
        server.value("identity"),
    ))
    .with("IT_PASSWORD", server.value("password"))
    .with("IT_SECRET", server.value_or("client_secret", ""))
    .with("IT_TOTP", server.value_or("totp_secret", ""));
    home.run(&["login"]).exits(0).keeps_secrets();
    let call = || home.run(&["request", "GET", &server.resource()]).exits(0).says(&["HTTP 200"]);
    let first = call().out;
    home.run(&["refresh"]).exits(0).keeps_secrets();
    assert_ne!(call().out, first, "the generation is in the answer");
    let status = home.run(&["status", "--json"]).exits(0).json();
    assert_eq!((&status["good"], &status["saved"]), (&true.into(), &true.into()));
    let logout = home.run(&["logout", "--json"]).exits(0).keeps_secrets().json();
    assert_eq!(logout["end"], end);
    home.run(&["token"]).exits(3);
}

fn url(server: &Simulated) -> String {
    format!("base_url = \"{}\"\n", server.value("url"))
}

#[test]
fn cognito() {
    let pool = Simulated::start(&["cognito", "--allow", "password", "--rotate=10s"]);
    let keys = format!(
        "endpoint = \"{0}\"\napi_origins = [\"{0}\"]\nuser_pool_id = \"{1}\"\nclient_id = \"{2}\"\n\
         client_secret = \"env:IT_SECRET\"\nrotation = \"on\"\nrotation_grace = \"10s\"\n",
        pool.value("url"),
        pool.value("user_pool_id"),
        pool.value("client_id"),
    );
    lives(&pool, &keys, "revoked");
}

#[test]
fn ibanera() {
    let api = Simulated::start(&["ibanera", "--totp-period", "1s"]);
    let keys = format!("{}totp_secret = \"env:IT_TOTP\"\ntotp_period = \"1s\"\n", url(&api));
    lives(&api, &keys, "local_only");
}

#[test]
fn ibex() {
    let hub = Simulated::start(&["ibex"]);
    lives(&hub, &url(&hub), "revoked");
}

#[test]
fn ibex_by_client_credentials() {
    let hub = Simulated::start(&["ibex"]);
    let home = Home::new(&format!(
        "[profiles.hub]\nprovider = \"ibex\"\nflow = \"client_credentials\"\nbase_url = \"{0}\"\n\
         issuer = \"{0}\"\naudience = \"{1}\"\nclient_id = \"{2}\"\nclient_secret = \"env:SECRET\"\n",
        hub.value("url"),
        hub.value("audience"),
        hub.value("client_id"),
    ))
    .with("SECRET", hub.value("client_secret"));
    home.run(&["login"]).exits(0).keeps_secrets();
    home.run(&["request", "GET", &hub.resource()]).exits(0).says(&["HTTP 200"]);
    home.run(&["refresh"]).exits(0);
    home.run(&["logout"]).exits(0).says(&["signed out here", "lives until"]);
}

#[test]
fn igny8() {
    let api = Simulated::start(&["igny8", "--rotate"]);
    let base = format!("{}{}", api.value("url"), api.value("base_path"));
    lives(&api, &format!("base_url = \"{base}\"\nrotation = \"on\"\n"), "local_only");
}

#[test]
fn wikimedia() {
    let api = Simulated::start(&["wikimedia"]);
    lives(&api, &url(&api), "local_only");
}
