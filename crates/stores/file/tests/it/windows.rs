//! What Windows has and Unix has not: files that others have for themselves, places that nobody can judge, a mark
//! against writing.

#![cfg(windows)]

use std::fs::{self, File};
use std::os::windows::fs::{OpenOptionsExt, symlink_dir, symlink_file};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use countersign_core::{Committed, Recovery, Revision, SessionStore};
use countersign_store_file::{FileStore, KeyProtection};

use super::child::Process;
use super::{LEASE, Place, assert_says, bytes, listing, name, put, text};

const SHARE_READ: u32 = 1;
const SHARE_WRITE: u32 = 2;

#[expect(
    clippy::print_stderr,
    reason = "what a system cannot do is told beside the tests that passed"
)]
fn left_out(what: &str) {
    eprintln!("left out: {what}");
}

/// A folder that is not below the profile, and is removed when the test ends.
struct Outside(PathBuf);

impl Outside {
    fn new(called: &str) -> Self {
        let drive = std::env::var("SystemDrive").unwrap();
        Self(PathBuf::from(format!("{drive}\\countersign-{called}-{}", std::process::id())))
    }
}

impl Drop for Outside {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[tokio::test]
async fn f31_a_place_that_nobody_can_judge_is_refused_unless_it_is_vouched_for() {
    let outside = Outside::new("place");
    let folder = outside.0.join("store");
    let error = FileStore::open(&folder).unwrap_err();
    assert_says(&error, "foreign_place", "FileStore::open_vouched");
    assert!(error.to_string().contains(&folder.display().to_string()), "{error}");
    assert_eq!(error.recovery(), Recovery::GiveUp);
    assert!(!outside.0.exists(), "a folder was made in a place that was refused");

    let store = FileStore::open_vouched(&folder, KeyProtection::OwnerOnly).unwrap();
    put(&store, &name(1), Revision::NONE, "canary").await;
    assert_eq!(text(&store, &name(1)).await.as_deref(), Some("canary"));
    assert_says(&FileStore::open(&folder).unwrap_err(), "foreign_place", "choose a folder below");
}

#[test]
fn a_server_is_not_asked_before_its_place_is_refused() {
    // No such server: to ask would take its time and fail in another way.
    for place in [r"\\countersign.invalid\share\store", r"\\?\UNC\countersign.invalid\share\store"]
    {
        assert_says(&FileStore::open(place).unwrap_err(), "foreign_place", "on another machine");
    }
}

#[test]
fn a_name_of_a_device_is_no_place() {
    for place in ["NUL", r"\\.\PhysicalDrive0", "CON"] {
        assert!(FileStore::open(place).is_err(), "{place}");
    }
}

/// Wine 8 says that it has made one, and has not.
fn is_link(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|facts| facts.is_symlink())
}

/// A link to a folder of either kind; false, with a word, if none can be made.
fn link_to_folder(target: &Path, link: &Path) -> bool {
    if symlink_dir(target, link).is_ok() && is_link(link) {
        return true;
    }
    // Whoever may make no symbolic link may make a junction.
    let mut make = Command::new("cmd");
    make.args(["/d", "/c", "mklink", "/J"]).arg(link).arg(target);
    if make.output().is_ok_and(|made| made.status.success()) && is_link(link) {
        return true;
    }
    left_out("no link to a folder can be made here");
    false
}

#[test]
fn a_link_to_a_folder_is_not_followed() {
    let place = Place::new();
    let link = place.path("").with_file_name("link");
    if link_to_folder(place.store.folder(), &link) {
        assert_says(&FileStore::open(&link).unwrap_err(), "unsafe_file", "a reparse point");
    }
    // One that is on the way may be there, and counts for where it leads.
    let outside = Outside::new("link");
    fs::create_dir(&outside.0).unwrap();
    let out = place.path("").with_file_name("out");
    if link_to_folder(&outside.0, &out) {
        let error = FileStore::open(out.join("store")).unwrap_err();
        assert_says(&error, "foreign_place", "FileStore::open_vouched");
        assert_eq!(listing(&outside.0), [""; 0]);
    }
}

#[tokio::test]
async fn a_link_to_a_file_is_not_followed() {
    let place = Place::new();
    put(&place.store, &name(1), Revision::NONE, "canary").await;
    let made = symlink_file(place.record(&name(1)), place.record(&name(2)));
    if made.is_err() || !is_link(&place.record(&name(2))) {
        left_out("no symbolic link can be made here");
        return;
    }
    let error = place.store.load(&name(2)).await.unwrap_err();
    assert_says(&error, "unsafe_file", "a reparse point");
    let lock = place.path(&format!("locks/{}.lock", name(3)));
    symlink_file(place.path("elsewhere"), &lock).unwrap();
    let refused = place.store.lock(&name(3), Duration::ZERO, Duration::ZERO).await;
    assert_says(&refused.err().unwrap(), "unsafe_file", "a reparse point");
    assert!(!place.path("elsewhere").exists());
}

#[tokio::test]
async fn f27_a_lock_file_that_is_held_cannot_be_taken_away() {
    let place = Place::new();
    let revision = put(&place.store, &name(1), Revision::NONE, "before").await;
    let mut lock = place.store.lock(&name(1), LEASE, Duration::ZERO).await.unwrap();
    let file = place.path(&format!("locks/{}.lock", name(1)));
    assert!(fs::remove_file(&file).is_err());
    assert!(fs::rename(&file, place.path("elsewhere")).is_err());
    fs::write(place.path("other"), "").unwrap();
    assert!(fs::rename(place.path("other"), &file).is_err());
    assert!(fs::write(&file, "").is_err());
    assert!(
        fs::read_to_string(&file).unwrap().starts_with("pid "),
        "others cannot read the holder"
    );
    assert!(lock.held_for(LEASE) && lock.renew(LEASE).await);
    let end = place.store.commit(&name(1), revision, Some(lock.fence()), bytes("after")).await;
    assert!(matches!(end.unwrap(), Committed::Done(_)));
    drop(lock);
    fs::remove_file(&file).unwrap();
    // A number that was given is not known any more then, and no old one fits.
    let again = place.store.lock(&name(1), LEASE, Duration::ZERO).await.unwrap();
    assert!(again.held_for(LEASE));
}

#[tokio::test]
async fn f28_a_lock_is_not_inherited_by_a_process_that_is_started() {
    let place = Place::new();
    let lock = place.store.lock(&name(1), LEASE, Duration::ZERO).await.unwrap();
    let mut other = Process::start("key", place.store.folder(), &name(1));
    assert_eq!(other.says().as_deref(), Some("ready"));
    drop(lock);
    assert!(place.store.lock(&name(1), LEASE, Duration::ZERO).await.is_ok());
    assert!(other.ends_well());
}

fn replaces_open_files(place: &Place) -> bool {
    let [new, old] = ["new", "old"].map(|file| place.path("").with_file_name(file));
    fs::write(&new, "").unwrap();
    fs::write(&old, "").unwrap();
    let _reader = File::open(&old).unwrap();
    fs::rename(new, old).is_ok()
}

#[tokio::test]
async fn f30_a_record_is_replaced_while_a_reader_has_it_open() {
    let place = Place::new();
    if !replaces_open_files(&place) {
        eprintln!(
            "left out: this system replaces no file that is open (Wine, and Windows before 10)"
        );
        return;
    }
    let first = put(&place.store, &name(1), Revision::NONE, "old").await;
    let old = fs::read(place.record(&name(1))).unwrap();
    let mut reader = File::open(place.record(&name(1))).unwrap();
    put(&place.store, &name(1), first, "new").await;
    assert_eq!(text(&place.store, &name(1)).await.as_deref(), Some("new"));
    let mut seen = Vec::new();
    std::io::Read::read_to_end(&mut reader, &mut seen).unwrap();
    assert_eq!(seen, old);
}

/// As virus scanners and backups do.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f30_a_program_that_has_a_record_for_itself_is_waited_for() {
    let place = Place::new();
    let first = put(&place.store, &name(1), Revision::NONE, "old").await;
    let mut options = File::options();
    let scanner = options.read(true).share_mode(SHARE_READ | SHARE_WRITE);
    let scanner = scanner.open(place.record(&name(1))).unwrap();
    assert_eq!(text(&place.store, &name(1)).await.as_deref(), Some("old"));
    let store = place.store.clone();
    let writing = tokio::spawn(async move { put(&store, &name(1), first, "new").await });
    // It has written the new record, and may not yet put it in its place.
    while listing(&place.path("tmp")).is_empty() {
        assert!(!writing.is_finished());
        tokio::task::yield_now().await;
    }
    drop(scanner);
    assert!(writing.await.unwrap() > first);
    assert_eq!(text(&place.store, &name(1)).await.as_deref(), Some("new"));
    assert_eq!(listing(&place.path("tmp")), [""; 0]);
}

#[tokio::test]
async fn a_program_that_does_not_let_go_of_a_record_is_told() {
    let place = Place::new();
    let first = put(&place.store, &name(1), Revision::NONE, "old").await;
    let selfish = File::options().read(true).share_mode(0).open(place.record(&name(1))).unwrap();
    let error = place.store.load(&name(1)).await.unwrap_err();
    assert!(error.to_string().contains("another program has it open"), "{error}");
    assert_eq!(error.recovery(), Recovery::Retry);
    assert!(place.store.commit(&name(1), first, None, bytes("new")).await.is_err());
    drop(selfish);
    assert_eq!(text(&place.store, &name(1)).await.as_deref(), Some("old"));
    assert_eq!(listing(&place.path("tmp")), [""; 0]);
}

fn mark(path: &Path, read_only: bool) {
    let mut permissions = fs::metadata(path).unwrap().permissions();
    permissions.set_readonly(read_only);
    fs::set_permissions(path, permissions).unwrap();
}

#[tokio::test]
async fn what_is_marked_read_only_is_served_and_neither_replaced_nor_removed() {
    let place = Place::new();
    let first = put(&place.store, &name(1), Revision::NONE, "old").await;
    mark(&place.record(&name(1)), true);
    let error = place.store.commit(&name(1), first, None, bytes("new")).await.unwrap_err();
    assert_says(&error, "read_only", "attrib -r");
    assert!(error.to_string().contains("what is stored is served until it ends"), "{error}");
    for gone in
        [place.store.remove(&name(1), first).await, place.store.set_aside(&name(1), first).await]
    {
        assert_says(&gone.unwrap_err(), "read_only", "attrib -r");
    }
    assert_eq!(text(&place.store, &name(1)).await.as_deref(), Some("old"));
    assert_eq!(listing(&place.path("tmp")), [""; 0]);
    mark(&place.record(&name(1)), false);
    put(&place.store, &name(1), first, "new").await;

    drop(place.store.lock(&name(1), LEASE, Duration::ZERO).await.unwrap());
    let lock = place.path(&format!("locks/{}.lock", name(1)));
    mark(&lock, true);
    if File::options().write(true).open(&lock).is_ok() {
        left_out("this system writes what is marked read-only (Wine, for root)");
        return;
    }
    let refused = place.store.lock(&name(1), LEASE, Duration::ZERO).await;
    assert_says(&refused.err().unwrap(), "read_only", "attrib -r");
    mark(&lock, false);
    assert!(place.store.lock(&name(1), LEASE, Duration::ZERO).await.is_ok());
}

#[test]
fn the_default_place_is_the_local_folder_for_applications() {
    let place = Place::new();
    let home = tempfile::tempdir().unwrap();
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.env("LOCALAPPDATA", home.path());
    let mut other = Process::start_as(command, "open-default", place.store.folder(), &name(1));
    assert_eq!(other.says().as_deref(), home.path().join("countersign").to_str());
    assert!(other.ends_well());
    assert!(home.path().join("countersign").is_dir());

    // Where it is set to a place that others may read it is refused like any other.
    let outside = Outside::new("default");
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.env("LOCALAPPDATA", &outside.0);
    let mut other = Process::start_as(command, "open-default", place.store.folder(), &name(1));
    assert_eq!(other.says().as_deref(), Some("foreign_place"));
    assert!(other.ends_well());
    assert!(!outside.0.exists());
}
