//! A value that is made once.

use super::Point;

/// [`std::sync::OnceLock`], as far as the driver uses it. Making the value must not pass a point.
#[derive(Debug)]
pub struct OnceLock<T> {
    inner: std::sync::OnceLock<T>,
    point: Point,
}

impl<T> Default for OnceLock<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> OnceLock<T> {
    /// Nothing is made yet.
    pub const fn new() -> Self {
        Self { inner: std::sync::OnceLock::new(), point: Point::new() }
    }

    /// What was made.
    pub fn get(&self) -> Option<&T> {
        self.point.pass();
        self.inner.get()
    }

    /// What was made, or is now.
    pub fn get_or_init(&self, make: impl FnOnce() -> T) -> &T {
        self.point.pass();
        self.inner.get_or_init(make)
    }
}
