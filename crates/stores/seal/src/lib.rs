//! One sealed, versioned record format for every Countersign store.
//!
//! What this crate never does: it opens no file and no socket, reads no clock and keeps nothing
//! between two calls. The one thing that it asks of the system is a fresh nonce for every write.
//!
//! * [`SessionRecord`] and [`AccountRecord`] are what is kept; they know no serialisation.
//! * [`Sealer`] turns them into sealed bytes and back, and names them.
//! * [`Readers`] does the same for what replicas get that may use a session and not renew it.
//! * [`KeySource`] is where a store has its keys from that keeps none itself; [`reseal`] and [`needing`] are the
//!   work of a rotation, for every store.
//! * With the feature `suite`, the module `suite` is the public test suite for stores.
//!
//! # Format
//!
//! | bytes | what |
//! |---|---|
//! | 4 | `CSR1` |
//! | 1 | format version: 1, 2 or 3 |
//! | 1 | kind: 1 session, 2 account, 3 session for readers |
//! | 4 | id of the seal key, big-endian; of the readers' key in kind 3 |
//! | 16 | the record's name (see [`Sealer::name`]) |
//! | 24 | nonce of XChaCha20-Poly1305, fresh from the system for every write |
//! | rest | ciphertext of the record as JSON, in version 3 with the tokens behind it, then the tag of 16 bytes |
//!
//! In **version 2** associated data are these 50 bytes, and the JSON says whose the record is (`who`): the
//! provider's word, the auth origin, the tenant, the identity, and for a session client and audience. A
//! record opens under its own name only, and for its owner only: the name is a keyed hash of the owner, and
//! both are compared. So a record that was moved to another account does not open, and one that was found by
//! listing a store says whose it is.
//!
//! In **version 1** associated data are the 50 bytes and the [`countersign_core::KeyDigest`] of the record's
//! key, and the JSON has no `who`.
//!
//! **Version 3** is version 2 with the tokens of a session behind the JSON, as they are and one behind the other;
//! in the JSON stands how many bytes each of them takes. A record that has fewer or more of them than that is
//! damaged. All versions are read; [`Sealer::writing`] says which one is written.
//!
//! Other secrets, and tokens before version 3, are base64 text in the JSON: a parser needs no buffer of its own
//! to read them. A newer version
//! may add fields at the top level of a record without raising the format version; they are kept and written
//! back by versions that do not know them. Anything else raises the format version.

mod account;
mod cipher;
mod fault;
mod format;
mod header;
mod keys;
mod owner;
mod readers;
mod reseal;
mod sealer;
mod session;
mod source;
mod stored;
#[cfg(feature = "suite")]
pub mod suite;
mod unknown;
mod vault;

pub use account::{AccountRecord, PendingPassword, RefusedSecret, SignInCount};
pub use format::RecordFormat;
pub use header::SealedFacts;
pub use readers::Readers;
pub use reseal::{Resealed, needing, reseal};
pub use sealer::{Found, Sealer};
pub use session::{EndCause, Ended, Journal, PendingChallenge, SessionRecord};
pub use source::KeySource;
pub use unknown::UnknownFields;
