//! One sealed, versioned record format for every Countersign store.
//!
//! What this crate never does: it opens no file and no socket, reads no clock and keeps nothing
//! between two calls. The one thing that it asks of the system is a fresh nonce for every write.
//!
//! * [`SessionRecord`] and [`AccountRecord`] are what is kept; they know no serialisation.
//! * [`Sealer`] turns them into sealed bytes and back, and names them.
//! * With the feature `suite`, the module `suite` is the public test suite for stores.
//!
//! # Format, version 1
//!
//! | bytes | what |
//! |---|---|
//! | 4 | `CSR1` |
//! | 1 | format version: 1 |
//! | 1 | kind: 1 session, 2 account |
//! | 4 | id of the seal key, big-endian |
//! | 16 | the record's name (see [`Sealer::name`]) |
//! | 24 | nonce of XChaCha20-Poly1305, fresh from the system for every write |
//! | rest | ciphertext of the record as JSON, then the tag of 16 bytes |
//!
//! Associated data are these 50 bytes and the [`countersign_core::KeyDigest`] of the record's key, so
//! that a record which was moved to another account does not open. In the JSON, secrets are base64
//! text: a parser needs no buffer of its own to read them. A newer version may add fields at the top
//! level of a record without raising the format version; they are kept and written back by versions
//! that do not know them. Anything else raises the format version.

mod account;
mod cipher;
mod fault;
mod header;
mod keys;
mod sealer;
mod session;
mod stored;
#[cfg(feature = "suite")]
pub mod suite;
mod unknown;

pub use account::{AccountRecord, PendingPassword, RefusedSecret, SignInCount};
pub use sealer::Sealer;
pub use session::{EndCause, Ended, Journal, PendingChallenge, SessionRecord};
pub use unknown::UnknownFields;
