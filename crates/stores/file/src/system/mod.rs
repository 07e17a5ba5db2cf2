//! What depends on the operating system: the same functions for each. Nothing else in this crate asks which one
//! it runs on.
//!
//! | | Unix | Windows |
//! |---|---|---|
//! | ours alone | owner and mode of each file | the place: a folder below the user's profile |
//! | a lock | `flock` | a handle to write with that no second one is shared with |
//! | which file it is | device and inode | volume and index |
//! | no half change after a crash | the folder is synced | the new file is synced again under its name |

#[cfg(not(any(unix, windows)))]
compile_error!(
    "countersign-store-file knows the files and locks of Unix and of Windows, and no others"
);

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
use unix as native;
#[cfg(windows)]
use windows as native;

pub(crate) use native::{
    DENIED, GUARD, Identity, LINK, check_place, create_new, default_folder, identity, identity_at,
    is_busy, is_held, is_link, is_locked_out, is_writable, links, lock, may_change, new_folder,
    objection, open, open_to_lock, passes_within, read_at, settle, sync_folder, write_all_at,
};

/// Whether a folder is judged by where it is, if there is nothing else to judge it by.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Place {
    /// It is.
    Judged,
    /// Whoever opens the store says that nobody else can read it.
    Vouched,
}

/// What is done with a file that may be in somebody's hands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Doing {
    /// It is opened.
    Opening,
    /// It is replaced, renamed or removed.
    Changing,
}

/// Whether the folders above are made too.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Parents {
    Made,
    There,
}
