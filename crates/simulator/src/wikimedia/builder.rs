//! The settings of the service, one method each, and the default accounts.

use std::time::Duration;

use super::server::Server;
use super::{InternalForm, Settings, Wikimedia};
use crate::account::Account;
use crate::simulator::{Setup, Simulator, setup_methods};

impl Wikimedia {
    /// The life of access and ID tokens; 24 hours by default. Whole seconds, since the answer tells seconds.
    #[must_use]
    pub fn access_life(mut self, life: Duration) -> Self {
        self.settings.access_life = life;
        self
    }

    /// The life of a refresh token; 90 days by default. It does not rotate.
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

    /// How many refreshes a user name and a refresh token have together; 90 by default.
    #[must_use]
    pub fn budget(mut self, refreshes: usize) -> Self {
        self.settings.budget = refreshes;
        self
    }

    /// How long after the first refresh the budget begins anew; 90 days by default.
    #[must_use]
    pub fn budget_window(mut self, window: Duration) -> Self {
        self.settings.budget_window = window;
        self
    }

    /// The pool ignores the case of user names at sign-in; a refresh still needs the account's own spelling. By
    /// default the spelling counts everywhere.
    #[must_use]
    pub fn ignore_case(mut self) -> Self {
        self.settings.ignore_case = true;
        self
    }

    /// The form of a 500 that a fault asks for; the usual message by default.
    #[must_use]
    pub fn internal_error(mut self, form: InternalForm) -> Self {
        self.settings.internal_form = form;
        self
    }

    /// An outage, and the fault of a 503, are those of the pool behind the service: it answers 401 almost everywhere.
    /// By default they are those of a proxy in front of it, a page with status 503.
    #[must_use]
    pub fn pool_outage(mut self) -> Self {
        self.settings.pool_outage = true;
        self
    }

    /// The server with its default accounts: `canary-archivist` with a password, `canary-newcomer` with a temporary one
    /// and a new one to choose.
    #[must_use]
    pub fn build(self) -> Simulator {
        let simulator = Simulator::new(Server::new(self.settings, &self.setup), self.setup);
        simulator.add_account(
            Account::user("canary-archivist", "Canary-wikimedia-p4ssword!")
                .attribute("email", "archivist@library.example"),
        );
        simulator.add_account(
            Account::user("canary-newcomer", "")
                .temporary_password("Canary-wikimedia-t3mporary!")
                .must_change_password()
                .attribute("email", "newcomer@library.example"),
        );
        simulator
    }
}

setup_methods!(Wikimedia);

impl Default for Wikimedia {
    fn default() -> Self {
        let settings = Settings {
            access_life: Duration::from_secs(86_400),
            refresh_life: Duration::from_secs(90 * 86_400),
            session_life: Duration::from_secs(180),
            budget: 90,
            budget_window: Duration::from_secs(90 * 86_400),
            ignore_case: false,
            internal_form: InternalForm::Message,
            pool_outage: false,
        };
        Self { setup: Setup::default(), settings }
    }
}

impl Simulator {
    /// Wikimedia Enterprise, to be set up and built.
    #[must_use]
    pub fn wikimedia() -> Wikimedia {
        Wikimedia::default()
    }
}
