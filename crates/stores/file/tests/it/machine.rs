//! What the tests need of the operating system, the same functions for each.

use std::fs::{self, File};
use std::path::Path;

#[cfg(unix)]
mod native {
    use std::fs::{self, File};
    use std::os::unix::fs::PermissionsExt;
    use std::path::Path;

    pub(crate) fn mode(path: &Path) -> u32 {
        fs::symlink_metadata(path).unwrap().permissions().mode() & 0o7777
    }

    pub(crate) fn set_mode(path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    /// As the store would have made it.
    pub(crate) fn make_private(path: &Path) {
        set_mode(path, if path.is_dir() { 0o700 } else { 0o600 });
    }

    #[track_caller]
    pub(crate) fn assert_private(path: &Path) {
        let right = if path.is_dir() { 0o700 } else { 0o600 };
        assert_eq!(mode(path), right, "{}", path.display());
    }

    /// Makes it one that is refused, and says the remedy that has to be told.
    pub(crate) fn expose(path: &Path) -> &'static str {
        set_mode(path, 0o644);
        "chmod 600"
    }

    pub(crate) fn lock(file: &Path) -> File {
        let held = File::options().read(true).write(true).open(file).unwrap();
        held.lock().unwrap();
        held
    }
}

#[cfg(windows)]
mod native {
    use std::fs::{self, File};
    use std::os::windows::fs::OpenOptionsExt;
    use std::path::Path;

    /// What is made in a folder is as private as the folder is.
    pub(crate) fn make_private(_path: &Path) {}

    #[track_caller]
    pub(crate) fn assert_private(path: &Path) {
        let profile = fs::canonicalize(std::env::home_dir().unwrap()).unwrap();
        assert!(fs::canonicalize(path).unwrap().starts_with(profile), "{}", path.display());
    }

    /// Makes it one that is refused, and says the remedy that has to be told.
    pub(crate) fn expose(path: &Path) -> &'static str {
        fs::hard_link(path, path.ancestors().nth(2).unwrap().join("second")).unwrap();
        "hard links"
    }

    pub(crate) fn lock(file: &Path) -> File {
        File::options().read(true).write(true).share_mode(1).open(file).unwrap()
    }
}

pub(crate) use native::*;

/// Holds the lock `file` as another process would, which is called `holder` there. Ends when it is dropped.
pub(crate) fn hold(file: &Path, holder: &str) -> File {
    use std::io::{Seek, Write};

    let mut held = lock(file);
    held.rewind().unwrap();
    held.write_all(holder.as_bytes()).unwrap();
    held
}

/// Every name in `folder`, with its bytes if it is a file.
pub(crate) fn contents(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut all = Vec::new();
    for file in super::listing(folder) {
        let path = folder.join(&file);
        if path.is_dir() {
            all.extend(contents(&path).into_iter().map(|(n, b)| (format!("{file}/{n}"), b)));
        } else {
            all.push((file, fs::read(path).unwrap()));
        }
    }
    all
}
