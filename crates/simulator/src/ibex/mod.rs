//! IBEX: the password flow of the hub, and OAuth 2 client credentials.
//!
//! The settings whose documents and reports disagree (vendor's OpenAPI, its guide, testers' reports) are settings
//! here; the default is what the vendor documents.

mod oauth;
mod password_flow;
mod policy;
mod refusal;
mod server;
#[cfg(test)]
mod tests;
mod wire;

use std::time::Duration;

use http::StatusCode;

use crate::account::Account;
use crate::simulator::{Setup, Simulator, setup_methods};

/// Which form of the `Authorization` header an endpoint takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeaderForm {
    /// The word `Bearer` before the token.
    Bearer,
    /// Either.
    Both,
    /// The token alone.
    Raw,
}

/// The form of an error's body. What the vendor documents as empty is empty in each of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorBody {
    /// None.
    Empty,
    /// `{"error": "…"}`, as documented.
    Lower,
    /// Plain text.
    Text,
    /// `{"Error": "…"}`, against which clients guard.
    Upper,
}

/// Settings of the IBEX simulator, both flows. [`Simulator::ibex`] makes it, [`Ibex::build`] starts from it.
///
/// Paths: `/auth/…` and `/oauth/token` as documented, all by `POST`. The authorised resource is `GET` and `POST`
/// `/sim/echo`; it takes the raw token alone. An account with the attribute `resource` = `forbidden` gets 403 there.
#[derive(Clone, Debug)]
pub struct Ibex {
    setup: Setup,
    settings: Settings,
}

#[derive(Clone, Debug)]
struct Settings {
    access_life: Duration,
    refresh_life: Duration,
    oauth_life: Duration,
    audience: String,
    wrong_password: StatusCode,
    wrong_email: StatusCode,
    dead_refresh: StatusCode,
    dead_revoke: StatusCode,
    client_refused: StatusCode,
    audience_refused: StatusCode,
    change_password: HeaderForm,
    change_revokes: bool,
    error_body: ErrorBody,
    block: Option<(u32, Duration)>,
}

impl Ibex {
    /// The life of an access token of the password flow; 1 hour by default. The answer tells the whole second in
    /// which it ends.
    #[must_use]
    pub fn access_life(mut self, life: Duration) -> Self {
        self.settings.access_life = life;
        self
    }

    /// The life of a refresh token; 7 days by default.
    #[must_use]
    pub fn refresh_life(mut self, life: Duration) -> Self {
        self.settings.refresh_life = life;
        self
    }

    /// The life of an access token of the OAuth 2 flow; 1 hour by default.
    #[must_use]
    pub fn oauth_life(mut self, life: Duration) -> Self {
        self.settings.oauth_life = life;
        self
    }

    /// The audience that the OAuth 2 flow takes; the sandbox's by default.
    #[must_use]
    pub fn audience(mut self, audience: impl Into<String>) -> Self {
        self.settings.audience = audience.into();
        self
    }

    /// The status for a wrong password of a known email: 400 by default; testers also saw 404.
    #[must_use]
    pub fn wrong_password(mut self, status: StatusCode) -> Self {
        self.settings.wrong_password = status;
        self
    }

    /// The status for an unknown email: 403 by default, as testers saw; the guide's table says 404.
    #[must_use]
    pub fn wrong_email(mut self, status: StatusCode) -> Self {
        self.settings.wrong_email = status;
        self
    }

    /// The status for a dead refresh token at a refresh: 400 by default, as in the OpenAPI; the guide says 401.
    #[must_use]
    pub fn dead_refresh(mut self, status: StatusCode) -> Self {
        self.settings.dead_refresh = status;
        self
    }

    /// The status for the revocation of a dead refresh token: 400 by default; 204 for a server that does not mind.
    #[must_use]
    pub fn dead_revoke(mut self, status: StatusCode) -> Self {
        self.settings.dead_revoke = status;
        self
    }

    /// The status for a wrong client id or secret: 401 by default; the issuer also uses 403.
    #[must_use]
    pub fn client_refused(mut self, status: StatusCode) -> Self {
        self.settings.client_refused = status;
        self
    }

    /// The status for an audience that is not this hub's: 403 by default.
    #[must_use]
    pub fn audience_refused(mut self, status: StatusCode) -> Self {
        self.settings.audience_refused = status;
        self
    }

    /// The header form that change-password takes: the raw token by default. The guide shows `Bearer` there.
    #[must_use]
    pub fn change_password_header(mut self, form: HeaderForm) -> Self {
        self.settings.change_password = form;
        self
    }

    /// A change of password ends all tokens of the account. By default it does not; the vendor does not say.
    #[must_use]
    pub fn change_password_revokes(mut self) -> Self {
        self.settings.change_revokes = true;
        self
    }

    /// The form of error bodies.
    #[must_use]
    pub fn error_body(mut self, form: ErrorBody) -> Self {
        self.settings.error_body = form;
        self
    }

    /// Blocks an account for that time after so many failed sign-ins in a row. By default it never happens; the
    /// vendor's figures are not known.
    #[must_use]
    pub fn block_after(mut self, failures: u32, time: Duration) -> Self {
        self.settings.block = Some((failures, time));
        self
    }

    /// The server with its default accounts: a user, a client, and an invited user with a temporary password.
    #[must_use]
    pub fn build(self) -> Simulator {
        let simulator = Simulator::new(server::Server::new(self.settings, &self.setup), self.setup);
        simulator.add_account(Account::user("ops@merchant.example", "Canary-ibex-p4ssword!"));
        simulator
            .add_account(Account::client("canary-ibex-client-id", "canary-ibex-client-secret"));
        simulator.add_account(
            Account::user("new@merchant.example", "").temporary_password("Xy7!canary-ibex-mailed"),
        );
        simulator
    }
}

setup_methods!(Ibex);

impl Default for Ibex {
    fn default() -> Self {
        let settings = Settings {
            access_life: Duration::from_secs(3600),
            refresh_life: Duration::from_secs(7 * 24 * 3600),
            oauth_life: Duration::from_secs(3600),
            audience: "https://api-sandbox.poweredbyibex.io".to_owned(),
            wrong_password: StatusCode::BAD_REQUEST,
            wrong_email: StatusCode::FORBIDDEN,
            dead_refresh: StatusCode::BAD_REQUEST,
            dead_revoke: StatusCode::BAD_REQUEST,
            client_refused: StatusCode::UNAUTHORIZED,
            audience_refused: StatusCode::FORBIDDEN,
            change_password: HeaderForm::Raw,
            change_revokes: false,
            error_body: ErrorBody::Lower,
            block: None,
        };
        Self { setup: Setup::default(), settings }
    }
}

impl Simulator {
    /// IBEX, to be set up and built.
    #[must_use]
    pub fn ibex() -> Ibex {
        Ibex::default()
    }
}
