//! The shells that play replies: a socket of this machine, and none at all.

mod body;
mod in_process;
mod socket;

pub use in_process::InProcess;
pub use socket::Running;
