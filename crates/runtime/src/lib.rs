//! Countersign's driver on tokio: it carries out what the machine of `countersign-core` decides.
//!
//! What this crate never does: it decides nothing about a session, builds and reads no message of a
//! provider, computes no window and no back-off, and opens no socket. It has no task, timer or
//! channel for a session that is idle.
//!
//! * [`Keeper`] owns transport, store, clock and scheduler; all sessions live in one.
//! * [`Session`] is what callers hold. On a fresh token it takes no lock and does not wait.
//! * [`CredentialSink`] hears of new passwords before they are sent.
//! * [`EffectFilter`] is the seam for seeded defects and crash points in tests.
//! * [`MemoryStore`], [`SystemClock`] and, for tests, [`ManualClock`] and [`Session::fixed`].
//!
//! Each session is a machine under a mutex that is never held across a wait. What it wants to have
//! done outside (admit, prepare, lock, journal, send, commit, unlock) is done by a detached task, one
//! step at a time; each step is reported back. A caller that goes away, a panic in somebody else's
//! code and a runtime that is dropped end at most that task, and the machine hears of it.

mod asleep;
mod at_hand;
mod builder;
mod bulk;
mod by_name;
mod carry;
mod caught;
mod cell;
mod clock;
mod commit;
mod common;
mod compute;
mod discard;
#[cfg(feature = "reqwest")]
mod doubt;
mod end;
mod events;
mod exchange;
mod explain;
mod facts;
mod figures;
mod filter;
mod fixed;
mod flight;
mod guards;
mod handover;
mod idle;
mod in_mind;
mod inner;
mod keeper;
mod keys;
mod leave;
mod lockout;
mod manual;
mod memory;
mod names;
mod obtain;
mod on_write;
mod opener;
mod operations;
mod owed;
mod parked;
mod password;
mod places;
mod post;
mod prepare;
mod proven;
mod publish;
mod published;
mod read_only;
mod readers_copy;
mod reading;
mod recall;
mod records;
mod reenter;
mod registry;
mod reports;
#[cfg(feature = "reqwest")]
mod reqwest;
mod rest;
mod revoke_all;
mod schedule;
mod send;
mod session;
mod shards;
mod shared;
mod sign_in;
mod sink;
mod site;
mod snapshot;
mod squeeze;
mod status;
mod steps;
mod stored;
mod sweep;
mod sync;
mod table;
#[cfg(test)]
mod tests;
mod ticker;
mod told;
mod trace;
mod turns;
mod unsent;
mod view;
mod wait;
mod walk;
mod watch;

pub use builder::SessionBuilder;
pub use clock::SystemClock;
pub use events::{Events, SessionEvent, SessionEventKind};
pub use explain::{Explanation, Reason};
pub use figures::{Figures, Outcomes};
pub use filter::EffectFilter;
pub use keeper::{Keeper, KeeperBuilder};
pub use manual::ManualClock;
pub use memory::MemoryStore;
pub use operations::Performed;
pub use revoke_all::{Remaining, Revocation, RevocationOutcome, RevocationReport, Selection};
pub use schedule::Planned;
pub use session::Session;
pub use sign_in::{SignIn, SignOutOutcome};
pub use sink::{CredentialSink, PasswordStage};
pub use snapshot::Authorized;
pub use status::{SessionStatus, Transition};
pub use stored::{
    Stored, StoredAccount, StoredContent, StoredEnd, StoredJournal, StoredSession, StoredState,
};

pub use countersign_seal::RecordFormat;
