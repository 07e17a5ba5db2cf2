//! The providers of this project over `countersign-simulator`: one file a provider.

pub(crate) mod cognito;
pub(crate) mod ibanera;
pub(crate) mod ibex;
pub(crate) mod ibex_oauth2;
pub(crate) mod igny8;
pub(crate) mod simulated;
pub(crate) mod vocabulary;
pub(crate) mod wikimedia;

use std::sync::Arc;

use async_trait::async_trait;
use countersign_conformance::{Server, Setup, Target, Unavailable};

/// A provider that is simulated in this process.
struct InProcess {
    name: &'static str,
    open: fn(&Setup) -> Result<Box<dyn Server>, Unavailable>,
}

const ALL: [InProcess; 6] = [
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
    ALL.into_iter().map(|target| Arc::new(target) as Arc<dyn Target>).collect()
}

/// The target of that name.
pub(crate) fn named(name: &str) -> Option<Arc<dyn Target>> {
    all().into_iter().find(|target| target.name() == name)
}
