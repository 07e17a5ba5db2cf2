//! Files that are trusted: read only if nobody else can have written, or can read, them.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use countersign_core::{SecretBuffer, SecretBytes};
use zeroize::Zeroizing;

/// What a file must be for its content to be believed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Trust {
    /// It decides where secrets go: others may read it, but not write it.
    Settings,
    /// It is a secret: others may neither read nor write it.
    Secret,
}

/// Why a file is not used: the fact and the remedy.
#[derive(PartialEq, Eq, Debug)]
pub(crate) struct Refusal {
    pub(crate) what: String,
    pub(crate) help: String,
}

impl Refusal {
    pub(crate) fn new(what: impl Into<String>, help: impl Into<String>) -> Self {
        Self { what: what.into(), help: help.into() }
    }
}

/// Reads a whole file of at most `limit` bytes.
pub(crate) fn read(path: &Path, trust: Trust, limit: usize) -> Result<SecretBytes, Refusal> {
    let shown = path.display();
    let mut file = open(path, trust)?;
    let mut content = SecretBuffer::new();
    let mut total = 0;
    let mut piece = Zeroizing::new([0; 4096]);
    loop {
        match file.read(&mut piece[..]) {
            Ok(0) => return Ok(content.finish()),
            Ok(n) => {
                total += n;
                if total > limit {
                    let what = format!("{shown} is larger than {limit} bytes");
                    return Err(Refusal::new(what, "name the file that is meant"));
                }
                content.push(&piece[..n]);
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(unreadable(path, &error)),
        }
    }
}

/// Opens a file that can be trusted. Owner and mode are those of the open file, so that it cannot be exchanged
/// between the check and the reading.
#[cfg(unix)]
fn open(path: &Path, trust: Trust) -> Result<File, Refusal> {
    let file = File::open(path).map_err(|error| unreadable(path, &error))?;
    let facts = file.metadata().map_err(|error| unreadable(path, &error))?;
    if facts.is_dir() {
        return Err(folder(path));
    }
    check(&facts, path, trust)?;
    Ok(file)
}

/// Opens a file that can be trusted. Files have no modes here, and access control lists cannot be read without unsafe
/// calls, so it has to be below the user's profile, which is the user's alone. It is opened by the path without
/// links that was found to be there, so that it cannot be exchanged after the check.
#[cfg(windows)]
fn open(path: &Path, _trust: Trust) -> Result<File, Refusal> {
    let (real, profile) = places(path).map_err(|error| unreadable(path, &error))?;
    if !real.starts_with(profile) {
        return Err(Refusal::new(
            format!(
                "{} is outside of your profile, and whether others can read or write it cannot be told",
                path.display()
            ),
            "move it to a folder below %USERPROFILE%",
        ));
    }
    if real.is_dir() {
        return Err(folder(path));
    }
    File::open(&real).map_err(|error| unreadable(path, &error))
}

/// Where `path` really is, and the user's profile.
#[cfg(windows)]
fn places(path: &Path) -> io::Result<(std::path::PathBuf, std::path::PathBuf)> {
    let home = etcetera::home_dir().map_err(|_| io::Error::other("you have no profile"))?;
    Ok((std::fs::canonicalize(path)?, std::fs::canonicalize(home)?))
}

/// Whether `path` is below the user's profile, which others cannot read.
///
/// # Errors
/// If it is not, or nobody can tell.
#[cfg(windows)]
pub(crate) fn check_place(path: &Path) -> io::Result<()> {
    let (real, profile) = places(path)?;
    if real.starts_with(profile) {
        return Ok(());
    }
    let what = "it is outside of your profile, and whether others can read it cannot be told";
    Err(io::Error::new(io::ErrorKind::PermissionDenied, what))
}

fn folder(path: &Path) -> Refusal {
    Refusal::new(format!("{} is a folder", path.display()), "name a file")
}

#[cfg(unix)]
fn check(facts: &std::fs::Metadata, path: &Path, trust: Trust) -> Result<(), Refusal> {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};

    let shown = path.display();
    let (me, owner) = (rustix::process::geteuid().as_raw(), facts.uid());
    if owner != me && owner != 0 {
        return Err(Refusal::new(
            format!("{shown} belongs to another user (uid {owner})"),
            format!("make a file of your own, or run: chown {me} {shown}"),
        ));
    }
    let (forbidden, what, mode) = match trust {
        Trust::Settings => (0o022, "can be written by others", "go-w"),
        Trust::Secret => (0o077, "is open to others", "600"),
    };
    let found = facts.permissions().mode() & 0o777;
    if found & forbidden != 0 {
        return Err(Refusal::new(
            format!("{shown} {what} (mode {found:03o})"),
            format!("run: chmod {mode} {shown}"),
        ));
    }
    Ok(())
}

fn unreadable(path: &Path, error: &io::Error) -> Refusal {
    let help = match error.kind() {
        io::ErrorKind::NotFound => "create the file, or correct its name",
        io::ErrorKind::PermissionDenied => "make the file yours, and readable for you",
        _ => "check the file and the disk that it is on",
    };
    Refusal::new(format!("{} cannot be read: {error}", path.display()), help)
}

#[cfg(all(test, unix))]
mod tests {
    use std::fs::{Permissions, set_permissions, write};
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[expect(clippy::unwrap_used, reason = "a helper of tests fails by panicking")]
    fn file(mode: u32) -> (tempfile::TempDir, std::path::PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        write(&path, "canary-content").unwrap();
        set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        (folder, path)
    }

    #[test]
    fn a_secret_that_others_can_read_or_write_is_refused_with_chmod() {
        for mode in [0o644, 0o640, 0o620, 0o602, 0o601] {
            let (_folder, path) = file(mode);
            let refusal = read(&path, Trust::Secret, 100).unwrap_err();
            assert_eq!(refusal.help, format!("run: chmod 600 {}", path.display()));
            assert!(
                refusal.what.contains(&format!("{mode:o}")) && !refusal.what.contains("canary")
            );
        }
        for mode in [0o600, 0o400] {
            let (_folder, path) = file(mode);
            assert_eq!(read(&path, Trust::Secret, 100).unwrap().len(), 14);
        }
    }

    #[test]
    fn settings_may_be_read_by_all_but_written_by_their_owner_only() {
        let (_folder, path) = file(0o644);
        assert!(read(&path, Trust::Settings, 100).is_ok());
        for mode in [0o664, 0o666, 0o602] {
            let (_folder, path) = file(mode);
            let refusal = read(&path, Trust::Settings, 100).unwrap_err();
            assert!(refusal.help.starts_with("run: chmod go-w "), "{refusal:?}");
        }
    }

    #[test]
    fn what_is_missing_a_folder_or_too_large_is_named() {
        let (folder, path) = file(0o600);
        let refused = |path: &Path, limit| read(path, Trust::Secret, limit).unwrap_err().what;
        assert!(refused(folder.path(), 100).ends_with("is a folder"));
        assert!(refused(&path, 13).ends_with("is larger than 13 bytes"));
        assert!(refused(&folder.path().join("none"), 100).contains("cannot be read"));
    }
}
