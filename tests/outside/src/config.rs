//! The settings.

use std::time::Duration;

use countersign_core::{
    BaseUrl, Capabilities, CredentialKind, CredentialKinds, Error, Realm, RefreshSupport,
    RevokeSupport,
};
use http::HeaderName;

/// The header that carries the token.
pub(crate) const TOKEN: HeaderName = HeaderName::from_static("x-acme-token");

/// The API of Acme. Credentials: `identity` (the API key) and `client_secret` (the API secret).
///
/// ```
/// use acme_adapter::Acme;
/// use countersign_core::AuthProvider;
///
/// let api = Acme::at("https://api.acme.example")?;
/// assert_eq!(api.realm().auth_origin.to_string(), "https://api.acme.example");
/// # Ok::<(), countersign_core::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Acme {
    pub(crate) base: BaseUrl,
    pub(crate) realm: Realm,
    pub(crate) capabilities: Capabilities,
}

impl Acme {
    /// The API at `base_url`.
    ///
    /// # Errors
    /// [`countersign_core::ErrorKind::Configuration`] if the address cannot be used.
    pub fn at(base_url: &str) -> Result<Self, Error> {
        let base = BaseUrl::parse(base_url)?;
        Ok(Self { realm: Realm::at(&base), base, capabilities: capabilities() })
    }
}

fn capabilities() -> Capabilities {
    let mut can = Capabilities::default();
    can.credentials =
        CredentialKinds::new([CredentialKind::Identity, CredentialKind::ClientSecret], []);
    // Nothing is left of a token after one renewal: a second one is refused.
    can.refresh = RefreshSupport::Rotating { grace: Duration::ZERO };
    can.fallback_lifetimes.refresh = Some(Duration::from_secs(24 * 3600));
    can.revoke = RevokeSupport::Family;
    can.credential_headers = vec![TOKEN];
    can
}
