//! Ibanera: user name, password and a time-based code at sign-in, and a code on every request.
//!
//! What the vendor's pages leave open (encoding of the shared secret, refresh, the answer to a wrong code on a call,
//! clock tolerance, reuse of a code, the threshold of the lockout) is a setting here.

mod login;
mod server;
#[cfg(test)]
mod tests;
mod wire;

use std::time::Duration;

use http::StatusCode;

use crate::account::Account;
use crate::simulator::{Setup, Simulator, setup_methods};
use crate::totp::Totp;

/// How the shared secret's text becomes the key of the codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecretEncoding {
    /// Base32, as the vendor's Python sample reads it.
    Base32,
    /// The characters themselves, as the vendor's Node sample reads it.
    Raw,
}

/// Settings of the Ibanera simulator. [`Simulator::ibanera`] makes it, [`Ibanera::build`] starts from it.
///
/// Paths: `POST /api/v1/public/auth/login` as documented. The authorised resource is `GET` and `POST`
/// `/api/v1/customer/sim/echo`; it wants `Authorization: Bearer …` and `otp`, and answers in the envelope's
/// `details`. Attributes of an account: `resource` = `forbidden` gets 403 there; `message_codes` is a list with
/// commas that its sign-in is refused with.
#[derive(Clone, Debug)]
pub struct Ibanera {
    setup: Setup,
    settings: Settings,
}

#[derive(Clone, Debug)]
struct Settings {
    access_life: Duration,
    refresh_life: Option<Duration>,
    refresh_path: Option<String>,
    encoding: SecretEncoding,
    totp: Totp,
    reuse_at_sign_in: bool,
    lockout_failures: u32,
    lockout_time: Duration,
    error_status: StatusCode,
    life_as_text: bool,
    wrong_code_status: StatusCode,
    wrong_code_message: Option<String>,
}

impl Ibanera {
    /// The life of an access token; 1 hour by default. Whole seconds, since the answer tells seconds.
    #[must_use]
    pub fn access_life(mut self, life: Duration) -> Self {
        self.settings.access_life = life;
        self
    }

    /// The life of a refresh token; 1 day by default.
    #[must_use]
    pub fn refresh_life(mut self, life: Duration) -> Self {
        self.settings.refresh_life = Some(life);
        self
    }

    /// No refresh token in the answer, as in the vendor's sample.
    #[must_use]
    pub fn without_refresh_token(mut self) -> Self {
        self.settings.refresh_life = None;
        self
    }

    /// A path for renewals: `POST` with `{"refreshToken": "…"}`, answered as a sign-in is, without a new refresh
    /// token. The vendor publishes none, so there is none by default.
    #[must_use]
    pub fn refresh_path(mut self, path: impl Into<String>) -> Self {
        self.settings.refresh_path = Some(path.into());
        self
    }

    /// How the shared secret is read; base32 by default.
    #[must_use]
    pub fn secret_encoding(mut self, encoding: SecretEncoding) -> Self {
        self.settings.encoding = encoding;
        self
    }

    /// The time step of the codes; 30 seconds by default.
    #[must_use]
    pub fn period(mut self, period: Duration) -> Self {
        self.settings.totp.period_ms = i64::try_from(period.as_millis()).unwrap_or(i64::MAX).max(1);
        self
    }

    /// How many time steps before and after the server's own are taken too; 1 by default.
    #[must_use]
    pub fn tolerance(mut self, steps: u32) -> Self {
        self.settings.totp.tolerance = i64::from(steps);
        self
    }

    /// A code may be used for several sign-ins. By default the code of a time step signs in once, and codes of
    /// earlier steps no more. Calls may always share a code.
    #[must_use]
    pub fn reuse_at_sign_in(mut self) -> Self {
        self.settings.reuse_at_sign_in = true;
        self
    }

    /// Locks an account for that time after so many failed sign-ins in a row; 5 and 10 minutes by default. Only the
    /// 10 minutes are documented.
    #[must_use]
    pub fn lockout(mut self, failures: u32, time: Duration) -> Self {
        self.settings.lockout_failures = failures.max(1);
        self.settings.lockout_time = time;
        self
    }

    /// Failures of a sign-in have the HTTP status 200, with `"status": "0"`. By default they have 400.
    #[must_use]
    pub fn errors_with_200(mut self) -> Self {
        self.settings.error_status = StatusCode::OK;
        self
    }

    /// `expiresIn` and `refreshTokenExpiresIn` as texts of digits.
    #[must_use]
    pub fn expires_in_as_text(mut self) -> Self {
        self.settings.life_as_text = true;
        self
    }

    /// The status for a missing or wrong code on a call; 401 by default.
    #[must_use]
    pub fn wrong_code_status(mut self, status: StatusCode) -> Self {
        self.settings.wrong_code_status = status;
        self
    }

    /// An envelope with this message code for a missing or wrong code on a call. By default the body is empty.
    #[must_use]
    pub fn wrong_code_message(mut self, code: impl Into<String>) -> Self {
        self.settings.wrong_code_message = Some(code.into());
        self
    }

    /// The server with its default account.
    #[must_use]
    pub fn build(self) -> Simulator {
        let simulator = Simulator::new(server::Server::new(self.settings, &self.setup), self.setup);
        let account = Account::user("canary-ibanera-api", "canary-ibanera-password");
        simulator.add_account(account.totp_secret("CANARYIBANERACANARYIBANERACANARY"));
        simulator
    }
}

setup_methods!(Ibanera);

impl Default for Ibanera {
    fn default() -> Self {
        let settings = Settings {
            access_life: Duration::from_secs(3600),
            refresh_life: Some(Duration::from_secs(86_400)),
            refresh_path: None,
            encoding: SecretEncoding::Base32,
            totp: Totp::default(),
            reuse_at_sign_in: false,
            lockout_failures: 5,
            lockout_time: Duration::from_secs(600),
            error_status: StatusCode::BAD_REQUEST,
            life_as_text: false,
            wrong_code_status: StatusCode::UNAUTHORIZED,
            wrong_code_message: None,
        };
        Self { setup: Setup::default(), settings }
    }
}

impl Simulator {
    /// Ibanera, to be set up and built.
    #[must_use]
    pub fn ibanera() -> Ibanera {
        Ibanera::default()
    }
}
