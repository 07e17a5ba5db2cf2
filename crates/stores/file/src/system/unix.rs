//! Unix: each file has an owner and a mode, and locks are `flock`.

use std::fs::{self, DirBuilder, File, Metadata, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use countersign_core::Error;
use etcetera::BaseStrategy;
use rustix::fs::{Access, OFlags};

use super::{Doing, Parents, Place};

/// What to do where something may not be done.
pub(crate) const DENIED: &str = "check the owner and the mode of the folder that it is in";
/// What a link is, and what to do.
pub(crate) const LINK: &str = "is a symbolic link; name the place that it leads to instead";
/// What keeps others from a file.
pub(crate) const GUARD: &str = "its mode";

/// Two that are equal are one file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Identity {
    device: u64,
    inode: u64,
}

impl Identity {
    fn of(facts: &Metadata) -> Self {
        Self { device: facts.dev(), inode: facts.ino() }
    }
}

/// Which file is open.
pub(crate) fn identity(_file: &File, facts: &Metadata) -> io::Result<Identity> {
    Ok(Identity::of(facts))
}

/// Which file is at `path`.
pub(crate) fn identity_at(path: &Path) -> io::Result<Identity> {
    fs::symlink_metadata(path).map(|facts| Identity::of(&facts))
}

/// How many names an open file has.
pub(crate) fn links(_file: &File, facts: &Metadata) -> io::Result<u64> {
    Ok(facts.nlink())
}

/// Whether it leads to another place.
pub(crate) fn is_link(facts: &Metadata) -> bool {
    facts.is_symlink()
}

/// Why the file or folder `path` is not ours alone, and what to do; `None` if it is.
pub(crate) fn objection(path: &Path, facts: &Metadata) -> Option<String> {
    if facts.uid() != rustix::process::geteuid().as_raw() {
        return Some(format!("belongs to user {}; choose a folder of your own", facts.uid()));
    }
    if facts.mode() & 0o077 != 0 {
        let right = if facts.is_dir() { "700" } else { "600" };
        return Some(format!("is open to other users; run: chmod {right} {}", path.display()));
    }
    None
}

/// Owner and mode tell, wherever it is.
pub(crate) fn check_place(root: PathBuf, _place: Place) -> Result<PathBuf, Error> {
    Ok(root)
}

/// The user's folder for what a program keeps on this machine; `None` if he has no home.
pub(crate) fn default_folder() -> Option<PathBuf> {
    let places = etcetera::choose_base_strategy().ok()?;
    Some(places.state_dir().unwrap_or_else(|| places.data_dir()))
}

/// Makes a folder that is the owner's alone from the first moment.
pub(crate) fn new_folder(path: &Path, parents: Parents) -> io::Result<()> {
    DirBuilder::new().recursive(parents == Parents::Made).mode(0o700).create(path)
}

/// Opens a file to read it.
pub(crate) fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).custom_flags(flags()).open(path)
}

/// Opens a file to lock it, and to read and write it in place; makes it if it is missing.
pub(crate) fn open_to_lock(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).mode(0o600).custom_flags(flags()).open(path)
}

/// Makes a file, which must not exist.
pub(crate) fn create_new(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create_new(true).mode(0o600).custom_flags(flags());
    let file = options.open(path)?;
    // Only keeps the sweep of others away; without locks the age does.
    let _ = file.try_lock();
    Ok(file)
}

/// A link in the last place is not followed, and a pipe in the place of a file does not make us wait.
fn flags() -> i32 {
    (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed()
}

/// Whether somebody holds the lock, if [`open_to_lock`] has failed.
pub(crate) fn is_locked_out(_fault: &io::Error) -> bool {
    false
}

/// Locks what [`open_to_lock`] has opened; false if somebody holds it.
pub(crate) fn lock(file: &File) -> io::Result<bool> {
    match file.try_lock() {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(source)) => Err(source),
    }
}

/// Whether somebody holds the lock of a file, or still writes it. It is shared for a moment.
pub(crate) fn is_held(_path: &Path, file: &File) -> bool {
    file.try_lock_shared().is_err()
}

/// How long it is worth trying again what has failed. Nobody's open file stands in the way here.
pub(crate) fn passes_within(_fault: &io::Error, _doing: Doing) -> Option<Duration> {
    None
}

/// Whether another program has the file open in a way that excludes us.
pub(crate) fn is_busy(_fault: &io::Error) -> bool {
    false
}

/// The folder alone decides who may replace or remove what is in it.
pub(crate) fn may_change(_path: &Path) -> io::Result<()> {
    Ok(())
}

/// Whether we may write in the folder `path`.
pub(crate) fn is_writable(path: &Path) -> bool {
    rustix::fs::access(path, Access::WRITE_OK).is_ok()
}

/// The sync of the folder is all that a new name needs.
pub(crate) fn settle(_renamed: &File) -> io::Result<()> {
    Ok(())
}

/// Makes what happened in the folder `path` survive a crash.
pub(crate) fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

/// Reads from a place in the file; 0 at its end.
pub(crate) fn read_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    file.read_at(buffer, offset)
}

/// Writes to a place in the file.
pub(crate) fn write_all_at(file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
    file.write_all_at(bytes, offset)
}
