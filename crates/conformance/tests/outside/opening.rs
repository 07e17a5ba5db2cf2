//! Targets whose server opens late, never, or with a panic: the run ends with a word, and with no panic of its own.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use countersign_conformance::report::model::Outcome;
use countersign_conformance::{
    Account, Bench, Case, Finding, How, Running, Server, Setup, Suite, Target, Time, Unavailable,
};
use countersign_core::{AuthProvider, HttpTransport};

use crate::acme::Host;

/// What is odd about a target.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Odd {
    /// It sleeps on the clock of its setup before it opens.
    Sleeps,
    Hangs,
    Blocks,
    Panics,
    PanicsOverItsAdapter,
    /// What a first look at it does not ask for.
    PanicsOverItsAccount,
    OpensASocket,
    /// A server in a runtime of its own, in this process.
    HasARuntime,
}

#[async_trait]
impl Target for Odd {
    fn name(&self) -> &str {
        "acme"
    }

    fn time(&self) -> Time {
        Time::Virtual
    }

    async fn open(&self, setup: &Setup) -> Result<Box<dyn Server>, Unavailable> {
        match self {
            Self::Sleeps => {
                let later = setup.clock.monotonic().after(Duration::from_secs(30));
                setup.clock.sleep_until(later).await;
            }
            Self::Hangs => std::future::pending().await,
            // Nobody else comes.
            Self::Blocks => drop(std::sync::Barrier::new(2).wait()),
            Self::Panics => panic!("no acme here"),
            Self::OpensASocket => {
                let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await;
                drop(listener.map_err(|error| Unavailable::Down(error.to_string()))?);
            }
            _ => {}
        }
        let runtime = (*self == Self::HasARuntime)
            .then(|| tokio::runtime::Builder::new_multi_thread().worker_threads(1).build())
            .transpose()
            .map_err(|error| Unavailable::Down(error.to_string()))?;
        Ok(Box::new(Up { host: Host::default(), odd: *self, _runtime: runtime }))
    }
}

struct Up {
    host: Host,
    odd: Odd,
    _runtime: Option<tokio::runtime::Runtime>,
}

impl Server for Up {
    fn adapter(&self) -> Arc<dyn AuthProvider> {
        assert!(self.odd != Odd::PanicsOverItsAdapter, "no adapter");
        self.host.adapter()
    }

    fn transport(&self) -> Arc<dyn HttpTransport> {
        self.host.transport()
    }

    fn account(&self) -> Account {
        assert!(self.odd != Odd::PanicsOverItsAccount, "no account");
        self.host.account()
    }

    fn resource(&self) -> Option<String> {
        self.host.resource()
    }
}

fn signs_in(bench: Bench) -> Running {
    Box::pin(async move { bench.sign_in().await.map(drop) })
}

/// The outcome of a case with that target, or what the run said when there was none.
fn end(odd: Odd, deadline: Duration) -> Result<Outcome, String> {
    let case = Case::new("g", "signs-in", "It signs in", signs_in);
    let suite = Suite::new([case], [Arc::new(odd) as Arc<dyn Target>], 7).deadline(deadline);
    let run = suite.run(|_| ()).map_err(|down| down.to_string())?;
    Ok(run.cases().next().expect("a case").1.outcome.clone())
}

fn failed(odd: Odd) -> Finding {
    match end(odd, Duration::from_secs(20)) {
        Ok(Outcome::Failed { finding }) => finding,
        other => panic!("the case must fail: {other:?}"),
    }
}

#[test]
fn a_server_that_opens_late_by_its_setups_clock_is_waited_for() {
    assert_eq!(end(Odd::Sleeps, Duration::from_secs(20)), Ok(Outcome::Passed));
}

#[test]
fn a_server_that_never_opens_ends_the_run_with_a_word() {
    let told = end(Odd::Hangs, Duration::from_secs(20)).expect_err("it hangs");
    assert!(told.starts_with("acme: ") && told.contains("can never happen"), "{told}");
    assert!(told.contains("`Time::Real`"), "{told}");
    let told = end(Odd::Blocks, Duration::from_millis(10)).expect_err("it blocks");
    assert_eq!(
        told,
        "acme: its server did not open within 10ms; start what it waits for, or give the suite \
         another deadline"
    );
}

#[test]
fn a_panic_before_the_first_case_is_told_with_its_words() {
    for (odd, words) in [(Odd::Panics, "no acme here"), (Odd::PanicsOverItsAdapter, "no adapter")] {
        let told = end(odd, Duration::from_secs(20)).expect_err("it panics");
        assert!(told.starts_with("acme: ") && told.ends_with(words), "{told}");
    }
    let told = end(Odd::OpensASocket, Duration::from_secs(20)).expect_err("there is no IO");
    assert!(told.contains("IO is disabled") && told.contains("`Time::Real`"), "{told}");
}

#[test]
fn a_panic_of_the_target_in_a_case_is_told_with_its_words() {
    let finding = failed(Odd::PanicsOverItsAccount);
    assert_eq!((finding.how, &*finding.came), (How::Panic, "a panic: no account"));
}

#[test]
fn a_server_may_have_a_runtime_of_its_own() {
    assert_eq!(end(Odd::HasARuntime, Duration::from_secs(20)), Ok(Outcome::Passed));
}

#[test]
fn a_suite_may_have_no_deadline() {
    assert_eq!(end(Odd::Sleeps, Duration::MAX), Ok(Outcome::Passed));
}
