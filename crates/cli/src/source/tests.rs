//! Sources are parsed, read again each time, and refused without repeating anything secret.

use std::ffi::OsString;
use std::future::pending;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use async_trait::async_trait;
use countersign_core::{
    AccountKey, CredentialKind, CredentialSource, Monotonic, Origin, ProviderId, Realm, Timestamp,
};

use super::*;

/// A clock that stands still, or at which every deadline has passed.
struct TestClock {
    late: bool,
}

#[async_trait]
impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp::UNIX_EPOCH
    }

    fn monotonic(&self) -> Monotonic {
        Monotonic::default()
    }

    async fn sleep_until(&self, deadline: Monotonic) {
        assert_eq!(deadline.elapsed(), Duration::from_secs(10));
        if !self.late {
            pending::<()>().await;
        }
    }
}

fn environment(name: &str) -> Option<OsString> {
    (name == "HUB_PASSWORD").then(|| "canary-env".into())
}

fn no_environment(_: &str) -> Option<OsString> {
    None
}

fn read_at(source: &Source, late: bool) -> Result<SecretString, Refusal> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(source.read("password", &around(late, environment)))
}

fn around(late: bool, environment: Environment) -> Surroundings {
    let withheld = vec!["PATH_TO_NOWHERE".to_owned(), "CARGO_PKG_NAME".to_owned()];
    Surroundings { environment, withheld, clock: Arc::new(TestClock { late }) }
}

fn read(source: &Source) -> Result<SecretString, Refusal> {
    read_at(source, false)
}

fn parse(text: &str) -> Result<Source, NoSource> {
    Source::parse(text, Path::new("/profiles"))
}

fn command(words: &[&str]) -> Source {
    Source::Command(words.iter().map(|word| (*word).to_owned()).collect())
}

#[test]
fn every_form_is_read() {
    assert_eq!(parse("env:HUB"), Ok(Source::Env("HUB".into())));
    assert_eq!(parse("file:kim.txt"), Ok(Source::File("/profiles/kim.txt".into())));
    assert_eq!(parse("file:/run/kim"), Ok(Source::File("/run/kim".into())));
    assert_eq!(parse("command:pass show 'the hub'"), Ok(command(&["pass", "show", "the hub"])));
    assert_eq!(parse("command:./get hub"), Ok(command(&["/profiles/./get", "hub"])));
    assert_eq!(parse("prompt"), Ok(Source::Prompt));
    assert_eq!(parse("keyring:hub"), Err(NoSource::Keyring));
    for incomplete in
        ["env:", "env:A=B", "file:", "command:", "command: ", "command:'a", "command:''"]
    {
        assert!(matches!(parse(incomplete), Err(NoSource::Incomplete(_))), "{incomplete}");
    }
}

#[test]
fn a_literal_secret_is_refused_and_not_repeated() {
    for literal in ["canary-literal", "canary:literal", "", "Prompt", "ENV:X"] {
        let refused = parse(literal).unwrap_err();
        assert_eq!(refused, NoSource::Literal, "{literal}");
        let (what, help) = refused.explain("password");
        assert!(!what.contains("canary") && !help.contains("canary"));
        assert!(help.contains("file:password.txt") && help.contains("env:NAME"), "{help}");
    }
}

#[test]
fn an_environment_variable_is_read_or_its_absence_named() {
    assert_eq!(read(&Source::Env("HUB_PASSWORD".into())).unwrap().expose(), "canary-env");
    let refusal = read(&Source::Env("OTHER".into())).unwrap_err();
    assert_eq!(refusal.what, "the environment variable OTHER is not set");
    assert!(refusal.help.starts_with("set OTHER"));
}

#[test]
fn f44_a_file_is_read_anew_each_time_without_its_last_newline() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("secret");
    let source = Source::File(path.clone());
    for (content, secret) in
        [("canary-1\n", "canary-1"), ("canary-2\r\n", "canary-2"), ("canary 3\n\n", "canary 3\n")]
    {
        std::fs::write(&path, content).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        assert_eq!(read(&source).unwrap().expose(), secret);
    }
    std::fs::write(&path, "\n").unwrap();
    assert!(read(&source).unwrap_err().what.ends_with("is empty"));
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
    assert!(read(&source).unwrap_err().help.starts_with("run: chmod 600"));
}

#[test]
fn a_command_gives_its_first_line() {
    let source = command(&["printf", "canary-%s\\r\\nsecond\\n", "line"]);
    assert_eq!(read(&source).unwrap().expose(), "canary-line");
}

#[test]
fn a_command_is_started_without_a_shell_and_without_input() {
    assert_eq!(read(&command(&["printf", "%s", "$HOME;`id`"])).unwrap().expose(), "$HOME;`id`");
    assert!(read(&command(&["cat"])).unwrap_err().what.ends_with("is empty"));
}

#[test]
fn a_command_is_not_given_the_variables_that_hold_other_secrets() {
    // Cargo sets both for its tests; one of them stands for a secret.
    let told = |name: &str| read(&command(&["printenv", name]));
    assert!(told("CARGO_PKG_VERSION").is_ok());
    let withheld = told("CARGO_PKG_NAME").unwrap_err();
    assert!(withheld.what.contains("printenv failed"), "{withheld:?}");
}

#[test]
fn an_optional_secret_may_have_a_file_that_is_still_to_be_made() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("totp");
    let mut it = profile(Source::Env("HUB_PASSWORD".into()), environment);
    it.sources.push((CredentialKind::TotpSecret, Source::File(path.clone())));
    assert!(ask_engine_like(&it).unwrap_err().to_string().contains("cannot be read"));
    it.optional = vec![CredentialKind::TotpSecret];
    assert!(!ask_engine_like(&it).unwrap().has(CredentialKind::TotpSecret));
    std::fs::write(&path, "CANARY").unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    assert!(ask_engine_like(&it).unwrap().has(CredentialKind::TotpSecret));
}

#[test]
fn a_command_that_fails_is_named_but_neither_its_arguments_nor_its_output() {
    let missing = read(&command(&["/nonexistent/program", "canary"])).unwrap_err();
    let failed = read(&command(&["sh", "-c", "echo canary; echo canary >&2; exit 3"])).unwrap_err();
    let binary = read(&command(&["printf", "canary\\377"])).unwrap_err();
    let flood = read(&command(&["head", "-c", "100000", "/dev/zero"])).unwrap_err();
    for (refusal, part) in [
        (&missing, "/nonexistent/program cannot be started"),
        (&failed, "sh failed (exit status: 3)"),
        (&binary, "printf did not write UTF-8"),
        (&flood, "head wrote a line of more than"),
    ] {
        assert!(refusal.what.contains(part), "{refusal:?}");
        assert!(!refusal.what.contains("canary") && !refusal.help.is_empty(), "{refusal:?}");
    }
}

#[test]
fn a_command_over_its_deadline_is_stopped() {
    let refusal = read_at(&command(&["sleep", "60"]), true).unwrap_err();
    assert_eq!(refusal.what, "the command sleep did not end within 10 s; it was stopped");
}

#[test]
fn a_command_over_its_deadline_leaves_nothing_behind_that_it_has_started() {
    let folder = tempfile::tempdir().unwrap();
    let id = folder.path().join("id");
    // It waits for a program of its own, whose id it has written; only then is it late.
    let script = format!("sleep 600 & echo $! > {0}.part; mv {0}.part {0}; wait", id.display());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let around = around(false, environment);
    let source = command(&["sh", "-c", &script]);
    runtime.block_on(async {
        let reading = source.read("password", &around);
        let started = async {
            while !id.exists() {
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            read = reading => panic!("it has ended: {}", read.is_ok()),
            () = started => {}
        }
    });
    let id: i32 = std::fs::read_to_string(&id).unwrap().trim().parse().unwrap();
    let grandchild = rustix::process::Pid::from_raw(id).unwrap();
    // Killed; until somebody has heard of its end it is there as a name only.
    let ended = || {
        let state = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
        let alive = rustix::process::test_kill_process(grandchild).is_ok();
        !alive || state.rsplit(')').next().is_some_and(|rest| rest.trim_start().starts_with('Z'))
    };
    for _ in 0..100_000 {
        if ended() {
            return;
        }
        std::thread::yield_now();
    }
    rustix::process::kill_process(grandchild, rustix::process::Signal::KILL).unwrap();
    panic!("what the command has started lives on");
}

#[test]
fn a_prompt_off_a_terminal_is_refused() {
    if terminal::can_ask() {
        return;
    }
    assert!(read(&Source::Prompt).unwrap_err().what.contains("asked for on a terminal"));
}

fn profile(source: Source, environment: Environment) -> ProfileCredentials {
    ProfileCredentials {
        place: "config.toml: profile `hub`".into(),
        identity: Some("kim".into()),
        sources: vec![(CredentialKind::Password, source)],
        optional: Vec::new(),
        around: around(false, environment),
    }
}

fn ask_engine_like(
    source: &ProfileCredentials,
) -> Result<countersign_core::Credentials, countersign_core::Error> {
    let realm = Realm::new(Origin::parse("http://127.0.0.1:1").unwrap());
    let account = AccountKey::new(ProviderId::new("x"), &realm, "kim");
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(source.credentials(&account))
}

#[test]
fn the_engine_gets_the_values_and_errors_name_profile_key_and_remedy() {
    let source = Source::Env("HUB_PASSWORD".into());
    let good = ask_engine_like(&profile(source.clone(), environment)).unwrap();
    assert_eq!(good.identity().unwrap(), "kim");
    assert_eq!(good.expect_password().unwrap().expose(), "canary-env");
    let error = ask_engine_like(&profile(source, no_environment)).unwrap_err();
    assert_eq!(
        error.hint_text(),
        "config.toml: profile `hub`: `password`: the environment variable HUB_PASSWORD is not set; \
         set HUB_PASSWORD, and export it to this process"
    );
}

#[test]
fn f40_only_a_prompt_is_interactive() {
    assert!(profile(Source::Prompt, environment).interactive());
    assert!(!profile(Source::Env("X".into()), environment).interactive());
}

#[test]
fn a_file_that_may_not_be_looked_at_is_not_one_that_is_still_to_be_made() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("file"), "").unwrap();
    let at = |name: &str| Source::File(folder.path().join(name));
    assert!(at("none").is_to_be_made() && !at("file").is_to_be_made());
    // Below a plain file there is nothing to look at, for root neither.
    assert!(!at("file/none").is_to_be_made());
}
