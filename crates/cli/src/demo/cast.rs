//! Who plays: one constructor per provider, with its simulator, its adapter and its credentials.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use countersign_cognito::Cognito;
use countersign_core::{AccountKey, AuthProvider, CredentialSource, Credentials, Error, Origin};
use countersign_ibanera::Ibanera;
use countersign_ibex::Ibex;
use countersign_igny8::Igny8;
use countersign_simulator::{Account, AuthFlow, RefreshAnswer, Running, Simulator};
use countersign_wikimedia::Wikimedia;

use super::scenario::{CODE_PERIOD, GRACE, LIFE, SHORTER_LIFE};
use crate::exit::Exit;
use crate::problem::Problem;

/// The user of the pool: a temporary password, then a one-time code.
const POOL_USER: &str = "demo@pool.example";

/// One provider: its server on a loopback port, and all that a client of it needs.
pub(super) struct Actor {
    /// The provider's word.
    pub(super) name: &'static str,
    pub(super) simulator: Simulator,
    pub(super) running: Running,
    pub(super) adapter: Arc<dyn AuthProvider>,
    /// Whose session it is.
    pub(super) identity: String,
    /// The secrets, as a source that learns of a new password.
    pub(super) purse: Purse,
    /// What the sign-in proves, for the audience.
    pub(super) signs_in_with: &'static str,
    /// How many challenges a person has to answer on the way.
    pub(super) challenges: u64,
    /// What is chosen where the provider asks for a new password.
    pub(super) new_password: &'static str,
    /// The address of the authorised resource.
    pub(super) resource: String,
    /// Where tokens may go beside the adapter's own origins.
    pub(super) api_origins: Vec<Origin>,
}

/// Starts every simulator; `records` is how many requests each keeps in mind.
pub(super) async fn assemble(records: usize) -> Result<Vec<Actor>, Problem> {
    Ok(vec![
        ibex(records).await?,
        ibanera(records).await?,
        cognito(records).await?,
        igny8(records).await?,
        wikimedia(records).await?,
    ])
}

async fn ibex(records: usize) -> Result<Actor, Problem> {
    let simulator = Simulator::ibex().access_life(LIFE).record_limit(records).build();
    let running = serve(&simulator).await?;
    let adapter = Ibex::at(&running.url())?;
    Ok(actor(simulator, running, adapter, "e-mail address and password"))
}

async fn ibanera(records: usize) -> Result<Actor, Problem> {
    let simulator = Simulator::ibanera();
    let simulator = simulator.access_life(LIFE).period(CODE_PERIOD).record_limit(records).build();
    let running = serve(&simulator).await?;
    let adapter = Ibanera::at(&running.url())?.totp_period(CODE_PERIOD);
    Ok(actor(simulator, running, adapter, "password and one-time code"))
}

async fn cognito(records: usize) -> Result<Actor, Problem> {
    let simulator = Simulator::cognito()
        .allow(AuthFlow::UserPassword)
        .access_life(LIFE)
        .rotating(GRACE)
        .totp_period(CODE_PERIOD)
        .record_limit(records)
        .build();
    let temporary = "Canary-cognito-dem0-t3mporary!".to_owned();
    let secret = "CANARYCOGNITODEMOCANARYCOGNITODE".to_owned();
    let user = Account::user(POOL_USER, "").temporary_password(&temporary);
    simulator.add_account(user.must_change_password().totp_secret(&secret));
    let client = simulator.client();
    let running = serve(&simulator).await?;
    let adapter = Cognito::pool(&described(&simulator, "USER_POOL_ID"), &client.identity)?
        .endpoint(&running.url())?
        .rotation(GRACE)
        .code_step(CODE_PERIOD);
    let credentials = Credentials::password(POOL_USER, temporary)
        .with_totp_secret(secret)
        .with_client_secret(client.password);
    let api_origins = vec![Origin::parse(&running.url())?];
    Ok(Actor {
        identity: POOL_USER.to_owned(),
        purse: Purse::new(credentials),
        api_origins,
        challenges: 1,
        ..actor(simulator, running, adapter, "temporary password, new password and one-time code")
    })
}

async fn igny8(records: usize) -> Result<Actor, Problem> {
    // Its calls of some minutes are made in seconds.
    let simulator = Simulator::igny8()
        .users_bypass_throttle()
        .access_life(LIFE)
        .refresh_answer(RefreshAnswer::Both)
        .record_limit(records)
        .build();
    let running = serve(&simulator).await?;
    let base = format!("{}{}", running.url(), described(&simulator, "BASE_PATH"));
    let adapter = Igny8::at(&base)?;
    Ok(actor(simulator, running, adapter, "e-mail address and password"))
}

async fn wikimedia(records: usize) -> Result<Actor, Problem> {
    let simulator = Simulator::wikimedia().access_life(SHORTER_LIFE).record_limit(records).build();
    let newcomer = simulator.account_of("canary-newcomer").unwrap_or_default();
    let running = serve(&simulator).await?;
    let adapter = Wikimedia::at(&running.url())?.slow_retry(Duration::from_secs(1));
    let temporary = newcomer.temporary_password.unwrap_or_default();
    Ok(Actor {
        purse: Purse::new(Credentials::password(&newcomer.identity, temporary)),
        identity: newcomer.identity,
        challenges: 1,
        ..actor(simulator, running, adapter, "temporary password and new password")
    })
}

/// With the secrets of the simulator's first account.
fn actor(
    simulator: Simulator,
    running: Running,
    adapter: impl AuthProvider + 'static,
    signs_in_with: &'static str,
) -> Actor {
    let account = simulator.account();
    let mut credentials = Credentials::password(&account.identity, account.password);
    if let Some(secret) = account.totp_secret {
        credentials = credentials.with_totp_secret(secret);
    }
    Actor {
        name: simulator.provider(),
        resource: format!("{}{}", running.url(), described(&simulator, "RESOURCE")),
        simulator,
        running,
        adapter: Arc::new(adapter),
        identity: account.identity,
        purse: Purse::new(credentials),
        signs_in_with,
        challenges: 0,
        new_password: "N3w-canary-demo-p4ssword!",
        api_origins: Vec::new(),
    }
}

async fn serve(simulator: &Simulator) -> Result<Running, Problem> {
    simulator.serve().await.map_err(|error| {
        let help = "check the limits of the system for sockets on 127.0.0.1";
        Problem::new(Exit::Refused, "a simulator cannot listen", help).note(error.to_string())
    })
}

/// What the simulator tells about itself under this name.
fn described(simulator: &Simulator, key: &str) -> String {
    let pairs = simulator.describe();
    pairs.into_iter().find(|(name, _)| name == key).map(|(_, value)| value).unwrap_or_default()
}

/// Credentials that are asked before every exchange, and change when a new password is set.
#[derive(Clone)]
pub(super) struct Purse(Arc<Mutex<Credentials>>);

impl Purse {
    fn new(credentials: Credentials) -> Self {
        Self(Arc::new(Mutex::new(credentials)))
    }

    /// From now on this is the password.
    pub(super) fn change_password(&self, password: &str) {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *held = std::mem::take(&mut *held).with_password(password.to_owned());
    }
}

#[async_trait]
impl CredentialSource for Purse {
    async fn credentials(&self, _account: &AccountKey) -> Result<Credentials, Error> {
        Ok(self.0.lock().unwrap_or_else(PoisonError::into_inner).clone())
    }
}
