//! Where the API lives, and the few numbers that its operator can change.

use std::fmt;
use std::time::Duration;

use countersign_core::{
    BaseUrl, Capabilities, CredentialKind, CredentialKinds, EarliestRefresh, Error,
    FallbackLifetimes, IdentityRule, PasswordPolicy, Realm, RefreshSupport, RevokeSupport,
};
use http::header;

use crate::challenge::NEW_PASSWORD_REQUIRED;

const AUTH: &str = "https://auth.enterprise.wikimedia.com";
const APIS: [&str; 2] =
    ["https://api.enterprise.wikimedia.com", "https://realtime.enterprise.wikimedia.com"];

const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);

/// Lengths that the server checks itself; the pool's own policy is not published. A password of 256
/// characters could be set, but not be signed in with.
pub(crate) const PASSWORD_POLICY: PasswordPolicy = PasswordPolicy {
    min_length: 6,
    max_length: Some(255),
    upper: false,
    lower: false,
    digit: false,
    symbol: false,
};

/// The authentication API of Wikimedia Enterprise. One value serves every account.
///
/// ```
/// use countersign_wikimedia::Wikimedia;
///
/// # fn main() -> Result<(), countersign_core::Error> {
/// let production = Wikimedia::production();
/// let local = Wikimedia::at("http://127.0.0.1:4050")?;
/// # let _ = (production, local);
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Wikimedia {
    pub(crate) base: BaseUrl,
    pub(crate) challenge_length: Duration,
    pub(crate) slow_retry: Duration,
    pub(crate) realm: Realm,
    pub(crate) capabilities: Capabilities,
}

impl Wikimedia {
    /// The vendor's own service. Its tokens are presented to the on-demand and the realtime API.
    #[expect(clippy::expect_used, reason = "constants, which a test reads")]
    pub fn production() -> Self {
        let parse = |url: &str| BaseUrl::parse(url).expect("a documented address");
        let mut wikimedia = Self::new(parse(AUTH));
        wikimedia.realm.api_origins = APIS.map(|url| parse(url).origin().clone()).to_vec();
        wikimedia
    }

    /// The same API at another address, given without the `/v1`. Tokens are presented there too; name
    /// further API origins when a session is opened.
    ///
    /// # Errors
    /// [`countersign_core::ErrorKind::Configuration`] if `url` is no usable address; plain http is for
    /// loopback only.
    pub fn at(url: &str) -> Result<Self, Error> {
        BaseUrl::parse(url).map(Self::new)
    }

    fn new(base: BaseUrl) -> Self {
        let mut realm = Realm::new(base.origin().clone());
        realm.api_origins = vec![base.origin().clone()];
        realm.identity = IdentityRule::LowerCase;
        Self {
            base,
            challenge_length: Duration::from_secs(3 * 60),
            slow_retry: Duration::from_secs(60),
            realm,
            capabilities: capabilities(),
        }
    }

    /// How many access tokens one refresh token buys; 90 unless set, as in the vendor's code.
    #[must_use]
    pub fn refresh_budget(mut self, refreshes: u32) -> Self {
        self.capabilities.refresh_budget = Some(refreshes);
        self
    }

    /// How long to wait before the one retry after a 401 that may hide an outage; 60 s unless set.
    #[must_use]
    pub fn slow_retry(mut self, wait: Duration) -> Self {
        self.slow_retry = wait;
        self
    }

    /// How long a challenge can be answered; 3 minutes unless set, the default of the pool behind.
    #[must_use]
    pub fn challenge_length(mut self, length: Duration) -> Self {
        self.challenge_length = length;
        self
    }
}

fn capabilities() -> Capabilities {
    let mut can = Capabilities::default();
    can.credentials =
        CredentialKinds::new([CredentialKind::Identity, CredentialKind::Password], []);
    can.refresh = RefreshSupport::Reusable;
    can.refresh_budget = Some(90);
    can.earliest_refresh = EarliestRefresh::MandatoryWindow;
    can.fallback_lifetimes = FallbackLifetimes { access: 24 * HOUR, refresh: Some(90 * DAY) };
    // Documented as the whole family, but an access token that was already seen by an API can work on.
    can.revoke = RevokeSupport::RefreshToken;
    can.challenges.answerable = vec![NEW_PASSWORD_REQUIRED];
    can.challenges.open = true;
    can.change_password = true;
    can.forgot_password = true;
    can.confirm_forgot_password = true;
    can.password_policy = Some(PASSWORD_POLICY);
    can.who_am_i = true;
    can.credential_headers = vec![header::AUTHORIZATION];
    can
}

impl fmt::Debug for Wikimedia {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wikimedia").field("base", &self.base).finish_non_exhaustive()
    }
}
