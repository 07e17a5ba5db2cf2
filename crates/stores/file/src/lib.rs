//! Countersign sessions in files: many processes, one machine.
//!
//! What this crate never does: it opens no record (the bytes are sealed; [`FileStore::reseal`] has the keys at
//! work, and is called by name), deletes nothing that it cannot read, takes no lock to read a record, and never
//! protects its keys less than was asked for.
//!
//! ```text
//! DIR/key                     seal keys, readable by the owner only; under more by KeyProtection
//! DIR/records/NAME.rec        a small plain header, then sealed bytes
//! DIR/locks/NAME.lock         who holds the record's lock, and its fencing number
//! DIR/locks/NAME.cas          taken for the moment of a write; the highest revision ever given
//! DIR/tmp/                    files being written
//! DIR/damaged/NAME.N.rec      records that could not be read, set aside
//! ```
//!
//! * Folders are made with mode 0700 and files with 0600. What belongs to another user, is open to
//!   others, is a symbolic link or (a record) has a second hard link is refused with the remedy.
//! * A write goes to a new file, which is synced, renamed and followed by a sync of the folder: a
//!   reader sees the old record or the new one, also after a crash.
//! * Locks are those of the operating system (`flock`): they exclude processes and sessions of one
//!   process alike, and end with the process. They have no lease: a process that is stopped goes on
//!   holding its lock, and who waits is told its number. The folder must be on a local file system
//!   whose locks work.
//! * A store that cannot be written can be read: what needs a write fails with the code `read_only`. A folder that
//!   is gone is an error (`no_folder`) and not an empty store.
//! * Linux is tested. On macOS the same calls are made (`fsync` reaches the disk there: `F_FULLFSYNC`), but the
//!   project neither compiles nor runs it there; elsewhere the crate does not compile. The page
//!   `docs/decisions/0018-what-the-file-store-promises-where.md` has each promise by platform.
//! * Changes are not announced: [`countersign_core::SessionStore::watch`] answers `None`.
//!
//! The methods need a tokio runtime with time enabled; file operations run on its blocking threads.

mod blocking;
mod cas;
mod damaged;
mod fault;
mod guard;
mod inspect;
mod key;
#[cfg(feature = "keyring")]
mod keyring;
mod layout;
mod lock;
mod protection;
mod record;
mod rotation;
mod store;
mod system;
mod temp;
mod wait;

pub use inspect::{Inspection, LockFacts, RecordFacts};
#[cfg(feature = "keyring")]
pub use keyring::OsKeyring;
pub use protection::{KeyProtection, KeyVault, Passphrase};
pub use store::FileStore;
