//! The command as its users meet it: exit codes, remedies, and a report that is as it is documented.

#![expect(clippy::expect_used, reason = "what a test cannot set up stops it")]

use std::collections::BTreeSet;
use std::process::{Command, Output};

use serde_json::Value;

fn conformance(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_conformance")).args(args).output().expect("the command")
}

fn refused(args: &[&str]) -> String {
    let done = conformance(args);
    assert_eq!(done.status.code(), Some(2), "{args:?}");
    assert!(done.stdout.is_empty(), "{args:?}");
    String::from_utf8(done.stderr).expect("text")
}

#[test]
fn an_unknown_name_is_refused_with_the_nearest_known_one() {
    assert!(refused(&["--provider", "ibx"]).contains("did you mean `ibex`?"));
    assert!(
        refused(&["--case", "f07-droped-caller"]).contains("did you mean `f07-dropped-caller`?")
    );
    assert!(refused(&["--case", "\u{1b}[2J"]).contains(r"\u{1b}[2J"));
    assert!(refused(&["--group", "concurency"]).contains("did you mean `concurrency`?"));
    let why = refused(&["--self-check", "--defect", "bearer-for-row"]);
    assert!(why.contains("did you mean `bearer-for-raw`?"), "{why}");
    assert!(refused(&["--seed", "xyz"]).contains("hexadecimal"));
}

#[test]
fn a_folder_that_cannot_be_written_is_refused_with_a_remedy() {
    let file = tempfile::NamedTempFile::new().expect("a file");
    let below = file.path().join("below");
    let why = refused(&["--case", "f01-herd", "--out", &below.display().to_string()]);
    assert!(why.contains("name another --out"), "{why}");
}

#[test]
fn the_same_seed_gives_the_same_exchanges() {
    let run = || {
        let args =
            ["--provider", "ibanera", "--case", "sign-in", "--seed", "5eed", "--format", "json"];
        let done = conformance(&args);
        assert_eq!(done.status.code(), Some(0), "{}", String::from_utf8_lossy(&done.stderr));
        let mut report: Value = serde_json::from_slice(&done.stdout).expect("JSON");
        assert_eq!(report["seed"], "0000000000005eed");
        report["providers"][0]["cases"][0]["timeline"].take()
    };
    assert_eq!(run(), run());
}

#[test]
fn every_member_of_the_report_is_documented() {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("new").display().to_string();
    let args = ["--provider", "ibex", "--group", "concurrency", "--group", "delivery"];
    let done = conformance(&[&args[..], &["--format", "json", "--out", &out]].concat());
    assert_eq!(done.status.code(), Some(0), "{}", String::from_utf8_lossy(&done.stderr));
    let text = std::fs::read(format!("{out}/conformance.json")).expect("the report");
    let report: Value = serde_json::from_slice(&text).expect("JSON");
    let document = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/CONFORMANCE.md");
    let document = std::fs::read_to_string(document).expect("the document");
    let mut members = BTreeSet::new();
    collect(&report, &mut members);
    assert!(members.contains("answered_ms") && members.contains("what"), "{members:?}");
    let named = |member: &&String| {
        let ends = [format!("`{member}`"), format!("].{member}`")];
        !ends.iter().any(|end| document.contains(end))
    };
    let missing: Vec<_> = members.iter().filter(named).collect();
    assert!(missing.is_empty(), "not in docs/CONFORMANCE.md: {missing:?}");
}

fn collect(value: &Value, members: &mut BTreeSet<String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| collect(item, members)),
        Value::Object(object) => {
            members.extend(object.keys().cloned());
            object.values().for_each(|item| collect(item, members));
        }
        _ => {}
    }
}
