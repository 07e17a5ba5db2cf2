//! Vectors of SRP from a second implementation, made once for each version of the script.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Result;
use crate::workspace::output;

const SCRIPT: &str = "srp_vectors.py";

/// The file that holds them. It takes a minute or two to make: numbers are searched.
pub(crate) fn made(python: &Path, scripts: &Path, home: &Path) -> Result<PathBuf> {
    let script = scripts.join(SCRIPT);
    let (file, stamp) = (home.join("srp_vectors.jsonl"), home.join("srp_vectors.made"));
    let wanted = std::fs::read(&script)?;
    if file.is_file() && std::fs::read(&stamp).is_ok_and(|made_by| made_by == wanted) {
        return Ok(file);
    }
    println!("searching SRP vectors with leading zeros, with pycognito");
    let vectors = output(Command::new(python).env("PYTHONDONTWRITEBYTECODE", "1").arg(&script))?;
    std::fs::write(&file, vectors)?;
    std::fs::write(&stamp, wanted)?;
    Ok(file)
}
