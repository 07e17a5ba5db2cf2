//! The physical limits: the least that has to happen for what a row does, with nothing of ours in it.

mod arena;
mod flight;
mod raw;
mod ready;
mod service;

pub(crate) use arena::Arena;
pub(crate) use flight::Flight;
pub(crate) use raw::Raw;
pub(crate) use ready::Ready;
pub(crate) use service::Bare;
