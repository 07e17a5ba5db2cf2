//! IGNY8: a Django API with an envelope, JSON Web Tokens, a throttle and a session cookie that gets in the way.
//!
//! The vendor's documents disagree with each other on paths, field names, lives and rotation; each of these is a
//! setting here, and the default is the vendor's authentication guide.

mod builder;
mod envelope;
mod login;
mod password;
mod register;
mod server;
#[cfg(test)]
mod tests;
mod throttle;
mod tokens;

use std::time::Duration;

use http::StatusCode;

use crate::simulator::Setup;

/// What a refresh gives, on which the vendor's documents disagree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefreshAnswer {
    /// A new access token alone, as the endpoint's own page says.
    AccessOnly,
    /// Both tokens anew; the old refresh token stays good until its end, as in the guide.
    Both,
    /// Both tokens anew; the old refresh token is dead at once, as in a design that was taken back.
    BothAndBlacklist,
}

/// The names of the tokens in answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenNames {
    /// `access_token` and `refresh_token`, as in the newest page.
    Long,
    /// `access` and `refresh`, as in the guide.
    Short,
}

/// The form of the expiry fields that later builds send. Their names and form are not documented; here they are
/// `access_expires_at` and `refresh_expires_at`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExpiryForm {
    /// Unix seconds.
    Epoch,
    /// ISO 8601 in UTC.
    Iso,
}

/// What a `POST` to a path without its last slash gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MissingSlash {
    /// 500 with a page, as Django with its debug setting.
    Error,
    /// 301 to the path with the slash, as Django in production.
    Redirect,
}

/// Settings of the IGNY8 simulator. [`Simulator::igny8`](crate::Simulator::igny8) makes it, [`Igny8::build`] starts
/// from it.
///
/// Paths are under `/api/v1` and end with a slash. The authorised resource is `GET` and `POST` `/api/v1/sim/echo/`; it
/// takes `Authorization: Bearer …` and answers in the envelope's `data`. A session cookie is given at sign-in and
/// never opens anything here; together with a token of another account it logs out (`session_contaminated` in
/// records).
///
/// Attributes of an account: `user_id`, `account_id`, `username`, `role`; `resource` = `forbidden` gets 403 at the
/// resource; `plan` = `none` is refused as an account without a plan. A disabled account is a suspended one.
#[derive(Clone, Debug)]
pub struct Igny8 {
    setup: Setup,
    settings: Settings,
}

#[derive(Clone, Debug)]
struct Settings {
    access_life: Duration,
    refresh_life: Duration,
    refresh_answer: RefreshAnswer,
    names: TokenNames,
    nested: bool,
    expiry_fields: Option<ExpiryForm>,
    bare_claims: bool,
    refresh_path: String,
    refresh_field: String,
    change_path: String,
    change_fields: (String, String),
    change_revokes: bool,
    logout_path: Option<String>,
    throttle: Option<u32>,
    general_throttle: Option<u32>,
    users_bypass: bool,
    retry_after: bool,
    fall_through: Option<StatusCode>,
    dead_refresh: StatusCode,
    suspended: StatusCode,
    missing_slash: MissingSlash,
    html_errors: bool,
    errors_with_200: bool,
}
