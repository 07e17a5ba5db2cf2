//! What goes over the wire, in the vendor's names.

use std::time::Duration;

use countersign_core::{Lifetime, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::Value;

#[derive(Serialize)]
pub(crate) struct Login<'a> {
    pub(crate) username: &'a str,
    pub(crate) password: &'a str,
}

#[derive(Serialize)]
pub(crate) struct TokenRefresh<'a> {
    pub(crate) username: &'a str,
    pub(crate) refresh_token: &'a str,
}

#[derive(Serialize)]
pub(crate) struct TokenRevoke<'a> {
    pub(crate) refresh_token: &'a str,
}

#[derive(Serialize)]
pub(crate) struct NewPasswordRequired<'a> {
    pub(crate) username: &'a str,
    pub(crate) session: &'a str,
    pub(crate) new_password: &'a str,
}

#[derive(Serialize)]
pub(crate) struct ForgotPassword<'a> {
    pub(crate) username: &'a str,
}

#[derive(Serialize)]
pub(crate) struct ForgotPasswordConfirm<'a> {
    pub(crate) username: &'a str,
    pub(crate) password: &'a str,
    pub(crate) confirmation_code: &'a str,
}

#[derive(Serialize)]
pub(crate) struct ChangePassword<'a> {
    pub(crate) access_token: &'a str,
    pub(crate) previous_password: &'a str,
    pub(crate) proposed_password: &'a str,
}

/// `get-user` wants nothing in its body, but every `POST` carries JSON.
#[derive(Serialize)]
pub(crate) struct Nothing {}

/// The answer to `login`, `token-refresh` and `new-password-required`. Absent values are left out.
#[derive(Deserialize)]
pub(crate) struct AuthAnswer {
    pub(crate) access_token: Option<SecretString>,
    pub(crate) id_token: Option<SecretString>,
    pub(crate) refresh_token: Option<SecretString>,
    pub(crate) expires_in: Option<Value>,
    pub(crate) challenge_name: Option<String>,
    pub(crate) session: Option<SecretString>,
}

impl AuthAnswer {
    /// `expires_in`, relative seconds. Zero, negative or no number means unknown.
    pub(crate) fn lifetime(&self) -> Option<Lifetime> {
        let value = self.expires_in.as_ref()?;
        // A float beyond the range saturates in the cast.
        let seconds = value.as_u64().or_else(|| value.as_f64().map(|s| s as u64))?;
        (seconds > 0).then(|| Lifetime::For(Duration::from_secs(seconds)))
    }
}

#[derive(Deserialize)]
pub(crate) struct GetUserAnswer {
    pub(crate) username: Option<String>,
    pub(crate) groups: Option<Vec<String>>,
    pub(crate) apis: Option<Vec<AccessPath>>,
    pub(crate) requests_count: Option<Value>,
    pub(crate) download_limit: Option<Value>,
}

#[derive(Deserialize)]
pub(crate) struct AccessPath {
    pub(crate) path: String,
    pub(crate) method: String,
}

/// The body of a refusal; a gateway's JSON may stand here too.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(crate) struct Refusal {
    pub(crate) message: Value,
    status: Value,
}

impl Refusal {
    /// Whether it has the form of the provider's own refusals, which repeat the status and say something.
    pub(crate) fn is_genuine(&self) -> bool {
        self.status.is_number() && self.message.as_str().is_some_and(|message| !message.is_empty())
    }
}
