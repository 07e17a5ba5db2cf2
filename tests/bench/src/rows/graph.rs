//! W5b: crates of others in the graph, as `cargo xtask walls` counts them.

use std::process::{Command, Stdio};

use serde::Deserialize;

use super::Run;
use crate::Result;
use crate::row::{Row, Target};

/// What `cargo xtask walls --format json` prints for each tree that has a limit.
#[derive(Deserialize)]
struct Counted {
    name: String,
    count: u32,
    most: u32,
}

/// W5b.
pub(crate) fn crates(_: Run) -> Result<Vec<Row>> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["run", "--quiet", "--locked", "--package", "xtask", "--"])
        .args(["walls", "--format", "json"])
        .stderr(Stdio::inherit())
        .output()?;
    if !output.status.success() {
        return Err(format!("`cargo xtask walls` ended with {}", output.status).into());
    }
    let counted: Vec<Counted> = serde_json::from_slice(&output.stdout)?;
    if counted.is_empty() {
        return Err("`cargo xtask walls` counted nothing".into());
    }
    Ok(counted
        .into_iter()
        .map(|counted| {
            let most = Target::AtMost(f64::from(counted.most));
            let id = format!("W5b/{}", counted.name.replace("countersign-", "").replace(' ', "-"));
            let what = format!("crates of others: {}", counted.name);
            Row::counted(id, what, f64::from(counted.count), most)
        })
        .collect())
}
