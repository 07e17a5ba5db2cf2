//! `register`, `otp` and `mfa` off a terminal, each command a process of its own.

use crate::support::accounts::{CHOSEN, home, pool_keys, read, url};
use crate::support::{Home, Simulated};

#[test]
fn igny8_registers_with_its_attributes() {
    let api = Simulated::start(&["igny8"]);
    let home = Home::new(&format!(
        "[profiles.it]\nprovider = \"igny8\"\nidentity = \"fresh@studio.example\"\n\
         password = \"file:pw\"\n{}",
        url(&api)
    ));
    home.run(&["register", "--generate"]).exits(2).says(&["username is needed"]);
    home.run(&["register", "--attribute", "usrname=fresh"]).exits(2).says(&["`username`"]);
    assert!(!home.path("pw").exists() && !home.path("pw.new").exists());
    let register = [
        "register",
        "--generate",
        "--json",
        "--attribute",
        "username=fresh",
        "--attribute",
        "first_name=Fre",
        "--attribute",
        "last_name=Sh",
    ];
    let done = home.run(&register).exits(0).json();
    assert_eq!((&done["operation"], &done["signed_in"]), (&"register".into(), &false.into()));
    let made = read(&home, "pw");
    home.run(&["login"]).exits(0);
    home.run(&register).exits(1).says(&["email", "already exists"]);
    assert_eq!(read(&home, "pw"), made, "an account that was refused changes no file");
    assert!(!home.path("pw.new").exists());
}

#[test]
fn p06_ibex_registers_by_an_invitation_and_is_signed_in() {
    let hub = Simulated::start(&["ibex"]);
    let home = Home::new(&format!(
        "[profiles.it]\nprovider = \"ibex\"\nidentity = \"{}\"\npassword = \"env:PW\"\n{}",
        hub.value("invited_identity"),
        url(&hub)
    ))
    .with("PW", CHOSEN)
    .with("INVITATION", hub.value("invited_temporary_password"));
    home.run(&["register", "--attribute", "temporary_password=canary"])
        .exits(2)
        .keeps_secrets()
        .says(&["a secret is not taken on the command line"]);
    home.run(&["register", "--answer", "temporary_password=env:INVITATION"])
        .exits(0)
        .keeps_secrets()
        .says(&["registered, and signed in"]);
    home.run(&["request", "GET", &hub.resource()]).exits(0).says(&["HTTP 200"]);
    home.run(&["logout"]).exits(0);
    home.run(&["login"]).exits(0);
}

#[test]
fn what_a_provider_does_not_have_is_answered_by_what_it_has() {
    let api = Simulated::start(&["ibanera"]);
    let home = home(&api, &format!("{}totp_secret = \"file:totp\"\n", url(&api)));
    home.write("totp", api.value("totp_secret"), 0o600);
    for command in [&["password", "change"][..], &["password", "forgot"], &["register"]] {
        home.run(command).exits(2).says(&["ibanera has no `", "it has: otp;"]);
    }
    let igny8 =
        Home::new("[profiles.it]\nprovider = \"igny8\"\nidentity = \"k\"\npassword = \"env:P\"\n");
    igny8.run(&["password", "forgot"]).exits(2).says(&["it has: register, password change;"]);
    igny8.run(&["otp"]).exits(2).says(&["igny8 has no `otp`"]);
}

#[test]
fn p11_otp_is_the_code_that_the_provider_takes() {
    let api = Simulated::start(&["ibanera"]);
    let home = home(&api, &format!("{}totp_secret = \"file:totp\"\n", url(&api)));
    home.write("totp", api.value("totp_secret"), 0o600);
    home.run(&["login"]).exits(0);
    // Twice, in case a time step ends in between.
    let taken = (0..2).any(|_| {
        let code = home.run(&["otp"]).exits(0).out;
        assert_eq!(code.trim_end().len(), 6, "{code}");
        home.run(&["headers"]).exits(0).out.contains(&format!("otp: {code}"))
    });
    assert!(taken, "the code is not that of the headers");
    let json = home.run(&["otp", "--json"]).exits(0).json();
    assert!(json["code"].is_string() && json["valid_until"].as_str().unwrap().ends_with('Z'));
}

#[test]
fn cognito_registers_and_confirms_by_mail() {
    let mut pool = Simulated::start(&["cognito"]);
    let home = Home::new(&format!(
        "[profiles.it]\nprovider = \"cognito\"\nidentity = \"fresh@pool.example\"\n\
         password = \"file:pw\"\npassword_length = 12\n{}",
        pool_keys(&pool)
    ))
    .with("WEAK", "Sh0rt-one");
    home.write("secret", pool.value("client_secret"), 0o600);
    home.run(&["register", "--attribute", "emial=x"]).exits(2).says(&["did you mean `email`?"]);
    home.run(&["register", "--answer", "new_password=env:WEAK"])
        .exits(1)
        .says(&["needs at least 12 characters; nothing was sent"]);
    home.run(&["register", "--generate", "--attribute", "email=fresh@pool.example"])
        .exits(0)
        .keeps_secrets()
        .says(&["a code is on its way to ", "register --confirm"]);
    let (_, first) = pool.mail();
    home.run(&["login"]).exits(1);
    home.run(&["register", "--resend"]).exits(0).says(&["another code is on its way"]);
    let (to, second) = pool.mail();
    assert_eq!(to, "fresh@pool.example");
    let confirm = ["register", "--confirm", "--answer", "code=-"];
    home.run_with_input(&confirm, "12\n").exits(1);
    home.run_with_input(&confirm, &format!("{second}\n")).exits(0).says(&["confirmed"]);
    assert_ne!(first, second);
    home.run(&["login"]).exits(0);
    home.run(&["request", "GET", &pool.resource()]).exits(0).says(&["HTTP 200"]);
}

#[test]
fn an_authenticator_whose_secret_goes_to_a_file_asks_nobody() {
    let pool = Simulated::start(&["cognito", "--totp-period", "3s"]);
    let keys = "totp_secret = \"file:totp\"\ntotp_period = \"3s\"\n";
    let home = home(&pool, &format!("{}{keys}", pool_keys(&pool)));
    home.write("secret", pool.value("client_secret"), 0o600);
    home.run(&["otp"]).exits(2).says(&["names a file that is not there", "mfa enroll"]);
    home.run(&["login"]).exits(0);
    home.run(&["mfa", "enroll", "--answer", "code=-"]).exits(2).says(&["value is empty"]);
    let done = home.run(&["mfa", "enroll", "--json"]).exits(0);
    assert_eq!(done.json()["operation"], "mfa_enroll");
    let secret = read(&home, "totp");
    assert!(!done.out.contains(secret.trim_end()) && !done.err.contains(secret.trim_end()));
    assert!(!home.path("totp.new").exists());
    wait_for_the_next_code(&home);
    home.run(&["login"]).exits(0);

    let shown = home.run(&["mfa", "enroll", "--show-secret"]).exits(0);
    let replaced = read(&home, "totp");
    assert_ne!(secret, replaced);
    assert!(shown.out.starts_with(&format!("TOTP_SECRET={replaced}OTPAUTH_URI=otpauth://totp/")));
    wait_for_the_next_code(&home);
    home.run(&["login"]).exits(0);
    home.run(&["mfa", "disable"]).exits(0).says(&["still names a `totp_secret`"]);
    home.run(&["login"]).exits(0);
}

/// A code is taken once, and the first was taken at the enrolment.
fn wait_for_the_next_code(home: &Home) {
    let code = || home.run(&["otp"]).exits(0).out;
    let used = code();
    while code() == used {}
}

#[test]
fn a_first_sign_in_goes_through_by_itself_where_new_secrets_go_to_files() {
    let pool = Simulated::start(&["cognito", "--require-mfa", "--totp-period", "3s"]);
    let home = Home::new(&format!(
        "[profiles.it]\nprovider = \"cognito\"\nidentity = \"{}\"\npassword = \"file:pw\"\n\
         totp_secret = \"file:totp\"\ntotp_period = \"3s\"\n{}",
        pool.value("invited_identity"),
        pool_keys(&pool)
    ));
    home.write("secret", pool.value("client_secret"), 0o600);
    home.write("pw", pool.value("invited_temporary_password"), 0o600);
    home.run(&["login", "--generate"]).exits(0).keeps_secrets().says(&[
        "totp holds the new totp_secret",
        "signed in",
        "pw holds the new password",
    ]);
    assert_eq!(read(&home, "pw").trim_end().len(), 24);
    wait_for_the_next_code(&home);
    home.run(&["logout"]).exits(0);
    home.run(&["login"]).exits(0).keeps_secrets();
    home.run(&["request", "GET", &pool.resource()]).exits(0).says(&["HTTP 200"]);
}

#[test]
fn a_flow_that_is_not_known_or_not_enabled_is_told_with_what_to_do() {
    let pool = Simulated::start(&["cognito"]);
    let home = home(&pool, &format!("{}flow = \"spr\"\n", pool_keys(&pool)));
    home.write("secret", pool.value("client_secret"), 0o600);
    home.run(&["login"]).exits(2).says(&["`flow` has no value that is known", "mean \"srp\"?"]);
    let config = std::fs::read_to_string(home.path("config.toml")).unwrap();
    home.write("config.toml", &config.replace("\"spr\"", "\"password\""), 0o644);
    home.run(&["login"]).exits(2).says(&["not enabled", "add ALLOW_USER_PASSWORD_AUTH"]);
    home.write("config.toml", &config.replace("\"spr\"", "\"srp\""), 0o644);
    home.run(&["login"]).exits(0);
    home.write("secret", "canary-wrong", 0o600);
    home.run(&["login"]).exits(1).says(&["check the client secret"]);
}

#[test]
fn f48_a_registration_whose_answer_was_lost_is_repeated_with_the_same_password() {
    let api = Simulated::start(&["igny8", "--fault", "register=lose_answer*1"]);
    let home = Home::new(&format!(
        "[profiles.it]\nprovider = \"igny8\"\nidentity = \"fresh@studio.example\"\n\
         password = \"prompt\"\n{}",
        url(&api)
    ))
    .with("CHOSEN", CHOSEN);
    let path = home.path("made");
    let write_to = format!("file:{}", path.display());
    let register = [
        "register",
        "--write-to",
        &write_to,
        "--attribute",
        "username=fresh",
        "--attribute",
        "first_name=Fre",
        "--attribute",
        "last_name=Sh",
    ];
    let generate = [&register[..], &["--generate"]].concat();
    home.run(&generate).exits(5).says(&["made.new keeps the new password meanwhile"]);
    let first = read(&home, "made.new");
    // Another one is not sent, and the only copy of the first one stays.
    let other = [&register[..], &["--answer", "new_password=env:CHOSEN"]].concat();
    home.run(&other).exits(2).keeps_secrets().says(&[
        "made.new keeps the password of an earlier try",
        "nothing was sent",
        "--generate goes on with it",
    ]);
    assert_eq!(read(&home, "made.new"), first);
    // The account was made by the try whose answer was lost.
    home.run(&generate).exits(1).says(&["goes on with", "already exists", "still keeps"]);
    assert_eq!(read(&home, "made.new"), first);
    let config = std::fs::read_to_string(home.path("config.toml")).unwrap();
    home.write("config.toml", &config.replace("\"prompt\"", "\"file:made.new\""), 0o644);
    home.run(&["login"]).exits(0);
}

#[test]
fn a_code_that_is_refused_leaves_no_secret_of_an_authenticator_behind() {
    let pool = Simulated::start(&["cognito", "--totp-period", "3s"]);
    let keys = "totp_secret = \"file:totp\"\ntotp_period = \"3s\"\n";
    let home = home(&pool, &format!("{}{keys}", pool_keys(&pool))).with("WRONG", "000000");
    home.write("secret", pool.value("client_secret"), 0o600);
    home.run(&["login"]).exits(0);
    home.run(&["mfa", "enroll", "--answer", "code=env:WRONG"]).exits(1).says(&["code refused"]);
    assert!(!home.path("totp.new").exists() && !home.path("totp").exists());
    // Nor does one that was never sent.
    home.run(&["mfa", "enroll", "--answer", "code=env:NOTHING"]).exits(2);
    assert!(!home.path("totp.new").exists());
    home.run(&["mfa", "enroll"]).exits(0);
    assert!(home.path("totp").exists());
}

#[test]
fn a_pool_or_client_that_is_not_there_is_told_as_such() {
    let pool = Simulated::start(&["cognito"]);
    let home = home(&pool, &pool_keys(&pool));
    home.write("secret", pool.value("client_secret"), 0o600);
    let config = std::fs::read_to_string(home.path("config.toml")).unwrap();
    let with = |from: &str, to: &str| {
        home.write("config.toml", &config.replace(from, to), 0o644);
        home.run(&["login"]).keeps_secrets()
    };
    // What has not the form of an id is not sent.
    with(pool.value("user_pool_id"), "pool").exits(2).says(&["<region>_<name>"]);
    with(pool.value("client_id"), "9unknown").exits(2).says(&["pool or app client is unknown"]);
    // The pool judges only the proof, into which its name goes.
    let other = with(pool.value("user_pool_id"), "eu-west-1_Other").exits(1);
    other.says(&["user name or password is wrong; or user_pool_id is that of another pool"]);
    with(pool.value("user_pool_id"), pool.value("user_pool_id")).exits(0);
}
