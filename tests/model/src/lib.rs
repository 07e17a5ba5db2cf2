//! The driver of `countersign-runtime` under its mutex, checked under many schedules.
//!
//! The runtime takes every primitive of its protocol from one module, `sync`. Here the same files are
//! compiled over another module of that name ([`sync`]), in which each operation is a point where another
//! task may go on, and [shuttle](https://docs.rs/shuttle) decides who does. So the real `Keeper` and
//! `Session` run, over a store, a server and a clock that are interrupted too, and no file of the runtime
//! knows of it. The build script makes the roots from the runtime's `lib.rs`, so a new module is in it by
//! itself.
//!
//! * `scenarios/`: what is checked, each a small world in which a few tasks meet. Half of the schedules
//!   are random walks, half give priorities that change at few points (PCT); the smallest protocols are
//!   tried in every schedule that there is.
//! * [`ledger`]: rules that hold at every moment. Nothing is handed out that was refused, or over, before
//!   the asking began, or that no write was attempted for; one exchange of an account at a time; no spent
//!   refresh token is sent again; nothing is sent after a shutdown.
//! * Time stands still but where a scenario cranks it. So a lost wake-up is a deadlock, and a deadlock is
//!   a failure; so is a task that outlives its keeper, and a livelock.
//! * [`seeds`] and [`faults`]: what must make a scenario fail, written into copies of the runtime's files
//!   or into the primitives. `model-faults` wakes them one by one, and a fault that is not seen, or whose
//!   place in the files has changed, fails the build's tests. All of those were seen red.
//!
//! ```text
//! cargo test -p countersign-model                               what `cargo xtask test` runs of it
//! cargo run -p countersign-model --bin model-driver -- NAME      one scenario, or one group of them
//! cargo run -p countersign-model --bin model-faults -- NAME      one fault
//! MODEL_SEED=7 MODEL_PERCENT=1000 ...                            other schedules, ten times as many
//! MODEL_TRACE=1 ...                                              every event and effect; the last one fails
//! ```
//!
//! A failure names its seed; the same seed fails again.
//!
//! What this does not show: orders of memory weaker than sequential consistency, more than the handful of
//! tasks of a scenario, the insides of tokio's and arc-swap's primitives (they are the real ones, each
//! operation in one step), and real time.

pub mod explore;
pub mod faults;
pub mod ledger;
#[allow(missing_docs, clippy::unwrap_used, reason = "the provider of the runtime's own tests")]
#[path = "../../../crates/runtime/tests/it/common/provider.rs"]
pub mod provider;
pub mod seeds;
pub mod server;
pub mod store;
pub mod sync;

use std::cell::Cell;
use std::future::poll_fn;
use std::task::Poll;

// One execution of a model runs on one thread, with all of its tasks.
thread_local! {
    static STEPS: Cell<u64> = const { Cell::new(0) };
}

/// How many steps were made: it stands still while everybody waits.
pub fn steps() -> u64 {
    STEPS.get()
}

fn count_step() {
    STEPS.set(STEPS.get().wrapping_add(1));
}

/// A point at which a future can be dropped, and another task go on.
pub async fn pause() {
    count_step();
    let mut paused = false;
    poll_fn(|cx| {
        if paused {
            return Poll::Ready(());
        }
        paused = true;
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}
