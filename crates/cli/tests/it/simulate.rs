//! `countersign simulate`: what it prints, what it refuses, when it ends.

use crate::support::{Home, Simulated};

#[test]
fn it_prints_where_it_listens_and_what_opens_it() {
    let hub = Simulated::start(&["ibex", "--lifetime", "5s"]);
    assert_eq!(hub.value("provider"), "ibex");
    assert!(hub.value("url").starts_with("http://127.0.0.1:"));
    assert!(hub.value("identity").contains('@') && !hub.value("password").is_empty());

    let home = Home::new("");
    let text = home.run(&["simulate", "ibanera", "--totp-period", "2s", "--until-eof"]).exits(0);
    assert!(text.out.starts_with("PROVIDER=ibanera\nURL=http://127.0.0.1:"), "{}", text.out);
    assert!(text.out.contains("\nTOTP_PERIOD_MS=2000\n") && text.out.contains("\nTOTP_SECRET="));
}

#[test]
fn it_listens_on_loopback_only() {
    let home = Home::new("");
    home.run(&["simulate", "ibex", "--listen", "0.0.0.0:0"])
        .exits(2)
        .says(&["error: 0.0.0.0:0 cannot be listened on", "help: take a free port of a loopback"]);
}

#[test]
fn wrong_options_are_refused_with_their_form() {
    let home = Home::new("");
    home.run(&["simulate", "ibex", "--lifetime", "5"]).exits(2).says(&["500ms, 5s, 15m"]);
    home.run(&["simulate", "ibex", "--fault", "lunch=hang"])
        .exits(2)
        .says(&["no operation `lunch`", "sign_in"]);
    home.run(&["simulate", "ibex", "--rotate"]).exits(2).says(&["--rotate means nothing to ibex"]);
    home.run(&["simulate", "nobody"]).exits(2).says(&["ibanera"]);
}
