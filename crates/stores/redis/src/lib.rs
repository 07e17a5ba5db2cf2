//! Countersign sessions in Redis: many machines share one session.
//!
//! What this crate never does: it opens no record (the bytes are sealed; [`RedisStore::reseal`] has the keys at
//! work, and is called by name), lets no record vanish by a time
//! to live, and puts no identity, address or password into a key, a log or an error.
//!
//! ```no_run
//! # fn example(seal_key: countersign_core::SecretBytes, password: countersign_core::SecretString)
//! # -> Result<(), countersign_core::Error> {
//! use countersign_core::SealKeys;
//! use countersign_store_redis::RedisStore;
//!
//! let store = RedisStore::builder("redis://127.0.0.1:6379/0", SealKeys::new(1, seal_key))?
//!     .user("countersign-writer", password)
//!     .build()?;
//! # Ok(()) }
//! ```
//!
//! * Redis 7 or newer, one server or a master with replicas ([`RedisBuilder::or`]). Every step is one
//!   script: a lock with a lease and a fencing number, a write by compare and swap, a removal.
//! * Locks have a **lease**: a holder that dies or is cut off holds others up to its end. Whoever wakes up
//!   after it writes nothing, but may send what it was about to send.
//! * The connection is made when it is needed and made again when it is lost. An operation is tried until
//!   its deadline ([`RedisBuilder::deadline`]); one whose answer was lost is recognised when it is tried
//!   again.
//! * Changes are announced ([`countersign_core::SessionStore::watch`]), also those that were made while a
//!   follower was cut off.
//! * Seal keys come from the user ([`KeySource`]), who is asked again when a record wants one that is not known;
//!   Redis never sees them.
//!
//! `docs/REDIS.md` has the rules for users of Redis, what each setting of its persistence means, and what is
//! guaranteed in a restart, a fail-over and a partition, and what is not.
//!
//! # Features
//!
//! `rustls` adds TLS (`rediss://`) with aws-lc-rs, `rustls-no-provider` TLS with the crypto provider that
//! the program has installed. Without them only plain TCP and sockets are spoken.
//!
//! The methods need a tokio runtime with IO and time enabled.

mod builder;
mod connect;
mod fault;
mod follow;
mod keys;
mod link;
mod lock;
mod names;
mod place;
mod replicas;
mod scripts;
mod shared;
mod store;
mod tls;
mod wait;

pub use builder::RedisBuilder;
pub use countersign_seal::{KeySource, Resealed};
pub use store::RedisStore;
