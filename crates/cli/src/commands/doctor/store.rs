//! The folder of the store: whose it is, its key, its records, and what was set aside.

use std::fs::{self, Metadata};
use std::path::Path;

use countersign_core::Error;

use super::finding::Findings;
use crate::profile::ProfileFile;
use crate::shelf::{self, Book, Shelf, State};

const TOPIC: &str = "store";

/// Looks at it; whether it is worth looking into.
pub(super) fn look(folder: &Path, file: Option<&ProfileFile>, findings: &mut Findings) -> bool {
    let vouched = file.is_some_and(|file| file.store().vouched());
    if !is_private(folder, Kind::Folder, vouched, findings) {
        return false;
    }
    findings.ok(TOPIC, format!("{} is yours alone", folder.display()));
    for name in ["records", "locks", "tmp", "damaged"] {
        let path = folder.join(name);
        if path.exists() && !is_private(&path, Kind::Folder, vouched, findings) {
            return false;
        }
    }
    let names = files(&folder.join("records"));
    for path in names.iter().map(|name| folder.join("records").join(name)) {
        is_private(&path, Kind::File, vouched, findings);
    }
    leftovers(folder, findings);
    let has_key = key(folder, !names.is_empty(), vouched, findings);
    // A store that is opened makes the folders that it needs, and nobody would see any more that they were missing.
    if has_key && is_whole(folder, findings) {
        records(folder, file, findings);
    }
    true
}

/// Whether every folder is there that the first login has made.
fn is_whole(folder: &Path, findings: &mut Findings) -> bool {
    let missing = |name: &str| {
        let path = folder.join(name);
        matches!(path.try_exists(), Ok(false)).then_some(path)
    };
    if let Some(path) = missing("records") {
        findings.broken(
            TOPIC,
            format!("{} is missing, and the key of what was in it is there", path.display()),
            "bring it back; or, if its sessions are given up, sign in again, which makes it anew",
        );
        return false;
    }
    let others: Vec<_> = ["locks", "tmp"].into_iter().filter_map(missing).collect();
    for path in &others {
        findings.note(
            TOPIC,
            format!("{} is missing, so the records were not opened", path.display()),
            "the next command that opens the store makes it anew",
        );
    }
    others.is_empty()
}

enum Kind {
    Folder,
    File,
}

/// Whether nobody else can read or write `path`. `vouched`: where only its place could tell, the user does.
fn is_private(path: &Path, kind: Kind, vouched: bool, findings: &mut Findings) -> bool {
    let shown = path.display();
    let facts: Metadata = match fs::symlink_metadata(path) {
        Ok(facts) => facts,
        Err(error) => {
            let help = "make it yours, and readable for you";
            findings.broken(TOPIC, format!("{shown} cannot be looked at: {error}"), help);
            return false;
        }
    };
    let (fits, word) = match kind {
        Kind::Folder => (facts.is_dir(), "folder"),
        Kind::File => (facts.is_file(), "plain file"),
    };
    let objection = if facts.is_symlink() {
        let what = format!("{shown} is a symbolic link");
        Some((what, "name the place that it leads to instead".to_owned()))
    } else if !fits {
        Some((format!("{shown} is no {word}"), "move it elsewhere".to_owned()))
    } else {
        objection(path, &facts, vouched)
    };
    let Some((what, help)) = objection else { return true };
    findings.broken(TOPIC, what, help);
    false
}

/// What speaks against a file or folder of the right kind, and what to do.
#[cfg(unix)]
fn objection(path: &Path, facts: &Metadata, _vouched: bool) -> Option<(String, String)> {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};

    let shown = path.display();
    let (me, owner) = (rustix::process::geteuid().as_raw(), facts.uid());
    let mode = facts.permissions().mode() & 0o777;
    if owner != me {
        let help = format!("choose a folder of your own, or run: chown -R {me} {shown}");
        Some((format!("{shown} belongs to another user (uid {owner})"), help))
    } else if mode & 0o077 != 0 {
        let right = if facts.is_dir() { "700" } else { "600" };
        let help = format!("run: chmod {right} {shown}");
        Some((format!("{shown} is open to others (mode {mode:03o})"), help))
    } else if facts.is_file() && facts.nlink() > 1 {
        let what = format!("{shown} has {} names (hard links)", facts.nlink());
        Some((what, "remove the others".to_owned()))
    } else {
        None
    }
}

/// The same where the place of a file tells whose it is. What the store itself looks at beyond that is told with the
/// record that it refuses.
#[cfg(not(unix))]
fn objection(path: &Path, _facts: &Metadata, vouched: bool) -> Option<(String, String)> {
    if vouched {
        return None;
    }
    let error = crate::protected::check_place(path).err()?;
    let help = "choose a folder below %USERPROFILE% (COUNTERSIGN_STATE), or, if it is yours alone, put vouched = true \
                into the table [store]";
    Some((format!("{}: {error}", path.display()), help.to_owned()))
}

/// What speaks against the folder in which a store would be made.
#[cfg(windows)]
pub(super) fn look_at_place(above: &Path, file: Option<&ProfileFile>, findings: &mut Findings) {
    let facts = fs::symlink_metadata(above);
    let vouched = file.is_some_and(|file| file.store().vouched());
    if let Some((what, help)) = facts.ok().and_then(|facts| objection(above, &facts, vouched)) {
        findings.broken(TOPIC, what, help);
    }
}

/// The key that seals the records. Whether there is one to open them with.
fn key(folder: &Path, has_records: bool, vouched: bool, findings: &mut Findings) -> bool {
    let path = folder.join("key");
    let shown = path.display();
    match fs::symlink_metadata(&path) {
        Ok(_) if is_private(&path, Kind::File, vouched, findings) => {
            findings.ok(TOPIC, format!("{shown} seals the records"));
            true
        }
        Ok(_) => false,
        Err(_) if has_records => {
            findings.broken(
                TOPIC,
                format!("{shown} is missing, and there are records that were sealed with it"),
                "bring it back; or move the folder `records` away, and sign in again",
            );
            false
        }
        Err(_) => {
            findings.note(TOPIC, format!("{shown} is made by the first login"), "");
            false
        }
    }
}

/// What else than this file and a passphrase the key can be under.
pub(super) fn keyring(findings: &mut Findings) {
    match crate::keyring::NAME {
        Some(name) => {
            let what =
                format!("this build can keep the key in {name}: key = \"keyring\" in [store]");
            findings.ok(TOPIC, what);
        }
        None => findings.note(
            TOPIC,
            "this build cannot keep the key in a keyring; a passphrase protects it too",
            crate::keyring::HOW_TO_GET_IT,
        ),
    }
}

/// Whether every record can be opened.
fn records(folder: &Path, file: Option<&ProfileFile>, findings: &mut Findings) {
    if file.is_some_and(|file| !file.store().is_plain()) {
        let what = "the passphrase or the keyring of the store is not asked here, so its records were not \
                    opened";
        return findings.note(TOPIC, what, "`countersign sessions list` asks, and opens them");
    }
    let shelf = match Shelf::look(file) {
        Ok(shelf) => shelf,
        Err(problem) => return findings.told(TOPIC, &problem),
    };
    let mut n_good = 0;
    for book in shelf.all() {
        match &book.state {
            State::Unreadable(error) => unreadable(folder, book, error, findings),
            State::Unnamed => findings.note(
                TOPIC,
                format!(
                    "the record {} is of an older format that does not say whose it is",
                    book.name
                ),
                "it is written anew with the next exchange of its session",
            ),
            _ => n_good += 1,
        }
    }
    findings.ok(TOPIC, format!("{n_good} records can be opened"));
}

/// What a record needs that cannot be opened.
fn unreadable(folder: &Path, book: &Book, error: &Error, findings: &mut Findings) {
    let (code, id) = (error.code().unwrap_or("unreadable"), book.id());
    let path = folder.join("records").join(format!("{}.rec", book.name));
    let path = path.display();
    let forget = format!(
        "if the account is not locked and its password is right, run: countersign sessions forget {id} --guards"
    );
    let (what, help) = match (book.kind, code) {
        (shelf::Kind::Session, "damaged") => (
            format!("{path}, a session, cannot be opened (damaged)"),
            "sign in again; it is set aside then".to_owned(),
        ),
        (shelf::Kind::Guards, "damaged") => (
            format!(
                "{path} keeps what an account must be spared, and cannot be opened (damaged): nobody signs in"
            ),
            format!("bring it back; or, {forget}"),
        ),
        (shelf::Kind::Guards, shelf::MISSING) => (
            format!(
                "{path} kept what an account must be spared, and is gone: nobody signs in whose process does not \
                 remember it"
            ),
            format!("bring it back; or, {forget}"),
        ),
        (shelf::Kind::Unknown, "damaged") => (
            format!("{path} cannot be opened (damaged)"),
            format!(
                "if it was a session, sign in again; if it is what an account must be spared: {forget}"
            ),
        ),
        _ => (format!("{path} cannot be opened ({code})"), error.hint_text().to_owned()),
    };
    findings.broken(TOPIC, what, help);
}

/// What was set aside, and what a process that has died has left.
fn leftovers(folder: &Path, findings: &mut Findings) {
    for name in files(&folder.join("damaged")) {
        findings.note(
            TOPIC,
            format!("{} was damaged, and set aside", folder.join("damaged").join(name).display()),
            "its session has signed in again or will; keep the file if its loss is to be understood, else \
             remove it",
        );
    }
    let n_left = files(&folder.join("tmp")).len();
    if n_left > 0 {
        let what = format!("{} holds {n_left} unfinished files", folder.join("tmp").display());
        findings.note(TOPIC, what, "the next write removes those of processes that have died");
    }
}

fn files(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names: Vec<String> =
        entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}
