//! The bodies of the password flow, by their literal names (vendor's OpenAPI "Sandbox hub" 1.0).

use countersign_core::http::HttpResponse;
use countersign_core::{
    AccessToken, Error, Lifetime, RefreshToken, SecretString, Timestamp, TokenResponse, jwt,
};
use serde::{Deserialize, Serialize};

#[derive(Serialize)]
pub(crate) struct SignIn<'a> {
    pub(crate) email: &'a str,
    pub(crate) password: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SignUp<'a> {
    pub(crate) email: &'a str,
    pub(crate) temporary_password: &'a str,
    pub(crate) new_password: &'a str,
}

/// Both the refresh and the revocation send this.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Refresh<'a> {
    pub(crate) refresh_token: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ChangePassword<'a> {
    pub(crate) previous_password: &'a str,
    pub(crate) proposed_password: &'a str,
}

#[derive(Serialize)]
pub(crate) struct ForgotPassword<'a> {
    pub(crate) email: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ConfirmForgotPassword<'a> {
    pub(crate) email: &'a str,
    pub(crate) temporary_password: &'a str,
    pub(crate) new_password: &'a str,
}

/// The answer to sign-in and sign-up. Expiries are Unix seconds; the schema's default for them is 0.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SignedIn {
    access_token: SecretString,
    access_token_expires_at: Option<i64>,
    refresh_token: Option<SecretString>,
    refresh_token_expires_at: Option<i64>,
}

/// The answer to a refresh: another name for the expiry, and no refresh token.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Refreshed {
    access_token: SecretString,
    expires_at: Option<i64>,
}

impl SignedIn {
    pub(crate) fn into_tokens(self, now: Timestamp) -> Result<TokenResponse, Error> {
        let mut tokens = access(self.access_token)?;
        tokens.access_expiry = until(self.access_token_expires_at, now);
        tokens.refresh_token = self.refresh_token.map(RefreshToken::new).transpose()?;
        // Where no end is told, the token has one inside.
        let inside = || {
            let token = tokens.refresh_token.as_ref()?;
            let end = jwt::Claims::read(token.secret()).ok()?.expires_at()?;
            (end > now).then_some(Lifetime::Until(end))
        };
        tokens.refresh_expiry = until(self.refresh_token_expires_at, now).or_else(inside);
        Ok(tokens)
    }
}

impl Refreshed {
    pub(crate) fn into_tokens(self, now: Timestamp) -> Result<TokenResponse, Error> {
        let mut tokens = access(self.access_token)?;
        tokens.access_expiry = until(self.expires_at, now);
        Ok(tokens)
    }
}

/// The claim `UserID` names the account; `sub` does not exist here.
fn access(token: SecretString) -> Result<TokenResponse, Error> {
    let mut tokens = TokenResponse::new(AccessToken::new(token)?);
    let user = jwt::Claims::id_in(tokens.access_token.secret(), "UserID");
    tokens.subject = user.map(Into::into);
    Ok(tokens)
}

/// Zero and past values stand for "not known".
fn until(seconds: Option<i64>, now: Timestamp) -> Option<Lifetime> {
    let instant = Timestamp::from_seconds(seconds?);
    (instant > now).then_some(Lifetime::Until(instant))
}

/// What a body says about a failure: `{"error"}` as documented, `{"Error"}` and `{"message"}` as
/// clients have met them, a `reason` beside `"status": "ERROR"`.
#[derive(Deserialize, Default)]
struct Complaint {
    error: Option<serde_json::Value>,
    #[serde(rename = "Error")]
    capital_error: Option<serde_json::Value>,
    message: Option<serde_json::Value>,
    status: Option<serde_json::Value>,
    reason: Option<serde_json::Value>,
}

/// The prose of a failure. Plain text is taken as it is; a web page and broken JSON, which could hold
/// a token, are not.
pub(crate) fn prose(response: &HttpResponse) -> Option<String> {
    if response.is_html() {
        return None;
    }
    let Ok(complaint) = response.json::<Complaint>() else {
        let text = std::str::from_utf8(response.body().expose_bytes()).ok()?;
        return (!text.trim_start().starts_with(['{', '[', '"'])).then(|| text.to_owned());
    };
    let Complaint { error, capital_error, message, reason, .. } = complaint;
    let mut texts = [error, capital_error, message, reason].into_iter().flatten();
    texts.find_map(|value| value.as_str().map(str::to_owned))
}

/// Whether a body that came with a success status reports a failure all the same.
pub(crate) fn reports_failure(response: &HttpResponse) -> bool {
    response.json::<Complaint>().is_ok_and(|complaint| {
        let named = [&complaint.error, &complaint.capital_error];
        named.into_iter().flatten().any(|value| value.as_str() != Some(""))
            || complaint.status.is_some_and(|status| status == "ERROR")
    })
}
