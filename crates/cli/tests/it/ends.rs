//! Sessions that are ended although something stands in the way.

use crate::support::accounts::pool_keys;
use crate::support::pair::{both, of, sign_in, two};
use crate::support::{Home, Simulated};

#[test]
fn f41_a_session_ends_although_a_secret_of_its_profile_cannot_be_read() {
    let (hub, studio) = (Simulated::start(&["ibex"]), Simulated::start(&["igny8"]));
    let mut home = two(&hub, &studio);
    sign_in(&home);
    home.unset("HUB_PASSWORD");
    home.unset("STUDIO_PASSWORD");
    let used = home.run(&["request", "GET", &hub.resource(), "-p", "hub"]).exits(0);
    assert!(!used.err.contains("HUB_PASSWORD"), "{}", used.err);
    home.run(&["refresh", "-p", "hub"]).exits(0);
    let ended = home.run(&["logout", "-p", "hub", "--json"]).exits(0).json();
    assert_eq!(ended["end"], "revoked");
    // What needs the secret says so.
    home.run(&["login", "-p", "hub"]).exits(2).says(&["HUB_PASSWORD is not set"]);

    home.set("HUB_PASSWORD", hub.value("password"));
    home.run(&["login", "-p", "hub"]).exits(0);
    home.unset("HUB_PASSWORD");
    let ended = home.run(&["sessions", "revoke", "--all", "--json"]).exits(8).keeps_secrets();
    assert_eq!(of(&ended, "ibex")["end"], "revoked");
    assert_eq!(of(&ended, "igny8")["end"], "local_only");
    for profile in ["hub", "studio"] {
        home.run(&["status", "-p", profile]).exits(3);
    }
}

#[test]
fn f41_a_profile_that_is_wrong_is_not_in_the_way_of_the_others() {
    let (hub, studio) = (Simulated::start(&["ibex"]), Simulated::start(&["igny8"]));
    let home = two(&hub, &studio);
    sign_in(&home);
    let wrong = both(&hub, &studio)
        .replace("[profiles.studio]", "[profiles.studio]\nreauthentication = \"never\"");
    home.write("config.toml", &wrong, 0o644);
    let ended = home.run(&["sessions", "revoke", "--all", "--json"]).exits(8);
    let ended = ended.says(&["profile `studio`", "reauthentication"]);
    assert_eq!(of(&ended, "ibex")["end"], "revoked");
    assert_eq!(of(&ended, "igny8")["end"], "local_only");
}

#[test]
fn f41_a_client_secret_that_cannot_be_read_leaves_the_revocation_unconfirmed() {
    let pool = Simulated::start(&["cognito", "--allow", "password"]);
    let home = Home::new(&format!(
        "[profiles.pool]\nprovider = \"cognito\"\nidentity = \"{}\"\npassword = \"env:PW\"\n\
         flow = \"password\"\n{}",
        pool.value("identity"),
        pool_keys(&pool)
    ))
    .with("PW", pool.value("password"));
    let sign_in = || {
        home.write("secret", pool.value("client_secret"), 0o600);
        home.run(&["login"]).exits(0);
    };
    sign_in();
    home.write("secret", pool.value("client_secret"), 0o644);
    home.run(&["logout"]).exits(8).keeps_secrets().says(&["`client_secret`", "is open to others"]);
    sign_in();
    home.write("secret", pool.value("client_secret"), 0o644);
    let ended = home.run(&["sessions", "revoke", "--all", "--json"]).exits(8).keeps_secrets();
    assert_eq!(ended.json()["end"], "unconfirmed");
    sign_in();
    home.run(&["logout"]).exits(0);
}
