//! Writes that fail, in a process of its own: before its mark, and between the answer and the commit.

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt;
use std::process::Stdio;
use std::time::Duration;

use countersign_simulator::{Fault, Operation, Times};
use tokio::process::Command;

use super::Failure;
use crate::findings::Findings;
use crate::kind::Kind;
use crate::plan::Task;
use crate::process::Process;
use crate::spoil::{Spoil, Spoilt};
use crate::stage::Stage;

const LIFE: Duration = Duration::from_secs(3600);

/// Each spoiling, and a word of the remedy that must be told.
const ALL: [(Spoil, &str); 4] = [
    (Spoil::Full, "no space left"),
    (Spoil::Limit, "size of files"),
    (Spoil::ReadOnly, "read-only"),
    (Spoil::Removed, "bring it back"),
];

pub(super) async fn run(findings: &mut Findings) -> Result<(), Failure> {
    let mounts = can_mount().await;
    for (spoil, remedy) in ALL {
        if matches!(spoil, Spoil::Full | Spoil::ReadOnly) && !mounts {
            findings
                .left_out(format!("{spoil:?}: this user may not mount in a namespace of its own"));
            continue;
        }
        one(spoil, remedy, findings).await?;
    }
    Ok(())
}

async fn can_mount() -> bool {
    let tried = Command::new("unshare")
        .args(["-m", "mount", "-t", "tmpfs", "tmpfs", "/mnt"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .await;
    tried.is_ok_and(|status| status.success())
}

/// A shell that prepares the disk, then becomes the process: the mount is that process's alone.
fn prepared(spoil: Spoil, stage: &Stage) -> Result<Command, Failure> {
    let binary = std::env::current_exe()?;
    let mount = r#"mount -t tmpfs -o size=512k,mode=700 tmpfs "$1" && shift && exec "$@""#;
    let mut command;
    match spoil {
        Spoil::Full | Spoil::ReadOnly => {
            command = Command::new("unshare");
            command.args(["-m", "sh", "-c", mount, "sh"]).arg(stage.store());
        }
        Spoil::Limit => {
            command = Command::new("sh");
            command.args(["-c", r#"trap "" XFSZ; exec "$@""#, "sh"]);
        }
        Spoil::Removed => {
            command = Command::new("env");
        }
    }
    command.arg(binary);
    Ok(command)
}

async fn one(spoil: Spoil, remedy: &str, findings: &mut Findings) -> Result<(), Failure> {
    let stage = Stage::new(Kind::NoGrace, LIFE).await?;
    DirBuilder::new().mode(0o700).create(stage.store())?;
    let mut plan = stage.plan(Task::Spoil(spoil));
    plan.phase = Some(stage.phase_file(0));
    // Whoever waits for a renewal hears in time what holds it up.
    plan.caller_deadline_ms = 5_000;
    let delay = Fault::Delay(Duration::from_millis(700));
    stage.simulator.inject(Operation::REFRESH, delay, Times::Forever);
    let report = Process::start_as(prepared(spoil, &stage)?, &plan).await?.report().await?;
    let report = report.ok_or_else(|| format!("{spoil:?}: the process has died"))?;
    let found: Spoilt = report.spoilt.clone().unwrap_or_default();
    findings.claim(
        found.told.contains(remedy) && found.served,
        format!(
            "{spoil:?}: a renewal is refused before anything is sent, and the remedy told: {}",
            found.told
        ),
    );
    if let Some(unsaved) = found.unsaved {
        findings.claim(
            unsaved && found.unsaved_told.contains(remedy),
            format!(
                "{spoil:?}: what was bought and cannot be written is served as unsaved, and said so: {}",
                found.unsaved_told
            ),
        );
    }
    findings.claim(
        found.healed && found.saved,
        format!("{spoil:?}: when the disk is good again both are written: {found:?}"),
    );
    let seen = stage.seen();
    findings.claim(
        seen.sign_ins == 1
            && seen.spent_presented == 0
            && seen.refused == 0
            && report.generation == seen.exchanges(),
        format!(
            "{spoil:?}: nothing is lost: {} exchanges, generation {}, {seen:?}",
            seen.exchanges(),
            report.generation
        ),
    );
    Ok(())
}
