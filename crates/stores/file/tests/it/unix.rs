//! What Unix has and Windows has not: modes, owners, pipes, links that anybody may make, limits on files.

use std::fs;
use std::os::unix::fs::{chown, symlink};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use countersign_core::{Committed, Recovery, Revision, SessionStore};
use countersign_store_file::FileStore;

use super::child::Process;
use super::machine::{mode, set_mode};
use super::{LEASE, Place, assert_says, bytes, listing, name, put, text};

/// A user that has nothing.
const NOBODY: u32 = 65_534;

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

#[tokio::test]
async fn a_folder_or_file_that_others_can_read_is_refused_with_the_remedy() {
    let place = Place::new();
    place.store.seal_keys().await.unwrap();
    put(&place.store, &name(1), Revision::NONE, "canary").await;
    set_mode(&place.record(&name(1)), 0o640);
    let error = place.store.load(&name(1)).await.unwrap_err();
    assert_says(&error, "unsafe_file", "chmod 600 ");
    assert_eq!(error.recovery(), Recovery::GiveUp);
    for folder in ["records", ""] {
        set_mode(&place.path(folder), 0o755);
        let error = FileStore::open(place.store.folder()).unwrap_err();
        assert_says(&error, "unsafe_file", "chmod 700 ");
        set_mode(&place.path(folder), 0o700);
    }
    set_mode(&place.path("key"), 0o644);
    let error = place.store.seal_keys().await.unwrap_err();
    assert_says(&error, "unsafe_file", "chmod 600 ");
}

#[tokio::test]
async fn a_symbolic_link_is_not_followed() {
    let place = Place::new();
    put(&place.store, &name(1), Revision::NONE, "canary").await;
    let link = place.path("").with_file_name("link");
    symlink(place.store.folder(), &link).unwrap();
    assert_says(&FileStore::open(&link).unwrap_err(), "unsafe_file", "symbolic link");

    symlink(place.record(&name(1)), place.record(&name(2))).unwrap();
    let error = place.store.load(&name(2)).await.unwrap_err();
    assert_says(&error, "unsafe_file", "symbolic link");
    let lock = place.path(&format!("locks/{}.lock", name(3)));
    symlink(place.path("elsewhere"), &lock).unwrap();
    let refused = place.store.lock(&name(3), Duration::ZERO, Duration::ZERO).await;
    assert_says(&refused.err().unwrap(), "unsafe_file", "symbolic link");
    assert!(!place.path("elsewhere").exists());
}

#[test]
fn a_folder_of_somebody_else_is_refused() {
    let home = tempfile::tempdir().unwrap();
    let theirs = if is_root() {
        chown(home.path(), Some(NOBODY), None).unwrap();
        home.path()
    } else {
        Path::new("/usr")
    };
    assert_says(&FileStore::open(theirs).unwrap_err(), "unsafe_file", "belongs to user");
}

#[tokio::test]
async fn a_store_that_cannot_be_written_can_be_read() {
    let place = Place::new();
    place.store.seal_keys().await.unwrap();
    put(&place.store, &name(1), Revision::NONE, "kept").await;
    put(&place.store, &name(2), Revision::NONE, "damaged").await;
    fs::write(place.record(&name(2)), "damaged").unwrap();

    // Modes do not bind the administrator, so the reader is somebody else, who needs the program too.
    let program = tempfile::tempdir().unwrap();
    let copy = program.path().join("reader");
    fs::copy(std::env::current_exe().unwrap(), &copy).unwrap();
    set_mode(program.path(), 0o755);
    set_mode(&copy, 0o755);
    let folders = ["records", "locks", "tmp", ""].map(|folder| place.path(folder));
    let mut command = Command::new(copy);
    if is_root() {
        let home = place.path("").ancestors().nth(2).unwrap().to_owned();
        set_mode(&home, 0o755);
        set_mode(&home.join("state"), 0o755);
        let records = [place.record(&name(1)), place.record(&name(2))];
        for path in folders.iter().chain(&records).chain([&place.path("key")]) {
            chown(path, Some(NOBODY), Some(NOBODY)).unwrap();
        }
        std::os::unix::process::CommandExt::uid(&mut command, NOBODY);
        std::os::unix::process::CommandExt::gid(&mut command, NOBODY);
    }
    folders.iter().for_each(|folder| set_mode(folder, 0o500));

    let mut reader = Process::start_as(command, "use-read-only", place.store.folder(), &name(1));
    assert_eq!(reader.says().as_deref(), Some("kept"));
    for _ in ["lock", "commit"] {
        let said = reader.says().unwrap();
        assert!(said.contains("cannot write") && said.contains("check the owner"), "{said}");
        assert!(said.contains("what is stored is served until it ends"), "{said}");
    }
    assert_eq!(
        reader.says().as_deref(),
        Some("damaged"),
        "what is damaged is there, for its seal to tell"
    );
    assert_eq!(reader.says().as_deref(), Some("writable: false, records: 2"));
    assert!(reader.ends_well());
    folders.iter().for_each(|folder| set_mode(folder, 0o700));
}

#[test]
fn the_default_place_is_the_folder_for_state() {
    let place = Place::new();
    let home = tempfile::tempdir().unwrap();
    let state = home.path().join("state");
    for (variable, value, expected) in [
        ("XDG_STATE_HOME", &*state, state.join("countersign")),
        ("HOME", home.path(), home.path().join(".local/state/countersign")),
    ] {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.env_remove("XDG_STATE_HOME").env(variable, value);
        let mut other = Process::start_as(command, "open-default", place.store.folder(), &name(1));
        assert_eq!(other.says().as_deref(), expected.to_str());
        assert!(other.ends_well());
        assert_eq!(mode(&expected), 0o700);
    }
}

#[tokio::test]
async fn a_pipe_in_the_place_of_a_record_makes_nobody_wait() {
    let place = Place::new();
    assert!(Command::new("mkfifo").arg(place.record(&name(3))).status().unwrap().success());
    let error = place.store.load(&name(3)).await.unwrap_err();
    assert_says(&error, "unsafe_file", "not a plain file");
}

/// A lock file that is held can be removed here.
#[tokio::test]
async fn f27_who_loses_the_lock_file_knows_it_and_writes_nothing() {
    let place = Place::new();
    let revision = put(&place.store, &name(1), Revision::NONE, "before").await;
    let mut lost = place.store.lock(&name(1), LEASE, Duration::ZERO).await.unwrap();
    fs::remove_file(place.path(&format!("locks/{}.lock", name(1)))).unwrap();
    assert!(!lost.held_for(Duration::ZERO));
    assert!(!lost.renew(LEASE).await);
    let one = name(1);
    let late = |fence| place.store.commit(&one, revision, Some(fence), bytes("late"));
    assert!(matches!(late(lost.fence()).await.unwrap(), Committed::Lost(Some(_))));

    // Another takes the lock in a new file, and another after that: the old number does not fit.
    for _ in 0..2 {
        drop(place.store.lock(&name(1), LEASE, Duration::ZERO).await.unwrap());
    }
    assert!(matches!(late(lost.fence()).await.unwrap(), Committed::Lost(Some(_))));
    assert_eq!(text(&place.store, &name(1)).await.as_deref(), Some("before"));
}

/// Starts a process that may not write files above 4 or 8 KiB, as a shell counts, after `before`.
pub(crate) fn limited(before: &str, place: &Place) -> Process {
    let mut shell = Command::new("sh");
    let script = format!("ulimit -c 0; ulimit -f 8; {before} exec \"$@\"");
    shell.args(["-c", &script, "sh"]).arg(std::env::current_exe().unwrap());
    Process::start_as(shell, "write-64k", place.store.folder(), &name(1))
}

#[tokio::test]
async fn f30_a_write_that_fails_leaves_the_old_record() {
    let place = Place::new();
    put(&place.store, &name(1), Revision::NONE, "old").await;
    let mut other = limited("trap '' XFSZ;", &place);
    let said = other.says().unwrap();
    assert!(said.contains("limit on the size") && said.contains("unchanged"), "{said}");
    assert!(other.ends_well());
    assert_eq!(text(&place.store, &name(1)).await.as_deref(), Some("old"));
    assert_eq!(listing(&place.path("tmp")), [""; 0]);
    assert_eq!(put(&place.store, &name(1), Revision(1), "new").await, Revision(2));
}
