//! A live service as a target: the adapter, the account and the secrets of a profile, and the real way there.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use countersign_cli::live::{Live, Refused};
use countersign_conformance::{
    Account, Proxy, Server, Settings, Setup, Target, Time, Unavailable, Way,
};
use countersign_core::http::HttpRequest;
use countersign_core::{AuthProvider, HttpTransport, Origin, SecretString};
use countersign_reqwest::Client;
use countersign_runtime::SystemClock;
use http::Method;
use tokio::runtime::Runtime;

use crate::args;

/// How long a connection may take to come about.
const CONNECT: Duration = Duration::from_secs(10);

/// One service, which all cases share. The secrets are read once, before the first case.
pub(super) struct Service {
    adapter: Arc<dyn AuthProvider>,
    account: Account,
    api_origins: Vec<Origin>,
    resource: Option<String>,
    next_password: Option<SecretString>,
    /// A proxy stands before it, for the faults.
    faults: bool,
}

impl Service {
    /// The service of a profile.
    pub(super) fn of(profile: &Live, wanted: &args::Live) -> Result<Self, String> {
        let adapter = profile.adapter();
        let api_origins = profile.api_origins().to_vec();
        if let Some(resource) = &wanted.resource {
            let realm = adapter.realm();
            let known = realm.api_origins.iter().chain([&realm.auth_origin]).chain(&api_origins);
            check_resource(resource, known)?;
        }
        let read = runtime()?.block_on(async {
            let credentials = profile.credentials().await?;
            let next = match &wanted.next_password {
                Some(text) => Some(profile.secret("--next-password", text).await?),
                None => None,
            };
            Ok((credentials, next))
        });
        let (credentials, next_password) = read.map_err(|refused: Refused| refused.to_string())?;
        let account = Account { identity: profile.account().to_owned(), credentials };
        let resource = wanted.resource.clone();
        let faults = wanted.faults;
        Ok(Self { adapter, account, api_origins, resource, next_password, faults })
    }
}

/// A resource must be where tokens of this profile may go.
fn check_resource<'a>(
    url: &str,
    mut known: impl Iterator<Item = &'a Origin>,
) -> Result<(), String> {
    let wrong = |error: countersign_core::Error| {
        format!("--resource {}: {}", url.escape_debug(), error.hint_text())
    };
    let request = HttpRequest::new(Method::GET, url).map_err(wrong)?;
    let uri = request.uri();
    let (scheme, host) = (uri.scheme_str().unwrap_or_default(), uri.host().unwrap_or_default());
    let origin = Origin::from_parts(scheme, host, uri.port_u16()).map_err(wrong)?;
    match known.any(|one| *one == origin) {
        true => Ok(()),
        false => Err(format!(
            "--resource is at {origin}, where no token of this profile may go; add \
             api_origins = [\"{origin}\"] to the profile, or name another address"
        )),
    }
}

/// Whether anything answers where the profile's provider is. Nothing secret is sent.
pub(super) fn probe(profile: &Live) -> Result<(), String> {
    let adapter = profile.adapter();
    let origin = &adapter.realm().auth_origin;
    let down = |why: String| {
        let name = profile.name();
        format!(
            "nothing answers at {origin}: {why}; start the server, or correct its address in the \
             profile `{name}`"
        )
    };
    let address = format!("{origin}/");
    let request = HttpRequest::new(Method::GET, &address).map_err(|e| down(e.to_string()))?;
    let client = client().map_err(down)?;
    // Whatever it answers to that, it is there.
    let answer = runtime()?.block_on(client.send(request));
    answer.map(drop).map_err(|error| down(error.to_string()))
}

fn client() -> Result<Client, String> {
    Client::new(reqwest::Client::builder().connect_timeout(CONNECT)).map_err(|e| e.to_string())
}

fn runtime() -> Result<Runtime, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(|error| format!("no runtime: {error}"))
}

#[async_trait]
impl Target for Service {
    fn name(&self) -> &str {
        self.adapter.id().as_str()
    }

    fn time(&self) -> Time {
        Time::Real
    }

    async fn open(&self, setup: &Setup) -> Result<Box<dyn Server>, Unavailable> {
        if setup.settings != Settings::USUAL {
            return Err(Unavailable::NotHere("a live service is as it is".to_owned()));
        }
        // One for each case: connections end with the runtime that opened them.
        let client = client().map_err(Unavailable::Down)?;
        let proxy = match self.faults {
            true => Some(Arc::new(proxy(&client, &*self.adapter).await?)),
            false => None,
        };
        Ok(Box::new(Opened {
            adapter: Arc::clone(&self.adapter),
            account: self.account.clone(),
            api_origins: self.api_origins.clone(),
            resource: self.resource.clone(),
            next_password: self.next_password.clone(),
            client,
            proxy,
        }))
    }
}

/// What stands before the service: it meets the client on this machine, and does the TLS itself.
async fn proxy(client: &Client, adapter: &dyn AuthProvider) -> Result<Proxy, Unavailable> {
    let client = Arc::new(client.clone()) as Arc<dyn HttpTransport>;
    let clock = Arc::new(SystemClock::new());
    let watched = &adapter.capabilities().credential_headers;
    let opened = Proxy::open(Arc::clone(&client), client, clock, watched).await;
    opened.map_err(|error| Unavailable::Down(format!("no proxy on this machine: {error}")))
}

/// The service as one case has it.
struct Opened {
    adapter: Arc<dyn AuthProvider>,
    account: Account,
    api_origins: Vec<Origin>,
    resource: Option<String>,
    next_password: Option<SecretString>,
    client: Client,
    proxy: Option<Arc<Proxy>>,
}

impl Server for Opened {
    fn adapter(&self) -> Arc<dyn AuthProvider> {
        Arc::clone(&self.adapter)
    }

    fn transport(&self) -> Arc<dyn HttpTransport> {
        Arc::new(self.client.clone())
    }

    fn way(&self) -> Option<Arc<dyn Way>> {
        self.proxy.clone().map(|proxy| proxy as Arc<dyn Way>)
    }

    fn account(&self) -> Account {
        self.account.clone()
    }

    fn api_origins(&self) -> Vec<Origin> {
        self.api_origins.clone()
    }

    fn resource(&self) -> Option<String> {
        self.resource.clone()
    }

    fn next_password(&self) -> SecretString {
        self.next_password.clone().unwrap_or_else(|| SecretString::new(""))
    }

    fn has_next_password(&self) -> bool {
        self.next_password.is_some()
    }
}
