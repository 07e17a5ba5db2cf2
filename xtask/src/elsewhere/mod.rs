//! What is promised for other systems compiles there: `cargo check` for their targets.
//!
//! Their C code cannot be built from here, so TLS and the command-line tool are left out.

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
        succeed(
            cargo()
                .args(["check", "--locked", "--quiet", "--target", target])
                .args(["--package", "countersign", "--no-default-features", "--features", FEATURES])
                // Of the target alone: what is built for this machine keeps its flags.
                .env("RUSTFLAGS", "-D warnings"),
        )?;
        println!("{system} ({target}): {FEATURES}");
    }
    if run {
        wine::run()?;
    }
    println!("what the file store promises on each: {WHAT}");
    Ok(())
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
