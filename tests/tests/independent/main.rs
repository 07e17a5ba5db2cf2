//! The real adapters through the real client against servers that nobody of this project wrote.
//!
//! `cargo xtask independent` installs and starts the servers of `tests/independent`, puts what they
//! say of themselves into the environment and runs these tests; without it they are ignored. Each
//! case prints one line, and where a server is laxer than the service it stands for, the line says so.

#[cfg(test)]
mod bare;
#[cfg(test)]
mod behind;
#[cfg(test)]
mod cognito;
#[cfg(test)]
mod ibex;
#[cfg(test)]
mod igny8;
#[cfg(test)]
mod load;
#[cfg(test)]
mod logged;
#[cfg(test)]
mod oathtool;
#[cfg(test)]
mod support;
