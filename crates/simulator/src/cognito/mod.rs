//! Amazon Cognito: the user pool API itself (`cognito-idp`), AWS JSON 1.1 over one path, without request signatures.
//!
//! What the service model and the developer guide leave open is the simulator's own choice, named at the setting or
//! where it is made.

mod builder;
mod chain;
mod challenge;
mod clients;
mod flow;
mod me;
mod password;
pub(crate) mod policy;
mod proof;
mod refresh;
mod refusal;
mod resource;
mod secret_hash;
mod server;
mod sessions;
mod sign_in;
mod software_token;
mod srp;
#[cfg(test)]
mod tests;
mod timestamp;
mod tokens;
mod users;
mod wire;

use std::time::Duration;

use http::StatusCode;

use crate::ibex::HeaderForm;
use crate::simulator::Setup;
use crate::totp::Totp;

pub use flow::AuthFlow;

/// Which token the API behind the pool wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResourceToken {
    /// The access token.
    Access,
    /// The ID token.
    Id,
}

/// Which user name the `SECRET_HASH` of a challenge answer or of a `REFRESH_TOKEN_AUTH` is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HashName {
    /// The one typed at sign-in or the internal one.
    Either,
    /// The internal one, as the service wants it from users who signed in by an alias.
    Internal,
}

/// Settings of the Cognito simulator. [`Simulator::cognito`](crate::Simulator::cognito) makes it, [`Cognito::build`]
/// starts from it.
///
/// One path, `POST /`, with `X-Amz-Target`. The authorised resource, which stands for somebody's API behind the pool,
/// is `GET` and `POST` `/sim/echo`. App clients are accounts made by [`Account::client`](crate::Account::client); one
/// with an empty secret is a public client.
///
/// Attributes of an account:
/// * `user.NAME`: the attribute NAME of the user, as in `user.email`; `sub`: the internal name, made up otherwise;
/// * `mfa`: the names of the challenges that follow the password, with commas, in their order; otherwise
///   `SOFTWARE_TOKEN_MFA` where there is a shared secret. `EMAIL_OTP`, `SMS_MFA`, `SMS_OTP`, `SOFTWARE_TOKEN_MFA`,
///   `MFA_SETUP`, `SELECT_MFA_TYPE` (one of `mfa_choices`) and `CUSTOM_CHALLENGE` (`custom_answer`) can be answered,
///   any other name is handed out and cannot;
/// * `required_attributes`: what must come with the first new password, with commas;
/// * `temporary_password_until_s`: the end of the temporary password, in Unix seconds;
/// * `reset_required`: an administrator asked for a new password;
/// * `error`: `Name` or `Name: text`, an exception that every operation about the account answers, or, with
///   `error_on`, the one operation of that AWS name;
/// * `resource` = `forbidden`: 403 at the resource.
#[derive(Clone, Debug)]
pub struct Cognito {
    setup: Setup,
    settings: Settings,
}

#[derive(Clone, Debug)]
struct Settings {
    pool_id: String,
    access_life: Duration,
    refresh_life: Duration,
    session_life: Duration,
    recovery_life: Duration,
    recovery_attempts: u32,
    /// With rotation: how long a spent token is still taken.
    rotation: Option<Duration>,
    reuse_ends_family: bool,
    revocation: bool,
    flows: Vec<AuthFlow>,
    srp_window: Duration,
    srp_leading_zeros: bool,
    public_client: bool,
    hide_unknown_users: bool,
    internal_names: bool,
    hash_name: HashName,
    totp: Totp,
    lockout: Lockout,
    password_length: usize,
    error_namespace: Option<String>,
    error_headers: bool,
    throttle_status: StatusCode,
    resource_token: ResourceToken,
    resource_form: HeaderForm,
    offline_resource: bool,
}

#[derive(Clone, Copy, Debug)]
struct Lockout {
    failures: u32,
    first: Duration,
    longest: Duration,
}
