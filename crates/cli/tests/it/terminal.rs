//! The program at a real terminal: what it asks, what it shows, and what it never shows.

use crate::support::served::Served;
use crate::support::terminal::{CTRL_C, Terminal};
use crate::support::{Home, Simulated};
use countersign_simulator::{AuthFlow, Simulator};

const CHOSEN: &str = "Canary-Ch0sen-Pass!";

/// A profile of the pool of this process, for its first account.
fn first_of(server: &Served) -> Home {
    let client = server.simulator.client();
    Home::new(&format!(
        "[profiles.pool]\nprovider = \"cognito\"\nendpoint = \"{0}\"\n\
         user_pool_id = \"eu-west-1_CanaryPool\"\nclient_id = \"{1}\"\nclient_secret = \"env:SECRET\"\n\
         identity = \"{2}\"\npassword = \"prompt\"\nflow = \"password\"\n",
        server.url,
        client.identity,
        server.simulator.account().identity,
    ))
    .with("SECRET", &client.password)
}

/// A user of a pool, with a password that a person types.
fn pool(pool: &Simulated, identity: &str, keys: &str) -> Home {
    Home::new(&format!(
        "[profiles.pool]\nprovider = \"cognito\"\nendpoint = \"{0}\"\napi_origins = [\"{0}\"]\n\
         user_pool_id = \"{1}\"\nclient_id = \"{2}\"\nclient_secret = \"env:CLIENT_SECRET\"\n\
         identity = \"{identity}\"\npassword = \"prompt\"\n{keys}",
        pool.value("url"),
        pool.value("user_pool_id"),
        pool.value("client_id"),
    ))
    .with("CLIENT_SECRET", pool.value("client_secret"))
}

/// A user of another server, with a password that a person types.
fn prompted(server: &Simulated, identity: &str) -> Home {
    let base = format!("{}{}", server.value("url"), server.value_or("base_path", ""));
    Home::new(&format!(
        "[profiles.it]\nprovider = \"{}\"\nbase_url = \"{base}\"\nidentity = \"{identity}\"\n\
         password = \"prompt\"\n",
        server.value("provider"),
    ))
}

/// An authenticator that holds this secret.
fn authenticator(secret: &str) -> Home {
    authenticator_of(secret, "")
}

/// One of another time step.
fn authenticator_of(secret: &str, keys: &str) -> Home {
    Home::new(&format!(
        "[profiles.it]\nprovider = \"ibanera\"\nbase_url = \"http://127.0.0.1:1\"\nidentity = \"x\"\n\
         password = \"env:P\"\ntotp_secret = \"env:TOTP\"\n{keys}"
    ))
    .with("TOTP", secret)
}

/// The first code that is not `used`: a code is taken once.
fn next_code(authenticator: &Home, used: &str) -> String {
    loop {
        let code = authenticator.run(&["otp"]).exits(0).out;
        if code != used {
            return code.trim_end().to_owned();
        }
    }
}

/// The name of an account is a canary at some servers, and is shown.
fn keeps_secrets(screen: &str) {
    let told = screen.to_lowercase().replace("canary-archivist", "");
    assert!(!told.contains("canary-"), "{screen}");
}

#[test]
fn a_first_sign_in_asks_for_the_password_and_a_new_one_and_shows_neither() {
    let server = Simulated::start(&["cognito", "--allow", "password"]);
    let home = pool(&server, server.value("invited_identity"), "");
    let mut login = Terminal::start(&home, &["login"]);
    login.shows("password of ").shows(": ");
    assert!(!login.echoes());
    login.types(server.value("invited_temporary_password"));
    login.shows("the provider asks for NEW_PASSWORD_REQUIRED");
    login.shows("new password: ").types(CHOSEN);
    login.shows("new password again: ").types("Canary-another");
    login.shows("the two passwords differ; nothing was sent");
    login.shows("new password: ").types(CHOSEN);
    login.shows("new password again: ").types(CHOSEN);
    login.shows("signed in");
    keeps_secrets(&login.ends(0));
    home.run(&["request", "GET", &server.resource()]).exits(0).says(&["HTTP 200"]);
    home.run(&["logout"]).exits(0);

    let mut again = Terminal::start(&home, &["login"]);
    again.shows(": ").types(CHOSEN).shows("signed in");
    keeps_secrets(&again.ends(0));
}

#[test]
fn f40_a_code_is_asked_for_until_it_can_be_right() {
    let server = Simulated::start(&["cognito", "--allow", "password"]);
    let home = pool(&server, server.value("totp_identity"), "");
    let totp = authenticator(server.value("totp_secret"));
    let mut login = Terminal::start(&home, &["login"]);
    login.shows(": ").types(server.value("totp_password"));
    login.shows("asks for SOFTWARE_TOKEN_MFA").shows("code: ").types("1234");
    login.shows("six digits; nothing was sent").shows("code: ").types("000000");
    login.shows("error: cognito answer: code refused").shows("code: ");
    let code = totp.run(&["otp"]).exits(0).out;
    let (first, second) = code.trim_end().split_at(3);
    login.types(&format!("{first} {second}")).shows("signed in");
    let screen = login.ends(0);
    keeps_secrets(&screen);
    assert!(!screen.contains(code.trim_end()) && !screen.contains("000000"), "{screen}");
}

#[test]
fn ctrl_c_at_a_question_ends_it_and_leaves_everything_as_it_was() {
    let server = Simulated::start(&["cognito", "--allow", "password"]);
    let home = pool(&server, server.value("invited_identity"), "");
    let mut login = Terminal::start(&home, &["login"]);
    login.shows(": ").presses("canary-half").presses(CTRL_C).shows("interrupted");
    keeps_secrets(&login.ends(130));
    home.run(&["status"]).exits(3);

    let mut login = Terminal::start(&home, &["login"]);
    login.shows(": ").types(server.value("invited_temporary_password"));
    login.shows("new password: ").presses(CTRL_C).shows("interrupted");
    keeps_secrets(&login.ends(130));
    // The challenge waits for another process.
    home.run(&["status"]).exits(4);
    let mut login = Terminal::start(&home, &["login", "--continue"]);
    login.shows("new password: ").types(CHOSEN).shows("again: ").types(CHOSEN).shows("signed in");
    login.ends(0);
}

#[test]
fn a_request_to_end_or_a_hangup_does_not_wait_for_an_answer_nor_leave_the_terminal_mute() {
    let server = Simulated::start(&["ibex"]);
    let home = prompted(&server, server.value("identity"));
    for signal in [rustix::process::Signal::TERM, rustix::process::Signal::HUP] {
        let mut login = Terminal::start(&home, &["login"]);
        login.shows(": ");
        assert!(!login.echoes());
        let id = rustix::process::Pid::from_raw(login.id().try_into().unwrap()).unwrap();
        rustix::process::kill_process(id, signal).unwrap();
        login.ends(130);
    }
}

#[test]
fn ctrl_c_at_the_question_for_the_stores_passphrase_leaves_the_terminal_as_it_was() {
    let store = "[store]\nkey = \"passphrase\"\npassphrase = \"prompt\"\n";
    let hub = Simulated::start(&["ibex"]);
    let profile = format!(
        "[profiles.hub]\nprovider = \"ibex\"\nbase_url = \"{}\"\nidentity = \"{}\"\npassword = \"env:P\"\n",
        hub.value("url"),
        hub.value("identity"),
    );
    let home = Home::new(&format!("{store}{profile}")).with("P", hub.value("password"));
    let mut login = Terminal::start(&home, &["login"]);
    login.shows("passphrase of the store: ").types("canary-store").shows("signed in");
    login.ends(0);
    for command in [
        &["login"][..],
        &["status"],
        &["token"],
        &["sessions", "list"],
        &["sessions", "reseal"],
        &["sessions", "protect"],
    ] {
        let mut asking = Terminal::start(&home, command);
        asking.shows("passphrase of the store: ");
        assert!(!asking.echoes());
        asking.presses("canary-half").presses(CTRL_C);
        keeps_secrets(&asking.ends(130));
    }
    // The passphrase that the keys are under now is asked for after the new one is had.
    home.write("config.toml", &format!("[store]\nkey = \"file\"\n{profile}"), 0o644);
    let mut protect = Terminal::start(&home, &["sessions", "protect"]);
    protect.shows("passphrase that the keys are under now: ").presses(CTRL_C);
    protect.ends(130);
    let mut protect = Terminal::start(&home, &["sessions", "protect"]);
    protect.shows("passphrase that the keys are under now: ").types("canary-store");
    protect.shows("the keys of the store are under");
    protect.ends(0);
}

#[test]
fn keys_that_would_stop_the_program_with_the_terminal_mute_do_nothing() {
    let server = Simulated::start(&["ibex"]);
    let home = prompted(&server, server.value("identity"));
    let mut login = Terminal::start(&home, &["login"]);
    login.shows(": ").presses("\u{1a}\u{1c}");
    // Ctrl-Z and Ctrl-\ are characters here; Ctrl-U takes the line back.
    login.presses("\u{15}").types(server.value("password")).shows("signed in");
    login.ends(0);
}

#[test]
fn a_password_is_changed_at_a_terminal() {
    for provider in ["ibex", "igny8", "wikimedia"] {
        let server = Simulated::start(&[provider]);
        let home = prompted(&server, server.value("identity"));
        let mut login = Terminal::start(&home, &["login"]);
        login.shows(": ").types(server.value("password")).shows("signed in");
        login.ends(0);
        let mut change = Terminal::start(&home, &["password", "change"]);
        change.shows("password of ").shows(": ").types(server.value("password"));
        change.shows("new password of ").shows(": ");
        if provider == "ibex" {
            change.types("canary-weak").shows("it needs an upper-case letter, a digit");
            change.shows(": ");
        }
        change.types(CHOSEN).shows("again: ").types(CHOSEN).shows("the password is changed");
        keeps_secrets(&change.ends(0));
        let mut login = Terminal::start(&home, &["login"]);
        login.shows(": ").types(CHOSEN).shows("signed in");
        login.ends(0);
    }
}

#[test]
fn a_forgotten_password_is_replaced_at_a_terminal() {
    let mut server = Simulated::start(&["wikimedia"]);
    let home = prompted(&server, server.value("identity"));
    home.run(&["password", "forgot"]).exits(0);
    let (_, code) = server.mail();
    let mut confirm = Terminal::start(&home, &["password", "confirm"]);
    confirm.shows("code that was sent: ").types(&code);
    confirm.shows("new password of ").shows(": ").types(CHOSEN).shows("again: ").types(CHOSEN);
    confirm.shows("the new password is set");
    let screen = confirm.ends(0);
    keeps_secrets(&screen);
    assert!(!screen.contains(&code), "{screen}");
    let mut login = Terminal::start(&home, &["login"]);
    login.shows(": ").types(CHOSEN).shows("signed in");
    login.ends(0);
}

#[test]
fn a_registration_asks_for_what_is_required_and_shows_what_is_no_secret() {
    let server = Simulated::start(&["igny8"]);
    let home = prompted(&server, "fresh@studio.example");
    let mut register = Terminal::start(&home, &["register", "--attribute", "last_name=Sh"]);
    register.shows("username: ");
    assert!(register.echoes());
    register.types("fresh").shows("fresh").shows("first name: ").types("Fre");
    register.shows("password of fresh@studio.example: ").types(CHOSEN);
    register.shows("again: ").types(CHOSEN).shows("registered; sign in with");
    keeps_secrets(&register.ends(0));
    let mut login = Terminal::start(&home, &["login"]);
    login.shows(": ").types(CHOSEN).shows("signed in");
    login.ends(0);

    let server = Simulated::start(&["ibex"]);
    let home = prompted(&server, server.value("invited_identity"));
    let mut register = Terminal::start(&home, &["register"]);
    register.shows("temporary password: ");
    assert!(!register.echoes());
    register.types(server.value("invited_temporary_password"));
    register.shows(": ").types(CHOSEN).shows("again: ").types(CHOSEN);
    register.shows("registered, and signed in");
    keeps_secrets(&register.ends(0));
}

#[test]
fn f49_what_a_provider_writes_is_shown_and_not_obeyed() {
    let pool = Simulator::cognito().allow(AuthFlow::UserPassword).build();
    let server = Served::start(pool);
    let kim = server.simulator.account();
    let names = [
        (
            "EVIL\u{1b}[2J\u{1b}]0;pwned\u{7}\u{202e}",
            "asks for EVIL\\u{1b}[2J\\u{1b}]0;pwned\\u{7}\\u{202e}",
        ),
        ("\u{9b}31mRED", "asks for \\u{9b}31mRED"),
    ];
    for (hostile, shown) in names {
        server.simulator.change_account(&kim.identity, |account| {
            account.attributes.insert("mfa".to_owned(), hostile.to_owned());
        });
        let home = first_of(&server);
        let mut login = Terminal::start(&home, &["login"]);
        login.shows(": ").types(&kim.password).shows(shown);
        let screen = login.ends(1);
        keeps_secrets(&screen);
        for steering in ["\u{1b}", "\u{9b}", "\u{7}", "\u{202e}"] {
            assert!(!screen.contains(steering), "{screen:?}");
        }
    }
}

#[test]
fn a_first_sign_in_by_srp_with_a_new_password_and_an_authenticator_to_set_up() {
    let server = Simulated::start(&["cognito", "--require-mfa"]);
    let home = pool(&server, server.value("invited_identity"), "flow = \"srp\"\n");
    let mut login = Terminal::start(&home, &["login", "--qr"]);
    login.shows(": ").types(server.value("invited_temporary_password"));
    login.shows("NEW_PASSWORD_REQUIRED").shows("new password: ").types(CHOSEN);
    login.shows("again: ").types(CHOSEN);
    login.shows("put this into an authenticator");
    let secret = login.rest_of_line("secret: ");
    let address = login.rest_of_line("address: ");
    assert!(address.starts_with("otpauth://totp/") && address.contains(&secret), "{address}");
    login.shows("\u{2588}").shows("the provider asks for MFA_SETUP").shows("code: ");
    assert!(!login.echoes());
    login.types("12345").shows("six digits; nothing was sent").shows("code: ");
    let code = authenticator(&secret).run(&["otp"]).exits(0).out;
    login.types(code.trim_end()).shows("signed in");
    let screen = login.ends(0);
    keeps_secrets(&screen);
    assert!(!screen.contains(code.trim_end()), "{screen}");
    home.run(&["request", "GET", &server.resource()]).exits(0).says(&["HTTP 200"]);
    home.run(&["refresh"]).exits(0);
    home.run(&["logout"]).exits(0).says(&["revoked"]);
}

#[test]
fn an_authenticator_is_set_up_at_a_terminal_and_asked_for_from_then_on() {
    let server = Simulated::start(&["cognito", "--totp-period", "3s"]);
    let keys = "totp_period = \"3s\"\n";
    let home = pool(&server, server.value("identity"), keys);
    home.run(&["mfa", "enroll"]).exits(2).says(&["nobody would see it", "--show-secret"]);
    let mut enroll = Terminal::start(&home, &["mfa", "enroll"]);
    enroll.shows("run `countersign login");
    enroll.ends(3);
    let mut login = Terminal::start(&home, &["login"]);
    login.shows(": ").types(server.value("password")).shows("signed in");
    login.ends(0);

    let mut enroll = Terminal::start(&home, &["mfa", "enroll"]);
    let secret = enroll.rest_of_line("secret: ");
    let authenticator = authenticator_of(&secret, keys);
    enroll.shows("code that the authenticator shows: ");
    let first = authenticator.run(&["otp"]).exits(0).out;
    enroll.types(first.trim_end()).shows("the authenticator is set up");
    enroll.ends(0);

    let mut login = Terminal::start(&home, &["login"]);
    login.shows(": ").types(server.value("password"));
    login.shows("asks for SOFTWARE_TOKEN_MFA").shows("code: ");
    login.types(&next_code(&authenticator, &first)).shows("signed in");
    login.ends(0);

    home.run(&["mfa", "disable"]).exits(0).says(&["no code of an authenticator any more"]);
    let mut login = Terminal::start(&home, &["login"]);
    login.shows(": ").types(server.value("password")).shows("signed in");
    login.ends(0);
}

#[test]
fn a_choice_is_made_by_number_or_name_and_a_mailed_code_typed() {
    let server = Served::start(Simulator::cognito().allow(AuthFlow::UserPassword).build());
    let kim = server.simulator.account();
    server.simulator.change_account(&kim.identity, |account| {
        account.attributes.insert("mfa".to_owned(), "SELECT_MFA_TYPE".to_owned());
        account.attributes.insert("mfa_choices".to_owned(), "EMAIL_OTP,SMS_MFA".to_owned());
    });
    let home = first_of(&server);
    for (choice, asked) in [("1", "EMAIL_OTP"), ("sms_mfa", "SMS_MFA")] {
        let mut login = Terminal::start(&home, &["login"]);
        login.shows(": ").types(&kim.password).shows("asks for SELECT_MFA_TYPE");
        login.shows("1) EMAIL_OTP").shows("2) SMS_MFA").shows("choice: ");
        assert!(login.echoes());
        login.types("EMIAL_OTP").shows("did you mean EMAIL_OTP?").shows("choice: ").types(choice);
        login.shows(&format!("asks for {asked}")).shows("code: ");
        assert!(!login.echoes());
        let code = server.simulator.delivered(&kim.identity).unwrap();
        login.types(&code).shows("signed in");
        let screen = login.ends(0);
        keeps_secrets(&screen);
        assert!(!screen.contains(&code), "{screen}");
    }
}

#[test]
fn a_question_of_the_pools_own_is_asked_with_what_it_shows() {
    let server = Served::start(Simulator::cognito().build());
    let kim = server.simulator.account();
    server.simulator.change_account(&kim.identity, |account| {
        account.attributes.insert("custom_answer".to_owned(), "canary-answer".to_owned());
        account.attributes.insert("custom.riddle".to_owned(), "what\u{1b}[7m is it?".to_owned());
    });
    let home = first_of(&server);
    let config = std::fs::read_to_string(home.path("config.toml")).unwrap();
    home.write("config.toml", &config.replace("\"password\"\n", "\"custom\"\n"), 0o644);
    let mut login = Terminal::start(&home, &["login"]);
    login.shows(": ").types(&kim.password).shows("asks for CUSTOM_CHALLENGE");
    login.shows("riddle: what\\u{1b}[7m is it?").shows("answer: ").types("canary-answer");
    login.shows("signed in");
    keeps_secrets(&login.ends(0));
}
