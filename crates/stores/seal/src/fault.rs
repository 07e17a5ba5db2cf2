//! Why bytes are not opened, and what to do about it.

use countersign_core::{Error, ErrorKind, Recovery};

/// The record was changed since it was sealed.
pub(crate) fn damaged() -> Error {
    store("damaged", "the record is damaged; sign in again to replace it")
        .with_recovery(Recovery::Reauthenticate)
}

/// The record names a seal key that is not among ours. What it names is not proved: a bit may have flipped.
pub(crate) fn unknown_key(id: u32) -> Error {
    let hint = format!(
        "the record says that it is sealed with key {id}, which is not among the keys of this store; bring that \
         key back. If there never was one of that number, the record is damaged: it stays as it is until somebody \
         moves it away, and then a sign-in makes another"
    );
    Error::new(ErrorKind::Store).with_recovery(Recovery::GiveUp).with_code("unknown_key").hint(hint)
}

/// A record for readers, and no readers' key that opens it.
pub(crate) fn unknown_readers_key(id: u32) -> Error {
    let hint = format!(
        "the record says that it is one for readers, sealed with their key {id}, which is not among the keys of \
         this store; bring that key back. If there never was one of that number, the record is damaged: the next \
         write of its session makes another"
    );
    Error::new(ErrorKind::Store).with_recovery(Recovery::GiveUp).with_code("unknown_key").hint(hint)
}

/// The format version is above ours, or the content has a word that we do not know.
pub(crate) fn newer() -> Error {
    store(
        "newer_version",
        "the record says that it was written by a newer version; upgrade this program. If no newer one has ever \
         used this store, the record is damaged: it stays as it is until somebody moves it away",
    )
}

/// The record was sealed for another account or session, or by a store with another naming key.
pub(crate) fn foreign() -> Error {
    store(
        "foreign",
        "the record says that it belongs to another account, session or store; move it back where it was. If \
         nobody has moved it, it is damaged: it stays as it is until somebody moves it away, and then a sign-in \
         makes another",
    )
}

/// A record of format 1 was found without its key.
pub(crate) fn unnamed() -> Error {
    store(
        "unnamed",
        "the record is of format 1, which does not say whose it is; open its session by name, and the next \
         write will say so",
    )
}

/// The seal keys cannot be used.
pub(crate) fn bad_keys(hint: &'static str) -> Error {
    store("bad_key", hint)
}

/// There are keys for reading alone.
pub(crate) fn readers_only() -> Error {
    store(
        "readers_only",
        "this store has the readers' key alone: sessions can be used with it, and neither renewed nor signed \
         in; do that where the seal keys are",
    )
}

/// The system gave no random bytes.
pub(crate) fn no_randomness(source: getrandom::Error) -> Error {
    Error::new(ErrorKind::Store)
        .hint("the system gives no random bytes; nothing was sealed")
        .with_source(source)
}

/// A record that this crate itself cannot write or seal.
pub(crate) fn unwritable() -> Error {
    Error::new(ErrorKind::Internal)
}

fn store(code: &'static str, hint: &'static str) -> Error {
    Error::new(ErrorKind::Store).with_recovery(Recovery::GiveUp).with_code(code).hint(hint)
}
