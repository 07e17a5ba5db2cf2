//! Files and folders: who may read them, and what is refused.

use std::fs;
use std::os::unix::fs::{chown, symlink};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use countersign_core::{Recovery, Revision, SessionStore};
use countersign_store_file::FileStore;

use super::child::Process;
use super::{Place, assert_says, listing, mode, name, put, set_mode};

/// A user that has nothing.
const NOBODY: u32 = 65_534;

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

#[tokio::test]
async fn f30_all_that_is_made_is_readable_by_its_owner_only() {
    let place = Place::new();
    place.store.seal_keys().await.unwrap();
    put(&place.store, &name(1), Revision::NONE, "canary").await;
    put(&place.store, &name(1), Revision(1), "canary").await;
    assert_eq!(mode(&place.record(&name(1))), 0o600);
    drop(place.store.lock(&name(1), Duration::ZERO, Duration::ZERO).await.unwrap());
    fs::write(place.record(&name(1)), "damage").unwrap();
    let damaged = place.store.load(&name(1)).await.unwrap().unwrap();
    put(&place.store, &name(1), damaged.revision, "canary").await;
    for folder in ["", "records", "locks", "tmp", "damaged"] {
        assert_eq!(mode(&place.path(folder)), 0o700, "{folder}");
    }
    for folder in ["locks", "damaged"] {
        let files = listing(&place.path(folder));
        assert!(!files.is_empty());
        for file in files {
            assert_eq!(mode(&place.path(folder).join(&file)), 0o600, "{file}");
        }
    }
    assert_eq!(mode(&place.path("key")), 0o600);
    // The folder above was made with it.
    assert_eq!(mode(place.path("").parent().unwrap()), 0o700);
}

#[tokio::test]
async fn a_load_makes_nothing_and_locks_nothing() {
    let place = Place::new();
    assert!(place.store.load(&name(1)).await.unwrap().is_none());
    assert!(place.store.load_many(&[name(1), name(2)]).await.unwrap().iter().all(Option::is_none));
    assert!(place.store.list().await.unwrap().is_empty());
    for folder in ["records", "locks", "tmp"] {
        assert_eq!(listing(&place.path(folder)), [""; 0]);
    }
    assert_eq!(listing(&place.path("")), ["locks", "records", "tmp"]);
    assert!(place.store.watch().await.is_none());
}

#[tokio::test]
async fn a_folder_or_file_that_others_can_read_is_refused_with_the_remedy() {
    let place = Place::new();
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

#[tokio::test]
async fn a_record_with_two_names_and_one_that_is_no_file_are_refused() {
    let place = Place::new();
    put(&place.store, &name(1), Revision::NONE, "canary").await;
    fs::hard_link(place.record(&name(1)), place.path("second")).unwrap();
    let error = place.store.load(&name(1)).await.unwrap_err();
    assert_says(&error, "unsafe_file", "hard links");
    fs::remove_file(place.path("second")).unwrap();
    assert!(place.store.load(&name(1)).await.unwrap().is_some());

    fs::create_dir(place.record(&name(2))).unwrap();
    let error = place.store.load(&name(2)).await.unwrap_err();
    assert_says(&error, "unsafe_file", "not a plain file");
    assert!(Command::new("mkfifo").arg(place.record(&name(3))).status().unwrap().success());
    let error = place.store.load(&name(3)).await.unwrap_err();
    assert_says(&error, "unsafe_file", "not a plain file");
}

#[test]
fn a_folder_of_somebody_else_or_a_file_in_its_place_is_refused() {
    let home = tempfile::tempdir().unwrap();
    let theirs = if is_root() {
        chown(home.path(), Some(NOBODY), None).unwrap();
        home.path()
    } else {
        Path::new("/usr")
    };
    assert_says(&FileStore::open(theirs).unwrap_err(), "unsafe_file", "belongs to user");

    let home = tempfile::tempdir().unwrap();
    fs::write(home.path().join("file"), "").unwrap();
    let error = FileStore::open(home.path().join("file")).unwrap_err();
    assert_says(&error, "unsafe_file", "is not a folder");
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
