//! The primitives that the driver's protocol is made of: everything that two callers, a caller and a
//! flight, or a flight and the ticker can meet at.
//!
//! All files of the driver take them from here and from nowhere else. `tests/model` compiles the same
//! files over a module of this name in which every one of them is a point where another task may go
//! on, and runs the driver under many schedules. So there is no `cfg` for that in any of them.

/// A number that the model does not stop at: every event of a session begins with a look at two of them, and whose headers
/// are counted apart decides nothing.
pub(crate) use std::sync::atomic::AtomicU32 as Tally;
pub(crate) use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU32, AtomicUsize};
pub(crate) use std::sync::{Mutex, MutexGuard, OnceLock};
pub(crate) use std::thread_local;

pub(crate) use arc_swap::{ArcSwap, Guard};
pub(crate) use tokio::runtime::Handle;
pub(crate) use tokio::sync::futures::Notified;
pub(crate) use tokio::sync::{Notify, OnceCell, oneshot};
pub(crate) use tokio::task::yield_now;
pub(crate) use tokio::task_local;
