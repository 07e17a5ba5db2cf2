//! Files and folders are ours alone, or they are refused.

use std::fs::{self, File, Metadata};
use std::io;
use std::path::Path;

use countersign_core::Error;

use crate::fault;
use crate::system::{self, Doing, Parents};
use crate::wait::patiently;

/// How many names a file may have.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Links {
    /// One; none if it was just replaced.
    One,
    /// Any: nothing is lost if it has two.
    Any,
}

/// Makes `path` with its parents if it is missing, and checks it.
pub(crate) fn folder(path: &Path) -> Result<(), Error> {
    if is_missing(path)? {
        let made = system::new_folder(path, Parents::Made);
        made.map_err(|source| fault::io("create", path, source))?;
        sync_parent(path);
    }
    check_folder(path)
}

/// Makes `path` if it is missing and can be made, and checks it. A store that cannot be written can
/// still be read.
pub(crate) fn folder_if_writable(path: &Path) -> Result<(), Error> {
    if is_missing(path)? {
        match system::new_folder(path, Parents::There) {
            Ok(()) => sync_parent(path),
            Err(fault) if fault.kind() == io::ErrorKind::AlreadyExists => {}
            Err(source) if fault::is_read_only(&source) => return Ok(()),
            Err(source) => return Err(fault::io("create", path, source)),
        }
    }
    check_folder(path)
}

/// Opens `path` to read it; `None` if there is no such file.
pub(crate) fn open(path: &Path, links: Links) -> Result<Option<(File, Metadata)>, Error> {
    match patiently(Doing::Opening, || system::open(path)) {
        Ok(file) => checked(path, file, links, "read").map(Some),
        Err(fault) if fault.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(refused(path, "read", source)),
    }
}

/// Opens `path` to lock it, and to read and write it in place, and makes it if it is missing; `None` if somebody
/// holds it.
pub(crate) fn open_to_lock(path: &Path) -> Result<Option<(File, Metadata)>, Error> {
    match system::open_to_lock(path) {
        Ok(file) => checked(path, file, Links::One, "write").map(Some),
        Err(fault) if system::is_locked_out(&fault) => Ok(None),
        Err(source) => Err(refused(path, "write", source)),
    }
}

/// Puts the file `from` in the place of `to`, at one stroke.
pub(crate) fn rename(from: &Path, to: &Path) -> io::Result<()> {
    system::may_change(from).and_then(|()| system::may_change(to))?;
    patiently(Doing::Changing, || fs::rename(from, to))
}

/// Removes the file `path`.
pub(crate) fn remove(path: &Path) -> io::Result<()> {
    system::may_change(path)?;
    patiently(Doing::Changing, || fs::remove_file(path))
}

/// Makes what happened in the folder `path` survive a crash.
pub(crate) fn sync_folder(path: &Path) -> Result<(), Error> {
    system::sync_folder(path).map_err(|source| fault::io("sync", path, source))
}

/// As far as it goes: the folder above need not be ours.
fn sync_parent(path: &Path) {
    if let Some(parent) = path.parent() {
        let _ = sync_folder(parent);
    }
}

fn checked(path: &Path, file: File, links: Links, doing: &str) -> Result<(File, Metadata), Error> {
    let failed = |source| fault::io(doing, path, source);
    let facts = file.metadata().map_err(failed)?;
    if system::is_link(&facts) {
        return Err(fault::unsafe_file(path, system::LINK));
    }
    if !facts.is_file() {
        return Err(fault::unsafe_file(path, NO_FILE));
    }
    if let Some(what) = system::objection(path, &facts) {
        return Err(fault::unsafe_file(path, &what));
    }
    if links == Links::One {
        let n = system::links(&file, &facts).map_err(failed)?;
        if n > 1 {
            let what = format!("has {n} names (hard links); remove the others");
            return Err(fault::unsafe_file(path, &what));
        }
    }
    Ok((file, facts))
}

const NO_FILE: &str = "is not a plain file; remove it";

/// Why a file could not be opened. That it is a link or a folder is told by how it looks now.
fn refused(path: &Path, doing: &str, source: io::Error) -> Error {
    match fs::symlink_metadata(path) {
        Ok(facts) if system::is_link(&facts) => fault::unsafe_file(path, system::LINK),
        Ok(facts) if facts.is_dir() => fault::unsafe_file(path, NO_FILE),
        _ => fault::io(doing, path, source),
    }
}

fn is_missing(path: &Path) -> Result<bool, Error> {
    match fs::symlink_metadata(path) {
        Ok(_) => Ok(false),
        Err(fault) if fault.kind() == io::ErrorKind::NotFound => Ok(true),
        Err(source) => Err(fault::io("look at", path, source)),
    }
}

/// Checks that `path` is a folder of ours alone.
pub(crate) fn check_folder(path: &Path) -> Result<(), Error> {
    let facts = fs::symlink_metadata(path).map_err(|source| fault::io("look at", path, source))?;
    if system::is_link(&facts) {
        return Err(fault::unsafe_file(path, system::LINK));
    }
    if !facts.is_dir() {
        return Err(fault::unsafe_file(path, "is not a folder; choose another place"));
    }
    match system::objection(path, &facts) {
        Some(what) => Err(fault::unsafe_file(path, &what)),
        None => Ok(()),
    }
}
