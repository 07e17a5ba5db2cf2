//! IBEX behind a socket, in real time, with the real client and the proxy before it: what a live service is to
//! the suite. It proves the cases that need bytes, and is in no report.

use std::sync::Arc;

use async_trait::async_trait;
use countersign_conformance::{
    Account, Proxy, Server, Settings, Setup, Target, Time, Unavailable, Way,
};
use countersign_core::{AuthProvider, Credentials, HttpTransport, Origin};
use countersign_ibex::Ibex;
use countersign_reqwest::Client;
use countersign_runtime::SystemClock;
use countersign_simulator::{Running, Simulator};

pub(crate) struct BySocket;

#[async_trait]
impl Target for BySocket {
    fn name(&self) -> &str {
        "ibex_by_socket"
    }

    fn time(&self) -> Time {
        Time::Real
    }

    async fn open(&self, setup: &Setup) -> Result<Box<dyn Server>, Unavailable> {
        if setup.settings != Settings::USUAL {
            return Err(Unavailable::NotHere("its server is as it is".to_owned()));
        }
        let down = |why: String| Unavailable::Down(why);
        let simulator = Simulator::ibex().seed(setup.seed).build();
        let running = simulator.serve().await.map_err(|error| down(error.to_string()))?;
        let adapter = Ibex::at(&running.url()).map_err(|error| down(error.to_string()))?;
        let client = Client::new(reqwest::Client::builder()).map_err(|e| down(e.to_string()))?;
        let client = Arc::new(client) as Arc<dyn HttpTransport>;
        let watched = adapter.capabilities().credential_headers.clone();
        let clock = Arc::new(SystemClock::new());
        let proxy = Proxy::open(Arc::clone(&client), Arc::clone(&client), clock, &watched).await;
        let proxy = proxy.map_err(|error| down(error.to_string()))?;
        let known = simulator.account();
        let account = Account {
            credentials: Credentials::password(&known.identity, known.password.clone()),
            identity: known.identity,
        };
        Ok(Box::new(Opened {
            adapter: Arc::new(adapter),
            account,
            client,
            proxy: Arc::new(proxy),
            running,
        }))
    }
}

struct Opened {
    adapter: Arc<dyn AuthProvider>,
    account: Account,
    client: Arc<dyn HttpTransport>,
    proxy: Arc<Proxy>,
    running: Running,
}

impl Server for Opened {
    fn adapter(&self) -> Arc<dyn AuthProvider> {
        Arc::clone(&self.adapter)
    }

    fn transport(&self) -> Arc<dyn HttpTransport> {
        Arc::clone(&self.client)
    }

    fn way(&self) -> Option<Arc<dyn Way>> {
        Some(Arc::clone(&self.proxy) as Arc<dyn Way>)
    }

    fn account(&self) -> Account {
        self.account.clone()
    }

    fn api_origins(&self) -> Vec<Origin> {
        Origin::parse(&self.running.url()).into_iter().collect()
    }

    fn resource(&self) -> Option<String> {
        Some(format!("{}/sim/echo", self.running.url()))
    }
}
