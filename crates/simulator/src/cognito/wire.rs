//! Bodies of requests and answers of the user pool API, by the names of its model.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode, header};
use serde::{Deserialize, Deserializer, Serialize};

use super::refusal::Refusal;
use crate::wire;

const MEDIA_TYPE: &str = "application/x-amz-json-1.1";
const TARGET: &str = "AWSCognitoIdentityProviderService.";

/// The parameters of a flow, or the answers to a challenge.
pub(super) type Responses = BTreeMap<String, String>;

/// The members of all operations that are known here. Each operation reads its own; others are ignored, as the service
/// ignores what its model does not have.
#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Asked {
    pub(super) access_token: Option<String>,
    pub(super) auth_flow: Option<String>,
    #[serde(deserialize_with = "given")]
    pub(super) auth_parameters: Option<Responses>,
    pub(super) challenge_name: Option<String>,
    #[serde(deserialize_with = "given")]
    pub(super) challenge_responses: Option<Responses>,
    pub(super) client_id: Option<String>,
    pub(super) client_secret: Option<String>,
    pub(super) confirmation_code: Option<String>,
    pub(super) device_key: Option<String>,
    pub(super) device_name: Option<String>,
    pub(super) device_remembered_status: Option<String>,
    pub(super) device_secret_verifier_config: Option<VerifierConfig>,
    pub(super) email_mfa_settings: Option<MfaSettings>,
    pub(super) password: Option<String>,
    pub(super) previous_password: Option<String>,
    pub(super) proposed_password: Option<String>,
    pub(super) refresh_token: Option<String>,
    pub(super) secret_hash: Option<String>,
    pub(super) session: Option<String>,
    #[serde(rename = "SMSMfaSettings")]
    pub(super) sms_mfa_settings: Option<MfaSettings>,
    pub(super) software_token_mfa_settings: Option<MfaSettings>,
    pub(super) token: Option<String>,
    pub(super) user_attributes: Option<Vec<Attribute>>,
    pub(super) user_code: Option<String>,
    pub(super) username: Option<String>,
}

/// One attribute of a user.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Attribute {
    pub(super) name: String,
    pub(super) value: Option<String>,
}

/// What a user wants of one second factor.
#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct MfaSettings {
    pub(super) enabled: bool,
    pub(super) preferred_mfa: bool,
}

/// What a device lays down to prove itself later, both in base64.
#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct VerifierConfig {
    pub(super) password_verifier: Option<String>,
    pub(super) salt: Option<String>,
}

/// The members of a map that are not `null`, which is how a client of AWS takes one back.
fn given<'de, D: Deserializer<'de>>(map: D) -> Result<Option<Responses>, D::Error> {
    let map = Option::<BTreeMap<String, Option<String>>>::deserialize(map)?;
    Ok(map.map(|map| map.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()))
}

/// What a sign-in or a refresh gives.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Tokens {
    pub(super) access_token: String,
    pub(super) id_token: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) refresh_token: Option<String>,
    pub(super) expires_in: u64,
    pub(super) token_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) new_device_metadata: Option<NewDevice>,
}

/// A device that the pool does not know yet, by the keys that it may confirm.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct NewDevice {
    pub(super) device_key: String,
    pub(super) device_group_key: String,
}

impl Asked {
    /// The session that the request names.
    ///
    /// # Errors
    /// `InvalidParameterException` for a text that no session has: it is 20 to 4096 characters.
    pub(super) fn session(&self) -> Result<Option<&str>, Refusal> {
        match self.session.as_deref() {
            Some(text) if !text.is_empty() && !(20..=4096).contains(&text.chars().count()) => {
                let text = "1 validation error detected: Value at 'session' failed to satisfy constraint: Member must \
                            have length between 20 and 4096";
                Err(Refusal::invalid_parameter(text, "malformed_session"))
            }
            text => Ok(text.filter(|text| !text.is_empty())),
        }
    }
}

/// The operation that the request names.
pub(super) fn target(request: &Request<Bytes>) -> Option<&str> {
    wire::header_text(request.headers(), "x-amz-target")?.strip_prefix(TARGET)
}

/// The members of the body.
///
/// # Errors
/// `SerializationException`, seen live, for a member of another type, for no JSON, and (not documented) for another
/// `Content-Type`.
pub(super) fn asked(request: &Request<Bytes>) -> Result<Asked, Refusal> {
    let read = match wire::is_of_type(request.headers(), MEDIA_TYPE) {
        true => serde_json::from_slice(request.body()).ok(),
        false => None,
    };
    read.ok_or_else(|| Refusal::new("SerializationException", "", "malformed"))
}

/// A member that the model requires, named as its model begins it.
///
/// # Errors
/// `InvalidParameterException` where it is missing.
pub(super) fn required<'a>(member: &'a Option<String>, name: &str) -> Result<&'a str, Refusal> {
    member.as_deref().ok_or_else(|| Refusal::missing_member(name))
}

/// A parameter of a map that the operation needs.
///
/// # Errors
/// `InvalidParameterException` where it is missing or empty.
pub(super) fn parameter<'a>(map: Option<&'a Responses>, name: &str) -> Result<&'a str, Refusal> {
    map.and_then(|map| map.get(name))
        .map(String::as_str)
        .filter(|value| !value.is_empty())
        .ok_or_else(|| Refusal::missing_parameter(name))
}

pub(super) fn answer(status: StatusCode, body: &impl Serialize) -> Response<Bytes> {
    let mut response = wire::json(status, body);
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
    response
}

/// An answer without a body.
pub(super) fn empty(status: StatusCode) -> Response<Bytes> {
    wire::empty(status)
}

/// 200 with a JSON object.
pub(super) fn ok(body: &impl Serialize) -> Response<Bytes> {
    answer(StatusCode::OK, body)
}

/// 200 with `{}`.
pub(super) fn done() -> Response<Bytes> {
    ok(&serde_json::Map::new())
}
