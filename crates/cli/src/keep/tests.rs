//! A new secret is beside the old one until it is proved, and is never readable for others.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use super::*;
use crate::profile::ProfileFile;

fn profile(folder: &Path, source: &str) -> Profile {
    let path = folder.join("config.toml");
    let text = format!("[profiles.it]\nprovider = \"ibex\"\nidentity = \"kim\"\n{source}");
    fs::write(&path, text).unwrap();
    ProfileFile::read(&path).unwrap().profile(None).unwrap()
}

fn keep(folder: &Path) -> Keep {
    fs::write(folder.join("pw"), "canary-old\n").unwrap();
    Keep::of(&profile(folder, "password = \"file:pw\""), CredentialKind::Password)
}

fn secret(text: &str) -> SecretString {
    SecretString::new(text)
}

fn read(path: &Path) -> Option<String> {
    let mode = fs::metadata(path).ok()?.permissions().mode() & 0o777;
    assert!(path.ends_with("pw") || mode == 0o600, "{mode:o}");
    fs::read_to_string(path).ok()
}

#[test]
fn f48_the_old_one_stays_until_the_new_one_is_proved() {
    let folder = tempfile::tempdir().unwrap();
    let (old, new) = (folder.path().join("pw"), folder.path().join("pw.new"));
    let keep = keep(folder.path());
    keep.pending(&secret("canary-new")).unwrap();
    assert_eq!(read(&old).unwrap(), "canary-old\n");
    assert_eq!(read(&new).unwrap(), "canary-new\n");
    keep.settled(&secret("canary-new"), true);
    assert_eq!(read(&old).unwrap(), "canary-new\n");
    assert_eq!(fs::metadata(&old).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(read(&new), None);
    keep.tell(&profile(folder.path(), "password = \"file:pw\"")).unwrap();
}

#[test]
fn a_refused_one_leaves_no_trace() {
    let folder = tempfile::tempdir().unwrap();
    let keep = keep(folder.path());
    keep.pending(&secret("canary-new")).unwrap();
    keep.settled(&secret("canary-new"), false);
    assert_eq!(read(&folder.path().join("pw")).unwrap(), "canary-old\n");
    assert_eq!(read(&folder.path().join("pw.new")), None);
    let names = fs::read_dir(folder.path()).unwrap().count();
    assert_eq!(names, 2, "the profile file and the password");
}

#[test]
fn what_cannot_be_kept_stops_the_sending() {
    let folder = tempfile::tempdir().unwrap();
    let source = "password = \"file:nowhere/pw\"";
    let keep = Keep::of(&profile(folder.path(), source), CredentialKind::Password);
    let refusal = keep.pending(&secret("canary-new")).unwrap_err();
    assert!(refusal.what.contains("nowhere/pw.new cannot be written"), "{refusal:?}");
    assert!(!format!("{refusal:?}").contains("canary"));
}

#[test]
fn where_nothing_is_sent_nothing_is_left_behind() {
    let folder = tempfile::tempdir().unwrap();
    let new = folder.path().join("pw.new");
    let nowhere = || keep(folder.path()).also(Some(folder.path().join("nowhere/copy")), None);
    let refusal = nowhere().unwrap().pending(&secret("canary-new")).unwrap_err();
    assert!(refusal.what.contains("nowhere/copy.new cannot be written"), "{refusal:?}");
    assert_eq!(read(&new), None);
    // What an earlier try has left is not this call's to remove.
    keep(folder.path()).pending(&secret("canary-new")).unwrap();
    nowhere().unwrap().pending(&secret("canary-new")).unwrap_err();
    assert_eq!(read(&new).unwrap(), "canary-new\n");
}

#[test]
fn one_that_no_file_gives_back_is_refused_before_it_is_sent() {
    let folder = tempfile::tempdir().unwrap();
    let refusal = keep(folder.path()).pending(&secret("canary-new\r")).unwrap_err();
    assert!(refusal.what.contains("ends in a carriage return"), "{refusal:?}");
    assert_eq!(read(&folder.path().join("pw.new")), None);
    for comes_back in ["canary\r new", "canary-new\n", "canary-new "] {
        let keep = keep(folder.path());
        keep.pending(&secret(comes_back)).unwrap();
        keep.settled(&secret(comes_back), true);
        let found = source::from_file(&folder.path().join("pw")).unwrap();
        assert_eq!(found.expose(), comes_back);
    }
}

#[test]
fn one_that_holds_and_cannot_be_put_in_place_is_an_error_that_says_where_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let keep = keep(folder.path());
    keep.pending(&secret("canary-new")).unwrap();
    fs::remove_file(folder.path().join("pw")).unwrap();
    fs::create_dir(folder.path().join("pw")).unwrap();
    keep.settled(&secret("canary-new"), true);
    let problem = keep.tell(&profile(folder.path(), "password = \"file:pw\"")).unwrap_err();
    assert_eq!(problem.exit(), Exit::Store);
    assert!(problem.lines().contains("pw.new: move it"), "{}", problem.lines());
    assert_eq!(read(&folder.path().join("pw.new")).unwrap(), "canary-new\n");
}

#[test]
fn a_link_stays_and_its_target_is_replaced() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("real"), "canary-old\n").unwrap();
    symlink(folder.path().join("real"), folder.path().join("pw")).unwrap();
    let profile = profile(folder.path(), "password = \"file:pw\"");
    let keep = Keep::of(&profile, CredentialKind::Password);
    keep.pending(&secret("canary-new")).unwrap();
    keep.settled(&secret("canary-new"), true);
    assert!(fs::symlink_metadata(folder.path().join("pw")).unwrap().is_symlink());
    assert_eq!(fs::read_to_string(folder.path().join("real")).unwrap(), "canary-new\n");
}

#[test]
fn a_copy_overwrites_nothing_but_what_the_profile_reads() {
    let folder = tempfile::tempdir().unwrap();
    let keep = keep(folder.path());
    fs::write(folder.path().join("other"), "canary-other").unwrap();
    assert!(keep.clone().also(Some(folder.path().join("pw")), None).is_ok());
    assert!(keep.clone().also(Some(folder.path().join("free")), None).is_ok());
    let refused = keep.also(Some(folder.path().join("other")), None).err().unwrap();
    assert!(refused.lines().contains("it is not overwritten"), "{}", refused.lines());
}

#[test]
fn a_source_that_is_read_only_is_told_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let of = |source: &str| {
        left_to_do(&profile(folder.path(), source), CredentialKind::Password).unwrap_or_default()
    };
    assert!(of("password = \"env:HUB\"").contains("set the environment variable HUB"));
    assert!(of("password = \"command:pass show hub\"").contains("the profile's command"));
    assert_eq!(of("password = \"file:pw\""), "");
    assert_eq!(of("password = \"prompt\""), "");
}

#[test]
fn f48_what_an_earlier_try_has_left_is_neither_overwritten_nor_removed() {
    let folder = tempfile::tempdir().unwrap();
    let new = folder.path().join("pw.new");
    keep(folder.path()).pending(&secret("canary-first")).unwrap();
    // The answer is lost, and another process begins again.
    let again = keep(folder.path());
    let refusal = again.pending(&secret("canary-second")).unwrap_err();
    assert!(refusal.what.contains("pw.new keeps the password of an earlier try"), "{refusal:?}");
    assert!(!format!("{refusal:?}").contains("canary-"), "{refusal:?}");
    assert_eq!(read(&new).unwrap(), "canary-first\n");
    // What was not kept is not settled either.
    again.settled(&secret("canary-second"), false);
    assert_eq!(read(&new).unwrap(), "canary-first\n");

    // It goes on with what is there; a refusal says nothing about the first try.
    let earlier = keep(folder.path());
    let (path, found) = earlier.earlier().unwrap();
    assert_eq!((path, found.expose()), (new.clone(), "canary-first"));
    earlier.pending(&found).unwrap();
    earlier.pending(&found).unwrap();
    earlier.settled(&found, false);
    assert_eq!(read(&new).unwrap(), "canary-first\n");
    earlier.settled(&found, true);
    assert_eq!(read(&folder.path().join("pw")).unwrap(), "canary-first\n");
    assert_eq!(read(&new), None);
}

#[test]
fn f48_a_process_that_has_found_out_removes_what_another_has_left() {
    let folder = tempfile::tempdir().unwrap();
    keep(folder.path()).pending(&secret("canary-new")).unwrap();
    keep(folder.path()).settled(&secret("canary-new"), false);
    assert_eq!(read(&folder.path().join("pw.new")), None);
}

#[test]
fn a_secret_of_an_authenticator_gives_way_to_the_next_one_and_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.toml");
    let text = "[profiles.it]\nprovider = \"cognito\"\ntotp_secret = \"file:totp\"\n";
    fs::write(&path, text).unwrap();
    let profile = ProfileFile::read(&path).unwrap().profile(None).unwrap();
    let beside = |name: &str| fs::read_to_string(folder.path().join(name)).ok();
    for n in ["ONE", "TWO", "THREE"] {
        Keep::of(&profile, CredentialKind::TotpSecret).pending(&secret(n)).unwrap();
    }
    assert_eq!(beside("totp.new").unwrap(), "THREE\n");
    assert_eq!(beside("totp.new.1").unwrap(), "ONE\n");
    assert_eq!(beside("totp.new.2").unwrap(), "TWO\n");
}
