//! Bytes that are wiped when they go.

use std::mem::MaybeUninit;
use std::ops::{Deref, DerefMut};

use zeroize::optimization_barrier;

/// A `Vec` that is zeroed on drop, and what is spare in it too: it may once have been longer.
///
/// In one piece, and behind the barrier of `zeroize`: its own way over a `Vec` takes each byte by itself, which costs
/// more than to encrypt it.
#[derive(Default)]
pub(crate) struct Wiped(Vec<u8>);

impl Wiped {
    pub(crate) const fn new(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    fn wipe(&mut self) {
        self.0.fill(0);
        optimization_barrier(self.0.as_slice());
        let spare = self.0.spare_capacity_mut();
        spare.fill(MaybeUninit::new(0));
        optimization_barrier(spare);
    }
}

impl Drop for Wiped {
    fn drop(&mut self) {
        self.wipe();
    }
}

impl Deref for Wiped {
    type Target = Vec<u8>;

    fn deref(&self) -> &Vec<u8> {
        &self.0
    }
}

impl DerefMut for Wiped {
    fn deref_mut(&mut self) -> &mut Vec<u8> {
        &mut self.0
    }
}

impl AsRef<[u8]> for Wiped {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f32_nothing_is_left_of_what_is_wiped() {
        let mut wiped = Wiped::new(b"canary".to_vec());
        wiped.wipe();
        assert_eq!(*wiped, [0; 6]);
    }
}
