//! A [`Simulator`] as a server of the suite, with every control. Behind the feature `simulator`.
//!
//! [`Target::open`](crate::Target::open) makes the simulator as the [`Setup`] wants it, the adapter for
//! [`ADDRESS`], and of both a [`Simulated`].

mod vocabulary;

use std::sync::Arc;
use std::time::Duration;

use countersign_core::{
    AuthProvider, Clock, Credentials, Error, HttpTransport, Origin, SecretString,
};
use countersign_simulator::{self as simulator, AccountKind, Simulator};

use crate::fault::{Fault, Times};
use crate::operation::Op;
use crate::target::{
    Account, Control, Controls, RefreshTokens, Seen, Server, Settings, Setup, Unavailable,
};

/// Where every simulator seems to live. Nothing listens there: requests do not leave the process.
pub const ADDRESS: &str = "http://127.0.0.1:4001";

/// Where the API of a provider seems to live that has another host for it.
pub const API_ADDRESS: &str = "http://127.0.0.1:4002";

/// All that a simulator can do.
const CONTROLS: &[Control] = &[
    Control::Words,
    Control::Revoke,
    Control::Expire,
    Control::Password,
    Control::Lock,
    Control::Clock,
    Control::Mail,
    Control::Records,
    Control::Secrets,
];

/// A simulator, the adapter for it, and who signs in.
pub struct Simulated {
    simulator: Simulator,
    adapter: Arc<dyn AuthProvider>,
    clock: Arc<dyn Clock>,
    account: Account,
    other: Option<Account>,
    client_secret: Option<String>,
    api: &'static str,
    refusal_is_certain: bool,
    access_life: Option<Duration>,
}

impl Simulated {
    /// The default account of `simulator` signs in by `adapter`. Its resource is the path that the simulator
    /// describes as `RESOURCE`.
    ///
    /// # Errors
    /// [`Unavailable::Down`], with the adapter's word, if there is none.
    pub fn new(
        setup: &Setup,
        simulator: Simulator,
        adapter: Result<impl AuthProvider + 'static, Error>,
    ) -> Result<Self, Unavailable> {
        let down = |error: Error| Unavailable::Down(error.to_string());
        let account = account_of(&simulator.account(), None);
        Ok(Self {
            adapter: Arc::new(adapter.map_err(down)?),
            clock: Arc::clone(&setup.clock),
            account,
            other: None,
            client_secret: None,
            api: ADDRESS,
            refusal_is_certain: true,
            access_life: None,
            simulator,
        })
    }

    /// Sign-ins carry the secret of the client.
    #[must_use]
    pub fn with_client_secret(mut self, secret: String) -> Self {
        self.account.credentials = self.account.credentials.with_client_secret(secret.clone());
        self.client_secret = Some(secret);
        self
    }

    /// The API has a host of its own, [`API_ADDRESS`].
    #[must_use]
    pub const fn with_api_apart(mut self) -> Self {
        self.api = API_ADDRESS;
        self
    }

    /// Another account signs in.
    #[must_use]
    pub fn signing_in(mut self, identity: &str) -> Self {
        let found = self.simulator.account_of(identity).unwrap_or_default();
        self.account = account_of(&found, self.client_secret.as_deref());
        self
    }

    /// Its answer to a wrong password may also mean something else.
    #[must_use]
    pub const fn with_doubtful_refusals(mut self) -> Self {
        self.refusal_is_certain = false;
        self
    }

    /// Its access tokens live so long, unless the setup says something else.
    #[must_use]
    pub const fn with_access_life(mut self, life: Duration) -> Self {
        self.access_life = Some(life);
        self
    }

    /// A second account is there.
    #[must_use]
    pub fn with_other(mut self, identity: &str) -> Self {
        let found = self.simulator.account_of(identity).unwrap_or_default();
        self.other = Some(account_of(&found, self.client_secret.as_deref()));
        self
    }

    /// As a server of the suite.
    pub fn boxed(self) -> Box<dyn Server> {
        Box::new(self)
    }
}

/// Refuses what a provider has nothing of: refresh tokens that rotate, a first password.
///
/// # Errors
/// [`Unavailable::NotHere`] with the reason; the case is skipped.
pub fn refuse(
    settings: &Settings,
    rotation: bool,
    first_password: bool,
) -> Result<(), Unavailable> {
    if settings.rotation.is_some() && !rotation {
        return Err(Unavailable::NotHere("the provider's refresh tokens do not rotate".into()));
    }
    if settings.first_password && !first_password {
        return Err(Unavailable::NotHere("the provider asks for no first password".into()));
    }
    Ok(())
}

/// The value that the simulator tells under `key`; empty if it tells none.
pub fn described(simulator: &Simulator, key: &str) -> String {
    let pairs = simulator.describe();
    pairs.into_iter().find(|(name, _)| name == key).map(|(_, value)| value).unwrap_or_default()
}

fn account_of(found: &simulator::Account, client_secret: Option<&str>) -> Account {
    let mut credentials = Credentials::new();
    if found.kind == AccountKind::Client {
        credentials = credentials.with_client_secret(found.password.clone());
    } else {
        let temporary = found.temporary_password.clone().filter(|_| found.password.is_empty());
        let password = temporary.unwrap_or_else(|| found.password.clone());
        credentials = credentials.with_identity(&found.identity).with_password(password);
    }
    if let Some(secret) = &found.totp_secret {
        credentials = credentials.with_totp_secret(secret.clone());
    }
    if let Some(secret) = client_secret {
        credentials = credentials.with_client_secret(secret.to_owned());
    }
    Account { identity: found.identity.clone(), credentials }
}

impl Server for Simulated {
    fn adapter(&self) -> Arc<dyn AuthProvider> {
        Arc::clone(&self.adapter)
    }

    fn transport(&self) -> Arc<dyn HttpTransport> {
        Arc::new(self.simulator.in_process(Arc::clone(&self.clock)))
    }

    fn account(&self) -> Account {
        self.account.clone()
    }

    fn other_account(&self) -> Option<Account> {
        self.other.clone()
    }

    fn api_origins(&self) -> Vec<Origin> {
        Origin::parse(self.api).into_iter().collect()
    }

    fn resource(&self) -> Option<String> {
        Some(format!("{}{}", self.api, described(&self.simulator, "RESOURCE")))
    }

    fn access_life(&self) -> Option<Duration> {
        self.access_life
    }

    fn refusal_is_certain(&self) -> bool {
        self.refusal_is_certain
    }

    fn controls(&self) -> Option<&dyn Controls> {
        Some(self)
    }
}

impl Controls for Simulated {
    fn can(&self) -> &[Control] {
        CONTROLS
    }

    fn say(&self, op: Op, fault: &Fault, times: Times) -> Result<(), Unavailable> {
        let none = |what: &str| Unavailable::NotHere(format!("a simulator has no {what}"));
        let said = vocabulary::fault(fault)
            .ok_or_else(|| none(&format!("fault `{}` in words of its own", fault.name())))?;
        let operation = vocabulary::operation(op)
            .ok_or_else(|| none(&format!("operation `{op}` for a fault to meet")))?;
        self.simulator.inject(operation, said, vocabulary::times(times));
        Ok(())
    }

    fn clear(&self) {
        self.simulator.clear();
    }

    fn outage(&self, on: bool) {
        self.simulator.outage(on);
    }

    fn revoke(&self, identity: &str, refresh_tokens: RefreshTokens) {
        let refresh_tokens = match refresh_tokens {
            RefreshTokens::Keep => simulator::RefreshTokens::Keep,
            RefreshTokens::Revoke => simulator::RefreshTokens::Revoke,
        };
        self.simulator.revoke_all(identity, refresh_tokens);
    }

    fn expire(&self, identity: &str) {
        self.simulator.expire_access_tokens(identity);
    }

    fn set_password(&self, identity: &str, password: &SecretString) {
        self.simulator.change_account(identity, |account| {
            account.password = password.expose().to_owned();
        });
    }

    fn lock(&self, identity: &str, locked: bool) {
        self.simulator.change_account(identity, |account| account.locked = locked);
    }

    fn shift_clock(&self, by_millis: i64) {
        self.simulator.shift_clock(by_millis);
    }

    fn mail(&self, identity: &str) -> Option<SecretString> {
        self.simulator.delivered(identity).map(SecretString::new)
    }

    fn seen(&self) -> Vec<Seen> {
        self.simulator.records().into_iter().map(vocabulary::seen).collect()
    }

    fn secrets(&self) -> Vec<SecretString> {
        self.simulator.issued_secrets().into_iter().map(SecretString::new).collect()
    }
}
