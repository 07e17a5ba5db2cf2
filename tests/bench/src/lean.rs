//! What each feature of the facade costs who turns it on: crates, seconds, bytes.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use crate::Result;
use crate::clocks::timed;

/// The process's clock would show what cargo costs; what somebody waits for is wall time.
use crate::clocks::wall;

/// A table, in Markdown: one line for each feature, the first for none.
pub(crate) fn lean(asked: &[String], bytes: bool, mut told: impl FnMut(String)) -> Result<String> {
    let facade = Facade::found()?;
    let mut text = String::from("| feature | crates of others | seconds of a clean check |");
    text.push_str(if bytes { " bytes of a stripped program |\n" } else { "\n" });
    text.push_str(if bytes { "|---|---|---|---|\n" } else { "|---|---|---|\n" });
    let all = std::iter::once(String::new()).chain(facade.features.iter().cloned());
    for feature in all.filter(|f| asked.is_empty() || asked.contains(f)) {
        let name = if feature.is_empty() { "none" } else { &feature };
        told(format!("measuring {name}"));
        let crates = facade.crates(&feature)?;
        let seconds = facade.seconds(&feature)?;
        // Writing to a string does not fail.
        let _ = write!(text, "| {name} | {crates} | {:.0} |", seconds.as_secs_f64());
        if bytes {
            let _ = write!(text, " {} |", facade.bytes(&feature)?);
        }
        text.push('\n');
    }
    Ok(text)
}

/// The facade as cargo knows it.
struct Facade {
    folder: String,
    features: Vec<String>,
}

impl Facade {
    fn found() -> Result<Self> {
        let text = output(cargo().args(["metadata", "--format-version", "1", "--no-deps"]))?;
        let metadata: Value = serde_json::from_str(&text)?;
        let packages = metadata["packages"].as_array().ok_or("cargo shows no packages")?;
        let facade = packages.iter().find(|package| package["name"] == "countersign");
        let facade = facade.ok_or("there is no facade")?;
        let manifest = facade["manifest_path"].as_str().ok_or("the facade has no manifest")?;
        let folder = Path::new(manifest).parent().ok_or("the facade has no folder")?;
        let features = facade["features"].as_object().ok_or("the facade has no features")?;
        Ok(Self {
            folder: folder.display().to_string(),
            features: features.keys().cloned().collect(),
        })
    }

    fn crates(&self, feature: &str) -> Result<usize> {
        let text = output(cargo().args([
            "tree",
            "--package",
            "countersign",
            "--edges",
            "normal",
            "--prefix",
            "none",
            "--no-dedupe",
            "--no-default-features",
            "--features",
            feature,
        ]))?;
        let others = text.lines().filter(|line| !line.contains("(/") && !line.is_empty());
        Ok(others.map(|line| line.replace(" (proc-macro)", "")).collect::<BTreeSet<_>>().len())
    }

    /// From nothing, with the crates already downloaded.
    fn seconds(&self, feature: &str) -> Result<Duration> {
        let target = TempDir::new()?;
        let mut check = cargo();
        check
            .args(["check", "--quiet", "--locked", "--package", "countersign"])
            .args(["--no-default-features", "--features", feature, "--target-dir"])
            .arg(target.path());
        let (took, said) = timed(wall, || output(&mut check));
        said.map(|_| took)
    }

    /// Of a program whose only line takes a keeper's builder in its hands, and with a client one of
    /// those.
    fn bytes(&self, feature: &str) -> Result<u64> {
        let folder = TempDir::new()?;
        let features = if feature.is_empty() { String::new() } else { format!("\"{feature}\"") };
        let manifest = format!(
            "[package]\nname = \"lean\"\nversion = \"0.0.0\"\nedition = \"2024\"\n[workspace]\n\
             [dependencies]\ncountersign = {{ path = {:?}, features = [{features}] }}\n\
             reqwest = {{ version = \"0.13\", default-features = false, optional = true }}\n\
             [features]\nclient = [\"dep:reqwest\"]\n[profile.release]\nstrip = true\n",
            self.folder
        );
        let with_client = !output(cargo().args([
            "tree",
            "--package",
            "countersign",
            "--no-default-features",
            "--features",
            feature,
            "--invert",
            "reqwest",
        ]))
        .unwrap_or_default()
        .is_empty();
        let client = "let client = countersign::reqwest::Client::new(reqwest::Client::builder());\n\
                      println!(\"{}\", client.is_ok());\n";
        let program = format!(
            "fn main() {{\n{}let keeper = countersign::Keeper::builder().build();\n\
             println!(\"{{}}\", keeper.is_ok());\n}}\n",
            if with_client { client } else { "" }
        );
        std::fs::create_dir(folder.path().join("src"))?;
        std::fs::write(folder.path().join("Cargo.toml"), manifest)?;
        std::fs::write(folder.path().join("src/main.rs"), program)?;
        let mut build = cargo();
        build.current_dir(folder.path()).args(["build", "--quiet", "--release"]);
        if with_client {
            build.args(["--features", "client"]);
        }
        output(&mut build)?;
        Ok(std::fs::metadata(folder.path().join("target/release/lean"))?.len())
    }
}

fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    // A check that is clean for one feature must not be so for the next.
    command.env_remove("CARGO_TARGET_DIR").env("CARGO_INCREMENTAL", "0");
    command
}

fn output(command: &mut Command) -> Result<String> {
    let output = command.stderr(Stdio::inherit()).output()?;
    if !output.status.success() {
        return Err(format!("cargo ended with {}", output.status).into());
    }
    Ok(String::from_utf8(output.stdout)?)
}
