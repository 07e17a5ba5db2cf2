//! The providers of this project over `countersign-simulator`: one file a provider.

mod by_socket;
pub(crate) mod cognito;
pub(crate) mod ibanera;
pub(crate) mod ibex;
pub(crate) mod ibex_oauth2;
pub(crate) mod igny8;
pub(crate) mod wikimedia;

use std::sync::Arc;

use async_trait::async_trait;
pub(crate) use countersign_conformance::simulated;
use countersign_conformance::{Server, Settings, Setup, Target, Unavailable};
use countersign_core::AuthProvider;
use countersign_runtime::ManualClock;

/// A provider that is simulated in this process.
#[derive(Clone, Copy)]
struct InProcess {
    name: &'static str,
    open: fn(&Setup) -> Result<Box<dyn Server>, Unavailable>,
}

const ALL: &[InProcess] = &[
    InProcess { name: "ibex", open: ibex::open },
    InProcess { name: "ibex_oauth2", open: ibex_oauth2::open },
    InProcess { name: "ibanera", open: ibanera::open },
    InProcess { name: "igny8", open: igny8::open },
    InProcess { name: "cognito", open: cognito::open },
    InProcess { name: "wikimedia", open: wikimedia::open },
];

#[async_trait]
impl Target for InProcess {
    fn name(&self) -> &str {
        self.name
    }

    async fn open(&self, setup: &Setup) -> Result<Box<dyn Server>, Unavailable> {
        (self.open)(setup)
    }
}

/// Every target, in the order of reports.
pub(crate) fn all() -> Vec<Arc<dyn Target>> {
    ALL.iter().map(|target| Arc::new(*target) as Arc<dyn Target>).collect()
}

/// An adapter by the name of its target.
pub(crate) type NamedAdapter = (&'static str, Arc<dyn AuthProvider>);

/// The adapter of each target, as it is set up for its usual server.
pub(crate) fn adapters() -> Result<Vec<NamedAdapter>, String> {
    let clock = Arc::new(ManualClock::default());
    let setup = Setup { seed: [0; 32], clock, settings: Settings::USUAL };
    let adapter = |target: &InProcess| match (target.open)(&setup) {
        Ok(server) => Ok((target.name, server.adapter())),
        Err(why) => Err(format!("{}: {why:?}", target.name)),
    };
    ALL.iter().map(adapter).collect()
}

/// The target of that name; also the one behind a socket, which is not among all.
pub(crate) fn named(name: &str) -> Option<Arc<dyn Target>> {
    let by_socket = Arc::new(by_socket::BySocket) as Arc<dyn Target>;
    all().into_iter().chain([by_socket]).find(|target| target.name() == name)
}
