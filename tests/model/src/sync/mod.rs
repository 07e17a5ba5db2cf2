//! The driver's primitives as the model has them: each operation is a point where another task may go
//! on, and each primitive can be made faulty (see [`crate::faults`]).
//!
//! What is tokio's stays tokio's underneath (`Notify`, `OnceCell`, `oneshot`), and so does `ArcSwap`:
//! the model adds the points, it does not imitate. Memory is sequentially consistent here, as shuttle
//! has it: what an ordering weaker than that allows is not seen. A variable of the thread is one of the task here: each task
//! is a thread of its own.

mod flag;
mod local;
mod notify;
mod once;
mod runtime;
mod swap;

pub use arc_swap::Guard;
pub use shuttle::sync::atomic::{AtomicI64, AtomicU32, AtomicUsize};
pub use shuttle::sync::{Mutex, MutexGuard};
pub use shuttle::thread_local;
/// Counts steps of the clocks, of which no scenario has one; to look whether there were any is no point, since each event
/// of each session begins with that. And says which thread took headers last, of which nothing but their counters depends.
pub use std::sync::atomic::AtomicU32 as Tally;
pub use tokio::sync::{OnceCell, oneshot};

pub use crate::pause as yield_now;
pub use crate::task_local;
pub use flag::AtomicBool;
pub use local::{NoValue, TaskLocal};
pub use notify::{Notified, Notify};
pub use once::OnceLock;
pub use runtime::{Handle, NoRuntime, Runtime, Spawned};
pub use swap::ArcSwap;

use std::sync::atomic::Ordering;

/// A point where another task may go on.
#[derive(Debug, Default)]
struct Point(shuttle::sync::atomic::AtomicBool);

impl Point {
    const fn new() -> Self {
        Self(shuttle::sync::atomic::AtomicBool::new(false))
    }

    fn pass(&self) {
        crate::count_step();
        self.0.load(Ordering::SeqCst);
    }
}
