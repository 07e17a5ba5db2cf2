//! The end of a keeper's time: what is still under way lets go of its lock, so that the next process can
//! go on at once.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};
use std::time::Duration;

use countersign_core::{Error, ErrorKind, Monotonic};
use pin_project_lite::pin_project;

use crate::caught::caught;
use crate::flight::Flight;
use crate::records::{Records, Written};
use crate::shared::Shared;
use crate::sync::{AtomicBool, Notified, Notify};
use crate::wait::{Waited, wait};

/// How much of the time of a shutdown is for letting go: a fifth of it, and no more than this.
const LETTING_GO: Duration = Duration::from_secs(1);

/// Whether what is under way has been given up.
#[derive(Debug, Default)]
pub(crate) struct Handover {
    over: AtomicBool,
    told: Notify,
}

impl Flight {
    /// The time is over, and the session was to be ended: the store hears of it all the same, so that no other
    /// process goes on with it.
    pub(crate) async fn end_at_last(&mut self) {
        if !self.cell.core().machine.is_ending() {
            return;
        }
        let cell = Arc::clone(&self.cell);
        let clock = &*cell.shared.clock;
        let until = clock.monotonic().after(LETTING_GO);
        let ending = caught(self.end_in_store());
        if !matches!(wait(clock, ending, until).await, Waited::Came(Ok(Ok(())))) {
            tracing::warn!(session = %cell.digest, "that a session was ended could not be written in time");
        }
    }

    async fn end_in_store(&mut self) -> Result<(), Error> {
        let records = Records::load(&self.cell).await?;
        if records.session.ended.is_some() {
            return Ok(());
        }
        self.records = Some(records);
        let now = self.cell.shared.clock.now();
        match self.write_ending(now).await? {
            Written::Yes => Ok(()),
            Written::Lost => Err(Error::new(ErrorKind::Store)),
        }
    }
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
    pub(crate) fn unless_given_up<F: Future>(&self, piece: F) -> UnlessGivenUp<'_, F> {
        UnlessGivenUp { shared: self, told: self.handover.told.notified(), piece, begun: false }
    }
}

pin_project! {
    pub(crate) struct UnlessGivenUp<'a, F> {
        shared: &'a Shared,
        #[pin]
        told: Notified<'a>,
        #[pin]
        piece: F,
        begun: bool,
    }
}

impl<F: Future> Future for UnlessGivenUp<'_, F> {
    type Output = Option<F::Output>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        if !*this.begun {
            *this.begun = true;
            this.told.as_mut().enable();
            if this.shared.has_given_up() {
                return Poll::Ready(None);
            }
        }
        if let Poll::Ready(end) = this.piece.poll(cx) {
            return Poll::Ready(Some(end));
        }
        this.told.poll(cx).map(|()| None)
    }
}
