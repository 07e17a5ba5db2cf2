//! The settings.

use std::time::Duration;

use countersign_core::totp::SecretEncoding;
use countersign_core::{
    BaseUrl, Capabilities, CredentialKind, CredentialKinds, Error, FallbackLifetimes, LockoutRule,
    Realm, RefreshSupport,
};
use http::{HeaderName, header};

/// The header that carries the code.
pub(crate) const OTP: HeaderName = HeaderName::from_static("otp");

/// The Ibanera Customer API.
///
/// Credentials: `identity` (the user name), `password` and `totp_secret`, as the support of Ibanera
/// hands them out. The TOTP secret is needed for the whole life of the session.
///
/// ```
/// use countersign_core::AuthProvider;
/// use countersign_ibanera::{Ibanera, SecretEncoding};
///
/// let api = Ibanera::at("https://public-api.ibanera.com")?.secret_encoding(SecretEncoding::Raw);
/// assert!(api.capabilities().code_per_request.is_some());
/// # Ok::<(), countersign_core::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Ibanera {
    pub(crate) base: BaseUrl,
    pub(crate) secret_encoding: SecretEncoding,
    pub(crate) totp_period: Duration,
    pub(crate) lockout: Duration,
    pub(crate) refresh_path: Option<Box<str>>,
    pub(crate) realm: Realm,
    pub(crate) capabilities: Capabilities,
}

impl Ibanera {
    /// The API at `base_url`, the part before `/api/v1`. There is no default: the vendor's samples show
    /// `https://public-api.ibanera.com`, and the sandbox is told to customers only.
    ///
    /// # Errors
    /// [`countersign_core::ErrorKind::Configuration`] if the address cannot be used.
    pub fn at(base_url: &str) -> Result<Self, Error> {
        let base = BaseUrl::parse(base_url)?;
        let mut realm = Realm::new(base.origin().clone());
        realm.api_origins = vec![base.origin().clone()];

        let mut can = Capabilities::default();
        can.credentials = CredentialKinds::new(
            [CredentialKind::Identity, CredentialKind::Password, CredentialKind::TotpSecret],
            [],
        );
        can.credential_headers = vec![header::AUTHORIZATION, OTP];
        let ibanera = Self {
            base,
            secret_encoding: SecretEncoding::default(),
            totp_period: Duration::ZERO,
            lockout: Duration::ZERO,
            refresh_path: None,
            realm,
            capabilities: can,
        };
        Ok(ibanera.totp_period(Duration::from_secs(30)).lockout(Duration::from_secs(600)))
    }

    /// Sets how the text of the shared secret becomes the key.
    #[must_use]
    pub fn secret_encoding(mut self, encoding: SecretEncoding) -> Self {
        self.secret_encoding = encoding;
        self
    }

    /// Sets the time step of codes. A step under a second is refused when the first code is computed.
    #[must_use]
    pub fn totp_period(mut self, step: Duration) -> Self {
        self.totp_period = step;
        self.capabilities.code_per_request = Some(step);
        self.capabilities.sign_in_code = Some(step);
        self
    }

    /// Sets how long a locked account takes no sign-in.
    #[must_use]
    pub fn lockout(mut self, length: Duration) -> Self {
        self.lockout = length;
        self.capabilities.lockout = LockoutRule::Fixed(length);
        self
    }

    /// Sets where a refresh token can be redeemed, for customers who have been told a path. It is sent
    /// as `{"refreshToken": "…"}`, and the answer is read as that of a login. How such a token behaves
    /// is not documented.
    #[must_use]
    pub fn refresh_path(mut self, path: &str) -> Self {
        self.refresh_path = Some(path.into());
        self.capabilities.refresh = RefreshSupport::Unknown;
        self
    }

    /// Sets the lifetimes to assume where an answer and the token's own `exp` name none.
    #[must_use]
    pub fn fallback_lifetimes(mut self, lifetimes: FallbackLifetimes) -> Self {
        self.capabilities.fallback_lifetimes = lifetimes;
        self
    }
}
