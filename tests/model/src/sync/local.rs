//! A value of the task that is being polled.

use std::cell::RefCell;
use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::pin;

use shuttle::thread::{AccessError, LocalKey};

/// Declares a [`TaskLocal`], as [`tokio::task_local!`] does.
///
/// Tokio's lies in a variable of the thread while its future is polled. All tasks of a model share one
/// thread and may be interrupted in a poll, so here it lies in a variable of the task.
#[macro_export]
macro_rules! task_local {
    ($(#[$attribute:meta])* $visibility:vis static $name:ident: $type:ty;) => {
        $(#[$attribute])*
        $visibility static $name: $crate::sync::TaskLocal<$type> = {
            ::shuttle::thread_local! {
                static SLOT: ::std::cell::RefCell<Option<$type>> = ::std::cell::RefCell::new(None)
            }
            $crate::sync::TaskLocal::of(&SLOT)
        };
    };
}

/// A value that a future has while it is polled.
pub struct TaskLocal<T: 'static>(&'static LocalKey<RefCell<Option<T>>>);

impl<T: Clone + 'static> TaskLocal<T> {
    /// Over a variable of the task.
    pub const fn of(slot: &'static LocalKey<RefCell<Option<T>>>) -> Self {
        Self(slot)
    }

    /// Runs `future` with `value`.
    pub async fn scope<F: Future>(&'static self, value: T, future: F) -> F::Output {
        let mut future = pin!(future);
        poll_fn(|cx| {
            let before = self.0.with(|slot| slot.replace(Some(value.clone())));
            let _restored = Restored { slot: self.0, before };
            future.as_mut().poll(cx)
        })
        .await
    }

    /// Shows the value to `look`.
    ///
    /// # Errors
    /// [`NoValue`] outside of [`TaskLocal::scope`].
    pub fn try_with<R>(&'static self, look: impl FnOnce(&T) -> R) -> Result<R, NoValue> {
        let value = self.0.try_with(|slot| slot.borrow().clone());
        match value {
            Ok(Some(value)) => Ok(look(&value)),
            Ok(None) | Err(AccessError { .. }) => Err(NoValue),
        }
    }
}

impl<T> fmt::Debug for TaskLocal<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TaskLocal")
    }
}

/// There is no value here.
#[derive(Clone, Copy, Debug)]
pub struct NoValue;

/// Puts back what was there before, also if the poll panics.
struct Restored<T: 'static> {
    slot: &'static LocalKey<RefCell<Option<T>>>,
    before: Option<T>,
}

impl<T> Drop for Restored<T> {
    fn drop(&mut self) {
        let before = self.before.take();
        self.slot.with(|slot| *slot.borrow_mut() = before);
    }
}
