//! Bodies of requests and answers of the hub, as its vendor documents them.

use bytes::Bytes;
use http::Request;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::wire;

#[derive(Deserialize)]
pub(super) struct SignIn {
    pub(super) email: String,
    pub(super) password: String,
}

/// `newPassword` is the one field of the three that the vendor's OpenAPI does not mark as required.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SignUp {
    pub(super) email: String,
    pub(super) temporary_password: String,
    pub(super) new_password: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct WithRefreshToken {
    pub(super) refresh_token: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ChangePassword {
    pub(super) previous_password: String,
    pub(super) proposed_password: String,
}

#[derive(Deserialize)]
pub(super) struct ForgotPassword {
    pub(super) email: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ConfirmForgotPassword {
    pub(super) email: String,
    pub(super) temporary_password: String,
    pub(super) new_password: String,
}

/// The answer to a sign-in and a sign-up; the ends are Unix seconds.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SignedIn {
    pub(super) access_token: String,
    pub(super) access_token_expires_at: i64,
    pub(super) refresh_token: String,
    pub(super) refresh_token_expires_at: i64,
}

/// The answer to a refresh: another name for the end, and no refresh token.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Refreshed {
    pub(super) access_token: String,
    pub(super) expires_at: i64,
}

/// The answer of the OAuth 2 token endpoint.
#[derive(Serialize)]
pub(super) struct Granted {
    pub(super) access_token: String,
    pub(super) expires_in: u64,
    pub(super) token_type: &'static str,
}

/// The error object of RFC 6749, section 5.2.
#[derive(Serialize)]
pub(super) struct OAuthError {
    pub(super) error: &'static str,
    pub(super) error_description: &'static str,
}

/// The JSON body, if it is one of this form and says that it is JSON.
pub(super) fn body<T: DeserializeOwned>(request: &Request<Bytes>) -> Option<T> {
    if !wire::is_of_type(request.headers(), "application/json") {
        return None;
    }
    serde_json::from_slice(request.body()).ok()
}
