//! What can go wrong with files, and what to do about it.

use std::io;
use std::path::Path;

use countersign_core::{Error, ErrorKind, Recovery};

/// `doing` (an infinitive) something with `path` failed.
pub(crate) fn io(doing: &str, path: &Path, source: io::Error) -> Error {
    use io::ErrorKind as Kind;
    let (remedy, recovery) = match source.kind() {
        Kind::PermissionDenied => {
            ("check the owner and the mode of the folder that it is in", Recovery::GiveUp)
        }
        Kind::ReadOnlyFilesystem => (
            "the file system is read-only; move the store to one that can be written",
            Recovery::GiveUp,
        ),
        Kind::StorageFull | Kind::QuotaExceeded => {
            ("there is no space left; what was stored before is unchanged", Recovery::Retry)
        }
        Kind::FileTooLarge => (
            "a limit on the size of files forbids it; what was stored before is unchanged",
            Recovery::Retry,
        ),
        Kind::NotADirectory | Kind::NotFound => {
            ("a folder of the store is missing", Recovery::Retry)
        }
        _ => ("check that the store is on a local file system that works", Recovery::Retry),
    };
    let hint = format!("cannot {doing} {}: {remedy}", path.display());
    Error::new(ErrorKind::Store).with_recovery(recovery).hint(hint).with_source(source)
}

/// `path` is not as it must be; `what` says so, and what to do.
pub(crate) fn unsafe_file(path: &Path, what: &str) -> Error {
    store("unsafe_file", format!("{} {what}", path.display())).with_recovery(Recovery::GiveUp)
}

/// The record at `path` cannot be read.
pub(crate) fn damaged(path: &Path) -> Error {
    let hint = format!(
        "{} is damaged; whoever needs it next sets it aside, and its session signs in again",
        path.display()
    );
    store("damaged", hint)
}

/// The record could not be read and is now at `path`.
pub(crate) fn set_aside(path: &Path) -> Error {
    let hint = format!(
        "a damaged record was set aside as {}; sign in again to replace it",
        path.display()
    );
    store("set_aside", hint)
}

/// The file was written by a newer version.
pub(crate) fn newer(path: &Path) -> Error {
    let hint = format!("{} was written by a newer version; upgrade this program", path.display());
    store("newer_version", hint).with_recovery(Recovery::GiveUp)
}

/// Somebody holds the lock; `holder` is the process, if it is known.
pub(crate) fn locked(holder: Option<u32>) -> Error {
    let hint = match holder {
        Some(pid) if pid == std::process::id() => {
            "the session is in use elsewhere in this process; try again when that is done".into()
        }
        Some(pid) => {
            format!("the session is in use by process {pid}; try again when it is done, or end it")
        }
        None => "the session is in use by another process; try again when it is done".into(),
    };
    store("locked", hint).with_recovery(Recovery::Retry)
}

/// The seal keys are not usable.
pub(crate) fn key(path: &Path, what: &str) -> Error {
    store("bad_key", format!("{} {what}", path.display())).with_recovery(Recovery::GiveUp)
}

/// Anything else with a hint of its own.
pub(crate) fn store(code: &'static str, hint: String) -> Error {
    Error::new(ErrorKind::Store).with_code(code).hint(hint)
}
