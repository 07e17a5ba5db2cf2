//! Countersign sessions in files: many processes, one machine.
//!
//! What this crate never does: it opens no record (the bytes are sealed; [`FileStore::reseal`] has the keys at
//! work, and is called by name), deletes nothing that it cannot read, takes no lock to read a record, and never
//! protects its keys less than was asked for.
//!
//! ```text
//! DIR/key                     seal keys, the owner's only; under more by KeyProtection
//! DIR/records/NAME.rec        a small plain header, then sealed bytes
//! DIR/locks/NAME.lock         who holds the record's lock, and its fencing number
//! DIR/locks/NAME.cas          the highest revision ever given, and who writes the record: taken for that moment
//! DIR/tmp/                    files being written
//! DIR/damaged/NAME.N.rec      records that could not be read, set aside
//! ```
//!
//! * Folders are made with mode 0700 and files with 0600. What belongs to another user, is open to
//!   others, is a symbolic link or (a record) has a second hard link is refused with the remedy.
//! * A write goes to a new file, which is synced, renamed and followed by a sync of the folder: a
//!   reader sees the old record or the new one, also after a crash.
//! * Locks are those of the operating system (`flock`; on Windows a handle that shares no writing): they exclude
//!   processes and sessions of one process alike, and end with the process. They have no lease: a process that is
//!   stopped goes on holding its lock, and who waits is told its number. The folder must be on a local file system
//!   whose locks work.
//! * A store that cannot be written can be read: what needs a write fails with the code `read_only`. A folder that
//!   is gone is an error (`no_folder`) and not an empty store.
//! * Changes are not announced: [`countersign_core::SessionStore::watch`] answers `None`.
//!
//! **macOS** makes the same calls as Linux (`fsync` reaches the disk there: `F_FULLFSYNC`).
//!
//! **Windows** differs in these points:
//!
//! * Files have no modes; whoever may read a folder may read what is made in it. So the store has to be below the
//!   user's profile, whose access control list names the user, the system and the administrators. Any other place, a
//!   server among them, is refused (`foreign_place`) unless [`FileStore::open_vouched`] says that it is the user's
//!   alone. Lists that somebody has changed by hand are not looked at.
//! * Links and junctions are refused as the last part of the path to the folder or a file. One that is on the way
//!   counts for where it leads.
//! * A lock file that is held can be neither removed nor replaced. Another program that has one open for itself looks
//!   like a holder, for as long as it does.
//! * A program that has another file open for itself (a virus scanner, a backup) is waited for, two seconds at most.
//! * A folder cannot be synced as on Unix. The new file is synced again under its name instead; a removal may be
//!   undone by a loss of power right after it.
//! * A record that is marked read-only is served, and neither replaced nor removed (`read_only`).
//!
//! Linux is what the tests of the project run on. They also run on Wine, which is not Windows; for macOS and Windows
//! proper the crate is compiled. The page `docs/decisions/0018-what-the-file-store-promises-where.md` has each
//! promise by platform.
//!
//! The methods need a tokio runtime with time enabled; file operations run on its blocking threads.

mod blocking;
mod cas;
mod damaged;
mod fault;
mod guard;
mod holders;
mod inspect;
mod key;
mod key_file;
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

pub use countersign_seal::{Resealed, SealedFacts};
pub use holders::{LockFacts, LockKind};
pub use inspect::{Inspection, RecordFacts};
pub use key_file::KeyFile;
#[cfg(feature = "keyring")]
pub use keyring::OsKeyring;
pub use protection::{KeyProtection, KeyVault, Passphrase};
pub use store::FileStore;
