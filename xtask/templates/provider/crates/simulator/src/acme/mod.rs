//! Acme: sign-in by password, refresh, and the resource.
//!
//! As written by `cargo xtask new-provider`: the API is made up. Write here what the vendor documents, and
//! take nothing from the adapter: what both get from one another is wrong in both.

mod server;
#[cfg(test)]
mod tests;
mod wire;

use std::time::Duration;

use crate::account::Account;
use crate::simulator::{Setup, Simulator, setup_methods};

/// Settings of the Acme simulator. [`Simulator::acme`] makes it, [`Acme::build`] starts from it.
///
/// Paths: `POST /session` and `POST /session/refresh`. The authorised resource is `GET` and `POST` `/sim/echo`.
#[derive(Clone, Debug)]
pub struct Acme {
    setup: Setup,
    settings: Settings,
}

#[derive(Clone, Debug)]
struct Settings {
    access_life: Duration,
    refresh_life: Duration,
}

impl Acme {
    /// The life of an access token; 1 hour by default.
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

    /// The server with its default account.
    #[must_use]
    pub fn build(self) -> Simulator {
        let simulator = Simulator::new(server::Server::new(self.settings), self.setup);
        simulator.add_account(Account::user("kim@acme.example", "Canary-acme-p4ssword!"));
        simulator
    }
}

setup_methods!(Acme);

impl Default for Acme {
    fn default() -> Self {
        let settings = Settings {
            access_life: Duration::from_secs(3600),
            refresh_life: Duration::from_secs(7 * 24 * 3600),
        };
        Self { setup: Setup::default(), settings }
    }
}

impl Simulator {
    /// Acme, to be set up and built.
    #[must_use]
    pub fn acme() -> Acme {
        Acme::default()
    }
}
