//! The promise of `new-provider`, kept in a copy of the workspace: what it writes is green at once.
//!
//! The copy lives in the target folder and is built into the *same* target folder, since everything of
//! others is there already. Cargo names what it builds of a path package by the path inside of its
//! workspace, so two copies would write to the same names and take one another's artefacts for their own.
//! The copy's crates therefore have another version (`+trial` after it), which makes every name another.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::name::Name;
use crate::Result;
use crate::totals::Totals;
use crate::workspace::{SELECTION, cargo, root, succeed, target_dir, tracked};

pub(super) fn run(word: &str) -> Result<()> {
    let name = Name::parse(word)?;
    let trial = Trial { copy: copied()?, target: target_dir()? };
    trial.xtask(&["new-provider", word])?;

    let again = trial.cargo(&["run", "--quiet", "--package", "xtask", "--", "new-provider", word]);
    refused(again, "is taken")?;

    trial.step("form", &["fmt", "--all", "--check"])?;
    trial.xtask(&["tidy"])?;
    let krate = name.fill("countersign-acme");
    let feature = [
        "check",
        "--quiet",
        "--package",
        "countersign",
        "--no-default-features",
        "--features",
        word,
    ];
    trial.step("the facade with this feature alone", &feature)?;
    let lint = ["clippy", "--quiet", "--package", &krate, "--package", "countersign-simulator"];
    trial.step("clippy", &[&lint[..], &["--all-targets", "--", "-D", "warnings"]].concat())?;
    trial.tests("of the adapter", &["--package", &krate])?;
    let module = name.fill("acme::");
    trial.tests("of the simulator", &["--package", "countersign-simulator", "--lib", &module])?;
    trial.tests("of its fixtures", &[&SELECTION[..], &["--test", "fixtures"]].concat())?;
    trial.xtask(&["conformance", "--provider", word])?;
    println!("new-provider: `{word}` is green from the first minute");
    Ok(())
}

/// A copy of the workspace, and where it is built.
struct Trial {
    copy: PathBuf,
    target: PathBuf,
}

impl Trial {
    fn cargo(&self, args: &[&str]) -> Command {
        let mut command = cargo();
        command.args(args).current_dir(&self.copy).env("CARGO_TARGET_DIR", &self.target);
        command
    }

    fn xtask(&self, args: &[&str]) -> Result<()> {
        self.step(args[0], &[&["run", "--quiet", "--package", "xtask", "--"], args].concat())
    }

    fn step(&self, what: &str, args: &[&str]) -> Result<()> {
        succeed(&mut self.cargo(args))?;
        println!("trial: {what}: well");
        Ok(())
    }

    /// Runs tests; that none was found is a failure too.
    fn tests(&self, what: &str, args: &[&str]) -> Result<()> {
        let output =
            self.cargo(&["test", "--quiet"]).args(args).stderr(Stdio::inherit()).output()?;
        let said = String::from_utf8_lossy(&output.stdout);
        let mut totals = Totals::default();
        said.lines().filter_map(Totals::of_libtest).for_each(|found| totals += found);
        if !output.status.success() || totals.failed > 0 {
            return Err(format!("the tests {what} fail\n{said}").into());
        }
        if totals.run() == 0 {
            return Err(format!("there are no tests {what}\n{said}").into());
        }
        println!("trial: {} tests {what}", totals.run());
        Ok(())
    }
}

/// A command must fail, and say why.
fn refused(mut command: Command, why: &str) -> Result<()> {
    let output = command.output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    if output.status.success() || !said.contains(why) {
        return Err(
            format!("a second `new-provider` is not refused as it should be: {said}").into()
        );
    }
    println!("trial: a second time is refused");
    Ok(())
}

/// Makes the copy, or brings it up to date; files that are as they were keep their time, so that cargo
/// does not build them again.
fn copied() -> Result<PathBuf> {
    let copy = target_dir()?.join("xtask").join("new-provider");
    std::fs::create_dir_all(&copy)?;
    if !copy.join(".git").exists() {
        // `tidy` asks git which files there are.
        succeed(Command::new("git").args(["init", "--quiet"]).current_dir(&copy))?;
    }
    let mut wanted = BTreeSet::new();
    for path in tracked()? {
        let Ok(mut bytes) = std::fs::read(root().join(&path)) else { continue };
        if path == "Cargo.toml" {
            bytes = with_other_version(&String::from_utf8(bytes)?)?.into_bytes();
        }
        let file = copy.join(&path);
        wanted.insert(file.clone());
        if std::fs::read(&file).is_ok_and(|there| there == bytes) {
            continue;
        }
        if let Some(folder) = file.parent() {
            std::fs::create_dir_all(folder)?;
        }
        std::fs::write(&file, bytes)?;
    }
    remove_others(&copy, &wanted)?;
    Ok(copy)
}

fn with_other_version(manifest: &str) -> Result<String> {
    let (before, after) = manifest
        .split_once("[workspace.package]\nversion = \"")
        .ok_or("Cargo.toml begins otherwise")?;
    let (version, rest) = after.split_once('"').ok_or("the version has no end")?;
    Ok(format!("{before}[workspace.package]\nversion = \"{version}+trial\"{rest}"))
}

/// Removes what an earlier trial has left.
fn remove_others(folder: &Path, wanted: &BTreeSet<PathBuf>) -> Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.ends_with(".git") {
            continue;
        } else if path.is_dir() {
            remove_others(&path, wanted)?;
            if std::fs::read_dir(&path)?.next().is_none() {
                std::fs::remove_dir(&path)?;
            }
        } else if !wanted.contains(&path) {
            std::fs::remove_file(&path)?;
        }
    }
    Ok(())
}
