//! `cargo xtask new-provider acme`: an adapter with all that goes with it, green from the first minute.
//!
//! What is written works, for an API that is made up: a password sign-in and a refresh over JSON. Its
//! author then changes it, fact by fact, into the real one (docs/ADDING_A_PROVIDER.md). The templates are
//! files of their own under `xtask/templates/provider`, for a provider `acme`.
//!
//! `cargo xtask new-provider --try` does it in a copy of the workspace and proves what it promises.

mod edits;
mod lines;
mod name;
mod plan;
mod trial;

#[cfg(test)]
mod tests;

use std::path::Path;
use std::process::Stdio;

use self::name::Name;
use self::plan::{Planned, plan};
use crate::Result;
use crate::workspace::{cargo, root, succeed};

const USAGE: &str =
    "usage: cargo xtask new-provider NAME, or --try [NAME] for a copy of the workspace";

pub(crate) fn run(args: &[String]) -> Result<()> {
    match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["--try"] => trial::run("nimbus42"),
        ["--try", word] => trial::run(word),
        [word] if !word.starts_with('-') => write(root(), &Name::parse(word)?),
        _ => Err(USAGE.into()),
    }
}

fn write(root: &Path, name: &Name) -> Result<()> {
    name.check_free(root)?;
    let planned = plan(root, name)?;
    for Planned { path, text, .. } in &planned {
        let file = root.join(path);
        if let Some(folder) = file.parent() {
            std::fs::create_dir_all(folder)?;
        }
        std::fs::write(&file, text).map_err(|error| format!("{path}: {error}"))?;
    }
    // A longer or shorter name breaks lines elsewhere than the template's.
    let krate = format!("countersign-{}", name.word);
    let ours = [
        "countersign",
        "countersign-simulator",
        "countersign-conformance-runner",
        "countersign-tests",
        &krate,
    ];
    succeed(cargo().arg("fmt").args(ours.iter().flat_map(|package| ["--package", *package])))?;
    // Cargo.lock learns of the crate; it depends on nothing that is not there already.
    let locked =
        cargo().args(["metadata", "--format-version", "1"]).stdout(Stdio::null()).status()?;
    if !locked.success() {
        return Err("the files are written, and cargo cannot read the workspace; see above".into());
    }
    say(name, &planned);
    Ok(())
}

fn say(name: &Name, planned: &[Planned]) {
    println!("new:");
    for Planned { path, .. } in planned.iter().filter(|file| file.what.is_none()) {
        println!("  {path}");
    }
    println!("changed:");
    for Planned { path, what, .. } in planned {
        if let Some(what) = what {
            println!("  {path}: {what}");
        }
    }
    println!(
        "{}",
        name.fill(
            "
It speaks an API that is made up, and is green now:
  cargo test -p countersign-acme
  cargo test -p countersign-simulator acme::
  cargo test -p countersign-tests --test fixtures --test wire
  cargo xtask conformance --provider acme

Next (docs/ADDING_A_PROVIDER.md leads through it):
  1. the vendor's facts into crates/providers/acme/src/lib.rs: documented, settings, not known
  2. cases from them into tests/fixtures/acme, then the adapter until they hold
  3. the server into crates/simulator/src/acme, from the facts and not from the adapter
  4. what can be done into capabilities(), then the cases of the conformance suite
  5. cargo xtask tidy, walls, features; a profile in crates/cli/src/providers"
        )
    );
}
