//! No secret is in a report, in a log of any crate, in a file of the store, or in the arguments and the
//! environment of a process that is started.

use std::fs;
use std::path::Path;

use crate::searcher::Searcher;
use crate::support::{Ended, Home, Simulated};

const LOUDEST: &str = "trace,hyper=trace,hyper_util=trace,reqwest=trace,tokio=trace,mio=trace";

/// Tells what the system shows of itself and of who started it, then the content of the file beside it.
const TELLER: &str = "#!/bin/sh
cat /proc/self/cmdline /proc/self/environ /proc/$PPID/cmdline >> \"${0%.sh}.seen\"
cat \"${0%.sh}.secret\"
";

/// Reports, logs, store, processes: what came out of each.
#[derive(Default)]
struct Out {
    reports: String,
    logs: String,
}

impl Out {
    fn take(&mut self, ended: Ended) {
        self.reports += &ended.out;
        self.logs += &ended.err;
    }
}

#[test]
fn f32_reports_logs_files_arguments_and_environments_hold_no_secret() {
    let api = Simulated::start(&["ibanera", "--totp-period", "1s"]);
    let home = Home::new(&format!(
        "[profiles.api]\nprovider = \"ibanera\"\nbase_url = \"{}\"\nidentity = \"{}\"\n\
         password = \"command:./password.sh\"\ntotp_secret = \"command:./totp.sh\"\n\
         totp_period = \"1s\"\n",
        api.value("url"),
        api.value("identity"),
    ))
    .with("COUNTERSIGN_LOG", LOUDEST);
    for (name, secret) in [("password", api.value("password")), ("totp", api.value("totp_secret"))]
    {
        home.write(&format!("{name}.sh"), TELLER, 0o700);
        home.write(&format!("{name}.secret"), secret, 0o600);
    }
    let mut secrets = vec![api.value("password").to_owned(), api.value("totp_secret").to_owned()];

    let mut out = Out::default();
    out.take(home.run(&["login", "--json", "-v"]).exits(0));
    for _ in 0..2 {
        // The one command whose purpose it is to tell them.
        let headers = home.run(&["headers", "--json"]).exits(0);
        let told = headers.json();
        let told = told["headers"].as_object().unwrap().values().map(|v| v.as_str().unwrap());
        secrets.extend(told.map(|value| value.trim_start_matches("Bearer ").to_owned()));
        out.logs += &headers.err;
        out.take(home.run(&["status", "--json", "-v"]).exits(0));
        out.take(home.run(&["request", "GET", &api.resource(), "--json", "-v"]).exits(0));
        out.take(home.run(&["refresh", "--json", "-v"]).exits(0));
    }
    let stored = files(&home.path("state"));
    home.write("password.secret", "canary-wr0ng-password", 0o600);
    secrets.push("canary-wr0ng-password".to_owned());
    out.take(home.run(&["logout", "--json", "-v"]).exits(0));
    out.take(home.run(&["login", "--json", "-v"]).exits(1));
    out.take(home.run(&["status", "--json", "-v"]));

    let seen = [fs::read(home.path("password.seen")), fs::read(home.path("totp.seen"))];
    let seen = seen.map(Result::unwrap).concat();
    assert!(String::from_utf8_lossy(&seen).contains("COUNTERSIGN_LOG"), "nothing was seen");
    assert!(out.logs.contains("countersign_runtime") && out.reports.contains("state"));
    assert!(secrets.len() > 5 && stored.len() > 500, "too little has happened");

    let searcher = Searcher::new(&secrets);
    let channels = [
        ("reports", out.reports.as_bytes()),
        ("logs", out.logs.as_bytes()),
        ("files of the store", &*stored),
        ("arguments and environments", &*seen),
    ];
    for (name, content) in channels {
        let found = searcher.search(content);
        assert!(found.is_empty(), "{name}: {found:#?}");
    }
    println!("canaries: {} secrets, {} channels: 0 found", searcher.n_secrets(), channels.len());
    let told = searcher.search(secrets.join(", ").as_bytes());
    let plain = told.iter().filter(|find| find.form == "plain").count();
    assert_eq!(plain, searcher.n_secrets(), "the search is blind");
}

fn files(folder: &Path) -> Vec<u8> {
    let mut content = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        content.extend_from_slice(path.as_os_str().as_encoded_bytes());
        content.extend(if path.is_dir() { files(&path) } else { fs::read(&path).unwrap() });
    }
    content
}
