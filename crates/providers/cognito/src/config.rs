//! A pool, an app client, and the settings that the service does not tell.

use std::fmt;
use std::time::Duration;

use countersign_core::{
    BaseUrl, Capabilities, CredentialKind, CredentialKinds, Error, ErrorKind, FallbackLifetimes,
    LockoutRule, PasswordPolicy, Realm, RefreshSupport, RevokeSupport,
};
use http::header;

use crate::flow::{Devices, Flow};
use crate::{challenge, self_service};

/// The longest grace that an app client can set for a rotated refresh token
/// (`RetryGracePeriodSeconds`, 0 to 60).
const LONGEST_GRACE: Duration = Duration::from_secs(60);

/// An app client of a user pool.
///
/// One value serves every account of the pool; credentials belong to a session. A client secret is a
/// credential too: where one is given, hashes and secrets are sent wherever the service wants them.
///
/// ```
/// use std::time::Duration;
/// use countersign_cognito::{Cognito, Presented};
///
/// # fn main() -> Result<(), countersign_core::Error> {
/// let pool = Cognito::pool("eu-west-1_AbC", "1example23456789")?
///     .rotation(Duration::from_secs(30))
///     .present(Presented::IdToken);
/// # let _ = pool;
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Cognito {
    pub(crate) endpoint: BaseUrl,
    pub(crate) pool_id: Box<str>,
    pub(crate) client_id: Box<str>,
    pub(crate) flow: Flow,
    pub(crate) devices: Devices,
    pub(crate) refresh_call: RefreshCall,
    pub(crate) presented: Presented,
    pub(crate) attachment: Attachment,
    pub(crate) challenge_length: Duration,
    pub(crate) code_step: Duration,
    pub(crate) lockout_wait: Duration,
    refresh: RefreshSupport,
    refresh_lifetime: Duration,
    pub(crate) password_policy: Option<PasswordPolicy>,
    pub(crate) realm: Realm,
    pub(crate) capabilities: Capabilities,
}

/// Which operation buys the next access token.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum RefreshCall {
    /// `GetTokensFromRefreshToken`, which works whether refresh tokens rotate or not.
    #[default]
    GetTokensFromRefreshToken,
    /// `InitiateAuth` with `REFRESH_TOKEN_AUTH`, for servers that know nothing newer. The service refuses
    /// it where refresh tokens rotate.
    InitiateAuth,
}

/// Which token the API behind the pool wants.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Presented {
    /// The access token.
    #[default]
    AccessToken,
    /// The ID token (an authorizer of API Gateway that checks `aud`, for instance).
    IdToken,
}

/// In which form the token stands in `Authorization`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Attachment {
    /// `Bearer <token>` (RFC 6750 §2.1).
    #[default]
    Bearer,
    /// The token alone.
    Raw,
}

impl Cognito {
    /// The app client `client_id` of the pool `user_pool_id` (`<region>_<name>`), at the regional
    /// endpoint of AWS. In the partition of China the host is another one: set it with
    /// [`Cognito::endpoint`].
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`] if the pool id is not of that form or the client id is empty.
    pub fn pool(user_pool_id: &str, client_id: &str) -> Result<Self, Error> {
        let region = user_pool_id.split_once('_').filter(|(region, name)| {
            let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
            !region.is_empty()
                && region.bytes().all(plain)
                && !name.is_empty()
                && name.bytes().all(|b| b.is_ascii_alphanumeric())
        });
        let Some((region, _)) = region else {
            return Err(Error::new(ErrorKind::Configuration)
                .hint("the user pool id has the form <region>_<name>, as eu-west-1_AbC"));
        };
        if client_id.is_empty() || !client_id.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(Error::new(ErrorKind::Configuration)
                .hint("the client id is empty or holds characters that no client id has"));
        }
        let endpoint = BaseUrl::parse(&format!("https://cognito-idp.{region}.amazonaws.com"))?;
        let pool = Self {
            realm: Realm::new(endpoint.origin().clone()),
            endpoint,
            pool_id: user_pool_id.into(),
            client_id: client_id.into(),
            flow: Flow::default(),
            devices: Devices::default(),
            refresh_call: RefreshCall::default(),
            presented: Presented::default(),
            attachment: Attachment::default(),
            challenge_length: Duration::from_secs(3 * 60),
            code_step: Duration::from_secs(30),
            lockout_wait: Duration::from_secs(60),
            refresh: RefreshSupport::Unknown,
            refresh_lifetime: Duration::from_secs(30 * 24 * 3600),
            password_policy: None,
            capabilities: Capabilities::default(),
        };
        Ok(pool.settled())
    }

    /// Another endpoint: an emulator, a proxy of yours, another partition of AWS.
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`] if `url` is no usable address; plain http is for loopback only.
    pub fn endpoint(mut self, url: &str) -> Result<Self, Error> {
        self.endpoint = BaseUrl::parse(url)?;
        Ok(self.settled())
    }

    /// How a sign-in goes; [`Flow::UserSrp`] unless set.
    #[must_use]
    pub fn flow(mut self, flow: Flow) -> Self {
        self.flow = flow;
        self.settled()
    }

    /// What becomes of device keys; [`Devices::Confirm`] unless set. Pools without device tracking give
    /// none.
    #[must_use]
    pub fn devices(mut self, devices: Devices) -> Self {
        self.devices = devices;
        self
    }

    /// The rules of this pool for passwords, which a new password is held against before it is sent.
    /// The service does not tell them; without this it judges alone.
    #[must_use]
    pub fn password_policy(mut self, policy: PasswordPolicy) -> Self {
        self.password_policy = Some(policy);
        self.settled()
    }

    /// The app client rotates refresh tokens; the old one is taken for `grace` after its use (at most
    /// 60 s, as the service allows no more).
    #[must_use]
    pub fn rotation(mut self, grace: Duration) -> Self {
        self.refresh = RefreshSupport::Rotating { grace: grace.min(LONGEST_GRACE) };
        self.settled()
    }

    /// The app client does not rotate refresh tokens, so that sending one twice harms nothing. Without
    /// this or [`Cognito::rotation`] each refresh is treated as if it spent the token until an answer has
    /// shown that it does not.
    #[must_use]
    pub fn no_rotation(mut self) -> Self {
        self.refresh = RefreshSupport::Reusable;
        self.settled()
    }

    /// Which operation refreshes.
    #[must_use]
    pub fn refresh_call(mut self, call: RefreshCall) -> Self {
        self.refresh_call = call;
        self
    }

    /// How long refresh tokens of this app client live; 30 days unless set, as at the service. The
    /// service never says.
    #[must_use]
    pub fn refresh_lifetime(mut self, lifetime: Duration) -> Self {
        self.refresh_lifetime = lifetime;
        self.settled()
    }

    /// Which token the API wants.
    #[must_use]
    pub fn present(mut self, token: Presented) -> Self {
        self.presented = token;
        self
    }

    /// In which form the API wants it.
    #[must_use]
    pub fn attach(mut self, attachment: Attachment) -> Self {
        self.attachment = attachment;
        self
    }

    /// How long a challenge of this app client can be answered (`AuthSessionValidity`, 3 to 15 minutes);
    /// 3 minutes unless set.
    #[must_use]
    pub fn challenge_length(mut self, length: Duration) -> Self {
        self.challenge_length = length;
        self
    }

    /// The time step of software tokens: 30 s at the service, another one in a test server.
    #[must_use]
    pub fn code_step(mut self, step: Duration) -> Self {
        self.code_step = step;
        self.settled()
    }

    /// How long to leave an account alone after "password attempts exceeded"; 60 s unless set. The
    /// service locks for 1 s to 15 min, does not say how long, and attempts meanwhile do no harm.
    #[must_use]
    pub fn lockout_wait(mut self, wait: Duration) -> Self {
        self.lockout_wait = wait;
        self
    }

    /// The name of the pool: its id without the region. It goes into proofs of a password.
    pub(crate) fn pool_name(&self) -> &str {
        self.pool_id.split_once('_').map_or("", |(_, name)| name)
    }

    /// Derives what the contract wants to borrow.
    fn settled(mut self) -> Self {
        self.realm = Realm::new(self.endpoint.origin().clone());
        self.realm.tenant = self.pool_id.clone();
        self.realm.client = self.client_id.clone();

        let mut can = Capabilities::default();
        let (mut required, mut optional) = (vec![CredentialKind::Identity], Vec::new());
        if self.flow.needs_password() {
            required.push(CredentialKind::Password);
        } else {
            optional.push(CredentialKind::Password);
        }
        optional.extend([CredentialKind::TotpSecret, CredentialKind::ClientSecret]);
        can.credentials = CredentialKinds::new(required, optional);
        can.refresh = self.refresh;
        can.fallback_lifetimes = FallbackLifetimes {
            // The shortest that an app client can set.
            access: Duration::from_secs(5 * 60),
            refresh: Some(self.refresh_lifetime),
        };
        can.revoke = RevokeSupport::Family;
        can.sign_out_everywhere = true;
        can.challenges.answerable = challenge::ANSWERABLE.to_vec();
        can.challenges.open = true;
        can.register = Some(self_service::REGISTER);
        can.extensions = self_service::Extension::ALL.map(self_service::Extension::name).to_vec();
        can.password_policy = self.password_policy;
        can.change_password = true;
        can.forgot_password = true;
        can.confirm_forgot_password = true;
        can.who_am_i = true;
        can.lockout = LockoutRule::Doubling {
            free: 5,
            first: Duration::from_secs(1),
            most: Duration::from_secs(15 * 60),
        };
        can.sign_in_code = Some(self.code_step);
        can.sign_in_code_follows = true;
        can.credential_headers = vec![header::AUTHORIZATION];
        self.capabilities = can;
        self
    }
}

impl fmt::Debug for Cognito {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cognito")
            .field("endpoint", &self.endpoint)
            .field("pool", &self.pool_id)
            .field("client_id", &self.client_id)
            .finish_non_exhaustive()
    }
}
