//! The end of a keeper's time: what is still under way lets go of its lock, so that the next process can
//! go on at once.

use std::pin::pin;
use std::sync::atomic::Ordering;
use std::time::Duration;

use countersign_core::Monotonic;
use futures_util::future::{Either, select};

use crate::shared::Shared;
use crate::sync::{AtomicBool, Notify};

/// How much of the time of a shutdown is for letting go: a fifth of it, and no more than this.
const LETTING_GO: Duration = Duration::from_secs(1);

/// Whether what is under way has been given up.
#[derive(Debug, Default)]
pub(crate) struct Handover {
    over: AtomicBool,
    told: Notify,
}

impl Shared {
    /// Waits for all that is under way until shortly before `deadline`, which is `within` from now; then
    /// has it let go. Whether all of it came to its end.
    pub(crate) async fn hand_over(&self, deadline: Monotonic, within: Duration) -> bool {
        let begun = self.clock.monotonic();
        let last = (within / 5).min(LETTING_GO);
        let patience = deadline.since(begun).saturating_sub(last);
        if self.quiet(begun.after(patience)).await {
            return true;
        }
        self.handover.over.store(true, Ordering::Release);
        self.handover.told.notify_waiters();
        self.quiet(deadline).await;
        false
    }

    /// Nothing flies any more.
    pub(crate) fn has_given_up(&self) -> bool {
        self.handover.over.load(Ordering::Acquire)
    }

    /// How long whoever lets go now may take for it.
    pub(crate) fn time_to_let_go(&self, usual: Duration) -> Duration {
        if self.has_given_up() { LETTING_GO } else { usual }
    }

    /// Runs `piece` to its end; `None` if it was given up before.
    pub(crate) async fn unless_given_up<F: Future>(&self, piece: F) -> Option<F::Output> {
        let told = self.handover.told.notified();
        tokio::pin!(told);
        told.as_mut().enable();
        if self.has_given_up() {
            return None;
        }
        match select(pin!(piece), told).await {
            Either::Left((end, _)) => Some(end),
            Either::Right(_) => None,
        }
    }
}
