//! What a case leaves behind: nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use countersign_conformance::{
    Account, Bench, Case, Finding, Server, Setup, Suite, Target, Unavailable,
};
use countersign_core::{AuthProvider, HttpTransport};

use crate::acme::Host;

/// Counts the servers that are up.
#[derive(Clone, Default)]
struct Counted(Arc<AtomicUsize>);

#[async_trait]
impl Target for Counted {
    fn name(&self) -> &str {
        "acme"
    }

    async fn open(&self, _: &Setup) -> Result<Box<dyn Server>, Unavailable> {
        self.0.fetch_add(1, Ordering::SeqCst);
        Ok(Box::new(Up { host: Host::default(), up: Arc::clone(&self.0) }))
    }
}

/// Acme's server as one that has to be stopped: a process, a port, a folder.
struct Up {
    host: Host,
    up: Arc<AtomicUsize>,
}

impl Drop for Up {
    fn drop(&mut self) {
        self.up.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Server for Up {
    fn adapter(&self) -> Arc<dyn AuthProvider> {
        self.host.adapter()
    }

    fn transport(&self) -> Arc<dyn HttpTransport> {
        self.host.transport()
    }

    fn account(&self) -> Account {
        self.host.account()
    }

    fn resource(&self) -> Option<String> {
        self.host.resource()
    }
}

async fn signs_in(bench: Bench) -> Result<(), Finding> {
    let session = bench.sign_in().await?;
    let waiting = session.clone();
    // It is there to the end of the case, and nobody waits for it.
    drop(tokio::spawn(async move { waiting.changed().await }));
    bench.process()?.open().await?.authorization().await?;
    Ok(())
}

async fn fails(bench: Bench) -> Result<(), Finding> {
    bench.sign_in().await?;
    Err(Finding::new("one thing", "another"))
}

async fn hangs(bench: Bench) -> Result<(), Finding> {
    bench.sign_in().await?;
    std::future::pending().await
}

#[test]
fn the_server_of_a_case_goes_with_the_case_however_that_ends() {
    let cases = [
        Case::new("g", "signs-in", "It signs in", |bench| Box::pin(signs_in(bench))),
        Case::new("g", "fails", "It fails", |bench| Box::pin(fails(bench))),
        Case::new("g", "hangs", "It hangs", |bench| Box::pin(hangs(bench))),
    ];
    let counted = Counted::default();
    let targets = [Arc::new(counted.clone()) as Arc<dyn Target>];
    let suite = Suite::new(cases, targets, 7).deadline(Duration::from_secs(60));
    let run = suite.run(|_| ()).expect("a run");
    assert_eq!((run.tally().passed, run.tally().failed), (1, 2));
    assert_eq!(counted.0.load(Ordering::SeqCst), 0, "servers that are still up");
}
