//! `cargo package` for every crate that is published, all in one call: they depend on one
//! another, and cargo then takes each from the others' packages where no registry has it.
//!
//! With `--verify` each package is built from what it holds alone, which builds everything once
//! more. CI does without: that no source file reaches outside of its package is a rule of `tidy`.

use crate::Result;
use crate::workspace::{Package, cargo, members, succeed};

/// What goes with every copy of the code.
pub(crate) const LICENCES: &[&str] = &["LICENSE-APACHE", "LICENSE-MIT"];

pub(crate) fn run(args: &[String]) -> Result<()> {
    let mut command = cargo();
    command.args(["package", "--workspace", "--allow-dirty"]);
    match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => command.arg("--no-verify"),
        ["--verify"] => &mut command,
        _ => return Err("usage: cargo xtask package [--verify]".into()),
    };
    for package in members()? {
        if package.published {
            carries_its_licences(&package)?;
        } else {
            command.args(["--exclude", &package.name]);
        }
    }
    succeed(&mut command)
}

/// Cargo packs what lies in a package's folder; a link to the workspace's file becomes the file.
fn carries_its_licences(package: &Package) -> Result<()> {
    match LICENCES.iter().find(|licence| !package.dir.join(licence).is_file()) {
        None => Ok(()),
        Some(licence) => Err(format!(
            "{} has no {licence}: link it there from the workspace's folder (ln -s)",
            package.name
        )
        .into()),
    }
}
