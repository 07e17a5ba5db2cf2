//! Who plays: each provider with its simulator behind a socket, its adapter and its secrets.

use std::sync::Arc;
use std::time::Duration;

use countersign::cognito::Cognito;
use countersign::ibanera::Ibanera;
use countersign::ibex::Ibex;
use countersign::igny8::Igny8;
use countersign::wikimedia::Wikimedia;
use countersign::{AuthProvider, Credentials};
use countersign_simulator::{Account, AuthFlow, RefreshAnswer, Running, Simulator};

/// The time step of codes: short, so that the next one need not be waited for.
pub(crate) const CODE_STEP: Duration = Duration::from_secs(1);

/// What is chosen where a new password is asked for.
pub(crate) const NEW_PASSWORD: &str = "N3w-canary-chosen-p4ssword!";

/// What is never anybody's password.
pub(crate) const WRONG_PASSWORD: &str = "Wr0ng-canary-p4ssword!";

/// One provider.
pub(crate) struct Actor {
    pub(crate) simulator: Simulator,
    pub(crate) running: Running,
    pub(crate) adapter: Arc<dyn AuthProvider>,
    pub(crate) identity: String,
    pub(crate) credentials: Credentials,
}

impl Actor {
    /// The address of the authorised resource.
    pub(crate) fn resource(&self) -> String {
        format!("{}{}", self.running.url(), described(&self.simulator, "RESOURCE"))
    }
}

/// All five.
pub(crate) async fn assemble() -> Vec<Actor> {
    vec![ibex().await, ibanera().await, cognito().await, igny8().await, wikimedia().await]
}

async fn ibex() -> Actor {
    let simulator = Simulator::ibex().build();
    let running = simulator.serve().await.expect("a port of loopback");
    let adapter = Ibex::at(&running.url()).expect("an address");
    actor(simulator, running, adapter)
}

async fn ibanera() -> Actor {
    let simulator = Simulator::ibanera().period(CODE_STEP).build();
    let running = simulator.serve().await.expect("a port of loopback");
    let adapter = Ibanera::at(&running.url()).expect("an address").totp_period(CODE_STEP);
    actor(simulator, running, adapter)
}

/// With a rotating refresh token, a secret hash, a new password and a software token.
async fn cognito() -> Actor {
    let grace = Duration::from_secs(10);
    let simulator = Simulator::cognito()
        .allow(AuthFlow::UserPassword)
        .rotating(grace)
        .totp_period(CODE_STEP)
        .build();
    let temporary = "Canary-cognito-t3mporary!".to_owned();
    let secret = "CANARYCOGNITOCANARYCOGNITOCANARY".to_owned();
    let user = Account::user("kim@pool.example", "").temporary_password(&temporary);
    simulator.add_account(user.must_change_password().totp_secret(&secret));
    let client = simulator.client();
    let running = simulator.serve().await.expect("a port of loopback");
    let adapter = Cognito::pool(&described(&simulator, "USER_POOL_ID"), &client.identity)
        .and_then(|adapter| adapter.endpoint(&running.url()))
        .expect("a pool")
        .rotation(grace)
        .code_step(CODE_STEP);
    let credentials = Credentials::password("kim@pool.example", temporary)
        .with_totp_secret(secret)
        .with_client_secret(client.password);
    let actor = actor(simulator, running, adapter);
    Actor { identity: "kim@pool.example".to_owned(), credentials, ..actor }
}

async fn igny8() -> Actor {
    let simulator =
        Simulator::igny8().refresh_answer(RefreshAnswer::Both).without_throttle().build();
    let running = simulator.serve().await.expect("a port of loopback");
    let base = format!("{}{}", running.url(), described(&simulator, "BASE_PATH"));
    let adapter = Igny8::at(&base).expect("an address");
    actor(simulator, running, adapter)
}

/// As a newcomer, who is asked for a new password.
async fn wikimedia() -> Actor {
    let simulator = Simulator::wikimedia().build();
    let newcomer = simulator.account_of("canary-newcomer").expect("a default account");
    let running = simulator.serve().await.expect("a port of loopback");
    let adapter = Wikimedia::at(&running.url()).expect("an address").slow_retry(CODE_STEP);
    let temporary = newcomer.temporary_password.unwrap_or_default();
    let credentials = Credentials::password(&newcomer.identity, temporary);
    Actor { identity: newcomer.identity, credentials, ..actor(simulator, running, adapter) }
}

fn actor(simulator: Simulator, running: Running, adapter: impl AuthProvider + 'static) -> Actor {
    let account = simulator.account();
    let mut credentials = Credentials::password(&account.identity, account.password);
    if let Some(secret) = account.totp_secret {
        credentials = credentials.with_totp_secret(secret);
    }
    let adapter = Arc::new(adapter);
    Actor { simulator, running, adapter, identity: account.identity, credentials }
}

fn described(simulator: &Simulator, key: &str) -> String {
    let pairs = simulator.describe();
    pairs.into_iter().find(|(name, _)| name == key).map(|(_, value)| value).unwrap_or_default()
}
