//! What each feature of the facade costs who turns it on: crates, CPU seconds, bytes.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use crate::Result;
use crate::clocks::ended_children_cpu;

/// A table, in Markdown: one line for each feature, the first for none. Lines are shown as they come.
pub(crate) fn lean(
    asked: &[String],
    bytes: bool,
    mut shown: impl FnMut(String),
    mut told: impl FnMut(String),
) -> Result<()> {
    let facade = Facade::found()?;
    let program = Program::new(&facade)?;
    let column = if bytes { " bytes of a stripped program |" } else { "" };
    shown(format!("| feature | crates of others | CPU seconds of a clean check |{column}"));
    shown(format!("|---|---|---|{}", if bytes { "---|" } else { "" }));
    let all = std::iter::once(String::new()).chain(facade.features.iter().cloned());
    for feature in all.filter(|f| asked.is_empty() || asked.contains(f)) {
        let name = if feature.is_empty() { "none" } else { &feature };
        told(format!("measuring {name}"));
        let (crates, spent) = (facade.crates(&feature)?, facade.spent(&feature)?);
        let mut line = format!("| {name} | {crates} | {:.0} |", spent.as_secs_f64());
        if bytes {
            line.push_str(&format!(" {} |", program.bytes(&feature)?));
        }
        shown(line);
    }
    Ok(())
}

/// The facade as cargo knows it.
struct Facade {
    folder: String,
    /// Where `Cargo.lock` is.
    root: PathBuf,
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
            root: metadata["workspace_root"].as_str().ok_or("there is no workspace")?.into(),
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

    fn reaches_reqwest(&self, feature: &str) -> Result<bool> {
        let mut tree = cargo();
        tree.args(["tree", "--package", "countersign", "--edges", "normal", "--prefix", "none"]);
        tree.args(["--no-default-features", "--features", feature]);
        Ok(output(&mut tree)?.lines().any(|line| line.starts_with("reqwest ")))
    }

    /// From nothing, with the crates already downloaded.
    fn spent(&self, feature: &str) -> Result<Duration> {
        let target = TempDir::new()?;
        let mut check = cargo();
        check
            .args(["check", "--quiet", "--locked", "--package", "countersign"])
            .args(["--no-default-features", "--features", feature, "--target-dir"])
            .arg(target.path());
        // What somebody waits for depends on their machine, and on who else works on it.
        let before = ended_children_cpu()?;
        output(&mut check)?;
        Ok(ended_children_cpu()?.saturating_sub(before))
    }
}

/// A program that uses one feature, as somebody would who has just that one. All of them are built into one folder:
/// bytes do not depend on what was built before.
struct Program<'a> {
    facade: &'a Facade,
    folder: TempDir,
}

impl<'a> Program<'a> {
    fn new(facade: &'a Facade) -> Result<Self> {
        let folder = TempDir::new()?;
        std::fs::create_dir(folder.path().join("src"))?;
        // The versions of this workspace, so that nothing is looked up.
        std::fs::copy(facade.root.join("Cargo.lock"), folder.path().join("Cargo.lock"))?;
        Ok(Self { facade, folder })
    }

    fn bytes(&self, feature: &str) -> Result<u64> {
        let features = if feature.is_empty() { String::new() } else { format!("\"{feature}\"") };
        let client = self.facade.reaches_reqwest(feature)?;
        let reqwest = "reqwest = { version = \"0.13\", default-features = false }\n";
        let manifest = format!(
            "[package]\nname = \"lean\"\nversion = \"0.0.0\"\nedition = \"2024\"\n[workspace]\n\
             [profile.release]\nstrip = true\n[dependencies]\n\
             countersign = {{ path = {:?}, features = [{features}] }}\n\
             tokio = {{ version = \"1\", features = [\"rt\", \"time\"] }}\n{}",
            self.facade.folder,
            if client { reqwest } else { "" }
        );
        let folder = self.folder.path();
        std::fs::write(folder.join("Cargo.toml"), manifest)?;
        std::fs::write(folder.join("src/main.rs"), source(feature, client))?;
        let mut build = cargo();
        output(build.current_dir(folder).args(["build", "--quiet", "--release"]))?;
        Ok(std::fs::metadata(folder.join("target/release/lean"))?.len())
    }
}

/// What a feature is there for, used once. It is built and never run; what nobody calls would not be linked.
fn source(feature: &str, client: bool) -> String {
    let transport = ".transport(countersign::reqwest::Client::lazy(reqwest::Client::builder)?)";
    let store = match feature {
        "file" | "keyring" => ".store(countersign::FileStore::open(\"state\")?)",
        "redis" => ".store(countersign::RedisStore::builder(\"unix:///redis\", keys)?.build()?)",
        _ => "",
    };
    let at = |name: &str| format!("countersign::{feature}::{name}::at(\"http://127.0.0.1:9\")?");
    let provider = match feature {
        "cognito" => {
            Some("countersign::cognito::Cognito::pool(\"eu-west-1_A\", \"b\")?".to_owned())
        }
        "ibanera" => Some(at("Ibanera")),
        "ibex" => Some(at("Ibex")),
        "igny8" => Some(at("Igny8")),
        "wikimedia" => Some(at("Wikimedia")),
        _ => None,
    };
    let session = match provider {
        Some(provider) => format!("keeper.session({provider}, \"kim\").open().await?"),
        None => "countersign::Session::fixed(\"token\")?".to_owned(),
    };
    let keys = "let key = countersign::SecretBytes::copy_from(&[7; 32]);\n\
                let keys = countersign::SealKeys::new(1, key);\n";
    format!(
        "fn main() -> Result<(), Box<dyn std::error::Error>> {{\n\
         let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;\n\
         {}let keeper = countersign::Keeper::builder(){}{store}.build()?;\n\
         runtime.block_on(async {{\n\
         let session = {session};\n\
         println!(\"{{}}\", session.authorization().await.is_ok());\n\
         drop(keeper);\nOk(())\n}})\n}}\n",
        if feature == "redis" { keys } else { "" },
        if client { transport } else { "" },
    )
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

#[cfg(test)]
mod tests {
    use super::source;

    #[test]
    fn what_a_feature_brings_is_used() {
        assert!(source("ibex", false).contains("Ibex::at("));
        assert!(source("cognito", false).contains("keeper.session(countersign::cognito::"));
        assert!(source("file", false).contains(".store(countersign::FileStore"));
        assert!(source("rustls", true).contains(".transport("));
        assert!(!source("", false).contains("transport"));
    }
}
