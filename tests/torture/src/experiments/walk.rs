//! The walk of the real machine, two hosts over one store, through everything that can happen within small
//! bounds: `crates/core/tests/walk`, run and read here. A host may crash between any two effects of it, and
//! a task may go in the middle of any step.

use std::process::Stdio;

use tokio::process::Command;

use super::{Cx, End, Failure};
use crate::findings::Findings;

/// Rules of the design that the walk asserts by name, and that a crash could break.
const RULES: &[&str] = &[
    "commit-before-publish",
    "journal-before-send",
    "lock-before-send",
    "never-twice",
    "never-forget",
    "serve-while-good",
    "dead-stays-dead",
    "refused-secret",
    "lockout",
    "one-answer",
    "sign-out-wins",
    "rejected-birth",
];

const SOURCES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../crates/core/tests/walk");

pub(crate) async fn run(cx: Cx) -> Result<End, Failure> {
    if cx.quick {
        return Ok(End::Skipped(
            "`cargo xtask test` has run it already where --quick is for".into(),
        ));
    }
    let Some(cargo) = std::env::var_os("CARGO") else {
        return Ok(End::Skipped("not started by cargo, which runs the walk".into()));
    };
    let out = Command::new(cargo)
        .args([
            "test",
            "--locked",
            "--package",
            "countersign-core",
            "--test",
            "walk",
            "--",
            "--nocapture",
        ])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .stdin(Stdio::null())
        .output()
        .await?;
    let said = String::from_utf8_lossy(&out.stdout);
    let mut findings = Findings::default();
    let lines: Vec<&str> = said.lines().filter(|line| line.starts_with("walk: ")).collect();
    for line in lines.iter().filter(|line| !line.starts_with("walk: defect")) {
        findings.note(line);
    }
    findings.claim(
        out.status.success() && !lines.is_empty(),
        "no rule of the design is broken, and every seeded defect breaks its own",
    );
    let hosts = said.lines().find_map(|line| line.strip_prefix("walk: crashes "));
    findings.claim(
        hosts.is_some_and(|told| told.ends_with("none is missing")),
        format!(
            "a crash of either host was met between any two effects: {}",
            hosts.unwrap_or("not told")
        ),
    );
    let missing = missing()?;
    findings.claim(
        missing.is_empty(),
        format!("{} rules are asserted by name {missing:?}", RULES.len()),
    );
    Ok(End::Findings(findings))
}

/// Rules whose name is in no assertion of the walk.
fn missing() -> Result<Vec<&'static str>, Failure> {
    let mut text = String::new();
    for entry in std::fs::read_dir(SOURCES)? {
        text += &std::fs::read_to_string(entry?.path())?;
    }
    let asserted = |rule: &&&str| {
        !text.contains(&format!("Err(\"{rule}")) && !text.contains(&format!("\"{rule}:"))
    };
    Ok(RULES.iter().filter(asserted).copied().collect())
}
