//! The settings of the pool and its app client, one method each, and the default accounts.

use std::time::Duration;

use http::StatusCode;

use super::server::Server;
use super::{
    AuthFlow, Cognito, Devices, HashName, Lockout, Rate, Remembering, ResourceToken, Settings,
};
use crate::account::Account;
use crate::ibex::HeaderForm;
use crate::simulator::{Setup, Simulator, setup_methods};
use crate::totp::Totp;

impl Cognito {
    /// The id of the pool; `eu-west-1_CanaryPool` by default.
    #[must_use]
    pub fn pool_id(mut self, id: impl Into<String>) -> Self {
        self.settings.pool_id = id.into();
        self
    }

    /// The life of access and ID tokens; 1 hour by default. Whole seconds, since the answer tells seconds.
    #[must_use]
    pub fn access_life(mut self, life: Duration) -> Self {
        self.settings.access_life = life;
        self
    }

    /// The life of a refresh token; 30 days by default. A rotated token keeps the end of the first.
    #[must_use]
    pub fn refresh_life(mut self, life: Duration) -> Self {
        self.settings.refresh_life = life;
        self
    }

    /// The life of a challenge session; 3 minutes by default.
    #[must_use]
    pub fn session_life(mut self, life: Duration) -> Self {
        self.settings.session_life = life;
        self
    }

    /// The life of a recovery code, and how many wrong ones are looked at; 1 hour, as documented, and 5 by default.
    #[must_use]
    pub fn recovery_code(mut self, life: Duration, attempts: u32) -> Self {
        self.settings.recovery_life = life;
        self.settings.recovery_attempts = attempts.max(1);
        self
    }

    /// Refresh tokens rotate: only `GetTokensFromRefreshToken` refreshes, and a spent token is taken for `grace` more.
    /// No rotation by default.
    #[must_use]
    pub fn rotating(mut self, grace: Duration) -> Self {
        self.settings.rotation = Some(grace);
        self
    }

    /// With rotation: a spent token that is used after its grace is refused alone. By default it ends every token of
    /// its sign-in.
    #[must_use]
    pub fn reuse_spares_family(mut self) -> Self {
        self.settings.reuse_ends_family = false;
        self
    }

    /// New devices get a key in the answer to a sign-in. One that was confirmed is remembered at once, or, with
    /// [`Remembering::OptIn`], once the user says so. A remembered device proves itself after the password, in place of
    /// a second factor. No devices by default.
    #[must_use]
    pub fn devices(mut self, remembering: Remembering) -> Self {
        let opt_in = remembering == Remembering::OptIn;
        self.settings.devices = Some(Devices { opt_in, replace_mfa: true });
        self
    }

    /// With [`Cognito::devices`]: a remembered device proves itself after the second factor, not in its place.
    #[must_use]
    pub fn devices_keep_mfa(mut self) -> Self {
        if let Some(devices) = &mut self.settings.devices {
            devices.replace_mfa = false;
        }
        self
    }

    /// What `USER_AUTH` offers, by the names of the challenges; `PASSWORD` and `PASSWORD_SRP` by default. `EMAIL_OTP`
    /// and `SMS_OTP` are offered to users with an address or a number (`user.phone_number`).
    #[must_use]
    pub fn first_factors<T: Into<String>>(mut self, names: impl IntoIterator<Item = T>) -> Self {
        self.settings.first_factors = names.into_iter().map(Into::into).collect();
        self
    }

    /// Users without a second factor have to set one up (`MFA_SETUP`).
    #[must_use]
    pub fn require_mfa(mut self) -> Self {
        self.settings.mfa_required = true;
        self
    }

    /// `MFA_SETUP` offers `EMAIL_OTP` too: an answer with `EMAIL` sets the address, and a code follows.
    #[must_use]
    pub fn mfa_setup_by_email(mut self) -> Self {
        self.settings.mfa_setup_by_email = true;
        self
    }

    /// Only an administrator makes users.
    #[must_use]
    pub fn without_sign_up(mut self) -> Self {
        self.settings.sign_up = false;
        self
    }

    /// The life of the code that confirms a sign-up; 24 hours, as documented.
    #[must_use]
    pub fn confirmation_code(mut self, life: Duration) -> Self {
        self.settings.confirmation_life = life;
        self
    }

    /// More than `most` requests to the pool in `span` are throttled (`TooManyRequestsException`). No such quota by
    /// default.
    #[must_use]
    pub fn request_rate(mut self, most: u32, span: Duration) -> Self {
        self.settings.request_rate = Some(Rate { most, span });
        self
    }

    /// More than `most` attempts of one user in `span` at codes and changes of passwords are refused
    /// (`LimitExceededException`). 20 in an hour by default: the service says 5 to 20.
    #[must_use]
    pub fn attempt_limit(mut self, most: u32, span: Duration) -> Self {
        self.settings.attempts = Rate { most, span };
        self
    }

    /// The app client has token revocation switched off.
    #[must_use]
    pub fn without_revocation(mut self) -> Self {
        self.settings.revocation = false;
        self
    }

    /// The flows that app clients allow which have no attribute `flows` of their own. By default those of a client
    /// without a list: SRP, custom and refresh, and not the password itself.
    #[must_use]
    pub fn flows(mut self, flows: impl IntoIterator<Item = AuthFlow>) -> Self {
        self.settings.flows = flows.into_iter().collect();
        self
    }

    /// This flow is allowed too.
    #[must_use]
    pub fn allow(mut self, flow: AuthFlow) -> Self {
        if !self.settings.flows.contains(&flow) {
            self.settings.flows.push(flow);
        }
        self
    }

    /// How far the time in a password claim may be from the server's own; 3 minutes by default, since the service's own
    /// span is not known.
    #[must_use]
    pub fn srp_window(mut self, window: Duration) -> Self {
        self.settings.srp_window = window;
        self
    }

    /// Salts, `SRP_B` and the u of both sides begin with zeros, which one sign-in of some thousands has by chance;
    /// `SRP_B` is told with them. For a salt that is told with its zeros see the attribute `srp_salt`.
    #[must_use]
    pub fn srp_leading_zeros(mut self) -> Self {
        self.settings.srp_leading_zeros = true;
        self
    }

    /// The default app client has no secret.
    #[must_use]
    pub fn public_client(mut self) -> Self {
        self.settings.public_client = true;
        self
    }

    /// `PreventUserExistenceErrors` = `ENABLED`: unknown users look like wrong passwords, codes are said to be sent.
    #[must_use]
    pub fn hide_unknown_users(mut self) -> Self {
        self.settings.hide_unknown_users = true;
        self
    }

    /// The internal user name is the one typed, as in a pool without aliases. By default it is the `sub`.
    #[must_use]
    pub fn names_as_typed(mut self) -> Self {
        self.settings.internal_names = false;
        self
    }

    /// Which name the hash of an answer or of a refresh is made of; the internal one by default.
    #[must_use]
    pub fn secret_hash_of(mut self, name: HashName) -> Self {
        self.settings.hash_name = name;
        self
    }

    /// The time step of time-based codes; 30 seconds by default.
    #[must_use]
    pub fn totp_period(mut self, period: Duration) -> Self {
        self.settings.totp.period_ms = i64::try_from(period.as_millis()).unwrap_or(i64::MAX).max(1);
        self
    }

    /// How many time steps before and after the server's own are taken too; 1 by default.
    #[must_use]
    pub fn totp_tolerance(mut self, steps: u32) -> Self {
        self.settings.totp.tolerance = i64::from(steps);
        self
    }

    /// The lockout after so many wrong passwords in a row: the first one, which doubles with each further failure, and
    /// the longest, after which without an attempt the count is zero again. 5, 1 second and 15 minutes by default.
    #[must_use]
    pub fn lockout(mut self, failures: u32, first: Duration, longest: Duration) -> Self {
        self.settings.lockout = Lockout { failures: failures.max(1), first, longest };
        self
    }

    /// The least length of a new password; 8 by default. All four classes of characters are always wanted.
    #[must_use]
    pub fn password_length(mut self, characters: usize) -> Self {
        self.settings.password_length = characters;
        self
    }

    /// `__type` is `namespace#Name`. By default it is the name alone.
    #[must_use]
    pub fn error_namespace(mut self, namespace: impl Into<String>) -> Self {
        self.settings.error_namespace = Some(namespace.into());
        self
    }

    /// Errors come without the headers `x-amzn-ErrorType` and `x-amzn-ErrorMessage`.
    #[must_use]
    pub fn without_error_headers(mut self) -> Self {
        self.settings.error_headers = false;
        self
    }

    /// The status of `TooManyRequestsException`; 400 by default, as in the model.
    #[must_use]
    pub fn throttle_status(mut self, status: StatusCode) -> Self {
        self.settings.throttle_status = status;
        self
    }

    /// Which token the resource wants, and in which form; the access token with `Bearer` by default.
    #[must_use]
    pub fn resource(mut self, token: ResourceToken, form: HeaderForm) -> Self {
        self.settings.resource_token = token;
        self.settings.resource_form = form;
        self
    }

    /// The resource verifies tokens without asking the pool: one that was revoked is taken until its end.
    #[must_use]
    pub fn offline_resource(mut self) -> Self {
        self.settings.offline_resource = true;
        self
    }

    /// The server with its default accounts: `kim@pool.example` with a password alone, `new@pool.example` with a
    /// temporary password and a first new one to choose, `mfa@pool.example` with a time-based code, and one app client.
    #[must_use]
    pub fn build(self) -> Simulator {
        let secret = if self.settings.public_client { "" } else { "canary-cognito-client-secret" };
        let simulator = Simulator::new(Server::new(self.settings, &self.setup), self.setup);
        simulator.add_account(Account::user("kim@pool.example", "Canary-cognito-p4ssword!"));
        simulator.add_account(
            Account::user("new@pool.example", "")
                .temporary_password("Canary-cognito-t3mporary!")
                .must_change_password(),
        );
        simulator.add_account(
            Account::user("mfa@pool.example", "Canary-cognito-mfa-p4ssword!")
                .totp_secret("CANARYCOGNITOCANARYCOGNITOCANARY"),
        );
        simulator.add_account(Account::client("1canarypoolclient", secret));
        simulator
    }
}

setup_methods!(Cognito);

impl Default for Cognito {
    fn default() -> Self {
        let settings = Settings {
            pool_id: "eu-west-1_CanaryPool".to_owned(),
            access_life: Duration::from_secs(3600),
            refresh_life: Duration::from_secs(30 * 86_400),
            session_life: Duration::from_secs(180),
            recovery_life: Duration::from_secs(3600),
            recovery_attempts: 5,
            rotation: None,
            reuse_ends_family: true,
            devices: None,
            first_factors: vec!["PASSWORD".to_owned(), "PASSWORD_SRP".to_owned()],
            mfa_required: false,
            mfa_setup_by_email: false,
            sign_up: true,
            confirmation_life: Duration::from_secs(86_400),
            request_rate: None,
            attempts: Rate { most: 20, span: Duration::from_secs(3600) },
            revocation: true,
            flows: AuthFlow::BY_DEFAULT.to_vec(),
            srp_window: Duration::from_secs(180),
            srp_leading_zeros: false,
            public_client: false,
            hide_unknown_users: false,
            internal_names: true,
            hash_name: HashName::Internal,
            totp: Totp::default(),
            lockout: Lockout {
                failures: 5,
                first: Duration::from_secs(1),
                longest: Duration::from_secs(900),
            },
            password_length: 8,
            error_namespace: None,
            error_headers: true,
            throttle_status: StatusCode::BAD_REQUEST,
            resource_token: ResourceToken::Access,
            resource_form: HeaderForm::Bearer,
            offline_resource: false,
        };
        Self { setup: Setup::default(), settings }
    }
}

impl Simulator {
    /// Cognito, to be set up and built.
    #[must_use]
    pub fn cognito() -> Cognito {
        Cognito::default()
    }
}
