//! A flag that several tasks look at and set.

use std::sync::atomic::Ordering;

use crate::faults;

/// [`std::sync::atomic::AtomicBool`], as far as the driver uses it.
#[derive(Debug, Default)]
pub struct AtomicBool(shuttle::sync::atomic::AtomicBool);

impl AtomicBool {
    /// A flag that shows `value`.
    pub const fn new(value: bool) -> Self {
        Self(shuttle::sync::atomic::AtomicBool::new(value))
    }

    /// What it shows.
    pub fn load(&self, order: Ordering) -> bool {
        self.0.load(order)
    }

    /// Sets it.
    pub fn store(&self, value: bool, order: Ordering) {
        self.0.store(value, order);
    }

    /// Sets it and answers what it showed before, in one.
    pub fn swap(&self, value: bool, order: Ordering) -> bool {
        if faults::active(faults::FLAG_IN_TWO_STEPS) {
            let before = self.0.load(Ordering::SeqCst);
            self.0.store(value, Ordering::SeqCst);
            return before;
        }
        self.0.swap(value, order)
    }
}
