//! What every test here needs: a simulator behind a socket, and a keeper that talks to it.

use std::time::Duration;

use countersign::reqwest::{Client, SessionClient};
use countersign::{AuthProvider, Credentials, Keeper, Origin, Session};
use countersign_simulator::{Running, Simulator};

/// A simulator that listens, and a keeper with a client.
pub(crate) struct Bench {
    pub(crate) simulator: Simulator,
    pub(crate) server: Running,
    pub(crate) keeper: Keeper,
    pub(crate) http: Client,
}

impl Bench {
    pub(crate) async fn new(simulator: Simulator) -> Self {
        let server = simulator.serve().await.expect("a port of loopback");
        let http = client();
        let keeper = Keeper::builder().transport(http.clone()).build().expect("a keeper");
        Self { simulator, server, keeper, http }
    }

    /// A keeper of another process: it shares nothing with the first one.
    pub(crate) fn elsewhere(&self) -> Keeper {
        Keeper::builder().transport(self.http.clone()).build().expect("a keeper")
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.server.url())
    }

    pub(crate) fn origin(&self) -> Origin {
        Origin::parse(&self.server.url()).expect("a loopback origin")
    }

    /// The credentials of the simulator's account.
    pub(crate) fn credentials(&self) -> Credentials {
        let account = self.simulator.account();
        let plain = Credentials::password(account.identity.clone(), account.password.clone());
        match account.totp_secret {
            Some(secret) => plain.with_totp_secret(secret.clone()),
            None => plain,
        }
    }

    pub(crate) async fn open(&self, provider: impl AuthProvider + 'static) -> Session {
        let identity = self.simulator.account().identity;
        self.keeper
            .session(provider, &identity)
            .credentials(self.credentials())
            .api_origins([self.origin()])
            .deadline(Duration::from_secs(20))
            .open()
            .await
            .expect("the session opens")
    }

    pub(crate) fn api(&self, session: &Session) -> SessionClient<Session> {
        self.http.session(session.clone())
    }
}

pub(crate) fn client() -> Client {
    Client::new(::reqwest::Client::builder()).expect("a client")
}
