//! The settings of the API, one method each, and the default accounts.

use std::time::Duration;

use http::StatusCode;

use super::server::Server;
use super::{ExpiryForm, Igny8, MissingSlash, RefreshAnswer, Settings, TokenNames};
use crate::account::Account;
use crate::simulator::{Setup, Simulator, setup_methods};

impl Igny8 {
    /// The life of an access token; 15 minutes by default, as in the guide.
    #[must_use]
    pub fn access_life(mut self, life: Duration) -> Self {
        self.settings.access_life = life;
        self
    }

    /// The life of a refresh token; 7 days by default, as in the guide.
    #[must_use]
    pub fn refresh_life(mut self, life: Duration) -> Self {
        self.settings.refresh_life = life;
        self
    }

    /// What a refresh gives; both tokens without a blacklist by default.
    #[must_use]
    pub fn refresh_answer(mut self, answer: RefreshAnswer) -> Self {
        self.settings.refresh_answer = answer;
        self
    }

    /// The names of the tokens in answers; the short ones by default.
    #[must_use]
    pub fn token_names(mut self, names: TokenNames) -> Self {
        self.settings.names = names;
        self
    }

    /// The tokens are one level down, in `data.tokens`.
    #[must_use]
    pub fn nested(mut self) -> Self {
        self.settings.nested = true;
        self
    }

    /// Answers tell the ends of the tokens too; by default only the tokens' own `exp` does.
    #[must_use]
    pub fn expiry_fields(mut self, form: ExpiryForm) -> Self {
        self.settings.expiry_fields = Some(form);
        self
    }

    /// Access tokens have the claims of the guide's sample alone, `user_id` and `exp`. By default they have those of
    /// the newest page and `type`.
    #[must_use]
    pub fn bare_claims(mut self) -> Self {
        self.settings.bare_claims = true;
        self
    }

    /// The path of a refresh under `/api/v1`; `/auth/refresh/` by default, `/auth/token/refresh/` in the newest page.
    #[must_use]
    pub fn refresh_path(mut self, path: impl Into<String>) -> Self {
        self.settings.refresh_path = path.into();
        self
    }

    /// The field of a refresh, and the only one that it takes; `refresh` by default, as in the guide. The newest page
    /// calls the token `refresh_token` everywhere.
    #[must_use]
    pub fn refresh_field(mut self, name: impl Into<String>) -> Self {
        self.settings.refresh_field = name.into();
        self
    }

    /// The path of a change of password under `/api/v1`; `/auth/change-password/` by default,
    /// `/auth/password/change/` in the newest page.
    #[must_use]
    pub fn change_password_path(mut self, path: impl Into<String>) -> Self {
        self.settings.change_path = path.into();
        self
    }

    /// The fields of a change of password, which are not documented; `old_password` and `new_password` by default.
    #[must_use]
    pub fn change_password_fields(
        mut self,
        old: impl Into<String>,
        new: impl Into<String>,
    ) -> Self {
        self.settings.change_fields = (old.into(), new.into());
        self
    }

    /// A change of password ends all tokens of the user.
    #[must_use]
    pub fn change_revokes(mut self) -> Self {
        self.settings.change_revokes = true;
        self
    }

    /// There is `/auth/logout/`, which ends the tokens of one sign-in. Only the newest page has it: none by default.
    #[must_use]
    pub fn logout(mut self) -> Self {
        self.settings.logout_path = Some("/auth/logout/".to_owned());
        self
    }

    /// How many sign-ins and registrations a minute are let through, altogether; 20 by default.
    #[must_use]
    pub fn throttle(mut self, per_minute: u32) -> Self {
        self.settings.throttle = Some(per_minute);
        self
    }

    /// How many other requests a minute are let through for each user, and for all together who show no good token:
    /// refreshes, for instance; 100 by default.
    #[must_use]
    pub fn general_throttle(mut self, per_minute: u32) -> Self {
        self.settings.general_throttle = Some(per_minute);
        self
    }

    /// Who shows a good token is not throttled, as an archived page says of the deployed code.
    #[must_use]
    pub fn users_bypass_throttle(mut self) -> Self {
        self.settings.users_bypass = true;
        self
    }

    /// No throttle at all, and none of its headers.
    #[must_use]
    pub fn without_throttle(mut self) -> Self {
        self.settings.throttle = None;
        self.settings.general_throttle = None;
        self
    }

    /// A 429 has `Retry-After` too, as the framework normally sends it.
    #[must_use]
    pub fn retry_after(mut self) -> Self {
        self.settings.retry_after = true;
        self
    }

    /// A bad token falls through to the next class of authentication, as the framework does: this status with
    /// "Authentication credentials were not provided." By default it is 401 with "Authentication required".
    #[must_use]
    pub fn fall_through(mut self, status: StatusCode) -> Self {
        self.settings.fall_through = Some(status);
        self
    }

    /// The status for a dead refresh token; 401 by default, 400 is documented too.
    #[must_use]
    pub fn dead_refresh(mut self, status: StatusCode) -> Self {
        self.settings.dead_refresh = status;
        self
    }

    /// The status for a suspended account and for one without a plan; 403 by default. It is not documented.
    #[must_use]
    pub fn suspended_status(mut self, status: StatusCode) -> Self {
        self.settings.suspended = status;
        self
    }

    /// What a `POST` without the last slash gets; a redirect by default.
    #[must_use]
    pub fn missing_slash(mut self, answer: MissingSlash) -> Self {
        self.settings.missing_slash = answer;
        self
    }

    /// Failures of the server are pages, as where Django or a proxy answers itself. By default they are envelopes.
    #[must_use]
    pub fn html_errors(mut self) -> Self {
        self.settings.html_errors = true;
        self
    }

    /// Refusals of everything but the resource have the HTTP status 200, with `"success": false`.
    #[must_use]
    pub fn errors_with_200(mut self) -> Self {
        self.settings.errors_with_200 = true;
        self
    }

    /// The server with its default accounts, `lee@studio.example` and `sam@agency.example`.
    #[must_use]
    pub fn build(self) -> Simulator {
        let simulator = Simulator::new(Server::new(self.settings, &self.setup), self.setup);
        simulator.add_account(
            Account::user("lee@studio.example", "canary-igny8-password")
                .attribute("username", "lee")
                .attribute("user_id", "41"),
        );
        simulator.add_account(
            Account::user("sam@agency.example", "canary-igny8-other-password")
                .attribute("username", "sam")
                .attribute("user_id", "42")
                .attribute("account_id", "8"),
        );
        simulator
    }
}

setup_methods!(Igny8);

impl Default for Igny8 {
    fn default() -> Self {
        let settings = Settings {
            access_life: Duration::from_secs(900),
            refresh_life: Duration::from_secs(7 * 86_400),
            refresh_answer: RefreshAnswer::Both,
            names: TokenNames::Short,
            nested: false,
            expiry_fields: None,
            bare_claims: false,
            refresh_path: "/auth/refresh/".to_owned(),
            refresh_field: "refresh".to_owned(),
            change_path: "/auth/change-password/".to_owned(),
            change_fields: ("old_password".to_owned(), "new_password".to_owned()),
            change_revokes: false,
            logout_path: None,
            throttle: Some(20),
            general_throttle: Some(100),
            users_bypass: false,
            retry_after: false,
            fall_through: None,
            dead_refresh: StatusCode::UNAUTHORIZED,
            suspended: StatusCode::FORBIDDEN,
            missing_slash: MissingSlash::Redirect,
            html_errors: false,
            errors_with_200: false,
        };
        Self { setup: Setup::default(), settings }
    }
}

impl Simulator {
    /// IGNY8, to be set up and built.
    #[must_use]
    pub fn igny8() -> Igny8 {
        Igny8::default()
    }
}
