//! A challenge is met in one process and answered in another.

use crate::support::{Home, Simulated};

/// A user who must choose a new password at the first sign-in.
fn invited(pool: &Simulated) -> Home {
    Home::new(&format!(
        "[profiles.pool]\nprovider = \"cognito\"\nendpoint = \"{}\"\napi_origins = [\"{}\"]\n\
         user_pool_id = \"{}\"\nclient_id = \"{}\"\nclient_secret = \"env:CLIENT_SECRET\"\n\
         identity = \"{}\"\npassword = \"env:TEMPORARY\"\n",
        pool.value("url"),
        pool.value("url"),
        pool.value("user_pool_id"),
        pool.value("client_id"),
        pool.value("invited_identity"),
    ))
    .with("CLIENT_SECRET", pool.value("client_secret"))
    .with("TEMPORARY", pool.value("invited_temporary_password"))
    .with("CHOSEN", "Canary-Ch0sen-Pass!")
}

#[test]
fn f51_a_challenge_met_in_one_process_is_answered_in_another() {
    let pool = Simulated::start(&["cognito", "--allow", "password"]);
    let home = invited(&pool);

    let met = home.run(&["login", "--json"]).exits(4).keeps_secrets();
    let met = met.says(&["NEW_PASSWORD_REQUIRED (new_password)", "login --continue"]);
    assert_eq!(met.json()["challenge"]["wants"][0], "new_password");
    let status = home.run(&["status", "--json"]).exits(4).keeps_secrets().json();
    assert_eq!(status["challenge"]["name"], "NEW_PASSWORD_REQUIRED");
    home.run(&["token", "--wait", "2s"]).exits(4).says(&["login --continue --profile pool"]);

    home.run(&["login", "--continue"]).exits(4);
    home.run(&["login", "--continue", "--answer", "new_pasword=env:CHOSEN"])
        .exits(4)
        .says(&["did you mean `new_password`?"]);
    home.run(&["login", "--continue", "--answer", "new_password=env:CHOSEN"])
        .exits(0)
        .keeps_secrets()
        .says(&["signed in"]);
    home.run(&["request", "GET", &pool.resource()]).exits(0).says(&["HTTP 200"]);
    home.run(&["login", "--continue"]).exits(3).says(&["no challenge that waits"]);
}

#[test]
fn an_answer_may_come_by_standard_input_and_a_refused_one_can_be_corrected() {
    let pool = Simulated::start(&["cognito", "--allow", "password"]);
    let home = invited(&pool);
    let login = ["login", "--answer", "new_password=-"];
    home.run_with_input(&login, "canary-too-weak\n")
        .exits(4)
        .keeps_secrets()
        .says(&["the last answer was refused", "password"]);
    let again = ["login", "--continue", "--answer", "new_password=-"];
    home.run_with_input(&again, "Canary-Ch0sen-Pass!\n").exits(0).keeps_secrets();
    home.run(&["token"]).exits(0);
}
