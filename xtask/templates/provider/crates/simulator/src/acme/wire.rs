//! Bodies of requests and answers, of the simulator's own.

use bytes::Bytes;
use http::Request;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::wire;

#[derive(Deserialize)]
pub(super) struct SignIn {
    pub(super) username: String,
    pub(super) password: String,
}

#[derive(Deserialize)]
pub(super) struct WithRefreshToken {
    pub(super) refresh_token: String,
}

/// The answer to a sign-in; lifetimes are seconds.
#[derive(Serialize)]
pub(super) struct SignedIn {
    pub(super) access_token: String,
    pub(super) expires_in: u64,
    pub(super) refresh_token: String,
    pub(super) refresh_expires_in: u64,
}

/// The answer to a refresh.
#[derive(Serialize)]
pub(super) struct Redeemed {
    pub(super) access_token: String,
    pub(super) expires_in: u64,
}

#[derive(Serialize)]
pub(super) struct Refusal {
    pub(super) code: &'static str,
    pub(super) message: &'static str,
}

/// The JSON body, if it is one of this form and says that it is JSON.
pub(super) fn body<T: DeserializeOwned>(request: &Request<Bytes>) -> Option<T> {
    if !wire::is_of_type(request.headers(), "application/json") {
        return None;
    }
    serde_json::from_slice(request.body()).ok()
}
