//! Members of the operations around an account: sign-up, codes, second factors, devices.

use countersign_core::SecretString;
use serde::{Deserialize, Serialize};

/// `ForgotPassword` and `ResendConfirmationCode`.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct SendCode<'a> {
    pub(crate) client_id: &'a str,
    pub(crate) username: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) secret_hash: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ConfirmForgotPassword<'a> {
    pub(crate) client_id: &'a str,
    pub(crate) username: &'a str,
    pub(crate) confirmation_code: &'a str,
    pub(crate) password: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) secret_hash: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct SignUp<'a> {
    pub(crate) client_id: &'a str,
    pub(crate) username: &'a str,
    pub(crate) password: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) secret_hash: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) user_attributes: Vec<NamedValue<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct NamedValue<'a> {
    pub(crate) name: &'a str,
    pub(crate) value: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ConfirmSignUp<'a> {
    pub(crate) client_id: &'a str,
    pub(crate) username: &'a str,
    pub(crate) confirmation_code: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) force_alias_creation: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) secret_hash: Option<&'a str>,
}

/// Either the access token or the session of a challenge names the account.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct AssociateSoftwareToken<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) access_token: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) session: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct VerifySoftwareToken<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) access_token: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) session: Option<&'a str>,
    pub(crate) user_code: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) friendly_device_name: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct SetUserMfaPreference<'a> {
    pub(crate) access_token: &'a str,
    #[serde(rename = "SMSMfaSettings", skip_serializing_if = "Option::is_none")]
    pub(crate) sms: Option<MfaSettings>,
    #[serde(rename = "SoftwareTokenMfaSettings", skip_serializing_if = "Option::is_none")]
    pub(crate) software_token: Option<MfaSettings>,
    #[serde(rename = "EmailMfaSettings", skip_serializing_if = "Option::is_none")]
    pub(crate) email: Option<MfaSettings>,
}

#[derive(Serialize, Clone, Copy)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct MfaSettings {
    pub(crate) enabled: bool,
    pub(crate) preferred_mfa: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ConfirmDevice<'a> {
    pub(crate) access_token: &'a str,
    pub(crate) device_key: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) device_name: Option<&'a str>,
    pub(crate) device_secret_verifier_config: DeviceSecretVerifier<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct DeviceSecretVerifier<'a> {
    pub(crate) password_verifier: &'a str,
    pub(crate) salt: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct UpdateDeviceStatus<'a> {
    pub(crate) access_token: &'a str,
    pub(crate) device_key: &'a str,
    pub(crate) device_remembered_status: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ForgetDevice<'a> {
    pub(crate) access_token: &'a str,
    pub(crate) device_key: &'a str,
}

/// The answer to `SignUp`, and to the operations that send a code.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct CodeSent {
    pub(crate) code_delivery_details: Option<CodeDeliveryDetails>,
    pub(crate) user_confirmed: Option<bool>,
    pub(crate) user_sub: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Associated {
    pub(crate) secret_code: SecretString,
    pub(crate) session: Option<SecretString>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Verified {
    pub(crate) status: Option<String>,
    pub(crate) session: Option<SecretString>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct DeviceConfirmed {
    #[serde(default)]
    pub(crate) user_confirmation_necessary: bool,
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
