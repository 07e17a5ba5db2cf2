//! What can go wrong with files, and what to do about it.

use std::io;
use std::path::Path;

use countersign_core::{Error, ErrorKind, RecordName, Recovery};

use crate::system;

/// So many records are named in one message.
const MOST_NAMED: usize = 8;

/// `doing` (an infinitive) something with `path` failed.
pub(crate) fn io(doing: &str, path: &Path, source: io::Error) -> Error {
    use io::ErrorKind as Kind;
    let (remedy, recovery) = match source.kind() {
        Kind::PermissionDenied => (system::DENIED, Recovery::GiveUp),
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
        Kind::NotADirectory | Kind::NotFound => (
            "a folder of the store is missing; bring it back, or open the store again, which makes it anew",
            Recovery::Retry,
        ),
        _ if system::is_busy(&source) => (
            "another program has it open for itself; close that one (a virus scanner or a backup does so too)",
            Recovery::Retry,
        ),
        _ => ("check that the store is on a local file system that works", Recovery::Retry),
    };
    let hint = format!("cannot {doing} {}: {remedy}", path.display());
    let error = Error::new(ErrorKind::Store).with_recovery(recovery);
    let error = match is_read_only(&source) && doing != "read" {
        true => error
            .with_code(READ_ONLY)
            .hint(format!("{hint}; what is stored is served until it ends")),
        false => error.hint(hint),
    };
    error.with_source(source)
}

/// The code of all that fails because the store can be read and not written.
pub(crate) const READ_ONLY: &str = "read_only";

/// Whether the place cannot be written by us, now or later.
pub(crate) fn is_read_only(source: &io::Error) -> bool {
    matches!(source.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem)
}

/// `path` is not as it must be; `what` says so, and what to do.
pub(crate) fn unsafe_file(path: &Path, what: &str) -> Error {
    store("unsafe_file", format!("{} {what}", path.display())).with_recovery(Recovery::GiveUp)
}

/// The record at `path` was changed since it was written.
pub(crate) fn damaged(path: &Path) -> Error {
    let hint = format!(
        "{} is damaged: a session signs in again, and it is set aside then; what an account must be spared is \
         asked for by name",
        path.display()
    );
    store("damaged", hint)
}

/// The folder of the store is not there any more.
pub(crate) fn no_folder(path: &Path) -> Error {
    let hint = format!(
        "{} is not there (any more); bring it back, or, if its sessions are given up, start anew",
        path.display()
    );
    store("no_folder", hint).with_recovery(Recovery::Retry)
}

/// Nothing says where the user's files are.
pub(crate) fn no_home() -> Error {
    store("no_home", "the user has no home folder; name a folder for the store".into())
}

/// The record was removed since it was listed.
pub(crate) fn gone(path: &Path) -> Error {
    store("gone", format!("{} was removed meanwhile", path.display()))
}

/// The file was written by a newer version.
pub(crate) fn newer(path: &Path) -> Error {
    let hint = format!("{} was written by a newer version; upgrade this program", path.display());
    store("newer_version", hint).with_recovery(Recovery::GiveUp)
}

/// Somebody holds the session's lock; `holder` is the process, if it is known.
pub(crate) fn locked(holder: Option<u32>) -> Error {
    let or_else = if is_another(holder) { ", or end that process" } else { "" };
    let who = who(holder);
    let hint = format!("the session is in use {who}; try again when that is done{or_else}");
    store("locked", hint).with_recovery(Recovery::Retry)
}

/// Somebody writes the record and does not come to an end; `holder` is the process, if it is known.
pub(crate) fn being_written(holder: Option<u32>) -> Error {
    let remedy = match is_another(holder) {
        true => "continue that process if it was stopped, else end it",
        false => "check that the disk of the store works",
    };
    let who = who(holder);
    let hint = format!(
        "the record is being written {who}, and that does not end; what was stored before is unchanged; {remedy}"
    );
    store("locked", hint).with_recovery(Recovery::Retry)
}

/// The seal keys are not usable.
pub(crate) fn key(path: &Path, what: &str) -> Error {
    store("bad_key", format!("{} {what}", path.display())).with_recovery(Recovery::GiveUp)
}

/// The key file is under something else than was asked for.
pub(crate) fn other_protection(path: &Path, what: &str) -> Error {
    let hint = format!(
        "{} is under {what}, and the store was opened without it; name it in the settings",
        path.display()
    );
    store("protected_key", hint).with_recovery(Recovery::GiveUp)
}

/// The key file is under nothing, and more was asked for.
pub(crate) fn unprotected(path: &Path) -> Error {
    let hint = format!(
        "{} is protected by {} alone, and the store was opened to have more; open it as it is and put the key \
         under the other protection, or name the one that it has",
        path.display(),
        system::GUARD
    );
    store("unprotected_key", hint).with_recovery(Recovery::GiveUp)
}

/// A passphrase does not open the key file.
pub(crate) fn wrong_passphrase(path: &Path) -> Error {
    let hint = format!(
        "the passphrase does not open {}; give the right one (or the file was changed: bring it back)",
        path.display()
    );
    store("wrong_passphrase", hint).with_recovery(Recovery::GiveUp)
}

/// An empty passphrase: a variable that is not set, more likely than a choice.
pub(crate) fn no_passphrase() -> Error {
    store("no_passphrase", "the passphrase is empty, and no key was put under it; give one".into())
        .with_recovery(Recovery::GiveUp)
}

/// Argon2 got no memory.
pub(crate) fn no_memory(kibibytes: u32) -> Error {
    let hint =
        format!("there are no {kibibytes} KiB of memory to make the key from the passphrase");
    store("no_memory", hint).with_recovery(Recovery::Retry)
}

/// A vault gave back something else than it was given.
pub(crate) fn vault_forgets(path: &Path) -> Error {
    let hint = format!(
        "the keyring did not give back what it was given, so {} was not put under it; choose a passphrase",
        path.display()
    );
    store("keyring_forgets", hint).with_recovery(Recovery::GiveUp)
}

/// The key of the key file is not where it was put.
pub(crate) fn not_in_vault(path: &Path, entry: &str) -> Error {
    let hint = format!(
        "{} is under the entry {entry} of a keyring that is not there (any more); unlock or restore that \
         keyring, or move the files of the store away and sign in again",
        path.display()
    );
    store("keyring_entry_missing", hint).with_recovery(Recovery::GiveUp)
}

/// Somebody else changes the keys; `holder` is the process, if it is known.
pub(crate) fn keys_busy(holder: Option<u32>) -> Error {
    let who = who(holder);
    let hint =
        format!("the keys of this store are being changed {who}; try again when that is done");
    store("locked", hint).with_recovery(Recovery::Retry)
}

/// The key file was replaced, and whether that lasts is not known.
pub(crate) fn keys_unconfirmed(path: &Path, source: Error) -> Error {
    let hint = format!(
        "{} was replaced, or may have been: the disk did not confirm it; see that it works, and look what the keys \
         are and what they are under now (a crash may bring the file of before back, which opens as it did)",
        path.display()
    );
    store("unconfirmed", hint).with_recovery(Recovery::GiveUp).with_source(source)
}

/// Whether the holder of a lock is a process that can be named, and not this one.
fn is_another(holder: Option<u32>) -> bool {
    holder.is_some_and(|pid| pid != std::process::id())
}

fn who(holder: Option<u32>) -> String {
    match holder {
        Some(pid) if !is_another(holder) => format!("elsewhere in this process ({pid})"),
        Some(pid) => format!("by process {pid}"),
        None => "by another process".to_owned(),
    }
}

/// A key that cannot be taken away.
pub(crate) fn key_needed(id: u32, why: &str) -> Error {
    store("key_needed", format!("key {id} {why}")).with_recovery(Recovery::GiveUp)
}

/// A key that records still need, or may need.
pub(crate) fn key_still_needed(id: u32, needing: &[(RecordName, &'static str)]) -> Error {
    let named = needing.iter().take(MOST_NAMED).map(|(name, why)| format!("{name} ({why})"));
    let named = named.collect::<Vec<_>>().join(", ");
    let more = match needing.len().saturating_sub(MOST_NAMED) {
        0 => String::new(),
        n => format!(" and {n} more"),
    };
    key_needed(
        id,
        &format!(
            "is still needed, or may be, by {named}{more}; reseal first, and set aside or bring back what \
             cannot be read"
        ),
    )
}

/// The system gave no random bytes.
pub(crate) fn no_randomness(source: getrandom::Error) -> Error {
    Error::new(ErrorKind::Store)
        .hint("the system gives no random bytes; no key was made")
        .with_source(source)
}

/// Anything else with a hint of its own.
pub(crate) fn store(code: &'static str, hint: String) -> Error {
    Error::new(ErrorKind::Store).with_code(code).hint(hint)
}
