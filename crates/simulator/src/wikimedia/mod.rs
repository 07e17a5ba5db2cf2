//! Wikimedia Enterprise: a REST face before a Cognito user pool, as its public handlers answer.
//!
//! What stands behind the handlers (lockout, password policy, challenge sessions, texts of the pool) is the
//! simulator's own small pool.

mod bearer;
mod binding;
mod builder;
mod login;
mod password;
mod pool;
mod refusal;
mod server;
mod signup;
#[cfg(test)]
mod tests;
mod tokens;

use std::time::Duration;

use crate::simulator::Setup;

pub(crate) use server::OPERATIONS;

/// The form of a 500, which the service has three of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InternalForm {
    /// No body and no `Content-Type`, as after a panic.
    Empty,
    /// "Internal error, please try again later."
    Message,
    /// "Internal Server Error"
    StatusText,
}

/// Settings of the Wikimedia Enterprise simulator. [`Simulator::wikimedia`](crate::Simulator::wikimedia) makes it,
/// [`Wikimedia::build`] starts from it.
///
/// Paths are those of the vendor under `/v1`, without `captcha` (404) and with a `create-user` that refuses (422): both
/// need a person. The authorised resource, which stands for the data APIs, is `GET` and `POST` `/sim/echo`.
///
/// Attributes of an account: `email`; `groups`, with commas, `group_1` by default; `mfa`, the name of any challenge that
/// follows the password and that the service cannot take the answer to; `error`, `Name` or `Name: text`, an exception of
/// the pool, whose name shows at a confirmation alone; `resource` = `forbidden` gets 403 at the resource and
/// `capped` 429; `reset_required`: an administrator asked for a new password; `change_limit`: the pool's limit of
/// changes is reached, which the service makes a 500.
#[derive(Clone, Debug)]
pub struct Wikimedia {
    setup: Setup,
    settings: Settings,
}

#[derive(Clone, Debug)]
struct Settings {
    access_life: Duration,
    refresh_life: Duration,
    session_life: Duration,
    budget: usize,
    budget_window: Duration,
    ignore_case: bool,
    internal_form: InternalForm,
    pool_outage: bool,
}
