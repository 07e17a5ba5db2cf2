//! What is promised for other systems compiles there: `cargo check` for their targets.
//!
//! Their C code cannot be built from here, so TLS is left out.

mod wine;

use std::process::Command;

use crate::Result;
use crate::workspace::{cargo, find_program, output, succeed};

const SYSTEMS: [(&str, &str); 2] =
    [("macOS", "aarch64-apple-darwin"), ("Windows", "x86_64-pc-windows-msvc")];

/// What of the facade is for all of them.
const FEATURES: &str = "cognito,ibanera,ibex,igny8,wikimedia,tower,middleware,redis,file,keyring";

const WHAT: &str = "docs/decisions/0018-what-the-file-store-promises-where.md";

pub(crate) fn run(args: &[String]) -> Result<()> {
    let run = match args {
        [] => false,
        [flag] if flag == "--run" => true,
        _ => return Err("usage: cargo xtask elsewhere [--run]".into()),
    };
    for (system, target) in SYSTEMS {
        if !is_there(target)? {
            println!("left out: {system}; `rustup target add {target}` gets what it needs");
            continue;
        }
        succeed(checked(target).args([
            "--package",
            "countersign",
            "--no-default-features",
            "--features",
            FEATURES,
        ]))?;
        succeed(
            checked(target)
                .args(["--package", "countersign-cli", "--no-default-features"])
                .args(["--features", "keyring"]),
        )?;
        println!("{system} ({target}): {FEATURES}; the command line without TLS");
    }
    if run {
        wine::run()?;
    }
    println!("what the file store promises on each: {WHAT}");
    Ok(())
}

/// `cargo check` for `target`, with every warning an error.
fn checked(target: &str) -> Command {
    let mut command = cargo();
    command.args(["check", "--locked", "--quiet", "--target", target]);
    // Of the target alone: what is built for this machine keeps its flags.
    command.env("RUSTFLAGS", "-D warnings");
    command
}

/// Whether the standard library for `target` is here. CI gets it by its ordinary client.
fn is_there(target: &str) -> Result<bool> {
    if find_program("rustup").is_none() {
        return Ok(false);
    }
    let installed = |target: &str| -> Result<bool> {
        let list = output(Command::new("rustup").args(["target", "list", "--installed"]))?;
        Ok(list.lines().any(|line| line.trim() == target))
    };
    if !installed(target)? && std::env::var("CI").is_ok_and(|ci| ci == "true") {
        // Where it cannot be had the check is left out, and says so.
        let _ = Command::new("rustup").args(["target", "add", target]).status();
    }
    installed(target)
}
