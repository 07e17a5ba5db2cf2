//! Every mistake in a profile is named with file, profile, key and remedy, and shows no secret.

use std::time::Duration;

use super::*;
use crate::exit::Exit;

fn chosen(name: Option<&str>, text: &str) -> Result<Profile, Problem> {
    ProfileFile::parse(Path::new("/home/kim/config.toml"), text)?.profile(name)
}

fn hub(keys: &str) -> Result<Profile, Problem> {
    chosen(None, &format!("[profiles.hub]\nprovider = \"ibex\"\n{keys}"))
}

fn refused(result: Result<impl std::fmt::Debug, Problem>) -> String {
    let problem = result.unwrap_err();
    assert_eq!(problem.exit(), Exit::Usage);
    let lines = problem.lines();
    assert!(!lines.contains("canary"), "{lines}");
    lines
}

#[test]
fn the_profile_is_chosen_by_name_or_because_it_is_alone() {
    let two = "[profiles.hub]\nprovider = \"ibex\"\n[profiles.pool]\nprovider = \"cognito\"\n";
    assert_eq!(chosen(Some("pool"), two).unwrap().provider(), "cognito");
    assert_eq!(hub("").unwrap().name(), "hub");
    assert!(refused(chosen(None, two)).contains("several profiles: hub, pool"));
    assert!(refused(chosen(Some("hubb"), two)).contains("did you mean `hub`?"));
    assert!(refused(chosen(None, "")).contains("has no profile"));
}

#[test]
fn an_unknown_key_names_the_nearest_known_one() {
    let lines = refused(hub("pasword = \"env:X\""));
    assert!(
        lines.contains("/home/kim/config.toml: profile `hub`: `pasword` is unknown"),
        "{lines}"
    );
    assert!(lines.contains("did you mean `password`?"), "{lines}");
    assert!(refused(hub("user_pool_id = \"x\"")).contains("it belongs to cognito"));
    assert!(refused(chosen(None, "[profile.hub]\n")).contains("unknown key `profile`"));
}

#[test]
fn an_unknown_provider_names_the_nearest_known_one() {
    let lines = refused(chosen(None, "[profiles.hub]\nprovider = \"ibx\""));
    assert!(lines.contains("did you mean `ibex`?"), "{lines}");
    assert!(refused(chosen(None, "[profiles.hub]\n")).contains("`provider` is missing"));
}

#[test]
fn a_literal_secret_is_refused_and_not_repeated() {
    for literal in ["\"canary-literal\"", "\"canary:x\"", "[\"canary\"]", "12345678", "\"\""] {
        let lines = refused(hub(&format!("password = {literal}")));
        assert!(lines.contains("`password` holds a value that names no source"), "{lines}");
        assert!(!lines.contains("12345678") && lines.contains("chmod 600"), "{lines}");
    }
    assert!(refused(hub("password = \"keyring:hub\"")).contains("keyring"));
}

#[test]
fn a_broken_file_is_refused_by_its_line_without_showing_it() {
    for broken in
        ["password = canary", "password = \"canary", "password = \"a\"\npassword = \"canary\""]
    {
        let lines = refused(hub(broken));
        assert!(
            lines.contains("config.toml:3: this is not TOML") || lines.contains(":4:"),
            "{lines}"
        );
    }
}

#[test]
fn values_have_types_and_the_remedy_shows_the_form() {
    let profile = hub("identity = 5\nbase_url = \" \"\naccess_lifetime = \"5 minutes\"\n\
                       refresh_lifetime = \"0s\"\napi_origins = \"x\"\nsign_ins_per_day = -1\nflow = \"x\"")
        .unwrap();
    assert!(refused(profile.text("identity")).contains("write identity = \"…\""));
    assert!(refused(profile.required("base_url", "x")).contains("is no text"));
    assert!(refused(profile.span("access_lifetime")).contains("is no span of time"));
    assert!(refused(profile.period("refresh_lifetime")).contains("is zero"));
    assert!(refused(profile.texts("api_origins")).contains("is no list of texts"));
    assert!(refused(profile.count("sign_ins_per_day")).contains("is no whole number"));
    assert!(refused(profile.choice("flow", &[("a", 1), ("b", 2)])).contains("one of \"a\", \"b\""));
    let good = hub("access_lifetime = \"5m\"\napi_origins = [\"https://a.example\"]").unwrap();
    assert_eq!(good.span("access_lifetime").unwrap(), Some(Duration::from_secs(300)));
    assert_eq!(good.texts("api_origins").unwrap(), ["https://a.example"]);
    assert_eq!(good.text("identity").unwrap(), None);
}

#[test]
fn sources_are_relative_to_the_profile_file() {
    let profile = hub("password = \"file:kim.txt\"").unwrap();
    let expected = (CredentialKind::Password, Source::File("/home/kim/kim.txt".into()));
    assert_eq!(profile.sources(), [expected]);
}

#[test]
fn a_missing_file_says_what_to_put_into_it() {
    let folder = tempfile::tempdir().unwrap();
    let lines = refused(ProfileFile::read(&folder.path().join("config.toml")));
    assert!(lines.contains("there is no profile file") && lines.contains("[profiles.NAME]"));
}

#[cfg(unix)]
#[test]
fn a_file_that_others_can_write_is_refused() {
    use std::os::unix::fs::PermissionsExt;

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.toml");
    std::fs::write(&path, "[profiles.hub]\nprovider = \"ibex\"\n").unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o666)).unwrap();
    assert!(refused(ProfileFile::read(&path)).contains("chmod go-w"));
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
    assert_eq!(ProfileFile::read(&path).unwrap().profile(None).unwrap().name(), "hub");
}
