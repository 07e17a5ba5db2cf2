//! The published value.

use std::sync::Arc;

use super::Point;
use crate::faults;

/// [`arc_swap::ArcSwap`] with points around it.
#[derive(Debug)]
pub struct ArcSwap<T> {
    inner: arc_swap::ArcSwap<T>,
    point: Point,
}

impl<T> ArcSwap<T> {
    /// `value` is published.
    pub fn new(value: Arc<T>) -> Self {
        Self { inner: arc_swap::ArcSwap::new(value), point: Point::new() }
    }

    /// What is published.
    pub fn load(&self) -> arc_swap::Guard<Arc<T>> {
        self.point.pass();
        self.inner.load()
    }

    /// The same, owned.
    pub fn load_full(&self) -> Arc<T> {
        self.point.pass();
        self.inner.load_full()
    }

    /// Publishes.
    pub fn store(&self, value: Arc<T>) {
        self.point.pass();
        self.inner.store(value);
    }

    /// Publishes and answers what was there before.
    pub fn swap(&self, value: Arc<T>) -> Arc<T> {
        self.point.pass();
        self.inner.swap(value)
    }

    /// Publishes if `current` is still there, and answers what was.
    pub fn compare_and_swap(&self, current: &Arc<T>, new: Arc<T>) -> arc_swap::Guard<Arc<T>> {
        self.point.pass();
        if faults::active(faults::SWAP_WITHOUT_COMPARING) {
            let before = self.inner.load();
            self.inner.store(new);
            return before;
        }
        self.inner.compare_and_swap(current, new)
    }
}
