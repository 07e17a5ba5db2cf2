//! The settings of the password flow.

use std::time::Duration;

use countersign_core::{
    BaseUrl, Capabilities, CredentialKind, CredentialKinds, Error, FallbackLifetimes, LockoutRule,
    PasswordPolicy, Realm, RefreshSupport, RegisterSupport, RevokeSupport,
};
use http::header;

/// IBEXHub by e-mail address and password.
///
/// Credentials: `identity` (the e-mail address) and `password`. [`countersign_core::Operation::Register`]
/// completes an invited account: its attribute `temporary_password` is the mailed one, the password
/// of the credentials becomes the account's own.
///
/// ```
/// use countersign_core::AuthProvider;
/// use countersign_ibex::{ChangePasswordHeader, Ibex};
///
/// let hub = Ibex::sandbox().change_password_header(ChangePasswordHeader::Bearer);
/// assert_eq!(hub.realm().auth_origin.to_string(), "https://api-sandbox.poweredbyibex.io");
///
/// let newer = Ibex::at("https://ibexhub-api.sandbox.poweredbyibex.io")?;
/// assert!(newer.capabilities().change_password);
/// # Ok::<(), countersign_core::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Ibex {
    pub(crate) base: BaseUrl,
    pub(crate) change_password_header: ChangePasswordHeader,
    pub(crate) realm: Realm,
    pub(crate) capabilities: Capabilities,
}

/// How change-password takes the access token. The vendor's guide shows `Bearer` there and its
/// OpenAPI the raw token; every other call takes it raw.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum ChangePasswordHeader {
    /// `Bearer` and the token, nothing else.
    Bearer,
    /// The raw token, nothing else.
    Raw,
    /// The raw token; if the answer is 401, once more with `Bearer`.
    #[default]
    RawThenBearer,
}

impl Ibex {
    /// The documented sandbox. It can move real money on Lightning.
    pub fn sandbox() -> Self {
        Self::documented("https://api-sandbox.poweredbyibex.io")
    }

    /// The documented production hub.
    pub fn production() -> Self {
        Self::documented("https://ibexhub.ibexmercado.com")
    }

    /// A hub at `base_url`: one of the newer host names, or a simulator.
    ///
    /// # Errors
    /// [`countersign_core::ErrorKind::Configuration`] if the address cannot be used.
    pub fn at(base_url: &str) -> Result<Self, Error> {
        BaseUrl::parse(base_url).map(Self::new)
    }

    /// Sets how change-password takes the token.
    #[must_use]
    pub fn change_password_header(mut self, form: ChangePasswordHeader) -> Self {
        self.change_password_header = form;
        self
    }

    /// Sets the lifetimes to assume where an answer and the token's own `exp` name none.
    #[must_use]
    pub fn fallback_lifetimes(mut self, lifetimes: FallbackLifetimes) -> Self {
        self.capabilities.fallback_lifetimes = lifetimes;
        self
    }

    #[expect(
        clippy::expect_used,
        reason = "the address is a constant of this file, read by a test"
    )]
    fn documented(base_url: &'static str) -> Self {
        Self::new(BaseUrl::parse(base_url).expect("a documented address is an address"))
    }

    fn new(base: BaseUrl) -> Self {
        let mut realm = Realm::new(base.origin().clone());
        realm.api_origins = vec![base.origin().clone()];
        Self {
            base,
            change_password_header: ChangePasswordHeader::default(),
            realm,
            capabilities: capabilities(),
        }
    }
}

fn capabilities() -> Capabilities {
    let mut can = Capabilities::default();
    can.credentials =
        CredentialKinds::new([CredentialKind::Identity, CredentialKind::Password], []);
    can.refresh = RefreshSupport::Reusable;
    can.fallback_lifetimes = FallbackLifetimes {
        access: Duration::from_secs(3600),
        refresh: Some(Duration::from_secs(7 * 24 * 3600)),
    };
    can.revoke = RevokeSupport::Family;
    can.register =
        Some(RegisterSupport { required: &["temporary_password"], optional: &[], signs_in: true });
    can.change_password = true;
    can.forgot_password = true;
    can.confirm_forgot_password = true;
    can.password_policy = Some(PasswordPolicy {
        min_length: 8,
        max_length: None,
        upper: true,
        lower: true,
        digit: true,
        symbol: true,
    });
    can.lockout = LockoutRule::Unknown;
    can.credential_headers = vec![header::AUTHORIZATION];
    can
}

#[cfg(test)]
mod tests {
    use countersign_core::AuthProvider;

    use super::*;
    use crate::IbexOauth2;

    #[test]
    fn every_documented_address_can_be_used() {
        let realms = [
            Ibex::sandbox().realm().clone(),
            Ibex::production().realm().clone(),
            IbexOauth2::sandbox("id").realm().clone(),
            IbexOauth2::production("id").realm().clone(),
        ];
        let origins =
            realms.map(|realm| (realm.auth_origin.to_string(), realm.api_origins[0].to_string()));
        let hubs = ["https://api-sandbox.poweredbyibex.io", "https://ibexhub.ibexmercado.com"];
        let issuers = ["https://ibexhub-staging.us.auth0.com", "https://ibexhub.us.auth0.com"];
        let expected =
            [(hubs[0], hubs[0]), (hubs[1], hubs[1]), (issuers[0], hubs[0]), (issuers[1], hubs[1])];
        assert_eq!(origins, expected.map(|(auth, api)| (auth.to_owned(), api.to_owned())));
    }

    #[test]
    fn p05_hub_issuer_and_audience_are_three_settings() {
        let moved = IbexOauth2::sandbox("id")
            .hub("https://hub.example")
            .and_then(|ibex| ibex.issuer("https://issuer.example"))
            .unwrap()
            .audience("urn:example");
        let realm = moved.realm();
        assert_eq!(realm.auth_origin.to_string(), "https://issuer.example");
        assert_eq!(realm.api_origins[0].to_string(), "https://hub.example");
        assert_eq!((&*realm.audience, &*realm.client), ("urn:example", "id"));
    }
}
