//! The one place where the store of this user is opened.

use countersign_store_file::FileStore;

use crate::problem::Problem;
use crate::profile;

/// The store in the folder of `COUNTERSIGN_STATE`, else in the user's folder for state.
///
/// # Errors
/// [`crate::exit::Exit::Store`] with the remedy.
pub(crate) fn open() -> Result<FileStore, Problem> {
    Ok(FileStore::open(profile::state_folder(crate::environment)?)?)
}
