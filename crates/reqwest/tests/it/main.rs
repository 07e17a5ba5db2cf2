//! The transport and the clients over real sockets of this machine.

#[cfg(test)]
mod client;
#[cfg(test)]
mod codes;
#[cfg(feature = "tower")]
#[cfg(test)]
mod layer;
#[cfg(feature = "middleware")]
#[cfg(test)]
mod middleware;
#[cfg(test)]
mod not_sent;
#[cfg(test)]
mod send_with;
#[cfg(test)]
mod support;
#[cfg(test)]
mod transport;
