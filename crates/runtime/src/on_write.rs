//! What is shared until somebody writes to it.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;

/// A value whose clones are one until one of them is written to.
#[derive(Clone, Debug, Default)]
pub(crate) struct OnWrite<T>(Arc<T>);

impl<T: Clone> OnWrite<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(Arc::new(value))
    }

    pub(crate) fn into_inner(self) -> T {
        Arc::unwrap_or_clone(self.0)
    }
}

impl<T> Deref for OnWrite<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: Clone> DerefMut for OnWrite<T> {
    fn deref_mut(&mut self) -> &mut T {
        Arc::make_mut(&mut self.0)
    }
}
