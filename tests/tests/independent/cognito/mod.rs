//! Cognito against two emulators, and clients of others against our simulator; which cases each of
//! them has is listed in its module.

mod account;
mod challenges;
mod clients;
mod ministack;
mod moto;
mod self_service;
mod sign_in;
mod srp;
mod tokens;

use countersign_cognito::{Cognito, Flow, RefreshCall};
use countersign_core::Credentials;
use countersign_runtime::Session;

use crate::support::{self, ok, var};

/// One emulator, with the pool that its script has made.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Emulator {
    Ministack,
    Moto,
}

use Emulator::{Ministack, Moto};

impl Emulator {
    const fn name(self) -> &'static str {
        match self {
            Ministack => "ministack",
            Moto => "moto",
        }
    }

    fn key(self, name: &str) -> String {
        var(&format!("COUNTERSIGN_{}_{name}", self.name().to_uppercase()))
    }

    /// The app client whose id is under `name`, refreshing in the way that this emulator has, and signing in in the
    /// way that it checks: at ministack by a proof of the password, at moto by the password itself.
    fn client(self, name: &str) -> Cognito {
        match self {
            Ministack => self.proving(name),
            Moto => self.proving(name).flow(Flow::UserPassword),
        }
    }

    /// The same, signing in by SRP.
    fn proving(self, name: &str) -> Cognito {
        let pool = Cognito::pool(&self.key("POOL_ID"), &self.key(name)).unwrap();
        let pool = pool.endpoint(&self.key("URL")).unwrap();
        match self {
            Ministack => pool,
            Moto => pool.refresh_call(RefreshCall::InitiateAuth),
        }
    }

    fn public(self) -> Cognito {
        self.client("CLIENT_ID")
    }

    fn confidential(self) -> Cognito {
        self.client("SECRET_CLIENT_ID")
    }

    fn user(self, name: &str) -> Credentials {
        Credentials::password(name, self.key("PASSWORD"))
    }

    fn secret_user(self, name: &str) -> Credentials {
        self.user(name).with_client_secret(self.key("SECRET_CLIENT_SECRET"))
    }

    fn totp_secret(self, name: &str) -> String {
        self.key(&format!("TOTP_SECRET_{}", name.to_uppercase().replace('-', "_")))
    }

    async fn session(self, client: Cognito, credentials: Credentials) -> Session {
        let identity = credentials.identity().unwrap().to_owned();
        support::session(client, &identity, credentials).await
    }

    fn ok(self, case: &str, how: &str) {
        ok(self.name(), case, how);
    }
}

/// A test for each case that an emulator has.
macro_rules! cases {
    ($emulator:expr; $($file:ident: $($case:ident),+;)+) => {$($(
        #[tokio::test]
        #[ignore = "needs a Cognito emulator, run by cargo xtask independent"]
        async fn $case() {
            super::$file::$case($emulator).await;
        }
    )+)+};
}
use cases;
