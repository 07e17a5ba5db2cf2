//! Makes two roots out of the runtime's `lib.rs`: one of its files as they are, and one of copies into
//! which the faults of `src/seeds.rs` are written. Neither has the runtime's `sync`.

#![expect(clippy::expect_used, reason = "a build script that cannot go on fails")]

#[allow(unreachable_pub, reason = "the library tells of them")]
#[path = "src/seeds.rs"]
mod seeds;

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

fn main() {
    let here = PathBuf::from(std::env::var_os("CARGO_MANIFEST_DIR").expect("set by cargo"));
    let out = PathBuf::from(std::env::var_os("OUT_DIR").expect("set by cargo"));
    let sources = here.join("../../crates/runtime/src");
    let sources = sources.canonicalize().expect("the runtime's sources");
    println!("cargo::rerun-if-changed={}", sources.display());
    println!("cargo::rerun-if-changed=src/seeds.rs");

    let root = fs::read_to_string(sources.join("lib.rs")).expect("the runtime's root");
    fs::write(out.join("driver.rs"), root_over(&root, &sources)).expect("write");

    let copies = out.join("copies");
    fs::create_dir_all(&copies).expect("a folder for copies");
    let misfits = copy_with_faults(&root, &sources, &copies);
    fs::write(out.join("faulty_driver.rs"), root_over(&root, &copies)).expect("write");
    fs::write(out.join("misfits.rs"), format!("&{misfits:?}")).expect("write");
}

/// The modules that a root names, but for those that the model has of its own or does not need.
fn modules(root: &str) -> impl Iterator<Item = &str> {
    root.lines()
        .filter_map(|line| line.strip_prefix("mod ")?.strip_suffix(';'))
        .filter(|name| !matches!(*name, "sync" | "tests"))
}

/// `root` with every module taken from `folder`.
fn root_over(root: &str, folder: &Path) -> String {
    let mut made = String::new();
    let declared: Vec<&str> = modules(root).collect();
    for line in root.lines().filter(|line| !line.starts_with("//!")) {
        match line.strip_prefix("mod ").and_then(|rest| rest.strip_suffix(';')) {
            Some(name) if declared.contains(&name) => {
                let file = folder.join(format!("{name}.rs"));
                writeln!(made, "#[path = {file:?}]\n{line}").expect("into a string");
            }
            Some(_) => {}
            None if line.trim() == "#[cfg(test)]" => {}
            None => writeln!(made, "{line}").expect("into a string"),
        }
    }
    made
}

/// Copies every module; answers the faults that fit nowhere any more.
fn copy_with_faults(root: &str, sources: &Path, copies: &Path) -> Vec<&'static str> {
    let mut misfits = Vec::new();
    for name in modules(root) {
        let file = format!("{name}.rs");
        let mut text = fs::read_to_string(sources.join(&file)).expect("a module of the runtime");
        for seed in seeds::SEEDS {
            for (_, find, put) in seed.changes.iter().filter(|(at, ..)| *at == file) {
                if text.matches(find).count() == 1 {
                    let put =
                        put.replace("SEEDED", &format!("crate::sync::seeded({:?})", seed.name));
                    text = text.replace(find, &put);
                } else {
                    misfits.push(seed.name);
                }
            }
        }
        // Tests of the modules belong to the runtime.
        let text = text.split("\n#[cfg(test)]\n").next().unwrap_or_default().to_owned();
        fs::write(copies.join(&file), text).expect("write");
    }
    misfits
}
