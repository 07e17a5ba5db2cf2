//! Telling whoever waits.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use super::Point;
use crate::faults;

/// [`tokio::sync::Notify`] with points around it.
#[derive(Debug, Default)]
pub struct Notify {
    inner: tokio::sync::Notify,
    point: Point,
}

/// Waits for a notice of a [`Notify`].
#[derive(Debug)]
pub struct Notified<'a> {
    of: &'a Notify,
    /// `None` until it listens.
    inner: Option<Pin<Box<tokio::sync::futures::Notified<'a>>>>,
}

impl Notify {
    /// Nobody is told yet.
    pub const fn new() -> Self {
        Self { inner: tokio::sync::Notify::const_new(), point: Point::new() }
    }

    /// Tells one waiter, or the next one.
    pub fn notify_one(&self) {
        self.point.pass();
        self.inner.notify_one();
    }

    /// Tells all who wait.
    pub fn notify_waiters(&self) {
        self.point.pass();
        if faults::active(faults::ONE_IS_TOLD) {
            self.inner.notify_one();
            return;
        }
        self.inner.notify_waiters();
    }

    /// Listens from now on.
    pub fn notified(&self) -> Notified<'_> {
        self.point.pass();
        let deaf = faults::active(faults::LOOKS_BEFORE_LISTENING);
        let inner = (!deaf).then(|| Box::pin(self.inner.notified()));
        Notified { of: self, inner }
    }
}

impl Notified<'_> {
    /// Stands in line for [`Notify::notify_one`] too; whether it has been told already.
    pub fn enable(mut self: Pin<&mut Self>) -> bool {
        self.of.point.pass();
        self.inner.as_mut().is_some_and(|inner| inner.as_mut().enable())
    }
}

impl Future for Notified<'_> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        this.of.point.pass();
        let inner = this.inner.get_or_insert_with(|| Box::pin(this.of.inner.notified()));
        inner.as_mut().poll(cx)
    }
}
