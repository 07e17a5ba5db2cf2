//! The physical limits: the least that has to happen for what a row does, with nothing of ours in it.

mod ready;

pub(crate) use ready::Ready;
