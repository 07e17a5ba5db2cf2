//! Windows: a file is as private as the folder that it is made in, and a handle excludes others.
//!
//! Rust's handles are not inherited by the processes that are started, so a lock is never theirs.

use std::fs::{self, DirBuilder, File, Metadata, OpenOptions};
use std::io;
use std::os::windows::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Component, Path, PathBuf, Prefix};
use std::time::Duration;

use countersign_core::{Error, Recovery};
use etcetera::BaseStrategy;
use winapi_util::file::information;

use super::{Doing, Parents, Place};
use crate::fault;

/// What to do where something may not be done.
pub(crate) const DENIED: &str = "check who may write to the folder that it is in, and that the file is not marked \
                                 read-only (attrib -r)";
/// What a link is, and what to do.
pub(crate) const LINK: &str =
    "is a link or a junction (a reparse point); name the place that it leads to instead";
/// What keeps others from a file.
pub(crate) const GUARD: &str = "its folder";

/// How long another program is waited for that has a file for itself.
const OTHERS: Duration = Duration::from_secs(2);

// Of winnt.h and winbase.h.
const SHARE_READ: u32 = 1;
const SHARE_WRITE: u32 = 2;
const SHARE_DELETE: u32 = 4;
/// To make files and folders in a folder.
const ADD_FILE_AND_SUBDIRECTORY: u32 = 2 | 4;
/// The link itself is opened, and not what it leads to.
const OPEN_REPARSE_POINT: u32 = 0x0020_0000;
/// A folder is opened like a file.
const BACKUP_SEMANTICS: u32 = 0x0200_0000;
const ATTRIBUTE_REPARSE_POINT: u32 = 0x400;

// Of winerror.h.
const ERROR_INVALID_FUNCTION: i32 = 1;
const ERROR_ACCESS_DENIED: i32 = 5;
const ERROR_INVALID_HANDLE: i32 = 6;
const ERROR_SHARING_VIOLATION: i32 = 32;
const ERROR_LOCK_VIOLATION: i32 = 33;
const ERROR_NOT_SUPPORTED: i32 = 50;
const ERROR_INVALID_PARAMETER: i32 = 87;
const ERROR_DELETE_PENDING: i32 = 303;

/// Two that are equal are one file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Identity {
    volume: u64,
    index: u64,
}

/// Which file is open.
pub(crate) fn identity(file: &File, _facts: &Metadata) -> io::Result<Identity> {
    let facts = information(file)?;
    Ok(Identity { volume: facts.volume_serial_number(), index: facts.file_index() })
}

/// Which file is at `path`.
pub(crate) fn identity_at(path: &Path) -> io::Result<Identity> {
    let file = open(path)?;
    identity(&file, &file.metadata()?)
}

/// How many names an open file has.
pub(crate) fn links(file: &File, _facts: &Metadata) -> io::Result<u64> {
    information(file).map(|facts| facts.number_of_links())
}

/// Whether it leads to another place: symbolic links, junctions, and whatever else is not read as it lies there.
pub(crate) fn is_link(facts: &Metadata) -> bool {
    facts.is_symlink() || facts.file_attributes() & ATTRIBUTE_REPARSE_POINT != 0
}

/// Nothing is asked of a single file: see [`check_place`].
pub(crate) fn objection(_path: &Path, _facts: &Metadata) -> Option<String> {
    None
}

/// Checks that the folder `root`, which may be missing yet, is below the user's profile: what is made there can be
/// read by the user, the system and the administrators. Of another place the standard library cannot tell. Answers
/// the folder without links on the way to it: whoever may change these could lead us elsewhere later.
pub(crate) fn check_place(root: PathBuf, place: Place) -> Result<PathBuf, Error> {
    if place == Place::Vouched {
        return Ok(root);
    }
    let home = etcetera::home_dir().map_err(|_| fault::no_home())?;
    let profile = fs::canonicalize(&home).map_err(|source| fault::io("find", &home, source))?;
    // A server that a path names is told who we are when it is asked, so it is not, unless the profile is there.
    let real = match is_remote(&root) && !is_remote(&profile) {
        true => root.clone(),
        false if fs::symlink_metadata(&root).is_ok_and(|facts| is_link(&facts)) => {
            return Err(fault::unsafe_file(&root, LINK));
        }
        false => real_place(&root).map_err(|source| fault::io("find", &root, source))?,
    };
    if real.starts_with(&profile) {
        return Ok(plain(real));
    }
    let hint = format!(
        "{} is {}outside of {}, and whether others can read it cannot be told; choose a folder below that, or, if it \
         is yours alone, say so (`FileStore::open_vouched`)",
        root.display(),
        if is_remote(&real) { "on another machine and " } else { "" },
        home.display()
    );
    Err(fault::store("foreign_place", hint).with_recovery(Recovery::GiveUp))
}

/// `C:\…` for `\\?\C:\…`, if that is the same place.
fn plain(real: PathBuf) -> PathBuf {
    let short = real.to_str().and_then(|text| text.strip_prefix(r"\\?\")).map(PathBuf::from);
    match short {
        Some(short) if real_place(&short).is_ok_and(|there| there == real) => short,
        _ => real,
    }
}

/// `path` without links on the way to it, also if it is missing.
fn real_place(path: &Path) -> io::Result<PathBuf> {
    for there in path.ancestors() {
        match fs::canonicalize(there) {
            // To join nothing would add a separator.
            Ok(real) if there == path => return Ok(real),
            Ok(real) => return Ok(real.join(path.strip_prefix(there).unwrap_or(path))),
            Err(fault) if fault.kind() == io::ErrorKind::NotFound => {}
            Err(fault) => return Err(fault),
        }
    }
    Err(io::ErrorKind::NotFound.into())
}

/// Whether `path` names a server.
fn is_remote(path: &Path) -> bool {
    let Some(Component::Prefix(prefix)) = path.components().next() else { return false };
    matches!(prefix.kind(), Prefix::UNC(..) | Prefix::VerbatimUNC(..))
}

/// The user's folder for what a program keeps on this machine; `None` if he has no profile.
pub(crate) fn default_folder() -> Option<PathBuf> {
    // `%LOCALAPPDATA%`, as its name for a cache is. What it calls data roams to other machines.
    etcetera::base_strategy::Windows::new().ok().map(|places| places.cache_dir())
}

/// Makes a folder, which is as private as the one above.
pub(crate) fn new_folder(path: &Path, parents: Parents) -> io::Result<()> {
    DirBuilder::new().recursive(parents == Parents::Made).create(path)
}

/// Opens a file to read it. It can be replaced, removed and written meanwhile.
pub(crate) fn open(path: &Path) -> io::Result<File> {
    let all = SHARE_READ | SHARE_WRITE | SHARE_DELETE;
    OpenOptions::new().read(true).share_mode(all).custom_flags(OPEN_REPARSE_POINT).open(path)
}

/// Opens a file to lock it, and to read and write it in place; makes it if it is missing. To have it open is to
/// hold the lock: others can read it, and can neither open it like this nor remove, rename or replace it.
pub(crate) fn open_to_lock(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).share_mode(SHARE_READ);
    options.custom_flags(OPEN_REPARSE_POINT).open(path)
}

/// Makes a file, which must not exist. Until it is closed others can read, rename and remove it, but not write.
pub(crate) fn create_new(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create_new(true).share_mode(SHARE_READ | SHARE_DELETE);
    options.custom_flags(OPEN_REPARSE_POINT).open(path)
}

/// Whether somebody holds the lock, if [`open_to_lock`] has failed.
pub(crate) fn is_locked_out(fault: &io::Error) -> bool {
    fault.raw_os_error() == Some(ERROR_SHARING_VIOLATION)
}

/// What [`open_to_lock`] has opened is locked.
pub(crate) fn lock(_file: &File) -> io::Result<bool> {
    Ok(true)
}

/// Whether somebody holds the lock of a file, or still writes it. For a moment nobody else can take it.
pub(crate) fn is_held(path: &Path, _file: &File) -> bool {
    let mut options = OpenOptions::new();
    options.read(true).share_mode(SHARE_READ | SHARE_DELETE).custom_flags(OPEN_REPARSE_POINT);
    options.open(path).is_err_and(|fault| is_locked_out(&fault))
}

/// How long it is worth trying again what has failed: virus scanners, indexers and backups open files for
/// themselves, and what is being removed cannot be opened or replaced until its last reader is gone.
pub(crate) fn passes_within(fault: &io::Error, doing: Doing) -> Option<Duration> {
    match (fault.raw_os_error()?, doing) {
        (ERROR_SHARING_VIOLATION | ERROR_LOCK_VIOLATION | ERROR_DELETE_PENDING, _)
        | (ERROR_ACCESS_DENIED, Doing::Changing) => Some(OTHERS),
        // What may not be read at all looks the same.
        (ERROR_ACCESS_DENIED, Doing::Opening) => Some(OTHERS / 20),
        _ => None,
    }
}

/// Whether another program has the file open in a way that excludes us.
pub(crate) fn is_busy(fault: &io::Error) -> bool {
    matches!(fault.raw_os_error(), Some(ERROR_SHARING_VIOLATION | ERROR_LOCK_VIOLATION))
}

/// Whether the file `path` may be replaced or removed, if there is one: who has marked it read-only has said no.
/// Whether the system would do so all the same depends on its version.
pub(crate) fn may_change(path: &Path) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Ok(facts) if facts.permissions().readonly() => {
            Err(io::Error::new(io::ErrorKind::PermissionDenied, "it is marked read-only"))
        }
        _ => Ok(()),
    }
}

/// Whether we may write in the folder `path`.
pub(crate) fn is_writable(path: &Path) -> bool {
    open_folder(path).is_ok()
}

/// Makes the new name of a file survive a crash: a sync writes what the file system's journal has of it, which its
/// old name is part of until then.
pub(crate) fn settle(renamed: &File) -> io::Result<()> {
    renamed.sync_all()
}

/// Makes what happened in the folder `path` survive a crash, as far as its file system offers that.
pub(crate) fn sync_folder(path: &Path) -> io::Result<()> {
    match open_folder(path)?.sync_all() {
        Err(fault) if is_not_offered(&fault) => Ok(()),
        end => end,
    }
}

fn is_not_offered(fault: &io::Error) -> bool {
    matches!(
        fault.raw_os_error(),
        Some(
            ERROR_INVALID_FUNCTION
                | ERROR_ACCESS_DENIED
                | ERROR_INVALID_HANDLE
                | ERROR_NOT_SUPPORTED
                | ERROR_INVALID_PARAMETER
        )
    )
}

fn open_folder(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.access_mode(ADD_FILE_AND_SUBDIRECTORY).custom_flags(BACKUP_SEMANTICS).open(path)
}

/// Reads from a place in the file; 0 at its end.
pub(crate) fn read_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    file.seek_read(buffer, offset)
}

/// Writes to a place in the file.
pub(crate) fn write_all_at(file: &File, mut bytes: &[u8], mut offset: u64) -> io::Result<()> {
    while !bytes.is_empty() {
        match file.seek_write(bytes, offset)? {
            0 => return Err(io::ErrorKind::WriteZero.into()),
            written => {
                bytes = &bytes[written..];
                offset += written as u64;
            }
        }
    }
    Ok(())
}
