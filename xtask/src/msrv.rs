//! The workspace's `rust-version` is no lower than that of anything it uses.
//!
//! What of the standard library our own code uses is checked by clippy's `incompatible_msrv`,
//! which is on by default and reads the same `rust-version`.

use crate::workspace::everything;
use crate::{Result, no_arguments};

/// Major, minor, patch.
type Version = (u32, u32, u32);

pub(crate) fn run(args: &[String]) -> Result<()> {
    no_arguments(args)?;
    let packages = everything()?;
    let (ours, others): (Vec<_>, Vec<_>) = packages.iter().partition(|package| package.member);

    let mut promised: Option<Version> = None;
    for package in &ours {
        let Some(version) = package.rust_version.as_deref().and_then(parse) else {
            return Err(format!("{} inherits no rust-version", package.name).into());
        };
        promised = Some(promised.map_or(version, |lowest| lowest.min(version)));
    }
    let promised = promised.ok_or("the workspace has no packages")?;

    let mut silent = 0;
    let mut newer = Vec::new();
    let mut highest: Option<(Version, String)> = None;
    for package in &others {
        let Some(version) = package.rust_version.as_deref().and_then(parse) else {
            silent += 1;
            continue;
        };
        let name = format!("{} {}", package.name, package.version);
        if version > promised {
            newer.push(format!("{name} asks for Rust {}", show(version)));
        }
        if highest.as_ref().is_none_or(|(most, _)| version > *most) {
            highest = Some((version, name));
        }
    }
    println!(
        "rust-version {}; {} crates of others, {silent} without a rust-version",
        show(promised),
        others.len()
    );
    if let Some((version, name)) = highest {
        println!("the newest that any asks for is {} ({name})", show(version));
    }
    if newer.is_empty() { Ok(()) } else { Err(format!("\n  {}", newer.join("\n  ")).into()) }
}

/// Reads `1.89` or `1.89.0`.
fn parse(text: &str) -> Option<Version> {
    let mut parts = text.split('.').map(str::parse);
    let major = parts.next()?.ok()?;
    let minor = parts.next().unwrap_or(Ok(0)).ok()?;
    let patch = parts.next().unwrap_or(Ok(0)).ok()?;
    Some((major, minor, patch))
}

fn show((major, minor, patch): Version) -> String {
    if patch == 0 { format!("{major}.{minor}") } else { format!("{major}.{minor}.{patch}") }
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn versions_compare_as_numbers() {
        assert_eq!(parse("1.89"), Some((1, 89, 0)));
        assert_eq!(parse("1.85.1"), Some((1, 85, 1)));
        assert!(parse("1.9") < parse("1.89"));
        assert_eq!(parse("nightly"), None);
    }
}
