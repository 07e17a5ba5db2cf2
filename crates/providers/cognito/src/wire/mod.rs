//! What goes over the wire, in the names of the service model.

pub(crate) mod account;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::Duration;

use countersign_core::{Lifetime, SecretString};
use serde::ser::{Serialize, Serializer};
use serde::{Deserialize, Serialize as DeriveSerialize};
use serde_json::Value;

/// A map of strings, in the order in which it was filled. What is computed is kept as a secret.
#[derive(Default)]
pub(crate) struct Parameters<'a>(Vec<(Cow<'a, str>, SecretString)>);

impl<'a> Parameters<'a> {
    pub(crate) fn with(self, name: impl Into<Cow<'a, str>>, value: &str) -> Self {
        self.with_secret(name, Some(SecretString::new(value)))
    }

    /// The same, if there is a value.
    pub(crate) fn with_secret(
        mut self,
        name: impl Into<Cow<'a, str>>,
        value: Option<SecretString>,
    ) -> Self {
        if let Some(value) = value {
            self.0.push((name.into(), value));
        }
        self
    }
}

impl Serialize for Parameters<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value.expose())))
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
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) device_key: Option<&'a str>,
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
    /// None where the account has none yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) previous_password: Option<&'a str>,
    pub(crate) proposed_password: &'a str,
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

/// The tokens. It is also written, into what the adapter keeps for its own next step.
#[derive(Deserialize, DeriveSerialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct AuthenticationResult {
    #[serde(serialize_with = "exposed")]
    pub(crate) access_token: Option<SecretString>,
    pub(crate) expires_in: Option<Value>,
    #[serde(serialize_with = "exposed")]
    pub(crate) id_token: Option<SecretString>,
    #[serde(skip_serializing)]
    pub(crate) new_device_metadata: Option<NewDeviceMetadata>,
    #[serde(serialize_with = "exposed")]
    pub(crate) refresh_token: Option<SecretString>,
}

/// The names by which the pool knows a device from now on.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct NewDeviceMetadata {
    pub(crate) device_key: Option<String>,
    pub(crate) device_group_key: Option<String>,
}

/// Writes a secret into a buffer that wipes itself.
pub(crate) fn exposed<S: Serializer>(
    secret: &Option<SecretString>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    secret.as_ref().map(SecretString::expose).serialize(serializer)
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
