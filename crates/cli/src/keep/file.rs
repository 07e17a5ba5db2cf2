//! Files of secrets: written whole or not at all, readable for their owner alone from the first byte.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use countersign_core::SecretString;

use crate::protected::Refusal;

/// Where a secret lies until it is proved: `password.txt.new` beside `password.txt`.
pub(crate) fn beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    name.into()
}

/// Writes `secret` and a line end to `path`, in place of what is there.
pub(super) fn write(path: &Path, secret: &SecretString) -> Result<(), Refusal> {
    try_write(path, secret).map_err(|error| unwritable(path, &error))
}

/// Puts `secret` where the old one was, and removes what lay beside it. A link is followed: what it
/// points to is replaced.
pub(super) fn replace(path: &Path, secret: &SecretString) -> Result<(), Refusal> {
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    write(&target, secret)?;
    remove(&beside(path))
}

/// Removes a file, if it is there.
pub(super) fn remove(path: &Path) -> Result<(), Refusal> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(unwritable(path, &error)),
        _ => Ok(()),
    }
}

fn try_write(path: &Path, secret: &SecretString) -> io::Result<()> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    // Of mode 600 from its creation; gone again if anything fails.
    let mut file = tempfile::Builder::new().prefix(".countersign-").tempfile_in(folder)?;
    file.write_all(secret.expose().as_bytes())?;
    file.write_all(b"\n")?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    // The name is on the disk only when its folder is.
    File::open(folder)?.sync_all()
}

fn unwritable(path: &Path, error: &io::Error) -> Refusal {
    Refusal::new(
        format!("{} cannot be written: {error}", path.display()),
        "make its folder yours, and writable for you",
    )
}
