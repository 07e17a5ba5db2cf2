//! W5a: from the start of a process to its first token: CPU and peak memory.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use super::Run;
use crate::Result;
use crate::contest::Contest;
use crate::row::{Measure, Row, Target, Unit};
use crate::server::Server;
use crate::start::Spent;

/// Milliseconds from start to first token without TLS or client, where the target was set.
const USUAL_START: f64 = 2.1;

/// W5a: a program that signs in, and the command line's `token` on a fresh token, built as programs are shipped
/// (`--profile dist`). A quick run takes what lies beside it, and leaves the command line out, which is not built
/// for it.
pub(crate) fn first_token(run: Run) -> Result<Vec<Row>> {
    let server = Server::start()?;
    let program = |name| if run.quick { beside(name) } else { shipped(name) };
    let (raw, token) = (program("bench-raw-token")?, program("bench-token")?);
    let mut rows = beside_the_least(
        run,
        "program",
        "a keeper over reqwest signs in",
        || under_watch(&raw, server.url()),
        || under_watch(&token, server.url()),
    )?;
    if !run.quick {
        let countersign = shipped("countersign")?;
        let home = Home::signed_in(&countersign)?;
        rows.extend(beside_the_least(
            run,
            "cli",
            "`countersign token`, fresh in the file store",
            || under_watch(&raw, server.url()),
            || {
                let mut command = home.command(&beside("bench-spent")?);
                command.arg(&countersign).args(["token", "--profile", "hub"]);
                spent(&mut command)
            },
        )?);
    }
    Ok(rows)
}

/// Two rows: CPU and peak memory.
fn beside_the_least(
    run: Run,
    name: &str,
    what: &str,
    limit: impl Fn() -> Result<Spent>,
    ours: impl Fn() -> Result<Spent>,
) -> Result<Vec<Row>> {
    let (mut peaks, mut least) = (Vec::new(), Vec::new());
    let kept = |spent: Spent, peaks: &mut Vec<f64>| {
        peaks.push(spent.peak_kib as f64 / 1_024.0);
        spent.cpu_us as f64 / 1_000.0
    };
    let figures = Contest::new(run.rounds(41))
        .with(|| Ok(kept(limit()?, &mut least)))
        .with(|| Ok(kept(ours()?, &mut peaks)))
        .run()?;
    let cpu = Row::measured(
        format!("W5a/{name}"),
        format!("CPU from start to first token: {what}; limit: a raw socket"),
        (Measure::Cpu, Unit::Milliseconds),
        figures.of(1),
        Some(figures.of(0)),
        Target::AtMost(3.0),
    )
    .map(|row| row.set_where_the_limit_takes(USUAL_START));
    let memory = Row::measured(
        format!("W5a/{name}/memory"),
        format!("peak memory of the same: {what}"),
        (Measure::Memory, Unit::Mebibytes),
        &peaks,
        Some(&least),
        Target::AtMost(5.0),
    );
    Ok(cpu.into_iter().chain(memory).collect())
}

/// Runs a program with the server's address.
fn under_watch(program: &Path, url: &str) -> Result<Spent> {
    spent(Command::new(beside("bench-spent")?).arg(program).arg(url))
}

/// A program of the same build.
fn beside(name: &str) -> Result<PathBuf> {
    built(std::env::current_exe()?.with_file_name(name))
}

/// A program of the build that is shipped, which lies in a folder of its own.
fn shipped(name: &str) -> Result<PathBuf> {
    let here = std::env::current_exe()?;
    let target = here.parent().and_then(Path::parent).ok_or("this program lies in no folder")?;
    built(target.join("dist").join(name))
}

fn built(program: PathBuf) -> Result<PathBuf> {
    if !program.is_file() {
        let shown = program.display();
        return Err(format!("{shown} is not built: `cargo xtask bench` builds it").into());
    }
    Ok(program)
}

fn spent(command: &mut Command) -> Result<Spent> {
    let output = command.stderr(Stdio::inherit()).output()?;
    if !output.status.success() {
        return Err(
            format!("a program that was to be measured ended with {}", output.status).into()
        );
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// A folder with a profile and a store in which somebody is signed in, and the simulator behind it.
struct Home {
    folder: TempDir,
    simulator: Child,
    password: String,
}

impl Home {
    fn signed_in(countersign: &Path) -> Result<Self> {
        let mut simulator = Command::new(countersign)
            .args(["simulate", "ibex", "--json", "--until-eof"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut line = String::new();
        let said = simulator.stdout.take().ok_or("the simulator has no output")?;
        BufReader::new(said).read_line(&mut line)?;
        let values: BTreeMap<String, String> = serde_json::from_str(&line)?;
        let value = |key: &str| values.get(key).ok_or(format!("the simulator shows no {key}"));
        let home =
            Self { folder: TempDir::new()?, simulator, password: value("password")?.clone() };
        let profile = format!(
            "[profiles.hub]\nprovider = \"ibex\"\nbase_url = \"{}\"\nidentity = \"{}\"\n\
             password = \"env:HUB_PASSWORD\"\n",
            value("url")?,
            value("identity")?,
        );
        std::fs::write(home.folder.path().join("config.toml"), profile)?;
        let status = home
            .command(countersign)
            .args(["login", "--profile", "hub"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()?;
        if !status.success() {
            return Err(format!("`countersign login` ended with {status}").into());
        }
        Ok(home)
    }

    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command
            .env_clear()
            .env("HOME", self.folder.path())
            .env("COUNTERSIGN_CONFIG", self.folder.path().join("config.toml"))
            .env("COUNTERSIGN_STATE", self.folder.path().join("state"))
            .env("HUB_PASSWORD", &self.password)
            .stdin(Stdio::null());
        command
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        drop(self.simulator.stdin.take());
        let _ = self.simulator.kill();
        let _ = self.simulator.wait();
    }
}
