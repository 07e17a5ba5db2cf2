//! Files and folders are ours alone, or they are refused.

use std::fs::{self, DirBuilder, File, Metadata, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::Path;

use countersign_core::Error;
use rustix::fs::OFlags;
use rustix::io::Errno;

use crate::fault;

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
        let made = DirBuilder::new().recursive(true).mode(0o700).create(path);
        made.map_err(|source| fault::io("create", path, source))?;
        sync_parent(path);
    }
    check_folder(path)
}

/// Makes `path` if it is missing and can be made, and checks it. A store that cannot be written can
/// still be read.
pub(crate) fn folder_if_writable(path: &Path) -> Result<(), Error> {
    if is_missing(path)? {
        match DirBuilder::new().mode(0o700).create(path) {
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
    checked(path, OpenOptions::new().read(true), links, "read")
}

/// Opens `path` to read and write it in place, and makes it if it is missing.
pub(crate) fn open_or_create(path: &Path) -> Result<(File, Metadata), Error> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).mode(0o600);
    let opened = checked(path, &mut options, Links::One, "write")?;
    opened.ok_or_else(|| fault::io("write", path, io::ErrorKind::NotFound.into()))
}

/// Makes `path`, which must not exist.
pub(crate) fn create_new(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create_new(true)
        .mode(0o600)
        .custom_flags(flags())
        .open(path)
}

/// Whether we may write in the folder `path`.
pub(crate) fn is_writable(path: &Path) -> bool {
    rustix::fs::access(path, rustix::fs::Access::WRITE_OK).is_ok()
}

/// Makes what happened in the folder `path` survive a crash.
pub(crate) fn sync_folder(path: &Path) -> Result<(), Error> {
    let synced = File::open(path).and_then(|folder| folder.sync_all());
    synced.map_err(|source| fault::io("sync", path, source))
}

/// As far as it goes: the folder above need not be ours.
fn sync_parent(path: &Path) {
    if let Some(parent) = path.parent() {
        let _ = sync_folder(parent);
    }
}

fn checked(
    path: &Path,
    options: &mut OpenOptions,
    links: Links,
    doing: &str,
) -> Result<Option<(File, Metadata)>, Error> {
    let file = match options.custom_flags(flags()).open(path) {
        Ok(file) => file,
        Err(fault) if fault.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(fault) if is_link(&fault) => return Err(link(path)),
        Err(source) => return Err(fault::io(doing, path, source)),
    };
    let facts = file.metadata().map_err(|source| fault::io(doing, path, source))?;
    if !facts.is_file() {
        return Err(fault::unsafe_file(path, "is not a plain file; remove it"));
    }
    check_owner(path, &facts)?;
    if facts.mode() & 0o077 != 0 {
        let what = format!("is open to other users; run: chmod 600 {}", path.display());
        return Err(fault::unsafe_file(path, &what));
    }
    if links == Links::One && facts.nlink() > 1 {
        let what = format!("has {} names (hard links); remove the others", facts.nlink());
        return Err(fault::unsafe_file(path, &what));
    }
    Ok(Some((file, facts)))
}

/// A link in the last place is not followed, and a pipe in the place of a file does not make us wait.
fn flags() -> i32 {
    (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed()
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
    if facts.is_symlink() {
        return Err(link(path));
    }
    if !facts.is_dir() {
        return Err(fault::unsafe_file(path, "is not a folder; choose another place"));
    }
    check_owner(path, &facts)?;
    if facts.mode() & 0o077 != 0 {
        let what = format!("is open to other users; run: chmod 700 {}", path.display());
        return Err(fault::unsafe_file(path, &what));
    }
    Ok(())
}

fn check_owner(path: &Path, facts: &Metadata) -> Result<(), Error> {
    if facts.uid() == rustix::process::geteuid().as_raw() {
        return Ok(());
    }
    let what = format!("belongs to user {}; choose a folder of your own", facts.uid());
    Err(fault::unsafe_file(path, &what))
}

fn link(path: &Path) -> Error {
    fault::unsafe_file(path, "is a symbolic link; name the place that it leads to instead")
}

/// Linux answers ELOOP, FreeBSD EMLINK.
fn is_link(fault: &io::Error) -> bool {
    let code = fault.raw_os_error();
    code == Some(Errno::LOOP.raw_os_error()) || code == Some(Errno::MLINK.raw_os_error())
}
