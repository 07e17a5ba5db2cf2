//! What goes over the wire, in the names of the service model.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::Duration;

use countersign_core::{Lifetime, SecretString};
use serde::ser::{Serialize, Serializer};
use serde::{Deserialize, Serialize as DeriveSerialize};
use serde_json::Value;

/// A map of strings, in the order in which it was filled.
#[derive(Default)]
pub(crate) struct Parameters<'a>(Vec<(Cow<'a, str>, &'a str)>);

impl<'a> Parameters<'a> {
    pub(crate) fn with(mut self, name: impl Into<Cow<'a, str>>, value: &'a str) -> Self {
        self.0.push((name.into(), value));
        self
    }

    pub(crate) fn with_secret(self, name: &'a str, value: Option<&'a SecretString>) -> Self {
        match value {
            Some(value) => self.with(name, value.expose()),
            None => self,
        }
    }
}

impl Serialize for Parameters<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}

#[derive(DeriveSerialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct InitiateAuth<'a> {
    pub(crate) auth_flow: &'static str,
    pub(crate) client_id: &'a str,
    pub(crate) auth_parameters: Parameters<'a>,
}

#[derive(DeriveSerialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct RespondToAuthChallenge<'a> {
    pub(crate) client_id: &'a str,
    pub(crate) challenge_name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) session: Option<&'a str>,
    pub(crate) challenge_responses: Parameters<'a>,
}

#[derive(DeriveSerialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct GetTokensFromRefreshToken<'a> {
    pub(crate) refresh_token: &'a str,
    pub(crate) client_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) client_secret: Option<&'a str>,
}

#[derive(DeriveSerialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct RevokeToken<'a> {
    pub(crate) token: &'a str,
    pub(crate) client_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) client_secret: Option<&'a str>,
}

/// `GlobalSignOut` and `GetUser`.
#[derive(DeriveSerialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct WithAccessToken<'a> {
    pub(crate) access_token: &'a str,
}

#[derive(DeriveSerialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ChangePassword<'a> {
    pub(crate) access_token: &'a str,
    pub(crate) previous_password: &'a str,
    pub(crate) proposed_password: &'a str,
}

#[derive(DeriveSerialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ForgotPassword<'a> {
    pub(crate) client_id: &'a str,
    pub(crate) username: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) secret_hash: Option<&'a str>,
}

#[derive(DeriveSerialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ConfirmForgotPassword<'a> {
    pub(crate) client_id: &'a str,
    pub(crate) username: &'a str,
    pub(crate) confirmation_code: &'a str,
    pub(crate) password: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) secret_hash: Option<&'a str>,
}

/// The answer to `InitiateAuth`, `RespondToAuthChallenge` and `GetTokensFromRefreshToken`: tokens or a
/// challenge. Everything is optional in the model.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct AuthAnswer {
    pub(crate) authentication_result: Option<AuthenticationResult>,
    pub(crate) challenge_name: Option<String>,
    pub(crate) challenge_parameters: Option<BTreeMap<String, Value>>,
    pub(crate) session: Option<SecretString>,
    pub(crate) available_challenges: Option<Vec<String>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct AuthenticationResult {
    pub(crate) access_token: Option<SecretString>,
    pub(crate) id_token: Option<SecretString>,
    pub(crate) refresh_token: Option<SecretString>,
    pub(crate) expires_in: Option<Value>,
}

impl AuthenticationResult {
    /// `ExpiresIn`, relative seconds. Zero, negative or no number means unknown.
    pub(crate) fn lifetime(&self) -> Option<Lifetime> {
        let value = self.expires_in.as_ref()?;
        // A float beyond the range saturates in the cast.
        let seconds = value.as_u64().or_else(|| value.as_f64().map(|s| s as u64))?;
        (seconds > 0).then(|| Lifetime::For(Duration::from_secs(seconds)))
    }
}

/// The body of a refusal. Anything may stand here: a gateway's JSON too.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(crate) struct Refusal {
    #[serde(rename = "__type")]
    pub(crate) type_name: Value,
    pub(crate) code: Value,
    pub(crate) message: Value,
    #[serde(rename = "Message")]
    pub(crate) message_upper: Value,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ForgotPasswordAnswer {
    pub(crate) code_delivery_details: Option<CodeDeliveryDetails>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct CodeDeliveryDetails {
    pub(crate) destination: Option<String>,
    pub(crate) delivery_medium: Option<String>,
    pub(crate) attribute_name: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct GetUserAnswer {
    pub(crate) username: Option<String>,
    #[serde(default)]
    pub(crate) user_attributes: Vec<Attribute>,
    pub(crate) preferred_mfa_setting: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Attribute {
    pub(crate) name: String,
    pub(crate) value: Option<String>,
}
