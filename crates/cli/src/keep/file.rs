//! Files of secrets: written whole or not at all, readable for their owner alone from the first byte.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use countersign_core::SecretString;
use tempfile::NamedTempFile;

use crate::protected::Refusal;
use crate::source;

/// So many secrets of earlier tries may lie beside each other.
const MOST_ASIDE: usize = 9;

/// Where a secret lies until it is proved: `password.txt.new` beside `password.txt`.
pub(crate) fn beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    name.into()
}

/// What lies beside a file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Lies {
    /// Nothing.
    Nothing,
    /// The secret that was asked about.
    This,
    /// Another one, or something that cannot be read.
    Other,
}

/// What lies beside `path`, held against `secret`.
pub(super) fn lies_beside(path: &Path, secret: &SecretString) -> Lies {
    let beside = beside(path);
    match source::from_file(&beside) {
        Ok(found) if found.matches(secret) => Lies::This,
        Err(_) if fs::symlink_metadata(&beside).is_err() => Lies::Nothing,
        _ => Lies::Other,
    }
}

/// Gives what lies beside `path` another name, and tells it.
pub(super) fn set_aside(path: &Path) -> Result<PathBuf, Refusal> {
    let beside = beside(path);
    for n in 1..=MOST_ASIDE {
        let mut name = beside.as_os_str().to_owned();
        name.push(format!(".{n}"));
        let aside = PathBuf::from(name);
        // A link is made only where there is nothing, so that no other one is lost to it.
        match fs::hard_link(&beside, &aside) {
            Ok(()) => return remove(&beside).map(|()| aside),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(unwritable(&aside, &error)),
        }
    }
    Err(Refusal::new(
        format!("{} and {MOST_ASIDE} more keep secrets of earlier tries", beside.display()),
        "remove those that no authenticator needs",
    ))
}

/// Writes `secret` and a line end beside `path`, where there is nothing.
pub(super) fn write_beside(path: &Path, secret: &SecretString) -> Result<(), Refusal> {
    let beside = beside(path);
    let written = prepared(&beside, secret).and_then(|(file, folder)| {
        let file = file.persist_noclobber(&beside).map_err(|error| error.error)?;
        settle(&file, &folder).inspect_err(|_| drop(remove(&beside)))
    });
    written.map_err(|error| unwritable(&beside, &error))
}

/// Puts `secret` where the old one was, and removes it from beside it. A link is followed: what it
/// points to is replaced.
pub(super) fn replace(path: &Path, secret: &SecretString) -> Result<(), Refusal> {
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let written = prepared(&target, secret).and_then(|(file, folder)| {
        let file = file.persist(&target).map_err(|error| error.error)?;
        settle(&file, &folder)
    });
    written.map_err(|error| unwritable(&target, &error))?;
    withdraw(path, secret)
}

/// Removes `secret` from beside `path`; another one stays.
pub(super) fn withdraw(path: &Path, secret: &SecretString) -> Result<(), Refusal> {
    if lies_beside(path, secret) == Lies::This { remove(&beside(path)) } else { Ok(()) }
}

/// Removes a file, if it is there.
fn remove(path: &Path) -> Result<(), Refusal> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(unwritable(path, &error)),
        _ => Ok(()),
    }
}

/// Makes the name of a file survive a crash: a name is on the disk only when its folder is.
#[cfg(unix)]
fn settle(_file: &File, folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// The same where no folder can be synced: the file is, under its name.
#[cfg(not(unix))]
fn settle(file: &File, _folder: &Path) -> io::Result<()> {
    file.sync_all()
}

/// A file of `secret` and a line end in the folder of `path`, and that folder.
fn prepared(path: &Path, secret: &SecretString) -> io::Result<(NamedTempFile, PathBuf)> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    // Where there are no modes, what others could read is not written.
    #[cfg(windows)]
    crate::protected::check_place(folder)?;
    // Of mode 600 from its creation; gone again if anything fails.
    let mut file = tempfile::Builder::new().prefix(".countersign-").tempfile_in(folder)?;
    file.write_all(secret.expose().as_bytes())?;
    file.write_all(b"\n")?;
    file.as_file().sync_all()?;
    Ok((file, folder.to_owned()))
}

fn unwritable(path: &Path, error: &io::Error) -> Refusal {
    Refusal::new(
        format!("{} cannot be written: {error}", path.display()),
        "make its folder yours, and writable for you",
    )
}
