//! A server that has some of the words for faults, and says which it lacks.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use countersign_conformance::report::model::Outcome;
use countersign_conformance::{
    Account, Bench, Case, Control, Controls, Fault, Op, RefreshTokens, Seen, Server, Setup, Suite,
    Target, Times, Unavailable, expect,
};
use countersign_core::{AuthProvider, HttpTransport, SecretString};

use crate::acme::Host;

struct Wordy;

#[async_trait]
impl Target for Wordy {
    fn name(&self) -> &str {
        "acme"
    }

    async fn open(&self, _: &Setup) -> Result<Box<dyn Server>, Unavailable> {
        Ok(Box::new(Spoken(Host::default())))
    }
}

/// Acme's server with one word: that it is unavailable.
struct Spoken(Host);

impl Server for Spoken {
    fn adapter(&self) -> Arc<dyn AuthProvider> {
        self.0.adapter()
    }

    fn transport(&self) -> Arc<dyn HttpTransport> {
        self.0.transport()
    }

    fn account(&self) -> Account {
        self.0.account()
    }

    fn resource(&self) -> Option<String> {
        self.0.resource()
    }

    fn controls(&self) -> Option<&dyn Controls> {
        Some(self)
    }
}

impl Controls for Spoken {
    fn can(&self) -> &[Control] {
        &[Control::Words]
    }

    fn say(&self, _: Op, fault: &Fault, _: Times) -> Result<(), Unavailable> {
        match fault {
            Fault::Unavailable => Ok(()),
            Fault::ServerError => Err(Unavailable::Down("start acme's server".to_owned())),
            other => Err(Unavailable::NotHere(format!("acme has no {}", other.name()))),
        }
    }

    fn clear(&self) {}

    fn outage(&self, _: bool) {}

    fn revoke(&self, _: &str, _: RefreshTokens) {}

    fn expire(&self, _: &str) {}

    fn set_password(&self, _: &str, _: &SecretString) {}

    fn lock(&self, _: &str, _: bool) {}

    fn shift_clock(&self, _: i64) {}

    fn mail(&self, _: &str) -> Option<SecretString> {
        None
    }

    fn seen(&self) -> Vec<Seen> {
        Vec::new()
    }

    fn secrets(&self) -> Vec<SecretString> {
        Vec::new()
    }
}

fn suite(case: Case) -> Suite {
    let targets = [Arc::new(Wordy) as Arc<dyn Target>];
    Suite::new([case], targets, 7).deadline(Duration::from_secs(60))
}

fn outcome(case: Case) -> Outcome {
    let mut run = suite(case).run(|_| ()).expect("a run");
    run.providers.remove(0).cases.remove(0).outcome
}

#[test]
fn a_word_that_a_server_lacks_skips_the_case_with_the_reason() {
    let known = |bench: Bench| -> countersign_conformance::Running {
        Box::pin(async move { bench.next(Op::SignIn, Fault::Unavailable) })
    };
    assert_eq!(outcome(Case::new("g", "known", "t", known)), Outcome::Passed);
    let lacking = |bench: Bench| -> countersign_conformance::Running {
        Box::pin(async move { bench.next(Op::SignIn, Fault::EmptyToken) })
    };
    let skipped = Outcome::Skipped { reason: "acme has no empty_token".to_owned() };
    assert_eq!(outcome(Case::new("g", "lacking", "t", lacking)), skipped);
    // Who passes over it has shown nothing either.
    let careless = |bench: Bench| -> countersign_conformance::Running {
        Box::pin(async move {
            let said = bench.next(Op::SignIn, Fault::EmptyToken);
            expect::holds("a finding", said.is_err())
        })
    };
    assert_eq!(outcome(Case::new("g", "careless", "t", careless)), skipped);
    let down = |bench: Bench| -> countersign_conformance::Running {
        Box::pin(async move { bench.next(Op::SignIn, Fault::ServerError) })
    };
    let end = suite(Case::new("g", "down", "t", down)).run(|_| ());
    assert!(end.expect_err("it is down").to_string().contains("start acme's server"));
}
