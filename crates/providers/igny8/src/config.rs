//! The settings.

use std::time::Duration;

use countersign_core::{
    BaseUrl, Capabilities, CredentialKind, CredentialKinds, Error, FallbackLifetimes, LockoutRule,
    Realm, RefreshSupport, RegisterSupport, RevokeSupport,
};
use http::header;

/// The IGNY8 API.
///
/// Credentials: `identity` (the e-mail address) and `password`. Paths are kept as they are given: each
/// ends with a slash, or Django answers with a redirect.
///
/// ```
/// use countersign_core::{AuthProvider, RevokeSupport};
/// use countersign_igny8::Igny8;
///
/// let api = Igny8::production().refresh_path("/auth/token/refresh/").logout_path("/auth/logout/");
/// assert_eq!(api.capabilities().revoke, RevokeSupport::RefreshToken);
/// ```
#[derive(Clone, Debug)]
pub struct Igny8 {
    pub(crate) base: BaseUrl,
    pub(crate) paths: Paths,
    pub(crate) refresh_field: Box<str>,
    pub(crate) old_password: Box<str>,
    pub(crate) new_password: Box<str>,
    pub(crate) realm: Realm,
    pub(crate) capabilities: Capabilities,
}

#[derive(Clone, Debug)]
pub(crate) struct Paths {
    pub(crate) login: Box<str>,
    pub(crate) refresh: Box<str>,
    pub(crate) register: Box<str>,
    pub(crate) change_password: Box<str>,
    pub(crate) logout: Option<Box<str>>,
}

impl Igny8 {
    /// The documented API. No sandbox is known.
    #[expect(clippy::expect_used, reason = "the address is a constant, read by a test")]
    pub fn production() -> Self {
        let base = BaseUrl::parse("https://api.igny8.com/api/v1");
        Self::new(base.expect("a documented address is an address"))
    }

    /// An API at `base_url`, which includes `/api/v1` where the server has it.
    ///
    /// # Errors
    /// [`countersign_core::ErrorKind::Configuration`] if the address cannot be used.
    pub fn at(base_url: &str) -> Result<Self, Error> {
        BaseUrl::parse(base_url).map(Self::new)
    }

    /// Sets the path of the login; `/auth/login/` by default.
    #[must_use]
    pub fn login_path(mut self, path: &str) -> Self {
        self.paths.login = path.into();
        self
    }

    /// Sets the path of the refresh; `/auth/refresh/` by default, the newest page says
    /// `/auth/token/refresh/`.
    #[must_use]
    pub fn refresh_path(mut self, path: &str) -> Self {
        self.paths.refresh = path.into();
        self
    }

    /// Sets the field name of the refresh token in a refresh and in a logout; `refresh` by default. The
    /// newest page calls the token `refresh_token`, and shows no request.
    #[must_use]
    pub fn refresh_field(mut self, name: &str) -> Self {
        self.refresh_field = name.into();
        self
    }

    /// Sets the path of the registration; `/auth/register/` by default.
    #[must_use]
    pub fn register_path(mut self, path: &str) -> Self {
        self.paths.register = path.into();
        self
    }

    /// Sets the path of the change of password; `/auth/change-password/` by default, the newest page
    /// says `/auth/password/change/`.
    #[must_use]
    pub fn change_password_path(mut self, path: &str) -> Self {
        self.paths.change_password = path.into();
        self
    }

    /// Sets the path of a logout, which only the newest page names (`/auth/logout/`). Without it a
    /// sign-out is local. Whether it needs the refresh token is not documented: it gets the access
    /// token in the header and the refresh token in the body. It is not taken for granted that access
    /// tokens die with it.
    #[must_use]
    pub fn logout_path(mut self, path: &str) -> Self {
        self.paths.logout = Some(path.into());
        self.capabilities.revoke = RevokeSupport::RefreshToken;
        self
    }

    /// Sets the field names of the change of password, which no page shows: that of the password in
    /// use and that of the new one.
    #[must_use]
    pub fn change_password_fields(mut self, old: &str, new: &str) -> Self {
        self.old_password = old.into();
        self.new_password = new.into();
        self
    }

    /// Sets how a refresh token behaves. The pages disagree, so it is taken for spent on use until an
    /// answer has shown that it stays.
    #[must_use]
    pub fn refresh_support(mut self, support: RefreshSupport) -> Self {
        self.capabilities.refresh = support;
        self
    }

    /// Sets the lifetimes to assume for tokens that name no `exp`.
    #[must_use]
    pub fn fallback_lifetimes(mut self, lifetimes: FallbackLifetimes) -> Self {
        self.capabilities.fallback_lifetimes = lifetimes;
        self
    }

    fn new(base: BaseUrl) -> Self {
        let mut realm = Realm::new(base.origin().clone());
        realm.api_origins = vec![base.origin().clone()];
        Self {
            base,
            paths: Paths {
                login: "/auth/login/".into(),
                refresh: "/auth/refresh/".into(),
                register: "/auth/register/".into(),
                change_password: "/auth/change-password/".into(),
                logout: None,
            },
            refresh_field: "refresh".into(),
            old_password: "old_password".into(),
            new_password: "new_password".into(),
            realm,
            capabilities: capabilities(),
        }
    }
}

fn capabilities() -> Capabilities {
    let mut can = Capabilities::default();
    can.credentials =
        CredentialKinds::new([CredentialKind::Identity, CredentialKind::Password], []);
    can.refresh = RefreshSupport::Unknown;
    // The shortest of the access lifetimes that the pages name; for the refresh token they name 7, 20
    // and 30 days, so it is tried until it is refused.
    can.fallback_lifetimes =
        FallbackLifetimes { access: Duration::from_secs(15 * 60), refresh: None };
    can.register = Some(RegisterSupport {
        required: &["username", "first_name", "last_name"],
        optional: &[],
        signs_in: false,
    });
    can.change_password = true;
    can.lockout = LockoutRule::Unknown;
    can.credential_headers = vec![header::AUTHORIZATION];
    can
}

#[cfg(test)]
mod tests {
    use countersign_core::AuthProvider;

    use super::*;

    #[test]
    fn the_documented_address_can_be_used() {
        let api = Igny8::production();
        assert_eq!(api.realm().auth_origin.to_string(), "https://api.igny8.com");
        assert_eq!(api.base.join(&api.paths.login), "https://api.igny8.com/api/v1/auth/login/");
    }

    #[test]
    fn p12_rotation_is_a_setting() {
        let api = Igny8::production();
        assert_eq!(api.capabilities().refresh, RefreshSupport::Unknown);
        let rotating = RefreshSupport::Rotating { grace: Duration::ZERO };
        assert_eq!(api.refresh_support(rotating).capabilities().refresh, rotating);
    }
}
