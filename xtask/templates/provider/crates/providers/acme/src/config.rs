//! The settings.

use countersign_core::{
    BaseUrl, Capabilities, CredentialKind, CredentialKinds, Error, FallbackLifetimes, Realm,
    RefreshSupport,
};
use http::header;

/// The API of Acme.
///
/// Credentials: `identity` (the user name) and `password`.
///
/// ```
/// use countersign_acme::Acme;
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
        // Secrets go to this origin, and tokens too. Set `realm.api_origins` where the API is elsewhere,
        // and tenant, client and audience where there are such.
        Ok(Self { realm: Realm::at(&base), base, capabilities: capabilities() })
    }

    /// Sets the lifetimes to assume where an answer and the token's own `exp` name none.
    #[must_use]
    pub fn fallback_lifetimes(mut self, lifetimes: FallbackLifetimes) -> Self {
        self.capabilities.fallback_lifetimes = lifetimes;
        self
    }
}

/// What is claimed, and tested for it; everything else answers `Unsupported`.
fn capabilities() -> Capabilities {
    let mut can = Capabilities::default();
    can.credentials =
        CredentialKinds::new([CredentialKind::Identity, CredentialKind::Password], []);
    // `Reusable` or `Rotating` only where the vendor says so.
    can.refresh = RefreshSupport::Unknown;
    can.credential_headers = vec![header::AUTHORIZATION];
    can
}
