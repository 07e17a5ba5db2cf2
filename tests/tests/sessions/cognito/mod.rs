//! Cognito through the real keeper: SRP, the chains of challenges, devices, rotation, lockout and
//! self-service, against a server half that shares no code with the adapter.

mod devices;
mod factors;
mod lockout;
mod rotation;
mod self_service;
mod srp;

use std::time::Duration;

use countersign::cognito::Cognito;
use countersign::{Challenge, Clock, Credentials, Error, Keeper, Session, SignIn, SystemClock};
use countersign_core::SecretString;
use countersign_core::totp::{SecretEncoding, TimeStep, Totp};
use countersign_simulator::{Operation, Simulator};

use crate::bench::Bench;

const KIM: &str = "kim@pool.example";
const PASSWORD: &str = "Canary-pool-passw0rd!";
/// The time step of codes here; that of the service would make the tests wait.
const STEP: Duration = Duration::from_secs(3);

/// The app client of the simulator.
fn adapter(bench: &Bench) -> Cognito {
    let facts = bench.simulator.describe();
    let pool = facts.iter().find(|(name, _)| name == "USER_POOL_ID").expect("a pool");
    Cognito::pool(&pool.1, &bench.simulator.client().identity)
        .and_then(|pool| pool.endpoint(&bench.server.url()))
        .expect("a pool")
        .code_step(STEP)
}

/// Credentials without a password, with the secret of the app client.
fn nameless(bench: &Bench) -> Credentials {
    let client = bench.simulator.client();
    Credentials::new().with_identity(KIM).with_client_secret(client.password)
}

fn credentials(bench: &Bench) -> Credentials {
    nameless(bench).with_password(PASSWORD.to_owned())
}

async fn open(bench: &Bench, adapter: Cognito, credentials: Credentials) -> Session {
    open_in(&bench.keeper, bench, adapter, credentials).await
}

/// The same in a process of its own: handles of one keeper share one session and its first credentials.
async fn open_elsewhere(bench: &Bench, adapter: Cognito, credentials: Credentials) -> Session {
    open_in(&bench.elsewhere(), bench, adapter, credentials).await
}

async fn open_in(
    keeper: &Keeper,
    bench: &Bench,
    adapter: Cognito,
    credentials: Credentials,
) -> Session {
    keeper
        .session(adapter, KIM)
        .credentials(credentials)
        .api_origins([bench.origin()])
        .deadline(Duration::from_secs(60))
        .open()
        .await
        .expect("the session opens")
}

fn challenge(end: Result<SignIn, Error>) -> Challenge {
    match end {
        Ok(SignIn::Challenge(challenge)) => *challenge,
        other => panic!("no challenge but {other:?}"),
    }
}

fn complete(end: Result<SignIn, Error>) {
    assert!(matches!(end, Ok(SignIn::Complete)), "{end:?}");
}

/// The session is good at the API behind the pool.
async fn works(bench: &Bench, session: &Session) {
    let reply = bench.api(session).get(bench.url("/sim/echo")).send().await.expect("an answer");
    assert_eq!(reply.status(), 200);
}

fn asked(simulator: &Simulator, operation: Operation) -> usize {
    simulator.count(|record| record.operation == operation)
}

fn refused(simulator: &Simulator) -> Vec<&'static str> {
    let records = simulator.records();
    records.iter().filter_map(|record| record.reason).collect()
}

/// The code of `secret` now, and the step that it belongs to.
fn code(secret: &SecretString) -> (SecretString, TimeStep) {
    let totp = Totp::new(secret, SecretEncoding::Base32, STEP).expect("a secret");
    let step = totp.step_at(SystemClock::new().now());
    (totp.code(step), step)
}

/// Waits until `step` is over.
async fn over(secret: &SecretString, step: TimeStep) {
    while code(secret).1 <= step {
        pause().await;
    }
}

#[expect(clippy::disallowed_methods, reason = "a real server has real time")]
async fn pause() {
    tokio::time::sleep(Duration::from_millis(50)).await;
}
