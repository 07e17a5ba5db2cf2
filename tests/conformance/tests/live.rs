//! `--live` against a simulator behind a socket, as against any service: what is told, what is run, what is
//! kept back, and what is refused before anything is sent.

#![expect(clippy::expect_used, reason = "what a test cannot set up stops it")]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::{Command, Output};
use std::sync::mpsc;
use std::thread::JoinHandle;

use countersign_simulator::{Operation, Simulator};
use serde_json::Value;
use tokio::sync::oneshot;

/// A simulator behind a socket, and a profile `hub` for it.
struct Service {
    simulator: Simulator,
    url: String,
    folder: tempfile::TempDir,
    end: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Service {
    fn start() -> Self {
        let simulator = Simulator::ibex().build();
        let (end, ended) = oneshot::channel();
        let (tell, hear) = mpsc::channel();
        let server = simulator.clone();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime").block_on(async {
                let running = server.serve().await.expect("a server");
                tell.send(running.url()).expect("a test that listens");
                // An error means that the test has gone.
                let _ = ended.await;
                running.shutdown().await;
            });
        });
        let url = hear.recv().expect("an address");
        let folder = tempfile::tempdir().expect("a folder");
        let service = Self { simulator, url, folder, end: Some(end), thread: Some(thread) };
        service.write("hub.txt", &service.simulator.account().password);
        service.write("config.toml", &service.profile(&service.url));
        service
    }

    fn profile(&self, url: &str) -> String {
        let identity = self.simulator.account().identity;
        format!(
            "[profiles.hub]\nprovider = \"ibex\"\nbase_url = \"{url}\"\nidentity = \"{identity}\"\n\
             password = \"file:hub.txt\"\n"
        )
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        fs::write(&path, text).expect("a file");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("its mode");
        path
    }

    fn live(&self, args: &[&str]) -> Output {
        let config = self.folder.path().join("config.toml");
        let mut command = Command::new(env!("CARGO_BIN_EXE_conformance"));
        command.args(["--live", "--profile", "hub", "--format", "json", "--config"]);
        command.arg(config).args(args).output().expect("the command")
    }

    fn sign_ins(&self) -> usize {
        let records = self.simulator.records();
        records.iter().filter(|record| record.operation == Operation::SIGN_IN).count()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        drop(self.end.take());
        let joined = self.thread.take().map(JoinHandle::join);
        assert!(joined.is_none_or(|end| end.is_ok()) || std::thread::panicking());
    }
}

fn said(done: &Output) -> String {
    String::from_utf8_lossy(&done.stderr).into_owned()
}

fn cases(done: &Output) -> Vec<Value> {
    let report: Value = serde_json::from_slice(&done.stdout).expect("a report");
    report["providers"][0]["cases"].as_array().expect("cases").clone()
}

/// The reason why a case was skipped, or its outcome.
fn end(cases: &[Value], id: &str) -> String {
    let case = cases.iter().find(|case| case["id"] == id).expect("the case");
    let word = case["reason"].as_str().or(case["outcome"].as_str());
    word.expect("an outcome").to_owned()
}

#[test]
fn harmless_cases_are_run_and_the_others_listed_before() {
    let service = Service::start();
    let resource = format!("{}/sim/echo", service.url);
    let done = service.live(&["--resource", &resource, "--group", "live", "--group", "ending"]);
    let told = said(&done);
    let cases = cases(&done);
    assert_eq!(end(&cases, "renewed-on-demand"), "passed", "{told}");
    assert_eq!(end(&cases, "signed-out-and-said-so"), "passed", "{told}");
    assert_eq!(
        end(&cases, "f36-refused-secret-is-sent-once"),
        "not allowed: it may lock the account"
    );
    assert!(end(&cases, "f11-renewal-that-reaches-nobody").contains("faults on the way"));
    assert!(end(&cases, "shutdown-is-bounded").contains("in hand"));
    let (plan, run) = told.split_once("sign-ins of 20 were asked for").expect("both parts");
    assert!(plan.contains("will run: ") && run.contains(" passed, "), "{told}");
    assert!(plan.contains("not allowed (--allow CASE)"), "{told}");
    assert!(plan.contains("f36-refused-secret-is-sent-once"), "{told}");
    assert_eq!(done.status.code(), Some(0), "{told}");
    let asked: usize =
        plan.rsplit('\n').next().and_then(|n| n.trim().parse().ok()).expect("a count");
    assert_eq!(service.sign_ins(), asked, "the server has counted them too");
}

#[test]
fn what_is_allowed_and_faults_on_the_way_are_run_when_asked_for() {
    let service = Service::start();
    let next = service.write("next.txt", "N3xt-canary-p4ssword!").display().to_string();
    let done = service.live(&[
        "--faults",
        "--group",
        "live",
        "--allow",
        "f36-refused-secret-is-sent-once",
        "--allow",
        "password-there-and-back",
        "--next-password",
        &format!("file:{next}"),
        "--sign-ins",
        "60",
    ]);
    let (told, cases) = (said(&done), cases(&done));
    for id in [
        "f36-refused-secret-is-sent-once",
        "password-there-and-back",
        "f11-renewal-that-reaches-nobody",
        "f42-renewal-that-a-gateway-answers",
        "f33-renewal-that-is-sent-elsewhere",
        "f06-renewal-whose-answer-is-lost",
        "f06-renewal-that-is-answered-twice",
        "f06-renewal-that-arrives-twice",
        "f43-answer-cut-at-each-of-its-bytes",
        "f43-renewal-byte-by-byte",
        "f43-renewal-cut-in-its-body",
        "f43-renewal-cut-in-its-headers",
        "f43-renewal-cut-in-its-status-line",
        "f43-renewal-with-an-error-inside",
        "f49-renewal-that-unpacks-to-too-much",
        "f49-renewal-without-end",
    ] {
        assert_eq!(end(&cases, id), "passed", "{told}");
    }
    assert_eq!(end(&cases, "recovery-is-asked-for-once"), "not allowed: it has mail sent");
    assert_eq!(done.status.code(), Some(0), "{told}");
    assert!(!told.contains("canary") && !String::from_utf8_lossy(&done.stdout).contains("N3xt"));
}

#[test]
fn a_budget_of_sign_ins_is_kept() {
    let service = Service::start();
    let done = service.live(&["--group", "live", "--sign-ins", "2"]);
    let cases = cases(&done);
    let kept: Vec<_> = cases
        .iter()
        .filter_map(|case| case["reason"].as_str())
        .filter(|reason| reason.starts_with("it may ask for"))
        .collect();
    assert!(kept.len() >= 2, "{kept:?}");
    assert!(kept[0].ends_with("2 of 2 were made") || kept[0].ends_with("1 of 2 were made"));
    assert!(service.sign_ins() <= 2, "{}", service.sign_ins());
}

#[test]
fn f36_after_a_refused_sign_in_none_is_made_any_more() {
    let service = Service::start();
    service.write("hub.txt", "Wr0ng-canary-p4ssword!");
    let done = service.live(&["--group", "live", "--group", "sign-in"]);
    let (told, cases) = (said(&done), cases(&done));
    assert_eq!(done.status.code(), Some(1), "{told}");
    assert_eq!(service.sign_ins(), 1, "{told}");
    let failed = cases.iter().filter(|case| case["outcome"] == "failed").count();
    assert_eq!(failed, 1, "{told}");
    assert!(end(&cases, "renewed-on-demand").starts_with("a sign-in was refused in "), "{told}");
}

#[test]
fn what_cannot_be_run_is_refused_with_the_remedy_and_nothing_is_sent() {
    let service = Service::start();
    let refused = |args: &[&str]| {
        let done = service.live(args);
        assert_eq!(done.status.code(), Some(2), "{args:?}: {}", said(&done));
        assert!(done.stdout.is_empty(), "{args:?}");
        said(&done)
    };
    let why = refused(&["--allow", "f36-refused-secret-is-sent-onec"]);
    assert!(why.contains("did you mean `f36-refused-secret-is-sent-once`?"), "{why}");
    let why = refused(&["--allow", "f14-dead-session-is-left-alone"]);
    assert!(why.contains("cannot be run here: it needs a server whose time"), "{why}");
    let why = refused(&["--allow", "password-there-and-back"]);
    assert!(why.contains("was given no other password"), "{why}");
    let why = refused(&["--resource", "http://127.0.0.1:9/me"]);
    assert!(why.contains("add api_origins = [\"http://127.0.0.1:9\"]"), "{why}");
    let why = refused(&["--next-password", "N3xt-canary-p4ssword!"]);
    assert!(why.contains("names no source") && !why.contains("canary"), "{why}");
    let why = refused(&["--provider", "ibex"]);
    assert!(why.contains("cannot be used with"), "{why}");

    // The file goes wrong from here on.
    let text = service.profile(&service.url);
    service.write("config.toml", &text.replace("[profiles.hub]", "[profiles.hob]"));
    let why = refused(&[]);
    assert!(why.contains("no profile `hub`") && why.contains("did you mean `hob`?"), "{why}");
    service.write("config.toml", &text.replace("password = \"file:hub.txt\"\n", ""));
    let why = refused(&[]);
    assert!(why.contains("`password` is missing\nhelp: say where it comes from"), "{why}");
    service.write("config.toml", &text.replace("hub.txt", "none.txt"));
    let why = refused(&[]);
    assert!(why.contains("none.txt") && why.contains("help: "), "{why}");
    service.write("config.toml", &service.profile("http://127.0.0.1:9"));
    let why = refused(&[]);
    assert!(why.contains("nothing answers at http://127.0.0.1:9"), "{why}");
    assert!(why.contains("start the server, or correct its address"), "{why}");
    assert!(service.simulator.records().is_empty(), "something was sent");
}
