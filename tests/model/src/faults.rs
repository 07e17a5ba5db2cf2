//! Which fault is seeded now.
//!
//! A fault of a primitive is in [`crate::sync`], one of the driver is written into a copy of its files
//! by the build script ([`crate::seeds`]). Either way it sleeps until [`with`] wakes it, so one build
//! shows every fault.

use std::cell::Cell;

/// A waiter looks first and listens afterwards: what is told in between is lost.
pub const LOOKS_BEFORE_LISTENING: &str = "looks before listening";
/// Telling all who wait tells one.
pub const ONE_IS_TOLD: &str = "one is told instead of all";
/// A flag is looked at and set in two steps.
pub const FLAG_IN_TWO_STEPS: &str = "a flag is looked at and set in two steps";
/// Replacing a certain publication replaces any.
pub const SWAP_WITHOUT_COMPARING: &str = "a swap does not compare";

// One execution of a model runs on one thread, with all of its tasks.
thread_local! {
    static ACTIVE: Cell<Option<&'static str>> = const { Cell::new(None) };
}

/// Whether the fault of this name is seeded.
pub fn active(name: &str) -> bool {
    ACTIVE.get() == Some(name)
}

/// Runs `check` with a fault.
pub fn with<T>(name: &'static str, check: impl FnOnce() -> T) -> T {
    struct Over;
    impl Drop for Over {
        fn drop(&mut self) {
            ACTIVE.set(None);
        }
    }
    ACTIVE.set(Some(name));
    let _over = Over;
    check()
}
