//! The settings of the OAuth 2 flow: hub, issuer and audience are three things.

use std::time::Duration;

use countersign_core::{
    BaseUrl, Capabilities, CredentialKind, CredentialKinds, Error, FallbackLifetimes, Realm,
    RefreshSupport,
};
use http::header;

/// IBEXHub by client id and client secret.
///
/// Credentials: `client_secret`. The client id belongs to the settings. There is no refresh token:
/// renewing repeats the grant. Tokens go to the hub, the secret goes to the issuer alone. The audience
/// is an identifier: it keeps the older host name of the hub even where the hub is called by its newer
/// one.
///
/// ```
/// use countersign_core::AuthProvider;
/// use countersign_ibex::IbexOauth2;
///
/// let hub = IbexOauth2::sandbox("1example")
///     .hub("https://ibexhub-api.sandbox.poweredbyibex.io")?
///     .issuer("https://auth.hub.sandbox.poweredbyibex.io")?;
/// assert_eq!(&*hub.realm().audience, "https://api-sandbox.poweredbyibex.io");
/// # Ok::<(), countersign_core::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct IbexOauth2 {
    pub(super) issuer: BaseUrl,
    pub(super) realm: Realm,
    pub(super) capabilities: Capabilities,
}

impl IbexOauth2 {
    /// The documented sandbox.
    pub fn sandbox(client_id: &str) -> Self {
        Self::documented(
            "https://api-sandbox.poweredbyibex.io",
            "https://ibexhub-staging.us.auth0.com",
            client_id,
        )
    }

    /// The documented production hub.
    pub fn production(client_id: &str) -> Self {
        Self::documented(
            "https://ibexhub.ibexmercado.com",
            "https://ibexhub.us.auth0.com",
            client_id,
        )
    }

    /// A hub and an issuer of your own, a simulator among them; `audience` names the API.
    ///
    /// # Errors
    /// [`countersign_core::ErrorKind::Configuration`] if an address cannot be used.
    pub fn at(hub: &str, issuer: &str, audience: &str, client_id: &str) -> Result<Self, Error> {
        let (hub, issuer) = (BaseUrl::parse(hub)?, BaseUrl::parse(issuer)?);
        Ok(Self::new(&hub, issuer, audience, client_id))
    }

    /// Sets where tokens are presented.
    ///
    /// # Errors
    /// [`countersign_core::ErrorKind::Configuration`] if the address cannot be used.
    pub fn hub(mut self, base_url: &str) -> Result<Self, Error> {
        self.realm.api_origins = vec![BaseUrl::parse(base_url)?.origin().clone()];
        Ok(self)
    }

    /// Sets where the client secret is sent.
    ///
    /// # Errors
    /// [`countersign_core::ErrorKind::Configuration`] if the address cannot be used.
    pub fn issuer(mut self, base_url: &str) -> Result<Self, Error> {
        self.issuer = BaseUrl::parse(base_url)?;
        self.realm.auth_origin = self.issuer.origin().clone();
        Ok(self)
    }

    /// Sets the audience that is asked for.
    #[must_use]
    pub fn audience(mut self, audience: &str) -> Self {
        self.realm.audience = audience.into();
        self
    }

    /// Sets the lifetime to assume where an answer and the token's own `exp` name none; one hour, as
    /// the known clients do.
    #[must_use]
    pub fn fallback_lifetime(mut self, access: Duration) -> Self {
        self.capabilities.fallback_lifetimes = FallbackLifetimes { access, refresh: None };
        self
    }

    #[expect(
        clippy::expect_used,
        reason = "the addresses are constants of this file, read by a test"
    )]
    fn documented(hub: &'static str, issuer: &'static str, client_id: &str) -> Self {
        Self::at(hub, issuer, hub, client_id).expect("documented addresses are addresses")
    }

    fn new(hub: &BaseUrl, issuer: BaseUrl, audience: &str, client_id: &str) -> Self {
        let mut realm = Realm::new(issuer.origin().clone());
        realm.api_origins = vec![hub.origin().clone()];
        realm.client = client_id.into();
        realm.audience = audience.into();

        let mut can = Capabilities::default();
        can.credentials = CredentialKinds::new([CredentialKind::ClientSecret], []);
        can.refresh = RefreshSupport::Absent;
        can.fallback_lifetimes =
            FallbackLifetimes { access: Duration::from_secs(3600), refresh: None };
        can.credential_headers = vec![header::AUTHORIZATION];
        Self { issuer, realm, capabilities: can }
    }
}
