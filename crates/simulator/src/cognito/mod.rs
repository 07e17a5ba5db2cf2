//! Amazon Cognito: the user pool API itself (`cognito-idp`), AWS JSON 1.1 over one path, without request signatures.
//!
//! What the service model and the developer guide leave open is the simulator's own choice, named at the setting or
//! where it is made.

mod answers;
mod builder;
mod chain;
mod challenge;
mod clients;
mod custom;
mod device;
mod factors;
mod first_factor;
mod flow;
mod limits;
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
mod sign_up;
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
pub(crate) use server::OPERATIONS;

/// When a confirmed device is remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remembering {
    /// At once.
    Always,
    /// When the user says so (`UpdateDeviceStatus`).
    OptIn,
}

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
/// with an empty secret is a public client, and one with an attribute `flows` (`USER_SRP_AUTH, USER_AUTH`) allows these.
///
/// Attributes of an account:
/// * `user.NAME`: the attribute NAME of the user, as in `user.email`; `sub`: the internal name, made up otherwise;
/// * `mfa`: the names of the challenges that follow the password, with commas, in their order; otherwise
///   `SOFTWARE_TOKEN_MFA` where there is a shared secret. `EMAIL_OTP`, `SMS_MFA`, `SMS_OTP`, `SOFTWARE_TOKEN_MFA`,
///   `MFA_SETUP`, `SELECT_MFA_TYPE` (one of `mfa_choices`) and `CUSTOM_CHALLENGE` (`custom_answer`) can be answered,
///   any other name is handed out and cannot;
/// * `mfa_settings` and `mfa_preferred`: the factors that the user has switched on, with commas, and the one to ask
///   for; `SetUserMFAPreference` writes them. Without `mfa`, they say what follows the password;
/// * `custom_answer`: what `CUSTOM_AUTH` wants to hear, within `custom_attempts` tries (1), shown the parameters
///   `custom.NAME`;
/// * `first_factors`: what `USER_AUTH` offers this user instead of what the pool does, with commas;
/// * `srp_salt`: the salt, in hex, told as it stands here; made of the identity otherwise;
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
    devices: Option<Devices>,
    first_factors: Vec<String>,
    mfa_required: bool,
    mfa_setup_by_email: bool,
    sign_up: bool,
    confirmation_life: Duration,
    request_rate: Option<Rate>,
    attempts: Rate,
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

/// So many in such a span.
#[derive(Clone, Copy, Debug)]
struct Rate {
    most: u32,
    span: Duration,
}

/// What becomes of devices: who says that one is remembered, and what that is good for.
#[derive(Clone, Copy, Debug)]
struct Devices {
    opt_in: bool,
    replace_mfa: bool,
}

#[derive(Clone, Copy, Debug)]
struct Lockout {
    failures: u32,
    first: Duration,
    longest: Duration,
}
