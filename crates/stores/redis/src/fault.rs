//! What can go wrong with a server, and what to do about it.
//!
//! Errors name the place and the server's code. What else the server says is left out: it repeats
//! arguments of the command that it refuses.

use std::io;
use std::time::Duration;

use countersign_core::{Error, ErrorKind, Recovery};
use redis::{ErrorKind as Kind, RedisError, ServerErrorKind};

use crate::place::Place;

/// How a server begins that has reached its `maxclients`; it has no code of its own for that.
const FULL: &str = "max number of clients";

/// What a failed try means for the next one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Next {
    /// The connection is of no use any more; another one may be.
    Reconnect,
    /// The server is there and cannot do it now.
    Again,
    /// Another try would end the same way.
    GiveUp,
}

/// Reads what a try came to.
pub(crate) fn of(place: &Place, error: &RedisError) -> (Next, Error) {
    let code = error.code().unwrap_or_default();
    if let Some(refused) = crate::tls::late(place, error) {
        return refused;
    }
    match (error.kind(), code) {
        (Kind::Io | Kind::Parse, _) => (Next::Reconnect, lost(place)),
        // It says so to the first command, whichever that is, and closes.
        _ if error.detail().is_some_and(|said| said.starts_with(FULL)) => (
            Next::Reconnect,
            store(
                "too_many_clients",
                format!("Redis at {place} has all the clients that it takes; raise its maxclients, or end some"),
            ),
        ),
        (_, "NOAUTH" | "WRONGPASS") => (Next::GiveUp, not_authenticated(place)),
        (Kind::Server(ServerErrorKind::NoPerm), _) => (
            Next::GiveUp,
            store(
                "no_permission",
                format!(
                    "the user may not do that at Redis {place}; give it the rules of docs/REDIS.md, or open \
                     the store with read_only()"
                ),
            )
            .with_recovery(Recovery::GiveUp),
        ),
        (Kind::Server(ServerErrorKind::ReadOnly), _) => (
            Next::Reconnect,
            store(
                "replica",
                format!(
                    "Redis at {place} is a replica and takes no writes; name the master, or all servers with or()"
                ),
            ),
        ),
        (Kind::Server(ServerErrorKind::BusyLoading), _) | (_, "BUSY") => (
            Next::Again,
            store("busy", format!("Redis at {place} is loading its data or busy; try again")),
        ),
        (
            Kind::Server(
                ServerErrorKind::MasterDown
                | ServerErrorKind::ClusterDown
                | ServerErrorKind::TryAgain,
            ),
            _,
        )
        | (_, "NOREPLICAS") => (
            Next::Again,
            store(
                "no_replicas",
                format!("Redis at {place} has lost its master, or too many of its replicas; bring them back"),
            ),
        ),
        (Kind::Server(ServerErrorKind::Moved | ServerErrorKind::Ask), _) => (
            Next::GiveUp,
            store(
                "moved",
                format!(
                    "Redis at {place} is a node of a cluster and does not have this store's slot; name the node \
                     that has"
                ),
            )
            .with_recovery(Recovery::GiveUp),
        ),
        (_, "OOM") => (
            Next::GiveUp,
            store(
                "no_memory",
                format!(
                    "Redis at {place} has reached its maxmemory; raise it, or free memory (what was stored \
                     before is unchanged)"
                ),
            ),
        ),
        (_, "MISCONF") => (
            Next::GiveUp,
            store(
                "no_disk",
                format!(
                    "Redis at {place} cannot write to its disk and takes no writes; free space there (what was \
                     stored before is unchanged)"
                ),
            ),
        ),
        (_, "WRONGTYPE" | "FOREIGN") => (Next::GiveUp, foreign(place)),
        _ => (
            Next::GiveUp,
            store(
                if code.is_empty() { "refused" } else { code },
                format!("Redis at {place} refuses the command; it must be Redis 7 or newer"),
            )
            .with_recovery(Recovery::GiveUp),
        ),
    }
}

/// Reads why a server does not take a user with a password.
pub(crate) fn of_login(place: &Place, error: &RedisError) -> (Next, Error) {
    match of(place, error) {
        // It has no code for it that there is no password to check.
        (Next::GiveUp, _) if error.code() == Some("ERR") => {
            (Next::GiveUp, not_authenticated(place))
        }
        other => other,
    }
}

fn not_authenticated(place: &Place) -> Error {
    let hint = format!(
        "Redis at {place} refuses the user or the password; check both, and that the user is on"
    );
    store("not_authenticated", hint).with_recovery(Recovery::GiveUp)
}

/// The connection ended, or never came about.
pub(crate) fn lost(place: &Place) -> Error {
    store(
        "not_reached",
        format!("Redis at {place} cannot be reached; check that it runs and is reachable"),
    )
}

/// A connection failed with `source`.
pub(crate) fn unreachable(place: &Place, source: io::Error) -> Error {
    lost(place).with_source(source)
}

/// The two sides of TLS do not trust each other.
#[cfg(feature = "rustls-no-provider")]
pub(crate) fn not_trusted(hint: String, source: io::Error) -> Error {
    store("not_trusted", hint).with_recovery(Recovery::GiveUp).with_source(source)
}

/// No answer came in time.
pub(crate) fn late(place: &Place) -> Error {
    store(
        "no_answer",
        format!("Redis at {place} did not answer in time; check its load and the network"),
    )
}

/// What lies under our names is not ours.
pub(crate) fn foreign(place: &Place) -> Error {
    let hint = format!(
        "there is something else under the name of a record at Redis {place}; another program writes there: \
         choose another prefix, or remove it"
    );
    store("foreign", hint).with_recovery(Recovery::GiveUp)
}

/// An answer that none of our commands has.
pub(crate) fn unexpected(place: &Place) -> Error {
    store(
        "unexpected",
        format!(
            "Redis at {place} gave an answer that was not expected; it must be Redis 7 or newer"
        ),
    )
    .with_recovery(Recovery::GiveUp)
}

/// Somebody else holds the lock.
pub(crate) fn locked(holder: &str, left: Duration) -> Error {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-.:/ ".contains(c);
    let holder: String = holder.chars().take(64).map(|c| if plain(c) { c } else { '?' }).collect();
    let hint = format!(
        "the session is in use by {holder}; try again when it is done, at the latest in {} s",
        left.as_millis().div_ceil(1000)
    );
    store("locked", hint).with_recovery(Recovery::Retry)
}

/// The record is written, and fewer replicas than wanted said so.
pub(crate) fn not_replicated(place: &Place, wanted: u32, have: i64) -> Error {
    let hint = format!(
        "it is written at Redis {place}, but {have} replicas of {wanted} confirmed it in time; bring them back"
    );
    store("not_replicated", hint)
}

/// The store was opened to be read.
pub(crate) fn read_only() -> Error {
    store("read_only", "the store is open read-only; whoever may write renews the session".into())
        .with_recovery(Recovery::GiveUp)
}

/// The record is too long.
pub(crate) fn too_long() -> Error {
    store("too_long", "the record is longer than 16 MiB".into()).with_recovery(Recovery::GiveUp)
}

/// The system gave no random bytes.
pub(crate) fn no_randomness() -> Error {
    Error::new(ErrorKind::Store).hint("the system gives no random bytes for a lock or a write")
}

/// A setting is wrong.
pub(crate) fn setting(hint: String) -> Error {
    Error::new(ErrorKind::Configuration).hint(hint)
}

fn store(code: &str, hint: String) -> Error {
    Error::new(ErrorKind::Store).with_code(code).hint(hint)
}
